#!/usr/bin/env node
'use strict';

/*
 * Every built-in event and a relay, as a table: what its sender is answered,
 * and what the others see: another device of the same user, another member, a
 * member without a token, a user and a guest who are not in the room.
 */

const { start } = require('../lib/server');
const {
    CAST, LOCATIONS, MEMBERS, PAYLOADS, ROWS, SERVER, SEVERAL, mistakes, off,
    target
} = require('../lib/events');
const { OPEN, guest, join, unique, user } = require('../lib/people');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, test } = tap;

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ID = /^[-\w]{20}$/;

/* the cast of a row, in its room but for who is not a member */
async function enter(server, row) {
    const c = { fence: unique('fence'), room: unique(`${row.kind || ''}room`) };
    const { as = 'alice', members = MEMBERS, at } = row;
    const names = { alice: unique('alice'), bob: unique('bob'),
                    carol: unique('carol') };

    names.device = names.alice;

    for (const who of CAST) {
        const options = who === as && at ? { path: at } : {};

        if (who === 'alice') {
            options.claims = of(row.claims, c);
        }

        c[who] = await (names[who] ? user(server, names[who], options)
                                   : guest(server, options));

        /* who does not hear the fence is asked something instead */

        c[who].deaf = (who === as && at === off('room:join'))
                      || (options.claims && (options.claims.rooms
                          || !(options.claims.permissions || ['read'])
                             .includes('read')));

        if (members.includes(who) && at !== off('room:join')) {
            await join(c[who], c.room);
        }

        if (!c[who].deaf) {
            await join(c[who], c.fence);
        }
    }

    c.referee = await guest(server);
    await join(c.referee, c.fence);

    return c;
}


/* everything that was on its way has arrived: all see one more message */
async function settle(c) {
    await c.referee.ask('message:send', { roomName: c.fence, content: 'now' });

    for (const who of CAST) {
        await (c[who].deaf ? c[who].call('mirror')
               : c[who].events.next(5000, (e) => e.event === 'message:new'
                                    && e.args[0].roomName === c.fence
                                    && e.args[0].content === 'now',
                                    `the fence, ${who}`));
    }
}


/* the events of "log", without the fence and other rows' people */
function seen(c, log) {
    const ours = new Set(CAST.map((w) => c[w].user).concat('nobody'));

    return log.filter(({ event, args: [data] }) => {
        return event !== undefined
               && !(data && data.roomName === c.fence)
               && !(event === 'presence:changed' && !ours.has(data.userId));

    }).map(({ event, args }) => [event, ...args]);
}


/* "emit" is done, everybody has what there is: what each got meanwhile */
async function during(c, emit) {
    const marks = Object.fromEntries(CAST.map((w) => [w, c[w].log.length]));

    await emit();
    await settle(c);

    return Object.fromEntries(CAST.map((who) => {
        return [who, c[who].log.slice(marks[who])];
    }));
}


function of(value, c) {
    return typeof value === 'function' ? value(c) : value;
}


/* each of the cast got what the row says, and nothing else */
function checkSeen(c, logs, sees) {
    for (const who of CAST) {
        isDeeply(seen(c, logs[who]), sees[who] || [], `what ${who} sees`);
    }
}


/* "error" with the time that is left of it by now */
function left(error, got) {
    if (error.retryAfter) {
        ok(got.retryAfter <= error.retryAfter
           && got.retryAfter > error.retryAfter - 60,
           `retryAfter ${got.retryAfter}`);

        return { ...error, retryAfter: got.retryAfter };
    }

    return error;
}


async function refusal(c, row, s, expected, args) {
    const { as = 'alice', event } = row;

    const acked = await during(c, async () => {
        c.reply = await s.ask(event, ...args);
    });

    const error = left(expected, c.reply.error || {});

    isDeeply(c.reply, { success: false, error }, 'the ack');
    checkSeen(c, acked, { [as]: [['error', error]] });

    if (row.at === '/few-events/') {
        return;                         /* what follows would be one more */
    }

    const silent = await during(c, async () => {
        s.emit(event, ...args);
        await s.call('mirror');
    });

    const [, got = {}] = seen(c, silent[as])[0] || [];

    checkSeen(c, silent, { [as]: [['error', left(expected, got)]] });
}


async function success(c, row, s, args) {
    const { as = 'alice', event } = row;

    const logs = await during(c, async () => {
        c.reply = await s.ask(event, ...args);
    });

    const data = of(row.data, c);

    isDeeply(c.reply, data ? { success: true, data } : { success: true },
             'the ack');

    const sees = of(row.sees, c) || {};

    checkSeen(c, logs, sees);

    /* the ack comes behind what its sender sees of it */

    const end = logs[as].findIndex((item) => item.ack !== undefined);

    isDeeply(seen(c, logs[as].slice(0, end)), sees[as] || [],
             'what comes before the ack');

    if (event === 'message:send') {
        like(data.id, ID, 'id');
        like(data.timestamp, ISO, 'timestamp');

    } else if (event === 'ping') {
        ok(Math.abs(data.timestamp - Date.now()) < 5000, 'timestamp is now');
    }
}


/* an event that is turned off: no ack, no error, nothing seen */
async function silence(c, row, s, args) {
    let answered = false;

    const logs = await during(c, async () => {
        const answer = s.call(row.event, ...args);

        answer.then(() => {
            answered = true;
        }, () => {});

        await s.call('mirror');
    });

    ok(!answered, 'no ack');
    checkSeen(c, logs, {});
}


function rowTest(server, [name, row]) {
    const what = JSON.stringify(row.event);

    return test(`${what}: ${name}`, async () => {
        const c = await enter(server, row);
        const s = c[row.as || 'alice'];
        const sent = of(row.send || target, c);
        const args = sent === undefined ? [] : [sent];

        if (row.before) {
            await row.before(c);
        }

        await settle(c);

        if (row.silent) {
            await silence(c, row, s, args);

        } else if (row.error) {
            await refusal(c, row, s, of(row.error, c), args);

        } else {
            await success(c, row, s, args);
        }
    });
}


/* nothing comes of a payload that is wrong: one cast does for all */
function mistakesTest(server, event, list) {
    const row = { event };

    return test(`"${event}": ${list.length} payloads that are wrong`,
        async () => {
            const c = await enter(server, row);

            await settle(c);

            for (const [send, error] of list) {
                const sent = send(c);

                try {
                    await refusal(c, row, c.alice, error,
                                  sent === undefined ? [] : [sent]);

                } catch (e) {
                    e.message = `${String(JSON.stringify(sent)).slice(0, 80)}: `
                                + e.message;
                    throw e;
                }
            }

            /* nothing of it was done after all */

            is((await c.alice.ask('room:join', { roomName: c.room }))
               .data.memberCount, 3, 'memberCount');
        }, { timeout: 20000 });
}


tap.run(async () => {
    const server = await start({
        workers: 2, reuseport: true, path: '/socket.io/',
        server: OPEN + SERVER, locations: LOCATIONS
    });

    for (const row of ROWS) {
        await rowTest(server, row);
    }

    for (const event of Object.keys(PAYLOADS)) {
        await mistakesTest(server, event, mistakes(event));
    }

    for (const [event, send, error] of SEVERAL) {
        await mistakesTest(server, event, [[send, error]]);
    }
});
