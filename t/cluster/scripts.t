#!/usr/bin/env node
'use strict';

/*
 * The scripts that all hosts execute, in a real Redis: examples, and random
 * calls against models.  It is a cluster of one, so that Redis refuses a
 * script that touches more than its key.
 *
 * REALTIME_SEED  a number: the same calls again
 */

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { Random } = require('../lib/random');
const redis = require('../lib/redis');
const { connect } = require('../lib/resp');
const { freePort } = require('../lib/server');
const { diag, group, is, isDeeply, like, ok, run, test,
        until } = require('../lib/tap');

const TOP = path.resolve(__dirname, '..', '..');
const SEED = Number(process.env.REALTIME_SEED || Date.now() % 1000000);
const HOUR = 3600000;

/* users may be called anything; as bytes */
const NAMES = ['bob', 'a,b', ',', 'x,h1.1,', 'u:', 'n', 'q', ':', 'c:h1.1',
    '\0', 'nul\0nul', ' ', '7', '%d+', '\xc3\xa9', '\r\n', 'h1.1:bob',
    'long'.repeat(5000)];

let keys = 0;


/* what the module has: { name: { args, sha1, text } } */
function scripts() {
    for (const [command, args] of [
        ['make', ['-s', 'build/scripts']], ['build/scripts', []]
    ]) {
        const res = spawnSync(command, args, { cwd: TOP, encoding: 'utf8' });

        if (res.status !== 0) {
            throw new Error(`${command}: ${res.error || res.stderr}`);
        }

        if (command !== 'make') {
            return table(res.stdout.split('\0'));
        }
    }
}


function table(words) {
    const all = {};

    while (words.length > 1) {
        const [name, args, sha1, text] = words.splice(0, 4);

        all[name] = { args: Number(args), sha1, text };
    }

    return all;
}


class Client {

    constructor(connection, all) {
        this.connection = connection;
        this.all = all;
    }

    send(...args) {
        return this.connection.send(...args);
    }

    call(name, key, ...args) {
        return this.send('EVALSHA', this.all[name].sha1, 1, key, ...args);
    }

    /* what a hash holds, as an object */
    async hash(key) {
        const list = await this.send('HGETALL', key);
        const object = {};

        for (let i = 0; i < list.length; i += 2) {
            object[list[i]] = list[i + 1];
        }

        return object;
    }

    /* calls of a command since CONFIG RESETSTAT, and us that they took */
    async cost(command) {
        const text = await this.send('INFO', 'commandstats');
        const re = new RegExp(`cmdstat_${command}:calls=(\\d+),usec=(\\d+)`);
        const [, calls, usec] = re.exec(text) || [0, 0, 0];

        return { calls: Number(calls), usec: Number(usec) };
    }
}


/* a key that nobody has */
function key(kind) {
    return `rt:${kind}:${keys++}`;
}


/* the answer, and the same answer again: the first may have been lost */
async function twice(c, ...args) {
    const answer = await c.call(...args);

    isDeeply(await c.call(...args), answer, `${args} again`);

    return answer;
}


async function loading(c) {
    await test('Redis calls each as the module does', async () => {
        for (const [name, { sha1, text }] of Object.entries(c.all)) {
            is(await c.send('SCRIPT', 'LOAD', text), sha1, name);
        }

        is(Object.keys(c.all).length, 19, 'scripts');
    });

    await test('each ends with as many arguments as it says', async () => {
        for (const [name, { args }] of Object.entries(c.all)) {
            const words = ['h1.1', '1', '1', '1', '0'].slice(0, args);
            const at = key('any');

            words[0] = name === 'limit' ? '1' : words[0];
            ok(Array.isArray(await c.call(name, at, ...words)), name);
        }
    });

    await test('one that reads leaves no key', async () => {
        for (const name of ['room_read', 'pres_get']) {
            const at = key('none');

            await c.call(name, at);
            is(await c.send('EXISTS', at), 0, name);
        }
    });
}


