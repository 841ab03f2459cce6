/*
 * connection.js: the way to the server: its state, its transport, its latency.
 */

import { io } from '/socket.io-client/socket.io.esm.min.js';

const PING_EVERY = 5000;
const ACK_TIMEOUT = 10000;

export const socket = io({
    autoConnect: false,
    reconnectionDelay: 300,
    reconnectionDelayMax: 5000,
    timeout: 8000
});

/* state: connecting, connected, reconnecting or offline */
const link = { state: 'connecting', transport: '', latency: null };

let tell = () => {};
let asked = 0;


function update(change) {
    Object.assign(link, change);
    tell({ ...link });
}


/* the event "ping" is answered by the event "pong" */
function measure() {
    if (socket.connected && !document.hidden) {
        asked = performance.now();
        socket.emit('ping');
    }
}


function lost(reason) {
    asked = 0;
    update({
        state: navigator.onLine ? 'reconnecting' : 'offline',
        transport: '',
        latency: null
    });

    /* the client takes the server's word for an end; we do not */
    if (!socket.active && reason !== 'io client disconnect') {
        setTimeout(() => socket.connect(), 2000);
    }
}


/* from now on "listener" hears of every change */
export function start(listener) {
    tell = listener;

    socket.io.on('open', () => {
        const { engine } = socket.io;

        engine.on('upgrade', () => {
            update({ transport: engine.transport.name });
            measure();
        });
    });

    socket.on('connect', () => {
        update({
            state: 'connected', transport: socket.io.engine.transport.name
        });
        measure();
    });

    socket.on('pong', () => {
        if (asked) {
            update({ latency: performance.now() - asked });
            asked = 0;
        }
    });

    socket.on('disconnect', lost);
    socket.on('connect_error', () => lost());
    socket.on('error', (e) => console.warn(`chat: ${e.code}: ${e.message}`));

    window.addEventListener('online', retry);
    window.addEventListener('offline', () => {
        if (!socket.connected) {
            update({ state: 'offline' });
        }
    });

    document.addEventListener('visibilitychange', measure);
    setInterval(measure, PING_EVERY);

    tell({ ...link });
    socket.connect();
}


/* now, not when the next attempt is due */
export function retry() {
    if (!socket.connected) {
        socket.disconnect();
        update({ state: 'reconnecting' });
        socket.connect();
    }
}


/* resolves to the data of the ack; rejects with an error that has a code */
export async function ask(event, data) {
    const reply = await socket.timeout(ACK_TIMEOUT).emitWithAck(event, data);

    if (!reply.success) {
        throw Object.assign(new Error(reply.error.message),
                            { code: reply.error.code });
    }

    return reply.data;
}
