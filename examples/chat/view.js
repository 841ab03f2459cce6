/*
 * view.js: what is on the page.  It knows nothing of the server.
 *
 * What people wrote, their names included, gets here as text and stays text:
 * textContent, never HTML.  Messages may have some markup (markup.js).
 */

import { nodesOf } from './markup.js';

const MESSAGES_MAX = 500;
const GROUP_TIME = 5 * 60 * 1000;
const NOTICE_TIME = 8000;

/* how far from its end a log may be and still follow what is added */
const NEAR_END = 80;

const $ = (id) => document.getElementById(id);

const logs = new Map();
const messages = new Map();

let current = '';


function element(tag, className, text) {
    const el = document.createElement(tag);

    if (className) {
        el.className = className;
    }

    if (text !== undefined) {
        el.textContent = text;
    }

    return el;
}


/* for those who listen to the page */
function hidden(text) {
    return element('span', 'hidden', text);
}


/* one of twelve colours, the same everywhere for the same id (FNV-1a) */
function hue(id) {
    let n = 0x811c9dc5;

    for (const ch of String(id)) {
        n = Math.imul(n ^ ch.codePointAt(0), 0x01000193) >>> 0;
    }

    return n % 12 * 30 + 10;
}


function dress(avatar, id) {
    const words = (id || '?').split(' ').map((word) => Array.from(word)[0]);
    const letters = words.length > 1 ? words[0] + words[1] : words[0];

    avatar.textContent = letters.toUpperCase();
    avatar.style.setProperty('--hue', hue(id));

    return avatar;
}


function avatar(id) {
    const el = dress(element('span', 'avatar'), id);

    el.setAttribute('aria-hidden', 'true');

    return el;
}


/* rooms: [{ name, unread, waiting }] */

export function showRooms(rooms, room) {
    $('rooms').replaceChildren(...rooms.map((r) => {
        const item = element('li');
        const link = element('a', 'room');

        link.href = `#${r.name}`;
        link.dataset.room = r.name;
        link.append(hash(), element('span', 'room-label', r.name));

        if (r.name === room) {
            link.setAttribute('aria-current', 'page');
        }

        if (r.unread) {
            link.classList.add('unread');
            link.append(badge(r.unread), hidden(` ${r.unread} unread`));
        }

        item.append(link);

        return item;
    }));

    const others = rooms.filter((r) => r.name !== room)
                        .reduce((sum, r) => sum + r.unread, 0);
    const all = rooms.reduce((sum, r) => sum + r.unread, 0);

    $('unread-all').hidden = others === 0;
    $('unread-all').textContent = others > 99 ? '99+' : others;
    $('leave').disabled = rooms.length < 2;
    document.title = `${all ? `(${all}) ` : ''}#${room} · Chat`;
}


function hash() {
    const el = element('span', 'hash', '#');

    el.setAttribute('aria-hidden', 'true');

    return el;
}


function badge(n) {
    const el = element('span', 'badge', n > 99 ? '99+' : n);

    el.setAttribute('aria-hidden', 'true');

    return el;
}


export function showRoom(room) {
    current = room;
    $('room-name').textContent = room;
    $('text').placeholder = `Message #${room}`;
    log(room);

    for (const [name, l] of logs) {
        l.hidden = name !== room;
    }

    scrollToEnd();
}


export function forgetRoom(room) {
    for (const el of log(room).querySelectorAll('[data-key]')) {
        messages.delete(el.dataset.key);
    }

    log(room).remove();
    logs.delete(room);
}


/* each room has a log of its own, which keeps its place when hidden */
function log(room) {
    if (!logs.has(room)) {
        const el = element('div', 'log');

        el.setAttribute('role', 'log');
        el.setAttribute('aria-label', `Messages in ${room}`);
        el.tabIndex = 0;
        el.hidden = room !== current;
        el.addEventListener('scroll', () => scrolled(el));
        el.append(welcome(room));
        $('logs').append(el);
        logs.set(room, el);
    }

    return logs.get(room);
}


let follows = true;

function scrolled(el) {
    if (!el.hidden) {
        follows = atEnd(el);
        $('newer').hidden = $('newer').hidden || follows;
    }
}


/* what was in sight at the end of a log stays so when the log gets smaller */
new ResizeObserver(() => current && follows && scrollToEnd())
    .observe($('logs'));


function welcome(room) {
    const el = element('div', 'welcome');
    const title = element('p', 'welcome-title', room);

    title.prepend(hash());
    el.append(title, element('p', '', 'What is said here is passed on, not '
        + 'kept: you see what is written while you are in the room. Open this '
        + 'page in another browser, or sign in under another name in a second '
        + 'window, to have somebody to talk to.'));

    return el;
}