async function rooms(c) {
    await test('first and last, whatever the order of hosts', async () => {
        const at = key('room');

        isDeeply(await twice(c, 'room_join', at, 'h1.1', 'bob', 0, 0),
                 [1, 1, 0], 'the first host');
        isDeeply(await twice(c, 'room_join', at, 'h2.1', 'bob', 0, 0),
                 [0, 1, 0], 'another one');
        isDeeply(await twice(c, 'room_join', at, 'h1.1', 'bob', 0, 0),
                 [1, 1, 0], 'the first again: still its to tell');
        isDeeply(await twice(c, 'room_join', at, 'h2.1', 'eve', 0, 0),
                 [1, 2, 0], 'another user');
        isDeeply(await twice(c, 'room_leave', at, 'h1.1', 'bob'),
                 [0, 2], 'one of two hosts');
        isDeeply(await twice(c, 'room_leave', at, 'h2.1', 'bob'),
                 [1, 1], 'the last host');
        isDeeply(await c.call('room_read', at), [1], 'total');
        isDeeply(await twice(c, 'room_leave', at, 'h2.1', 'eve'),
                 [1, 0], 'the last user');
        is(await c.send('EXISTS', at), 0, 'nothing is left');
    });

    await test('a host is not one whose name is a part of its', async () => {
        const at = key('room');

        await c.call('room_join', at, 'h1.11', 'bob', 0, 0);
        await c.call('room_join', at, 'xh1.1', 'bob', 0, 0);
        isDeeply(await c.call('room_join', at, 'h1.1', 'bob', 0, 0),
                 [0, 1, 0], 'the third');
        await c.call('room_leave', at, 'h1.1', 'bob');
        is((await c.hash(at))['u:bob'], ',h1.11,xh1.1,', 'the others');
    });

    await test('any bytes are a user', async () => {
        const at = key('room');

        for (let i = 0; i < NAMES.length; i++) {
            isDeeply(await twice(c, 'room_join', at, 'h1.1', NAMES[i], 0, 0),
                     [1, i + 1, 0], `join ${NAMES[i].slice(0, 40)}`);
        }

        isDeeply(await c.call('room_sync', at, 'h2.1', 0, 0, 1, 0, ...NAMES),
                 [NAMES.length, [], []], 'sync');
        await c.call('room_purge', at, 'h1.1');

        const [n, gone] = await c.call('room_purge', at, 'h2.1');

        is(n, 0, 'total');
        isDeeply(gone.sort(), [...NAMES].sort(), 'gone');
    });

    await test('at most so many, who is there already included', async () => {
        const at = key('room');

        await c.call('room_join', at, 'h1.1', 'a', 0, 2);
        await c.call('room_join', at, 'h2.1', 'b', 0, 2);
        isDeeply(await c.call('room_join', at, 'h3.1', 'c', 0, 2), [0, 2, 1],
                 'refused');
        isDeeply(await c.call('room_join', at, 'h3.1', 'a', 0, 2), [0, 2, 0],
                 'a member elsewhere');
        is((await c.hash(at))['u:c'], undefined, 'the refused one');

        const none = key('room');

        await c.call('room_anon', none, 'h1.1', 2, 0);
        isDeeply(await c.call('room_join', none, 'h1.1', 'c', 0, 2),
                 [0, 2, 1], 'anonymous ones are people, too');
    });

    await test('anonymous sockets are counted per host', async () => {
        const at = key('room');

        isDeeply(await twice(c, 'room_anon', at, 'h1.1', 3, 1), [3], 'h1');
        isDeeply(await twice(c, 'room_anon', at, 'h2.1', 2, 1), [5], 'h2');
        isDeeply(await twice(c, 'room_anon', at, 'h1.1', 1, 1), [3], 'less');
        isDeeply(await c.call('room_join', at, 'h1.1', 'a', 1, 0), [1, 4, 0],
                 'a user with them');
        isDeeply(await c.call('room_purge', at, 'h2.1'), [2, [], 2, 1],
                 'purge, quiet');
        isDeeply(await twice(c, 'room_anon', at, 'h1.1', 0, 1), [1], 'none');
        isDeeply(await c.call('room_purge', at, 'h1.1'), [0, ['a'], 0, 1],
                 'purge');
        isDeeply(await c.call('room_purge', at, 'h1.1'), [0, [], 0, 0],
                 'purge of nothing');
        is(await c.send('EXISTS', at), 0, 'nothing is left');
    });

    await test('sync: exactly these, or these as well', async () => {
        const at = key('room');
        const sync = (h, whole, again, ...users) =>
            c.call('room_sync', at, h, 0, 1, whole, again, ...users);

        await c.call('room_join', at, 'h1.1', 'a', 0, 0);
        isDeeply(await sync('h2.1', 1, 0, 'a', 'b', 'c'),
                 [4, ['b', 'c'], []], 'first now');
        isDeeply(await sync('h2.1', 1, 0, 'a', 'b', 'c'), [4, [], []],
                 'nothing new');
        isDeeply(await sync('h2.1', 1, 1, 'a', 'b', 'c'),
                 [4, ['b', 'c'], []], 'the answer was lost');
        isDeeply(await sync('h2.1', 0, 0, 'd'), [5, ['d'], []], 'one more');
        isDeeply(await sync('h2.1', 1, 0, 'b', 'b'), [3, [], ['c', 'd']],
                 'gone now; a is at h1');
        is((await c.hash(at))['u:a'], ',h1.1,', 'a');
        isDeeply(await c.call('room_sync', at, 'h2.1', 0, 0, 1, 0),
                 [1, [], ['b']], 'nobody');
        isDeeply(await c.call('room_sync', at, 'h1.1', 0, 0, 1, 0),
                 [0, [], ['a']], 'nobody at all');
        is(await c.send('EXISTS', at), 0, 'nothing is left');
    });

    await test('a room is kept for an hour', async () => {
        for (const args of [['room_join', 'bob', 0, 0], ['room_anon', 1, 0],
                            ['room_sync', 0, 1, 1, 0],
                            ['room_sync', 0, 0, 1, 0, 'bob']])
        {
            const [name, ...rest] = args;
            const at = key('room');

            await c.call(name, at, 'h1.1', ...rest);

            const left = await c.send('PTTL', at);

            ok(left > HOUR - 60000 && left <= HOUR, `${args}: ${left}`);

            await c.send('PERSIST', at);
            await c.call(name, at, 'h1.1', ...rest);
            ok(await c.send('PTTL', at) > 0, `${args} again`);
        }
    });
}


/* a room as it ought to be */

class Room {

    constructor() {
        this.users = new Map();     /* user: hosts in their order */
        this.anon = new Map();      /* host: sockets */
        this.quiet = '0';
    }

    hosts(user) {
        return this.users.get(user) || [];
    }

    get total() {
        return [...this.anon.values()].reduce((sum, n) => sum + n,
                                              this.users.size);
    }

    add(h, user) {
        if (!this.hosts(user).includes(h)) {
            this.users.set(user, [...this.hosts(user), h]);
        }
    }

    remove(h, user) {
        const left = this.hosts(user).filter((other) => other !== h);

        if (left.length) {
            this.users.set(user, left);
        } else {
            this.users.delete(user);
        }

        return left.length === 0;
    }

    of(h) {
        return [...this.users.keys()]
            .filter((user) => this.hosts(user).includes(h));
    }

