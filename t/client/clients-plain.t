#!/usr/bin/env node
'use strict';

/*
 * Users' code without a framework (brief/vanilla.js, brief/classes.js): what
 * it is meant to do it does, and where it cannot is written here.
 */

const tap = require('../lib/tap');

tap.load('socket.io-client');
tap.load('jsonwebtoken');

const { Screen, Site } = require('../lib/site');
const tokens = require('../lib/tokens');
const { usage, vanilla } = require('./brief/vanilla');
const { ChatRoomManager, PresenceTracker, TypingIndicator, autoRefresh }
    = require('./brief/classes');

const { is, isDeeply, ok, test } = tap;

const URL = 'http://localhost:3101';
const HOUR = 3600;

/* users' code talks to itself */
const said = [];

console.log = (...args) => said.push(args);
console.error = (...args) => said.push(args);


async function vanillaClient(site) {
    const RealtimeClient = vanilla({ io: site.io });
    const roomName = 'general';

    /*
     * on() before connect() finds no socket: what the client emits itself
     * ("authenticated", "error", "connection-change") is heard, what comes from
     * the server is not, ever.
     */
    await test('as it stands: it is in the room, and hears nothing',
        async () => {
            const bob = await site.page('bob');
            const screen = new Screen('displayMessage');

            await bob.join(roomName);

            const client = usage({
                RealtimeClient, token: site.token('alice'), ...screen
            });

            isDeeply(await bob.one('user:joined'),
                     { roomName, userId: 'alice' }, 'joined');

            const heard = new Promise((resolve) => {
                client.socket.once('message:new', resolve);
            });

            await bob.done('message:send', { roomName, content: 'Hi' });
            is((await tap.within(5000, heard)).content, 'Hi', 'the socket');
            screen.never('displayMessage');

            client.sendMessage(roomName, 'Hello', { a: 1 });
            await bob.one('message:new');

            const msg = await bob.one('message:new');

            is(msg.userId, 'alice', 'userId');
            isDeeply(msg.metadata, { a: 1 }, 'metadata');
            client.disconnect();
            await bob.one('user:left');
        });

    /*
     * What was meant: handlers after connect().  Then "authenticated" is heard
     * twice, from the socket and from the client, and joining twice must be
     * harmless.
     */
    await test('as it was meant: connect() first', async () => {
        const bob = await site.page('bob');
        const screen = new Screen('displayMessage', 'authenticated', 'error',
                                  'change');
        const client = new RealtimeClient(URL, site.token('alice'));

        await bob.join(roomName);
        client.connect();
        client.on('authenticated', (data) => {
            screen.authenticated(data.userId);
            client.joinRoom(roomName);
        });
        client.on('message:new', screen.displayMessage);
        client.on('connection-change', screen.change);
        client.on('error', screen.error);

        isDeeply(await screen.called('change'), [{ connected: true }], 'there');
        isDeeply(await screen.called('authenticated'), ['alice'], 'who');
        isDeeply(await screen.called('authenticated'), ['alice'], 'again');
        await bob.one('user:joined');

        await bob.done('message:send', { roomName, content: 'Hi' });
        is((await screen.called('displayMessage'))[0].content, 'Hi', 'heard');
        await bob.never('user:joined');
        screen.never('error');

        client.off('message:new', screen.displayMessage);
        client.sendMessage(roomName, 'Hello');
        client.sendMessage('elsewhere', 'Hello');
        is((await screen.called('error'))[0].code, 'NOT_IN_ROOM', 'code');
        screen.never('displayMessage');

        client.leaveRoom(roomName);
        await bob.one('user:left');
        client.disconnect();
        isDeeply(await screen.called('change'), [{ connected: false }], 'gone');
    });
}


/* what a tracker has of somebody, as soon as it is that */
function becomes(tracker, userId, status, text) {
    return tap.until(10000, () => {
        const presence = tracker.getPresence(userId);

        return presence && presence.status === status
               && (text === undefined
                   || (presence.customStatus || {}).text === text);

    }, () => `${userId} is ${status}: `
             + JSON.stringify(tracker.getPresence(userId)));
}


/*
 * A user who comes back within a second was never away, as far as the server
 * tells: so the names are others than those of the tests before.
 */

/* a socket with a tracker, which goes to its room whenever it may */
function tracking(site, userId, roomName, options) {
    const socket = site.io(URL, {
        auth: { token: site.token(userId) }, ...options
    });

    const tracker = new PresenceTracker(socket);

    if (roomName) {
        socket.on('authenticated', () => {
            socket.emit('room:join', { roomName });
        });
    }

    return { socket, tracker };
}


