#!/usr/bin/env node
'use strict';

/*
 * Use cases 1 to 6: conf.d/use-cases with the client code that users have,
 * and the clients of their applications.  7 to 12 are in use-cases-more.t.
 */

const tap = require('../lib/tap');

tap.load('socket.io-client');
tap.load('jsonwebtoken');

const { Screen, Site } = require('../lib/site');
const brief = require('./brief/use-cases');

const { is, isDeeply, like, test } = tap;

const READ = { permissions: ['read'] };
const WRITE = { permissions: ['read', 'write'] };


async function liveChat() {
    const site = await Site.useCase('01-live-chat');
    const roomName = 'support-ticket-12345';
    const rooms = [roomName];

    await test('a customer and an agent', async () => {
        const customer = await site.page('carla', { rooms });
        const agent = await site.page('agent_001',
                                      { rooms: ['support-ticket-*'] });
        const screen = new Screen('displayTypingIndicator');

        await customer.join(roomName);
        brief.liveChat(agent.socket, screen);

        const msg = await customer.one('message:new');

        is(msg.userId, 'agent_001', 'userId');
        is(msg.content, 'How can I help you?', 'content');
        isDeeply(msg.metadata, { agentId: 'agent_001', priority: 'high' },
                 'metadata');
        like(msg.timestamp, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/, 'timestamp');
        isDeeply(await agent.one('message:new'), msg, 'at the agent');

        await customer.done('typing:start', { roomName });
        isDeeply(await screen.called('displayTypingIndicator'), [['carla']],
                 'who types');
        await customer.done('typing:stop', { roomName });
        isDeeply(await screen.called('displayTypingIndicator'), [[]],
                 'who types then');
        await agent.never('error');
    });

    await test('nobody writes in another\'s name', async () => {
        const customer = await site.page('carla', { rooms });
        const agent = await site.page('agent_002', { rooms });

        await customer.join(roomName);
        await agent.join(roomName);
        await customer.done('message:send', {
            roomName, content: 'Refund granted', userId: 'agent_002',
            fromUserId: 'agent_002'
        });

        const msg = await agent.one('message:new');

        is(msg.userId, 'carla', 'userId');
        is(msg.fromUserId, undefined, 'fromUserId');
    });

    await test('others\' tickets are closed', async () => {
        const other = await site.page('eve',
                                      { rooms: ['support-ticket-99999'] });
        const nobody = await site.page('mallory');

        for (const page of [other, nobody]) {
            is(await page.refused('room:join', { roomName }),
               'ROOM_ACCESS_DENIED', 'join');
            is(await page.refused('message:send',
                                  { roomName, content: 'Hi' }),
               'NOT_IN_ROOM', 'message');
        }

        is(await nobody.refused('room:join', { roomName: 'lobby' }),
           'ROOM_NOT_FOUND', 'a room of one\'s own');
        is(await site.rejected(), 'AUTHENTICATION_FAILED', 'without token');
    });

    await test('who may only read hears, and does not write', async () => {
        const customer = await site.page('carla', { rooms });
        const trainee = await site.page('tim', { rooms, ...READ });

        await customer.join(roomName);
        await trainee.join(roomName);
        await customer.done('message:send', { roomName, content: 'Hello?' });
        is((await trainee.one('message:new')).content, 'Hello?', 'heard');

        for (const event of ['message:send', 'typing:start']) {
            is(await trainee.refused(event, { roomName, content: 'Hi' }),
               'PERMISSION_DENIED', event);
        }

        await customer.one('message:new');
        await customer.never('message:new');
    });

    await test('presence is of those in the same ticket', async () => {
        const carla = await site.page('carla', { rooms });
        const agent = await site.page('agent_003', { rooms });

        is(await carla.refused('presence:request', { userId: 'agent_003' }),
           'PERMISSION_DENIED', 'before');
        await carla.join(roomName);
        await agent.join(roomName);
        is((await carla.done('presence:request',
                             { userId: 'agent_003' })).status, 'online',
           'status');
    });

    await site.server.stop();
}


