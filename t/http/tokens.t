#!/usr/bin/env node
'use strict';

/*
 * Tokens: where they come from, which keys and claims let somebody in, and that
 * nothing else does.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
    done, empty, got, guest, moving, rejected
} = require('../lib/people');
const { start } = require('../lib/server');
const { Socket } = require('../lib/sio');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { SECRET, WHY } = tokens;
const { is, isDeeply, like, ok, test } = tap;

/* CONNECTs that may fail before a session ends */
const PATIENCE = 7;

const TRANSPORTS = ['polling', 'websocket'];

const HMAC = ['HS256', 'HS384', 'HS512'];
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

const secret = `realtime_jwt_secret "${SECRET}";`;


function key(name, more = '') {
    return `realtime_jwt_key ${tokens.file(name)}${more};`;
}


function location(where, more) {
    return `location ${where} { realtime on; realtime_limit_connections off;
                               ${more} }\n`;
}


/* comes with "token" as auth.token, and is alice */
async function comes(server, token, options = {}) {
    const s = await Socket.open(server, { auth: { token }, ...options });

    is((await s.one('authenticated')).userId, 'alice', 'userId');

    return s;
}


function alice(options) {
    return tokens.sign({ userId: 'alice' }, options);
}


/* where a location takes tokens from, and how a client brings one */

const SOURCES = {
    cookie: ['$cookie_token', (t) => ({ headers: { Cookie: `token=${t}` } })],
    header: ['$http_authorization',
             (t) => ({ headers: { Authorization: `Bearer ${t}` } })],
    'header in lower case': ['$http_authorization',
             (t) => ({ headers: { Authorization: `bearer ${t}` } })],
    'header of its own': ['$http_x_token',
                          (t) => ({ headers: { 'X-Token': t } })],
    'query argument': ['$arg_token', (t) => ({ query: { token: t } })],
    'either of two': ['$arg_none$cookie_token',
                      (t) => ({ headers: { Cookie: `token=${t}` } })]
};


/* the path of the location for a source */
function where(name) {
    return `/${name.replace(/ /g, '-')}/`;
}


