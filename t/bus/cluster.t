#!/usr/bin/env node
'use strict';

/*
 * Redis Cluster inside of nginx, in the hands of the probe; and the same with
 * a single server.
 */

const { Probe, build, options } = require('../lib/probe');
const redis = require('../lib/redis');
const server = require('../lib/server');
const { group, is, isDeeply, like, ok, run, test,
        until } = require('../lib/tap');


class Cluster extends Probe {

    static async start(url, more = '', http = '') {
        const probe = await super.start(url, more, http, 'probe_cluster');

        return probe;
    }

    /* until it is answered as expected */
    async gets(line, expected, ms = 20000) {
        let now;

        await until(ms, async () => {
            [now] = await this.send(line);
            return expected instanceof RegExp ? expected.test(now)
                                              : now === expected;
        }, () => `${line}: ${now}`);
    }

    /* subscriptions were lost */
    async loses(before, ms = 20000) {
        await until(ms, async () =>
            Number((await this.state()).resubscribes) > before,
            'to be told to subscribe again');
    }
}


/* times that a node has sent somebody elsewhere */
async function redirections(db) {
    const stats = await Promise.all(db.nodes.map((node) =>
        node.command('INFO', 'errorstats')));

    return stats.reduce((sum, text) => sum
        + Number((/errorstat_MOVED:count=(\d+)/.exec(text) || [0, 0])[1]), 0);
}


async function single() {
    const db = await redis.start();
    const text = 'return redis.call(\'incr\', KEYS[1])';
    const sha = await db.command('SCRIPT', 'LOAD', text);

    await db.command('SCRIPT', 'FLUSH');

    const probe = await Cluster.start(db.url({ db: 3 }), `"lua=${text}"`);

    await test('a server that is of no cluster is used as one connection',
               async () => {
        isDeeply(await probe.send('@a SET a 1', '@b SET b 2', 'GET a',
                                  'INCR b', 'LPUSH a 1'),
                 ['OK OK', 'OK OK', 'OK 1', 'OK 3', 'DECLINED WRONGTYPE|'
                  + 'WRONGTYPE Operation against a key holding the wrong kind'
                  + ' of value|']);

        const now = await probe.state();

        is(now.mode, 'single');
        is(now.masters, '0,', 'one master');
        is(now.under, '0');
        isDeeply(probe.log(/\[error\]/), []);
    });

    await test('scripts are there, and come back', async () => {
        isDeeply(await probe.send(`@n EVALSHA ${sha} 1 n`), ['OK 1']);
        await db.command('SCRIPT', 'FLUSH');
        isDeeply(await probe.send(`@n EVALSHA ${sha} 1 n`,
                                  `@n EVALSHA ${sha} 1 n`), ['OK 2', 'OK 3']);
        like((await probe.send(`@n EVALSHA ${'0'.repeat(40)} 1 n`))[0],
             /^DECLINED NOSCRIPT/);
    });

    await test('subscriptions', async () => {
        const sub = await Cluster.start(db.url());

        isDeeply(await sub.send('SUBSCRIBE a', 'PSUBSCRIBE b*', '@s SSUBSCRIBE s'),
                 ['OK [subscribe,a,1]', 'OK [psubscribe,b*,2]',
                  'OK [ssubscribe,s,1]']);
        await probe.send('PUBLISH a 1', 'PUBLISH bb 2', '@s SPUBLISH s 3');
        isDeeply((await sub.pushes(6)).slice(3), ['[message,a,1]',
            '[pmessage,b*,bb,2]', '[smessage,s,3]']);
        await db.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await until(5000, async () => (await sub.state()).readies === '2',
                    'another connection');
        is((await sub.state()).resubscribes, '0', 'ready() says it');
    });

    await test('forgotten ones', async () => {
        await probe.ask('forget', ['@f\tSET\tf\t1', '@a\tGET\ta']);
        isDeeply(await probe.send('@f GET f'), ['OK 1']);
        is((await probe.state()).under, '0');
    });

    await test('gone and back', async () => {
        await db.kill('SIGKILL');
        await until(5000, async () => (await probe.state()).downs > 0, 'down');
        is((await probe.state()).state, 'waiting');
        isDeeply(await probe.ask('now', ['@a\tGET\ta']), ['AGAIN']);
        await db.restart();
        isDeeply(await probe.send(`@n EVALSHA ${sha} 1 n`), ['OK 1']);
        is((await probe.state()).readies, '2');
        like(probe.log(/\[error\]/)[0], /connection lost/);
    });

    await test('several hosts that are of no cluster', async () => {
        const other = await Cluster.start(db.url({
            host: `127.0.0.1:${db.port},127.0.0.1` }));

        await other.fails(/no node of a cluster/);
        like(other.log(/\[error\]/)[0], /no node of a cluster; several hosts/);
        isDeeply(await other.ask('now', ['GET\ta']), ['AGAIN']);
    });
}


