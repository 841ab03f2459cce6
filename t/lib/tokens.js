'use strict';

/*
 * tokens.js: JSON Web Tokens, good ones and such as must be refused.
 *
 *     tokens.sign({ userId: 'alice' })                 HS256, for an hour
 *     tokens.sign({ userId: 'alice' }, { key: 'rsa' }) RS256
 *     tokens.hostile()                                 [{ name, token, why }]
 *
 * The keys are those of t/vectors/jwt, whose *.pem and *.json a server can be
 * given; they are published and good for nothing but tests.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const jsonwebtoken = require('jsonwebtoken');

const DIR = path.join(__dirname, '..', 'vectors', 'jwt');

const SECRET = 'a secret of the tests, which everybody may know';

const HOUR = 3600;

/* the longest token, most members, deepest nesting: rt_jwt.h, rt_json.h */
const LONGEST = 16384;
const MEMBERS = 64;
const DEPTH = 64;


/*
 * { rsa, rsa2, ec256, ec256b, ec384, ec521, k256, ed25519, ed25519b, ed448 },
 * each { private, public } of KeyObjects
 */
const keys = {};

function load(jwks) {
    for (const jwk of jwks) {
        const key = crypto.createPrivateKey({ key: jwk, format: 'jwk' });

        keys[jwk.kid] = { private: key, public: crypto.createPublicKey(key) };
    }
}

function file(name) {
    return path.join(DIR, name);
}

if (fs.existsSync(file('private.json'))) {
    load(JSON.parse(fs.readFileSync(file('private.json'))).keys);
}


function pem(name) {
    return keys[name].public.export({ type: 'spki', format: 'pem' });
}


/* signatures by JWS algorithm; a key is a KeyObject, or anything for HMAC */

const PSS = crypto.constants.RSA_PKCS1_PSS_PADDING;
const HASH = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };

function signature(alg, key, input) {
    const hash = HASH[alg.slice(2, 5)];

    switch (alg.slice(0, 2)) {

    case 'HS':
        return crypto.createHmac(hash, key).update(input).digest();

    case 'RS':
        return crypto.sign(hash, input, key);

    case 'PS':
        return crypto.sign(hash, input, {
            key, padding: PSS, saltLength: Number(alg.slice(2, 5)) / 8
        });

    case 'ES':
        return crypto.sign(hash, input, { key, dsaEncoding: 'ieee-p1363' });

    default:
        return crypto.sign(null, input, key);
    }
}


function base64url(data) {
    return Buffer.from(data).toString('base64url');
}


/* objects become JSON, strings and Buffers are taken as they are */
function bytes(data) {
    return typeof data === 'string' || Buffer.isBuffer(data)
           ? Buffer.from(data) : Buffer.from(JSON.stringify(data));
}


/* a token of parts that are base64url already, signed as they stand */
function seal(header, payload, alg = 'HS256', key = SECRET) {
    const input = Buffer.from(`${header}.${payload}`);

    return `${header}.${payload}.${base64url(signature(alg, key, input))}`;
}


/* a token of any header and any payload, whatever they say */
function raw(header, payload, alg, key) {
    return seal(base64url(bytes(header)), base64url(bytes(payload)), alg, key);
}


const ALGS = {
    rsa: 'RS256', rsa2: 'RS256', ec256: 'ES256', ec256b: 'ES256',
    ec384: 'ES384', ed25519: 'EdDSA', ed25519b: 'EdDSA'
};

/*
 * A token for "claims", which is valid for an hour unless claims.exp is set;
 * with null there it never expires.  Options: secret, key (a name of "keys"),
 * alg, kid, header (more members).
 */
function sign(claims, { secret = SECRET, key, alg, kid, header } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iat: now, exp: now + HOUR, ...claims };
    const algorithm = alg || ALGS[key] || 'HS256';

    if (payload.exp === null) {
        delete payload.exp;
    }

    const more = kid === undefined ? { ...header } : { kid, ...header };
    const with_ = key ? keys[key].private : secret;

    if (algorithm === 'EdDSA') {
        return raw({ alg: algorithm, typ: 'JWT', ...more }, payload, algorithm,
                   with_);
    }

    return jsonwebtoken.sign(payload, with_, { algorithm, header: more });
}


/* "token" without its end, at every byte */
function truncated(token) {
    return Array.from(token, (_, i) => token.slice(0, i));
}


