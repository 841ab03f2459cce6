'use strict';

/*
 * flock.js: many clients in processes of their own, who connect again as
 * socket.io-client does when they are sent away, and write down how they went
 * and what they missed.
 *
 * All are in ROOM, and ten each in a room where it is told who comes and goes;
 * a few are users.  One of them says numbers, one after the other: everybody
 * is to hear each of them once, in order.
 */

const { fork } = require('node:child_process');
const { Engine } = require('./engine');
const { Random } = require('./random');
const { Stock } = require('./stock');
const tap = require('./tap');
const { SECRET, sign } = require('./tokens');

const { isDeeply, ok } = tap;

const ROOM = 'everybody';

/* of their location */
const DIRECTIVES = `
    realtime_jwt_secret "${SECRET}";
    realtime_presence_scope rooms;
    realtime_room ${ROOM} announce=off;
`;

/* how long clients wait before they connect again, ms */
const DELAY = [500, 1500];

/* who has a token: one in so many, but so many at least */
const USERS = 100;
const FEW = 10;

/* clients of one process, at most; handshakes under way at once */
const CROWD = 2000;
const AT_ONCE = 20;

/* a little less than a test may take, ms */
const PATIENCE = 80000;

/* nobody was told anything for so long: that was all */
const QUIET = 1500;

/* between a good-bye and the end of its connection, ms */
const PARTING = 300;

/* what is said goes on there when nobody knows how far it has come */
const JUMP = 10000;

/* the end of a polling session that was told to go, as engine.js says it */
const CLOSED = 'closed by the server';

/* events about oneself */
const OWN = ['connected', 'authenticated', 'room:joined'];


function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}


async function until(check) {
    for (const end = Date.now() + PATIENCE; !check(); ) {
        if (Date.now() > end) {
            return false;
        }

        await sleep(20);
    }

    return true;
}


/* a session that says how its connections ended */
class Watched extends Engine {

    wire() {
        const wire = super.wire();

        wire.socket.on('error', (e) => this.on.error(e.code));

        return wire;
    }

    websocket(on) {
        const watch = () => {
            frames.socket.on('error', (e) => this.on.error(e.code));
        };

        const frames = super.websocket({
            ...on,
            open: () => {
                watch();
                on.open();
            }
        });

        watch();

        return frames;
    }

    /* the code of the Close frame that has come, if any */
    get code() {
        const { ws } = this.frames || {};

        return ws && ws.closeFrame ? ws.closeFrame.code : 0;
    }
}


class Sheep extends Stock {

    constructor(index, options, random) {
        super();
        this.index = index;
        this.options = options;
        this.random = random;
        this.rooms = [ROOM, `table-${Math.floor(index / 10)}`];
        this.over = false;
        this.said = 0;
        this.inside = new Set();
        this.pieces = [];
        this.breaks = [];
        this.gossip = [];
        this.troubles = [];
    }

    get settled() {
        return this.up && this.greeted
               && this.inside.size === this.rooms.length && !this.pending;
    }

    trouble(what) {
        this.troubles.push(`${this.index}: ${what}`);
    }

    connect() {
        if (this.over || this.options.stay) {
            this.over = true;
            return;
        }

        const { port, path, hows } = this.options;

        this.engine = new Watched({
            port, path, how: hows[this.index % hows.length], single: true
        }, {
            open: () => this.opened(),
            message: (text) => this.message(text),
            heard: () => {},
            error: (code) => this.trouble(code),
            down: (why) => this.down(why)
        });
    }

    opened() {
        const { index } = this;
        const n = this.options.total;

        const user = index % Math.min(USERS, Math.ceil(n / FEW)) === 0;
        const token = user ? sign({ userId: `user-${index}` }) : undefined;

        this.enter(token);
    }

    down(why) {
        const { up, engine } = this;

        this.up = false;
        this.greeted = false;
        this.acks.clear();

        if (!up && this.breaks.length) {
            this.trouble(`cannot connect: ${why}`);
        }

        const delay = this.random.between(...DELAY);

        this.breaks.push({
            at: Date.now(), delay, how: engine.code || why
        });

        if (this.options.stay) {
            this.over = true;
        }

        setTimeout(() => this.connect(), delay);
    }

    connected({ sid, pid }) {
        const last = this.breaks[this.breaks.length - 1];
        const recovered = pid !== undefined && pid === this.pid;

        if (last && !last.until) {
            last.until = Date.now();
            last.recovered = recovered;
        }

        if (recovered !== (sid === this.id)) {
            this.trouble(`${this.id} has become ${sid}`);
        }

        if (!recovered) {
            this.pieces.push([]);
            this.inside.clear();
            this.offset = undefined;
        }

        this.recovered = recovered;
        this.id = sid;
        this.pid = pid;
        this.up = true;
        this.unbuffer();
    }

