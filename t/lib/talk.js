'use strict';

/*
 * talk.js: users who talk all the time, in processes of their own.
 *
 * Each numbers what it says, from 1 on, and what it says is accepted (the ack)
 * before it says more.  Six share a room.
 */

const { fork } = require('node:child_process');
const { Socket, EVENT } = require('./sio');
const tap = require('./tap');
const tokens = require('./tokens');

/* users of one process, at most; those of a room */
const CROWD = 250;
const ROOM = 6;


function name(i) {
    return `user-${i}`;
}


/* in the process of its own: */

class Talkers {

    constructor({ server, first, count, pace, pad }) {
        Object.assign(this, { server, first, count, pace, pad });

        this.users = [];
        this.times = [];
        this.wrong = [];
        this.gone = 0;
    }

    async open() {
        for (let i = this.first; i < this.first + this.count; i++) {
            const token = tokens.sign({ userId: name(i) });
            const s = await Socket.open(this.server, { auth: { token } });
            const u = { id: name(i), room: `room-${Math.floor(i / ROOM)}`,
                        s, said: 0, last: Promise.resolve() };

            /* nobody listens */
            const { handle } = s;

            s.handle = (pkt) => pkt.type === EVENT || handle.call(s, pkt);
            s.log = { push() {} };
            s.closed.then(() => { this.gone++; });

            await s.ask('room:join', { roomName: u.room });
            this.users.push(u);
        }
    }

    async say(u) {
        const before = process.hrtime.bigint();
        const n = u.said + 1;

        u.busy = true;

        try {
            const reply = await u.s.ask('message:send', {
                roomName: u.room,
                content: String(n),
                ...(this.pad ? { metadata: { pad: 'x'.repeat(this.pad) } } : {})
            });

            if (!reply.success) {
                throw new Error(JSON.stringify(reply));
            }

            u.said = n;

        } catch (e) {
            this.wrong.push(`${u.id}: ${e.message}`);
        }

        this.times.push(Number(process.hrtime.bigint() - before) / 1e6);
        u.busy = false;
    }

    talk() {
        let i = 0;

        this.timer = setInterval(() => {
            const u = this.users[i++ % this.users.length];

            if (!u.busy) {
                u.last = this.say(u);
            }
        }, this.pace);
    }

    async rest() {
        clearInterval(this.timer);
        await Promise.all(this.users.map((u) => u.last));
    }

    figures() {
        const { times, wrong, gone } = this;

        this.times = [];
        this.wrong = [];

        return {
            times, gone, wrong,
            said: Object.fromEntries(this.users.map((u) => [u.id, u.said]))
        };
    }
}


function serve() {
    let talkers;

    const does = {
        open: (opts) => {
            talkers = new Talkers(opts);
            return talkers.open();
        },
        talk: () => talkers.talk(),
        rest: () => talkers.rest(),
        figures: () => talkers.figures(),
        close: () => process.exit(0)
    };

    process.on('disconnect', () => process.exit(0));

    process.on('message', async ({ what, opts }) => {
        try {
            process.send({ answer: await does[what](opts) });

        } catch (e) {
            process.send({ error: e.stack });
        }
    });
}


/* in the test: */

class Crowd {

    static async start(server, { clients, pace = 5, pad = 0 }) {
        const crowd = new Crowd();
        const { port, url, path } = server;
        const n = Math.ceil(clients / CROWD);

        for (let i = 0; i < n; i++) {
            const first = i * CROWD;

            await crowd.fork({
                server: { port, url, path }, first, pad, pace: pace * n,
                count: Math.min(CROWD, clients - first)
            });
        }

        return crowd;
    }

    constructor() {
        this.children = [];
    }

    async fork(opts) {
        const child = fork(__filename, ['talk'], {
            stdio: ['ignore', 'ignore', 'inherit', 'ipc']
        });

        tap.cleanup(() => child.kill('SIGKILL'));
        this.children.push(child);
        await this.tell(child, 'open', opts);
    }

    tell(child, what, opts) {
        return new Promise((resolve, reject) => {
            child.once('message', ({ answer, error }) => {
                return error ? reject(new Error(error)) : resolve(answer);
            });

            child.send({ what, opts });
        });
    }

    all(what) {
        return Promise.all(this.children.map((c) => this.tell(c, what)));
    }

    talk() {
        return this.all('talk');
    }

    /* until all that was said is accepted */
    rest() {
        return this.all('rest');
    }

    /* { times, wrong, gone, said: { user: how much } }, the first two new */
    async figures() {
        const list = await this.all('figures');

        return {
            times: list.flatMap((f) => f.times).sort((a, b) => a - b),
            wrong: list.flatMap((f) => f.wrong),
            gone: list.reduce((n, f) => n + f.gone, 0),
            said: Object.assign({}, ...list.map((f) => f.said))
        };
    }

    async close() {
        for (const child of this.children) {
            child.kill('SIGKILL');
        }
    }
}


if (process.argv[2] === 'talk' && require.main === module) {
    serve();
}


module.exports = { Crowd };
