'use strict';

/*
 * tally.js: the reports of all crews put together.
 */

const { Verdict, hosts, judge } = require('./judge');


class Tally {

    /* "reports": crew.js's; "plan": who was to be where */
    constructor(plan, reports) {
        this.plan = plan;
        this.people = reports.flatMap((r) => r.people);
        this.wrong = reports.flatMap((r) => r.wrong);
        this.cuts = {};
        this.messages = new Map();
        this.rooms = new Map(plan.rooms.map((name) => [name, {
            name, messages: this.messages, receivers: [], acked: [],
            unsure: new Set()
        }]));

        reports.forEach((r) => this.add(r));
    }

    add({ people, cuts, messages }) {
        for (const [kind, n] of Object.entries(cuts)) {
            this.cuts[kind] = (this.cuts[kind] || 0) + n;
        }

        messages.forEach((m) => this.message(m));

        for (const p of people) {
            const { leaver, host } = this.plan.people[p.id];

            p.pieces.forEach(([name, lists, left]) => {
                this.rooms.get(name).receivers.push({
                    name: `client ${p.id}`, host, left: leaver || left,
                    pieces: lists.map((l) => l.map((n) => messages[n].id))
                });
            });

            p.acked.forEach(([r, id]) => this.rooms.get(r).acked.push(id));
            p.unsure.forEach(([r, text]) => this.rooms.get(r).unsure.add(text));
        }
    }

    message({ id, roomName, content }) {
        const known = this.messages.get(id);

        if (!known) {
            const [sender, number] = content.split(':').map(Number);
            const { host } = this.plan.people[sender];

            this.messages.set(id, {
                sender, number, host, roomName, content
            });

        } else if (known.content !== content || known.roomName !== roomName) {
            this.wrong.push(`${id} is ${known.content} and ${content}`);
        }
    }

    sum(name) {
        return this.people.reduce((n, p) => n + p[name], 0);
    }

    /* of all hosts but those whose numbers are given */
    verdict(except = []) {
        const all = new Verdict();

        this.rooms.forEach((room) => {
            hosts(room).filter(({ host }) => !except.includes(host))
                       .forEach((r) => all.add(judge(r)));
        });

        return all;
    }

    /* [ms, what had been done to it], the longest first */
    gaps() {
        return this.people.flatMap((p) => p.gaps)
                   .sort((a, b) => b[0] - a[0]);
    }

    /* users who had to begin anew, null if one without a name had to */
    anew() {
        return new Set(this.people.filter((p) => p.fresh)
                           .map((p) => this.plan.people[p.id].userId));
    }
}


module.exports = { Tally };
