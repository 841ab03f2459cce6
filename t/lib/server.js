'use strict';

/*
 * server.js: a real nginx with the module, in a directory of its own.
 *
 * REALTIME_MODULE   the module, build/ngx_http_realtime_module.so
 * REALTIME_NGINX    the nginx, as found in PATH
 * REALTIME_PRELOAD  libraries to load before (the runtimes of sanitizers)
 * REALTIME_DEBUG    error log at debug level
 * REALTIME_KEEP     the directory is kept
 */

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { request } = require('./http');
const tap = require('./tap');

const TOP = path.resolve(__dirname, '..', '..');

const MODULE = process.env.REALTIME_MODULE
               || path.join(TOP, 'build', 'ngx_http_realtime_module.so');

/* absolute: a binary upgrade executes it without a search in PATH */
const NGINX = find(process.env.REALTIME_NGINX || 'nginx');

/* below the ports of outgoing connections; each process has its own ten */
const PORTS = 10000 + (process.pid % 2000) * 10;

/* ends nginx and takes its directory away when the test dies by SIGKILL */
const GUARD = 'read x || { kill -TERM $(cat "$1"/nginx.pid*); sleep 1;'
              + ' rm -rf "$1"; }';

const BAD = new RegExp([
    '\\[(alert|emerg)\\]', 'ERROR: \\w*Sanitizer', 'SUMMARY: \\w*Sanitizer',
    'runtime error:', 'Segmentation fault', 'exited on signal'
].join('|'));

/* what nginx itself says when a process goes by SIGKILL */
const KILLED = [
    /exited on signal 9/, /shared memory zone .* was locked by/,
    /\[alert\] .*kill\(\d+, \d+\) failed \(3: No such process\)/
];

/* what the master that a binary upgrade starts has to find as well */
const PRESERVED = 'env LD_PRELOAD; env ASAN_OPTIONS; env UBSAN_OPTIONS;';

let ports = 0;


function find(name) {
    const folders = name.includes('/') ? [] : process.env.PATH.split(':');

    return folders.map((folder) => path.join(folder, name))
                  .find((file) => fs.existsSync(file)) || name;
}


/* whether the module has that directive */
function knows(directive) {
    return fs.existsSync(MODULE)
           && fs.readFileSync(MODULE).includes(`${directive}\0`);
}


/*
 * Most tests are of other things: their sessions end with the connections,
 * events have no offsets, and after a reload all are sent away at once.
 */
function recovery({ recovery: window = false }) {
    if (window === true || !knows('realtime_recovery')) {
        return '';
    }

    return window ? `realtime_recovery on ${window};`
                  : 'realtime_recovery off; realtime_drain 0;';
}


/* another one than that */
async function freePort(but) {
    for (let i = 0; i < 200; i++) {
        const port = PORTS + ports++ % 10 + (i < 10 ? 0 : i * 10);

        const free = await new Promise((resolve) => {
            const probe = net.createServer();

            probe.on('error', () => resolve(false));
            probe.listen(port, '127.0.0.1', () => {
                probe.close(() => resolve(true));
            });
        });

        if (free && port !== but) {
            return port;
        }
    }

    throw new Error('no free port');
}


async function listen(port) {
    const listener = net.createServer();

    await new Promise((resolve, reject) => {
        listener.on('error', reject);
        listener.listen(port, '127.0.0.1', resolve);
    });

    return listener;
}


function configuration(dir, port, opts) {
    const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

    return `
${process.getuid() === 0 ? 'user root;' : ''}
load_module ${MODULE};
daemon ${opts.daemon ? 'on' : 'off'};
master_process on;
worker_processes ${opts.workers || 1};
pid ${dir}/nginx.pid;
error_log ${dir}/error.log ${process.env.REALTIME_DEBUG ? 'debug' : 'info'};
worker_rlimit_nofile 16384;
${process.env.REALTIME_PRELOAD ? PRESERVED : ''}
${opts.main || ''}

events {
    worker_connections 4096;
    ${opts.events || ''}
}

http {
    access_log off;
    ${recovery(opts)}
    ${temps.map((t) => `${t}_temp_path ${dir}/${t};`).join('\n    ')}
    ${opts.http || ''}

    server {
        listen 127.0.0.1:${port}${opts.reuseport ? ' reuseport' : ''};
        server_name localhost;
        ${opts.server || ''}

        location = /metrics {
            realtime_metrics;
        }

        ${opts.locations || ''}
    }
}
`;
}


/* nothing of the tests' own environment may become a directive's default */
function environment(dir, extra) {
    const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', ...extra };

    if (process.env.REALTIME_PRELOAD) {
        Object.assign(env, {
            LD_PRELOAD: process.env.REALTIME_PRELOAD,
            ASAN_OPTIONS: `detect_leaks=0:log_path=${dir}/asan`,
            UBSAN_OPTIONS: `print_stacktrace=1:log_path=${dir}/ubsan`
        });
    }

    return env;
}