    count(h, n) {
        if (n) {
            this.anon.set(h, n);
        } else {
            this.anon.delete(h);
        }
    }

    /* as Redis has it */
    get hash() {
        const object = {};

        if (this.total === 0) {
            return object;
        }

        for (const [user, hosts] of this.users) {
            object[`u:${user}`] = `,${hosts.join(',')},`;
            hosts.forEach((h) => {
                object[`c:${h}`] = String(this.of(h).length);
            });
        }

        this.anon.forEach((n, h) => {
            object[`a:${h}`] = String(n);
        });

        return { ...object, n: String(this.total), q: this.quiet };
    }

    /* each call: what it answers, and what is so behind it */

    join(h, user, quiet, max) {
        if (!this.hosts(user).length && max && this.total >= max) {
            return [0, this.total, 1];
        }

        this.add(h, user);
        this.quiet = quiet;

        return [Number(this.hosts(user)[0] === h), this.total, 0];
    }

    leave(h, user) {
        const last = this.remove(h, user);

        return [Number(last), this.total];
    }

    anonymous(h, n, quiet) {
        this.count(h, n);
        this.quiet = quiet;

        return [this.total];
    }

    sync(h, quiet, n, whole, again, ...users) {
        const first = users.filter((user) => !this.hosts(user).length
            || (again && this.hosts(user)[0] === h));

        users.forEach((user) => this.add(h, user));

        const gone = whole
            ? this.of(h).filter((user) => !users.includes(user))
                        .filter((user) => this.remove(h, user)) : [];

        this.anonymous(h, n, quiet);

        return [this.total, first, gone.sort()];
    }

    purge(h) {
        const { quiet, total } = this;
        const gone = this.of(h).filter((user) => this.remove(h, user));
        const anon = this.anon.get(h) || 0;

        this.anon.delete(h);

        return [this.total, gone.sort(), anon, total ? Number(quiet) : 0];
    }
}


const METHODS = { room_join: 'join', room_leave: 'leave',
                  room_anon: 'anonymous', room_sync: 'sync',
                  room_purge: 'purge' };


/* a call of a host, most often; sometimes all of it is synced, or purged */
function step(random, hosts) {
    const h = random.pick(hosts);
    const user = () => random.pick(NAMES);
    const bit = () => random.below(2);

    switch (random.weighted({ join: 40, leave: 30, anon: 10, sync: 8,
                              purge: 5 }))
    {
    case 'join':
        return ['room_join', h, user(), String(bit()),
                random.below(4) ? 0 : 1 + random.below(6)];

    case 'leave':
        return ['room_leave', h, user()];

    case 'anon':
        return ['room_anon', h, random.below(4), String(bit())];

    case 'sync':
        return ['room_sync', h, String(bit()), random.below(3), bit(), bit(),
                ...NAMES.filter(() => random.below(3) === 0)];

    default:
        return ['room_purge', h];
    }
}


function sorted(answer) {
    return answer.map((one, i) => Array.isArray(one) && i !== 1
                                  ? [...one].sort() : one);
}


async function roomModel(c) {
    await test(`rooms against a model, seed ${SEED}`, async () => {
        const random = new Random(SEED);
        const hosts = ['h1.1', 'h1.2', 'h2.1', 'H_-.9'];
        const list = [0, 1, 2].map(() => [key('room'), new Room()]);

        for (let i = 0; i < 4000; i++) {
            const [at, room] = random.pick(list);
            const [name, ...args] = step(random, hosts);
            const what = `${i}: ${name} ${JSON.stringify(args).slice(0, 200)}`;
            const tidy = name === 'room_purge'
                         ? (a) => [a[0], [...a[1]].sort(), a[2], a[3]]
                         : sorted;

            /* a flag that a room of nobody had is not kept */
            room.quiet = room.total ? room.quiet : '0';

            for (let n = random.below(4) ? 1 : 2; n > 0; n--) {
                isDeeply(tidy(await c.call(name, at, ...args)),
                         room[METHODS[name]](...args), what);
            }

            isDeeply(await c.hash(at), room.hash, `stored, ${what}`);
        }
    }, { timeout: 60000 });
}


/*
 * Every host on a connection of its own, at the same time: who is told of a
 * user hears joined and left in turns, and all agree in the end.
 */
async function crowd(c, server) {
    await test(`hosts in any order, seed ${SEED}`, async () => {
        const at = key('room');
        const told = new Map(NAMES.map((user) => [user, 0]));
        const want = new Room();

        await Promise.all([0, 1, 2, 3, 4, 5].map(async (n) => {
            const random = new Random(SEED + n);
            const client = new Client(await connect(server), c.all);
            const mine = new Set();
            const h = `h${n}.1`;
            const calls = [];

            for (let i = 0; i < 2000; i++) {
                const user = random.pick(NAMES);
                const there = mine.has(user);

                calls.push([user, there ? -1 : 1,
                    there ? client.call('room_leave', at, h, user)
                          : client.call('room_join', at, h, user, 0, 0)]);
                mine[there ? 'delete' : 'add'](user);
            }

            for (const [user, diff, call] of calls) {
                const [edge] = await call;

                told.set(user, told.get(user) + diff * edge);
            }

            mine.forEach((user) => want.add(h, user));
            client.connection.close();
        }));

        is((await c.call('room_read', at))[0], want.total, 'total');

        for (const [user, n] of told) {
            is(n, Number(want.users.has(user)),
               `joined, less left: ${user.slice(0, 40)}`);
        }

        const hash = await c.hash(at);

        for (const user of NAMES) {
            isDeeply((hash[`u:${user}`] || ',').slice(1, -1).split(',').sort()
                         .join(), want.hosts(user).sort().join(),
                     `hosts of ${user.slice(0, 40)}`);
        }
    }, { timeout: 60000 });
}