function atEnd(el) {
    return el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END;
}


export function scrollToEnd() {
    const el = log(current);

    el.scrollTop = el.scrollHeight;
    follows = true;
    $('newer').hidden = true;
}


/* "add" puts something into the log of the room */
function adding(room, add, always) {
    const el = log(room);
    const follow = always || atEnd(el);

    add(el);

    while (el.children.length > MESSAGES_MAX) {
        messages.delete(el.children[1].dataset.key);
        el.children[1].remove();
    }

    if (room === current) {
        if (follow) {
            scrollToEnd();
        } else {
            $('newer').hidden = false;
        }
    }
}


/*
 * message: { key, room, from, text, time, own, state, why }; "key" tells the
 * same message again, "state" is sent, sending, waiting or failed.  What is not
 * sent stays below what is.  Returns whether it is new here.
 */
export function showMessage(message) {
    const known = messages.get(message.key);
    const el = known || build(message);
    const state = el.dataset.state;

    el.dataset.state = message.state;
    el.dataset.time = message.time;

    const time = el.querySelector('time');

    time.textContent = clock(message.time);
    time.dateTime = new Date(message.time).toISOString();
    time.title = new Date(message.time).toLocaleString();
    el.querySelector('.fate').replaceChildren(...fate(message));
    showText(el.querySelector('.msg-text'), message);

    if (known && (state === message.state || message.state !== 'sent')) {
        return false;
    }

    messages.set(message.key, el);

    adding(message.room, (l) => {
        const next = el.nextElementSibling;
        const place = message.state === 'sent'
                      ? l.querySelector('.msg:not([data-state=sent])') : null;

        if (!known || (place && place !== next)) {
            l.insertBefore(el, place);
        }

        [el, el.nextElementSibling, next].forEach(group);
    }, message.own);

    return !known;
}


function build(message) {
    const el = element('article', message.own ? 'msg own' : 'msg');
    const body = element('div', 'msg-body');
    const meta = element('p', 'msg-meta');
    const fateLine = element('p', 'fate');

    el.dataset.key = message.key;
    el.dataset.from = message.from;

    meta.append(element('b', 'msg-name', message.own ? 'You' : message.from),
                element('time'));
    body.append(meta, element('p', 'msg-text'), fateLine);
    el.append(avatar(message.from), body);

    return el;
}


/*
 * Text until the server has made of it what it is.  Only what is new is built
 * anew: somebody may be selecting it.
 */
function showText(el, { text, state }) {
    const sent = String(state === 'sent');

    if (el.dataset.text === text && el.dataset.sent === sent) {
        return;
    }

    Object.assign(el.dataset, { text, sent });
    el.replaceChildren(state === 'sent' ? nodesOf(text) : text);

    if (!el.textContent) {
        el.append(element('i', 'nothing', 'Nothing was left of it'));
    }
}


function clock(time) {
    return new Date(time).toLocaleTimeString([], {
        hour: '2-digit', minute: '2-digit'
    });
}


function fate(message) {
    if (message.state === 'waiting') {
        return ['Waits for the connection'];
    }

    if (message.state !== 'failed') {
        return [];
    }

    const again = element('button', '', 'Try again');

    again.type = 'button';
    again.dataset.again = message.key;

    return [`Not sent: ${message.why} `, again];
}


/* the first of several of one sender, close in time, shows who it is */
function group(el) {
    if (!el || !el.classList.contains('msg')) {
        return;
    }

    const prev = el.previousElementSibling;

    const goesOn = prev && prev.classList.contains('msg')
                   && prev.dataset.from === el.dataset.from
                   && el.dataset.time - prev.dataset.time < GROUP_TIME;

    el.classList.toggle('first', !goesOn);
}


/* a line of the page's own; "action": [label, function] */
export function note(room, text, action) {
    const el = element('p', 'note', text);

    if (action) {
        const button = element('button', '', action[0]);

        button.type = 'button';
        button.addEventListener('click', action[1]);
        el.append(' ', button);
    }

    adding(room, (l) => {
        l.insertBefore(el, l.querySelector('.msg:not([data-state=sent])'));
        group(el.nextElementSibling);
    });
}


/* people: [{ id, status, customStatus, typing }], the first of them us */
export function showPeople(people, live) {
    const n = people.length;

    $('people-count').textContent = n;
    $('people').classList.toggle('stale', !live);
    $('people').replaceChildren(...people.map(personItem));

    $('room-about').textContent = n === 1
        ? 'Nobody else is here'
        : `You and ${n === 2 ? '1 other' : `${n - 1} others`}`;

    showTyping(people.filter((p) => p.typing).map((p) => p.id));
}


