#!/usr/bin/env node
'use strict';

/*
 * Users' React and Vue code (brief/react.js, brief/vue.js), with the real
 * libraries in a document without a screen, and the client's build for
 * browsers over that document's WebSocket and XMLHttpRequest.
 *
 * Not over Node's: Vue's ref() makes a proxy of the socket and of all plain
 * objects in it.  Browsers' own are none, Node's are, and do not work as such.
 */

const tap = require('../lib/tap');

tap.load('socket.io-client');
tap.load('jsonwebtoken');

const { Site } = require('../lib/site');

const { JSDOM } = tap.load('jsdom');

/* where the pages come from, as it is with users: not from our server */
const ORIGIN = 'http://localhost:3000';

const { window } = new JSDOM('<!doctype html><body></body>',
                             { url: ORIGIN, pretendToBeVisual: true });
const { document } = window;

for (const name of ['window', 'document', 'Element', 'HTMLElement', 'Node',
                    'SVGElement', 'ShadowRoot', 'navigator', 'Event',
                    'XMLHttpRequest', 'WebSocket'])
{
    Object.defineProperty(globalThis, name,
                          { value: window[name], writable: true,
                            configurable: true });
}

const { io: browserIo } = tap.load('socket.io-client/dist/socket.io.js');
const React = tap.load('react');
const { createRoot } = tap.load('react-dom/client');
const Vue = tap.load('vue');
const brief = require('./brief/react');
const vue = require('./brief/vue');
const { ChatRoomManager, PresenceTracker, TypingIndicator }
    = require('./brief/classes');

const { is, isDeeply, like, ok, test } = tap;

/* jsdom says so of requests whose worker is killed */
const EXPECTED = new RegExp('^Authenticated as:| joined | left |'
                            + '^Error: .*(socket hang up|ECONNRE)');

/* what users' code and the libraries say */
const said = [];

console.log = (...args) => said.push(args);
console.warn = (...args) => said.push(args);
console.error = (...args) => said.push(args);


/* an element of React's in a document */
class View {

    constructor(element) {
        this.box = document.createElement('div');
        document.body.append(this.box);
        this.root = createRoot(this.box);
        this.render(element);
        tap.cleanup(() => this.unmount());
    }

    render(element) {
        this.root.render(element);
    }

    unmount() {
        if (this.root) {
            this.root.unmount();
            this.root = null;
            this.box.remove();
        }
    }

    text(selector) {
        const found = this.box.querySelector(selector);

        return found ? found.textContent : null;
    }

    texts(selector) {
        return [...this.box.querySelectorAll(selector)]
            .map((e) => e.textContent);
    }

    /* until "selector" shows that text, null or what the expression means */
    shows(selector, expected) {
        const wanted = expected instanceof RegExp
                       ? (text) => text !== null && expected.test(text)
                       : (text) => text === expected;

        return tap.until(5000, () => wanted(this.text(selector)),
            () => `${selector} shows ${expected}: ${this.box.innerHTML}`);
    }

    /* what is in the field, as if it had been typed */
    type(text) {
        const input = this.box.querySelector('input');
        const { set } = Object.getOwnPropertyDescriptor(
            window.HTMLInputElement.prototype, 'value');

        set.call(input, text);
        input.dispatchEvent(new window.Event('input', { bubbles: true }));
    }

    enter() {
        this.box.querySelector('input').dispatchEvent(
            new window.KeyboardEvent('keypress', {
                key: 'Enter', charCode: 13, keyCode: 13, bubbles: true
            }));
    }

    click(selector) {
        this.box.querySelector(selector).dispatchEvent(
            new window.MouseEvent('click', { bubbles: true }));
    }
}


/* a ChatRoom of somebody's, as soon as they are in its room */
async function chat(site, userId, roomName, claims) {
    const useRealtime = brief.hook({ React, io: site.io });
    const ChatRoom = brief.chatRoom({ React, useRealtime });
    const watcher = await site.page(`watcher_of_${userId}`);

    await watcher.join(roomName);

    const props = { roomName, token: site.token(userId, claims) };
    const view = new View(React.createElement(ChatRoom, props));

    view.goTo = (name) => view.render(React.createElement(ChatRoom, {
        ...props, roomName: name
    }));

    await inRoom(watcher, userId, roomName);
    watcher.socket.disconnect();

    return view;
}


/* until a page hears that somebody is in a room */
async function inRoom(page, userId, roomName, event = 'user:joined') {
    await page.events.next(5000, (e) => {
        return e.event === event && e.args[0].userId === userId
               && e.args[0].roomName === roomName;

    }, `${event} of ${userId}`);
}


