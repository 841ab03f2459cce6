'use strict';

/*
 * postgres.js: a real PostgreSQL, and a real PgBouncer, each in a directory of
 * its own, as a user without rights.
 *
 * REALTIME_POSTGRES  folder of the binaries, else Debian's newest
 * REALTIME_KEEP      directories are kept
 *
 * The role "realtime" owns the database "realtime" and nothing else; "postgres"
 * is the superuser.  Both have one password, and need it also over the Unix
 * socket: nobody else on the machine gets in.
 */

const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { freePort } = require('./server');
const { Service, demand, execute, find } = require('./service');
const tap = require('./tap');

const { Client, Pool, types } = tap.load('pg');

const TOP = path.resolve(__dirname, '..', '..');
const SQL = path.join(TOP, 'sql');

/* what the log of a server that was left in peace does not have */
const BAD = /PANIC:|was terminated by signal|server process .* exited with/;

/* counts are numbers; a day is a day in every time zone */
const OURS = {
    [types.builtins.INT8]: Number,
    [types.builtins.DATE]: String
};

const parsers = {
    getTypeParser(oid, format) {
        return OURS[oid] || types.getTypeParser(oid, format);
    }
};


function folder() {
    if (process.env.REALTIME_POSTGRES) {
        return process.env.REALTIME_POSTGRES;
    }

    const debian = '/usr/lib/postgresql';

    const versions = (fs.existsSync(debian) ? fs.readdirSync(debian) : [])
        .filter((v) => fs.existsSync(path.join(debian, v, 'bin', 'initdb')))
        .sort((a, b) => b - a);

    return versions.length
           ? path.join(debian, versions[0], 'bin')
           : tap.missing('postgresql is missing: .ci/deps test');
}


/* the files of sql/, in order */
function migrations() {
    return fs.readdirSync(SQL).filter((name) => name.endsWith('.sql')).sort()
             .map((name) => path.join(SQL, name));
}


/* it may be one that nobody answers any more */
async function end(client) {
    await Promise.race([client.end().catch(() => {}), tap.sleep(1000)]);

    if (client.connection) {
        client.connection.stream.destroy();
    }
}


/* a database of a server; "user" is whom its queries are of */
class Database {

    constructor(pg, name, user = 'realtime') {
        this.pg = pg;
        this.name = name;
        this.user = user;
    }

    /* over TCP; "more" is what comes after "?" */
    url(more = '', user = this.user) {
        return `postgresql://${user}:${this.pg.password}@127.0.0.1:`
               + `${this.pg.port}/${this.name}${more && `?${more}`}`;
    }

    /* over the Unix socket, in libpq's words */
    socketUrl(user = this.user) {
        return `postgresql://${user}:${this.pg.password}@/${this.name}`
               + `?host=${encodeURIComponent(this.pg.dir)}`
               + `&port=${this.pg.port}`;
    }

    /* how pg connects, which has a word of its own for unverified TLS */
    get options() {
        return {
            connectionString: this.url(this.pg.opts.tls ? 'sslmode=no-verify'
                                                        : ''),
            types: parsers
        };
    }

    /* rows; without parameters there may be several statements */
    async query(sql, params) {
        if (!this.pool) {
            this.pool = new Pool({ ...this.options, max: 4 });

            /* the server went: the next query has a new connection */
            this.pool.on('error', () => {});
            this.pg.pools.add(this);
        }

        const res = await this.pool.query(sql, params);

        return (Array.isArray(res) ? res[res.length - 1] : res).rows;
    }

    /* the only column of the only row */
    async value(sql, params) {
        const [row] = await this.query(sql, params);

        return row && Object.values(row)[0];
    }

    /* a connection of its own (of pg), until the test is over */
    async client(user = this.user) {
        const client = new Client(new Database(this.pg, this.name,
                                               user).options);

        client.on('error', () => {});
        await client.connect();
        tap.cleanup(() => end(client));

        return client;
    }

    /* the migrations, or some of them, each sent as it is */
    async apply(files = migrations()) {
        for (const file of files) {
            await this.query(fs.readFileSync(file, 'utf8'));
        }
    }

    /* { code, stdout, stderr } */
    psql(args, input) {
        return execute(find('psql'), ['-X', '-d', this.url(), ...args], {
            env: { PATH: process.env.PATH, LANG: 'C.UTF-8' }, input
        });
    }

    /* the schema as text */
    async dump() {
        const text = await demand(find('pg_dump'),
            ['--schema-only', '--no-owner', '-d', this.url()]);

        /* a random word in it guards against tricks in names */
        return text.replace(/^\\(un)?restrict .*$/gm, '');
    }

