#!/usr/bin/env node
'use strict';

/*
 * The judge of the chaos sees what is wrong, and nothing in what is right.
 */

const { hosts, judge } = require('./judge');
const tap = require('../lib/tap');

const { is, isDeeply, test } = tap;


/* "a0 b0 a1": messages of a and b; "a0'" is another one with a0's number */
function room(pieces, more = {}) {
    const messages = new Map();

    const receivers = pieces.map((list, i) => ({
        name: `r${i}`, left: (more.left || []).includes(i),
        pieces: list.map((text) => text.split(' ').filter((id) => id))
    }));

    for (const id of receivers.flatMap((r) => r.pieces.flat())) {
        messages.set(id, { sender: id[0], number: parseInt(id.slice(1), 10) });
    }

    return {
        name: 'room', messages, receivers, acked: more.acked || [],
        unsure: new Set(more.unsure || [])
    };
}


/* lost, duplicated, disordered, gaps */
function counts(pieces, more) {
    const v = judge(room(pieces, more));

    is(v.faults.length, v.lost + v.duplicated + v.disordered, 'words');

    return [v.lost, v.duplicated, v.disordered, v.gaps];
}


const ALL = 'a0 b0 a1 a2 b1 a3';

const CASES = [
    ['all is well', [[ALL], [ALL], [ALL]], [0, 0, 0, 0]],
    ['nothing at all', [[''], ['']], [0, 0, 0, 0]],
    ['one lost', [[ALL], ['a0 b0 a1 b1 a3'], [ALL]], [1, 0, 0, 0]],
    ['two lost', [['a0 a1 a2 b1 a3'], ['b0 a1 a2 b1 a3'], [ALL]],
     [2, 0, 0, 0]],
    ['each has lost another one',
     [['b0 a1 a2 b1 a3'], ['a0 b0 a2 b1 a3'], ['a0 b0 a1 a2 b1']],
     [3, 0, 0, 0]],
    ['the first one lost', [[ALL], ['b0 a1 a2 b1 a3']], [1, 0, 0, 0]],
    ['the last two lost', [[ALL], ['a0 b0 a1 a2']], [2, 0, 0, 0]],
    ['everything lost', [[ALL], ['']], [6, 0, 0, 0]],
    ['one doubled', [[ALL], ['a0 b0 a1 a1 a2 b1 a3'], [ALL]], [0, 1, 0, 0]],
    ['one doubled later', [[ALL], ['a0 b0 a1 a2 b1 a0 a3']], [0, 1, 0, 0]],
    ['one doubled by its sender', [['a0 b0 b0\' a1'], ['a0 b0 b0\' a1']],
     [0, 1, 0, 0]],
    ['two swapped', [[ALL], ['a0 a1 b0 a2 b1 a3'], [ALL]], [0, 0, 1, 0]],
    ['a sender\'s two swapped', [['a1 a0 a2'], ['a1 a0 a2']], [1, 0, 1, 0]],
    ['a number that nobody has', [['a0 a2'], ['a0 a2']], [1, 0, 0, 0]],
    ['a gap where it was told', [[ALL], ['a0', 'a2 b1 a3']], [0, 0, 0, 1]],
    ['two gaps', [[ALL], ['a0', 'a1', 'b1 a3']], [0, 0, 0, 2]],
    ['told, and nothing came since', [[ALL], ['a0', '']], [0, 0, 0, 0]],
    ['a gap, and one lost besides', [[ALL], ['a0', 'a1 b1 a3']],
     [1, 0, 0, 1]],
    ['a gap, and one doubled across', [[ALL], ['a0 b0', 'b0 a1 a2 b1 a3']],
     [0, 1, 0, 0]],
    ['the end lost after a gap', [[ALL], ['a0', 'a1 a2']], [2, 0, 0, 1]]
];


/* at the first host a is, and at the second b; two receivers at each */
const HOSTS = [
    ['all is well', [[ALL], [ALL], [ALL], [ALL]], [0, 0, 0, 0, 0]],
    ['each has an order of its own',
     [['a0 b0 a1 b1'], ['a0 b0 a1 b1'], ['b0 b1 a0 a1'], ['b0 b1 a0 a1']],
     [0, 0, 0, 0, 0]],
    ['but the same for all who are there',
     [['a0 b0 a1 b1'], ['a0 b0 b1 a1'], ['a0 b0 a1 b1'], ['a0 b0 a1 b1']],
     [0, 0, 1, 0, 0]],
    ['and for each sender',
     [['a0 a1'], ['a0 a1'], ['a1 a0'], ['a1 a0']], [1, 0, 1, 0, 0]],
    ['a message does not come',
     [['a0 b0 a1'], ['a0 b0 a1'], ['a0 b0'], ['a0 b0']], [0, 0, 0, 0, 1]],
    ['it does, but to one only',
     [['a0 b0 a1'], ['a0 b0 a1'], ['a0 b0 a1'], ['a0 b0']], [1, 0, 0, 0, 0]],
    ['it comes twice',
     [['a0 b0'], ['a0 b0'], ['a0 b0 a0'], ['a0 b0 a0']], [0, 2, 0, 0, 0]],
    ['one that is at home is lost',
     [['a0'], ['a0'], ['a0 a1'], ['a0 a1']], [1, 0, 0, 0, 0]]
];


function apart(pieces) {
    const all = room(pieces, { acked: [...new Set(pieces.flat()
        .flatMap((text) => text.split(' ')))] });

    all.receivers.forEach((r, i) => { r.host = i < 2 ? 0 : 1; });
    all.messages.forEach((m) => { m.host = m.sender === 'a' ? 0 : 1; });

    return hosts(all).map(judge).reduce((sum, v) => {
        return [v.lost, v.duplicated, v.disordered, v.gaps, v.unheard]
            .map((n, i) => sum[i] + n);
    }, [0, 0, 0, 0, 0]);
}


tap.run(async () => {
    for (const [name, pieces, expected] of CASES) {
        await test(name, async () => {
            isDeeply(counts(pieces), expected, 'lost, doubled, swapped, gaps');
        });
    }

    await test('who left does not miss the end', async () => {
        isDeeply(counts([[ALL], ['a0 b0']], { left: [1] }), [0, 0, 0, 0]);
        isDeeply(counts([[ALL], ['a0 a1']], { left: [1] }), [1, 0, 0, 0]);
    });

    await test('what was acknowledged must be there', async () => {
        isDeeply(counts([[ALL]], { acked: ['a0', 'a3'] }), [0, 0, 0, 0]);
        isDeeply(counts([[ALL]], { acked: ['a0', 'a4'] }), [1, 0, 0, 0]);
    });

    await test('what its sender cannot know may be missing', async () => {
        isDeeply(counts([['a0 a2']], { unsure: ['a:1'] }), [0, 0, 0, 0]);
        isDeeply(counts([['a0 a3']], { unsure: ['a:1'] }), [1, 0, 0, 0]);
    });

    for (const [name, pieces, expected] of HOSTS) {
        await test(`two hosts: ${name}`, async () => {
            isDeeply(apart(pieces), expected,
                     'lost, doubled, swapped, gaps, unheard');
        });
    }

    await test('deliveries are counted', async () => {
        is(judge(room([[ALL], ['a0', 'a3']])).deliveries, 8, 'deliveries');
    });
});