const STATUS = {
    online: 'Online', away: 'Away', busy: 'Busy', offline: 'Offline'
};


function customText({ emoji, text } = {}) {
    return [emoji, text].filter(Boolean).join(' ');
}


function personItem(person, i) {
    const item = element('li', 'person');
    const face = avatar(person.id);
    const dot = element('span', 'dot');
    const text = element('span', 'person-text');
    const name = element('span', 'person-name', person.id);

    item.dataset.id = person.id;
    item.dataset.status = person.status;
    dot.dataset.status = person.status;
    face.append(dot);

    if (i === 0) {
        name.append(element('span', 'you', ' you'));
    }

    text.append(name, element('span', 'person-status',
                              person.typing ? 'typing…'
                              : customText(person.customStatus)
                                || STATUS[person.status]));
    item.title = customText(person.customStatus);
    item.append(face, text);

    return item;
}


function showTyping(names) {
    const el = $('typing');
    const who = names.length > 3 ? `${names.length} people are`
              : names.length > 1 ? `${names.slice(0, -1).join(', ')} and `
                                   + `${names[names.length - 1]} are`
              : `${names[0]} is`;
    const text = names.length ? `${who} typing` : '';

    if (el.dataset.text !== text) {
        el.dataset.text = text;
        el.replaceChildren(...(text ? [dots(), text] : []));
    }
}


function dots() {
    const el = element('span', 'dots');

    el.setAttribute('aria-hidden', 'true');
    el.append(element('i'), element('i'), element('i'));

    return el;
}


export function showMe(me) {
    dress($('me-avatar'), me.name);
    $('me-name-text').textContent = me.name;
    $('me-dot').dataset.status = me.status;
    $('me-status').value = me.status;
    $('me-custom').textContent = customText(me.customStatus) || 'Say more…';
}


const LINK = {
    connecting: 'Connecting', reconnecting: 'Reconnecting',
    offline: 'Offline', refused: 'Not signed in'
};

const BANNER = {
    reconnecting: 'No connection to the server. Trying again…',
    offline: 'This device is offline.',
    refused: 'You could not be signed in. '
};


/* link: { state, transport, latency } */
export function showLink(link) {
    const text = LINK[link.state] || link.transport;

    $('link').dataset.state = link.state;
    $('link').dataset.transport = link.transport;
    $('link').title = link.transport === 'polling'
        ? 'Long-polling; the upgrade to WebSocket follows' : '';

    /* said aloud when it changes, and only then */
    if ($('link-state').textContent !== text) {
        $('link-state').textContent = text;
    }

    $('link-latency').textContent = link.latency === null
        ? '' : `${Math.max(1, Math.round(link.latency))} ms`;
}


export function showBanner(state, why = '') {
    const text = BANNER[state] ? BANNER[state] + why : '';

    $('banner').hidden = !text;
    $('banner').dataset.state = state;
    $('banner-text').textContent = text;
}


let noticeTimer = null;

/* an error, until there is room again or it was read; '' takes it away */
export function showNotice(text, seconds = 0) {
    clearTimeout(noticeTimer);

    $('notice').hidden = !text;
    $('notice-text').textContent = seconds
        ? `${text} Try again in ${seconds} s.` : text;

    if (text) {
        noticeTimer = setTimeout(() => showNotice(''),
                                 Math.max(seconds * 1000, NOTICE_TIME));
    }
}


export function showJoinHelp(text) {
    $('join-help').textContent = text;
}


/* the sides slide over the page where it is narrow */

const OPENERS = { 'rooms-side': 'show-rooms', 'people-side': 'show-people' };


export function openSide(side) {
    closeSide({ focus: false });
    $(side).classList.add('open');
    $('shade').classList.add('open');
    document.querySelector('.main').inert = true;
    $(OPENERS[side]).setAttribute('aria-expanded', 'true');
    $(side).querySelector('[data-close]').focus();
}


export function closeSide({ focus = true } = {}) {
    const open = document.querySelector('.side.open');

    if (!open) {
        return;
    }

    const opener = $(OPENERS[open.id]);

    open.classList.remove('open');
    $('shade').classList.remove('open');
    document.querySelector('.main').inert = false;
    opener.setAttribute('aria-expanded', 'false');

    if (focus) {
        opener.focus();
    }
}


/* as high as its text, up to the limit that the style sets */
export function fitText() {
    const text = $('text');

    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight}px`;
    $('send').disabled = !text.value.trim();
}
