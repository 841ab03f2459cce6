/*
 * connection.js: the way to the server: its state, its transport, its latency.
 */

import { io } from '/socket.io-client/socket.io.esm.min.js';
import { demoToken, whyNoToken } from './token.js';

const PING_EVERY = 5000;
const ACK_TIMEOUT = 10000;

let user = '';

/* a token for each connection, so that none is too old */
export const socket = io({
    autoConnect: false,
    reconnectionDelay: 300,
    reconnectionDelayMax: 5000,
    timeout: 8000,
    auth: (use) => demoToken(user).then((token) => use({ token }),
                                        (e) => refused(e.message))
});

/*
 * state: connecting, connected, reconnecting, offline, or refused: "why" says
 * for what reason
 */
const link = { state: 'connecting', transport: '', latency: null, why: '' };

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


/* it would be the same next time: there is nothing to do but to sign in */
function refused(why) {
    socket.disconnect();
    update({ state: 'refused', transport: '', latency: null, why });
}


function lost(reason) {
    asked = 0;
    update({
        state: navigator.onLine ? 'reconnecting' : 'offline',
        transport: '',
        latency: null
    });

    /*
     * The client takes the server's word for an end; we do not.  It may have
     * been the token's.
     */
    if (!socket.active && reason !== 'io client disconnect') {
        setTimeout(() => socket.connect(), 1000);
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

    /* "connect" is too early: rooms are for those the server knows */
    socket.on('authenticated', () => {
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

    socket.on('connect_error', (e) => {
        if (e.data && e.data.code === 'AUTHENTICATION_FAILED') {
            refused(e.data.message);
        } else {
            lost();
        }
    });

    window.addEventListener('online', () => retry());
    window.addEventListener('offline', () => {
        if (!socket.connected) {
            update({ state: 'offline' });
        }
    });

    document.addEventListener('visibilitychange', measure);
    setInterval(measure, PING_EVERY);
}


export function signIn(userId) {
    user = userId;
    update({ state: 'connecting' });
    retry('connecting');
}


/* now, not when the next attempt is due */
export function retry(state = 'reconnecting') {
    const why = whyNoToken();

    const underWay = socket.active && socket.io.engine
                     && socket.io.engine.readyState === 'open';

    if (why) {
        refused(why);

    } else if (user && !underWay) {
        socket.disconnect();
        update({ state, why: '' });
        socket.connect();
    }
}


/* resolves to the data of the ack; rejects with an error that has a code */
export async function ask(event, data) {
    const reply = await socket.timeout(ACK_TIMEOUT).emitWithAck(event, data);

    if (!reply.success) {
        throw Object.assign(new Error(reply.error.message), reply.error);
    }

    return reply.data;
}


/* without waiting for an answer: what fails comes as the event "error" */
export function say(event, data) {
    if (socket.connected) {
        socket.emit(event, data);
    }
}
