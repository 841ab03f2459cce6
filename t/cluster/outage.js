'use strict';

/*
 * outage.js: something that happens while people talk at all hosts, and what
 * they notice of it.
 *
 * REALTIME_SEED   a number: the same people do the same again
 */

const tap = require('../lib/tap');
const { Probe } = require('./probe');
const { Traffic, calm, whole } = require('./traffic');

const { diag, is, ok, sleep, test } = tap;

const SEED = Number(process.env.REALTIME_SEED || Date.now() % 1000000);

const PATIENCE = 90000;

const SIZE = {
    raw: 57, real: 3, rooms: 6, senders: 9, every: 100, movers: 6
};

/* how long talk goes on before anything happens, ms */
const BEFORE = 500;

let rounds = 0;


/* nobody may have lost what its host or another one does not know of */
function summary(name, tally, verdict, before, after) {
    const figure = (key) => Math.max(0, after[key] - before[key]);
    const lost = figure('lost');
    const missed = figure('missed');
    const refused = figure('refused');

    diag(`${name}: messages ${tally.messages.size}, not heard at other hosts `
         + `${verdict.unheard}; the hosts say: lost ${lost}, missed ${missed},`
         + ` refused ${refused}`);

    return (lost + refused) * (tally.plan.hosts - 1) + missed;
}


/*
 * "act" happens while people talk, and resolves when it is over.  Options:
 * late: what was said meanwhile comes later; struck: hosts whose people may
 * notice it; dead: those that ended, and know nothing of it.
 */
async function outage(name, fleet, act, { late = false, struck = [],
                                          dead = [] } = {})
{
    await test(name, async () => {
        const before = await fleet.sums();
        const probe = await Probe.start(fleet.hosts);

        const traffic = await Traffic.start(fleet, {
            seed: SEED + rounds, moves: 1000,
            size: { ...SIZE, prefix: `round-${rounds++}` }
        });

        const tally = await traffic.flow(async () => {
            await sleep(BEFORE);

            await act();

            const took = await probe.since(Date.now());

            diag(`${name}: all hear each other ${took} ms after it`);
        });

        const verdict = tally.verdict(dead);
        const counted = summary(name, tally, verdict, before,
                                await fleet.sums());

        whole(tally, verdict);
        calm(tally, struck.concat(dead));

        if (late) {
            is(verdict.unheard, 0, 'not heard at other hosts');
        }

        if (!dead.length) {
            ok(verdict.unheard <= counted, 'what was not heard was counted');
            is(tally.sum('fresh'), 0, 'who had to begin anew');
        }

        await traffic.end();
    }, { timeout: PATIENCE });
}


module.exports = { SEED, outage };
