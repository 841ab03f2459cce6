'use strict';

/*
 * model.js: what rooms, typing and presence should come to, in memory.
 *
 * Whoever uses it tells it what the devices do, and is told what each of them
 * should have heard since the last time.  A device has a "name" and a "user",
 * and in "got" what it did hear: [event, argument] in order.  Time is in ms,
 * and a moment is known as "from" and "to" at best.
 */

/* a mark for what may not happen together with anything else */
const ALONE = '*';


class User {

    constructor() {
        this.devices = new Set();
        this.status = 'offline';
        this.told = 'offline';
        this.custom = undefined;
        this.lingers = new Set();       /* rooms to be told it is offline */
        this.gone = null;               /* { from, to }: when that is */
    }

    get effective() {
        return this.devices.size ? this.status : 'offline';
    }
}


class Model {

    constructor({ scope, typing, grace }) {
        this.scope = scope;
        this.timeout = typing;
        this.grace = grace;
        this.users = new Map();
        this.rooms = new Map();         /* name -> Set of devices */
        this.threads = new Map();       /* key -> entries, by their start */
        this.hears = new Map();         /* device -> [key, text] ... */
    }

    user(id) {
        if (!this.users.has(id)) {
            this.users.set(id, new User());
        }

        return this.users.get(id);
    }

    room(name) {
        if (!this.rooms.has(name)) {
            this.rooms.set(name, new Set());
        }

        return this.rooms.get(name);
    }

    has(device, name) {
        return this.room(name).has(device);
    }

    occupies(user, name) {
        return [...this.room(name)].some((d) => d.user === user);
    }

    roomsOf(user) {
        return [...this.rooms.keys()].filter((r) => this.occupies(user, r));
    }

    /* members, with "user" */
    people(name, user) {
        return new Set([user, ...[...this.room(name)].map((d) => d.user)]).size;
    }

    /* "devices" hear the event */
    tell(devices, event, arg) {
        for (const d of devices) {
            this.hears.get(d).push([event, arg]);
        }
    }

    connect(device) {
        const user = this.user(device.user);
        const first = user.devices.size === 0;

        this.hears.set(device, []);
        user.devices.add(device);

        if (first) {
            user.status = 'online';
            user.gone = null;

            if (user.told !== 'online') {
                this.announce(device.user);
            }

            user.lingers.clear();
        }
    }

    disconnect(device, from, to) {
        const user = this.user(device.user);

        if (!user.devices.has(device)) {
            return;
        }

        const rooms = [...this.rooms.keys()].filter((r) => {
            return this.has(device, r);
        });

        this.hears.delete(device);
        rooms.forEach((r) => this.leave(device, r));
        user.devices.delete(device);

        if (user.devices.size || user.told === 'offline') {
            return;
        }

        rooms.forEach((r) => user.lingers.add(r));
        user.gone = { from: from + this.grace, to: to + this.grace };
    }

    join(device, name) {
        const room = this.room(name);

        if (room.has(device)) {
            return;
        }

        if (!this.occupies(device.user, name)) {
            this.tell(room, 'user:joined',
                      { roomName: name, userId: device.user });
        }

        room.add(device);
    }

    leave(device, name) {
        const room = this.room(name);

        room.delete(device);

        for (const [key, entries] of this.threads) {
            const mine = entries.find((e) => {
                return e.device === device && e.roomName === name;
            });

            if (mine) {
                this.end(key, mine, room);
            }
        }

        if (!this.occupies(device.user, name)) {
            this.tell(room, 'user:left',
                      { roomName: name, userId: device.user });
        }
    }

    shown(key) {
        const entries = this.threads.get(key) || [];

        return [...new Set(entries.map((e) => e.device.user))];
    }

    start(device, roomName, threadId, from, to) {
        const key = JSON.stringify([roomName, threadId]);
        const entries = this.threads.get(key) || [];
        const due = { from: from + this.timeout, to: to + this.timeout };
        const mine = entries.find((e) => e.device === device);

        if (mine) {
            Object.assign(mine, due);
            return;
        }

        const shown = this.shown(key).includes(device.user);

        entries.push({ device, roomName, threadId, ...due });
        this.threads.set(key, entries);

        if (!shown) {
            this.list(key, entries[0], this.others(roomName, device));
        }
    }

    stop(device, roomName, threadId) {
        const key = JSON.stringify([roomName, threadId]);
        const mine = (this.threads.get(key) || []).find((e) => {
            return e.device === device;
        });

        if (mine) {
            this.end(key, mine, this.others(roomName, device));
        }
    }

    /* where a user types */
    typing(id) {
        return [...this.threads.values()].flat().filter((e) => {
            return e.device.user === id;
        });
    }

    others(roomName, device) {
        return [...this.room(roomName)].filter((d) => d !== device);
    }

    end(key, entry, audience) {
        const left = this.threads.get(key).filter((e) => e !== entry);

        this.threads.set(key, left);

        if (!this.shown(key).includes(entry.device.user)) {
            this.list(key, entry, audience);
        }
    }

