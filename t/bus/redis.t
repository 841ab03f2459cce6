#!/usr/bin/env node
'use strict';

/*
 * One connection to Redis inside of nginx, in the hands of the probe: a module
 * that does as the request says.
 */

const { dns } = require('../lib/dns');
const { Probe, build, options } = require('../lib/probe');
const redis = require('../lib/redis');
const server = require('../lib/server');
const { cleanup, group, is, isDeeply, like, ok, run, sleep, test,
        until } = require('../lib/tap');


async function commands(probe) {
    await test('answers of all kinds, in order', async () => {
        isDeeply(await probe.send('SET a 1', 'GET a', 'INCR a', 'GET nothing',
            'RPUSH list a b c', 'LRANGE list 0 -1', 'LRANGE none 0 -1',
            'EVAL return{1,{2,{false,"x"}},"y"} 0'), [
            'OK OK', 'OK 1', 'OK 2', 'OK nil', 'OK 3', 'OK [a,b,c]', 'OK []',
            'OK [1,[2,[nil,x]],y]'
        ]);
        await probe.send('DEL list');
    });

    await test('a refusal is of one command', async () => {
        isDeeply(await probe.send('SET a b', 'INCR a', 'LPUSH a 1', 'GET a'), [
            'OK OK',
            'DECLINED ERR|ERR value is not an integer or out of range|',
            'DECLINED WRONGTYPE|WRONGTYPE Operation against a key holding the'
            + ' wrong kind of value|', 'OK b'
        ]);
    });

    await test('arguments do not get into messages', async () => {
        const [line] = await probe.send('NONSENSE secret');

        like(line, /^DECLINED ERR\|ERR unknown command 'NONSENSE'\|$/);
    });

    await test('bytes of all values', async () => {
        const all = Array.from({ length: 256 }, (v, i) =>
            `%${i.toString(16).padStart(2, '0')}`).join('');

        isDeeply(await probe.send(`SET ${all.slice(0, 300)} ${all}`,
            `STRLEN ${all.slice(0, 300)}`, 'SET bin %00%0d%0a%ff', 'GET bin',
            'SET empty ', 'GET empty', 'EXISTS empty'), ['OK OK', 'OK 256',
            'OK OK', 'OK %00%0d%0a%ff', 'OK OK', 'OK', 'OK 1']);
    });

    await test('many arguments', async () => {
        const many = Array.from({ length: 3000 }, (v, i) => `m${i}`).join(' ');

        isDeeply(await probe.send(`RPUSH many ${many}`, 'LINDEX many 2999',
                                  'DEL many'), ['OK 3000', 'OK m2999', 'OK 1']);
    });

    await test('values of 5 MB', async () => {
        isDeeply(await probe.send('SET big *5000000', 'STRLEN big', 'GET big',
                                  'GET big', 'PING', 'DEL big'),
                 ['OK OK', 'OK 5000000', 'OK x*5000000', 'OK x*5000000',
                  'OK PONG', 'OK 1']);
    }, { timeout: 30000 });

    await test('10,000 at once, in order', async () => {
        const lines = Array.from({ length: 10000 }, (v, i) => `ECHO n${i}`);

        isDeeply(await probe.send(...lines), lines.map((line) =>
            line.replace('ECHO', 'OK')));
    }, { timeout: 30000 });

    await test('forgotten commands are executed and leave no trace', async () =>
    {
        isDeeply(await probe.ask('forget', ['SET\tforgotten\t1', 'GET\ta']),
                 ['FORGOTTEN', 'FORGOTTEN']);
        isDeeply(await probe.send('GET forgotten', 'DEL forgotten'),
                 ['OK 1', 'OK 1']);
    });

    await test('many requests at once', async () => {
        const all = await Promise.all(Array.from({ length: 50 }, (v, i) =>
            probe.send(`ECHO a${i}`, `ECHO b${i}`)));

        all.forEach((lines, i) => isDeeply(lines, [`OK a${i}`, `OK b${i}`]));
    });
}


async function gathered(db) {
    await test('what is sent in one turn leaves in one piece', async () => {
        const probe = await Probe.start(db.url());

        await probe.reaches('ready');

        const reads = async () => Number(/total_reads_processed:(\d+)/
            .exec(await db.command('INFO', 'stats'))[1]);

        const before = await reads();

        await probe.send(...Array.from({ length: 500 }, () => 'PING'));

        /* those of redis-cli are among them */
        const n = await reads() - before;

        ok(n <= 6, `${n} pieces`);
    });
}