async function presence(site) {
    const roomName = 'presence';

    await test('who is there, and how', async () => {
        const ann = tracking(site, 'ann', roomName);

        await becomes(ann.tracker, 'ann', 'online');

        const ben = tracking(site, 'ben', roomName);

        /* ben asks nobody for ann: he was not there when she came */
        await becomes(ann.tracker, 'ben', 'online');
        await tap.until(5000, () => {
            return ann.tracker.getOnlineUsers().length === 2;
        }, () => `two are online: ${ann.tracker.getOnlineUsers()}`);

        ben.tracker.setStatus('busy', { text: 'Deep work', emoji: '!' });
        await becomes(ann.tracker, 'ben', 'busy', 'Deep work');
        isDeeply(ann.tracker.getOnlineUsers(), ['ann'], 'online');
        await becomes(ben.tracker, 'ben', 'busy', 'Deep work');

        ben.tracker.setStatus('away');
        await becomes(ann.tracker, 'ben', 'away', 'Deep work');

        /* who leaves the room is gone for this tracker, until more is heard */
        ben.socket.emit('room:leave', { roomName });
        await becomes(ann.tracker, 'ben', 'offline');
        ben.socket.emit('room:join', { roomName });
        await becomes(ann.tracker, 'ben', 'away', 'Deep work');

        ben.socket.disconnect();
        await becomes(ann.tracker, 'ben', 'offline');

        /* the custom status was kept */
        const again = tracking(site, 'ben');

        await becomes(ann.tracker, 'ben', 'online', 'Deep work');
        again.socket.disconnect();
    });

    await test('a phone and a laptop are one user', async () => {
        await site.settled(0);

        const anna = tracking(site, 'anna', 'devices');
        const hears = (event) => new Promise((resolve) => {
            anna.socket.once(event, resolve);
        });

        await tap.within(5000, hears('room:joined'), 'anna in the room');

        const joined = hears('user:joined');
        const laptop = tracking(site, 'carl', 'devices');

        await tap.within(5000, joined, 'carl in the room');
        await becomes(anna.tracker, 'carl', 'online');

        /* her tracker has asked for his presence; that is answered by now */
        await anna.socket.timeout(5000).emitWithAck('ping');

        const phone = await site.page('carl');
        const seen = [];

        await phone.join('devices');
        anna.socket.onAny((event, data) => {
            if (data && data.userId === 'carl') {
                seen.push(event);
            }
        });

        laptop.socket.disconnect();
        await site.settled(2);

        /* a user who has gone would be told of after a second */
        await tap.sleep(1500);
        is((await phone.join('devices')).memberCount, 2, 'people there');
        isDeeply(seen, [], 'what anna heard of it');
        is(anna.tracker.getPresence('carl').status, 'online', 'status');

        phone.socket.disconnect();
        await becomes(anna.tracker, 'carl', 'offline');
    });
}


async function presenceAfterCrash() {
    const site = await Site.plain('realtime_recovery on 3s;',
                                  'presence after a crash');
    const ws = { transports: ['websocket'] };
    const roomName = 'crash';

    await test('a worker dies, the trackers are right again', async () => {
        const there = (userId, room, options) => async () => {
            const user = tracking(site, userId, room, { ...ws, ...options });

            const promise = new Promise((resolve) => {
                user.socket.once(room ? 'room:joined' : 'authenticated',
                                 resolve);
            });

            await tap.within(5000, promise, `${userId} is there`);

            return user;
        };

        const alice = await there('alice', roomName)();
        const [pid] = (await site.server.metrics()).workers
            .filter((w) => w.sessions).map((w) => w.pid);

        /* on the other worker: one in the room, one not, one who stays away */
        const [carol, doomed] = await site.elsewhere(
            there('carol', roomName), pid);
        const [frank, second] = await site.elsewhere(there('frank'), pid);
        const [dave, third] = await site.elsewhere(
            there('dave', roomName, { reconnection: false }), pid);

        isDeeply([second, third], [doomed, doomed], 'one other worker');

        for (const userId of ['alice', 'carol', 'frank', 'dave']) {
            await becomes(alice.tracker, userId, 'online');
        }

        const back = [[carol, 'room:joined'], [frank, 'authenticated']].map(
            ([{ socket }, event]) => new Promise((resolve) => {
                socket.once(event, resolve);
            }));

        await site.server.killWorker(doomed);
        ok(alice.socket.connected, 'alice noticed nothing');
        await tap.within(10000, Promise.all(back), 'two are back');
        await becomes(alice.tracker, 'dave', 'offline');
        await becomes(alice.tracker, 'carol', 'online');
        await becomes(alice.tracker, 'frank', 'online');
        is(dave.socket.connected, false, 'dave stays away');

        const witness = await site.page('witness');

        for (const userId of ['alice', 'carol', 'frank', 'dave']) {
            const { status } = await witness.done('presence:request',
                                                  { userId });

            is(status, userId === 'dave' ? 'offline' : 'online', userId);
        }

        is((await witness.join(roomName)).memberCount, 3, 'in the room');

        /* and so it stays */
        await becomes(alice.tracker, 'witness', 'online');
        isDeeply(alice.tracker.getOnlineUsers().sort(),
                 ['alice', 'carol', 'frank', 'witness'], 'online');
    }, { timeout: 30000 });

    await site.server.stop();
}