async function purges(c, server) {
    await test('of many who purge a host, one tells of each user',
        async () => {
            const at = key('room');
            const clients = await Promise.all(Array.from({ length: 6 },
                async () => new Client(await connect(server), c.all)));

            await c.call('room_sync', at, 'h1.1', 0, 3, 1, 0, ...NAMES);
            await c.call('room_join', at, 'h2.1', NAMES[0], 0, 0);

            const told = await Promise.all(clients.map((client) =>
                client.call('room_purge', at, 'h1.1')));

            clients.forEach((client) => client.connection.close());
            isDeeply(told.flatMap(([, gone]) => gone).sort(),
                     NAMES.slice(1).sort(), 'gone');
            is(told.reduce((sum, [, , anon]) => sum + anon, 0), 3, 'anonymous');
            isDeeply(await c.call('room_read', at), [1], 'total');
        });
}


async function many(c) {
    const users = Array.from({ length: 10000 }, (_, i) => `user-${i}`);

    await test('10,000 people in a room', async () => {
        const at = key('room');
        const spent = async (name, ...args) => {
            await c.send('CONFIG', 'RESETSTAT');

            const answer = await c.call(name, at, ...args);

            diag(`${name}: ${(await c.cost('evalsha')).usec} us`);

            return answer;
        };

        isDeeply(await spent('room_sync', 'h1.1', 0, 0, 1, 0, ...users),
                 [10000, users, []], 'sync, all new');
        isDeeply(await spent('room_sync', 'h1.1', 0, 0, 1, 0, ...users),
                 [10000, [], []], 'sync, nothing new');
        isDeeply(await spent('room_sync', 'h2.1', 0, 0, 1, 0, ...users),
                 [10000, [], []], 'sync of another host');
        isDeeply((await spent('room_sync', 'h2.1', 0, 0, 1, 0,
                              ...users.slice(0, 10)))[0], 10000,
                 'sync, most have left');
        isDeeply(await spent('room_join', 'h2.1', 'bob', 0, 0), [1, 10001, 0],
                 'join');
        isDeeply(await spent('room_leave', 'h2.1', 'bob'), [1, 10000],
                 'leave');
        isDeeply(await spent('room_purge', 'h3.1'), [10000, [], 0, 0],
                 'purge of a host that has nobody');
        is((await spent('room_purge', 'h1.1'))[1].length, 9990, 'purge');
        isDeeply(await c.call('room_read', at), [10], 'total');
    }, { timeout: 30000 });

    await test('who comes and goes does not look at the others', async () => {
        const at = key('room');

        await c.call('room_sync', at, 'h1.1', 0, 0, 1, 0, ...users);
        await c.send('CONFIG', 'RESETSTAT');
        await c.call('room_join', at, 'h2.1', 'bob', 0, 0);
        await c.call('room_anon', at, 'h2.1', 1, 0);
        await c.call('room_sync', at, 'h1.1', 0, 0, 1, 0, ...users);
        await c.call('room_leave', at, 'h2.1', 'bob');
        await c.call('room_purge', at, 'h4.1');
        is((await c.cost('hgetall')).calls, 0, 'HGETALL');
    });
}


async function presence(c) {
    const on = (at, h, status, custom, mode) =>
        twice(c, 'pres_on', at, h, status, custom, mode);

    await test('online at the first host, offline at the last', async () => {
        const at = key('pres');

        isDeeply(await c.call('pres_get', at), [0, 'offline', ''], 'nobody');
        isDeeply(await on(at, 'h1.1', 'online', '', 'connect'),
                 [1, 'online', ''], 'the first');
        isDeeply(await on(at, 'h2.1', 'busy', '{}', 'connect'),
                 [0, 'online', ''], 'the second has no say');
        isDeeply(await on(at, 'h2.1', 'away', '{"text":"x"}', 'set'),
                 [1, 'away', '{"text":"x"}'], 'what is set');
        isDeeply(await on(at, 'h1.1', 'busy', '', 'set'),
                 [1, 'busy', '{"text":"x"}'], 'the custom one is kept');
        isDeeply(await c.call('pres_off', at, 'h1.1'),
                 [0, '{"text":"x"}', 1], 'one of two');
        isDeeply(await c.call('pres_off', at, 'h1.1'),
                 [0, '{"text":"x"}', 0], 'again: had is 0');
        isDeeply(await c.call('pres_get', at), [1, 'busy', '{"text":"x"}'],
                 'online still');
        isDeeply(await c.call('pres_off', at, 'h2.1'),
                 [1, '{"text":"x"}', 1], 'the last');
        isDeeply(await c.call('pres_off', at, 'h2.1'),
                 [1, '{"text":"x"}', 0], 'again');
        isDeeply(await c.call('pres_get', at), [0, 'offline', '{"text":"x"}'],
                 'the custom one is kept for later');
        ok(await c.send('PTTL', at) > 23 * HOUR, 'for a day');
        isDeeply(await on(at, 'h3.1', 'online', '', 'connect'),
                 [1, 'online', '{"text":"x"}'], 'later');
        ok(await c.send('PTTL', at) <= HOUR, 'for an hour now');
    });

    await test('who never said anything is forgotten', async () => {
        const at = key('pres');

        await on(at, 'h1.1', 'online', '', 'connect');
        isDeeply(await c.call('pres_off', at, 'h1.1'), [1, '', 1], 'off');
        is(await c.send('EXISTS', at), 0, 'nothing is left');
    });

    await test('sync tells what is new, once', async () => {
        const at = key('pres');

        isDeeply(await c.call('pres_on', at, 'h1.1', 'away', 'x', 'sync'),
                 [1, 'away', 'x'], 'Redis knew nothing');
        await c.send('PEXPIRE', at, 60000);
        isDeeply(await c.call('pres_on', at, 'h1.1', 'busy', 'y', 'sync'),
                 [0, 'away', 'x'], 'Redis knows it');
        ok(await c.send('PTTL', at) > HOUR - 60000, 'and keeps it');
        isDeeply(await c.call('pres_on', at, 'h1.2', 'busy', 'y', 'sync'),
                 [0, 'away', 'x'], 'a new incarnation');
        isDeeply(await c.call('pres_off', at, 'h1.1'), [0, 'x', 1],
                 'the purge of the old one');
        isDeeply(await c.call('pres_get', at), [1, 'away', 'x'], 'online');
    });

    await test('any bytes are a custom status', async () => {
        for (const name of NAMES) {
            const at = key('pres');

            isDeeply(await on(at, 'h1.1', 'online', name, 'set'),
                     [1, 'online', name], 'set');
            isDeeply(await c.call('pres_get', at), [1, 'online', name], 'get');
        }
    });

    await test('a purge of others says nothing and keeps nothing alive',
        async () => {
            const at = key('pres');

            await on(at, 'h1.1', 'online', 'x', 'set');
            await c.call('pres_off', at, 'h1.1');
            await c.send('PEXPIRE', at, 60000);
            isDeeply(await c.call('pres_off', at, 'h9.1'), [1, 'x', 0], 'had');
            ok(await c.send('PTTL', at) <= 60000, 'life time');
        });
}