/* directory, configuration and arguments of an nginx that does not run yet */
function prepare(port, opts) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-'));
    const conf = path.join(dir, 'nginx.conf');

    fs.chmodSync(dir, 0o755);
    fs.writeFileSync(conf, configuration(dir, port, opts));

    return {
        dir,
        args: ['-p', dir, '-c', conf, '-e', path.join(dir, 'error.log')],
        env: environment(dir, opts.env)
    };
}


function remove(dir) {
    if (!process.env.REALTIME_KEEP) {
        fs.rmSync(dir, { recursive: true, force: true });
    }
}


/* nginx -t: { code, output }; takes what start() takes */
function check(opts) {
    const { dir, args, env } = prepare(PORTS + 9, opts);
    const res = spawnSync(NGINX, ['-t', ...args], { env });
    const output = `${res.stdout}${res.stderr}`;

    remove(dir);

    return { code: res.status, output };
}


/* whether a worker has been told to finish, or has */
function leaving(pid) {
    try {
        return /shutting down/.test(fs.readFileSync(`/proc/${pid}/cmdline`));

    } catch (e) {
        return true;
    }
}


/* not even a zombie: whoever is its parent may be slow */
function alive(pid) {
    try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');

        return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));

    } catch (e) {
        return false;
    }
}


class Server {

    constructor(port, opts) {
        this.port = port;
        this.url = `http://127.0.0.1:${port}`;
        this.path = opts.path || '/socket.io/';
        this.opts = opts;
        this.allowed = [];
        this.exited = null;
        this.masters = new Set();
    }

    launch() {
        const { dir, args, env } = prepare(this.port, this.opts);

        this.dir = dir;
        this.command = { args, env };
        this.guard = spawn('/bin/sh', ['-c', GUARD, 'guard', dir], {
            stdio: ['pipe', 'ignore', 'ignore'], detached: true
        });

        this.guard.stdin.on('error', () => {});
        this.out = fs.openSync(path.join(dir, 'out'), 'w');
        this.onExit = () => this.kill();
        process.on('exit', this.onExit);
        this.run();
    }

    run() {
        const { args, env } = this.command;
        const { netns } = this.opts;
        const stdio = ['ignore', this.out, this.out];

        if (netns) {

            /* a socket stays where it was made: clients need not be there */

            this.child = spawn('ip', ['netns', 'exec', netns, NGINX, ...args], {
                env: { ...env, NGINX: `${stdio.length};` },
                stdio: [...stdio, this.listener._handle.fd]
            });

            this.listener.close();

        } else {
            this.child = spawn(NGINX, args, { env, stdio });
        }

        this.exited = null;
        this.pid = this.child.pid;
        this.masters.add(this.pid);

        this.ended = new Promise((resolve) => {
            this.child.on('error', (e) => {
                this.exited = e.message;
                resolve(this.exited);
            });

            this.child.on('exit', (code, signal) => {
                if (!this.opts.daemon || code !== 0) {
                    this.exited = signal || code;
                    resolve(this.exited);
                }
            });
        });
    }

    /* what cannot wait: the test process is about to end */
    kill() {
        try {
            const masters = [...this.masters].filter(alive);
            const workers = masters.flatMap((pid) => this.workerPids(pid));

            masters.concat(workers)
                   .forEach((pid) => process.kill(pid, 'SIGKILL'));

        } catch (e) {
            tap.diag(`nginx ${this.pid}: ${e.message}`);
        }

        remove(this.dir);
    }

    /* as when the power goes: nothing of it says another word */
    async vanish() {
        const pids = [this.pid, ...this.workerPids()];

        this.fate = 'SIGKILL';
        pids.forEach((pid) => process.kill(pid, 'SIGKILL'));

        await this.ended;
    }

    /* whether all workers are there */
    async ready() {
        await tap.until(10000, () => {
            if (this.opts.daemon && this.exited === null
                && this.pid === this.child.pid && this.master())
            {
                this.follow(this.master());
            }

            return this.exited !== null || (this.listening()
                   && this.workerPids().length >= (this.opts.workers || 1));

        }, () => `nginx starts: ${this.errorLog()}`);

        return this.exited === null;
    }

    listening() {
        return fs.existsSync(path.join(this.dir, 'nginx.pid'));
    }

    /* the pid in the file, 0 when there is none */
    master() {
        try {
            return Number(fs.readFileSync(path.join(this.dir, 'nginx.pid')));

        } catch (e) {
            return 0;
        }
    }

    /* those of one master, which need not be the one that is in charge */
    workerPids(master = this.pid) {
        const file = `/proc/${master}/task/${master}/children`;

        try {
            return fs.readFileSync(file, 'latin1').split(' ')
                     .filter((pid) => pid.trim()).map(Number)
                     .filter((pid) => !this.masters.has(pid));

        } catch (e) {
            return [];
        }
    }

    errorLog() {
        let text = '';

        for (const name of fs.readdirSync(this.dir)) {
            if (/^(error\.log|out|asan\..*|ubsan\..*)$/.test(name)) {
                text += fs.readFileSync(path.join(this.dir, name), 'utf8');
            }
        }

        return text;
    }

    signal(name) {
        process.kill(this.pid, name);
    }