async function routes(db) {
    const probe = await Cluster.start(db.url());
    const keys = await Promise.all([0, 1, 2].map((n) => db.key(n)));

    await test('each command goes to the master of its key', async () => {
        await probe.reaches('ready');

        const before = await redirections(db);
        const lines = [];

        for (let i = 0; i < 300; i++) {
            lines.push(`@k${i} SET k${i} ${i}`, `@k${i} GET k${i}`);
        }

        isDeeply(await probe.send(...lines), lines.map((line, i) =>
            i % 2 ? `OK ${(i - 1) / 2}` : 'OK OK'));
        is(await redirections(db), before, 'redirections');

        const now = await probe.state();

        is(now.mode, 'cluster');
        is(now.nodes, '3');
        is(now.masters, '0,5462,10923,');
    });

    await test('hash tags', async () => {
        const before = await redirections(db);
        const tags = ['{x}a', 'b{x}', '{}x', 'x{}', '{{x}}', 'a{x}{y}', 'x{',
                      'x}{y', '%ff{%00}%7f', '{x'];

        isDeeply(await probe.send(...tags.map((t) => `@${t} SET ${t} 1`)
            .filter((t) => !t.includes('%'))), Array(9).fill('OK OK'));
        isDeeply(await probe.send('@x MSET {x}a 1 b{x} 2', '@x MGET {x}a b{x}',
                                  '@z MGET x y'),
                 ['OK OK', 'OK [1,2]', 'DECLINED CROSSSLOT|CROSSSLOT Keys in '
                  + 'request don\'t hash to the same slot|']);
        is(await redirections(db), before, 'redirections');
    });

    await test('a slot that is not that of the key is followed', async () => {
        isDeeply(await probe.send(...keys.map((key) => `SET ${key} v`)),
                 ['OK OK', 'OK OK', 'OK OK']);
        isDeeply(await probe.send(...keys.map((key) => `@x GET ${key}`)),
                 ['OK v', 'OK v', 'OK v']);
    });

    await test('every master can be asked', async () => {
        await probe.send(...keys.map((key) => `@${key} SET ${key} v`));

        const { masters } = await probe.state();

        is(masters.split(',').length, 4);
    });

    await test('one node of several is enough', async () => {
        const other = await Cluster.start(`redis://:${db.masters[0].password}`
            + `@127.0.0.1:1,127.0.0.1:${db.masters[1].port}`);

        isDeeply(await other.send(`@${keys[0]} GET ${keys[0]}`), ['OK v']);
    });

    await test('several URLs, and a single node', async () => {
        const two = await Cluster.start(db.masters[2].url(),
                                        `"${db.masters[1].url()}"`);

        isDeeply(await two.send(`@${keys[0]} GET ${keys[0]}`), ['OK v']);

        const one = await Cluster.start(db.masters[2].url());

        isDeeply(await one.send(`@${keys[0]} GET ${keys[0]}`), ['OK v']);
        is((await one.state()).mode, 'cluster');
    });

    await test('a Unix socket', async () => {
        const one = await Cluster.start(db.masters[2].socketUrl());

        isDeeply(await one.send(`@${keys[0]} GET ${keys[0]}`), ['OK v']);
    });

    await test('scripts at every master', async () => {
        const text = 'return redis.call(\'incr\', KEYS[1])';
        const sha = await db.masters[0].command('SCRIPT', 'LOAD', text);
        const other = await Cluster.start(db.url(), `"lua=${text}"`);

        isDeeply(await other.send(...keys.map((key) =>
            `@${key} EVALSHA ${sha} 1 {${key}}n`)), ['OK 1', 'OK 1', 'OK 1']);
        await db.masters[2].command('SCRIPT', 'FLUSH');
        isDeeply(await other.send(...keys.map((key) =>
            `@${key} EVALSHA ${sha} 1 {${key}}n`)), ['OK 2', 'OK 2', 'OK 2']);
    });

    await test('more than may be under way', async () => {
        const other = await Cluster.start(db.url(), 'output=100000 commands=20');
        const lines = Array.from({ length: 300 }, (v, i) =>
            `@k${i % 7} SET k${i % 7} *9000`);

        isDeeply(await other.send(...lines), lines.map(() => 'OK OK'));
        ok((await other.state()).drains > 5, 'it had to wait');
        is((await other.state()).under, '0');
    });

    await test('a user of the server, for all nodes', async () => {
        for (const node of db.nodes) {
            await node.command('ACL', 'SETUSER', 'an@user', 'on', '>p/a', '~*',
                               '&*', '+@all');
        }

        const other = await Cluster.start(db.url({ user: 'an%40user',
                                                   password: 'p%2Fa' }));

        isDeeply(await other.send(...keys.map((key) => `@${key} ACL WHOAMI`)),
                 Array(3).fill('OK an@user'));
    });

    await test('a wrong password', async () => {
        const other = await Cluster.start(db.url({ password: 'sEcReT' }));

        await other.fails(/WRONGPASS/);
        ok(!/sEcReT/.test(other.nginx.errorLog()), 'not told');
    });

    await test('nothing in the log', () => {
        isDeeply(probe.log(/\[(error|alert|crit)\]/), []);
    });
}


