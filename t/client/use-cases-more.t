#!/usr/bin/env node
'use strict';

/*
 * Use cases 7 to 12: conf.d/use-cases with the client code that users have,
 * and the clients of their applications.  1 to 6 are in use-cases.t.
 */

const tap = require('../lib/tap');

tap.load('socket.io-client');
tap.load('jsonwebtoken');

const { Screen, Site } = require('../lib/site');
const brief = require('./brief/use-cases');

const { is, isDeeply, test } = tap;

const READ = { permissions: ['read'] };
const WRITE = { permissions: ['read', 'write'] };

const NOW = 1767225600000;


async function polls() {
    const site = await Site.useCase('07-polls');
    const roomName = 'poll-event-123';

    /* the application: one vote for each user, the last one counts */
    const application = async () => {
        const app = await site.backend('counter');
        const votes = new Map();

        app.socket.on('poll:vote', ({ pollId, optionId, userId }) => {
            const results = {};

            votes.set(userId, optionId);

            for (const option of votes.values()) {
                results[option] = (results[option] || 0) + 1;
            }

            app.socket.emit('poll:results', { roomName, pollId, results });
        });

        await app.join(roomName);

        return app;
    };

    await test('votes are counted, all see the result', async () => {
        await application();

        const pages = [];
        const screens = [];

        for (const userId of ['ann', 'ben', 'cem']) {
            const page = await site.page(userId);
            const screen = new Screen('updatePollChart');

            brief.polls(page.socket, screen);
            pages.push(page);
            screens.push(screen);
            isDeeply(await screen.called('updatePollChart'),
                     ['poll_1', { option_a: pages.length }], 'results');
        }

        for (const n of [2, 3]) {
            isDeeply(await screens[0].called('updatePollChart'),
                     ['poll_1', { option_a: n }], 'results');
        }

        for (const page of pages) {
            await page.never('error');
        }
    });

    await test('nobody votes twice, or for another', async () => {
        const app = await application();
        const ann = await site.page('ann');

        await ann.join(roomName);

        for (const userId of ['ann', 'ben', 'cem', 'dot']) {
            await ann.done('poll:vote', {
                roomName, pollId: 'poll_1', optionId: 'option_b', userId
            });

            is((await app.one('poll:vote')).userId, 'ann', 'userId');
            isDeeply((await ann.one('poll:results')).results,
                     { option_b: 1 }, 'results');
        }
    });

    await test('a vote for the counter\'s eyes only', async () => {
        const app = await application();
        const ann = await site.page('ann');
        const ben = await site.page('ben');

        await ann.join(roomName);
        await ben.join(roomName);
        await ann.done('poll:vote', {
            roomName, pollId: 'poll_2', optionId: 'option_c',
            targetUserId: 'counter'
        });

        is((await app.one('poll:vote')).fromUserId, 'ann', 'fromUserId');
        await ben.one('poll:results');
        await ben.never('poll:vote');
    });

    await test('results come from the application', async () => {
        const ann = await site.page('ann');
        const watcher = await site.page('wim', READ);
        const outside = await site.page('oscar');

        await ann.join(roomName);
        await watcher.join(roomName);

        is(await ann.refused('poll:results', { roomName, results: {} }),
           'UNKNOWN_EVENT', 'results');
        is(await watcher.refused('poll:vote', { roomName }),
           'PERMISSION_DENIED', 'a watcher\'s vote');
        is(await outside.refused('poll:vote', { roomName }), 'NOT_IN_ROOM',
           'a vote from outside');
        await ann.never('poll:vote');
        await watcher.never('poll:results');

        is(await site.rejected({
            path: '/backend/', auth: { token: site.token('ann', WRITE) }
        }), 'AUTHENTICATION_FAILED', 'at the counter\'s door');
    });

    await site.server.stop();
}


