'use strict';

/*
 * people.js: users with tokens, guests without, in rooms of their own.
 */

const { Socket } = require('./sio');
const tap = require('./tap');
const tokens = require('./tokens');

/* the key of "tokens", and whoever comes without a token */
const OPEN = `
    realtime_jwt_secret "${tokens.SECRET}";
    realtime_allow_anonymous on;
`;

/* a little more than the grace of a user who has gone, ms */
const GONE = 5000;

let names = 0;


/* tests share servers, not rooms and users */
function unique(word) {
    return `${word}-${process.pid}-${names++}`;
}


/* a socket of the user "id", greeting read; options: claims, and sio.js's */
async function user(server, id, { claims, ...options } = {}) {
    const token = tokens.sign({ userId: id, ...claims });
    const s = await Socket.open(server, { auth: { token }, ...options });

    s.user = id;
    await s.one('connected');
    s.greeting = await s.one('authenticated');
    tap.is(s.greeting.userId, id, 'userId of the greeting');

    return s;
}


/* a socket of nobody */
async function guest(server, options = {}) {
    const s = await Socket.open(server, options);

    s.user = null;
    await s.one('connected');

    return s;
}


/* asks, and is not refused; resolves to the ack's data */
async function done(s, event, ...args) {
    const reply = await s.ask(event, ...args);

    tap.is(reply.success, true,
           `success of ${event}: ${JSON.stringify(reply)}`);

    return reply.data;
}


/* resolves to memberCount */
async function join(s, roomName) {
    const { memberCount } = await done(s, 'room:join', { roomName });

    return memberCount;
}


function leave(s, roomName) {
    return done(s, 'room:leave', { roomName });
}


/* a refusal: in the ack and as the event "error", the same in both */
async function refused(s, code, event, ...args) {
    const reply = await s.ask(event, ...args);

    tap.is(reply.success, false, `success of ${event}`);
    tap.is(reply.error.code, code, `code (${JSON.stringify(reply)})`);
    tap.isDeeply(await s.one('error'), reply.error, 'the event "error"');

    return reply.error;
}


/* CONNECT is refused; resolves to the reason */
async function rejected(server, options) {
    const s = await Socket.open(server, { ...options, nsp: null });
    let error;

    try {
        await s.connect('/', options.auth);

    } catch (e) {
        error = e;
    }

    tap.ok(error, 'a refusal');

    const { message, data } = error;

    tap.is(message, 'AUTHENTICATION_FAILED', 'message of CONNECT_ERROR');
    tap.isDeeply(Object.keys(data).sort(), ['code', 'message'], 'its data');
    tap.is(data.code, 'AUTHENTICATION_FAILED', 'its code');

    return data.message;
}


/* the pid of the worker that has the session which "open" makes */
async function place(server, open) {
    const count = async () => {
        const { workers } = await server.metrics();

        return new Map(workers.map((w) => [w.pid, w.sessions]));
    };

    const before = await count();
    const s = await open();
    const after = await count();

    const found = [...after].find(([pid, n]) => n > (before.get(pid) || 0));

    tap.ok(found, 'a worker with one more session');
    s.worker = found[0];

    return s;
}


/* nobody is left of whoever was there before */
function empty(server) {
    return tap.until(GONE, async () => {
        return (await server.metrics()).sessions.total === 0;
    }, 'nobody is left');
}


/*
 * One socket of each of "opens", each on another worker than the one before.
 * Nobody else may be there.
 */
async function apart(server, ...opens) {
    const list = [];

    await empty(server);

    for (const open of opens) {
        const last = list.length ? list[list.length - 1].worker : 0;

        for (let i = 0; i < 60; i++) {
            const s = await place(server, open);

            if (s.worker !== last) {
                list.push(s);
                break;
            }

            await s.client.close();
            await tap.until(GONE, async () => {
                const { sessions } = await server.metrics();

                return sessions.total === list.length;
            }, 'one less');
        }
    }

    tap.is(list.length, opens.length, 'sockets on other workers');

    return list;
}


/*
 * A polling session that an upgrade takes to another worker; "fn" has before()
 * and after().  Nobody else may be there.
 */
async function moving(server, options, fn) {
    for (let i = 0; i < 40; i++) {
        await empty(server);

        const s = await place(server, () => Socket.open(server, {
            ...options, transport: 'polling', nsp: null
        }));

        const from = s.worker;

        /* only the handshake brings the token */

        s.client.options = { ...s.client.options, headers: {}, query: {} };
        await fn.before(s);
        await s.client.upgrade();
        await fn.after(s);

        const { workers } = await server.metrics();

        if (workers.find((w) => w.sessions).pid !== from) {
            return;
        }

        await s.client.close();
    }

    tap.fail('no upgrade to another worker');
}


/* what "s" was told about the presence of "id" */
function statuses(s, id) {
    return s.log.filter((e) => {
        return e.event === 'presence:changed' && e.args[0].userId === id;
    }).map((e) => e.args[0].status);
}


/* what "s" got of "event" */
function got(s, event) {
    return s.log.filter((e) => e.event === event).map((e) => e.args[0]);
}


module.exports = {
    GONE, OPEN, apart, done, empty, got, guest, join, leave, moving, place,
    refused, rejected, statuses, unique, user
};
