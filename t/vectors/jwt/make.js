'use strict';

/*
 * make.js: the keys and tokens of the unit tests.
 *
 *     node make.js           writes good.txt and hostile.txt anew
 *     node make.js keys      writes new keys first
 *
 * A line of good.txt is "<user>,<expires>,<rooms>,<rights> <token>"; one of
 * hostile.txt is the reason, with _ for blanks, and the token.  They are for
 * NOW.  Tokens that are too long for a line are left to the tests.
 */

const crypto = require('node:crypto');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

module.paths.push(path.join(__dirname, '..', '..', 'node_modules'));

const jose = require('jose');
const jsonwebtoken = require('jsonwebtoken');
const tokens = require('../../lib/tokens');

const NOW = 2000000000;
const FAR = 4102444800;
const LINE = 4000;

const KINDS = {
    rsa: ['rsa', { modulusLength: 2048 }],
    rsa2: ['rsa', { modulusLength: 2048 }],
    rsa1024: ['rsa', { modulusLength: 1024 }],
    ec256: ['ec', { namedCurve: 'P-256' }],
    ec256b: ['ec', { namedCurve: 'P-256' }],
    ec384: ['ec', { namedCurve: 'P-384' }],
    ec521: ['ec', { namedCurve: 'P-521' }],
    k256: ['ec', { namedCurve: 'secp256k1' }],
    ed25519: ['ed25519'],
    ed25519b: ['ed25519'],
    ed448: ['ed448']
};


function write(name, text) {
    fs.writeFileSync(path.join(__dirname, name), text);
}


function jwk(name, more) {
    return { ...tokens.keys[name].public.export({ format: 'jwk' }), ...more };
}


function makeKeys() {
    const made = Object.entries(KINDS).map(([kid, [type, options]]) => {
        const { privateKey } = crypto.generateKeyPairSync(type, options);

        return { kid, ...privateKey.export({ format: 'jwk' }) };
    });

    write('private.json', `${JSON.stringify({ keys: made }, null, 2)}\n`);
    tokens.load(made);

    for (const name of Object.keys(KINDS)) {
        write(`${name}.pem`, tokens.pem(name));
    }

    write('rsa-pkcs1.pem', tokens.keys.rsa.public.export({ type: 'pkcs1',
                                                         format: 'pem' }));
    write('all.pem', ['rsa', 'ec256', 'ec384', 'ed25519'].map(tokens.pem)
                                                       .join('\n'));
    makeCertificate();
    makeSets();
}


function makeCertificate() {
    write('ec384-private.pem', tokens.keys.ec384.private.export({
        type: 'pkcs8', format: 'pem'
    }));

    write('ec384-cert.pem', execFileSync('openssl', [
        'req', '-x509', '-new', '-key', tokens.file('ec384-private.pem'),
        '-days', '36500', '-subj', '/CN=a test'
    ]));
}


function makeSets() {
    write('jwks.json', `${JSON.stringify({ keys: [
        jwk('rsa', { kid: 'rsa', alg: 'RS256', use: 'sig' }),
        jwk('rsa2', { kid: 'pss', alg: 'PS256', key_ops: ['verify'] }),
        jwk('ec256', { kid: 'ec256' }),
        jwk('ec384', { kid: 'ec384', x5t: 'ignored' }),
        jwk('ed25519', { kid: 'ed25519', use: 'sig' }),
        jwk('ec256b', { kid: 'ec256b', use: 'enc' }),
        jwk('ed25519b', { kid: 'ed25519b', key_ops: ['sign'] }),
        jwk('ec521', { kid: 'ec521' }),
        { kty: 'new', kid: 'new' },
        { kty: 'oct', kid: 'oct', alg: 'HS512',
          k: Buffer.from(tokens.SECRET).toString('base64url') }
    ] }, null, 2)}\n`);
}


