'use strict';

/*
 * traffic.js: people at all hosts, who talk, come and go while something
 * happens, and what has become of their messages.
 */

const { all, start } = require('../chaos/crews');
const { Plan } = require('../chaos/plan');
const { Tally } = require('../chaos/tally');
const tap = require('../lib/tap');

const { isDeeply, ok } = tap;

const PATIENCE = 30000;

/* between two moves of the same mover, ms */
const MOVES = 3000;


class Traffic {

    /* resolves when all are there; "size": plan.js's */
    static async start(fleet, { size, crews = 1, seed, moves = MOVES }) {
        const traffic = new Traffic();

        traffic.plan = new Plan({
            ...size, seed, hosts: fleet.hosts.length
        });

        traffic.moves = moves;

        traffic.crews = await start(traffic.plan, {
            crews, seed, where: (p) => fleet.where(p)
        });

        isDeeply(await all(traffic.crews, 'open', { ms: PATIENCE }), [],
                 'who did not come');

        return traffic;
    }

    /*
     * Resolves to the tally, when "act" is done, all are back, and all have
     * heard a last message of everybody; "late" has who has not.
     */
    async flow(act) {
        const { crews, plan } = this;

        await all(crews, 'storm', { each: 0, moves: this.moves });
        await act();

        isDeeply(await all(crews, 'calm', { ms: PATIENCE }), [],
                 'who is not back');

        const last = await all(crews, 'words', { ms: 5000 });

        const late = await all(crews, 'heard', { ms: PATIENCE, last });

        return Object.assign(new Tally(plan, await all(crews, 'report')),
                             { late });
    }

    /* all take their leave */
    end() {
        return all(this.crews, 'end');
    }
}


/*
 * Nothing that was said at a host is lost there, nor anything doubled or out of
 * order; what was not heard from other hosts is "unheard" in the verdict.
 */
function whole(tally, verdict) {
    isDeeply(tally.late, [], 'who did not hear the last words');
    isDeeply(verdict.faults, [], 'faults');
    isDeeply(tally.wrong, [], 'contents');
    ok(verdict.deliveries > tally.messages.size, 'something was heard');
}


/* nobody has noticed anything, but for those at the hosts "struck" */
function calm(tally, struck = []) {
    const people = tally.people.filter((p) => {
        return !struck.includes(tally.plan.people[p.id].host);
    });

    isDeeply(people.flatMap((p) => p.troubles).slice(0, 20), [], 'troubles');
    isDeeply(people.flatMap((p) => p.gaps).slice(0, 20), [],
             'who was disconnected');
}


module.exports = { Traffic, calm, whole };