async function sources() {
    const server = await start({
        name: 'sources', workers: 2, reuseport: true, server: secret,
        locations: Object.entries(SOURCES).map(([name, [variable]]) => {
            return location(where(name), `realtime_jwt_token ${variable};`);
        }).join('')
    });

    for (const [name, [, bring]] of Object.entries(SOURCES)) {
        const at = { path: where(name) };

        for (const transport of TRANSPORTS) {
            await test(`${name}, ${transport}`, async () => {
                const options = { ...at, transport, ...bring(alice()) };

                for (const auth of [undefined, {}, { token: null },
                                    { token: '' }]) {
                    const s = await comes(server, '', { ...options, auth });

                    s.client.close();
                }

                is(await rejected(server, { ...at, transport }),
                   'No token was given', 'without one');
                is(await rejected(server, { ...at, transport,
                                            ...bring('a.b.c') }),
                   WHY.header, 'a bad one');
            });
        }

        await test(`${name}, auth.token goes first`, async () => {
            const other = tokens.sign({ userId: 'bob' });
            const s = await comes(server, alice(), { ...at, ...bring(other) });

            await s.client.close();
            await comes(server, alice(), { ...at, ...bring('bad') });
            is(await rejected(server, { ...at, ...bring(alice()),
                                        auth: { token: 'bad' } }),
               WHY.parts, 'auth.token is bad');
        });

        await empty(server);

        await test(`${name}, connected behind an upgrade to another worker`,
            async () => {
                await moving(server, { ...at, ...bring(alice()) }, {
                    before: async () => {},
                    after: async (s) => {
                        await s.connect();
                        is((await s.one('authenticated')).userId, 'alice',
                           'userId');
                    }
                });
            });

        await empty(server);
    }

    await test('auth.token that is no string', async () => {
        for (const token of [0, 7, true, false, [], ['a.b.c'], {}, [alice()],
                             { token: alice() }]) {
            is(await rejected(server, { path: where('cookie'),
                                        auth: { token } }),
               'The token must be a string', JSON.stringify(token));
        }
    });

    await test('auth without a token', async () => {
        for (const auth of [{}, { TOKEN: alice() }, { auth: alice() }]) {
            is(await rejected(server, { path: where('cookie'), auth }),
               'No token was given', JSON.stringify(auth));
        }
    });

    await test('none of them is in the log', async () => {
        let log = server.errorLog();

        /* at debug level nginx itself writes every header down */

        if (process.env.REALTIME_DEBUG) {
            log = log.split('\n').filter((l) => /realtime/.test(l)).join('\n');
        }

        /* nginx names the request where a client goes in the middle of it */

        notIn(log.replace(/request: "[^"]*"/g, ''), [alice().split('.')[0]]);
    });
}


/* the text of a key, and who may come with it: [algorithm, key] */

function pems(name, algs) {
    return algs.map((alg) => ({ alg, key: name }));
}

const ES256 = { alg: 'ES256', key: 'ec256' };
const ES384 = { alg: 'ES384', key: 'ec384' };
const EDDSA = { alg: 'EdDSA', key: 'ed25519' };

const KEYS = {
    'a secret': [secret, HMAC.map((alg) => ({ alg }))],
    'a short secret': ['realtime_jwt_secret short;',
                       HMAC.map((alg) => ({ alg, secret: 'short' }))],
    'RSA': [key('rsa.pem'), pems('rsa', RSA)],
    'RSA, PKCS#1': [key('rsa-pkcs1.pem'), pems('rsa', RSA)],
    'P-256': [key('ec256.pem'), [ES256]],
    'P-384': [key('ec384.pem'), [ES384]],
    'a certificate': [key('ec384-cert.pem'), [ES384]],
    'Ed25519': [key('ed25519.pem'), [EDDSA]],
    'several in one file': [key('all.pem'), [...pems('rsa', RSA), ES256,
                                             ES384, EDDSA]],
    'several files': [`${secret} ${key('rsa.pem')} ${key('ec256.pem')}`,
                      [...HMAC.map((alg) => ({ alg })), ...pems('rsa', RSA),
                       ES256]],
    'JWK Set': [key('jwks.json'), [
        { alg: 'RS256', key: 'rsa' }, { alg: 'RS256', key: 'rsa', kid: 'rsa' },
        { alg: 'PS256', key: 'rsa2', kid: 'pss' }, ES256,
        { ...ES256, kid: 'ec256' }, ES384, EDDSA, { alg: 'HS512' }
    ]],
    'JWK': [null, [ES256]]
};

const EVERYONE = [
    ...HMAC.map((alg) => ({ alg })), ...pems('rsa', RSA), ES256, ES384, EDDSA,
    { alg: 'HS256', secret: 'short' }, { alg: 'RS256', key: 'rsa2' },
    { alg: 'ES256', key: 'ec256b' }, { alg: 'EdDSA', key: 'ed25519b' },
    { alg: 'HS256', secret: tokens.pem('rsa') },
    { alg: 'HS256', secret: tokens.pem('ed25519') },
    { alg: 'HS256', secret: fs.readFileSync(tokens.file('jwks.json')) }
];


function same(a, b) {
    return a.alg === b.alg && a.key === b.key && a.secret === b.secret;
}


async function keys() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-jwk-'));
    const file = path.join(dir, 'key.json');

    fs.writeFileSync(file, JSON.stringify(
        tokens.keys.ec256.public.export({ format: 'jwk' })));
    tap.cleanup(() => fs.rmSync(path.dirname(file), { recursive: true }));

    const list = Object.entries(KEYS);

    const server = await start({
        name: 'keys', workers: 2, reuseport: true,
        locations: list.map(([, [text]], i) => {
            return location(`/${i}/`, text || `realtime_jwt_key ${file};`);
        }).join('')
    });

    for (const [i, [name, [, accepted]]] of list.entries()) {
        await test(`${name}: ${accepted.map((a) => a.alg)} and nobody else`,
            async () => {
                const at = { path: `/${i}/` };

                for (const options of accepted) {
                    const s = await comes(server, alice(options), at);

                    s.client.close();
                }

                for (const options of EVERYONE) {
                    if (!accepted.some((a) => same(a, options))) {
                        const token = signed(options);

                        like(await rejected(server, { ...at, auth: { token } }),
                             /algorithm is not accepted|signature is not valid/,
                             JSON.stringify(options));
                    }
                }
            });
    }
}


/* also with secrets that jsonwebtoken does not take */
function signed({ alg, key: name, secret: own = SECRET }) {
    return tokens.raw({ alg, typ: 'JWT' }, {
        userId: 'alice', exp: Math.floor(Date.now() / 1000) + 600
    }, alg, name ? tokens.keys[name].private : own);
}