async function moves(db) {
    const probe = await Cluster.start(db.url());
    const [from, to] = db.masters;
    const key = await db.key(0, 'move');
    const slot = await db.slot(key);

    const n = async (node) =>
        /cmdstat_asking:calls=(\d+)/.exec(await node.command('INFO',
            'commandstats'))?.[1] || '0';

    await test('while a slot moves', async () => {
        isDeeply(await probe.send(`@${key} SET ${key} 1`), ['OK OK']);
        await db.migrating(slot, from, to);

        isDeeply(await probe.send(`@${key} GET ${key}`,
                                  `@${key} SET {${key}}new 2`,
                                  `@${key} APPEND {${key}}new 3`,
                                  `@${key} GET {${key}}new`),
                 ['OK 1', 'OK OK', 'OK 2', 'OK 23']);
        is(await to.command('DBSIZE') > 0, true);
        ok(Number(await n(to)) >= 3, 'asked for');
    });

    await test('what is in both halves is tried again', async () => {
        const waits = probe.send(`@${key} MGET ${key} {${key}}new`);

        await until(5000, async () => /errorstat_TRYAGAIN:count=[2-9]/
            .test(await from.command('INFO', 'errorstats')
                  + await to.command('INFO', 'errorstats')), 'tried');
        await db.moved(slot, from, to, [key]);
        isDeeply(await waits, ['OK [1,23]']);
    });

    await test('a slot that has moved', async () => {
        isDeeply(await probe.send(`@${key} INCR ${key}`,
                                  `@${key} GET ${key}`), ['OK 2', 'OK 2']);
        await until(5000, async () => /,\d+,\d+,/.test((await probe.state())
            .masters), 'learnt');

        const before = await redirections(db);

        isDeeply(await probe.send(`@${key} GET ${key}`), ['OK 2']);
        is(await redirections(db), before);
    });

    const added = await db.add();

    await test('a node that is added', async () => {
        await db.migrating(slot, to, added);
        isDeeply(await probe.send(`@${key} SET {${key}}x 5`), ['OK OK']);
        await db.moved(slot, to, added, [key, `{${key}}new`]);
        isDeeply(await probe.send(`@${key} GET {${key}}x`, `@${key} GET ${key}`),
                 ['OK 5', 'OK 2']);
        await until(20000, async () => (await probe.state()).nodes === '4'
                    && (await probe.state()).masters.split(',').length === 5,
                    'four masters');
    });

    await test('nothing in the log', () => {
        isDeeply(probe.log(/\[(error|alert|crit)\]/), []);
    });
}


