/*
 * people.js: who is in a room, how they are, and who is typing.
 *
 * The server says who comes and goes (user:joined, user:left), who types
 * (typing:event) and how everybody is (presence:changed).  Who was in a room
 * before us it does not list, so the pages tell each other, with two events
 * that nginx relays (realtime_on):
 *
 *     chat:hello  { roomName }                 I am new: who is here?
 *     chat:here   { roomName, targetUserId }   the answer, to the new one alone
 *
 * Both arrive with the sender's userId, which the server sets: nobody can
 * answer for somebody else.
 */

/* typing ends by itself after 3 s (realtime_typing_timeout) unless renewed */
const TYPING_EVERY = 2000;
const TYPING_IDLE = 2500;

/* a room is shown, not counted: strangers must not fill our memory */
const PEOPLE_MAX = 500;


export class People {

    /*
     * "say" emits an event.  "on" is told what happens: changed(room),
     * came(room, id), went(room, id), own(presence).
     */
    constructor(socket, say, on) {
        this.say = say;
        this.on = on;
        this.me = '';
        this.rooms = new Map();
        this.presence = new Map();
        this.typing = null;

        socket.on('authenticated', (data) => this.authenticated(data));
        socket.on('user:joined', (data) => this.joined(data));
        socket.on('user:left', (data) => this.left(data));
        socket.on('typing:event', (data) => this.types(data));
        socket.on('presence:changed', (data) => this.changed(data));
        socket.on('chat:hello', (data) => this.hello(data));
        socket.on('chat:here', (data) => this.add(data));
        socket.on('disconnect', () => this.lost());
    }

    /* whatever was known may have changed while nobody told us */
    authenticated({ userId }) {
        this.me = userId;
        this.presence.clear();
        this.say('presence:request', { userId });
    }

    /* the server has let us in, for the first time or again */
    entered(room) {
        this.rooms.set(room, { ids: new Set(), typing: [], live: true });
        this.say('chat:hello', { roomName: room });
    }

    leave(room) {
        this.stopTyping(room);
        this.rooms.delete(room);
    }

    /* [{ id, status, customStatus, typing }] of the others, by name */
    list(room) {
        const here = this.rooms.get(room) || { ids: [], typing: [] };

        return [...here.ids].sort((a, b) => a.localeCompare(b)).map((id) => ({
            id, ...this.presence.get(id), typing: here.typing.includes(id)
        }));
    }

    /* somebody types here; '' ends it */
    type(room, text) {
        const here = this.rooms.get(room);
        const now = performance.now();

        if (this.typing && (this.typing.room !== room || !text.trim())) {
            this.stopTyping();
        }

        if (!text.trim() || !here || !here.live) {
            return;
        }

        if (!this.typing || now - this.typing.told > TYPING_EVERY) {
            clearTimeout(this.typing && this.typing.timer);
            this.typing = { room, told: now };
            this.say('typing:start', { roomName: room });
        }

        clearTimeout(this.typing.timer);
        this.typing.timer = setTimeout(() => this.stopTyping(), TYPING_IDLE);
    }

    stopTyping(room = this.typing && this.typing.room) {
        if (this.typing && this.typing.room === room) {
            clearTimeout(this.typing.timer);
            this.typing = null;

            if (this.rooms.get(room)?.live) {
                this.say('typing:stop', { roomName: room });
            }
        }
    }

    /* whether the room gained somebody */
    add({ roomName, userId }) {
        const here = this.rooms.get(roomName);

        if (!here || typeof userId !== 'string' || userId === this.me
            || here.ids.has(userId) || here.ids.size >= PEOPLE_MAX)
        {
            return false;
        }

        here.ids.add(userId);

        if (!this.presence.has(userId)) {
            this.presence.set(userId, { status: 'online' });
            this.say('presence:request', { userId });
        }

        this.on.changed(roomName);

        return true;
    }

    joined(data) {
        if (this.add(data)) {
            this.on.came(data.roomName, data.userId);
        }
    }

    left({ roomName, userId }) {
        const here = this.rooms.get(roomName);

        if (here && here.ids.delete(userId)) {
            this.on.went(roomName, userId);
            this.on.changed(roomName);
        }
    }

    hello(data) {
        this.add(data);

        if (data.userId !== this.me) {
            this.say('chat:here', {
                roomName: data.roomName, targetUserId: data.userId
            });
        }
    }

    types({ roomName, threadId, users }) {
        const here = this.rooms.get(roomName);

        if (here && threadId === undefined) {
            here.typing = users;
            this.on.changed(roomName);
        }
    }

    changed({ userId, status, customStatus }) {
        if (userId === this.me) {
            this.on.own({ status, customStatus });

        } else if (this.presence.has(userId)) {
            this.presence.set(userId, { status, customStatus });

            for (const [room, here] of this.rooms) {
                if (here.ids.has(userId)) {
                    this.on.changed(room);
                }
            }
        }
    }

    /* nothing can be known until the server has let us in again */
    lost() {
        this.rooms.forEach((here, room) => {
            here.live = false;
            here.typing = [];
            this.on.changed(room);
        });

        this.stopTyping();
    }
}