    async close() {
        const { pool } = this;

        this.pool = null;

        if (pool) {
            await Promise.race([pool.end().catch(() => {}), tap.sleep(1000)]);
        }
    }
}


class Postgres extends Service {

    get bad() {
        return BAD;
    }

    constructor(opts) {
        super(opts.name || 'PostgreSQL');

        this.opts = opts;
        this.password = crypto.randomBytes(12).toString('hex');
        this.data = path.join(this.dir, 'data');
        this.pools = new Set();
        this.db = new Database(this, 'realtime');
        this.count = 0;
    }

    get quick() {
        return 'SIGQUIT';
    }

    get url() {
        return this.db.url();
    }

    get socketUrl() {
        return this.db.socketUrl();
    }

    query(sql, params) {
        return this.db.query(sql, params);
    }

    value(sql, params) {
        return this.db.value(sql, params);
    }

    client(user) {
        return this.db.client(user);
    }

    apply(files) {
        return this.db.apply(files);
    }

    /* as superuser, in a database */
    async admin(sql, params, name = 'postgres') {
        this.admins = this.admins || {};
        this.admins[name] = this.admins[name]
                            || new Database(this, name, 'postgres');

        return this.admins[name].query(sql, params);
    }

    /* another database, empty, of the role realtime */
    async createDatabase(name = `realtime_${++this.count}`) {
        await this.admin(`CREATE DATABASE ${name} OWNER realtime`);

        return new Database(this, name);
    }

    async init() {
        const pwfile = this.write('password', this.password);

        await this.run(path.join(folder(), 'initdb'), [
            '-D', this.data, '-U', 'postgres', `--pwfile=${pwfile}`,
            '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'
        ]);

        if (this.exited !== 0) {
            throw new Error(`initdb: ${this.log()}`);
        }

        if (this.opts.tls) {
            await this.certify();
        }

        this.port = await freePort();
        this.write('data/pg_hba.conf', this.hba());
        this.configure();
    }

    hba() {
        const host = this.opts.tls === 'only' ? 'hostssl' : 'host';

        return `local all all scram-sha-256\n`
             + `${host} all all 127.0.0.1/32 scram-sha-256\n`;
    }

    /* Fsync is for machines that fail; processes that do lose nothing. */
    configure() {
        const conf = {
            listen_addresses: '127.0.0.1',
            port: this.port,
            unix_socket_directories: this.dir,
            fsync: 'off',
            full_page_writes: 'off',
            wal_level: 'minimal',
            max_wal_senders: 0,
            max_connections: 100,
            shared_buffers: '64MB',
            dynamic_shared_memory_type: 'mmap',
            password_encryption: 'scram-sha-256',
            jit: 'off',
            timezone: 'UTC',
            log_timezone: 'UTC',
            log_line_prefix: '%m [%p] %q%u@%d ',
            ...(this.opts.tls ? {
                ssl: 'on',
                ssl_cert_file: path.join(this.dir, 'server.pem'),
                ssl_key_file: path.join(this.dir, 'server.key')
            } : {}),
            ...this.opts.conf
        };

        this.write('data/postgresql.conf', Object.entries(conf)
            .map(([name, value]) => `${name} = '${value}'\n`).join(''));
    }

    /* a certificate of localhost and 127.0.0.1, its own authority */
    async certify() {
        const key = path.join(this.dir, 'server.key');

        this.ca = path.join(this.dir, 'server.pem');

        await demand('openssl', [
            'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
            '-subj', '/CN=localhost',
            '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
            '-keyout', key, '-out', this.ca
        ]);

        fs.chmodSync(key, 0o600);
        fs.chmodSync(this.ca, 0o644);
        this.give(key);
        this.give(this.ca);
    }

    /* starts the server in its directory; whether it runs */
    async launch() {
        this.run(path.join(folder(), 'postgres'), ['-D', this.data]);

        const probe = new Database(this, 'postgres', 'postgres');

        await tap.until(20000, async () => {
            if (this.exited !== null) {
                return true;
            }

            const client = new Client({
                ...probe.options, connectionTimeoutMillis: 5000
            });

            client.on('error', () => {});

            try {
                await client.connect();
                await client.end();

                return true;

            } catch (e) {
                return false;
            }

        }, () => `PostgreSQL starts: ${this.log()}`);

        return this.exited === null;
    }

    async create() {
        const [{ number }] = await this.admin(
            `SELECT current_setting('server_version_num') AS number`);

        /* what docs/database.md asks a superuser for */
        if (Number(number) < 130000) {
            await this.admin('CREATE EXTENSION pgcrypto SCHEMA pg_catalog',
                             [], 'template1');
            await this.closePools();
        }

        await this.admin(`CREATE ROLE realtime LOGIN PASSWORD
                          '${this.password}'`);
        await this.admin('CREATE DATABASE realtime OWNER realtime');
    }