    list(key, { roomName, threadId }, audience) {
        this.tell(audience, 'typing:event', {
            roomName, ...(threadId === undefined ? {} : { threadId }),
            users: this.shown(key)
        });
    }

    update(device, { status, customStatus }) {
        const user = this.user(device.user);

        user.status = status;

        if (customStatus) {
            user.custom = Object.keys(customStatus).length ? customStatus
                                                           : undefined;
        }

        this.announce(device.user);
    }

    presence(id) {
        const user = this.user(id);

        return {
            userId: id, status: user.effective,
            ...(user.custom ? { customStatus: user.custom } : {})
        };
    }

    announce(id) {
        const user = this.user(id);
        let audience = this.hears.keys();

        if (this.scope === 'rooms') {
            audience = new Set([...user.lingers, ...this.roomsOf(id)]
                               .flatMap((r) => [...this.room(r)]));
        }

        this.tell(audience, 'presence:changed', this.presence(id));
        user.told = user.effective;
    }

    /* what the ack of presence:request has, or null */
    request(device, id) {
        const meet = id === device.user || this.roomsOf(id).some((r) => {
            return this.occupies(device.user, r);
        });

        return this.scope === 'all' || meet ? this.presence(id) : null;
    }

    answer(device, id) {
        const arg = this.request(device, id);

        if (arg) {
            this.tell([device], 'presence:changed', arg);
        }
    }

    /* when all is over that may end by itself before "at"; 0 for nothing */
    due(at) {
        let last = 0;

        for (const e of this.pending()) {
            if (e.from <= at) {
                last = Math.max(last, e.to);
            }
        }

        return last;
    }

    pending() {
        return [...[...this.threads.values()].flat(),
                ...[...this.users.values()].map((u) => u.gone)
                                           .filter((gone) => gone)];
    }

    /* it ends, in order */
    pass(until) {
        const over = [];

        for (const [key, entries] of this.threads) {
            entries.filter((e) => e.from <= until).forEach((e) => {
                over.push({ at: e.from, end: () => {
                    this.end(key, e, this.room(e.roomName));
                } });
            });
        }

        for (const [id, user] of this.users) {
            if (user.gone && user.gone.from <= until) {
                over.push({ at: user.gone.from, end: () => {
                    user.gone = null;
                    this.announce(id);
                    user.lingers.clear();
                } });
            }
        }

        over.sort((a, b) => a.at - b.at).forEach((o) => o.end());
    }

    /* what was to be heard so far has been heard */
    forget() {
        this.hears.forEach((list) => list.splice(0));
    }

    /*
     * null if all "devices" have heard what they should, else a text that says
     * what is wrong.  With "finals" only what they know at the end counts;
     * with "shrink" typists may have gone in any order; that one of
     * "users" is offline may have been told or not.
     */
    compare(devices, { finals, shrink, users } = {}) {
        for (const d of devices) {
            const want = sort(this.hears.get(d));
            const got = sort(d.got);

            for (const key of new Set([...want.keys(), ...got.keys()])) {
                const a = want.get(key) || [];
                const b = got.get(key) || [];
                const same = JSON.stringify(a) === JSON.stringify(b);
                const event = key.split(' ')[0];

                if (same || (finals && this.last(event, a, b))
                    || (shrink && event === 'typing:event' && shrinks(a, b))
                    || (users && event === 'presence:changed'
                        && users.has(key.split(' ')[1])
                        && a.length + b.length === 1))
                {
                    continue;
                }

                return `${d.name} should have heard, of ${key}:\n`
                       + `${a.map((x) => JSON.stringify(x)).join('\n')}\n`
                       + `and heard:\n`
                       + `${b.map((x) => JSON.stringify(x)).join('\n')}`;
            }
        }

        return null;
    }

    /* nobody types any more, and everybody knows of everybody */
    last(event, want, got) {
        const a = want[want.length - 1];
        const b = got[got.length - 1];

        return event === 'typing:event'
               ? b === undefined || b.users.length === 0
               : event === 'presence:changed'
                 && (b === undefined || b.status === this.user(b.userId).told)
                 && (a === undefined || b !== undefined);
    }
}


/* by what they are about; who comes and goes at once does so in any order */
function sort(events) {
    const map = new Map();

    for (const [event, arg] of events || []) {
        const room = /^user:/.test(event);
        const key = `${room ? 'user' : event} `
                    + (room ? `${arg.roomName} ${arg.userId}`
                       : arg.roomName === undefined ? arg.userId
                       : `${arg.roomName} ${JSON.stringify(arg.threadId)}`);

        if (!map.has(key)) {
            map.set(key, []);
        }

        map.get(key).push(room ? { event, ...arg } : arg);
    }

    return map;
}


/* each list has less than the one before, and the last is empty, as it is to */
function shrinks(want, got) {
    if (want.length === 0 || got.length === 0) {
        return false;
    }

    return got[got.length - 1].users.length === 0
           && got.every((e, i) => i === 0
                        || e.users.length < got[i - 1].users.length);
}


module.exports = { ALONE, Model };