/* presence as it ought to be; the calls are those of pres_* */

class Presence {

    constructor() {
        this.hosts = [];
        this.status = 'offline';
        this.custom = '';
    }

    pres_on(h, status, custom, mode) {
        const first = !this.hosts.length;

        if (first || mode === 'set') {
            this.status = status;
            this.custom = custom || this.custom;
        }

        this.hosts = [...new Set([...this.hosts, h])];

        const changed = { connect: this.hosts[0] === h, sync: first,
                          set: true }[mode];

        return [Number(changed), this.status, this.custom];
    }

    pres_off(h) {
        const had = this.hosts.includes(h);

        this.hosts = this.hosts.filter((other) => other !== h);

        if (!this.hosts.length) {
            this.status = 'offline';
        }

        return [Number(!this.hosts.length), this.custom, Number(had)];
    }

    pres_get() {
        return [Number(this.hosts.length > 0), this.status, this.custom];
    }
}


async function presenceModel(c) {
    await test(`presence against a model, seed ${SEED}`, async () => {
        const random = new Random(SEED);
        const hosts = ['h1.1', 'h1.2', 'h2.1'];
        const list = [0, 1, 2].map(() => [key('pres'), new Presence()]);

        for (let i = 0; i < 2000; i++) {
            const [at, user] = random.pick(list);
            const h = random.pick(hosts);
            const [name, ...args] = random.pick([
                ['pres_off', h], ['pres_get'],
                ['pres_on', h, random.pick(['online', 'away', 'busy']),
                 random.pick(['', '', 'null', '{"text":"x"}']),
                 random.pick(['connect', 'sync', 'set'])]
            ]);

            isDeeply(await c.call(name, at, ...args), user[name](...args),
                     `${i}: ${name} ${args}`);
        }
    }, { timeout: 60000 });
}


async function typing(c) {
    const start = (at, h, user, ms = HOUR) =>
        c.call('typ_start', at, h, user, ms);

    await test('typists in the order in which they began', async () => {
        const at = key('typ');

        isDeeply(await start(at, 'h1.1', 'b'), [1, ['b']], 'one');
        isDeeply(await start(at, 'h2.1', 'a'), [1, ['b', 'a']], 'two');
        isDeeply(await start(at, 'h1.1', 'b'), [0, []], 'one still does');
        isDeeply(await start(at, 'h2.1', 'b'), [0, []], 'elsewhere, too');
        isDeeply(await start(at, 'h2.1', 'c'), [1, ['b', 'a', 'c']], 'three');
        isDeeply(await c.call('typ_stop', at, 'h2.1', 'b'), [0, []],
                 'no more elsewhere');
        isDeeply(await twice(c, 'typ_stop', at, 'h1.1', 'b'),
                 [1, ['a', 'c']], 'no more');
        isDeeply(await start(at, 'h1.1', 'b'), [1, ['a', 'c', 'b']], 'again');
        isDeeply(await c.call('typ_purge', at, 'h2.1'), [1, ['b']], 'purge');
        isDeeply(await c.call('typ_purge', at, 'h2.1'), [0, []],
                 'purge again');
        isDeeply(await twice(c, 'typ_stop', at, 'h1.1', 'b'), [1, []],
                 'nobody');
        is(await c.send('EXISTS', at), 0, 'nothing is left');
    });

    await test('any bytes are a typist', async () => {
        const at = key('typ');

        for (let i = 0; i < NAMES.length; i++) {
            isDeeply(await start(at, 'h1.1', NAMES[i]),
                     [1, NAMES.slice(0, i + 1)], 'start');
        }

        for (let i = 0; i < NAMES.length; i++) {
            isDeeply(await twice(c, 'typ_stop', at, 'h1.1', NAMES[i]),
                     [1, NAMES.slice(i + 1)], 'stop');
        }
    });

    await test('who still types does not look at the others', async () => {
        const at = key('typ');

        await start(at, 'h1.1', 'a');
        await c.send('CONFIG', 'RESETSTAT');
        await start(at, 'h1.1', 'a');
        is((await c.cost('hgetall')).calls, 0, 'HGETALL');
    });

    await test('what is over is told by whoever comes by', async () => {
        const at = key('typ');

        await start(at, 'h1.1', 'b', HOUR);
        await start(at, 'h1.1', 'a', 1);
        isDeeply(await until(5000, async () => {
            const answer = await c.call('typ_purge', at, 'h9.1');

            return answer[0] && answer;
        }, 'a is over'), [1, ['b']], 'told to the purge of another host');

        await start(at, 'h1.1', 'c', 1);
        isDeeply(await until(5000, async () => {
            const [, list] = await start(at, 'h2.1', 'd');

            await c.call('typ_stop', at, 'h2.1', 'd');

            return !list.includes('c') && list;
        }, 'c is over'), ['b', 'd'], 'told with who begins');
    });

    await test('who has vanished is found for a minute more', async () => {
        const at = key('typ');

        await start(at, 'h1.1', 'a', 1);
        await until(5000, async () => await c.send('PTTL', at) < 60000,
                    'it is over');
        isDeeply(await c.call('typ_purge', at, 'h1.1'), [1, []], 'told');
    });

    await test('a short one does not end the life of a long one', async () => {
        const at = key('typ');

        await start(at, 'h1.1', 'a', HOUR);
        await start(at, 'h1.1', 'b', 1);
        ok(await c.send('PTTL', at) > HOUR, 'life time');
        await c.send('PEXPIRE', at, HOUR + 1000);
        await start(at, 'h1.1', 'a', HOUR);
        ok(await c.send('PTTL', at) > HOUR + 1000, 'longer again');
    });
}