async function documentEditing() {
    const site = await Site.useCase('02-document-editing');
    const roomName = 'doc-abc123';
    const rooms = ['doc-*'];

    await test('cursors and changes', async () => {
        const ada = await site.page('ada', { rooms });
        const bob = await site.page('bob', { rooms });
        const [screen, other] = [0, 1].map(() => {
            return new Screen('updateCursorDisplay');
        });

        brief.documentEditing(ada.socket, screen);
        await ada.settled();
        brief.documentEditing(bob.socket, other);

        /* the page says user_123: whose cursor it is says the server */
        isDeeply(await screen.called('updateCursorDisplay'),
                 ['bob', { line: 42, column: 15 }], 'cursor');
        isDeeply(await ada.one('text:change'), {
            roomName, changes: [{ start: 100, end: 105, text: 'hello' }],
            userId: 'bob'
        }, 'change');

        await bob.settled();
        other.never('updateCursorDisplay');
        await bob.never('cursor:move');
        await bob.never('error');
    });

    await test('userId cannot be forged', async () => {
        const ada = await site.page('ada', { rooms });
        const bob = await site.page('bob', { rooms });

        await ada.join(roomName);
        await bob.join(roomName);
        await bob.done('text:change', {
            userId: 'ada', roomName, changes: [], fromUserId: 'ada'
        });

        isDeeply(await ada.one('text:change'),
                 { roomName, changes: [], userId: 'bob' }, 'change');
    });

    await test('readers see, and do not write', async () => {
        const ada = await site.page('ada', { rooms });
        const reader = await site.page('rita', { rooms, ...READ });
        const outsider = await site.page('oscar', { rooms: ['doc-other'] });

        await ada.join(roomName);
        await reader.join(roomName);

        for (const event of ['cursor:move', 'text:change']) {
            is(await reader.refused(event, { roomName }),
               'PERMISSION_DENIED', event);
            is(await outsider.refused(event, { roomName }),
               'NOT_IN_ROOM', event);
        }

        is(await ada.refused('cursor:update', { roomName }), 'UNKNOWN_EVENT',
           'an event that only comes');
        await ada.never('cursor:update');
        await ada.never('text:change');
        await ada.done('cursor:move', { roomName, position: 1 });
        is((await reader.one('cursor:update')).position, 1, 'position');
    });

    await test('cursors are not limited as messages are', async () => {
        const ada = await site.page('ada', { rooms });
        const bob = await site.page('bob', { rooms });

        await ada.join(roomName);
        await bob.join(roomName);

        for (let i = 0; i < 40; i++) {
            bob.socket.emit('cursor:move', { roomName, position: i });
        }

        for (let i = 0; i < 40; i++) {
            is((await ada.one('cursor:update')).position, i, 'position');
        }

        await bob.never('error');
    });

    await site.server.stop();
}


async function notifications() {
    const site = await Site.useCase('03-notifications');
    const roomName = 'user-alice-notifications';
    const names = ['showToast', 'updateNotificationBadge'];

    const backend = () => site.page('notifier',
                                    { rooms: ['user-*'], ...WRITE });

    await test('a notification', async () => {
        const alice = await site.page('alice', { rooms: [roomName] });
        const phone = await site.page('alice', { rooms: [roomName] });
        const app = await backend();
        const screens = [alice, phone].map((page) => {
            const screen = new Screen(...names);

            brief.notifications(page.socket,
                                { userId: 'alice', ...screen });

            return screen;
        });

        await alice.one('room:joined');
        await phone.one('room:joined');
        await app.join(roomName);
        await app.done('notification:new', {
            roomName, title: 'Mention', message: 'Bob wrote to you'
        });

        for (const screen of screens) {
            isDeeply(await screen.called('showToast'),
                     ['Mention', 'Bob wrote to you'], 'toast');
            isDeeply(await screen.called('updateNotificationBadge'), [],
                     'badge');
        }

        await alice.never('error');
    });

    await test('reading is acknowledged', async () => {
        const alice = await site.page('alice', { rooms: [roomName] });

        isDeeply(await alice.ask('notification:read',
                                 { notificationId: '123' }),
                 { notificationId: '123' }, 'ack');
        await alice.never('error');
    });

    await test('only the application notifies', async () => {
        const alice = await site.page('alice', { rooms: [roomName] });
        const bob = await site.page('bob',
                                    { rooms: ['user-bob-notifications'] });
        const nobody = await site.page('nobody');
        const reader = await site.page('rita',
                                       { rooms: [roomName], ...READ });

        await alice.join(roomName);
        await reader.join(roomName);

        for (const page of [bob, nobody]) {
            is(await page.refused('room:join', { roomName }),
               'ROOM_ACCESS_DENIED', 'join');
            is(await page.refused('notification:new', { roomName }),
               'NOT_IN_ROOM', 'from outside');
        }

        for (const page of [alice, reader]) {
            is(await page.refused('notification:new',
                                  { roomName, userId: 'notifier' }),
               'PERMISSION_DENIED', 'from inside');
            is(await page.refused('message:send',
                                  { roomName, content: 'x' }),
               'PERMISSION_DENIED', 'a message');
        }

        await alice.never('notification:new');
    });

    await site.server.stop();
}