/* changes the configuration of a server that runs */
function reconfigure(server, from, to) {
    const file = path.join(server.dir, 'nginx.conf');
    const text = fs.readFileSync(file, 'utf8');

    ok(text.includes(from), 'configuration');
    fs.writeFileSync(file, text.replace(from, to));

    return server.reload();
}


async function rotation() {
    const OLD = `realtime_jwt_secret "${SECRET}" kid=old;`;
    const NEW = 'realtime_jwt_key next.json kid=new;';

    const server = await start({
        name: 'rotation', workers: 2, reuseport: true, path: '/socket.io/',
        locations: location('/socket.io/', `${OLD} realtime_limit_room off;`)
    });

    fs.writeFileSync(path.join(server.dir, 'next.json'), JSON.stringify(
        tokens.keys.ec256.public.export({ format: 'jwk' })));

    const before = alice({ kid: 'old' });
    const after = alice({ key: 'ec256', kid: 'new' });
    const unnamed = alice();

    /* comes in, or is told why not */

    async function comesWith(token, why) {
        for (const transport of TRANSPORTS) {
            const options = { auth: { token }, transport };

            if (why) {
                is(await rejected(server, options), why, 'reason');
            } else {
                (await comes(server, token, options)).client.close();
            }
        }
    }

    await test('keys are rotated by reloads', async () => {
        await comesWith(before);
        await comesWith(unnamed);
        await comesWith(alice({ kid: 'other' }), WHY.alg);
        await comesWith(after, WHY.alg);

        await reconfigure(server, OLD, `${OLD} ${NEW}`);

        const s = await comes(server, before);

        await comesWith(before);
        await comesWith(unnamed);
        await comesWith(after);
        await comesWith(alice({ key: 'ec256' }));

        /* a kid means that key, or one without kid */

        await comesWith(alice({ kid: 'new' }), WHY.alg);
        await comesWith(alice({ key: 'ec256', kid: 'old' }), WHY.alg);
        await comesWith(alice({ kid: 'other' }), WHY.alg);

        await reconfigure(server, OLD, '');

        /* who is in stays, or has to come again with the new key */

        if (s.client.open) {
            await done(s, 'ping').catch(() => s.waitClose(0));
        }

        await comesWith(before, WHY.alg);
        await comesWith(unnamed, WHY.alg);
        await comesWith(after);
    }, { timeout: 30000 });

    await test('a reload with keys that are none changes nothing', async () => {
        const s = await comes(server, after);

        fs.writeFileSync(path.join(server.dir, 'next.json'), '{"keys":[]}');
        server.allowed.push(/no key in ".*next.json" of realtime_jwt_key/);
        server.signal('SIGHUP');

        await tap.until(5000, () => /no key in/.test(server.errorLog()),
                        'a line in the log');
        await done(s, 'ping');
        await comesWith(after);
    });
}


/* whether the log has "texts", or any part of those that are tokens */
function notIn(log, texts) {
    const words = [...new Set(log.match(/[-\w]{16,}/g))];
    const parts = texts.flatMap((text) => text.match(/[-\w]{16,}/g) || []);

    isDeeply([...new Set(parts)].filter((part) => {
        return words.some((word) => word.includes(part));
    }), [], 'secrets in the log');
}


/* CONNECT after CONNECT, a few over each session */
async function refuseAll(server, list, options) {
    const wrong = [];
    let s;

    for (const [i, { name, token, why }] of list.entries()) {
        if (i % PATIENCE === 0) {
            s = await Socket.open(server, { ...options, nsp: null });
        }

        const error = await refusal(s, token);

        if (error.message !== 'AUTHENTICATION_FAILED'
            || JSON.stringify(error.data) !== JSON.stringify({
                code: 'AUTHENTICATION_FAILED', message: why }))
        {
            wrong.push([name, why, error.message, error.data]);
        }

        if (i % PATIENCE === PATIENCE - 1) {
            s.client.close();
        }
    }

    isDeeply(wrong, [], 'tokens that were not refused as they should be');
}


async function refusal(s, token) {
    try {
        await s.connect('/', { token });

    } catch (e) {
        return e;
    }

    return { message: 'let in' };
}


/* an empty token is none */
function some({ token }) {
    return token !== '';
}


