/*
 * chat.js: the chat page.
 *
 *     me.js           who uses it
 *     token.js        how the server knows: for this demo only
 *     connection.js   the way to the server
 *     people.js       who else is there
 *     markup.js       what messages say
 *     view.js         what is on the page
 *
 * and here what becomes of it: rooms, messages, and what the user does.
 */

import { ask, retry, say, signIn, socket, start } from './connection.js';
import { cleanName, keep, me, randomId, randomName, recall } from './me.js';
import { People } from './people.js';
import * as view from './view.js';

const DEFAULT_ROOMS = ['general', 'random', 'help'];

const ROOM_NAME = /^[a-z0-9_-]{1,40}$/;

/* a shorter break is mended before anybody has read about it */
const BANNER_AFTER = 800;

/* of randomId() */
const KEY_LEN = 16;

const $ = (id) => document.getElementById(id);

/* name -> { name, joined, unread, draft, outbox: key -> message } */
const rooms = new Map();

let current = null;
let bannerTimer = null;

/* the status that was chosen in this window */
let wanted = 'online';


const people = new People(socket, say, {

    changed: (room) => room === current.name && showPeople(),

    came: (room, id) => view.note(room, `${id} came in`),

    went: (room, id) => view.note(room, `${id} left`),

    /* how the others see us, perhaps because of another window of ours */
    own: ({ status, customStatus }) => {
        Object.assign(me, { status, customStatus: customStatus || {} });
        view.showMe(me);
        showPeople();
    }
});


function addRoom(name) {
    if (!rooms.has(name)) {
        rooms.set(name, {
            name, joined: false, unread: 0, draft: '', outbox: new Map()
        });
    }

    return rooms.get(name);
}


function keepRooms() {
    keep('rooms', JSON.stringify([...rooms.keys()]));
}


function storedRooms() {
    try {
        const names = JSON.parse(recall('rooms') || '[]')
                      .filter((name) => ROOM_NAME.test(name));

        return names.length ? names : DEFAULT_ROOMS;

    } catch (e) {
        return DEFAULT_ROOMS;
    }
}


function showRooms() {
    view.showRooms([...rooms.values()], current.name);
}


function showPeople() {
    view.showPeople([{ ...me, id: me.name }, ...people.list(current.name)],
                    current.joined);
}


/* the address says which room is shown: "#general" */
function readAddress() {
    const name = location.hash.slice(1).toLowerCase();

    if (!ROOM_NAME.test(name)) {
        history.replaceState(null, '', `#${[...rooms.keys()][0]}`);
        readAddress();
        return;
    }

    if (!rooms.has(name)) {
        addRoom(name);
        keepRooms();
        join(rooms.get(name));
    }

    select(rooms.get(name));
}


function select(room) {
    const text = $('text');

    if (current && current !== room) {
        current.draft = text.value;
        people.stopTyping();
    }

    if (current !== room) {
        current = room;
        text.value = room.draft;
        view.fitText();
        view.showRoom(room.name);
    }

    seen();
    showPeople();
}


/* whoever looks has seen it */
function seen() {
    if (!document.hidden) {
        current.unread = 0;
    }

    showRooms();
}


async function join(room) {
    const { id } = socket;

    if (!socket.connected) {
        return;
    }

    try {
        await ask('room:join', { roomName: room.name });

    } catch (e) {
        if (socket.id === id && socket.connected) {
            view.note(room.name, `You could not get in: ${e.message}`,
                      ['Try again', () => join(room)]);
        }

        return;
    }

    /* the connection may be another one by now, and the room left */
    if (socket.id !== id || rooms.get(room.name) !== room) {
        return;
    }

    room.joined = true;
    people.entered(room.name);
    room.outbox.forEach((message) => deliver(room, message));
    showPeople();
}


function leave(room) {
    const names = [...rooms.keys()];
    const at = names.indexOf(room.name);
    const next = names[at ? at - 1 : 1];

    if (!next) {
        return;
    }

    people.leave(room.name);

    if (room.joined) {
        ask('room:leave', { roomName: room.name }).catch((e) => {
            console.warn(`chat: room:leave: ${e.message}`);
        });
    }

    rooms.delete(room.name);
    keepRooms();
    select(rooms.get(next));
    view.forgetRoom(room.name);
    history.replaceState(null, '', `#${next}`);
}


