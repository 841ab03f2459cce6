/*
 * people.js: who is in a room, with which status, and who is typing.
 *
 * Connections here are anonymous, so the server cannot say who somebody is.
 * The pages tell each other, with events that nginx relays to the other
 * members of a room:
 *
 *     chat:hello   { roomName, id, name, status }   I am new: who is here?
 *     chat:here    { roomName, id, name, status }   the answer, and changes
 *     chat:typing  { roomName, id, typing }
 *     chat:bye     { roomName, id }
 *
 * Whoever vanishes says nothing; then the server's user:left tells that
 * somebody is gone, but not who.  It makes everybody answer a roll call:
 * everybody says chat:here, and who was not heard in time is not here.
 *
 * With tokens the server does all this: user:joined and user:left name the
 * user, typing:start, typing:stop and presence:update are its own.  Then this
 * file is what changes.
 */

import { cleanName } from './me.js';

/* how long an answer to a roll call may take */
const ROLL_TIME = 3000;

/* typing is told again after the first, and believed for the second */
const TYPING_EVERY = 2000;
const TYPING_FOR = 5000;

/* and is over when nothing was typed for so long */
const TYPING_IDLE = 3000;

/* a room is shown, not counted: strangers must not fill our memory */
const PEOPLE_MAX = 500;

const STATUSES = ['online', 'away', 'busy'];


export class People {

    /*
     * "on" is told what happens: changed(room), came(room, person),
     * went(room, person), renamed(room, person, before), clash(room).
     */
    constructor(socket, me, on) {
        this.socket = socket;
        this.me = me;
        this.on = on;
        this.rooms = new Map();
        this.typing = null;

        socket.on('chat:hello', (data) => this.heard(data, 'hello'));
        socket.on('chat:here', (data) => this.heard(data, 'here'));
        socket.on('chat:typing', (data) => this.heardTyping(data));
        socket.on('chat:bye', (data) => this.heardBye(data));
        socket.on('user:left', ({ roomName }) => {
            this.answer(roomName);
            this.callRoll(roomName);
        });
        socket.on('disconnect', () => this.lost());
    }

    /* the server has let us in, for the first time or again */
    entered(room) {
        const here = this.rooms.get(room) || {
            people: new Map(), live: false, roll: 0
        };

        here.live = true;
        this.rooms.set(room, here);
        this.say('hello', room);
        this.callRoll(room);
    }

    /* before the server is told */
    leave(room) {
        this.say('bye', room);
        this.rooms.delete(room);
    }

    leaveAll() {
        [...this.rooms.keys()].forEach((room) => this.leave(room));
    }

    /* our name or our status is another one */
    announce() {
        this.rooms.forEach((here, room) => this.answer(room));
    }

    /* somebody types here; '' ends it */
    type(room, text) {
        const now = performance.now();

        if (this.typing && (this.typing.room !== room || !text.trim())) {
            this.stopTyping();
        }

        if (!text.trim()) {
            return;
        }

        if (!this.typing || now - this.typing.told > TYPING_EVERY) {
            clearTimeout(this.typing && this.typing.timer);
            this.typing = { room, told: now };
            this.say('typing', room, { typing: true });
        }

        clearTimeout(this.typing.timer);
        this.typing.timer = setTimeout(() => this.stopTyping(), TYPING_IDLE);
    }

    stopTyping() {
        if (this.typing) {
            clearTimeout(this.typing.timer);
            this.say('typing', this.typing.room, { typing: false });
            this.typing = null;
        }
    }

    /* [{ id, name, status, typing }] of the others, by name */
    list(room) {
        const here = this.rooms.get(room);

        return [...(here ? here.people.values() : [])]
               .sort((a, b) => a.name.localeCompare(b.name)
                               || (a.id < b.id ? -1 : 1));
    }

    say(what, room, more) {
        const here = this.rooms.get(room);

        if (here && here.live) {
            this.socket.emit(`chat:${what}`, {
                roomName: room, id: this.me.id, ...more,
                ...(/^he/.test(what) && {
                    name: this.me.name, status: this.me.status
                })
            });
        }
    }

    answer(room) {
        this.say('here', room);
    }

    /* who does not answer in time is gone */
    callRoll(room) {
        const here = this.rooms.get(room);

        if (!here) {
            return;
        }

        const roll = ++here.roll;

        setTimeout(() => {
            if (!here.live || this.rooms.get(room) !== here) {
                return;
            }

            for (const person of here.people.values()) {
                if (person.roll < roll) {
                    this.forget(room, person.id);
                }
            }
        }, ROLL_TIME);
    }

    heard(data, what) {
        const here = this.rooms.get(data.roomName);
        const name = cleanName(data.name || '');
        const known = here && here.people.get(data.id);

        if (!here || !isId(data.id) || data.id === this.me.id || !name
            || !STATUSES.includes(data.status)
            || (!known && here.people.size >= PEOPLE_MAX))
        {
            return;
        }

        const person = known || { id: data.id, typing: false };
        const before = person.name;

        Object.assign(person, { name, status: data.status, roll: here.roll });
        here.people.set(data.id, person);

        if (what === 'hello') {
            this.answer(data.roomName);

        } else if (!known && name === this.me.name) {
            /* we are the one who came later */
            this.on.clash(data.roomName);
        }

        if (!known && what === 'hello') {
            this.on.came(data.roomName, person);

        } else if (known && before !== name) {
            this.on.renamed(data.roomName, person, before);
        }

        this.on.changed(data.roomName);
    }

    heardTyping(data) {
        const here = this.rooms.get(data.roomName);
        const person = here && here.people.get(data.id);

        if (!person) {
            return;
        }

        clearTimeout(person.timer);
        person.roll = here.roll;
        person.typing = data.typing === true;

        if (person.typing) {
            person.timer = setTimeout(() => {
                person.typing = false;
                this.on.changed(data.roomName);
            }, TYPING_FOR);
        }

        this.on.changed(data.roomName);
    }

    heardBye(data) {
        this.forget(data.roomName, data.id);
    }

    forget(room, id) {
        const here = this.rooms.get(room);
        const person = here && here.people.get(id);

        if (person) {
            clearTimeout(person.timer);
            here.people.delete(id);
            this.on.went(room, person);
            this.on.changed(room);
        }
    }

    /* nothing can be known until the server has let us in again */
    lost() {
        this.rooms.forEach((here) => {
            here.live = false;
        });

        this.stopTyping();

        this.rooms.forEach((here, room) => {
            here.people.forEach((person) => {
                clearTimeout(person.timer);
                person.typing = false;
            });

            this.on.changed(room);
        });
    }
}


function isId(id) {
    return typeof id === 'string' && /^[0-9a-f]{16}$/.test(id);
}