async function subscribes(db) {
    const sub = await Cluster.start(db.url(), 'refresh=1000');
    const pub = await Cluster.start(db.url());
    const keys = await Promise.all([0, 1, 2].map((n) => db.key(n, 'chan')));

    await test('channels, patterns and shard channels of all masters',
               async () => {
        isDeeply(await sub.send('SUBSCRIBE a', 'PSUBSCRIBE p*',
                                ...keys.map((key) => `@${key} SSUBSCRIBE ${key}`)),
                 ['OK [subscribe,a,1]', 'OK [psubscribe,p*,2]',
                  ...keys.map((key) => `OK [ssubscribe,${key},1]`)]);
        await sub.pushes(5);
        await pub.send('PUBLISH a 1', 'PUBLISH pp 2',
                       ...keys.map((key) => `@${key} SPUBLISH ${key} x`));
        isDeeply((await sub.pushes(5)).sort(), ['[message,a,1]',
            '[pmessage,p*,pp,2]',
            ...keys.map((key) => `[smessage,${key},x]`)].sort());
    });

    await test('the end of a subscription that was asked for', async () => {
        isDeeply(await sub.send(`@${keys[1]} SUNSUBSCRIBE ${keys[1]}`,
                                'UNSUBSCRIBE a'),
                 [`OK [sunsubscribe,${keys[1]},0]`, 'OK [unsubscribe,a,1]']);
        is((await sub.state()).resubscribes, '0');
        await sub.pushes(2);
        await sub.send(`@${keys[1]} SSUBSCRIBE ${keys[1]}`, 'SUBSCRIBE a');
        await sub.pushes(2);
    });

    await test('a slot that moves takes its channels away', async () => {
        const slot = await db.slot(keys[0]);
        const [from, to] = db.masters;

        await db.migrating(slot, from, to);
        await db.moved(slot, from, to);
        await sub.loses(0);
        isDeeply((await sub.pushes(1)), [`[sunsubscribe,${keys[0]},0]`]);
        isDeeply(await sub.send(`@${keys[0]} SSUBSCRIBE ${keys[0]}`),
                 [`OK [ssubscribe,${keys[0]},2]`]);
        isDeeply(await pub.send(`@${keys[0]} SPUBLISH ${keys[0]} y`), ['OK 1']);
        isDeeply(await sub.pushes(2), [`[ssubscribe,${keys[0]},2]`,
                                       `[smessage,${keys[0]},y]`]);
    });

    await test('a connection that is lost', async () => {
        const before = Number((await sub.state()).resubscribes);

        await db.masters[2].command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await sub.loses(before);
        isDeeply(await sub.send(`@${keys[2]} SSUBSCRIBE ${keys[2]}`),
                 [`OK [ssubscribe,${keys[2]},1]`]);
    });

    await test('a node that is thrown out of the cluster', async () => {
        const one = await Cluster.start(db.extra.url(), 'refresh=500');

        await one.send('SUBSCRIBE c');
        await one.pushes(1);
        await db.dismiss(db.extra);
        await one.loses(0);
        isDeeply(await one.send('SUBSCRIBE c'), ['OK [subscribe,c,1]']);
        await pub.send('PUBLISH c 1');
        isDeeply(await one.pushes(2), ['[subscribe,c,1]', '[message,c,1]']);
        is((await one.state()).downs, '0', 'not down');
        like(one.log(/\[error\]/)[0], /has no slots of a cluster; see/);
    });

    await test('closed from within', async () => {
        const one = await Cluster.start(db.url());

        await one.send('SUBSCRIBE c', `@${keys[2]} SSUBSCRIBE ${keys[2]}`);
        await pub.send(`@${keys[2]} SPUBLISH ${keys[2]} close`);
        await one.reaches('closed');
        isDeeply(await one.ask('now', ['PING']), ['AGAIN']);
    });
}