async function chatRooms(site) {
    await test('two users talk', async () => {
        const alice = await chat(site, 'alice', 'talk');
        const bob = await chat(site, 'bob', 'talk');

        await alice.shows('.status', '\u{1f7e2} Connected');
        await bob.shows('.status', '\u{1f7e2} Connected');

        alice.type('Hello Bob');
        alice.enter();

        for (const view of [alice, bob]) {
            await view.shows('.message', /^alice: Hello Bob\d/);
            like(view.text('.timestamp'), /\d:\d\d:\d\d/, 'time');
        }

        is(alice.box.querySelector('input').value, '', 'the field is empty');

        bob.type('  ');
        bob.enter();
        bob.type('Hi <b>you</b><script>x</script>');
        bob.click('button');

        for (const view of [alice, bob]) {
            await tap.until(5000, () => view.texts('.message').length === 2,
                            'two messages');
            like(view.texts('.message')[1], /^bob: Hi <b>you<\/b>\d/, 'text');
        }
    });

    await test('who types', async () => {
        const alice = await chat(site, 'alice', 'types');
        const bob = await chat(site, 'bob', 'types');
        const cem = await chat(site, 'cem', 'types');

        is(alice.text('.typing-indicator'), null, 'nobody');
        bob.type('H');
        await alice.shows('.typing-indicator', 'bob is typing...');
        bob.type('He');
        cem.type('W');
        await alice.shows('.typing-indicator', 'bob, cem are typing...');
        bob.enter();
        await alice.shows('.typing-indicator', 'cem is typing...');
        await alice.shows('.message', /^bob: He\d/);

        /* cem types no more: the page says so after a while, or the server */
        await alice.shows('.typing-indicator', null);
    });

    await test('a room is left, another entered', async () => {
        const alice = await chat(site, 'alice', 'first');
        const [one, two] = await Promise.all(['u1', 'u2'].map((userId) => {
            return site.page(userId);
        }));

        await one.join('first');
        await two.join('second');
        alice.goTo('second');
        await inRoom(one, 'alice', 'first', 'user:left');
        await inRoom(two, 'alice', 'second');

        await one.done('message:send', { roomName: 'first', content: '1' });
        await two.done('message:send', { roomName: 'second', content: '2' });
        await alice.shows('.message', /^u2: 2/);
        is(alice.texts('.message').length, 1, 'messages');

        alice.unmount();
        await inRoom(two, 'alice', 'second', 'user:left');
    });

    await test('a token for one who may only read', async () => {
        const alice = await chat(site, 'alice', 'quiet');
        const rita = await chat(site, 'rita', 'quiet',
                                { permissions: ['read'] });

        rita.type('Hello');
        rita.enter();
        alice.type('Anybody?');
        alice.enter();
        await rita.shows('.message', /^alice: Anybody/);
        is(alice.texts('.message').length, 1, 'messages');
        is(alice.text('.typing-indicator'), null, 'who types');
    });
}


/*
 * A server that lets the document in.  The document's WebSocket closes before
 * it has sent what it was told last: its pages never say that they go for good.
 */
async function start(name) {
    const site = await Site.plain(`realtime_cors_origin ${ORIGIN};
                                   realtime_recovery on 2s;`, name);
    const { io } = site;

    site.io = (url, options) => io(url, options, browserIo);

    return site;
}


async function crash() {
    const site = await start('crash');

    await test('workers die, the chat goes on', async () => {
        const alice = await chat(site, 'alice', 'crash');
        const bob = await chat(site, 'bob', 'crash');
        const witness = await site.page('witness');

        await witness.join('crash');
        witness.events.items.length = 0;

        for (const pid of site.server.workerPids()) {
            await site.server.killWorker(pid);
        }

        /* the component leaves and enters, whether it had to or not */

        await inRoom(witness, 'alice', 'crash');
        await inRoom(witness, 'bob', 'crash');
        is((await witness.join('crash')).memberCount, 3, 'memberCount');

        alice.type('Still there?');
        alice.enter();

        for (const view of [alice, bob]) {
            await view.shows('.status', '\u{1f7e2} Connected');
            await view.shows('.message', /^alice: Still there/);
            is(view.texts('.message').length, 1, 'heard once');
        }
    }, { timeout: 20000 });

    await site.server.stop();
}