/* a thread as it ought to be, without what is over */

class Thread {

    constructor() {
        this.entries = [];      /* [host, user], as they began */
    }

    get users() {
        return [...new Set(this.entries.map(([, user]) => user))];
    }

    /* what "keep" says no of ends; "force": it is told in any case */
    filter(keep, force = () => false) {
        const before = this.users.join('\n');

        this.entries = this.entries.filter(keep);

        const changed = this.users.join('\n') !== before || force();

        return [Number(changed), changed ? this.users : []];
    }

    typ_start(h, user) {
        const before = this.users.length;

        if (!this.entries.some(([a, b]) => a === h && b === user)) {
            this.entries.push([h, user]);
        }

        const changed = this.users.length > before;

        return [Number(changed), changed ? this.users : []];
    }

    typ_stop(h, user) {
        return this.filter(([a, b]) => a !== h || b !== user,
                           () => !this.users.includes(user));
    }

    typ_purge(h) {
        return this.filter(([a]) => a !== h);
    }
}


async function typingModel(c) {
    await test(`typing against a model, seed ${SEED}`, async () => {
        const random = new Random(SEED);
        const hosts = ['h1.1', 'h1.11', 'h2.1'];
        const list = [0, 1].map(() => [key('typ'), new Thread()]);

        for (let i = 0; i < 2000; i++) {
            const [at, thread] = random.pick(list);
            const h = random.pick(hosts);
            const user = random.pick(NAMES.slice(0, 6));
            const [name, ...args] = {
                start: ['typ_start', h, user, HOUR],
                stop: ['typ_stop', h, user],
                purge: ['typ_purge', h]
            }[random.weighted({ start: 10, stop: 8, purge: 1 })];

            isDeeply(await c.call(name, at, ...args), thread[name](...args),
                     `${i}: ${name} ${args}`);
        }
    }, { timeout: 60000 });
}


/*
 * base/rt_limit, called "n" times.  Windows and blocks are so long that they
 * end in the test only when it takes the key away, as time would.
 */

class Limit {

    constructor() {
        this.over();
    }

    over() {
        this.count = 0;
        this.blocked = false;
    }

    /* whether any was refused */
    take(n, max, block) {
        let refused = 0;

        if (n < 0) {
            this.count = this.blocked ? max : Math.max(0, this.count + n);

            return false;
        }

        for (let i = 0; i < n; i++) {
            if (!this.blocked && this.count < max) {
                this.count++;
            } else {
                refused++;
                this.blocked = this.blocked || block > 0;
            }
        }

        return refused > 0;
    }
}