/* why a token is refused, as the server says it */
const WHY = {
    empty: 'The token is empty',
    long: 'The token is too long',
    parts: 'The token does not have three parts',
    header: 'The token\'s header is malformed',
    type: 'The token\'s type is not JWT',
    crit: 'The token has an extension that is not supported',
    alg: 'The token\'s algorithm is not accepted',
    sig: 'The token\'s signature is not valid',
    payload: 'The token\'s payload is malformed',
    expired: 'The token has expired',
    early: 'The token is not valid yet',
    future: 'The token\'s iat claim is in the future',
    exp: 'The token\'s exp claim is not a number',
    nbf: 'The token\'s nbf claim is not a number',
    iat: 'The token\'s iat claim is not a number',
    iss: 'The token\'s iss claim is not accepted',
    aud: 'The token\'s aud claim is not accepted',
    nobody: 'The token has no userId or sub claim',
    user: 'The token\'s userId claim is not a string of 1 to 255 bytes',
    sub: 'The token\'s sub claim is not a string of 1 to 255 bytes',
    userChars: 'The token\'s userId claim has characters that are not allowed',
    subChars: 'The token\'s sub claim has characters that are not allowed',
    rooms: 'The token\'s rooms claim is not an array of room names',
    manyRooms: 'The token\'s rooms claim has too many rooms',
    permissions: 'The token\'s permissions claim is not an array of strings'
};


/* the last character with bits set that stand for nothing */
function trailing(part) {
    const abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
                + '0123456789-_';

    return part.slice(0, -1) + abc[abc.indexOf(part[part.length - 1]) | 1];
}


/* JSON whose base64url leaves "left" characters over */
function ragged(object, left) {
    let text = JSON.stringify(object);

    while (base64url(text).length % 4 !== left) {
        text += ' ';
    }

    return base64url(text);
}


/*
 * Tokens that must be refused, of several kinds; each is a function of the
 * same options that answers [name, token, why] triples.
 */

function unsigned({ good, secret }) {
    const named = [
        'none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', '', 'null',
        'n\u043ene', 'NoNe', 'undefined', 'false'
    ].map((alg) => {
        const head = base64url(bytes({ alg, typ: 'JWT' }));

        return [`alg ${JSON.stringify(alg)}`,
                `${head}.${base64url(bytes(good))}.`, WHY.alg];
    });

    const payload = base64url(bytes(good));
    const head = base64url('{"alg":"none"}');
    const hs = base64url('{"alg":"HS256"}');

    return [
        ...named,
        ['alg none written with an escape',
         `${base64url('{"alg":"n\\u006fne"}')}.${payload}.`, WHY.alg],
        ['alg none, two parts', `${head}.${payload}`, WHY.parts],
        ['alg none, signed after all',
         seal(head, payload, 'HS256', secret), WHY.alg],
        ['alg none, some signature', `${head}.${payload}.AAAA`, WHY.alg],
        ['HS256, no signature', `${hs}.${payload}.`, WHY.sig],
        ['HS256, two parts', `${hs}.${payload}`, WHY.parts],
        ['HS256, a signature of zeros',
         `${hs}.${payload}.${base64url(Buffer.alloc(32))}`, WHY.sig],
        ['HS256, a shorter signature',
         `${raw({ alg: 'HS256' }, good, 'HS256', secret).slice(0, -4)}`,
         WHY.sig]
    ];
}


function algorithms({ good, secret }) {
    const wrong = [
        'hs256', 'HS256 ', ' HS256', 'HS256\0', 'HS1', 'HS128', 'HS257', 'HS',
        'HMAC', 'sha256', 'RS1', 'ES256K', 'dir', 'A128KW', 'RSA-OAEP', '*',
        'HS256,RS256'
    ].map((alg) => {
        return [`alg ${JSON.stringify(alg)}`,
                raw({ alg }, good, 'HS256', secret), WHY.alg];
    });

    const untyped = [null, 256, true, ['HS256'], { alg: 'HS256' }]
        .map((alg) => {
            return [`alg ${JSON.stringify(alg)}`,
                    raw({ alg }, good, 'HS256', secret), WHY.header];
        });

    return [
        ...wrong,
        ...untyped,
        ['no alg', raw({ typ: 'JWT' }, good, 'HS256', secret), WHY.header],
        ['an empty header', raw({}, good, 'HS256', secret), WHY.header],
        ['HS384 signed with HS256',
         raw({ alg: 'HS384' }, good, 'HS256', secret), WHY.sig],
        ['HS256 signed with HS512',
         raw({ alg: 'HS256' }, good, 'HS512', secret), WHY.sig],
        ['RS256 signed with the secret',
         raw({ alg: 'RS256' }, good, 'HS256', secret), WHY.sig],
        ['EdDSA signed with the secret',
         raw({ alg: 'EdDSA' }, good, 'HS512', secret), WHY.sig],
        ['ES512, for which there is no key',
         raw({ alg: 'ES512' }, good, 'ES512', keys.ec521.private), WHY.alg]
    ];
}


