'use strict';

/*
 * fixture.js: the servers that the tests talk to.
 *
 * "engine" echoes bare Engine.IO messages, "socketio" is the fixture of the
 * official Socket.IO test suite, "chat" has the built-in events.  Each is a
 * location of nginx or, with TARGET=reference, the same made of Node's
 * socket.io: a test that fails there is wrong itself, unless it tests one of
 * the differences that are meant.
 */

const server = require('./server');
const tap = require('./tap');

const reference = process.env.TARGET === 'reference';

const FAST = { pingInterval: 300, pingTimeout: 200 };

/* how workers may be had: tests of the protocol do all of them */
const LAYOUTS = reference ? [{ name: 'reference' }] : [
    { name: '1 worker', workers: 1 },
    { name: '4 workers', workers: 4 },
    { name: '4 workers, reuseport', workers: 4, reuseport: true }
];


function heartbeat({ pingInterval, pingTimeout }) {
    return (pingInterval ? `realtime_ping_interval ${pingInterval}ms;\n` : '')
         + (pingTimeout ? `realtime_ping_timeout ${pingTimeout}ms;\n` : '');
}


/* tests come from one address, and faster than people type */
const LIMITS = ['messages', 'room', 'connections']
    .map((name) => `realtime_limit_${name}`)
    .filter((name) => server.knows(name))
    .map((name) => `${name} off;\n`).join('');


const locations = {

    engine: (opts) => `
        location /engine.io/ {
            realtime on;
            realtime_echo on;
            ${heartbeat({ ...FAST, ...opts })}
            ${LIMITS}
            ${opts.directives || ''}
        }`,

    socketio: (opts) => `
        location /socket.io/ {
            realtime on;
            realtime_allow_anonymous on;
            realtime_namespace / /custom;
            realtime_on connect echo as auth;
            realtime_on message echo as message-back;
            realtime_on message-with-ack ack;
            ${heartbeat({ ...FAST, ...opts })}
            ${LIMITS}
            ${opts.directives || ''}
        }`,

    chat: (opts) => `
        location /socket.io/ {
            realtime on;
            realtime_allow_anonymous on;
            ${heartbeat(opts)}
            ${LIMITS}
            ${opts.directives || ''}
        }`
};


/*
 * Options: those of server.start() ("recovery" among them), pingInterval and
 * pingTimeout in ms, connectTimeout and maxPayload, and "directives", text for
 * the location, which the reference ignores.
 */
async function start(kind, opts = {}) {
    const path = kind === 'engine' ? '/engine.io/' : '/socket.io/';
    let { directives = '' } = opts;

    if (opts.connectTimeout) {
        directives += `realtime_connect_timeout ${opts.connectTimeout}ms;\n`;
    }

    if (opts.maxPayload) {
        directives += `realtime_max_payload ${opts.maxPayload};\n`;
    }

    if (reference) {
        const target = await require('./reference').start(kind, {
            ...(kind === 'chat' ? {} : FAST), ...opts, path
        });

        tap.cleanup(() => target.stop());

        return target;
    }

    return server.start({
        ...opts,
        path,
        locations: locations[kind]({ ...opts, directives })
                   + (opts.locations || '')
    });
}


/* "fn" with a server in each layout, side by side */
function everyLayout(kind, opts, fn) {
    return Promise.all(LAYOUTS.map((layout) => {
        return tap.group(layout.name, async () => {
            await fn(await start(kind, { ...opts, ...layout }), layout);
        });
    }));
}


/* a test of something that the reference does in another way on purpose */
function differs(name, fn, opts) {
    if (reference) {
        tap.skip(name, 'differs from the reference on purpose');
        return undefined;
    }

    return tap.test(name, fn, opts);
}


module.exports = { LAYOUTS, differs, everyLayout, locations, reference, start };