/* the text is shown at once; it is sent when the server has it */
function send(room, text) {
    const message = {
        key: `${me.name} ${randomId()}`, room: room.name, from: me.name, text,
        time: Date.now(), own: true, state: 'waiting'
    };

    room.outbox.set(message.key, message);
    deliver(room, message);
}


/*
 * What was on its way when the connection broke is sent again: a page that
 * has it knows it by its key.
 */
async function deliver(room, message) {
    const { id } = socket;

    message.state = room.joined ? 'sending' : 'waiting';
    view.showMessage(message);

    if (!room.joined) {
        return;
    }

    try {
        const { timestamp } = await ask('message:send', {
            roomName: room.name,
            content: message.text,
            metadata: { key: message.key.slice(-KEY_LEN) }
        });

        arrived(room, message, timestamp);

    } catch (e) {
        if (socket.id === id && room.outbox.has(message.key)) {
            message.state = 'failed';
            message.why = e.retryAfter
                ? `${e.message} There is room again in ${e.retryAfter} s.`
                : e.message;
            view.showMessage(message);
        }
    }
}


/* whether it was not there before */
function arrived(room, message, timestamp) {
    room.outbox.delete(message.key);

    return view.showMessage({
        ...message, time: Date.parse(timestamp), state: 'sent'
    });
}


/* "userId" is the server's word; what is in "metadata" is anybody's */
socket.on('message:new', (data) => {
    const room = rooms.get(data.roomName);
    const { key } = data.metadata || {};
    const from = String(data.userId);
    const own = from === me.name;

    if (!room) {
        return;
    }

    const message = {
        key: `${from} ${key || data.id}`, room: room.name, from,
        text: data.content, own
    };

    /* the acknowledgement that follows is for the text as it became */
    if (room.outbox.has(message.key)) {
        room.outbox.get(message.key).text = data.content;
    }

    const isNew = arrived(room, message, data.timestamp);

    if (isNew && !own && (room !== current || document.hidden)) {
        room.unread++;
        showRooms();
    }
});


/* a new connection of a user begins as "online" */
socket.on('authenticated', () => {
    if (wanted !== 'online') {
        say('presence:update', { status: wanted });
    }

    rooms.forEach(join);
});


/* every failed event, also those that nobody waits for an answer of */
socket.on('error', ({ code, message, retryAfter }) => {
    if (code !== 'TOKEN_EXPIRED') {
        view.showNotice(`${code}: ${message}`, retryAfter);
    }
});



socket.on('disconnect', () => {
    for (const room of rooms.values()) {
        room.joined = false;

        for (const message of room.outbox.values()) {
            if (message.state === 'sending') {
                message.state = 'waiting';
                view.showMessage(message);
            }
        }
    }

    showPeople();
});


function onLink(link) {
    view.showLink(link);

    if (link.state === 'refused') {
        clearTimeout(bannerTimer);
        bannerTimer = null;
        view.showBanner('refused', link.why);

    } else if (link.state === 'connected' || link.state === 'connecting') {
        clearTimeout(bannerTimer);
        bannerTimer = null;
        view.showBanner('');

    } else if (!$('banner').hidden) {
        view.showBanner(link.state);

    } else if (!bannerTimer) {
        bannerTimer = setTimeout(() => {
            bannerTimer = null;
            view.showBanner(link.state);
        }, BANNER_AFTER);
    }
}


function setStatus(status, customStatus) {
    wanted = status;
    say('presence:update', { status, customStatus });
}


function openProfile() {
    $('profile-name').value = me.name || randomName();
    $('profile-cancel').hidden = !me.name;
    $('profile').showModal();
    $('profile-name').select();
}


/* another user begins anew */
function enter(name) {
    const before = me.name;

    me.rename(name);

    if (before) {
        location.reload();
        return;
    }

    view.showMe(me);
    showPeople();
    signIn(me.name);
}


/* to the room that is so many below in the list */
function step(by) {
    const names = [...rooms.keys()];
    const at = names.indexOf(current.name) + by;

    location.hash = names[(at + names.length) % names.length];
}


function sendText() {
    const text = $('text').value.trim();

    if (!text) {
        return;
    }

    people.stopTyping();
    $('text').value = '';
    view.fitText();
    send(current, text);
}