/* what an attacker knows, used as the shared secret */
function confusion({ good, secret, rsaPublicPem }) {
    const head = { alg: 'HS256', typ: 'JWT' };
    const rsa = crypto.createPublicKey(rsaPublicPem);
    const jwk = rsa.export({ format: 'jwk' });

    const guesses = {
        'the RSA key\'s PEM': rsaPublicPem,
        'the RSA key\'s PEM without its last newline': rsaPublicPem.trimEnd(),
        'the RSA key\'s PEM with CRLF': rsaPublicPem.replace(/\n/g, '\r\n'),
        'the RSA key\'s PEM in one line': rsaPublicPem.replace(/\n/g, ''),
        'the RSA key\'s PKCS#1 PEM': rsa.export({ type: 'pkcs1',
                                                 format: 'pem' }),
        'the RSA key\'s DER': rsa.export({ type: 'spki', format: 'der' }),
        'the RSA key\'s PKCS#1 DER': rsa.export({ type: 'pkcs1',
                                                 format: 'der' }),
        'the RSA key\'s modulus': Buffer.from(jwk.n, 'base64url'),
        'the RSA key\'s JWK': JSON.stringify(jwk),
        'the P-256 key\'s PEM': pem('ec256'),
        'the P-256 key\'s DER': keys.ec256.public.export({ type: 'spki',
                                                          format: 'der' }),
        'the Ed25519 key': Buffer.from(
            keys.ed25519.public.export({ format: 'jwk' }).x, 'base64url'),
        'nothing': '',
        'a zero byte': '\0',
        'a guess': 'secret',
        'the secret and a newline': `${secret}\n`,
        'the secret in upper case': secret.toUpperCase(),
        'the secret in base64': Buffer.from(secret).toString('base64')
    };

    const tokens = Object.entries(guesses).map(([name, key]) => {
        return [`HS256 with ${name}`, raw(head, good, 'HS256', key), WHY.sig];
    });

    tokens.push(['HS512 with the RSA key\'s PEM',
                 raw({ alg: 'HS512' }, good, 'HS512', rsaPublicPem), WHY.sig]);

    return tokens;
}


function shapes({ good, secret, token }) {
    const [head, payload, sig] = token.split('.');
    const jwe = `${base64url('{"alg":"dir","enc":"A256GCM"}')}..AAAA.AAAA.AAAA`;

    return [
        ['nothing', '', WHY.empty],
        ['one dot', '.', WHY.parts],
        ['two dots', '..', WHY.header],
        ['three dots', '...', WHY.parts],
        ['a word', 'token', WHY.parts],
        ['undefined', 'undefined', WHY.parts],
        ['the object of a string', '[object Object]', WHY.parts],
        ['one part', head, WHY.parts],
        ['two parts', `${head}.${payload}`, WHY.parts],
        ['four parts', `${token}.${sig}`, WHY.parts],
        ['a dot at the end', `${token}.`, WHY.parts],
        ['a dot in front', `.${token}`, WHY.parts],
        ['no header', `.${payload}.${sig}`, WHY.header],
        ['no payload', `${head}..${sig}`, WHY.sig],
        ['no payload, signed', seal(head, '', 'HS256', secret), WHY.payload],
        ['an encrypted token', jwe, WHY.parts],
        ['a blank in front', ` ${token}`, WHY.header],
        ['a blank behind', `${token} `, WHY.sig],
        ['a newline behind', `${token}\n`, WHY.sig],
        ['a zero byte behind', `${token}\0`, WHY.sig],
        ['with Bearer', `Bearer ${token}`, WHY.header],
        ['in quotes', `"${token}"`, WHY.header],
        ['percent-encoded', token.replace(/\./g, '%2E'), WHY.parts],
        ['in JSON', JSON.stringify({ protected: head, payload,
                                     signature: sig }), WHY.parts],
        ['the payload of another',
         `${head}.${base64url(bytes({ ...good, userId: 'root' }))}.${sig}`,
         WHY.sig],
        ['cut in the middle', token.slice(0, token.length / 2), WHY.parts],
        ['a byte short', token.slice(0, -1), WHY.sig],
        ['a byte more', `${token}A`, WHY.sig],
        ['100 kB', 'A'.repeat(100 * 1024), WHY.long],
        ['100 kB of dots', '.'.repeat(100 * 1024), WHY.long],
        ['100 kB, signed', raw({ alg: 'HS256' },
                               { ...good, pad: 'x'.repeat(75 * 1024) },
                               'HS256', secret), WHY.long],
        ['a byte over the limit', token.padEnd(LONGEST + 1, 'A'), WHY.long],
        ['at the limit', token.padEnd(LONGEST, 'A'), WHY.sig]
    ];
}