/* a component that shows what the hook says, and hands it out */
function probe(site, token) {
    const useRealtime = brief.hook({ React, io: site.io });
    const seen = {};

    const view = new View(React.createElement(() => {
        seen.realtime = useRealtime({ url: 'http://localhost:3101', token });

        return React.createElement('p', null, [
            seen.realtime.connected, seen.realtime.authenticated,
            seen.realtime.error
        ].join(' '));
    }));

    return [view, seen];
}


async function hook(site) {
    await test('its state', async () => {
        const [view, seen] = probe(site, site.token('alice'));

        await view.shows('p', 'true true ');
        is(seen.realtime.socket.connected, true, 'socket');

        seen.realtime.sendMessage('nowhere', 'Hello');
        await view.shows('p', /^true true \w/);
        view.unmount();
        is(seen.realtime.socket.connected, false, 'disconnected');
    });

    await test('its functions', async () => {
        const bob = await site.page('bob');
        const [view, seen] = probe(site, site.token('alice'));
        const got = [];
        const listener = (msg) => got.push(msg.content);

        await bob.join('hook');
        await view.shows('p', 'true true ');

        const { realtime } = seen;

        realtime.on('message:new', listener);
        realtime.joinRoom('hook');
        await inRoom(bob, 'alice', 'hook');

        realtime.startTyping('hook', 't1');
        isDeeply(await bob.one('typing:event'),
                 { roomName: 'hook', threadId: 't1', users: ['alice'] },
                 'typing');
        realtime.stopTyping('hook', 't1');
        isDeeply((await bob.one('typing:event')).users, [], 'typing');

        realtime.sendMessage('hook', 'Hi', { mood: 'good' });
        isDeeply((await bob.one('message:new')).metadata, { mood: 'good' },
                 'metadata');
        await tap.until(5000, () => got.length === 1, 'my own message');
        realtime.off('message:new', listener);
        realtime.sendMessage('hook', 'Nobody listens');
        await bob.one('message:new');

        realtime.updatePresence('away', { text: 'Lunch' });
        await bob.events.next(5000, (e) => {
            return e.event === 'presence:changed'
                   && e.args[0].userId === 'alice'
                   && e.args[0].status === 'away'
                   && e.args[0].customStatus.text === 'Lunch';
        }, 'away');

        realtime.leaveRoom('hook');
        await inRoom(bob, 'alice', 'hook', 'user:left');
        isDeeply(got, ['Hi'], 'heard while it listened');
    });

    await test('a token that is not good', async () => {
        const codes = [];

        const io = (...args) => {
            return site.io(...args).on('connect_error', (e) => {
                codes.push(e.data ? e.data.code : e.message);
            });
        };

        const [view] = probe({ io }, 'not.a.token');

        await view.shows('p', 'false false ');
        await tap.until(5000, () => codes.length, 'an answer');
        is(codes[0], 'AUTHENTICATION_FAILED', 'code');

        /* the hook listens to "error" only, which is for what comes later */
        is(view.text('p'), 'false false ', 'what the hook says');
    });
}