/* the lists of those who type that a page got, threads aside */
function lists(page, threadId) {
    return page.log.filter((e) => e.event === 'typing:event'
                                  && e.args[0].threadId === threadId)
               .map((e) => e.args[0].users);
}


async function typing() {

    /*
     * The class says that somebody types, once, and that they have stopped,
     * after 3 seconds without a key.  Who types for longer than the server's
     * timeout is not renewed: that must be longer than people type in one go.
     */
    const site = await Site.plain('realtime_typing_timeout 20s;', 'typing');
    const roomName = 'typing';
    const alice = await tap.keep(() => site.page('alice'));
    const bob = await tap.keep(() => site.page('bob'));

    await alice.join(roomName);
    await bob.join(roomName);

    const until = (threadId, n) => tap.until(10000,
        () => lists(bob, threadId).length >= n,
        () => `${n} lists: ${JSON.stringify(lists(bob, threadId))}`);

    await Promise.all([
        test('many keys, one event', async () => {
            const indicator = new TypingIndicator(alice.socket, roomName);
            const sent = [];

            alice.socket.onAnyOutgoing((event, { threadId } = {}) => {
                if (threadId === undefined && /^typing:/.test(event)) {
                    sent.push(event);
                }
            });

            for (let i = 0; i < 50; i++) {
                indicator.start();
            }

            await until(undefined, 1);
            await alice.settled();
            await bob.settled();
            isDeeply(lists(bob), [['alice']], 'lists');

            indicator.stop();
            indicator.stop();
            await until(undefined, 2);

            indicator.start();
            await until(undefined, 3);
            indicator.cleanup();
            await until(undefined, 4);
            isDeeply(lists(bob), [['alice'], [], ['alice'], []], 'lists');
            isDeeply(sent, ['typing:start', 'typing:stop', 'typing:start',
                            'typing:stop'], 'sent');
        }),

        test('for longer than 3 seconds, then nothing', async () => {
            const indicator = new TypingIndicator(alice.socket, roomName,
                                                  'thread-1');

            for (let i = 0; i < 20; i++) {
                indicator.start();
                await tap.sleep(200);
            }

            await bob.settled();
            isDeeply(lists(bob, 'thread-1'), [['alice']], 'while she types');
            await until('thread-1', 2);
            isDeeply(lists(bob, 'thread-1'), [['alice'], []], 'lists');
            is(indicator.isTyping, false, 'what the class thinks');
        }),

        test('one is not heard of by oneself', async () => {
            const indicator = new TypingIndicator(alice.socket, roomName,
                                                  'thread-2');

            indicator.start();
            await until('thread-2', 1);
            await alice.settled();
            isDeeply(lists(alice, 'thread-2'), [], 'lists');
            indicator.cleanup();
        })
    ]);

    await site.server.stop();
}


