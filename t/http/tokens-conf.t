#!/usr/bin/env node
'use strict';

/*
 * What "nginx -t" says of keys that are none, and what the environment says of
 * keys and guests.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { done, guest, rejected, unique, user } = require('../lib/people');
const { check, start } = require('../lib/server');
const tap = require('../lib/tap');
const tokens = require('../lib/tokens');

const { is, like, ok, test } = tap;

const { SECRET } = tokens;
const secret = `realtime_jwt_secret "${SECRET}";`;

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-keys-'));

tap.cleanup(() => fs.rmSync(dir, { recursive: true }));


function location(more) {
    return `location /socket.io/ { realtime on; ${more} }`;
}


function vector(name, more = '') {
    return `realtime_jwt_key ${tokens.file(name)}${more};`;
}


/* a file of this text; Buffers and objects too */
function file(text) {
    const name = path.join(dir, unique('key'));
    const raw = typeof text === 'string' || Buffer.isBuffer(text);

    fs.writeFileSync(name, raw ? text : JSON.stringify(text));

    return `realtime_jwt_key ${name};`;
}


function jwk(name, kind) {
    return tokens.keys[name][kind].export({ format: 'jwk' });
}

const PUBLIC = jwk('ec256', 'public');
const PRIVATE = jwk('ec256', 'private');
const pem = fs.readFileSync(tokens.file('rsa.pem'), 'latin1');

/* [what, directives, what is said] */