async function dashboard() {
    const site = await Site.useCase('04-dashboard');
    const roomName = 'admin-metrics';
    const rooms = [roomName];
    const figures = { users: 12, revenue: 3400, orders: 56 };
    const timestamp = 1767225600000;

    /* the application: what there is to those who join, news to all */
    const application = async () => {
        const app = await site.page('metrics', { rooms, ...WRITE });

        app.socket.on('user:joined', ({ userId }) => {
            for (const [metric, value] of Object.entries(figures)) {
                app.socket.emit('metrics:update', {
                    roomName, metric, value, timestamp, targetUserId: userId
                });
            }
        });

        await app.join(roomName);

        return app;
    };

    await test('a snapshot, then what is new', async () => {
        const app = await application();
        const early = await site.page('admin_1', { rooms });
        const late = await site.page('admin_2', { rooms });
        const [one, two] = [0, 1].map(() => new Screen('updateChart'));

        brief.dashboard(early.socket, one);

        for (const [metric, value] of Object.entries(figures)) {
            isDeeply(await one.called('updateChart'),
                     [metric, value, timestamp], 'snapshot');
        }

        brief.dashboard(late.socket, two);

        for (const [metric, value] of Object.entries(figures)) {
            isDeeply(await two.called('updateChart'),
                     [metric, value, timestamp], 'snapshot');
        }

        await app.done('metrics:update',
                       { roomName, metric: 'users', value: 13, timestamp });

        for (const screen of [one, two]) {
            isDeeply(await screen.called('updateChart'),
                     ['users', 13, timestamp], 'news');
        }

        /* asking for a snapshot is no error; nobody else got another's */
        await early.never('error');
        one.never('updateChart');
        await app.never('metrics:snapshot');
    });

    await test('only the application has figures', async () => {
        const admin = await site.page('admin_1', { rooms });
        const viewer = await site.page('admin_2', { rooms, ...READ });
        const outsider = await site.page('oscar', WRITE);

        await admin.join(roomName);
        await viewer.join(roomName);
        is(await outsider.refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'join');

        for (const page of [admin, viewer]) {
            is(await page.refused('metrics:update', {
                roomName, metric: 'users', value: 0, userId: 'metrics'
            }), 'PERMISSION_DENIED', 'figures');
        }

        await admin.never('metrics:update');
        await viewer.never('metrics:update');
    });

    await site.server.stop();
}


async function game() {
    const site = await Site.useCase('05-game');
    const roomName = 'game-session-xyz';
    const rooms = [roomName];

    await test('actions and states', async () => {
        const server = await site.backend('game', { rooms });
        const positions = {};

        server.socket.on('game:action', ({ userId, data }) => {
            positions[userId] = data;
            server.socket.emit('game:state', { roomName, positions });
        });

        await server.join(roomName);

        const players = await Promise.all(['ann', 'ben'].map((userId) => {
            return site.page(userId, { rooms });
        }));

        const screens = [];

        for (const { socket } of players) {
            const screen = new Screen('updateGameState', 'renderScene');

            brief.game(socket, screen);
            screens.push(screen);

            const [state] = await screen.called('updateGameState');

            is(state.userId, 'game', 'whose word it is');
            isDeeply(await screen.called('renderScene'), [], 'rendered');
        }

        const [state] = await screens[0].called('updateGameState');

        isDeeply(state.positions, { ann: { x: 100, y: 200 },
                                    ben: { x: 100, y: 200 } }, 'positions');

        /* the others hear of an action at once */
        isDeeply(await players[0].one('game:action'), {
            roomName, action: 'move', data: { x: 100, y: 200 }, userId: 'ben'
        }, 'action');
        await players[1].never('game:action');
        await players[1].never('error');
    });

    await test('a player is one, and no server', async () => {
        const server = await site.backend('game', { rooms });
        const ann = await site.page('ann', { rooms });
        const ben = await site.page('ben', { rooms });
        const spectator = await site.page('sam', { rooms, ...READ });

        await server.join(roomName);
        await ann.join(roomName);
        await ben.join(roomName);
        await spectator.join(roomName);

        await ann.done('game:action',
                       { roomName, action: 'resign', userId: 'ben' });
        is((await server.one('game:action')).userId, 'ann', 'userId');
        is((await spectator.one('game:action')).userId, 'ann', 'userId');

        is(await ann.refused('game:state', { roomName, winner: 'ann' }),
           'UNKNOWN_EVENT', 'a state');
        is(await spectator.refused('game:action', { roomName }),
           'PERMISSION_DENIED', 'a spectator');
        await ben.never('game:state');

        is(await site.rejected({
            path: '/backend/', auth: { token: site.token('ann', { rooms }) }
        }), 'AUTHENTICATION_FAILED', 'at the server\'s door');
        is(await (await site.page('eve')).refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'join');
    });

    await site.server.stop();
}