async function components(site) {
    await test('UserPresence', async () => {
        const useRealtime = brief.hook({ React, io: site.io });
        const UserPresence = brief.userPresence({
            React, useRealtime, PresenceTracker,
            url: 'http://localhost:3101', token: site.token('alice')
        });
        const view = new View(React.createElement(UserPresence,
                                                  { userId: 'dot' }));

        await view.shows('.user-presence', ' ');

        const dot = await site.page('dot');

        /* again and again: the view hears what comes once it is connected */
        await tap.until(5000, async () => {
            await dot.done('presence:update', {
                status: 'busy',
                customStatus: { emoji: '\u{1f34e}', text: 'Eating' }
            });

            return view.box.querySelector('.status-indicator.red');
        }, () => `red: ${view.box.innerHTML}`);
        await view.shows('.user-presence', '\u{1f34e} Eating');

        dot.socket.disconnect();
        await tap.until(5000, () => {
            return view.box.querySelector('.status-indicator.gray');
        }, () => `gray: ${view.box.innerHTML}`);
    });

    await test('MessageInput and TypingUsers', async () => {
        const roomName = 'input';
        const others = await Promise.all(['bob', 'cem', 'dot'].map(
            async (userId) => {
                const page = await site.page(userId);

                await page.join(roomName);

                return page;
            }));

        /* a hook that connects once for both: they are in the same room */
        const alice = await site.page('alice');
        const useRealtime = () => ({ socket: alice.socket });
        const TypingUsers = brief.typingUsers({ React, useRealtime });
        const MessageInput = brief.messageInput({ React, useRealtime,
                                                  TypingIndicator });
        const view = new View(React.createElement('div', null,
            React.createElement(TypingUsers, { roomName }),
            React.createElement(MessageInput, { roomName })));

        await alice.join(roomName);
        await tap.until(5000, () => view.box.querySelector('input'), 'input');

        const texts = ['bob is typing...', 'bob and cem are typing...',
                       'bob and 2 others are typing...'];

        for (const [i, text] of texts.entries()) {
            await others[i].done('typing:start', { roomName });
            await view.shows('.typing-indicator', text);
        }

        view.type('x');
        await tap.until(5000, () => others[0].events.items.some((e) => {
            return e.event === 'typing:event'
                   && e.args[0].users.includes('alice');
        }), 'alice types');
        view.type('');
        await tap.until(5000, () => {
            const last = others[0].log.filter(
                (e) => e.event === 'typing:event').pop();

            return !last.args[0].users.includes('alice');
        }, 'alice types no more');

        view.type('Hello');
        view.enter();
        is((await others[0].one('message:new')).content, 'Hello', 'content');
    });

    await test('RoomList', async () => {
        const alice = await site.page('alice');
        const bob = await site.page('bob');
        const useRealtime = () => ({ socket: alice.socket });
        const RoomList = brief.roomList({ React, useRealtime,
                                          ChatRoomManager });
        const view = new View(React.createElement(RoomList));

        await view.shows('.room-list', '');
        await alice.join('list');
        await bob.join('list');
        await bob.done('message:send',
                       { roomName: 'list', content: 'x'.repeat(60) });
        await view.shows('.room-name', 'list');
        await view.shows('.unread-badge', '1');
        await view.shows('.last-message', 'x'.repeat(50));
        view.click('.room-item');
        await view.shows('.unread-badge', null);
    });
}


async function composable(site) {
    const useRealtime = vue({ Vue, io: site.io });

    const mount = (token, more = () => {}) => {
        const box = document.createElement('div');
        let realtime;

        const app = Vue.createApp({
            setup() {
                realtime = useRealtime('http://localhost:3101', token);
                Vue.onMounted(() => more(realtime));

                return () => Vue.h('p', [
                    realtime.connected.value, realtime.authenticated.value,
                    realtime.error.value
                ].join(' '));
            }
        });

        document.body.append(box);
        app.mount(box);

        const shows = (expected) => tap.until(5000,
            () => expected.test(box.textContent),
            () => `shows ${expected}: ${box.textContent}`);

        return { app, realtime, shows };
    };

    await test('its state, events and end', async () => {
        const bob = await site.page('bob');
        const got = [];

        await bob.join('vue');

        const { app, realtime, shows } = mount(site.token('alice'),
            ({ on, emit }) => {
                on('message:new', (msg) => got.push(msg));
                emit('room:join', { roomName: 'vue' });
            });

        await shows(/^true true $/);
        await inRoom(bob, 'alice', 'vue');
        ok(realtime.socket.value.connected, 'socket');

        realtime.emit('message:send', { roomName: 'vue', content: 'Hi' });
        is((await bob.one('message:new')).userId, 'alice', 'userId');
        await tap.until(5000, () => got.length === 1, 'my own message');

        const heard = [];
        const listener = (m) => heard.push(m.content);

        realtime.on('message:new', listener);
        await bob.done('message:send', { roomName: 'vue', content: 'two' });
        await tap.until(5000, () => got.length === 2, 'the second message');
        realtime.off('message:new', listener);
        await bob.done('message:send', { roomName: 'vue', content: 'three' });
        await tap.until(5000, () => got.length === 3, 'the third message');
        isDeeply(heard, ['two'], 'heard while it listened');

        realtime.emit('message:send', { roomName: 'elsewhere', content: 'x' });
        await shows(/^true true \w/);

        app.unmount();
        await inRoom(bob, 'alice', 'vue', 'user:left');
        is(realtime.connected.value, false, 'connected');
        is(realtime.authenticated.value, false, 'authenticated');
    });
}


tap.run(async () => {
    await tap.group('ChatRoom', crash);

    const site = await start('views');

    await tap.group('ChatRoom', () => chatRooms(site));
    await tap.group('useRealtime of React', () => hook(site));
    await tap.group('components', () => components(site));
    await tap.group('useRealtime of Vue', () => composable(site));
    await test('nobody complains', async () => {
        isDeeply(said.filter(([s]) => !EXPECTED.test(s)), [],
                 'on the console');
    });
});