async function fails() {
    const db = await redis.cluster();
    const replica = await db.replicate(db.masters[0]);
    const key = await db.key(0);
    const other = await db.key(1);

    /* they know but the one that dies */
    const url = db.masters[0].url();
    const pub = await Cluster.start(url, 'timeout=3000');
    const sub = await Cluster.start(url, 'timeout=3000 ping=500');

    await test('a master that dies', async () => {
        await pub.send(`@${key} SET ${key} 1`, `@${other} SET ${other} 1`);
        await sub.send('SUBSCRIBE a', `@${key} SSUBSCRIBE ${key}`);
        await sub.pushes(2);
        await db.masters[0].command('WAIT', 1, 5000);

        const waits = pub.send(`@${key} BLPOP {${key}}none 0`);

        await until(5000, async () => (await pub.state()).under === '1', 'sent');
        await db.masters[0].kill('SIGKILL');
        isDeeply(await waits, ['ERROR']);

        isDeeply(await pub.send(`@${key} INCR ${key}`,
                                `@${other} INCR ${other}`), ['OK 2', 'OK 2'],
                 'it waits for the replica');
        is((await pub.state()).downs, '0', 'not down');
        is(await replica.command('GET', key), '2');
        like(pub.log(/\[error\]/)[0], /connection lost/);
    });

    await test('subscriptions go elsewhere', async () => {
        await sub.loses(0);
        isDeeply(await sub.send('SUBSCRIBE a', `@${key} SSUBSCRIBE ${key}`),
                 ['OK [subscribe,a,1]', `OK [ssubscribe,${key},1]`]);
        await pub.send('PUBLISH a 1', `@${key} SPUBLISH ${key} 2`);
        isDeeply((await sub.pushes(4)).sort(), ['[message,a,1]',
            `[smessage,${key},2]`, `[ssubscribe,${key},1]`,
            '[subscribe,a,1]']);
        is((await sub.state()).downs, '0', 'not down');
    });

    await test('the old master comes back', async () => {
        await db.masters[0].restart();
        await db.settled();
        isDeeply(await pub.send(`@${key} INCR ${key}`), ['OK 3']);
    });

    await test('all down, and up again', async () => {
        for (const node of db.nodes) {
            await node.kill('SIGKILL');
        }

        await until(20000, async () => (await pub.state()).downs > 0
                    && (await sub.state()).downs > 0, 'down');
        is((await pub.state()).state, 'waiting');
        is((await pub.state()).under, '0');

        const before = Number((await pub.state()).readies);

        for (const node of db.nodes) {
            await node.restart();
        }

        await until(30000, async () => (await pub.state()).readies > before
                    && (await sub.state()).state === 'ready', 'up');
        await pub.gets(`@${key} SET ${key} 3`, 'OK OK', 30000);
        isDeeply(await pub.send(`@${key} GET ${key}`), ['OK 3']);
    }, { timeout: 90000 });

    await test('a master that dies without a replica', async () => {
        const short = await Cluster.start(db.url(), 'hold=1500');

        isDeeply(await short.send(`@${other} SET ${other} 1`), ['OK OK']);
        await db.masters[1].kill('SIGKILL');
        await short.gets(`@${other} GET ${other}`, /^(ERROR|DECLINED CLUSTERDOWN)/);
        await db.masters[1].restart();
        await short.gets(`@${other} SET ${other} 4`, 'OK OK', 30000);
    }, { timeout: 90000 });
}