async function videoCall() {
    const site = await Site.useCase('06-video-call');
    const roomName = 'call-room-123';
    const rooms = [roomName];

    const call = (page) => {
        const screen = new Screen('setRemoteDescription');

        brief.videoCall(page.socket, {
            sdpOffer: { type: 'offer', sdp: 'v=0\r\no=caller\r\n' },
            iceCandidate: { candidate: 'candidate:1 1 udp 1 ::1 9 typ host' },
            peerConnection: screen
        });

        return screen;
    };

    await test('offer, answer and candidates', async () => {
        const caller = await site.page('user_123', { rooms });
        const callee = await site.page('user_456', { rooms });
        const third = await site.page('user_789', { rooms });

        callee.socket.on('webrtc:offer', ({ fromUserId, offer }) => {
            callee.socket.emit('webrtc:answer', {
                roomName, targetUserId: fromUserId,
                answer: { type: 'answer', sdp: `to ${offer.sdp}` }
            });
        });

        await callee.join(roomName);
        await third.join(roomName);

        const screen = call(caller);

        isDeeply(await screen.called('setRemoteDescription'),
                 [{ type: 'answer', sdp: 'to v=0\r\no=caller\r\n' }],
                 'answer');

        const offer = await callee.one('webrtc:offer');

        is(offer.fromUserId, 'user_123', 'fromUserId');
        is(offer.userId, 'user_123', 'userId');

        /* candidates name nobody: they are for all others */
        for (const page of [callee, third]) {
            isDeeply((await page.one('webrtc:ice-candidate')).candidate,
                     { candidate: 'candidate:1 1 udp 1 ::1 9 typ host' },
                     'candidate');
        }

        await third.never('webrtc:offer');
        await third.never('webrtc:answer');
        await caller.never('error');
    });

    await test('the caller is who calls', async () => {
        const caller = await site.page('user_123', { rooms });
        const callee = await site.page('user_456', { rooms });
        const outsider = await site.page('eve', { rooms: ['call-room-9'] });
        const guest = await site.page('gil', { rooms, ...READ });

        await caller.join(roomName);
        await callee.join(roomName);
        await guest.join(roomName);

        await caller.done('webrtc:offer', {
            roomName, targetUserId: 'user_456', offer: 1,
            fromUserId: 'bank', userId: 'bank'
        });
        isDeeply(await callee.one('webrtc:offer'), {
            roomName, targetUserId: 'user_456', offer: 1,
            fromUserId: 'user_123', userId: 'user_123'
        }, 'offer');

        is(await outsider.refused('webrtc:offer',
                                  { roomName, targetUserId: 'user_456' }),
           'NOT_IN_ROOM', 'from outside');
        is(await outsider.refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'join');
        is(await guest.refused('webrtc:offer',
                               { roomName, targetUserId: 'user_456' }),
           'PERMISSION_DENIED', 'from one who may only look on');
        await callee.never('webrtc:offer');
    });

    await test('every device of a user rings', async () => {
        const caller = await site.page('user_123', { rooms });
        const devices = await Promise.all([0, 1, 2].map(() => {
            return site.page('user_456', { rooms });
        }));

        await caller.join(roomName);
        await Promise.all(devices.slice(0, 2).map((d) => d.join(roomName)));
        call(caller);

        for (const device of devices.slice(0, 2)) {
            is((await device.one('webrtc:offer')).offer.type, 'offer', 'type');
        }

        await devices[2].never('webrtc:offer');
    });

    await site.server.stop();
}


tap.run(async () => {
    await tap.group('live chat', liveChat);
    await tap.group('document editing', documentEditing);
    await tap.group('notifications', notifications);
    await tap.group('dashboard', dashboard);
    await tap.group('game', game);
    await tap.group('video call', videoCall);
});
