'use strict';

/*
 * judge.js: what everybody has seen, compared.
 *
 * Knows nothing of clients: a room is its messages and what each of its
 * receivers saw of them, in pieces.  A piece is seen without a break: all
 * pieces of all receivers have to be pieces of one sequence, the first one
 * from its beginning and the last one to its end.
 *
 *     messages   Map of id -> { sender, number, host }
 *     receivers  [{ name, host, pieces: [[id, ...], ...], left }]
 *                left: it went for good; what comes after is not its own
 *     acked      ids that their senders were told
 *     unsure     "sender:number" that may be missing: their sender was told
 *                neither yes nor no, and then that it has to begin anew
 *     unheard    messages of other hosts that are missing; see hosts()
 *
 * Hosts have one set of messages, and each sender's in order, but each host
 * has a sequence of its own.
 */

/* as many are told of in words */
const WORDS = 20;


class Verdict {

    constructor() {
        this.lost = 0;
        this.duplicated = 0;
        this.disordered = 0;
        this.deliveries = 0;
        this.gaps = 0;
        this.unheard = 0;
        this.faults = [];
    }

    fault(kind, n, text) {
        this[kind] += n;

        if (this.faults.length < WORDS) {
            this.faults.push(`${kind}: ${text}`);
        }
    }

    add(other) {
        for (const [key, value] of Object.entries(other)) {
            this[key] = key === 'faults' ? [...this[key], ...value]
                                         : this[key] + value;
        }
    }
}


/*
 * One sequence of all messages: what the best witness saw, and what it did not
 * see where others saw it.
 */
function sequence(receivers) {
    const all = receivers.map((r) => [...new Set(r.pieces.flat())])
                         .sort((a, b) => b.length - a.length);

    const list = all.length ? all[0].slice() : [];
    const known = new Set(list);

    for (const seen of all) {
        let before = null;

        for (const id of seen) {
            if (!known.has(id)) {
                list.splice(before === null ? 0 : list.indexOf(before) + 1, 0,
                            id);
                known.add(id);
            }

            before = id;
        }
    }

    return list;
}


/* "from" up to "to" were not seen, except for what "seen" has */
function missed(verdict, room, order, { name, seen }, from, to) {
    for (let i = from; i < to; i++) {
        if (!seen.has(order[i])) {
            const { sender, number } = room.messages.get(order[i]);

            verdict.fault('lost', 1,
                          `${room.name}: ${name} has not ${sender}:${number}`);
        }
    }
}


/* one receiver against the sequence */
function receiver(verdict, room, order, places, r) {
    const { pieces, name } = r;
    const seen = new Set(pieces.flat());
    const had = new Set();
    let at = -1;

    pieces.forEach((piece, i) => {
        verdict.deliveries += piece.length;

        piece.forEach((id, k) => {
            const place = places.get(id);
            const { sender, number } = room.messages.get(id);
            const what = `${room.name}: ${name} has ${sender}:${number}`;

            if (had.has(id)) {
                verdict.fault('duplicated', 1, `${what} twice`);
                return;
            }

            had.add(id);

            if (place < at) {
                verdict.fault('disordered', 1, `${what} too late`);
                return;
            }

            if (k || !i) {
                missed(verdict, room, order, { name, seen }, at + 1, place);
            } else {
                verdict.gaps += place > at + 1;
            }

            at = place;
        });
    });

    /* who had to begin anew and saw nothing since has its gap at the end */

    if (!r.left && (pieces.length === 1 || pieces[pieces.length - 1].length)) {
        missed(verdict, room, order, { name, seen }, at + 1, order.length);
    }
}


/* the numbers of each sender, as everybody saw them */
function senders(verdict, room, order) {
    const last = new Map();
    const numbers = new Set();

    for (const id of order) {
        const { sender, number } = room.messages.get(id);
        const before = last.has(sender) ? last.get(sender) : -1;
        const what = `${room.name}: ${sender}:${number}`;

        if (numbers.has(`${sender}:${number}`)) {
            verdict.fault('duplicated', 1, `${what} has two ids`);
            continue;
        }

        numbers.add(`${sender}:${number}`);

        if (number < before) {
            verdict.fault('disordered', 1, `${what} after ${before}`);
            continue;
        }

        for (let n = before + 1; n < number; n++) {
            if (!room.unsure.has(`${sender}:${n}`)) {
                verdict.fault('lost', 1, `${what} after ${before}`);
            }
        }

        last.set(sender, number);
    }
}


/*
 * The room as each host has it.  What was said at other hosts and did not come
 * is not lost there, but unheard.
 */
function hosts(room) {
    const all = new Set([
        ...room.receivers.flatMap((r) => r.pieces.flat()), ...room.acked
    ]);

    return [...new Set(room.receivers.map((r) => r.host))].map((host) => {
        const receivers = room.receivers.filter((r) => r.host === host);
        const seen = new Set(receivers.flatMap((r) => r.pieces.flat()));

        const unheard = new Set([...all].filter((id) => {
            const known = room.messages.get(id);

            return !seen.has(id) && known && known.host !== host;
        }));

        const missing = [...unheard].map((id) => {
            const { sender, number } = room.messages.get(id);

            return `${sender}:${number}`;
        });

        return {
            ...room, host, receivers, unheard: unheard.size,
            acked: room.acked.filter((id) => !unheard.has(id)),
            unsure: new Set([...room.unsure, ...missing])
        };
    });
}


function judge(room) {
    const verdict = new Verdict();
    const order = sequence(room.receivers);
    const places = new Map(order.map((id, i) => [id, i]));

    for (const r of room.receivers) {
        receiver(verdict, room, order, places, r);
    }

    senders(verdict, room, order);
    verdict.unheard = room.unheard || 0;

    for (const id of room.acked) {
        if (!places.has(id)) {
            verdict.fault('lost', 1, `${room.name}: nobody has ${id}`);
        }
    }

    return verdict;
}


module.exports = { Verdict, hosts, judge };