/* the signature is right, only the encoding is not */
function base64({ good, secret }) {
    const header = { alg: 'HS256' };
    const claims = { ...good, note: '\u00bf\u00bf\u00bf\u00ff\u00fe>>>???' };
    const head = base64url(bytes(header));
    const payload = base64url(bytes(good));
    const plus = bytes(claims).toString('base64').replace(/=+$/, '');

    function sealed(h, p) {
        return seal(h, p, 'HS256', secret);
    }

    const sig = sealed(head, payload).split('.')[2];

    const tokens = [
        ['the standard alphabet in the payload', sealed(head, plus),
         WHY.payload],
        ['padding of the header', sealed(`${ragged(header, 2)}==`, payload),
         WHY.header],
        ['padding of the payload', sealed(head, `${ragged(good, 3)}=`),
         WHY.payload],
        ['padding of the signature', `${head}.${payload}.${sig}=`, WHY.sig],
        ['trailing bits of the header',
         sealed(trailing(ragged(header, 2)), payload), WHY.header],
        ['trailing bits of the payload',
         sealed(head, trailing(ragged(good, 3))), WHY.payload],
        ['trailing bits of the signature',
         `${head}.${payload}.${trailing(sig)}`, WHY.sig],
        ['a character over in the header',
         sealed(`${ragged(header, 0)}A`, payload), WHY.header],
        ['a character over in the payload',
         sealed(head, `${ragged(good, 0)}A`), WHY.payload]
    ];

    for (const [name, ch] of [['a blank', ' '], ['a newline', '\n'],
                              ['a tab', '\t'], ['a zero byte', '\0'],
                              ['a percent sign', '%'], ['a comma', ','],
                              ['a foreign letter', '\u00e9']]) {
        tokens.push([`${name} in the header`, sealed(
            `${head.slice(0, 4)}${ch}${head.slice(4)}`, payload), WHY.header]);
        tokens.push([`${name} in the payload`, sealed(
            head, `${payload.slice(0, 4)}${ch}${payload.slice(4)}`),
            WHY.payload]);
    }

    return tokens;
}


function members(n, first) {
    const more = Array.from({ length: n }, (_, i) => `"m${i}":${i}`);

    return `{${[first, ...more].join(',')}}`;
}