    /* changes parameters; those that need a restart wait for one */
    async set(parameters) {
        for (const [name, value] of Object.entries(parameters)) {
            await this.admin(`ALTER SYSTEM SET ${name} = '${value}'`);
        }

        await this.admin('SELECT pg_reload_conf()');
    }

    /* lets "lines" of pg_hba.conf come before its own; none: as it was */
    async access(lines = '') {
        this.write('data/pg_hba.conf', `${lines}\n${this.hba()}`);
        this.signal('SIGHUP', [this.pid]);
    }

    /* up again at the same port, whether it runs or not */
    async restart() {
        await this.closePools();
        await this.halt();

        if (!await this.launch()) {
            throw new Error(`PostgreSQL does not start: ${this.log()}`);
        }
    }

    async closePools() {
        for (const database of this.pools) {
            await database.close();
        }

        this.pools.clear();
    }

    async stop() {
        if (this.exited === null) {
            this.signal('SIGCONT', [this.pid, ...this.children()]);
        }

        await this.closePools();
        await super.stop();
    }

    /* the segment by which it knows that it is alone, if it was killed */
    sweep() {
        const file = path.join(this.data, 'postmaster.pid');

        if (fs.existsSync(file)) {
            const [, id] = (fs.readFileSync(file, 'utf8').split('\n')[6] || '')
                .trim().split(/\s+/);

            if (/^\d+$/.test(id || '')) {
                spawnSync('ipcrm', ['-m', id]);
            }
        }
    }
}


/*
 * Starts PostgreSQL.  Options: conf: { parameter: value }; tls: true, or
 * 'only' when connections over TCP have to use it; name: for the assertion at
 * the end.
 */
async function start(opts = {}) {
    for (let i = 0; i < 3; i++) {
        const pg = new Postgres(opts);

        await pg.init();

        if (await pg.launch()) {
            tap.cleanup(() => pg.stop());
            await pg.create();

            return pg;
        }

        const log = pg.log();

        pg.dismiss();

        if (!/could not (bind|create any TCP)/.test(log)) {
            throw new Error(`PostgreSQL does not start: ${log}`);
        }
    }

    throw new Error('PostgreSQL finds no free port');
}


class PgBouncer extends Service {

    constructor(pg, opts) {
        super('PgBouncer');

        this.pg = pg;
        this.opts = opts;
    }

    get fine() {
        return [0, 1];
    }

    get bad() {
        return BAD;
    }

    get url() {
        return `postgresql://realtime:${this.pg.password}@127.0.0.1:`
               + `${this.port}/realtime`;
    }

    get socketUrl() {
        return `postgresql://realtime:${this.pg.password}@/realtime`
               + `?host=${encodeURIComponent(this.dir)}&port=${this.port}`;
    }

    configure() {
        const conf = {
            listen_addr: '127.0.0.1',
            listen_port: this.port,
            unix_socket_dir: this.dir,
            auth_type: 'scram-sha-256',
            auth_file: this.write('users',
                ['realtime', 'postgres'].map((user) =>
                    `"${user}" "${this.pg.password}"\n`).join('')),
            admin_users: 'postgres',
            pool_mode: 'transaction',
            max_client_conn: 1000,
            default_pool_size: 5,
            server_login_retry: 1,
            ...this.opts.conf
        };

        this.ini = this.write('pgbouncer.ini',
            `[databases]\n* = host=${this.pg.dir} port=${this.pg.port}\n`
            + '[pgbouncer]\n' + Object.entries(conf)
                .map(([name, value]) => `${name} = ${value}\n`).join(''));
    }

    async launch() {
        this.run(find('pgbouncer'), [this.ini]);

        const socket = path.join(this.dir, `.s.PGSQL.${this.port}`);

        await tap.until(10000,
            () => this.exited !== null || (fs.existsSync(socket)
                  && /process up/.test(this.log())),
            () => `PgBouncer starts: ${this.log()}`);

        if (this.exited !== null) {
            throw new Error(`PgBouncer does not start: ${this.log()}`);
        }
    }

    async restart() {
        await this.halt('SIGTERM');
        await this.launch();
    }

    stop() {
        return this.halt('SIGTERM').then(() => super.stop());
    }
}


/* starts PgBouncer before "pg"; options: conf: { parameter: value } */
async function startPgBouncer(pg, opts = {}) {
    const bouncer = new PgBouncer(pg, opts);

    tap.cleanup(() => bouncer.stop());
    bouncer.port = await freePort();
    bouncer.configure();
    await bouncer.launch();

    return bouncer;
}


module.exports = { Database, SQL, migrations, start, startPgBouncer };