/* text of RESP */
function resp(value) {
    if (value === null) {
        return '$-1\r\n';
    }

    if (Array.isArray(value)) {
        return `*${value.length}\r\n${value.map(resp).join('')}`;
    }

    return typeof value === 'number' ? `:${value}\r\n`
                                     : `$${value.length}\r\n${value}\r\n`;
}


/* slots: what it says to CLUSTER SLOTS; talk: to others, by their name */
function speaks(slots, talk = () => '+OK\r\n') {
    return redis.fake((socket, text) => {
        const all = text.split(/\*\d+\r\n/).slice(1).map((command) =>
            command.split('\r\n').filter((v, i) => i % 2));

        for (const [name] of all) {
            socket.write(name === 'CLUSTER' ? slots()
                         : name === 'PING' ? '+PONG\r\n' : talk(name),
                         'latin1');
        }
    });
}


async function hostile() {
    const node = ['127.0.0.1', 1, 'id', []];

    const bad = [
        [], 1, null, 'x', [1], [[]], [[0]], [[0, 1]], [[0, 1, []]], [null],
        [[0, 1, 'host']], [[0, 1, ['127.0.0.1']]], [[-1, 5, node]],
        [[5, 4, node]], [[0, 16384, node]], [[16384, 16384, node]],
        [['0', '1', node]], [[0, 1, ['h', 0]]], [[0, 1, ['h', 65536]]],
        [[0, 1, ['h', '1']]], [[0, 1, ['h\n', 1]]], [[0, 1, ['/h', 1]]],
        [[0, 1, ['@h', 1]]], [[0, 1, ['a,b', 1]]], [[0, 1, ['\xff', 1]]],
        [[0, 1, ['h'.repeat(254), 1]]], [[0, 1, [[], 1]]], [[0, 1, [1, 1]]]
    ];

    for (const slots of bad) {
        await test(`CLUSTER SLOTS: ${JSON.stringify(slots).slice(0, 60)}`,
                   async () => {
            const fake = await speaks(() => resp(slots));
            const probe = await Cluster.start(`redis://127.0.0.1:${fake.port}`);

            await probe.fails(/has no slots of a cluster/);
            is((await probe.state()).state, 'waiting');
        });
    }

    const good = [
        ['the address that was asked', (port) => ['', port]],
        ['none', (port) => [null, port, 'id', []]],
        ['none known', (port) => ['?', port, 'id', ['ip', '127.0.0.1']]],
        ['none known, and no more', (port) => ['?', port, 'id', ['ip', 1, 2]]],
        ['a name', (port) => ['LOCALHOST', port, 'id', null]],
        ['strange replicas', (port) => ['127.0.0.1', port], [null, [], 1]]
    ];

    for (const [name, endpoint, more = []] of good) {
        await test(`a host in CLUSTER SLOTS: ${name}`, async () => {
            let port;

            const fake = await speaks(() => resp([[0, 8191, endpoint(port), ...more],
                [5, 16383, endpoint(port)], [9, 4, endpoint(port)]]));

            port = fake.port;

            const probe = await Cluster.start(`redis://localhost:${port}`);

            isDeeply(await probe.send('@a SET a 1'), ['OK OK']);
        });
    }

    await test('more nodes than there may be', async () => {
        const fake = await speaks(() => resp(Array.from({ length: 20000 },
            (v, i) => [i % 16384, i % 16384, [`h${i}`, 1 + i]])));
        const probe = await Cluster.start(`redis://127.0.0.1:${fake.port}`,
                                          'refresh=300 hold=1000');

        await probe.reaches('ready');
        isDeeply(await probe.send('@a GET a'), ['ERROR']);
        is((await probe.state()).nodes, '1000');
    });

    const moved = [
        'MOVED', 'MOVED ', 'MOVED 1', 'MOVED x h:1', 'MOVED -1 h:1',
        'MOVED 16384 h:1', 'MOVED 1 h', 'MOVED 1 h:', 'MOVED 1 h:0',
        'MOVED 1 h:65536', 'MOVED 1 /h:1', 'ASK', 'ASK 1', 'ASK 1 h:x'
    ];

    for (const error of moved) {
        await test(`${error} is but an error`, async () => {
            const fake = await speaks(() =>
                resp([[0, 16383, ['', fake.port]]]), () => `-${error}\r\n`);
            const probe = await Cluster.start(`redis://127.0.0.1:${fake.port}`);

            like((await probe.send('@a GET a'))[0], /^DECLINED (MOVED|ASK)\|/);
        });
    }

    for (const [error, most] of [['MOVED 1 :PORT', 60], ['ASK 1 :PORT', 60],
        ['TRYAGAIN again', 30], ['CLUSTERDOWN is down', 30],
        ['LOADING it is', 30]])
    {
        await test(`${error} for ever`, async () => {
            let n = 0;

            const fake = await speaks(() =>
                resp([[0, 16383, ['', fake.port]]]), (name) => {
                n += name === 'GET';
                return name === 'ASKING' ? '+OK\r\n'
                       : `-${error.replace('PORT', fake.port)}\r\n`;
            });
            const probe = await Cluster.start(`redis://127.0.0.1:${fake.port}`,
                                              'hold=1500');

            like((await probe.send('@a GET a'))[0],
                 new RegExp(`^DECLINED ${error.split(' ')[0]}`));
            ok(n > 2 && n < most, `${n} times`);
        });
    }

    await test('a script that is never there', async () => {
        const fake = await speaks(() => '-ERR unknown command\r\n', (name) =>
            (name === 'SCRIPT' ? '+OK\r\n' : '-NOSCRIPT no\r\n'));
        const probe = await Cluster.start(`redis://127.0.0.1:${fake.port}`,
                                          'lua=x');

        like((await probe.send('@a EVALSHA a 1 a'))[0], /^DECLINED NOSCRIPT/);
    });
}