async function hostile() {
    const parties = { issuer: 'https://issuer.example', audience: 'chat' };
    const list = tokens.hostile();
    const strict = tokens.hostile(parties);
    const all = `${secret} ${key('all.pem')}`;

    const server = await start({
        name: 'hostile', workers: 2, reuseport: true, path: '/socket.io/',
        main: 'error_log debug.log debug;',
        server: `${all} realtime_jwt_issuer other https://issuer.example;
                 realtime_jwt_audience chat more;`,
        locations: location('/socket.io/', '')
                   + location('/anonymous/',
                              `${all} realtime_allow_anonymous on;`)
    });

    ok(list.length >= 60, 'tokens');

    for (const transport of TRANSPORTS) {
        await test(`${strict.length} hostile tokens, ${transport}`,
            async () => {
                await refuseAll(server, strict.filter(some), { transport });
            }, { timeout: 40000 });
    }

    await test('hostile tokens where others may be anonymous', async () => {
        await refuseAll(server, strict.filter(some),
                        { path: '/anonymous/' });
    }, { timeout: 40000 });

    await test('issuers and audiences', async () => {
        for (const iss of ['other', parties.issuer]) {
            for (const aud of ['chat', 'more', ['x', 'more'], ['chat']]) {
                const token = tokens.sign({ userId: 'alice', iss, aud });

                (await comes(server, token)).client.close();
            }
        }

        is(await rejected(server, { auth: { token: alice() } }), WHY.iss,
           'neither');
        is(await rejected(server, { auth: { token: tokens.sign({
            userId: 'alice', iss: 'other' }) } }), WHY.aud, 'no audience');
    });

    await test('a CONNECT that was refused is no end', async () => {
        const s = await Socket.open(server, { nsp: null });

        for (let i = 0; i < PATIENCE; i++) {
            is((await refusal(s, 'bad')).data.message, WHY.parts, 'reason');
        }

        await s.connect('/', { token: tokens.sign({
            userId: 'alice', iss: 'other', aud: 'chat' }) });
        is((await s.one('authenticated')).userId, 'alice', 'userId');
    });

    await test('CONNECT again and again ends the session', async () => {
        for (const transport of TRANSPORTS) {
            const s = await Socket.open(server, { transport, nsp: null });

            for (let i = 0; i < 3 * PATIENCE && s.client.open; i++) {
                await refusal(s, 'bad');
            }

            await s.waitClose();
        }
    });

    await test('no secret, no token in the log, at debug level', async () => {
        const log = fs.readFileSync(path.join(server.dir, 'debug.log'), 'utf8');

        like(log, /\[debug\]/, 'the log');
        like(log, /not let in: The token has expired/, 'the log');
        is(log.includes(SECRET), false, 'the secret in the log');
        notIn(log, [...[...list, ...strict].map((t) => t.token)]);
    });
}


/* keys and anonymous access: what becomes of whoever brings what */
async function anonymous() {
    const server = await start({
        name: 'anonymous', workers: 2, reuseport: true,
        locations: location('/keys/', secret)
            + location('/both/', `${secret} realtime_allow_anonymous on;`)
            + location('/none/', 'realtime_allow_anonymous on;')
    });

    const early = tokens.sign({ userId: 'alice', exp: 1 });
    const other = alice({ secret: 'somebody else\'s' });
    const NONE = 'No token was given';

    /* [auth, with keys, with both, with none]: a name, null or a refusal */

    const rows = [
        [undefined, NONE, null, null],
        [{}, NONE, null, null],
        [{ token: null }, NONE, null, null],
        [{ token: '' }, NONE, null, null],
        [{ token: 7 }, 'The token must be a string',
         'The token must be a string', null],
        [{ token: 'a.b.c' }, WHY.header, WHY.header, null],
        [{ token: early }, WHY.expired, WHY.expired, null],
        [{ token: other }, WHY.sig, WHY.sig, null],
        [{ token: alice() }, 'alice', 'alice', null]
    ];

    for (const [auth, ...results] of rows) {
        const what = JSON.stringify(auth) || 'nothing';

        await test(`keys and guests: ${what.slice(0, 30)}`, async () => {
            for (const [i, result] of results.entries()) {
                const at = { path: ['/keys/', '/both/', '/none/'][i], auth };

                if (result === null) {
                    const s = await guest(server, at);

                    await done(s, 'ping');
                    isDeeply(got(s, 'authenticated'), [], 'authenticated');

                } else if (result === 'alice') {
                    await comes(server, auth.token, at);

                } else {
                    is(await rejected(server, at), result, 'reason');
                }
            }
        });
    }
}


tap.run(async () => {
    await hostile();

    await Promise.all([sources(), keys(), rotation(), anonymous()]);
});