    /*
     * Starts a binary upgrade, of a daemon; resolves to the pid of the new
     * master when its workers are there.  The one in charge is still the old
     * one.
     */
    async upgrade() {
        this.signal('SIGUSR2');

        return tap.until(10000, () => {
            const pid = this.master();

            if (!pid || this.masters.has(pid) || this.workerPids(pid).length
                < (this.opts.workers || 1))
            {
                return 0;
            }

            this.masters.add(pid);

            return pid;

        }, () => `a new master: ${this.errorLog()}`);
    }

    /* another master is in charge, by the pid; who was has ended or will */
    follow(pid) {
        this.pid = pid;
        this.masters.add(pid);
        this.exited = null;

        this.ended = (async () => {
            while (alive(pid)) {
                await tap.sleep(20);
            }

            if (this.pid === pid) {
                this.exited = 0;
            }

            return 0;
        })();
    }

    /*
     * Resolves when the new workers are there and the old ones listen no more;
     * to the pids of those.
     */
    async reload() {
        const old = this.workerPids();

        this.signal('SIGHUP');

        await tap.until(10000, () => {
            const fresh = this.workerPids().filter((p) => !old.includes(p));

            return fresh.length >= (this.opts.workers || 1)
                   && old.every(leaving);

        }, 'new workers after a reload');

        await tap.sleep(50);

        return old;
    }

    /* graceful; resolves to the exit code */
    quit(ms = 15000) {
        this.signal('SIGQUIT');

        return tap.within(ms, this.ended, 'nginx\'s end');
    }

    /* SIGKILL; resolves when its master has put another in its place */
    async killWorker(pid, master = this.pid) {
        const old = this.workerPids(master);

        this.allowed.push(new RegExp(`process ${pid} exited on signal 9`));
        process.kill(pid, 'SIGKILL');

        await tap.until(5000, () => {
            const now = this.workerPids(master);

            return !now.includes(pid) && now.some((p) => !old.includes(p));

        }, 'another worker after a kill');
    }

    /* all of it is gone at once, as by a power cut */
    async crash() {
        const pids = [this.pid, ...this.workerPids()];

        pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
        await this.ended;
        await tap.until(5000, () => !pids.some(alive), 'their end');
        fs.rmSync(path.join(this.dir, 'nginx.pid'));
    }

    /* it begins again after that; resolves when all workers are there */
    async revive() {
        this.run();

        if (!await this.ready()) {
            throw new Error(`nginx does not start: ${this.errorLog()}`);
        }
    }

    /* lines that must not be there */
    complaints() {
        return this.errorLog().split('\n').filter((line) => {
            return BAD.test(line) && !this.allowed.some((a) => a.test(line));
        });
    }

    async metrics() {
        const res = await request(this.port, { path: '/metrics' });

        tap.is(res.status, 200, 'status of /metrics');

        return res.json();
    }

    /* ends nginx and makes the assertion that every test ends with */
    async stop() {
        if (this.stopped) {
            return;
        }

        this.stopped = true;

        for (const pid of this.masters) {
            if (pid !== this.pid && alive(pid)) {
                process.kill(pid, 'SIGTERM');
                await tap.until(5000, () => !alive(pid), `end of ${pid}`);
            }
        }

        if (this.exited === null) {
            this.signal('SIGQUIT');

            const term = setTimeout(() => this.signal('SIGTERM'),
                                    5000 * tap.scale);
            const kill = setTimeout(() => this.kill(), 12000 * tap.scale);

            await this.ended;
            clearTimeout(term);
            clearTimeout(kill);
        }

        const name = 'nginx ends well: no alerts, no sanitizer reports';

        await tap.test(this.opts.name ? `${this.opts.name}: ${name}` : name,
            async () => {
                tap.isDeeply(this.complaints(), [], 'lines of the error log');
                tap.is(this.exited, this.fate || 0, 'exit code of nginx');
            });

        process.removeListener('exit', this.onExit);
        this.guard.stdin.end('done\n');
        fs.closeSync(this.out);
        remove(this.dir);
    }
}


/*
 * Starts nginx.  Options: workers, reuseport, daemon; main, events, http, server,
 * locations: text for those contexts; env; path: of the location that clients
 * of this server use; recovery: how long clients may be away ('5s'), true for
 * the default, else they may not; netns: the network namespace in which it
 * connects to others, while clients connect to it as ever; name: for the
 * assertion at the end.
 */
async function start(opts = {}) {
    if (!fs.existsSync(MODULE)) {
        throw new Error(`no module: ${MODULE}`);
    }

    for (let i = 0; i < 3; i++) {
        const server = new Server(await freePort(), opts);

        if (opts.netns) {
            server.listener = await listen(server.port);
        }

        server.launch();

        if (await server.ready()) {
            tap.cleanup(() => server.stop());
            return server;
        }

        const log = server.errorLog();

        server.guard.stdin.end('done\n');
        process.removeListener('exit', server.onExit);
        remove(server.dir);

        if (!/Address already in use/.test(log)) {
            throw new Error(`nginx does not start: ${log}`);
        }
    }

    throw new Error('nginx finds no free port');
}


module.exports = {
    KILLED, MODULE, NGINX, alive, check, environment, freePort, knows, start
};
