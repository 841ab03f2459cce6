'use strict';

/*
 * service.js: what runs beside nginx, each in a directory of its own, as a
 * user without rights.
 *
 * REALTIME_KEEP   directories are kept
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { alive } = require('./server');
const tap = require('./tap');

/* ends what runs and takes its directory away when the test is killed */
const GUARD = `
    read x || {
        pid=$(cat "$1/pid")
        if [ "$pid" ]; then
            kill -CONT $pid $(cat /proc/$pid/task/$pid/children)
            kill -"$2" $pid
            for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                kill -0 $pid || break
                sleep 0.3
            done
            kill -KILL $pid
        fi
        ipcrm -m $(sed -n '7s/.* //p' "$1/data/postmaster.pid")
        rm -rf "$1"
    }`;

/* of these all processes get one, of others the first, who tells the rest */
const ALL = ['SIGSTOP', 'SIGCONT', 'SIGKILL'];


/* whom to run as: most refuse to run as root */
function account() {
    if (process.getuid() !== 0) {
        return {};
    }

    const users = fs.readFileSync('/etc/passwd', 'utf8').split('\n')
                    .map((line) => line.split(':'));

    const [, , uid, gid] = users.find(([name]) => name === 'postgres')
                           || users.find(([name]) => name === 'nobody');

    return { uid: Number(uid), gid: Number(gid) };
}


function find(name) {
    return [...process.env.PATH.split(':'), '/usr/sbin']
        .map((dir) => path.join(dir, name)).find(fs.existsSync)
        || tap.missing(`${name} is missing: .ci/deps test`);
}


/* { code, stdout, stderr } */
function execute(command, args, opts = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            stdio: ['pipe', 'pipe', 'pipe'], ...opts
        });

        let stdout = '';
        let stderr = '';

        child.stdin.on('error', () => {});
        child.stdin.end(opts.input || '');
        child.stdout.on('data', (data) => { stdout += data; });
        child.stderr.on('data', (data) => { stderr += data; });
        child.on('error', reject);
        child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
}


async function demand(command, args, opts) {
    const res = await execute(command, args, opts);

    if (res.code !== 0) {
        throw new Error(`${command} ${args.join(' ')}: ${res.stderr}`);
    }

    return res.stdout;
}


/* a life, a log, a directory */
class Service {

    constructor(name) {
        this.name = name;
        this.user = account();
        this.exited = 'not started';
        this.killed = false;

        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-service-'));
        fs.chmodSync(this.dir, 0o755);
        this.give(this.dir);

        this.guard = spawn('/bin/sh', ['-c', GUARD, 'guard', this.dir,
                                       this.quick.slice(3)], {
            stdio: ['pipe', 'ignore', 'ignore'], detached: true
        });

        this.guard.stdin.on('error', () => {});
        this.out = fs.openSync(path.join(this.dir, 'log'), 'a');
        this.onExit = () => this.abandon();
        process.on('exit', this.onExit);
    }

    /* how it is told to end now, by which it still cleans up behind itself */
    get quick() {
        return 'SIGTERM';
    }

    /* with what it ends when it was told to */
    get fine() {
        return [0];
    }

    give(file) {
        if (this.user.uid) {
            fs.chownSync(file, this.user.uid, this.user.gid);
        }
    }

    write(name, text, mode = 0o600) {
        const file = path.join(this.dir, name);

        fs.writeFileSync(file, text, { mode });
        this.give(file);

        return file;
    }

    /* "netns": of the network namespace that it has to be in */
    run(command, args, netns) {
        const { uid, gid } = this.user;

        const enter = ['netns', 'exec', netns, find('setpriv'),
                       `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];

        const child = spawn(netns ? find('ip') : command,
                            netns ? [...enter, command, ...args] : args, {
            ...(netns ? {} : this.user),
            cwd: this.dir,
            env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
            stdio: ['ignore', this.out, this.out]
        });

        this.pid = child.pid;
        this.exited = null;
        fs.writeFileSync(path.join(this.dir, 'pid'), String(this.pid || ''));

        this.ended = new Promise((resolve) => {
            const over = (how) => {
                this.exited = how;

                if (fs.existsSync(this.dir)) {
                    fs.writeFileSync(path.join(this.dir, 'pid'), '');
                }

                resolve(how);
            };

            child.on('error', (e) => over(e.message));
            child.on('exit', (code, signal) => over(signal || code));
        });

        return this.ended;
    }

    log() {
        return fs.readFileSync(path.join(this.dir, 'log'), 'utf8');
    }

    children() {
        try {
            const file = `/proc/${this.pid}/task/${this.pid}/children`;

            return fs.readFileSync(file, 'latin1').split(' ')
                     .filter((pid) => pid.trim()).map(Number);

        } catch (e) {
            return [];
        }
    }

    signal(name, pids) {
        for (const pid of pids) {
            try {
                process.kill(pid, name);

            } catch (e) {
                /* it ended by itself */
            }
        }
    }

    /*
     * All processes get SIGSTOP (nobody answers any more, but connections are
     * accepted by the kernel), SIGCONT or SIGKILL; other signals the first
     * process.  Resolves when that has happened: those that end it have.
     */
    async kill(signal = 'SIGKILL') {
        if (this.exited !== null) {
            return;
        }

        this.killed = true;

        if (!ALL.includes(signal)) {
            this.signal(signal, [this.pid]);

            if (signal !== 'SIGHUP') {
                await this.ended;
            }

            return;
        }

        /* one that is stopped makes no more children */
        this.signal('SIGSTOP', [this.pid]);

        const pids = [...this.children(), this.pid];

        this.signal(signal, pids);

        if (signal === 'SIGKILL') {
            await this.ended;
            await tap.until(5000, () => !pids.some(alive), 'their end');
        }
    }

    /* ends it as kindly as it allows, and leaves the directory */
    async halt(signal = 'SIGINT') {
        if (this.exited !== null) {
            return;
        }

        this.signal('SIGCONT', [this.pid, ...this.children()]);
        this.signal(signal, [this.pid]);

        const now = setTimeout(() => this.signal(this.quick, [this.pid]), 5000);
        const kill = setTimeout(() => this.kill(), 10000);

        await this.ended;
        clearTimeout(now);
        clearTimeout(kill);
    }

    /* what it left outside of its directory */
    sweep() {
    }

    /* what cannot wait: the test process is about to end */
    abandon() {
        if (this.exited === null) {
            const pids = [...this.children(), this.pid];

            this.signal('SIGKILL', pids);
        }

        this.sweep();
        this.remove();
    }

    remove() {
        if (!process.env.REALTIME_KEEP) {
            fs.rmSync(this.dir, { recursive: true, force: true });
        }
    }

    /* what the log of one that was left in peace does not have */
    get bad() {
        return /^(?!)/;
    }

    complaints() {
        return this.log().split('\n').filter((line) => this.bad.test(line));
    }

    async stop() {
        if (this.stopped) {
            return;
        }

        this.stopped = true;
        await this.halt();
        this.sweep();

        await tap.test(`${this.name} ends well`, async () => {
            if (!this.killed) {
                tap.isDeeply(this.complaints(), [], 'lines of the log');
                tap.ok(this.fine.includes(this.exited), 'exit code');
            }
        });

        this.dismiss();
    }

    dismiss() {
        process.removeListener('exit', this.onExit);
        this.guard.stdin.end('done\n');
        fs.closeSync(this.out);
        this.remove();
    }
}


module.exports = { Service, demand, execute, find };