    /* an offset is for those who have a pid, and for nobody else */
    deliver(args) {
        if (args.length !== (this.pid ? 3 : 2)) {
            this.trouble(`${this.pid} is told ${JSON.stringify(args)}`);
        }

        this.offset = args[2];

        if (args[0] === 'message:new') {
            this.hear(Number(args[1].content));

        } else if (args[0] === 'connected') {
            this.greeted = true;
            this.inform(args[1]);

        } else if (!OWN.includes(args[0])) {
            this.gossip.push(args[0]);
        }
    }

    hear(n) {
        const piece = this.pieces[this.pieces.length - 1];

        if (piece.length && n !== piece[1] + 1 && n % JUMP !== 0) {
            this.trouble(`${n} comes behind ${piece[1]}`);
        }

        /* first and last */

        piece[0] = piece.length ? piece[0] : n;
        piece[1] = n;
    }

    /* greeted: whatever was missed has come */
    inform({ recovered = false }) {
        if (recovered !== this.recovered) {
            this.trouble(`connected.recovered is ${recovered}`);
        }

        this.rooms.filter((r) => !this.inside.has(r)).forEach((roomName) => {
            this.ask('room:join', { roomName }, () => {
                this.inside.add(roomName);
                this.resume();
            });
        });

        this.resume();
    }

    /*
     * Taken or not: who does not see it among the others says it again.  Who
     * has begun anew cannot know, and makes it plain that one may be missing.
     */
    resume() {
        const [, last] = this.pieces[this.pieces.length - 1];

        if (!this.pending || this.inside.size < this.rooms.length) {
            return;
        }

        if (!this.recovered) {
            this.said = Math.ceil((this.pending + 1) / JUMP) * JUMP;
            this.say(this.said);

        } else if (last >= this.pending) {
            this.pending = 0;

        } else {
            this.say(this.pending);
        }
    }

    say(n) {
        this.pending = n;
        this.ask('message:send', { roomName: ROOM, content: String(n) },
                 () => { this.pending = 0; });
    }

    ask(event, payload, done) {
        this.emit(event, payload, (reply) => {
            reply.success ? done() : this.trouble(JSON.stringify(reply));
        });
    }

    leave() {
        this.over = true;

        if (this.up) {
            this.up = false;
            this.engine.send('1');
            setTimeout(() => this.engine.close(), PARTING);
        }
    }
}


/* what a process does when it is told */
class Herd {

    constructor(options) {
        const { first, n } = options;

        this.options = options;
        this.sheep = Array.from({ length: n }, (_, i) => new Sheep(
            first + i, options, new Random((process.pid << 8) + first + i)));
    }

    unsettled() {
        return this.sheep.filter((s) => !s.settled);
    }

    async open() {
        const coming = [...this.sheep];
        const under = new Set();

        await until(() => {
            under.forEach((s) => s.settled && under.delete(s));

            while (coming.length && under.size < AT_ONCE) {
                under.add(coming[0]);
                coming.shift().connect();
            }

            return under.size === 0;
        });
    }

    /* numbers are said, one every so many ms */
    async talk({ every }) {
        const [s] = this.sheep;

        this.talking = true;

        while (this.talking) {
            if (s.settled) {
                s.say(++s.said);
            }

            await sleep(every);
        }
    }

    /* the last number, when it was taken */
    async hush() {
        this.talking = false;
        await until(() => this.sheep[0].settled);

        return this.sheep[0].said;
    }

    /* when everybody is there and has heard that number */
    async report({ last }) {
        const behind = () => this.sheep.filter((s) => {
            const piece = s.pieces[s.pieces.length - 1];

            return !s.settled || !piece || (last && piece[1] !== last);
        });

        await until(() => behind().length === 0);

        behind().forEach((s) => {
            s.trouble(`up ${s.up}, ${[...s.inside]}, ${s.pending},`
                      + ` heard ${JSON.stringify(s.pieces)}, not ${last}`);
        });

        return this.now();
    }

    now() {
        return this.sheep.map(({ breaks, gossip, troubles, pieces }) => {
            return { breaks, gossip, troubles, pieces };
        });
    }

    /* nothing has happened so far, when nothing is told any more */
    async forget() {
        for (let told = -1; ; await sleep(QUIET)) {
            const n = this.sheep.reduce((sum, s) => sum + s.gossip.length, 0);

            if (n === told) {
                break;
            }

            told = n;
        }

        this.sheep.forEach((s) => {
            s.breaks = [];
            s.gossip = [];
        });
    }