function listenToComposer() {
    $('text').addEventListener('input', () => {
        view.fitText();
        people.type(current.name, $('text').value);
    });

    $('text').addEventListener('keydown', (e) => {
        if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
            e.preventDefault();
            sendText();
        }
    });

    $('composer').addEventListener('submit', (e) => {
        e.preventDefault();
        sendText();
        $('text').focus();
    });

    $('skip').addEventListener('click', (e) => {
        e.preventDefault();
        $('text').focus();
    });

    $('newer').addEventListener('click', view.scrollToEnd);

    $('logs').addEventListener('click', (e) => {
        const { again } = e.target.dataset;

        if (again && current.outbox.has(again)) {
            deliver(current, current.outbox.get(again));
        }
    });
}


function listenToRooms() {
    $('rooms').addEventListener('click', (e) => {
        if (e.target.closest('a')) {
            view.closeSide();
        }
    });

    $('join').addEventListener('submit', (e) => {
        const name = $('join-name').value.trim().toLowerCase()
                     .replace(/^#/, '').replace(/\s+/g, '-');

        e.preventDefault();

        if (!ROOM_NAME.test(name)) {
            view.showJoinHelp(name && 'Letters a to z, digits, - and _ only.');
            return;
        }

        $('join-name').value = '';
        view.showJoinHelp('');
        location.hash = name;
        view.closeSide();
        $('text').focus();
    });

    $('join-name').addEventListener('input', () => view.showJoinHelp(''));

    $('leave').addEventListener('click', () => {
        leave(current);
        view.closeSide();
    });
}


function listenToProfile() {
    $('me-name').addEventListener('click', openProfile);
    $('profile-cancel').addEventListener('click', () => $('profile').close());

    /* without a name there is nothing else to do here */
    $('profile').addEventListener('cancel', (e) => {
        if (!me.name) {
            e.preventDefault();
        }
    });

    $('profile-other').addEventListener('click', () => {
        $('profile-name').value = randomName();
    });

    $('profile-form').addEventListener('submit', (e) => {
        const name = cleanName($('profile-name').value);

        if (!name) {
            e.preventDefault();

        } else if (name !== me.name) {
            enter(name);
        }
    });
}


function listenToStatus() {
    $('me-status').addEventListener('change', (e) => setStatus(e.target.value));

    $('me-custom').addEventListener('click', () => {
        $('custom-emoji').value = me.customStatus.emoji || '';
        $('custom-text').value = me.customStatus.text || '';
        $('custom').showModal();
        $('custom-text').select();
    });

    $('custom-clear').addEventListener('click', () => {
        setStatus(me.status, {});
        $('custom').close();
    });

    $('custom-form').addEventListener('submit', () => {
        const emoji = $('custom-emoji').value.trim();
        const text = $('custom-text').value.trim();

        setStatus(me.status, {
            ...(text && { text }), ...(emoji && { emoji })
        });
    });
}


function listenToPage() {
    $('retry').addEventListener('click', () => retry());
    $('notice-close').addEventListener('click', () => view.showNotice(''));
    $('show-rooms').addEventListener('click', () => {
        view.openSide('rooms-side');
    });
    $('show-people').addEventListener('click', () => {
        view.openSide('people-side');
    });

    document.querySelectorAll('[data-close]').forEach((el) => {
        el.addEventListener('click', view.closeSide);
    });

    document.addEventListener('keydown', (e) => {
        if (e.key === 'Escape') {
            view.closeSide();

        } else if (e.altKey && /^Arrow(Up|Down)$/.test(e.key)) {
            e.preventDefault();
            step(e.key === 'ArrowUp' ? -1 : 1);
        }
    });

    document.addEventListener('visibilitychange', seen);

    /* a page that goes says so, and one that comes back connects again */
    window.addEventListener('pagehide', () => socket.disconnect());

    window.addEventListener('pageshow', (e) => e.persisted && retry());
    window.addEventListener('hashchange', readAddress);
}


storedRooms().forEach(addRoom);
readAddress();
view.showMe(me);
listenToComposer();
listenToRooms();
listenToProfile();
listenToStatus();
listenToPage();

start(onLink);

if (me.name) {
    signIn(me.name);

} else {
    openProfile();
}

/* a touch screen would cover half of the page with its keyboard */
if (me.name && matchMedia('(hover: hover)').matches) {
    $('text').focus();
}