async function location() {
    const site = await Site.useCase('08-location');
    const roomName = 'delivery-456';
    const rooms = [roomName];

    /* runs what it is given at once, and whenever tick() is called */
    const clock = () => {
        const timers = [];

        return {
            setInterval: (fn, ms) => timers.push({ fn, ms }),
            tick: () => timers.forEach(({ fn }) => fn()),
            timers
        };
    };

    await test('a driver is seen on the map', async () => {
        const driver = await site.page('driver_1', { rooms, ...WRITE });
        const customer = await site.page('carla', { rooms, ...READ });
        const screen = new Screen('updateMapMarker');
        const timer = clock();

        await customer.join(roomName);
        brief.customer(customer.socket, screen);
        brief.driver(driver.socket, timer);
        is(timer.timers[0].ms, 5000, 'how often');

        for (let i = 0; i < 3; i++) {
            timer.tick();
            isDeeply(await screen.called('updateMapMarker'),
                     [{ lat: 37.7749, lng: -122.4194 }], 'coordinates');
        }

        isDeeply(await customer.one('location:update'), {
            roomName, coordinates: { lat: 37.7749, lng: -122.4194 },
            speed: 35, heading: 180, userId: 'driver_1'
        }, 'update');
        await driver.never('location:update');
        await driver.never('error');
    });

    await test('nobody else says where the driver is', async () => {
        const driver = await site.page('driver_1', { rooms, ...WRITE });
        const customer = await site.page('carla', { rooms, ...READ });
        const plain = await site.page('pat', { rooms });
        const eve = await site.page('eve', { rooms: ['delivery-1'],
                                             ...WRITE });

        await driver.join(roomName);
        await customer.join(roomName);
        await plain.join(roomName);

        for (const page of [customer, plain]) {
            is(await page.refused('location:update', {
                roomName, coordinates: {}, userId: 'driver_1'
            }), 'PERMISSION_DENIED', 'a customer');
        }

        is(await eve.refused('location:update', { roomName }),
           'NOT_IN_ROOM', 'another driver');
        is(await eve.refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'another driver');
        await driver.never('location:update');

        await driver.done('location:update',
                          { roomName, coordinates: {}, userId: 'carla' });
        is((await customer.one('location:update')).userId, 'driver_1',
           'userId');
    });

    await site.server.stop();
}


async function auction() {
    const site = await Site.useCase('09-auction');
    const roomName = 'auction-item-789';

    /* the application: a bid must be higher than those before */
    const application = async () => {
        const app = await site.backend('auctioneer');
        let highest = 0;

        app.socket.on('bid:place', ({ amount, userId }) => {
            if (amount > highest) {
                highest = amount;
                app.socket.emit('bid:new', {
                    roomName, amount, bidderId: userId, timestamp: NOW
                });
            }
        });

        await app.join(roomName);

        return app;
    };

    const bidder = async (userId) => {
        const page = await site.page(userId);
        const screen = new Screen('updateHighestBid', 'updateBidHistory',
                                  'startCountdown');

        return { page, screen };
    };

    await test('bids, and the end', async () => {
        const app = await application();
        const ann = await bidder('ann');
        const ben = await bidder('ben');

        brief.auction(ann.page.socket, ann.screen);
        isDeeply(await ann.screen.called('updateHighestBid'), [1500], 'bid');

        /* the page says user_123; who bids says the server */
        isDeeply(await ann.screen.called('updateBidHistory'),
                 [{ amount: 1500, bidderId: 'ann', timestamp: NOW }], 'bid');

        /* ben's is no higher, the next one is */
        brief.auction(ben.page.socket, ben.screen);
        await ben.page.one('room:joined');
        await ben.page.done('bid:place', { roomName, amount: 1600 });

        for (const { screen } of [ann, ben]) {
            isDeeply(await screen.called('updateHighestBid'), [1600], 'bid');
        }

        isDeeply(await ben.screen.called('updateBidHistory'),
                 [{ amount: 1600, bidderId: 'ben', timestamp: NOW }], 'bid');

        await app.done('auction:ending', { roomName, secondsRemaining: 30 });

        for (const { screen } of [ann, ben]) {
            isDeeply(await screen.called('startCountdown'), [30], 'seconds');
        }

        await ann.page.never('error');
        await ben.page.never('error');
    });

    await test('nobody bids for another, or ends the auction', async () => {
        const app = await application();
        const ann = await site.page('ann');
        const ben = await site.page('ben');
        const watcher = await site.page('wim', READ);

        await ann.join(roomName);
        await ben.join(roomName);
        await watcher.join(roomName);

        await ann.done('bid:place', {
            roomName, amount: 9000, bidderId: 'ben', userId: 'ben',
            fromUserId: 'ben'
        });
        is((await app.one('bid:place')).userId, 'ann', 'userId');
        is((await watcher.one('bid:new')).bidderId, 'ann', 'bidderId');

        for (const event of ['bid:new', 'auction:ending']) {
            is(await ann.refused(event, { roomName, secondsRemaining: 0 }),
               'UNKNOWN_EVENT', event);
        }

        is(await watcher.refused('bid:place', { roomName, amount: 9001 }),
           'PERMISSION_DENIED', 'a watcher\'s bid');
        is(await (await site.page('oscar')).refused('bid:place', {
            roomName, amount: 9001
        }), 'NOT_IN_ROOM', 'a bid from outside');
        is(await site.rejected({
            path: '/backend/', auth: { token: site.token('ann', WRITE) }
        }), 'AUTHENTICATION_FAILED', 'at the auctioneer\'s door');

        await ben.never('auction:ending');
        await app.never('bid:place');
    });

    await site.server.stop();
}