/* [header, claims, key] by name; what is expected is told by the claims */
function wanted() {
    const user = { userId: 'alice', exp: FAR };

    return {
        'HS256': [{ alg: 'HS256' }, user],
        'HS384': [{ alg: 'HS384' }, user],
        'HS512': [{ alg: 'HS512' }, user],
        'RS256': [{ alg: 'RS256' }, user, 'rsa'],
        'RS384': [{ alg: 'RS384' }, user, 'rsa'],
        'RS512': [{ alg: 'RS512' }, user, 'rsa'],
        'PS256': [{ alg: 'PS256' }, user, 'rsa'],
        'PS384': [{ alg: 'PS384' }, user, 'rsa'],
        'PS512': [{ alg: 'PS512' }, user, 'rsa'],
        'ES256': [{ alg: 'ES256' }, user, 'ec256'],
        'ES384': [{ alg: 'ES384' }, user, 'ec384'],
        'EdDSA': [{ alg: 'EdDSA' }, user, 'ed25519'],
        'a kid that nobody has': [{ alg: 'HS256', kid: 'x' }, user],
        'typ at+jwt': [{ alg: 'HS256', typ: 'at+jwt' }, user],
        'typ application/jwt': [{ alg: 'HS256', typ: 'application/jwt' }, user],
        'more in the header': [{ alg: 'HS256', cty: 'x', jku: 'y' }, user],
        'sub': [{ alg: 'HS256' }, { sub: 'bob', exp: FAR }],
        'userId before sub': [{ alg: 'HS256' },
                              { sub: 'bob', userId: 'alice', exp: FAR }],
        'no exp': [{ alg: 'HS256' }, { userId: 'alice' }],
        'exp in a second': [{ alg: 'HS256' }, { userId: 'a', exp: NOW + 1 }],
        'nbf and iat within the leeway': [{ alg: 'HS256' },
            { ...user, nbf: NOW + 5, iat: NOW + 5 }],
        'long ago': [{ alg: 'HS256' }, { ...user, nbf: -5, iat: 0 }],
        'fractions': [{ alg: 'HS256' }, { ...user, exp: FAR + 0.75 }],
        'rooms': [{ alg: 'HS256' }, { ...user, rooms: ['general', 'team-*'] }],
        'every room': [{ alg: 'HS256' }, { ...user, rooms: ['*'] }],
        'no room': [{ alg: 'HS256' }, { ...user, rooms: [] }],
        'read': [{ alg: 'HS256' }, { ...user, permissions: ['read'] }],
        'write': [{ alg: 'HS256' }, { ...user, permissions: ['x', 'write'] }],
        'read and write': [{ alg: 'HS256' },
                           { ...user, permissions: ['write', 'read'] }],
        'no right': [{ alg: 'HS256' }, { ...user, permissions: [] }],
        'a user of 255 bytes': [{ alg: 'HS256' },
                                { ...user, userId: 'x'.repeat(255) }],
        'a user of letters': [{ alg: 'HS256' },
                              { ...user, userId: 'J\u00f6rg \ud83d\ude00' }]
    };
}


function expected(claims) {
    const rights = claims.permissions
                   ? ['read', 'write'].filter((r) =>
                       claims.permissions.includes(r)).join('+') || 'none'
                   : 'all';

    return [
        encodeURIComponent(claims.userId || claims.sub),
        Math.floor(claims.exp || 0),
        claims.rooms ? claims.rooms.join('+') || 'none' : 'any',
        rights
    ].join(',');
}


async function byJose(header, claims, key) {
    const sign = new jose.SignJWT(claims).setProtectedHeader(header);

    return sign.sign(key || Buffer.from(tokens.SECRET));
}


function byJsonwebtoken(header, claims, key) {
    return jsonwebtoken.sign(claims, key || tokens.SECRET, {
        algorithm: header.alg, header, noTimestamp: claims.iat === undefined
    });
}


/* ES256 until r and s look as they rarely do */
function rareEcdsa(fits) {
    for (;;) {
        const token = byJsonwebtoken({ alg: 'ES256' },
                                     { userId: 'alice', exp: FAR },
                                     tokens.keys.ec256.private);
        const sig = Buffer.from(token.split('.')[2], 'base64url');

        if (fits(sig.subarray(0, 32), sig.subarray(32))) {
            return token;
        }
    }
}


function makeRare() {
    const zero = (n) => n[0] === 0 && n[1] < 128;
    const zeroAndBit = (n) => n[0] === 0 && n[1] >= 128;

    const rare = {
        'r begins with a zero': (r) => zero(r),
        'r begins with a zero and a set bit': (r) => zeroAndBit(r),
        's begins with a zero': (r, s) => zero(s),
        's begins with a zero and a set bit': (r, s) => zeroAndBit(s),
        'r and s begin with a set bit': (r, s) => r[0] >= 128 && s[0] >= 128,
        'r and s begin without one': (r, s) => r[0] < 128 && s[0] < 128
    };

    return Object.entries(rare).map(([name, fits]) => {
        return `# ES256, ${name}\nalice,${FAR},any,all ${rareEcdsa(fits)}\n`;
    }).join('');
}


async function makeGood() {
    let text = '# tokens of jose and jsonwebtoken; see make.js\n';

    for (const [name, [header, claims, key]] of Object.entries(wanted())) {
        const with_ = key && tokens.keys[key].private;
        const made = { jose: await byJose(header, claims, with_) };

        if (header.alg !== 'EdDSA') {
            made.jsonwebtoken = byJsonwebtoken(header, claims, with_);
        }

        for (const [by, token] of Object.entries(made)) {
            text += `# ${name}, ${by}\n${expected(claims)} ${token}\n`;
        }
    }

    write('good.txt', text + makeRare());
}


function makeHostile() {
    const list = tokens.hostile({ now: NOW, issuer: 'https://issuer.example',
                                  audience: 'realtime' });

    const lines = list.map(({ name, token, why }) => {
        return `# ${name.replace(/[^ -~]/g, '?')}\n`
               + `${why.replace(/ /g, '_')} ${escaped(token)}\n`;
    });

    write('hostile.txt', '# tokens that must be refused; see make.js\n'
          + lines.filter((line) => line.length < LINE).join(''));
}


/* UTF-8, and %XX for what does not show */
function escaped(token) {
    return Array.from(Buffer.from(token), (byte) => {
        return byte > 0x20 && byte < 0x7f && byte !== 0x25
               ? String.fromCharCode(byte)
               : `%${byte.toString(16).padStart(2, '0')}`;
    }).join('');
}


async function main() {
    if (process.argv[2] === 'keys') {
        makeKeys();
    }

    await makeGood();
    makeHostile();
}

main();
