#!/usr/bin/env node
'use strict';

/*
 * What rt_clean() makes of a text, and what DOMPurify does: over t/vectors,
 * and over thousands of texts made of pieces of HTML.  Where they differ, one
 * of the rules below must say why, or the test fails.
 *
 *     SEED=n COUNT=n prove t/client/sanitize.t    other texts, or more
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const tap = require('../lib/tap');

const { is, ok, test } = tap;

const ROOT = path.resolve(__dirname, '../..');
const SOURCES = /^rt_clean.*\.c$/;

const CONFIG = {
    ALLOWED_TAGS: ['b', 'i', 'em', 'strong', 'a'],
    ALLOWED_ATTR: ['href']
};

const SEED = Number(process.env.SEED || 1);
const COUNT = Number(process.env.COUNT || 4000);
const SHOW = 5;

const FOREIGN = /<(?:svg|math)/i;
const FORMATTING = new RegExp('<(?:a|b|big|code|em|font|i|nobr|s|small|strike'
                              + '|strong|tt|u)\\b', 'gi');

/*
 * All that gumbo 0.10.1 does in another way than browsers, and rt_clean() does
 * not make up for.  What is written in these cases is safe all the same.
 */
const RULES = {

    /* an assertion of gumbo would end the process: the text is refused */
    'svg and select': (text, got) => got === null && FOREIGN.test(text)
        && /<select/i.test(text),

    /* these end tags leave SVG and MathML since 2020: text after them goes
       with the svg element, where DOMPurify has it stay */
    'end tag leaves svg': (text) => FOREIGN.test(text)
        && /<\/(?:p|br)[\s/>]/i.test(text),

    /* </br> is content, so that no frameset may follow: the text is gone */
    'frameset after /br': (text) => /<\/br/i.test(text)
        && /<frameset/i.test(text),

    /* U+0000 at the start of an attribute's name is dropped, not U+FFFD: the
       attribute stays, where its name means nothing to DOMPurify */
    'NUL begins attribute': (text) => /[\s/"']\0/.test(text),

    /* the attribute after one that is there twice, and the second time has no
       value, is lost */
    'attribute twice': (text) =>
        /[\s/"']([^\s>/=]+)(?=[\s/=])[^>]*[\s/"']\1[\s/]/i.test(text),

    /* a blank in an element that does not belong in its table: browsers take
       up open formatting elements for it */
    'blank in a table': (text) => /<table[^]*>[^<]*[\t\n\f\r ]/i.test(text),

    /* an end tag that moves more than three open formatting elements: parse5
       counts others that are between them too */
    'many elements moved': (text) => (text.match(FORMATTING) || []).length > 4,

    /* all names that gumbo does not know are one; rt_clean_names.c tells them
       apart where they have none but ordinary characters, and two dozen */
    'end tag with an odd name': (text) =>
        /<\/[a-z][^\s/>]*(?:[^a-z0-9_.:\s/>-]|--|-(?=[\s/>]))/i.test(text)
};

/* text of a table that stands in front of it: jsdom 26.1 puts it behind the
   table instead (insertTextBefore() of its adapter for parse5 appends) */
const TABLE = /<table/i;


/* as jsdom ought to be while "on" */
const jsdom = { on: false };


function repair() {
    const load = (name) => require(require.resolve(name, {
        paths: [require.resolve('jsdom')]
    }));

    const parse5 = load('parse5');
    const Text = require(path.join(path.dirname(require.resolve('jsdom')),
                                   'jsdom/living/generated/Text'));
    const { parse } = parse5;

    parse5.parse = (markup, options) => {
        const adapter = options && options.treeAdapter;

        if (adapter && jsdom.on) {
            adapter.insertTextBefore = (parent, data, reference) => {
                const { previousSibling } = reference;

                if (previousSibling && previousSibling.nodeType === 3) {
                    previousSibling.data += data;
                    return;
                }

                const ownerDocument = adapter._ownerDocument();
                const node = Text.createImpl(adapter._globalObject, [], {
                    data, ownerDocument
                });

                parent._insert(node, reference);
            };
        }

        return parse(markup, options);
    };
}


/* the program that cleans, in a directory of its own */
function build() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-clean-'));
    const program = path.join(dir, 'clean');
    const chat = path.join(ROOT, 'src/chat');

    tap.cleanup(() => fs.rmSync(dir, { recursive: true, force: true }));

    execFileSync(process.env.CC || 'cc', [
        '-std=gnu11', '-O1', '-I', path.join(ROOT, 'src'), '-o', program,
        path.join(__dirname, 'clean.c'),
        ...fs.readdirSync(chat).filter((name) => SOURCES.test(name))
             .map((name) => path.join(chat, name)),
        path.join(ROOT, 'src/base/rt_buf.c'), '-lgumbo'
    ], { stdio: ['ignore', 'inherit', 'inherit'] });

    return program;
}


/* what the program makes of the texts; null of one that it refuses */
function clean(program, texts) {
    const lines = texts.map((text) => Buffer.from(text).toString('hex') + '\n');
    const output = execFileSync(program, {
        input: lines.join(''), maxBuffer: 1 << 30
    });

    const outcomes = output.toString().split('\n').slice(0, -1);

    is(outcomes.length, texts.length, 'outcomes');

    return outcomes.map((line) => {
        ok(line !== 'error', 'no error');

        return line === 'declined' ? null
                                   : Buffer.from(line, 'hex').toString();
    });
}


/* the vectors: the outcome is written without blanks, "-" is nothing */
function vectors() {
    const decode = (text) => {
        const bytes = text.replace(/%([0-9A-F]{2})/g, (all, digits) =>
            String.fromCharCode(parseInt(digits, 16)));

        return Buffer.from(bytes, 'latin1').toString();
    };

    const lines = fs.readFileSync(path.join(ROOT, 't/vectors/clean.txt'))
                    .toString().split('\n');

    return lines.filter((line) => line && line[0] !== '#').map((line) => {
        const n = line.indexOf(' ');
        const expected = line.slice(0, n);

        return {
            text: decode(line.slice(n + 1)),
            expected: expected === '-' ? '' : decode(expected)
        };
    });
}


/* numbers that look random */
function generator(seed) {
    let state = (seed * 2654435761 >>> 0) || 1;

    return (n) => {
        state ^= state << 13;
        state >>>= 0;
        state ^= state >>> 17;
        state ^= state << 5;
        state >>>= 0;

        return state % n;
    };
}


const NAMES = [
    'a', 'abbr', 'address', 'annotation-xml', 'applet', 'area', 'article',
    'audio', 'b', 'bdo', 'blockquote', 'body', 'br', 'button', 'caption',
    'center', 'code', 'col', 'colgroup', 'custom-tag', 'dd', 'desc', 'details',
    'dialog', 'div', 'dl', 'dt', 'em', 'embed', 'fieldset', 'font',
    'foreignObject', 'form', 'frame', 'frameset', 'h1', 'h2', 'head', 'hr',
    'html', 'i', 'iframe', 'image', 'img', 'input', 'isindex', 'keygen',
    'label', 'li', 'link', 'listing', 'main', 'malignmark', 'marquee', 'math',
    'menu', 'menuitem', 'meta', 'mglyph', 'mi', 'mtext', 'nav', 'nobr',
    'noembed', 'noframes', 'noscript', 'object', 'ol', 'optgroup', 'option',
    'p', 'param', 'plaintext', 'pre', 'q', 'rb', 'rp', 'rt', 'rtc', 'ruby',
    's', 'script', 'search', 'select', 'selectedcontent', 'small', 'span',
    'strong', 'style', 'sub', 'summary', 'svg', 'table', 'tbody', 'td',
    'template', 'textarea', 'tfoot', 'th', 'thead', 'title', 'tr', 'u', 'ul',
    'unknown', 'video', 'wbr', 'x', 'xmp'
];

const LETTERS = [
    '<', '<', '<', '>', '>', '/', '=', '"', "'", ' ', '&', '#', ';', '!', '-',
    '?', '\0', '\t', '\n', '\r', '\f', 'a', 'b', 'i', 'A', 'href', 'is', 'x',
    'data-', 'aria-', '1', 'p', 'x3a', 'amp', 'lt', 'javascript', ':', '//',
    'http', '[CDATA[', ']', '--', '\u00e9', '\x01', '\u00a0', '\ufffe', '`',
    '\u{1f600}', '.', '%', '<a ', '<b ', '</a', '<!--', '-->', '&#', '&#x',
    'textarea', 'title', '<a href="', '" ', '\ufeff', '\u2028', '\u00d7',
    '<a data-', '<em ', '</b>', '<a href='
];

const EXTRA = [
    'x', 'y', ' ', '\n', '&amp;', '&lt;b', '<!--z-->', '<a href=z>', '<b id=1>',
    '<font color=1>', '<b/>', '</p x=1/>', '<!doctype html>', '<![CDATA[', ']]>',
    '<annotation-xml encoding=text/html>', '<input type=hidden>', '\0', '<svg/>'
];


/* elements open and closed in any order, few kinds of them in one text */
function soup(random) {
    const tag = () => {
        const name = NAMES[random(NAMES.length)];

        switch (random(5)) {
        case 0:
        case 1:
            return `<${name}>`;
        case 2:
        case 3:
            return `</${name}>`;
        default:
            return EXTRA[random(EXTRA.length)];
        }
    };

    const pieces = Array.from({ length: 3 + random(10) }, tag);

    pieces.push('x', '<b>', '</b>', 'y', '<i>', '<a href=z>');

    return Array.from({ length: 2 + random(20) },
                      () => pieces[random(pieces.length)]).join('');
}


/* what tags are made of, in any order */
function letters(random) {
    return '<' + Array.from({ length: 2 + random(25) },
                            () => LETTERS[random(LETTERS.length)]).join('');
}


/* an outcome must have nothing that DOMPurify would still take away */
function safe(purify, outcome, text) {
    purify.sanitize(outcome, CONFIG);

    /* the body is taken from around it, "is" is emptied again and again */
    const removed = purify.removed.filter(({ element, attribute }) =>
        !(element && element.nodeName === 'BODY')
        && !(attribute && attribute.name === 'is' && attribute.value === ''));

    is(removed.length, 0, `left to remove from ${JSON.stringify(text)}`);
}


function compare(purify, program, texts) {
    const outcomes = clean(program, texts);
    const counts = {};
    const unexplained = [];

    texts.forEach((text, i) => {
        const got = outcomes[i];

        jsdom.on = false;

        if (got) {
            safe(purify, got, text);
        }

        if (got === purify.sanitize(text, CONFIG)) {
            return;
        }

        let rule;

        if (TABLE.test(text)) {
            jsdom.on = true;

            if (got === purify.sanitize(text, CONFIG)) {
                rule = 'text of a table in jsdom';
            }
        }

        rule = rule || Object.keys(RULES).find((r) => RULES[r](text, got));

        if (!rule) {
            unexplained.push(text);
        }

        counts[rule] = (counts[rule] || 0) + 1;
    });

    jsdom.on = false;

    for (const [rule, n] of Object.entries(counts)) {
        tap.diag(`${n} of ${texts.length} differ: ${rule}`);

        /* a rule explains what is rare, or it explains everything */
        ok(n <= 1 + texts.length / 100, `number of: ${rule}`);
    }

    unexplained.sort((a, b) => a.length - b.length);

    for (const text of unexplained.slice(0, SHOW)) {
        tap.diag(`differs: ${JSON.stringify(text)}`);
        tap.diag(`DOMPurify: ${purify.sanitize(text, CONFIG)}`);
    }

    is(unexplained.length, 0, 'differences without a rule');

    return counts;
}


tap.run(async () => {
    tap.load('jsdom');
    repair();

    const purify = tap.load('isomorphic-dompurify');
    const program = build();

    await test('the vectors', () => {
        const list = vectors();

        ok(list.length >= 300, 'vectors');

        for (const { text, expected } of list) {
            is(purify.sanitize(text, CONFIG), expected,
               `DOMPurify: ${JSON.stringify(text)}`);
        }

        const counts = compare(purify, program, list.map((v) => v.text));

        is(Object.keys(counts).length, 0, 'differences');
    }, { timeout: 60000 });

    for (const [name, make] of Object.entries({ soup, letters })) {
        await test(`${COUNT} texts of ${name}, seed ${SEED}`, () => {
            const random = generator(SEED);

            compare(purify, program,
                    Array.from({ length: COUNT }, () => make(random)));
        }, { timeout: 600000 });
    }

    await test('each rule has its case', () => {
        const cases = {
            'svg and select': '<svg></svg><select></select><b>',
            'end tag leaves svg': '<svg></p>x',
            'frameset after /br': '</br><frameset>x',
            'NUL begins attribute': '<a \0href=x>',
            'attribute twice': '<a x x href=y>',
            'blank in a table': '<table><i><b><a></b> ',
            'many elements moved':
                '<a href=z><i><b><i><i><details><a href=z></b>',
            'end tag with an odd name': '<x!><b><y!></x!>z',
            'text of a table in jsdom': '<table>x<b>'
        };

        for (const [rule, text] of Object.entries(cases)) {
            is(Object.keys(compare(purify, program, [text])).join(), rule,
               JSON.stringify(text));
        }
    });

    await test('too much markup is refused', () => {
        const texts = ['<b>'.repeat(701), `<b${' x'.repeat(1000)}>`,
                       '<p>' + '<font size=1>'.repeat(3)
                       + Array.from({ length: 300 }, (x, i) => `<u i=${i}>`)
                         .join('') + '<p>x'.repeat(300)];

        for (const outcome of clean(program, texts)) {
            is(outcome, null, 'outcome');
        }
    });
});
