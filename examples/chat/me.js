/*
 * me.js: who uses this page: a name, which is the user's id and which the
 * browser keeps, and a status.
 */

const NAME_MAX = 32;

const MOODS = [
    'Amber', 'Brave', 'Calm', 'Clever', 'Curious', 'Gentle', 'Golden', 'Happy',
    'Jolly', 'Lucky', 'Mellow', 'Merry', 'Nimble', 'Patient', 'Quiet', 'Silver',
    'Sunny', 'Swift', 'Velvet', 'Witty'
];

const ANIMALS = [
    'Badger', 'Beaver', 'Crane', 'Dolphin', 'Falcon', 'Finch', 'Fox', 'Gecko',
    'Hare', 'Heron', 'Koala', 'Lynx', 'Marten', 'Otter', 'Owl', 'Panda',
    'Puffin', 'Robin', 'Seal', 'Wombat'
];


/* a browser may refuse to keep anything */
export function recall(key, storage = 'localStorage') {
    try {
        return window[storage].getItem(`chat.${key}`);

    } catch (e) {
        return null;
    }
}


export function keep(key, value, storage = 'localStorage') {
    try {
        window[storage].setItem(`chat.${key}`, value);

    } catch (e) {
        console.warn(`chat: "${key}" is not kept: ${e.message}`);
    }
}


/* 16 hex digits; crypto.randomUUID() is for https and localhost alone */
export function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));

    return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}


export function randomName() {
    const pick = (list) => list[Math.floor(Math.random() * list.length)];

    return `${pick(MOODS)} ${pick(ANIMALS)}`;
}


/* one line, not too long; '' when nothing is left */
export function cleanName(text) {
    const line = String(text).replace(/[\p{C}\s\ufffd]+/gu, ' ').trim();

    return Array.from(line).slice(0, NAME_MAX).join('').trim();
}


export const me = {

    /* a tab's own name comes first: two windows may be two people */
    name: cleanName(recall('name', 'sessionStorage') || recall('name') || ''),

    status: 'online',
    customStatus: {},

    rename(name) {
        this.name = name;
        keep('name', name, 'sessionStorage');
        keep('name', name);
    }
};


/* a window that was opened with the browser's name goes on under it */
if (me.name) {
    keep('name', me.name, 'sessionStorage');
}