    /* who is gone is gone; when nobody is on the way any more */
    async stay() {
        this.options.stay = true;
        await until(() => this.sheep.every((s) => s.over || s.up));
    }

    async leave() {
        this.sheep.forEach((s) => s.leave());
        await sleep(2 * PARTING);
    }
}


function serve() {
    let herd;

    process.on('message', async ({ id, name, args }) => {
        try {
            const result = name === 'start' ? void (herd = new Herd(args))
                           : name === 'talk' ? void herd.talk(args)
                           : await herd[name](args);

            process.send({ id, result });

        } catch (e) {
            process.send({ id, error: e.stack });
        }
    });

    process.on('uncaughtException', (e) => process.send({ error: e.stack }));
    process.on('unhandledRejection', (e) => process.send({ error: e.stack }));
    process.on('disconnect', () => process.exit());
}


/*
 * All processes.  open() resolves when everybody is there, forget() forgets
 * what happened until then; talk({ every }) begins and hush() resolves to the
 * last number; report({ last }) to what became of each client, when all are
 * there and have heard that number; now() does not wait; after stay() nobody
 * comes back; leave() ends it.  Times are ms of this machine's clock.
 */
class Flock {

    /* n: how many; hows: the ways of engine.js, taken in turn */
    static async start(server, { n, hows = ['websocket'] }) {
        const flock = new Flock();
        const crowds = Math.ceil(n / CROWD);
        const each = Math.ceil(n / crowds);

        flock.n = n;

        for (let first = 0; first < n; first += each) {
            flock.fork({
                port: server.port, path: server.path, hows, first, total: n,
                n: Math.min(each, n - first)
            });
        }

        await flock.all('open');
        await flock.report({ last: 0 });
        await flock.all('forget');

        return flock;
    }

    constructor() {
        this.children = [];
        this.calls = new Map();
        this.next = 0;
    }

    fork(options) {
        const child = fork(__filename, { serialization: 'advanced' });

        child.on('message', (m) => this.answer(m));
        child.on('exit', (code) => this.answer({ error: `exit ${code}` }));
        tap.cleanup(() => child.kill('SIGKILL'));
        this.children.push(child);
        this.call(child, 'start', options).catch(() => {});
    }

    answer({ id, result, error }) {
        if (error) {
            this.calls.forEach(({ reject }) => reject(new Error(error)));
            this.calls.clear();

        } else if (this.calls.has(id)) {
            this.calls.get(id).resolve(result);
            this.calls.delete(id);
        }
    }

    call(child, name, args) {
        return new Promise((resolve, reject) => {
            const id = this.next++;

            this.calls.set(id, { resolve, reject });
            child.send({ id, name, args });
        });
    }

    async all(name, args) {
        return (await Promise.all(this.children.map((child) => {
            return this.call(child, name, args);
        }))).flat();
    }

    talk(args) {
        return this.call(this.children[0], 'talk', args);
    }

    hush() {
        return this.call(this.children[0], 'hush');
    }

    report(args) {
        return this.all('report', args);
    }

    now() {
        return this.all('now');
    }

    stay() {
        return this.all('stay');
    }

    async leave() {
        await this.all('leave');
        this.children.forEach((child) => child.kill('SIGKILL'));
    }
}


/* what a report says */

/* nobody has anything to complain of */
function content(people) {
    isDeeply(people.flatMap((p) => p.troubles).slice(0, 10), [], 'troubles');
}


/* nobody was told of anybody */
function silent(people) {
    isDeeply(people.flatMap((p) => p.gossip).slice(0, 10), [], 'gossip');
}


/* everybody has got all that was said, once, in order, in one session */
function complete(people, last) {
    content(people);
    ok(last > 0, 'messages');

    const wrong = people.map((p) => p.pieces)
                        .filter((p) => String(p) !== `1,${last}`);

    isDeeply(wrong.slice(0, 10), [], `who has not 1 to ${last}`);
    isDeeply(people.flatMap((p) => p.breaks).filter((b) => !b.recovered), [],
             'who did not recover');
}


/* who went how: { how: number } */
function ways(people) {
    const count = {};

    people.flatMap((p) => p.breaks).forEach(({ how }) => {
        count[how] = (count[how] || 0) + 1;
    });

    return count;
}


/* everybody was told to go, at least once, and nobody just cut */
function told(people) {
    isDeeply(Object.keys(ways(people)).filter((how) => {
        return how !== '1001' && how !== CLOSED;
    }), [], 'other ends');

    ok(people.every((p) => p.breaks.length), 'everybody');
}


if (require.main === module) {
    serve();
}


module.exports = {
    CLOSED, DIRECTIVES, Flock, complete, content, silent, told, ways
};