async function socialFeed() {
    const site = await Site.useCase('10-social-feed');
    const roomName = 'user-feed-123';
    const rooms = [roomName];
    const names = ['prependPostToFeed', 'showNotification',
                   'updateLikeCount', 'appendComment'];

    await test('posts, likes and comments', async () => {
        const app = await site.page('feeds', { rooms: ['user-feed-*'],
                                               ...WRITE });
        const ann = await site.page('ann', { rooms });
        const screen = new Screen(...names);

        brief.socialFeed(ann.socket, screen);
        await ann.one('room:joined');
        await app.join(roomName);

        await app.done('post:new',
                       { roomName, id: 'p1', author: 'ben', text: 'Hello' });
        isDeeply(await screen.called('prependPostToFeed'), [{
            roomName, id: 'p1', author: 'ben', text: 'Hello', userId: 'feeds'
        }], 'post');
        isDeeply(await screen.called('showNotification'),
                 ['New post from ben'], 'notification');

        await app.done('post:liked',
                       { roomName, postId: 'p1', likeCount: 3 });
        isDeeply(await screen.called('updateLikeCount'), ['p1', 3], 'likes');

        await app.done('comment:new',
                       { roomName, postId: 'p1', comment: 'Nice' });
        isDeeply(await screen.called('appendComment'), ['p1', 'Nice'],
                 'comment');
        await ann.never('error');
    });

    await test('only the application writes to a feed', async () => {
        const ann = await site.page('ann', { rooms });
        const ben = await site.page('ben', { rooms, ...READ });
        const eve = await site.page('eve', WRITE);

        await ann.join(roomName);
        await ben.join(roomName);

        for (const event of ['post:new', 'post:liked', 'comment:new']) {
            for (const page of [ann, ben]) {
                is(await page.refused(event, {
                    roomName, author: 'ceo', userId: 'feeds'
                }), 'PERMISSION_DENIED', event);
            }

            is(await eve.refused(event, { roomName }), 'NOT_IN_ROOM', event);
        }

        is(await eve.refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'join');
        await ann.never('post:new');
        await ben.never('post:new');
        await ben.never('comment:new');
    });

    await site.server.stop();
}


async function stockTicker() {
    const site = await Site.useCase('11-stock-ticker');
    const names = ['updateTickerDisplay', 'updateChart', 'showAlert'];
    const price = { symbol: 'AAPL', price: 187.5, change: -0.4, volume: 9 };

    /* what the page would be with names of rooms as they may be */
    const lower = (socket) => ({
        on: (...args) => socket.on(...args),
        emit: (event, data) => socket.emit(event, {
            ...data, roomName: data.roomName.toLowerCase()
        })
    });

    await test('names of rooms have no capitals', async () => {
        const page = await site.page('ann');

        brief.stockTicker(page.socket, new Screen(...names));

        for (let i = 0; i < 2; i++) {
            const error = await page.one('error');

            is(error.code, 'VALIDATION_ERROR', 'code');
            is(error.details[0].path, 'roomName', 'path');
        }
    });

    await test('prices for everybody, alerts for one', async () => {
        const feed = await site.page('feed', WRITE);
        const ann = await site.page('ann');
        const ben = await site.page('ben');
        const nobody = await site.anonymous();
        const pages = [ann, ben, nobody];

        const screens = pages.map((page) => {
            const screen = new Screen(...names);

            brief.stockTicker(lower(page.socket), screen);

            return screen;
        });

        for (const page of pages) {
            await page.one('room:joined');
            await page.one('room:joined');
        }

        await feed.join('ticker-aapl');
        await feed.done('price:update', { roomName: 'ticker-aapl', ...price });

        for (const screen of screens) {
            isDeeply(await screen.called('updateTickerDisplay'),
                     ['AAPL', 187.5, -0.4], 'price');
            isDeeply(await screen.called('updateChart'), ['AAPL', 187.5],
                     'chart');
        }

        await feed.done('alert:trigger', {
            roomName: 'ticker-aapl', symbol: 'AAPL', condition: 'below',
            price: 190, targetUserId: 'ann'
        });
        isDeeply(await screens[0].called('showAlert'),
                 ['AAPL below at $190'], 'alert');

        for (const page of pages.slice(1)) {
            await page.never('alert:trigger');
            await page.never('error');
        }
    });

    await test('only the feed has prices', async () => {
        const ann = await site.page('ann');
        const ben = await site.page('ben', READ);
        const nobody = await site.anonymous();
        const pages = [ann, ben, nobody];
        const roomName = 'ticker-googl';

        for (const page of pages) {
            await page.join(roomName);
        }

        for (const page of pages) {
            for (const event of ['price:update', 'alert:trigger']) {
                is(await page.refused(event, {
                    ...price, roomName, userId: 'feed'
                }), 'PERMISSION_DENIED', event);
            }

            is(await page.refused('message:send', { roomName, content: 'x' }),
               'PERMISSION_DENIED', 'a message');
            is(await page.refused('room:join', { roomName: 'chat' }),
               'ROOM_NOT_FOUND', 'a room of one\'s own');
        }

        for (const page of pages) {
            await page.never('price:update');
            await page.never('message:new');
        }

        is(await site.rejected({ auth: { token: 'x.y.z' } }),
           'AUTHENTICATION_FAILED', 'a bad token');
    });

    await site.server.stop();
}