async function limits(c) {
    const limit = (at, ...args) => c.call('limit', at, ...args);

    await test(`limits against a model, seed ${SEED}`, async () => {
        const random = new Random(SEED);
        const list = [[3, HOUR], [5, 0], [0, HOUR], [0, 0]].map((conf) =>
            [`rl:messages:${keys++}`, new Limit(), ...conf]);

        for (let i = 0; i < 2000; i++) {
            const [at, model, max, block] = random.pick(list);

            if (random.below(12) === 0) {
                await c.send('DEL', at);
                model.over();
            }

            const n = random.pick([1, 1, 1, 2, 2, -1, -2]);
            const [count, left, wait] = await limit(at, n, 600000, max, block);
            const refused = model.take(n, max, block);
            const longest = model.blocked ? block : 600000;
            const what = `${i}: ${n} of ${max}, ${block}`;

            is(count, model.count, `count, ${what}`);

            if (n < 0 && left === 0) {
                continue;
            }

            ok(left > 0 && left <= longest && left > longest - 60000,
               `left: ${left}, ${what}`);
            ok(wait === 0 || wait === left, `wait: ${wait}, ${what}`);
            is(wait > 0, refused, `refused, ${what}`);
        }
    }, { timeout: 60000 });

    await test('a window and a block end', async () => {
        const at = `rl:messages:${keys++}`;

        await limit(at, 1, 1, 1, 0);
        await until(5000, async () =>
            (await limit(at, 1, HOUR, 1, 0))[2] === 0, 'the window ends');
        isDeeply((await limit(at, 1, HOUR, 1, 1))[0], 1, 'blocked for 1 ms');
        isDeeply(await until(5000, async () => {
            const answer = await limit(at, 1, HOUR, 1, 1);

            return answer[2] === 0 && answer;
        }, 'the block ends'), [1, HOUR, 0], 'a new window');
    });

    await test('events of a window do not put its end off', async () => {
        const at = `rl:messages:${keys++}`;

        await limit(at, 1, HOUR, 10, 0);
        await c.send('PEXPIRE', at, 60000);
        ok((await limit(at, 1, HOUR, 10, 0))[1] <= 60000, 'counted');
        ok((await limit(at, 9, HOUR, 10, 0))[1] <= 60000, 'refused');
        ok(await c.send('PTTL', at) <= 60000, 'stored');
    });

    await test('a shorter window or block counts at once', async () => {
        const at = `rl:messages:${keys++}`;

        await limit(at, 1, HOUR, 1, HOUR);
        ok((await limit(at, 1, 60000, 1, HOUR))[1] > 60000, 'blocked');
        ok((await limit(at, 1, 60000, 1, 60000))[1] <= 60000, 'block');
        isDeeply(await limit(at, 1, HOUR, 1, 0), [1, HOUR, 0], 'no block');
        ok((await limit(at, 1, 60000, 1, 0))[1] <= 60000, 'window');
        ok(await c.send('PTTL', at) <= 60000, 'stored');
    });
}


async function connections(c) {
    await test('a connection is known for three minutes', async () => {
        const at = key('conn');

        isDeeply(await twice(c, 'conn_set', at, 'h1.1', 'a,b', '/chat',
                             '1700000000000'), [], 'answer');
        isDeeply(await c.hash(at), { host: 'h1.1', user: 'a,b', nsp: '/chat',
                                     since: '1700000000000' }, 'stored');

        const left = await c.send('PTTL', at);

        ok(left > 120000 && left <= 180000, `life time: ${left}`);
    });
}


async function hosts(c, server) {
    const beat = (at, h, ms, begin = 0) =>
        c.call('host_beat', at, h, ms, begin);
    const expired = (at, self, ms = HOUR) =>
        until(5000, async () => {
            const [h] = await c.call('host_expired', at, self, ms);

            return h;
        }, 'a host expires');

    await test('a host is known from its beginning on', async () => {
        const at = key('hosts');

        isDeeply(await twice(c, 'host_beat', at, 'h1.1', HOUR, 1), [1],
                 'begins');
        isDeeply(await beat(at, 'h1.1', HOUR), [1], 'beats');
        isDeeply(await beat(at, 'h1.2', HOUR), [0], 'another one');
        isDeeply(await beat(at, 'h1.2', HOUR), [0], 'still not known');
        isDeeply(await c.call('host_expired', at, 'h9.1', HOUR), [],
                 'nobody is over');
        ok(await c.send('PTTL', at) > HOUR, 'longer than any room');
    });

    await test('late, but nobody has noticed', async () => {
        const at = key('hosts');

        await beat(at, 'h1.1', 1, 1);
        await beat(at, 'h2.1', 1, 1);
        is(await expired(at, 'h1.1'), 'h2.1', 'a host is not its own');
        isDeeply(await beat(at, 'h1.1', HOUR), [1], 'known');
    });

    await test('purged, and back', async () => {
        const at = key('hosts');

        await beat(at, 'h1.1', 1, 1);
        is(await expired(at, 'h2.1'), 'h1.1', 'claimed');
        isDeeply(await c.call('host_expired', at, 'h3.1', HOUR), [],
                 'not by two');
        isDeeply(await c.call('host_purging', at, 'h1.1', HOUR), [1],
                 'more time');
        isDeeply(await beat(at, 'h1.1', 1), [0], 'its host is back');
        isDeeply(await beat(at, 'h1.1', HOUR, 1), [0],
                 'its name is of no use');
        isDeeply(await beat(at, 'h1.2', HOUR, 1), [1], 'another is');
        await c.call('host_purged', at, 'h1.1', 0);
        is(await expired(at, 'h2.1'), 'h1.1', 'it wrote: purged again');
        await c.call('host_purged', at, 'h1.1', 0);
        isDeeply(await c.call('host_purging', at, 'h1.1', HOUR), [0],
                 'nothing to be done');
        isDeeply(await c.send('ZRANGE', at, 0, -1), ['a:h1.2'], 'stored');
    });

    await test('a host that purges itself leaves nothing', async () => {
        const at = key('hosts');

        await beat(at, 'h1.1', 1, 1);
        await expired(at, 'h2.1');
        await beat(at, 'h1.1', 1);
        await c.call('host_purged', at, 'h1.1', 1);
        is(await c.send('EXISTS', at), 0, 'key');
    });

    await test('who purges may die', async () => {
        const at = key('hosts');

        await beat(at, 'h1.1', 1, 1);
        is(await expired(at, 'h2.1', 1), 'h1.1', 'claimed');
        is(await expired(at, 'h3.1', HOUR), 'h1.1', 'by another one');
    });

    await test('who leaves is to be purged at once', async () => {
        const at = key('hosts');

        await beat(at, 'h1.1', HOUR, 1);
        isDeeply(await twice(c, 'host_leave', at, 'h1.1'), [], 'leaves');
        isDeeply(await c.call('host_expired', at, 'h2.1', HOUR), ['h1.1'],
                 'purged');
        await c.call('host_leave', at, 'h1.1');
        await c.call('host_leave', at, 'h7.1');
        isDeeply(await c.send('ZRANGE', at, 0, -1), ['p:h1.1'], 'stored');
    });

    await test('of many who claim, one does', async () => {
        const at = key('hosts');
        const dead = Array.from({ length: 50 }, (_, i) => `dead${i}.1`);
        const clients = await Promise.all(Array.from({ length: 12 },
            async () => new Client(await connect(server), c.all)));

        for (const h of dead) {
            await beat(at, h, HOUR, 1);
            await c.call('host_leave', at, h);
        }

        const claims = await Promise.all(clients.flatMap((client, n) =>
            Array.from({ length: 20 }, () =>
                client.call('host_expired', at, `h${n}.1`, HOUR))));

        clients.forEach((client) => client.connection.close());
        isDeeply(claims.flat().sort(), dead.sort(), 'each, once');
    });
}


