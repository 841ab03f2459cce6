/*
 * token.js: FOR THIS DEMO ONLY.  The page signs a token for itself, with a
 * secret that everybody can read here and in nginx.conf, so that anybody can be
 * anybody.
 *
 * In your own site the secret stays on your server, which makes the token
 * after it has checked who is there; see docs/authentication.md.
 */

const DEMO_SECRET = 'demo only: everybody can read the secret of this chat';

const LIFETIME = 3600;


/* base64url of text or bytes */
function encode(data) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data)
                                           : new Uint8Array(data);

    return btoa(String.fromCharCode(...bytes))
           .replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}


/* why there can be no token here, or '' */
export function whyNoToken() {
    return globalThis.crypto && crypto.subtle ? ''
        : 'This demo signs its token in the page, which browsers allow on '
          + 'https:// and http://localhost only.';
}


/* a JSON Web Token that says who we are, for an hour */
export async function demoToken(userId) {
    const claims = {
        userId, exp: Math.floor(Date.now() / 1000) + LIFETIME
    };

    const input = [{ alg: 'HS256', typ: 'JWT' }, claims]
                  .map((part) => encode(JSON.stringify(part))).join('.');

    const key = await crypto.subtle.importKey(
        'raw', new TextEncoder().encode(DEMO_SECRET),
        { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);

    const signature = await crypto.subtle.sign(
        'HMAC', key, new TextEncoder().encode(input));

    return `${input}.${encode(signature)}`;
}
