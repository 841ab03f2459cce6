/*
 * markup.js: what a message says, as nodes.
 *
 * The server lets b, i, em, strong and a with its href through, and nothing
 * else (realtime_sanitize).  This page does not take its word for it: the text
 * is parsed into a document where nothing runs and nothing is loaded, and what
 * is shown is built anew from what is named here.
 */

const TAGS = ['B', 'I', 'EM', 'STRONG'];
const LINKS = ['http:', 'https:', 'mailto:'];

/* markup nests no deeper than people write it */
const DEPTH = 20;


function copy(from, to, depth) {
    for (const node of from.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) {
            to.append(node.data);

        } else if (node.nodeType === Node.ELEMENT_NODE && depth < DEPTH) {
            copy(node, shell(node, to), depth + 1);
        }
    }

    return to;
}


/* where the children of an element go: its own copy, or where it stood */
function shell(node, to) {
    let el = null;

    if (TAGS.includes(node.tagName)) {
        el = document.createElement(node.tagName);

    } else if (node.tagName === 'A') {
        el = link(node.getAttribute('href') || '');
    }

    if (!el) {
        return to;
    }

    to.append(el);

    return el;
}


function link(href) {
    try {
        const url = new URL(href, location.href);

        if (!LINKS.includes(url.protocol)) {
            return null;
        }

        return Object.assign(document.createElement('a'), {
            href: url.href, target: '_blank', rel: 'noopener noreferrer'
        });

    } catch (e) {
        return null;
    }
}


export function nodesOf(content) {
    const { body } = new DOMParser().parseFromString(content, 'text/html');

    return copy(body, document.createDocumentFragment(), 0);
}