function nested(depth, first) {
    return `{${first},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
}


function headers({ good, secret }) {
    const alg = '"alg":"HS256"';

    const texts = {
        'the header is an array': '["HS256"]',
        'the header is a string': '"HS256"',
        'the header is a number': '256',
        'the header is null': 'null',
        'the header is blank': '   ',
        'the header has a BOM': `\ufeff{${alg}}`,
        'the header is not UTF-8': Buffer.from(`{${alg},"x":"\xff"}`, 'latin1'),
        'the header has a surrogate as UTF-8':
            Buffer.from(`{${alg},"x":"\xed\xa0\x80"}`, 'latin1'),
        'the header has something behind it': `{${alg}}}`,
        'the header has a zero byte behind it': `{${alg}}\0`,
        'the header is two objects': `{${alg}}{${alg}}`,
        'the header has a comma too many': `{${alg},}`,
        'the header has a comment': `{${alg}/**/}`,
        'the header has apostrophes': '{\'alg\':\'HS256\'}',
        'the header has a bare newline in a string':
            `{${alg},"x":"\n"}`,
        'alg twice': '{"alg":"HS256","alg":"none"}',
        'alg twice, the other way': '{"alg":"none","alg":"HS256"}',
        'alg twice, the same': `{${alg},${alg}}`,
        'alg twice, once with an escape': `{${alg},"\\u0061lg":"none"}`,
        'alg twice, all of it in escapes':
            `{"\\u0061\\u006C\\u0067":"none",${alg}}`,
        'typ twice': `{${alg},"typ":"JWT","typ":"JWT"}`,
        'kid twice': `{${alg},"kid":"a","k\\u0069d":"b"}`,
        'a stranger twice': `{${alg},"x":1,"y":2,"x":3}`,
        'the header is nested too deep': nested(DEPTH, alg),
        'the header is nested 5000 deep': nested(5000, alg),
        'the header has too many members': members(MEMBERS, alg),
        'the header is alg in an object': `{"header":{${alg}}}`,
        'kid is a number': `{${alg},"kid":1}`,
        'kid is null': `{${alg},"kid":null}`,
        'kid is an object': `{${alg},"kid":{"toString":"x"}}`,
        'kid is an array': `{${alg},"kid":["a"]}`,
        'typ is a number': `{${alg},"typ":1}`,
        'typ is null': `{${alg},"typ":null}`
    };

    const tokens = Object.entries(texts).map(([name, text]) => {
        return [name, raw(text, good, 'HS256', secret), WHY.header];
    });

    for (const typ of ['JWE', 'JOSE', 'JWTS', 'text/jwt', 'application/', '',
                       'jwt ', 'JWT\0', 'JWT\0x', 'dpop+jwt', 'logout+jwt']) {
        tokens.push([`typ ${JSON.stringify(typ)}`, raw({ alg: 'HS256', typ },
            good, 'HS256', secret), WHY.type]);
    }

    for (const crit of [[], ['exp'], ['b64'], ['alg'], ['x'], [''], null, {},
                        'exp', 0, false]) {
        tokens.push([`crit ${JSON.stringify(crit)}`, raw(
            { alg: 'HS256', crit, x: 1 }, good, 'HS256', secret), WHY.crit]);
    }

    return tokens;
}


/* headers that bring a key along, or name one */
function ownKeys({ good, secret }) {
    const { privateKey: key, publicKey: pub }
        = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = pub.export({ format: 'jwk' });
    const der = pub.export({ type: 'spki', format: 'der' }).toString('base64');
    const oct = { kty: 'oct', k: base64url('my own') };
    const unencoded = { alg: 'HS256', b64: false, crit: ['b64'] };
    const head = base64url(bytes(unencoded));
    const text = JSON.stringify({ ...good, iss: 'a', aud: 'b' });

    function es(more) {
        return raw({ alg: 'ES256', ...more }, good, 'ES256', key);
    }

    function hs(more, own) {
        return raw({ alg: 'HS256', ...more }, good, 'HS256', own);
    }

    return [
        ['jwk in the header', es({ jwk }), WHY.sig],
        ['jwk in the header, symmetric', hs({ jwk: oct }, 'my own'), WHY.sig],
        ['jku in the header', es({ jku: 'http://127.0.0.1:1/keys' }), WHY.sig],
        ['jku of a file', es({ jku: 'file:///etc/passwd' }), WHY.sig],
        ['x5u in the header', es({ x5u: 'http://127.0.0.1:1/a' }), WHY.sig],
        ['x5c in the header', es({ x5c: [der] }), WHY.sig],
        ['kid is a path', hs({ kid: '../../../../dev/null' }, ''), WHY.sig],
        ['kid is a path with a zero byte',
         hs({ kid: '/dev/null\0.pem' }, ''), WHY.sig],
        ['kid is SQL', hs({ kid: '\' UNION SELECT \'x' }, 'x'), WHY.sig],
        ['kid is a command', hs({ kid: '|id' }, '|id'), WHY.sig],
        ['kid is long', hs({ kid: 'k'.repeat(2000) }, ''), WHY.sig],
        ['kid is the key', hs({ kid: 'x' }, 'x'), WHY.sig],
        ['b64 false', raw(unencoded, good, 'HS256', secret), WHY.crit],
        ['b64 false, the payload as it is', seal(head, text, 'HS256', secret),
         text.includes('.') ? WHY.parts : WHY.crit],
        ['b64 false without crit',
         raw({ alg: 'HS256', b64: false }, good, 'HS256', secret), WHY.crit],
        ['b64 true', raw({ alg: 'HS256', b64: true }, good, 'HS256', secret),
         WHY.crit]
    ];
}


function ecdsa({ good }) {
    const head = base64url('{"alg":"ES256"}');
    const payload = base64url(bytes(good));
    const input = Buffer.from(`${head}.${payload}`);
    const key = keys.ec256.private;
    const sig = signature('ES256', key, input);
    const der = crypto.sign('sha256', input, key);
    const order = Buffer.from('ffffffff00000000ffffffffffffffff'
                              + 'bce6faada7179e84f3b9cac2fc632551', 'hex');
    const zero = Buffer.alloc(32);
    const [r, s] = [sig.subarray(0, 32), sig.subarray(32)];

    const signatures = {
        'ES256 in DER': der,
        'ES256, a byte short': sig.subarray(0, 63),
        'ES256, a byte more': Buffer.concat([sig, Buffer.alloc(1)]),
        'ES256, r only': r,
        'ES256, nothing': Buffer.alloc(0),
        'ES256 with zeros in front of r and s': Buffer.concat(
            [Buffer.alloc(16), r, Buffer.alloc(16), s]),
        'ES256, r and s are zero': Buffer.alloc(64),
        'ES256, r is zero': Buffer.concat([zero, s]),
        'ES256, s is zero': Buffer.concat([r, zero]),
        'ES256, r and s are the order': Buffer.concat([order, order]),
        'ES256, all ones': Buffer.alloc(64, 0xff),
        'ES256, s and r': Buffer.concat([s, r]),
        'ES256 of another key': signature('ES256', keys.ec256b.private, input),
        'ES256 of a P-384 key': signature('ES256', keys.ec384.private, input),
        'ES256 of a secp256k1 key': signature('ES256', keys.k256.private, input)
    };

    return [
        ...Object.entries(signatures).map(([name, value]) => {
            return [name, `${head}.${payload}.${base64url(value)}`, WHY.sig];
        }),
        ['ES384 of a P-256 key',
         raw({ alg: 'ES384' }, good, 'ES384', key), WHY.sig],
        ['ES256 of a P-384 key with SHA-384',
         raw({ alg: 'ES256' }, good, 'ES384', keys.ec384.private), WHY.sig],
        ['ES256 said to be ES384',
         raw({ alg: 'ES384' }, good, 'ES256', key), WHY.sig],
        ['ES256 said to be RS256',
         raw({ alg: 'RS256' }, good, 'ES256', key), WHY.sig],
        ['ES256 said to be EdDSA',
         raw({ alg: 'EdDSA' }, good, 'ES256', key), WHY.sig]
    ];
}


/* Ed25519: a signature whose s is larger by the order of the group */
function malleable(sig) {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const s = Buffer.from(sig.subarray(32)).reverse().toString('hex');
    const more = (BigInt(`0x${s}`) + order).toString(16).padStart(64, '0');

    return Buffer.concat([sig.subarray(0, 32),
                          Buffer.from(more, 'hex').reverse()]);
}


function asymmetric({ good }) {
    const rsa = keys.rsa.private;
    const rs = base64url('{"alg":"RS256"}');
    const ps = base64url('{"alg":"PS256"}');
    const ed = base64url('{"alg":"EdDSA"}');
    const payload = base64url(bytes(good));
    const input = Buffer.from(`${rs}.${payload}`);
    const sig = signature('RS256', rsa, input);
    const edSig = signature('EdDSA', keys.ed25519.private,
                            Buffer.from(`${ed}.${payload}`));

    function pss(saltLength) {
        return crypto.sign('sha256', Buffer.from(`${ps}.${payload}`),
                           { key: rsa, padding: PSS, saltLength });
    }

    const signatures = {
        'RS256 with SHA-1': [rs, crypto.sign('sha1', input, rsa)],
        'RS256 with SHA-512': [rs, crypto.sign('sha512', input, rsa)],
        'RS256 of another key': [rs, signature('RS256', keys.rsa2.private,
                                               input)],
        'RS256, a byte short': [rs, sig.subarray(1)],
        'RS256, a zero in front': [rs, Buffer.concat([Buffer.alloc(1), sig])],
        'RS256, zeros': [rs, Buffer.alloc(256)],
        'RS256, ones': [rs, Buffer.alloc(256, 0xff)],
        'RS256, 4 kB': [rs, Buffer.alloc(4096, 1)],
        'PS256, no salt': [ps, pss(0)],
        'PS256, salt too short': [ps, pss(31)],
        'PS256, longest salt': [ps, pss(222)],
        'EdDSA, a multiple added': [ed, malleable(edSig)],
        'EdDSA, a byte short': [ed, edSig.subarray(0, 63)],
        'EdDSA, zeros': [ed, Buffer.alloc(64)]
    };

    return [
        ...Object.entries(signatures).map(([name, [head, value]]) => {
            return [name, `${head}.${payload}.${base64url(value)}`, WHY.sig];
        }),
        ['PS256 said to be RS256',
         raw({ alg: 'RS256' }, good, 'PS256', rsa), WHY.sig],
        ['RS256 said to be PS256',
         raw({ alg: 'PS256' }, good, 'RS256', rsa), WHY.sig],
        ['RS256 said to be RS384',
         raw({ alg: 'RS384' }, good, 'RS256', rsa), WHY.sig],
        ['RS256 said to be HS256',
         raw({ alg: 'HS256' }, good, 'RS256', rsa), WHY.sig],
        ['EdDSA of another key',
         raw({ alg: 'EdDSA' }, good, 'EdDSA', keys.ed25519b.private), WHY.sig],
        ['EdDSA of an Ed448 key',
         raw({ alg: 'EdDSA' }, good, 'EdDSA', keys.ed448.private), WHY.sig]
    ];
}


function payloads({ good, secret }) {
    const text = JSON.stringify(good);
    const inner = text.slice(1, -1);

    const texts = {
        'the payload is an array': `[${text}]`,
        'the payload is a string': JSON.stringify(text),
        'the payload is a number': '1',
        'the payload is null': 'null',
        'the payload is true': 'true',
        'the payload is text': 'alice',
        'the payload is blank': ' \n ',
        'the payload is not UTF-8': Buffer.from(`{${inner},"x":"\xc3("}`,
                                                'latin1'),
        'the payload has an overlong slash':
            Buffer.from(`{${inner},"x":"\xc0\xaf"}`, 'latin1'),
        'the payload has a BOM': `\ufeff${text}`,
        'the payload has something behind it': `${text},`,
        'the payload has a zero byte behind it': `${text}\0`,
        'the payload lacks its end': text.slice(0, -1),
        'the payload has NaN': `{${inner},"x":NaN}`,
        'the payload has Infinity': `{${inner},"x":Infinity}`,
        'exp is hexadecimal': `{"userId":"a","exp":0xffffffffff}`,
        'exp has a plus': `{"userId":"a","exp":+99999999999}`,
        'exp has a zero in front': `{"userId":"a","exp":099999999999}`,
        'exp begins with its point': `{"userId":"a","exp":.5e20}`,
        'userId twice': `{${inner},"userId":"root"}`,
        'userId twice, the other way': `{"userId":"root",${inner}}`,
        'userId twice, once with an escape': `{${inner},"user\\u0049d":"root"}`,
        'exp twice': '{"userId":"a","exp":1,"exp":99999999999}',
        'exp twice, once with an escape':
            '{"userId":"a","exp":99999999999,"\\u0065xp":1}',
        'rooms twice': `{${inner},"rooms":["a"],"rooms":["b"]}`,
        'permissions twice':
            `{${inner},"permissions":["read"],"\\u0070ermissions":["write"]}`,
        'an empty name twice': `{${inner},"":1,"":2}`,
        'the payload is nested too deep': nested(DEPTH, inner),
        'the payload is nested 5000 deep': nested(5000, inner),
        'the payload has too many members': members(MEMBERS, inner)
    };

    return Object.entries(texts).map(([name, value]) => {
        return [name, raw({ alg: 'HS256' }, value, 'HS256', secret),
                WHY.payload];
    });
}


function users({ good, secret }) {
    const rest = { ...good };

    delete rest.userId;

    const tokens = [
        ['no user', raw({ alg: 'HS256' }, rest, 'HS256', secret), WHY.nobody],
        ['the user nested', raw({ alg: 'HS256' },
            { ...rest, user: { userId: 'a' } }, 'HS256', secret), WHY.nobody]
    ];

    const shapes_ = [null, 0, 42, 1.5, true, false, [], ['alice'], {},
                     { id: 'alice' }, '', 'x'.repeat(256), 'é'.repeat(128),
                     '😀'.repeat(64)];
    const chars = ['\0', 'alice\0', 'a\nb', 'a\rb', '\t', '\x1b[0m', 'a\x7f',
                   '\ud800', 'a\udfffb', '\u001f'];

    function name(value) {
        const text = JSON.stringify(value);

        return text.length < 20 ? text : `${text.slice(0, 3)}..., long`;
    }

    for (const claim of ['userId', 'sub']) {
        for (const value of [...shapes_, ...chars]) {
            const why = chars.includes(value)
                        ? (claim === 'sub' ? WHY.subChars : WHY.userChars)
                        : (claim === 'sub' ? WHY.sub : WHY.user);

            tokens.push([`${claim} ${name(value)}`, raw({ alg: 'HS256' },
                { ...rest, [claim]: value }, 'HS256', secret), why]);
        }
    }

    /* sub does not help out where userId is wrong */

    tokens.push(['userId null beside a sub', raw({ alg: 'HS256' },
        { ...rest, userId: null, sub: 'alice' }, 'HS256', secret), WHY.user]);

    return tokens;
}


function times({ good, secret, now }) {
    const rest = JSON.stringify({ ...good, exp: undefined }).slice(1, -1);

    function timed(claim, value) {
        return raw({ alg: 'HS256' }, `{${rest},"${claim}":${value}}`, 'HS256',
                   secret);
    }

    const tokens = [];

    for (const value of [now - 1, now, now - 1e6, 1, 0, '-0', -1, -99999999999,
                         '-1e400', '1e-400', `${now - 1}.999`, '0.5',
                         `${now}e-1`, '1.5e9']) {
        tokens.push([`exp ${value === now ? 'now' : value}`,
                     timed('exp', value), WHY.expired]);
    }

    for (const value of [now + 60, '1e400', '99999999999', '1E+30', '9e15',
                         '123456789012345678901234567890']) {
        tokens.push([`nbf ${value}`, timed('nbf', value), WHY.early]);
        tokens.push([`iat ${value}`, timed('iat', value), WHY.future]);
    }

    for (const claim of ['exp', 'nbf', 'iat']) {
        for (const value of [`"${now + 60}"`, '""', 'null', 'true', 'false',
                             '[]', `[${now + 60}]`, '{}',
                             '"2030-01-01T00:00:00Z"']) {
            tokens.push([`${claim} ${value}`, timed(claim, value),
                         WHY[claim]]);
        }
    }

    return tokens;
}


function grants({ good, secret }) {
    function claiming(claims) {
        return raw({ alg: 'HS256' }, { ...good, ...claims }, 'HS256', secret);
    }

    function name(value) {
        const text = JSON.stringify(value);

        return text.length < 30 ? text : `of ${text.length} bytes`;
    }

    const tokens = [
        {}, { general: true }, 'general', '', 1, null, true, [1], [null],
        [['general']], [{ name: 'general' }], ['general', 1], [''], ['General'],
        ['a b'], ['a/b'], ['a.b'], ['a*b'], ['**'], ['*a'], ['caf\u00e9'],
        ['a\0'], ['x'.repeat(256)], [`${'xy'.repeat(128)}*`]
    ].map((rooms) => {
        return [`rooms ${name(rooms)}`, claiming({ rooms }), WHY.rooms];
    });

    tokens.push(['1001 rooms', claiming({
        rooms: Array.from({ length: 1001 }, (_, i) => `r${i}`)
    }), WHY.manyRooms]);

    for (const permissions of [{}, { write: true }, 'write', 'read,write', 1,
                               null, true, [1], ['read', null], [['write']],
                               [{ write: true }]]) {
        tokens.push([`permissions ${name(permissions)}`,
                     claiming({ permissions }), WHY.permissions]);
    }

    return tokens;
}


/* where an issuer and an audience are asked for */
function parties({ good, secret, issuer, audience }) {
    function claiming(claims) {
        return raw({ alg: 'HS256' }, { ...good, ...claims }, 'HS256', secret);
    }

    const tokens = [];

    if (issuer !== undefined) {
        for (const iss of [undefined, null, '', 'somebody', `${issuer} `,
                           issuer.toUpperCase(), [issuer], { iss: issuer }, 1,
                           `${issuer}\0`, `${issuer}/`]) {
            tokens.push([`iss ${JSON.stringify(iss)}`, claiming({ iss }),
                         WHY.iss]);
        }
    }

    if (audience !== undefined) {
        for (const aud of [undefined, null, '', 'somebody', `${audience} `,
                           audience.toUpperCase(), [], ['somebody'], 1,
                           [audience, 1], [[audience]], { 0: audience },
                           `${audience}\0`]) {
            tokens.push([`aud ${JSON.stringify(aud)}`, claiming({ aud }),
                         WHY.aud]);
        }
    }

    return tokens;
}


/*
 * Tokens that a server must refuse which has "secret" and any of the public
 * keys rsa, ec256, ec384 and ed25519, none with a kid: [{ name, token, why }].
 * "why" is the reason given by one that has all of them.  With an issuer or an
 * audience every token has them, and there are some with wrong ones.
 */
function hostile(options = {}) {
    const now = options.now || Math.floor(Date.now() / 1000);
    const o = { secret: SECRET, rsaPublicPem: pem('rsa'), ...options, now };

    o.good = {
        userId: 'alice', exp: now + HOUR, iss: o.issuer, aud: o.audience
    };
    o.token = raw({ alg: 'HS256', typ: 'JWT' }, o.good, 'HS256', o.secret);

    return [unsigned, algorithms, confusion, shapes, base64, headers, ownKeys,
            ecdsa, asymmetric, payloads, users, times, grants, parties]
        .flatMap((kind) => kind(o))
        .map(([name, token, why]) => ({ name, token, why }));
}


module.exports = {
    SECRET, WHY, keys, file, pem, load, raw, seal, sign, truncated, hostile
};