async function subscriptions(db) {
    const probe = await Probe.start(db.url(), 'ping=300 timeout=1000');

    await test('confirmations and messages are pushed', async () => {
        isDeeply(await probe.send('SUBSCRIBE a b', 'PSUBSCRIBE p*',
                                  'SSUBSCRIBE s'),
                 ['OK [subscribe,b,2]', 'OK [psubscribe,p*,3]',
                  'OK [ssubscribe,s,1]']);
        is((await probe.state()).subscribed, '2,1,1');

        await db.command('PUBLISH', 'a', 'one');
        await db.command('PUBLISH', 'px', 'two');
        await db.command('SPUBLISH', 's', 'three');
        await db.command('PUBLISH', 'other', 'none');

        isDeeply(await probe.pushes(7), [
            '[subscribe,a,1]', '[subscribe,b,2]', '[psubscribe,p*,3]',
            '[ssubscribe,s,1]', '[message,a,one]', '[pmessage,p*,px,two]',
            '[smessage,s,three]'
        ]);
    });

    await test('PING of a silent subscriber', async () => {
        await sleep(1000);
        isDeeply(await probe.send('PING'), ['OK [pong,]']);
        is((await probe.state()).downs, '0');
    });

    await test('what is not allowed then is a refusal', async () => {
        const [line] = await probe.send('GET a');

        like(line, /^DECLINED ERR\|ERR Can't execute 'get'/);
    });

    await test('the same channel twice, and one that is not there', async () => {
        isDeeply(await probe.send('SUBSCRIBE a a c', 'UNSUBSCRIBE zzz c c'),
                 ['OK [subscribe,c,4]', 'OK [unsubscribe,c,3]']);
        is((await probe.state()).subscribed, '2,1,1');
        await probe.pushes(6);
    });

    await test('all ended: an ordinary connection again', async () => {
        const [first, ...rest] = await probe.send('unsubscribe', 'PUNSUBSCRIBE',
            'SUNSUBSCRIBE s', 'UNSUBSCRIBE', 'SUNSUBSCRIBE',
            'RPUSH l message x y', 'LRANGE l 0 -1', 'DEL l', 'PING');

        like(first, /^OK \[unsubscribe,[ab],1\]$/);
        isDeeply(rest, ['OK [punsubscribe,p*,0]', 'OK [sunsubscribe,s,0]',
            'OK [unsubscribe,nil,0]', 'OK [sunsubscribe,nil,0]', 'OK 3',
            'OK [message,x,y]', 'OK 1', 'OK PONG']);
        is((await probe.state()).subscribed, '0,0,0');
        is((await probe.pushes(6)).length, 6);
    });

    await test('a crowd of messages between commands', async () => {
        await probe.ask('pushes');
        await probe.send('SUBSCRIBE crowd');
        await db.command('EVAL', 'for i = 1, 2000 do redis.call("publish",'
            + ' "crowd", i) end', 0);
        isDeeply(await probe.send('PING'), ['OK [pong,]']);

        const lines = await probe.pushes(2001);

        is(lines[2000], '[message,crowd,2000]');
        is(lines.length, 2001);
    });

    await test('another connection has none of them', async () => {
        await db.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await until(5000, async () => (await probe.state()).readies === '2',
                    'another connection');
        is((await probe.state()).subscribed, '0,0,0');
        isDeeply(await probe.send('SUBSCRIBE a'), ['OK [subscribe,a,1]']);
    });

    await test('closed from within', async () => {
        await db.command('PUBLISH', 'a', 'close');
        await probe.reaches('closed');
        isDeeply(await probe.ask('now', ['PING']), ['AGAIN']);
    });
}


async function losses() {
    const db = await redis.start({ name: 'the one that is killed' });
    const probe = await Probe.start(db.url(), 'timeout=1000 ping=400 connect=700');

    await test('the server\'s end of a connection', async () => {
        await probe.reaches('ready');

        const waits = probe.send('PING', 'BLPOP nothing 0', 'PING');

        await until(5000, async () => (await probe.state()).under === '2',
                    'an answer');
        await db.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        isDeeply(await waits, ['OK PONG', 'ERROR', 'ERROR']);
        await probe.fails(/the server closed the connection/);
        await probe.reaches('ready');
    });

    await test('a command that takes too long', async () => {
        const t = Date.now();

        isDeeply(await probe.send('DEBUG SLEEP 1.6', 'GET a'),
                 ['ERROR', 'ERROR']);
        ok(Date.now() - t > 900, 'not before its time');
        await probe.fails(/no answer in time/);
        like(probe.log(/in time/).join(), /connection lost: no answer in time; c/);
        await probe.reaches('ready', 10000);
    }, { timeout: 30000 });

    await test('a command that takes its time', async () => {
        isDeeply(await probe.send('BLPOP none 0.6', 'BLPOP none 0.6',
                                  'BLPOP none 0.6', 'PING'),
                 ['OK nil', 'OK nil', 'OK nil', 'OK PONG']);
    });

    await test('a server that hangs is noticed without a command', async () => {
        const { downs } = await probe.state();

        db.signal('SIGSTOP', [db.pid]);
        cleanup(() => db.signal('SIGCONT', [db.pid]));

        await until(5000, async () => (await probe.state()).downs > downs,
                    'its end');
        await probe.fails(/no greeting in time/);
        db.signal('SIGCONT', [db.pid]);
        await probe.reaches('ready', 10000);
        isDeeply(await probe.send('PING'), ['OK PONG']);
    }, { timeout: 30000 });

    await test('a server that is killed, and is back', async () => {
        const waits = probe.send('BLPOP nothing 0');
        const { downs } = await probe.state();

        await until(5000, async () => (await probe.state()).busy === '1',
                    'a command under way');
        await db.kill();
        isDeeply(await waits, ['ERROR']);

        await until(10000, async () => (await probe.state()).downs
            > Number(downs) + 8, 'some attempts');

        const refused = probe.log(/\[error\].*realtime redis.*refused/);

        is(refused.length, 1, `one line of it: ${refused}`);
        like(refused[0], /redis 127\.0\.0\.1:\d+\/0: no connection: connect\(\) to 127\.0\.0\.1:\d+ failed \(111: Connection refused\); check that/);

        const later = probe.send('PING');

        await db.restart();
        isDeeply(await later, ['OK PONG']);
        ok(probe.log(/\[notice\].*redis .*: connected/).length, 'told');
    }, { timeout: 30000 });

    await test('back-off with jitter', async () => {
        await db.halt();

        const { downs } = await probe.state();

        await sleep(2000);

        const more = (await probe.state()).downs - downs;

        /* 200 ms at most, 100 on the average */
        ok(more > 8 && more < 60, `${more} attempts in 2 s`);
        await db.restart();
        await probe.reaches('ready');
    }, { timeout: 30000 });
}


async function ends(db) {
    await test('reload and quit with commands under way', async () => {
        const probe = await Probe.start(db.url(), 'timeout=20000');

        await probe.reaches('ready');

        const one = probe.send('BLPOP later 5', 'ECHO x');

        await sleep(100);
        await probe.nginx.reload();
        await db.command('RPUSH', 'later', 'now');
        isDeeply(await one, ['OK [later,now]', 'OK x']);
        isDeeply(await probe.send('ECHO y'), ['OK y']);

        void probe.ask('forget', ['BLPOP\tlater\t1', 'SET\tquit\t1'])
            .catch(() => {});
        await sleep(200);
        await probe.nginx.quit();
        is(await db.command('GET', 'quit'), '1', 'what was under way');
    }, { timeout: 30000 });

    await test('closed for good', async () => {
        const probe = await Probe.start(db.url());

        await probe.reaches('ready');

        const one = probe.send('BLPOP nothing 5');

        await until(5000, async () => (await probe.state()).busy === '1',
                    'a command under way');
        is((await probe.state('close')).state, 'closed');
        isDeeply(await one, ['ERROR']);
        isDeeply(await probe.ask('now', ['PING']), ['AGAIN']);
        is((await probe.state('open')).state, 'closed');
    });
}


async function ways(db) {
    await test('Unix socket, SELECT, a name', async () => {
        const probe = await Probe.start(db.socketUrl(3));

        isDeeply(await probe.send('SET three 3', 'CLIENT GETNAME'),
                 ['OK OK', 'OK probe']);
        is(await db.command('-n', '3', 'GET', 'three'), '3');
        is((await probe.state()).text, `unix:${db.socket}/3`);
    });

    await test('a database by number', async () => {
        const probe = await Probe.start(db.url({ db: 5 }));

        isDeeply(await probe.send('SET five 5'), ['OK OK']);
        is(await db.command('-n', '5', 'GET', 'five'), '5');
    });

    await test('a user and a password with special characters', async () => {
        await db.command('ACL', 'SETUSER', 'an@user', 'on', '>p/a:s%s@?#w',
                         '~*', '&*', '+@all', '-client', '-ping');

        const probe = await Probe.start(db.url({ user: 'an%40user',
            password: 'p%2Fa%3as%25s%40%3F%23w' }));

        isDeeply(await probe.send('ACL WHOAMI'), ['OK an@user']);
        like((await probe.send('PING'))[0], /^DECLINED NOPERM\|.*\|the server's/);
        is(probe.log(/\[error\].*a command was refused: NOPERM.*; the s/).length,
           1, 'told');
        await probe.send('PING', 'PING');
        is(probe.log(/\[error\].*refused/).length, 1, 'told once');
    });

    await test('several hosts: the first ones refuse', async () => {
        const probe = await Probe.start(db.url({
            host: '127.0.0.1:1,127.0.0.1:2,127.0.0.1' }));

        isDeeply(await probe.send('PING'), ['OK PONG']);
        is((await probe.state()).downs, '0');
        isDeeply(probe.log(/\[error\]/), []);
    });

    await test('output over its limit waits', async () => {
        const probe = await Probe.start(db.url(), 'output=100000 commands=20');
        const many = Array.from({ length: 40 }, () =>
            probe.send('ECHO *300000', 'PING'));

        for (const lines of await Promise.all(many)) {
            isDeeply(lines, ['OK x*300000', 'OK PONG']);
        }

        const lines = Array.from({ length: 500 }, (v, i) => `ECHO e${i}`);

        isDeeply(await probe.send(...lines), lines.map((line) =>
            line.replace('ECHO', 'OK')));
        ok((await probe.state()).drains > 20, 'it had to wait');
    }, { timeout: 60000 });

    await test('the state of the server', async () => {
        const probe = await Probe.start(db.url());

        await db.command('REPLICAOF', '127.0.0.1', '1');
        like((await probe.send('SET a b'))[0],
             /^DECLINED READONLY\|.*\|the server is a replica: the URL/);
        await db.command('REPLICAOF', 'NO', 'ONE');

        await db.command('CONFIG', 'SET', 'maxmemory', '1');
        like((await probe.send('SET a b'))[0], /^DECLINED OOM\|.*\|raise maxm/);
        await db.command('CONFIG', 'SET', 'maxmemory', '0');

        is(probe.log(/\[error\].*command was refused: (READONLY|OOM)/).length, 2);
    });
}


async function refusals(db) {
    const bad = [
        ['a wrong password', { password: 'sEcReT' },
            /WRONGPASS invalid username.*; check user and password/],
        ['a wrong user', { user: 'nobody' },
            /WRONGPASS invalid username.*; check user and password/],
        ['no password', { password: '' },
            /NOAUTH Authentication required.*; the URL needs a password/],
        ['a database too many', { db: 99 },
            /ERR DB index is out of range; check the number/]
    ];

    for (const [name, opts, expected] of bad) {
        await test(`${name} is told once, with a remedy`, async () => {
            const probe = await Probe.start(db.url(opts));

            await until(5000, async () => (await probe.state()).downs > 3,
                        'tries');

            const lines = probe.log(/\[error\]/);

            is(lines.length, 1, `${lines}`);
            like(lines[0], expected);
            ok(!/sEcReT/.test(probe.nginx.errorLog()), 'no password');
            ok(!probe.nginx.errorLog().includes(db.password), 'no password');
        });
    }

    await test('a password where there is none', async () => {
        const open = await redis.start({ name: 'without a password',
            conf: { requirepass: '""' } });
        const probe = await Probe.start(open.url());

        await probe.fails(/without any password configured/);
        like(probe.log(/\[error\]/)[0], /; the server has no password: take it/);
    });

    await test('too many clients', async () => {
        const { port } = await redis.fake(() => {}, (socket) =>
            socket.end('-ERR max number of clients reached\r\n'));

        const probe = await Probe.start(`redis://:a@127.0.0.1:${port}`);

        await probe.fails(/max number of clients/);
        like(probe.log(/\[error\]/)[0], /; raise maxclients of the server/);
    });

    await test('a socket that is not there', async () => {
        const probe = await Probe.start(`unix:${db.dir}/none.sock`);

        await until(5000, async () => (await probe.state()).downs > 3, 'tries');
        is(probe.log(/\[(error|crit)\]/).length, 1, 'lines');
        like(probe.log(/\[error\]/)[0], /No such file.*; check that the server/);
    });
}


async function names(db) {
    await test('localhost, without a resolver', async () => {
        const probe = await Probe.start(db.url({ host: 'localhost' }));

        isDeeply(await probe.send('PING'), ['OK PONG']);
    });

    await test('a name that only the resolver knows', async () => {
        const zone = await dns('');
        const probe = await Probe.start(db.url({
            host: 'redis.realtime.invalid' }), '',
            `resolver 127.0.0.1:${zone.port} valid=1s ipv6=off;
             resolver_timeout 1s;`);

        like(probe.nginx.errorLog(),
             /\[warn\].*Redis host "redis.realtime.invalid" cannot/);
        await probe.fails(/cannot be resolved/);

        zone.address = '127.0.0.1';
        await probe.reaches('ready');
        isDeeply(await probe.send('PING'), ['OK PONG']);
    });

    await test('a name that nobody knows', async () => {
        const probe = await Probe.start(db.url({
            host: 'redis.realtime.invalid' }));

        await probe.fails(/cannot be resolved/);
        is(probe.log(/\[error\]/).length, 1);
    });
}


async function tls() {
    const db = await redis.start({ tls: true, name: 'with TLS' });
    const stranger = await redis.certify(db.dir, 'stranger', 'DNS:stranger');
    const timed = 'timeout=5000';
    const http = await redis.fake((socket) =>
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));

    await test('verified by the name', async () => {
        const probe = await Probe.start(db.tlsUrl({ host: 'localhost' }),
                                        `authority=${db.ca} ${timed}`);

        await probe.reaches('ready');
        is((await probe.state()).downs, '0');
        await commands(probe);
    }, { timeout: 60000 });

    await test('verified by the address, with an own certificate', async () => {
        const probe = await Probe.start(db.tlsUrl(),
            `authority=${db.ca} own=${stranger.cert} key=${stranger.key}`);

        isDeeply(await probe.send('PING'), ['OK PONG']);
    });

    await test('verified by a name that is given', async () => {
        const probe = await Probe.start(db.tlsUrl(),
                                        `authority=${db.ca} server=localhost`);

        isDeeply(await probe.send('PING'), ['OK PONG']);
    });

    await test('not verified', async () => {
        const probe = await Probe.start(db.tlsUrl(), 'verify=0');

        isDeeply(await probe.send('PING', 'ECHO *3000000', 'PING'),
                 ['OK PONG', 'OK x*3000000', 'OK PONG']);
    });

    for (const [name, url, more, expected] of [
        ['the wrong authority', db.tlsUrl(), `authority=${stranger.cert}`,
            /certificate cannot be verified: self.signed.*; the file of/],
        ['an authority that the system does not have', db.tlsUrl(), '',
            /certificate cannot be verified: self.signed.*; the file of/],
        ['the wrong name', db.tlsUrl(), `authority=${db.ca} server=elsewhere`,
            /certificate is not for "elsewhere"; the host of the URL/],
        ['the wrong address', db.tlsUrl(), `authority=${db.ca} server=::1`,
            /certificate is not for "::1"; the host of the URL/],
        ['TLS to a server without', db.tlsUrl({ port: db.port }),
            'verify=0 connect=200', /no TLS in time; the server may not/],
        ['TLS to a server of something else', `rediss://127.0.0.1:${http.port}`,
            'verify=0', /SSL_do_handshake\(\) failed.*; the server does not/],
        ['no TLS to a server with', db.url({ port: db.tlsPort }), '',
            /before it answered; if the server speaks TLS/]])
    {
        await test(name, async () => {
            const probe = await Probe.start(url, more);

            await until(8000, async () => (await probe.state()).downs > 4,
                        'failures');

            const lines = probe.log(/\[(error|crit|alert)\]/);

            is(lines.length, 1, `${lines}`);
            like(lines[0], expected);
            is((await probe.state()).readies, '0');
        });
    }

    await test('a server that wants a certificate', async () => {
        await db.command('CONFIG', 'SET', 'tls-auth-clients', 'yes');
        cleanup(() => db.command('CONFIG', 'SET', 'tls-auth-clients', 'no'));

        const probe = await Probe.start(db.tlsUrl(), `authority=${db.ca}`);

        await until(8000, async () => (await probe.state()).downs > 2,
                    'failures');
        like((await probe.state()).reason, /certificate required|before it ans/);
        isDeeply(probe.log(/\[alert\]/), []);
    });

    await test('output that moves while TLS waits', async () => {
        const probe = await Probe.start(db.tlsUrl(),
            `authority=${db.ca} output=90000000`);

        await probe.reaches('ready');
        db.signal('SIGSTOP', [db.pid]);
        cleanup(() => db.signal('SIGCONT', [db.pid]));

        const all = [];

        /* more than the kernel takes */
        for (let i = 1; i < 6; i++) {
            all.push(probe.send(`ECHO *${i}000000`, `ECHO *${i}900000`));
            await until(5000, async () => (await probe.state()).under
                === String(2 * i), 'commands under way');
        }

        db.signal('SIGCONT', [db.pid]);

        (await Promise.all(all)).forEach((lines, i) => {
            isDeeply(lines, [`OK x*${i + 1}000000`, `OK x*${i + 1}900000`]);
        });

        is((await probe.state()).downs, '0');
    }, { timeout: 30000 });

    await test('lost over TLS, and back', async () => {
        const probe = await Probe.start(db.tlsUrl(),
                                        `authority=${db.ca} ${timed}`);

        await probe.reaches('ready');

        const waits = probe.send('BLPOP nothing 0');

        await until(5000, async () => (await probe.state()).busy === '1',
                    'a command under way');
        await db.kill();
        isDeeply(await waits, ['ERROR']);
        await db.restart();
        await probe.reaches('ready', 10000);
        isDeeply(await probe.send('PING'), ['OK PONG']);
    }, { timeout: 30000 });
}


/* talks as Redis would until it has signed in; then "then" does */
function signs(then) {
    return (socket, text, nth) => {
        socket.said = (socket.said || '') + text;

        if (!socket.in && /PING\r\n$/.test(socket.said)) {
            socket.in = true;
            socket.write('+OK\r\n+PONG\r\n');

        } else if (socket.in) {
            then(socket, text, nth);
        }
    };
}


async function broken() {
    const MB = 1024 * 1024;
    const x = 'x'.repeat(MB);
    const many = ':1\r\n'.repeat(100000);

    const cases = [
        ['garbage', 'HTTP/1.1 400 Bad Request\r\n\r\n', /not understood: Proto/],
        ['zeros', '\0\0\0\0\r\n', /not understood: Protocol error/],
        ['an answer too many', '+1\r\n+2\r\n', /not understood: nobody asked/],
        ['a length that is none', '$abc\r\n', /not understood|closed/],
        ['a bulk that is too long', `$${10 * MB}\r\n${x}${x}${x}`,
            /an answer of more than 2097152 bytes/],
        ['a bulk of endless length', `$9223372036854775807\r\n${x}${x}${x}`,
            /an answer of more than 2097152 bytes/],
        ['a length below nothing', '$-9\r\n', /not understood: Bulk|Protocol/],
        ['arrays in arrays', '*1\r\n'.repeat(100) + ':1\r\n', /depth|nested/],
        ['an array of all the memory', '*2147483647\r\n:1\r\n', /more than/],
        ['an array of more than that', '*99999999999\r\n:1\r\n',
            /not understood: (Multi-bulk|Protocol)/],
        ['an array of many', `*1000000\r\n${many}${many}`, /more than 2097152/],
        ['a line without end', `+${x}`, /a line without end/],
        ['a RESP3 push', '>2\r\n+a\r\n+b\r\n', /not understood: Protocol error/],
        ['an end in the middle', null, /the server closed the connection/]
    ];

    for (const [name, text, expected] of cases) {
        await test(`a server that sends ${name}`, async () => {
            const server = await redis.fake(signs((socket) => {
                if (text === null) {
                    socket.end('*3\r\n$5\r\nabc');
                } else {
                    socket.write(text, 'latin1');
                }
            }));

            const probe = await Probe.start(`redis://127.0.0.1:${server.port}`,
                `input=${2 * MB} timeout=3000`);

            await probe.reaches('ready');

            const [, ...rest] = await probe.send('GET a', 'GET b', 'GET c');

            ok(rest.every((line) => /^(ERROR|OK 2)$/.test(line)), `${rest}`);

            if (name === 'an answer too many') {
                await probe.send('GET a').catch(() => {});
            }

            await probe.fails(name === 'a length that is none' ? /./ : expected);
            isDeeply(probe.log(/\[(alert|crit)\]/), []);
        }, { timeout: 20000 });
    }

    await test('a server that closes at every byte', async () => {
        const answer = '+OK\r\n+PONG\r\n*2\r\n$3\r\nabc\r\n:12\r\n';

        const server = await redis.fake((socket, text, nth) => {
            if (!socket.answered) {
                socket.answered = true;
                socket.end(answer.slice(0, Math.min(nth, answer.length)));
            }
        });

        const probe = await Probe.start(`redis://127.0.0.1:${server.port}`,
                                        'max=1 min=1');

        let sent = 0;

        await until(20000, async () => {
            if (sent++ < 100) {
                void probe.send('GET a').catch(() => {});
            }

            await sleep(5);
            return server.connections > answer.length + 5;
        }, () => `connections: ${server.connections}`);

        await probe.state('close');

        isDeeply(probe.log(/\[(alert|crit)\]/), []);
        ok((await probe.state()).readies > 0, 'some were ready');
    }, { timeout: 60000 });

    await test('an answer that comes byte by byte', async () => {
        const server = await redis.fake(signs((socket) => {
            const answer = '*3\r\n$3\r\nabc\r\n*1\r\n:12\r\n$-1\r\n';

            socket.setNoDelay(true);

            for (let i = 0; i < answer.length; i++) {
                setTimeout(() => socket.write(answer[i]), 5 * i);
            }
        }));

        const probe = await Probe.start(`redis://127.0.0.1:${server.port}`);

        isDeeply(await probe.send('GET a'), ['OK [abc,[12],nil]']);
    });

    await test('a server that says no before it is asked', async () => {
        const server = await redis.fake(() => {}, (socket) =>
            socket.end('-DENIED Redis is running in protected mode because'
                       + ' protected mode is enabled.\r\n'));

        const probe = await Probe.start(`redis://127.0.0.1:${server.port}`);

        await probe.fails(/DENIED Redis is running in protected mode/);
        like(probe.log(/\[error\]/)[0], /; set a password at the server/);
    });

    await test('a server that repeats the password', async () => {
        const server = await redis.fake((socket) =>
            socket.write("-ERR unknown command 'AUTH', with args beginning"
                         + " with: 'hUsH'\r\n-ERR not hUsH\r\n"));
        const other = await redis.fake((socket) =>
            socket.write('-ERR not\x1b[0m hUsH\r\n'));

        for (const { port } of [server, other]) {
            const probe = await Probe.start(`redis://:hUsH@127.0.0.1:${port}`);

            await until(5000, async () => (await probe.state()).downs > 3,
                        'tries');
            like(probe.log(/\[error\]/)[0], /unknown command|AUTH was refused/);
            ok(!/hUsH/.test(probe.nginx.errorLog()
                            + (await probe.state()).reason), 'hushed');
        }
    });

    await test('a server that is still loading', async () => {
        let loading = true;

        const server = await redis.fake((socket) => socket.write(loading
            ? '-LOADING Redis is loading the dataset in memory\r\n'.repeat(2)
            : '+OK\r\n+PONG\r\n'));

        const probe = await Probe.start(`redis://127.0.0.1:${server.port}`);

        await probe.fails(/LOADING/);
        loading = false;
        await probe.reaches('ready');
        is(probe.log(/\[error\]/).length, 1, 'lines');
        like(probe.log(/\[error\]/)[0], /LOADING.*; it reads its data/);
    });

    await test('a server that does not read', async () => {
        const server = await redis.fake(signs((socket) => socket.pause()));
        const probe = await Probe.start(`redis://127.0.0.1:${server.port}`,
                                        'timeout=700 output=200000');

        await probe.reaches('ready');

        const all = await Promise.all(Array.from({ length: 20 }, () =>
            probe.ask('now', ['SET\ta\t*6000000', 'GET\ta', 'GET\ta'])));

        ok(all.some((lines) => lines.includes('AGAIN')), 'bounded');
        ok(all.every((lines) => lines.every((line) =>
            /^(AGAIN|ERROR)$/.test(line))), `${all}`);
    }, { timeout: 30000 });
}


/* the configuration */
async function conf() {
    const bad = [
        ['http://a/b', /is not a Redis URL/],
        ['redis:/pass', /is not a Redis URL/],
        ['redis://', /has no host/],
        ['redis://:pass@', /has no host/],
        ['redis://a,,b', /has no host/],
        ['redis://:pass@h:99999', /port that is not/],
        ['redis://:pa/ss@h', /"@" too many/],
        ['redis://:pa?ss@h', /"@" too many/],
        ['redis://:pa@ss@h', /"@" too many/],
        ['redis://:pa/ss', /database that is not a number/],
        ['redis://pass@h', /"@" but no password/],
        ['redis://user:@h', /"@" but no password/],
        ['redis://:pa%zzss@h', /two hex digits/],
        ['redis://:pass%2@h', /two hex digits/],
        ['redis://:pass%00@h', /has a "%00"/],
        ['redis://[::1', /"\[" without its/],
        ['redis://[::1]x', /port that is not/],
        ['redis://h/pass', /database that is not a number/],
        ['redis://h?pass=1', /parameter that is not "db=N"/],
        ['redis://h/1?db=2', /two databases/],
        ['redis+unix://h/path', /a host where the path/],
        ['unix:', /no path of a socket/],
        ['unix:path', /a host where the path/],
        [`unix:/${'a'.repeat(120)}`, /too long for a socket/]
    ];

    await test('wrong URLs, and no password in what is said', () => {
        for (const [url, expected] of bad) {
            const { code, output } = server.check(options(url));

            is(code, 1, url);
            like(output, expected, url);
            ok(!/ss@|pa%|pass/.test(output.replace(/password/g, '')
                                          .replace(/passed/g, '')),
               `${url}: ${output}`);
        }
    });

    const good = [
        ['redis://h', 'h:6379/0'], ['REDIS://h:1/', 'h:1/0'],
        ['redis://u:p@[::1]:7/12', '[::1]:7/12'], ['redis://::1', null],
        ['redis://:p@a,b:2,[::2]', 'a:6379,b:2,[::2]:6379/0'],
        ['redis://h?db=4', 'h:6379/4'], ['unix:/a%20b', 'unix:/a b/0'],
        ['unix:///a?db=2', 'unix:/a/2'], ['redis+unix://:p@/a', 'unix:/a/0']
    ];

    for (const [url, text] of good) {
        await test(`${url} is ${text}`, async () => {
            if (text === null) {
                is(server.check(options(url)).code, 1, 'not an address');
                return;
            }

            const probe = await Probe.start(url);

            is((await probe.state()).text, text);
        });
    }

    await test('files of TLS that are not there', () => {
        const { code, output } = server.check(options('rediss://127.0.0.1',
            'authority=/none.pem'));

        is(code, 1);
        like(output, /\[emerg\].*\/none.pem/);
    });
}


run(async () => {
    build();

    await group('configuration', conf);

    const db = await redis.start();

    await group('commands', async () => {
        const probe = await Probe.start(db.url());

        await commands(probe);
        isDeeply(probe.log(/\[error\]/), []);
    });

    await group('gathered', () => gathered(db));
    await group('subscriptions', () => subscriptions(db));
    await group('losses', losses);
    await group('ends', () => ends(db));
    await group('ways', () => ways(db));
    await group('refusals', () => refusals(db));
    await group('names', () => names(db));
    await group('TLS', tls);
    await group('broken servers', broken);
});