async function conf() {
    const bad = [
        ['redis://a,b/1', '', /several hosts, a cluster, and a database/],
        ['redis://a', '"redis://b/1"', /has a database/],
        ['redis://a/1', '"redis://b"', /has a database/],
        ['redis://a', '"rediss://b"', /has TLS and another one has not/],
        ['redis://:x@a', '"redis://:y@b"', /user or a password that is not/],
        ['redis://u:x@a', '"redis://:x@b"', /user or a password that is not/],
        ['redis://a', '"redis://"', /has no host/]
    ];

    for (const [url, more, expected] of bad) {
        await test(`${url} ${more}`, () => {
            const { code, output } = server.check(options(url, more, '',
                                                          'probe_cluster'));

            is(code, 1);
            like(output, expected);
        });
    }

    await test('several URLs are one', async () => {
        const probe = await Cluster.start('redis://:p@127.0.0.1:1',
            '"redis://:p@127.0.0.1:2,[::1]:3"');

        is((await probe.state()).text, '127.0.0.1:1,127.0.0.1:2,[::1]:3/0');
    });
}


/* a service each */
process.setMaxListeners(50);

run(async () => {
    build();

    await group('configuration', conf);
    await group('a single server', single);
    await group('broken servers', hostile);

    const db = await redis.cluster();

    await group('routes', () => routes(db));

    db.extra = await db.replicate(db.masters[0]);

    await group('subscriptions', () => subscribes(db));
    await group('moves', () => moves(db));
    await group('failover', fails);
});