async function manager(site) {
    await test('unread messages of several rooms', async () => {
        const alice = await site.page('alice');
        const bob = await site.page('bob');
        const rooms = new ChatRoomManager(alice.socket);
        const unread = () => rooms.getRooms()
            .map((r) => [r.name, r.type, r.unreadCount]);

        const say = async (roomName, content) => {
            await bob.done('message:send', { roomName, content });
            await alice.settled();
        };

        for (const name of ['red', 'blue']) {
            await bob.join(name);
            rooms.joinRoom(name);
            isDeeply(await bob.one('user:joined'),
                     { roomName: name, userId: 'alice' }, 'joined');
        }

        await say('blue', 'now');
        await say('red', 'one');
        await say('red', 'two');
        isDeeply(unread(), [['red', 'channel', 2], ['blue', 'channel', 0]],
                 'rooms');
        is(rooms.getUnreadTotal(), 2, 'in total');
        is(rooms.getRooms()[0].lastMessage.content, 'two', 'last message');

        rooms.joinRoom('red');
        is(rooms.getUnreadTotal(), 0, 'in total');
        await say('blue', 'three');
        is(rooms.getUnreadTotal(), 1, 'in total');
        rooms.markAsRead('blue');
        is(rooms.getUnreadTotal(), 0, 'in total');

        rooms.leaveRoom('red');
        isDeeply(await bob.one('user:left'),
                 { roomName: 'red', userId: 'alice' }, 'left');
        await say('red', 'four');
        is(rooms.getUnreadTotal(), 0, 'in total');
        await alice.never('error');
    });
}


/* a clock that goes when it is told to */
function clock() {
    const timers = new Map();
    let id = 0;

    return {
        setTimeout: (fn, ms) => {
            timers.set(++id, { fn, ms });
            return id;
        },
        clearTimeout: (timer) => timers.delete(timer),
        timers,
        ring: () => {
            const due = [...timers.values()];

            timers.clear();
            due.forEach(({ fn }) => fn());
        }
    };
}


async function refresh(site) {
    const token = (rooms) => tokens.sign({
        userId: 'alice', rooms: [rooms],
        exp: Math.floor(Date.now() / 1000) + (rooms === 'old' ? 3 : HOUR)
    });

    await test('a new token before the old one ends', async () => {
        const time = clock();
        const given = [token('old'), token('new')];
        const seen = [];
        let socket;

        const io = (...args) => {
            socket = site.io(...args);
            socket.onAny((event, data) => seen.push([event, data]));

            return socket;
        };

        const authenticated = () => seen.filter(
            ([event]) => event === 'authenticated').map(([, d]) => d.rooms);

        autoRefresh({ io, ...time })(() => given.shift());
        await tap.until(5000, () => time.timers.size === 1, 'a timer');
        is([...time.timers.values()][0].ms, 86100000, 'in 24 hours less 5 min');
        isDeeply(authenticated(), [['old']], 'rooms');

        const { id } = socket;

        time.ring();
        await tap.until(5000, () => authenticated().length === 2, 'connected');
        isDeeply(authenticated(), [['old'], ['new']], 'rooms');

        /* where its good-bye is not heard within a second, the same again */
        ok(socket.id !== id || socket.recovered, 'another connection');
        is(time.timers.size, 1, 'timers');

        /* the first token is no more, nobody minds */
        await tap.sleep(3500);
        is(socket.connected, true, 'still connected');
        isDeeply(seen.filter(([event]) => event === 'error'), [], 'errors');
        socket.disconnect();
        is(time.timers.size, 0, 'timers');
    });

    await test('too late: the socket is told, and ended', async () => {
        const time = clock();
        const codes = [];
        let why;

        const io = (...args) => site.io(...args)
            .on('error', (e) => codes.push(e.code))
            .on('disconnect', (reason) => {
                why = reason;
            });

        autoRefresh({ io, ...time })(() => token('old'));
        await tap.until(8000, () => why, 'the end');
        isDeeply(codes, ['TOKEN_EXPIRED'], 'codes');
        is(why, 'io server disconnect', 'reason');
        is(time.timers.size, 0, 'timers');
    });

    /* getToken() is not awaited: one that answers a promise gives no token */
    await test('a promise is no token', async () => {
        const errors = [];
        const io = (...args) => site.io(...args)
            .on('connect_error', (e) => errors.push(e.data));

        autoRefresh({ io, ...clock() })(async () => token('new'));
        await tap.until(5000, () => errors.length, 'an error');
        isDeeply(errors[0], { code: 'AUTHENTICATION_FAILED',
                              message: 'The token must be a string' },
                 'why');
    });
}


tap.run(async () => {
    const site = await Site.plain('', 'plain');

    await tap.group('RealtimeClient', () => vanillaClient(site));
    await tap.group('PresenceTracker', () => presence(site));
    await tap.group('PresenceTracker', presenceAfterCrash);
    await tap.group('TypingIndicator', typing);
    await tap.group('ChatRoomManager', () => manager(site));
    await tap.group('connectWithAutoRefresh', () => refresh(site));
});