async function smartHome() {
    const site = await Site.useCase('12-smart-home');
    const roomName = 'home-network-001';
    const rooms = [roomName];
    const names = ['updateDeviceUI', 'triggerSecurityAlert'];

    const hub = () => site.backend('hub_001', { rooms, aud: 'home-hub' },
                                   { path: '/hub/' });

    await test('a thermostat is set, a sensor sees somebody', async () => {
        const box = await hub();

        box.socket.on('device:control', ({ deviceId, command, value,
                                           userId }) => {
            box.socket.emit('device:status', {
                roomName, deviceId, status: { [command]: value, by: userId }
            });
        });

        await box.join(roomName);

        const ann = await site.page('ann', { rooms });
        const ben = await site.page('ben', { rooms, ...READ });
        const [one, two] = [0, 1].map(() => new Screen(...names));
        const status = { setTemperature: 72, by: 'ann' };

        await ben.join(roomName);
        ben.socket.on('device:status', (s) => {
            two.updateDeviceUI(s.deviceId, s.status);
        });
        brief.smartHome(ann.socket, one);

        for (const screen of [one, two]) {
            isDeeply(await screen.called('updateDeviceUI'),
                     ['thermostat_1', status], 'status');
        }

        await box.done('sensor:alert',
                       { roomName, sensorId: 's1', type: 'smoke', value: 1 });
        await box.done('sensor:alert',
                       { roomName, sensorId: 's2', type: 'motion', value: 1 });
        await one.called('triggerSecurityAlert');
        await ann.settled();
        one.never('triggerSecurityAlert');
        await ann.never('error');
    });

    await test('who may do what', async () => {
        const box = await hub();
        const ann = await site.page('ann', { rooms });
        const guest = await site.page('gil', { rooms, ...READ });
        const neighbour = await site.page('eve',
                                          { rooms: ['home-network-002'] });

        await box.join(roomName);
        await ann.join(roomName);
        await guest.join(roomName);

        await ann.done('device:control',
                       { roomName, deviceId: 'door', userId: 'owner' });
        is((await box.one('device:control')).userId, 'ann', 'userId');

        for (const event of ['device:status', 'sensor:alert']) {
            is(await ann.refused(event, { roomName, type: 'motion' }),
               'UNKNOWN_EVENT', event);
        }

        is(await guest.refused('device:control', { roomName }),
           'PERMISSION_DENIED', 'a guest');
        is(await neighbour.refused('device:control', { roomName }),
           'NOT_IN_ROOM', 'a neighbour');
        is(await neighbour.refused('room:join', { roomName }),
           'ROOM_ACCESS_DENIED', 'a neighbour');
        is(await site.rejected({
            path: '/hub/', auth: { token: site.token('ann', { rooms }) }
        }), 'AUTHENTICATION_FAILED', 'a resident as the hub');

        await box.never('device:control');
        await guest.never('sensor:alert');
    });

    await site.server.stop();
}


tap.run(async () => {
    await tap.group('polls', polls);
    await tap.group('location', location);
    await tap.group('auction', auction);
    await tap.group('social feed', socialFeed);
    await tap.group('stock ticker', stockTicker);
    await tap.group('smart home', smartHome);
});