const ERRORS = [
    ['nobody could connect', '',
     /nobody could connect to this realtime location: add "realtime_jwt_secret" or "realtime_jwt_key", or "realtime_allow_anonymous on"/],
    ['nobody could connect, said so', 'realtime_allow_anonymous off;',
     /nobody could connect/],
    ['nobody could connect, an issuer', 'realtime_jwt_issuer me;',
     /nobody could connect/],
    ['an empty secret', 'realtime_jwt_secret "";',
     /realtime_jwt_secret: the secret is empty/],
    ['a PEM text as the secret', `realtime_jwt_secret "${pem}";`,
     /realtime_jwt_secret: the secret is the text of a key, use "realtime_jwt_key"/],
    ['kid= without a value', `realtime_jwt_secret "${SECRET}" kid=;`,
     /invalid parameter "kid=" of realtime_jwt_secret: it must be "kid=ID"/],
    ['another word for kid=', `realtime_jwt_secret "${SECRET}" id=1;`,
     /invalid parameter "id=1" of realtime_jwt_secret: it must be "kid=ID"/],
    ['kid= without a value, of a key', vector('rsa.pem', ' kid='),
     /invalid parameter "kid=" of realtime_jwt_key: it must be "kid=ID"/],
    ['three arguments', `realtime_jwt_secret "${SECRET}" kid=1 kid=2;`,
     /invalid number of arguments in "realtime_jwt_secret" directive/],
    ['no argument', 'realtime_jwt_key;', /invalid number of arguments/],
    ['a file that is not there', 'realtime_jwt_key /nowhere/key.pem;',
     /open\(\) "\/nowhere\/key.pem" of realtime_jwt_key failed \(2: No such/],
    ['a directory', 'realtime_jwt_key /tmp;',
     /"\/tmp" of realtime_jwt_key failed/],
    ['an empty file', file(''),
     /no key in ".*" of realtime_jwt_key: there is no key in it, neither PEM nor JWK/],
    ['a file of zeros', file(Buffer.alloc(5000)), /neither PEM nor JWK/],
    ['a secret in a file', file(SECRET), /neither PEM nor JWK/],
    ['a private key', vector('ec384-private.pem'),
     /no key in ".*ec384-private.pem" of realtime_jwt_key: a private key does not belong here/],
    ['a private JWK', file(PRIVATE), /a private key does not belong here/],
    ['a private key among others', file({ keys: [PUBLIC, PRIVATE] }),
     /a private key does not belong here/],
    ['a set without keys', file({ keys: [] }), /no key of the set can be used/],
    ['"keys" is no array', file({ keys: {} }), /"keys" is not an array/],
    ['half a JWK', file({ ...PUBLIC, y: undefined }),
     /an EC key's "x" or "y" is missing or malformed/],
    ['a point beside the curve', file({ ...PUBLIC, y: PUBLIC.x }),
     /an EC key is not a point of its curve/],
    ['half a PEM', file(pem.slice(0, 200)), /of realtime_jwt_key: /],
    ['a weak RSA key', vector('rsa1024.pem'),
     /an RSA key needs 2048 to 16384 bits/],
    ['a curve that is not supported', vector('ec521.pem'),
     /of realtime_jwt_key: /],
    ['the issuer twice', `${secret} realtime_jwt_issuer a;
                          realtime_jwt_issuer b;`,
     /"realtime_jwt_issuer" directive is duplicate/],
    ['the audience twice', `${secret} realtime_jwt_audience a;
                            realtime_jwt_audience b;`,
     /"realtime_jwt_audience" directive is duplicate/],
    ['the token twice', `${secret} realtime_jwt_token $arg_a;
                         realtime_jwt_token $arg_b;`,
     /"realtime_jwt_token" directive is duplicate/],
    ['neither on nor off', 'realtime_allow_anonymous maybe;',
     /invalid value "maybe" in "realtime_allow_anonymous" directive/],
    ['65 keys', Array.from({ length: 65 }, (_, i) => {
        return `realtime_jwt_secret "${SECRET}" kid=${i};`;
    }).join(''), /there are more than 64 keys/]
];

const ENV_ERRORS = [
    ['a PEM text as REALTIME_JWT_SECRET', { REALTIME_JWT_SECRET: pem },
     /the environment variable REALTIME_JWT_SECRET: the secret is the text of a key/],
    ['an empty REALTIME_JWT_SECRET', { REALTIME_JWT_SECRET: '' },
     /nobody could connect/],
    ['REALTIME_ALLOW_ANONYMOUS=false', { REALTIME_ALLOW_ANONYMOUS: 'false' },
     /nobody could connect/],
    ['REALTIME_ALLOW_ANONYMOUS=maybe', { REALTIME_ALLOW_ANONYMOUS: 'maybe' },
     /the environment variable REALTIME_ALLOW_ANONYMOUS is "maybe": it must be "true" or "false"/]
];

/* not one word of a key or a secret is ever printed */
function quiet(output) {
    ok(!output.includes(SECRET), 'the secret is not printed');
    ok(!output.includes(pem.split('\n')[1].slice(0, 20)), 'nor is a key');
    ok(!output.includes(PRIVATE.d), 'nor a private one');
}


async function errors() {
    for (const [what, directives, said] of ERRORS) {
        await test(`nginx -t: ${what}`, async () => {
            const { code, output } = check({ locations: location(directives) });

            is(code, 1, 'exit code');
            like(output, said, 'output');
            like(output, /\[emerg\].* in .*nginx\.conf:\d+/, 'the place');
            quiet(output);
        });
    }

    for (const [what, env, said] of ENV_ERRORS) {
        await test(`nginx -t: ${what}`, async () => {
            const { code, output } = check({ env, locations: location('') });

            is(code, 1, 'exit code');
            like(output, said, 'output');
            quiet(output);
        });
    }
}


async function warnings() {
    const short = 'x'.repeat(31);

    const rows = [
        ['31 bytes', `realtime_jwt_secret ${short};`, {},
         /\[warn\].*realtime_jwt_secret has a secret of 31 bytes: one of fewer than 32 can be found by trying/],
        ['32 bytes', `realtime_jwt_secret ${short}x;`, {}, null],
        ['31 bytes, of the environment', '', { REALTIME_JWT_SECRET: short },
         /\[warn\].*REALTIME_JWT_SECRET has a secret of 31 bytes/],
        ['31 bytes that are not used', secret, { REALTIME_JWT_SECRET: short },
         null],
        ['the same secret twice', secret + secret, {}, null],
        ['64 keys', Array.from({ length: 64 }, (_, i) => {
            return `realtime_jwt_secret "${SECRET}" kid=${i};`;
        }).join(''), {}, null],
        ['nobody could connect, but it is an echo', 'realtime_echo on;', {},
         null],
        ['nobody could connect, but it is off', 'realtime off;', {}, null]
    ];

    for (const [what, directives, env, said] of rows) {
        await test(`nginx -t: fine: ${what}`, async () => {
            const { code, output } = check({
                env, locations: location(directives).replace(
                    'realtime on; realtime off;', 'realtime off;')
            });

            is(code, 0, `exit code (${output})`);

            if (said) {
                like(output, said, 'output');
            } else {
                ok(!/warn/.test(output), `no warning in ${output}`);
            }

            ok(!output.includes(short), 'the secret is not printed');
        });
    }
}


async function environment() {
    const OTHER = 'another secret, which is as well known';

    const server = await start({
        name: 'environment', workers: 2, path: '/env/',
        env: { REALTIME_JWT_SECRET: OTHER, REALTIME_ALLOW_ANONYMOUS: 'TRUE' },
        locations: `
            location /env/ { realtime on; }
            location /closed/ { realtime on; realtime_allow_anonymous off; }
            location /own/ { realtime on; ${secret} }
            location /outer/ {
                ${secret}
                location /outer/inner/ { realtime on; }
            }`
    });

    function auth(own) {
        return { token: tokens.sign({ userId: 'alice' }, { secret: own }) };
    }

    await test('REALTIME_JWT_SECRET is the default', async () => {
        for (const at of ['/env/', '/closed/']) {
            await user(server, 'alice', { path: at, auth: auth(OTHER) });
            is(await rejected(server, { path: at, auth: auth(SECRET) }),
               tokens.WHY.sig, 'another one');
        }
    });

    await test('realtime_jwt_secret goes before it', async () => {
        for (const at of ['/own/', '/outer/inner/']) {
            await user(server, 'alice', { path: at, auth: auth(SECRET) });
            is(await rejected(server, { path: at, auth: auth(OTHER) }),
               tokens.WHY.sig, 'that of the environment');
        }
    });

    await test('REALTIME_ALLOW_ANONYMOUS is the default', async () => {
        await done(await guest(server), 'ping');
        is(await rejected(server, { path: '/closed/' }), 'No token was given',
           'a directive goes before it');
    });

    await test('neither is in the log', async () => {
        const log = server.errorLog();

        ok(!log.includes(SECRET) && !log.includes(OTHER), 'no secret');
    });
}


tap.run(async () => {
    await errors();
    await warnings();
    await environment();
});
