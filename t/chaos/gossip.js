'use strict';

/*
 * gossip.js: what is told of those who go, and of nobody else.
 *
 * "gone" are the people of the plan who have gone for good.  Each of the
 * others is to be told once for every room that it shares with a user, or with
 * somebody without a name, and once that the user is offline.
 */


function add(counts, key, n) {
    counts.set(key, (counts.get(key) || 0) + n);
}


/* the first of each user's connections, and all of those without a user */
function distinct(people) {
    const users = new Set();

    return people.filter(({ userId }) => {
        const known = userId !== null && users.has(userId);

        users.add(userId);

        return !known;
    });
}


/* what somebody in "rooms" should have been told: Map of text -> times */
function expected(gone, rooms) {
    const counts = new Map();

    for (const p of distinct(gone)) {
        const shared = p.rooms.filter((r) => rooms.includes(r));

        shared.forEach((r) => add(counts, `user:left ${p.userId} ${r}`, 1));

        if (p.userId !== null && shared.length) {
            add(counts, `presence:changed ${p.userId} offline`, 1);
        }
    }

    return counts;
}


/*
 * What is wrong with "told", [[event, userId, room or status], ...], in words.
 * "except": users of whom anything may be said, null for those without a name.
 */
function wrong(told, gone, rooms, except = new Set()) {
    const counts = expected(gone, rooms);
    const list = [];

    told.forEach((t) => add(counts, t.map(String).join(' '), -1));

    for (const [text, n] of counts) {
        const user = text.split(' ')[1];

        if (n && !except.has(user === 'null' ? null : user)) {
            list.push(n > 0 ? `${n} times not told: ${text}`
                            : `${-n} times too often: ${text}`);
        }
    }

    return list;
}


module.exports = { wrong };