/* while Redis has no memory left */

async function full(c) {
    await test('what only removes goes on, the rest is refused', async () => {
        const room = key('room');
        const pres = key('pres');
        const typ = key('typ');
        const list = key('hosts');
        const limit = `rl:messages:${keys++}`;

        for (const h of ['h1.1', 'h2.1']) {
            await c.call('room_sync', room, h, 0, 2, 1, 0, 'a', 'b', h);
            await c.call('pres_on', pres, h, 'online', 'x', 'set');
            await c.call('typ_start', typ, h, h, HOUR);
            await c.call('host_beat', list, h, HOUR, 1);
        }

        await c.call('limit', limit, 1, HOUR, 10, 0);
        await c.send('CONFIG', 'SET', 'maxmemory', '1');

        try {
            for (const args of [
                ['room_join', room, 'h1.1', 'new', 0, 0],
                ['room_join', key('room'), 'h1.1', 'a', 0, 0],
                ['room_anon', room, 'h1.1', 3, 0],
                ['room_sync', room, 'h1.1', 0, 2, 1, 0, 'new'],
                ['pres_on', pres, 'h3.1', 'busy', '', 'connect'],
                ['pres_on', pres, 'h1.1', 'busy', '', 'set'],
                ['typ_start', typ, 'h1.1', 'a', HOUR],
                ['limit', limit, 1, HOUR, 10, 0],
                ['conn_set', key('conn'), 'h1.1', 'a', '/', '1']
            ]) {
                const before = await c.send('DUMP', args[1]);

                let error = '';

                await c.call(...args).catch((e) => {
                    error = e.message;
                });
                like(error, /^OOM /, `${args}`);
                is(await c.send('DUMP', args[1]), before, `kept: ${args}`);
            }

            isDeeply(await c.call('room_leave', room, 'h1.1', 'a'), [0, 8],
                     'leave');
            isDeeply(await c.call('room_leave', room, 'h2.1', 'a'), [1, 7],
                     'leave, last');
            isDeeply(await c.call('room_anon', room, 'h1.1', 1, 0), [6],
                     'fewer');
            isDeeply(await c.call('room_sync', room, 'h1.1', 0, 0, 1, 0, 'b'),
                     [4, [], ['h1.1']], 'sync');
            isDeeply(await c.call('room_purge', room, 'h2.1'),
                     [1, ['h2.1'], 2, 0], 'purge');
            isDeeply(await c.call('pres_off', pres, 'h1.1'), [0, 'x', 1],
                     'off');
            isDeeply(await c.call('pres_on', pres, 'h2.1', 'busy', '',
                                  'sync'), [0, 'online', 'x'], 'sync');
            isDeeply(await c.call('pres_off', pres, 'h2.1'), [1, 'x', 1],
                     'off, last');
            isDeeply(await c.call('typ_stop', typ, 'h1.1', 'h1.1'),
                     [1, ['h2.1']], 'stop');
            isDeeply(await c.call('typ_purge', typ, 'h2.1'), [1, []],
                     'purge of typists');
            isDeeply(await c.call('host_beat', list, 'h1.1', HOUR, 0), [1],
                     'beat');
            isDeeply(await c.call('host_beat', list, 'h3.1', HOUR, 1), [1],
                     'begin');
            await c.call('host_leave', list, 'h2.1');
            isDeeply(await c.call('host_expired', list, 'h1.1', HOUR),
                     ['h2.1'], 'claim');
            isDeeply(await c.call('host_purging', list, 'h2.1', HOUR), [1],
                     'more time');
            await c.call('host_purged', list, 'h2.1', 0);

            for (const { sha1, text } of Object.values(c.all)) {
                is(await c.send('SCRIPT', 'LOAD', text), sha1, 'loading');
            }

        } finally {
            await c.send('CONFIG', 'SET', 'maxmemory', '0');
        }
    });
}


run(async () => {
    const server = await redis.start({
        conf: { 'cluster-enabled': 'yes', 'cluster-port': await freePort() }
    });
    const c = new Client(await connect(server), scripts());

    await c.send('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
    await until(5000, async () => /cluster_state:ok/.test(
        await c.send('CLUSTER', 'INFO')), 'the cluster is ready');

    diag(`seed ${SEED}`);

    await loading(c);
    await group('rooms', () => rooms(c));
    await group('rooms', () => roomModel(c));
    await group('rooms', () => crowd(c, server));
    await group('rooms', () => purges(c, server));
    await group('rooms', () => many(c));
    await group('presence', () => presence(c));
    await group('presence', () => presenceModel(c));
    await group('typing', () => typing(c));
    await group('typing', () => typingModel(c));
    await group('limits', () => limits(c));
    await group('connections', () => connections(c));
    await group('hosts', () => hosts(c, server));
    await group('no memory', () => full(c));

    c.connection.close();
});
