#!/usr/bin/env node
'use strict';

/*
 * The example chat in a browser: its page, served as examples/chat/nginx.conf
 * says, in headless Chromium.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const server = require('../lib/server');
const tap = require('../lib/tap');

const { is, isDeeply, like, ok, sleep, test, until } = tap;

const TOP = path.resolve(__dirname, '..', '..');
const CHAT = path.join(TOP, 'examples', 'chat');

/* nothing of it talks to anybody but our server */
const FLAGS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'
];


function findChromium() {
    const found = spawnSync('sh', ['-c', 'command -v chromium'], {
        encoding: 'utf8'
    });

    const file = found.stdout.trim() || '/usr/bin/chromium';

    if (!fs.existsSync(file)) {
        tap.missing('chromium is missing');
    }

    return file;
}


/*
 * What the example's configuration says, without what the configuration of
 * every test says already.
 */
function configuration() {
    const text = fs.readFileSync(path.join(CHAT, 'nginx.conf'), 'utf8')
                   .replaceAll('@TOP@', TOP);

    const [, http, page] =
        /^http \{\n(.*?)^ {4}server \{\n(.*)^ {4}\}\n\}/ms.exec(text);

    return {
        workers: 2, recovery: '3s',
        http: http.replace(/^ *(access_log|\w+_temp_path) .*\n/gm, ''),
        server: page.replace(/^ *listen .*\n/m, '')
    };
}


/* a browser whose files are its own, and gone with it */
async function startBrowser() {
    const { chromium } = tap.load('playwright-core');
    const executablePath = findChromium();
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'realtime-browser-'));
    const { TMPDIR } = process.env;

    tap.cleanup(() => fs.rmSync(dir, { recursive: true, force: true }));

    /* where the profile will be */
    process.env.TMPDIR = dir;

    const browser = await tap.within(20000, chromium.launch({
        executablePath, args: FLAGS, env: { ...process.env, HOME: dir }
    }), 'the browser\'s start');

    if (TMPDIR === undefined) {
        delete process.env.TMPDIR;
    } else {
        process.env.TMPDIR = TMPDIR;
    }

    tap.cleanup(() => browser.close());

    return browser;
}


/* what the console says when a connection is cut, perhaps half made */
const CUT = /net::ERR_FAILED|WebSocket is closed before/;


/*
 * A tab; "name" signs in.  "complaints" gets what its console says; "sockets"
 * and "polls" count what it opens; "cut" is set while its requests fail on
 * purpose, "hostile" while it parses what its policy complains about.
 */
async function openPage(context, url, complaints, name) {
    const page = await context.newPage();
    const complain = (line) => complaints.push(line);

    page.setDefaultTimeout(5000 * tap.scale);
    page.sockets = 0;
    page.polls = 0;
    page.cut = false;
    page.hostile = false;

    page.on('websocket', () => page.sockets++);
    page.on('pageerror', (e) => complain(e.stack));
    page.on('console', (line) => {
        if (/error|warning|assert/.test(line.type())
            && !(page.cut && CUT.test(line.text()))
            && !(page.hostile && /Content Security/.test(line.text())))
        {
            complain(`${line.type()}: ${line.text()}`);
        }
    });

    page.on('request', (req) => {
        page.polls += /[?&]transport=polling/.test(req.url());

        if (!req.url().startsWith(url)) {
            complain(`a request elsewhere: ${req.url()}`);
        }
    });

    await page.goto(`${url}/`);

    if (name) {
        await signIn(page, name);
    }

    return page;
}


const text = async (page, selector) =>
    (await page.textContent(selector)).trim();

const texts = (page, selector) =>
    page.$$eval(selector, (els) => els.map((el) => el.textContent.trim()));


/* waits until the texts of all that the selector names are those */
async function shows(page, selector, expected, ms = 5000) {
    let got;

    await until(ms, async () => {
        got = await texts(page, selector);
        return JSON.stringify(got) === JSON.stringify(expected);

    }, () => `"${selector}" shows ${JSON.stringify(expected)}, `
             + `but ${JSON.stringify(got)}`);
}


/* [name, status] of those in the list, the page's own user first */
function people(page) {
    return page.$$eval('#people li', (items) => items.map((item) => [
        item.querySelector('.person-name').textContent, item.dataset.status
    ]));
}


async function showsPeople(page, expected, ms = 5000) {
    let got;

    await until(ms, async () => {
        got = await people(page);
        return JSON.stringify(got) === JSON.stringify(expected);

    }, () => `${JSON.stringify(expected)} are here, not `
             + JSON.stringify(got));
}


/* custom status and the like below the names, the page's own user first */
const moods = (page) => texts(page, '#people .person-status');

/* lines of the page's own are no articles */
const LAST = '.log:not([hidden]) .msg:last-of-type .msg-text';

const SENT = '.log:not([hidden]) .msg.own:last-of-type[data-state=sent]';

const connected = (page) => shows(page, '#link-state', ['websocket'], 8000);

const messages = (page) => texts(page, '.log:not([hidden]) .msg-text');


async function say(page, line) {
    await page.fill('#text', line);
    await page.press('#text', 'Enter');
}


async function signIn(page, name) {
    await page.fill('#profile-name', name);
    await page.press('#profile-name', 'Enter');
    await shows(page, '#me-name-text', [name]);
}


/* as somebody else: the page begins anew */
async function change(page, name) {
    await page.click('#me-name');
    await Promise.all([
        page.waitForEvent('load'),
        page.fill('#profile-name', name)
            .then(() => page.press('#profile-name', 'Enter'))
    ]);
    await shows(page, '#me-name-text', [name]);
    await connected(page);
}


async function arriving(anna, ben) {
    await test('nothing before a name was given, then websocket', async () => {
        for (const [page, name] of [[anna, 'Anna'], [ben, 'Ben <b>Beck</b>']]) {
            ok(await page.isVisible('#profile'), 'a dialog');
            like(await text(page, '#profile'), /This is a demo/, 'it says so');
            like(await page.inputValue('#profile-name'), /^\w+ \w+$/, 'name');
            is(page.polls, 0, 'requests to the server');
            await page.keyboard.press('Escape');
            ok(await page.isVisible('#profile'), 'still the dialog');

            await signIn(page, name);
            await connected(page);
            ok(page.polls > 1, 'it polled before');
            is(page.sockets, 1, 'WebSockets');
            await until(5000, async () => {
                return /^\d+ ms$/.test(await text(page, '#link-latency'));
            }, 'a latency');
        }

        is(await anna.title(), '#general · Chat', 'title');
        isDeeply(await texts(anna, '.room-label'),
                 ['general', 'random', 'help'], 'rooms');
    });

    await test('who is here, and by which name', async () => {
        await showsPeople(anna, [['Anna you', 'online'],
                                 ['Ben <b>Beck</b>', 'online']]);
        await change(ben, 'Ben');
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
        is(await text(ben, '#room-about'), 'You and 1 other', 'how many');

        const notes = await texts(anna, '.log:not([hidden]) .note');

        ok(notes.includes('Ben <b>Beck</b> left'), 'said that one left');
        ok(notes.includes('Ben came in'), 'said that one came');
    });

    await test('a name is still there after a reload', async () => {
        await ben.reload();
        await shows(ben, '#me-name-text', ['Ben']);
        ok(!await ben.isVisible('#profile'), 'no dialog');
        await connected(ben);
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
    });
}


async function talking(anna, ben) {
    await test('messages in both, in one order, with names', async () => {
        const lines = ['one', 'two', '3 < 4 & 5', 'four\nand a half', '5'];

        for (const [i, line] of lines.entries()) {
            await say(i % 2 ? ben : anna, line);
            await shows(i % 2 ? anna : ben, '.log:not([hidden]) .msg-text',
                        lines.slice(0, i + 1));
        }

        isDeeply(await messages(anna), await messages(ben), 'messages');
        isDeeply(await texts(anna, '.log:not([hidden]) .msg-name'),
                 ['You', 'Ben', 'You', 'Ben', 'You'], 'what Anna sees');
        isDeeply(await texts(ben, '.log:not([hidden]) .msg-name'),
                 ['Anna', 'You', 'Anna', 'You', 'Anna'], 'what Ben sees');
        is(await anna.locator('.msg[data-state=sent]').count(), 5, 'sent');
        is(await anna.locator('.msg.own').count(), 3, 'own');
    });

    await test('both at once: the same order on both sides', async () => {
        const before = (await messages(anna)).length;

        for (let i = 0; i < 4; i++) {
            await Promise.all([say(anna, `a${i}`), say(ben, `b${i}`)]);
        }

        for (const page of [anna, ben]) {
            await until(5000, async () => {
                return await page.locator('.msg[data-state=sent]').count()
                       === before + 8;
            }, 'eight more messages');
        }

        isDeeply(await messages(anna), await messages(ben), 'messages');
    });

    await test('typing is shown, and gone', async () => {
        await anna.type('#text', 'hm');
        await shows(ben, '#typing', ['Anna is typing']);
        isDeeply(await moods(ben), ['Online', 'typing…'], 'in the list');
        is(await text(anna, '#typing'), '', 'not to herself');
        await anna.fill('#text', '');
        await shows(ben, '#typing', ['']);

        await anna.type('#text', 'well then');
        await shows(ben, '#typing', ['Anna is typing']);
        await anna.press('#text', 'Enter');
        await shows(ben, '#typing', ['']);

        await anna.type('#text', 'I forgot');
        await shows(ben, '#typing', ['Anna is typing']);
        await shows(ben, '#typing', [''], 6000);
        await anna.fill('#text', '');
    });
}


/* the last message, as nodes */
const last = (page) =>
    page.$eval(LAST, (el) => el.innerHTML);


async function markup(anna, ben) {
    await test('markup: what is allowed, and nothing else', async () => {
        await say(anna, '<b onclick="x()">bold</b>, <i>not</i> '
                        + '<a href="https://example.com/?a=1&b">there</a>'
                        + '<img src=x onerror="document.title = 1">'
                        + '<script>document.title = 2</script>');

        for (const page of [anna, ben]) {
            await shows(page, LAST, ['bold, not there']);
            is(await last(page), '<b>bold</b>, <i>not</i> '
               + '<a href="https://example.com/?a=1&amp;b" target="_blank" '
               + 'rel="noopener noreferrer">there</a>', 'markup');
            is(await page.title(), '#general · Chat', 'title');
        }

        await say(ben, '<script>document.title = 3</script>');

        for (const page of [anna, ben]) {
            await shows(page, LAST, ['Nothing was left of it']);
        }
    });

    await test('markup that a server should let through', async () => {
        anna.hostile = true;

        const html = await anna.evaluate(async () => {
            const { nodesOf } = await import('/markup.js');
            const el = document.createElement('div');

            el.append(nodesOf('<em id=a style="color: red">x</em>'
                + '<a href="javascript:alert(1)">y</a><a href=/z>z</a>'
                + '<svg><a href="//u"><script>1</script></a></svg>'
                + '<img src=x onerror=alert(1)>' + '<b>'.repeat(100)));

            return el.innerHTML;
        });

        like(html, new RegExp('^<em>x</em>y<a href="http://[^/"]+/z" '
            + 'target="_blank" rel="noopener noreferrer">z</a>1(<b>){1,20}'
            + '(</b>){1,20}$'), 'what the page makes of it');

        anna.hostile = false;
    });
}


async function presence(anna, ben) {
    const seen = (mood) => shows(ben, '#people .person-status',
                                 ['Online', mood]);

    await test('a status', async () => {
        for (const status of ['busy', 'away', 'online']) {
            await anna.selectOption('#me-status', status);
            await showsPeople(ben, [['Ben you', 'online'], ['Anna', status]]);
            await showsPeople(anna, [['Anna you', status], ['Ben', 'online']]);
        }
    });

    await test('a status in words, also for who comes later', async () => {
        await anna.click('#me-custom');
        await anna.fill('#custom-emoji', '☕');
        await anna.fill('#custom-text', 'back <i>soon</i>');
        await anna.press('#custom-text', 'Enter');
        await seen('☕ back <i>soon</i>');
        await shows(anna, '#me-custom', ['☕ back <i>soon</i>']);

        await anna.reload();
        await connected(anna);
        await shows(anna, '#me-custom', ['☕ back <i>soon</i>']);
        await seen('☕ back <i>soon</i>');

        await ben.reload();
        await connected(ben);
        await seen('☕ back <i>soon</i>');

        await anna.click('#me-custom');
        await anna.click('#custom-clear');
        await seen('Online');
        await shows(anna, '#me-custom', ['Say more…']);
    });

    await test('what comes while the tab is hidden is counted', async () => {
        const hide = (hidden) => anna.evaluate((value) => {
            Object.defineProperty(document, 'hidden', {
                value, configurable: true
            });
            document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);

        await hide(true);
        await say(ben, 'are you there?');
        await until(5000, async () => /^\(1\) /.test(await anna.title()),
                    'a title that counts');
        await hide(false);
        is(await anna.title(), '#general · Chat', 'title');
    });
}


async function refusing(anna, open) {
    const browser = anna.context().browser();

    await test('a token that is not the server\'s is refused', async () => {
        const context = await browser.newContext();

        await context.addInitScript(() => {
            const sign = crypto.subtle.sign.bind(crypto.subtle);

            crypto.subtle.sign = async (...args) => {
                const mac = new Uint8Array(await sign(...args));

                mac[0] ^= window.forge ? 1 : 0;

                return mac;
            };

            window.forge = true;
        });

        const eve = await open(context);

        /* perhaps in the middle of an upgrade */
        eve.cut = true;
        await signIn(eve, 'Eve');
        await shows(eve, '#link-state', ['Not signed in']);
        await shows(eve, '#banner-text', ['You could not be signed in. The '
                    + 'token\'s signature is not valid']);
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);

        await eve.evaluate(() => {
            window.forge = false;
        });
        await eve.click('#retry');
        await connected(eve);
        eve.cut = false;
        await eve.waitForSelector('#banner', { state: 'hidden' });
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online'],
                                 ['Eve', 'online']]);
        await context.close();
    });

    await test('said where the page cannot sign', async () => {
        const context = await browser.newContext();

        await context.addInitScript(() => {
            Object.defineProperty(crypto, 'subtle', { value: undefined });
        });

        const page = await open(context, 'Eve');

        await shows(page, '#link-state', ['Not signed in']);
        like(await text(page, '#banner-text'), /http:\/\/localhost only/,
             'what to do');
        is(page.polls, 0, 'requests to the server');
        await context.close();
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
    });
}


async function limits(ben) {
    await test('too many messages: said, and sent again later', async () => {
        /* faster than anybody types */
        await ben.evaluate(() => {
            for (let i = 1; i <= 12; i++) {
                document.getElementById('text').value = `line ${i}`;
                document.getElementById('composer').requestSubmit();
            }
        });

        await ben.waitForSelector('.msg[data-state=failed]');
        like(await text(ben, '#notice'),
             /^RATE_LIMIT_EXCEEDED: .* Try again in 1 s\./, 'notice');
        like(await text(ben, '.msg[data-state=failed] .fate'),
             /^Not sent: Too many messages.* There is room again in 1 s\./,
             'at the message');

        await sleep(1100);

        while (await ben.locator('.msg[data-state=failed]').count()) {
            await ben.click('.msg[data-state=failed] .fate button');
            await ben.waitForSelector('.msg[data-state=sending]',
                                      { state: 'detached' });
        }

        isDeeply((await messages(ben)).filter((line) => /^line/.test(line)),
                 Array.from({ length: 12 }, (x, i) => `line ${i + 1}`),
                 'all of them');
        await ben.click('#notice-close');
        ok(!await ben.isVisible('#notice'), 'the notice is gone');
    });
}


async function otherRooms(anna, ben) {
    await test('other rooms: unread, joined by name, left', async () => {
        await ben.click('[data-room=random]');
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
        await say(ben, 'elsewhere');
        await shows(anna, '[data-room=random] .badge', ['1']);
        await anna.keyboard.press('Alt+ArrowDown');
        await shows(anna, '#room-name', ['random']);
        isDeeply(await messages(anna), ['elsewhere'], 'messages');
        is(await anna.locator('#rooms .badge').count(), 0, 'unread');

        await anna.fill('#join-name', 'Tea & cake');
        await anna.press('#join-name', 'Enter');
        like(await text(anna, '#join-help'), /a to z/, 'what is wrong');

        for (const page of [anna, ben]) {
            await page.fill('#join-name', 'Tea Time');
            await page.press('#join-name', 'Enter');
            await shows(page, '#room-name', ['tea-time']);
        }

        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
        await ben.click('#leave');
        await shows(ben, '#room-name', ['help']);
        await showsPeople(anna, [['Anna you', 'online']]);

        for (const page of [anna, ben]) {
            await page.click('[data-room=general]');
            await showsPeople(page, [
                [page === anna ? 'Anna you' : 'Ben you', 'online'],
                [page === anna ? 'Ben' : 'Anna', 'online']
            ]);
        }
    });
}


async function leaving(anna, ben, open) {
    const both = [['Anna you', 'online'], ['Ben', 'online']];

    await test('a second window is the same user, counted once', async () => {
        const notes = () => texts(anna, '.log:not([hidden]) .note');
        const before = await notes();
        const second = await open(ben.context());

        await shows(second, '#me-name-text', ['Ben']);
        await connected(second);
        await showsPeople(second, [['Ben you', 'online'], ['Anna', 'online']]);
        await showsPeople(anna, both);

        /* what one window does the other shows */
        await second.selectOption('#me-status', 'busy');
        await showsPeople(ben, [['Ben you', 'busy'], ['Anna', 'online']]);
        is(await ben.inputValue('#me-status'), 'busy', 'selected');
        await ben.selectOption('#me-status', 'online');
        await showsPeople(second, [['Ben you', 'online'], ['Anna', 'online']]);

        await say(second, 'from the other window');

        for (const page of [anna, ben]) {
            await shows(page, LAST, ['from the other window']);
        }

        is(await ben.locator(SENT).count(), 1, 'own in both');

        await ben.type('#text', 'x');
        await shows(anna, '#typing', ['Ben is typing']);
        is(await text(second, '#typing'), '', 'not to himself');
        await ben.fill('#text', '');

        await second.close();
        await sleep(1500);
        await showsPeople(anna, both);
        isDeeply(await notes(), before, 'nobody came or left');
    });

    await test('or another one, who signs in there', async () => {
        const second = await open(ben.context());

        await connected(second);
        await change(second, 'Bea');
        await showsPeople(anna, [['Anna you', 'online'], ['Bea', 'online'],
                                 ['Ben', 'online']]);
        await second.close();
        await showsPeople(anna, both, 8000);
    });

    await test('who vanishes without a word is gone as well', async () => {
        const context = await anna.context().browser().newContext();

        await context.addInitScript(() => {
            localStorage.setItem('chat.name', 'Carl');

            window.addEventListener('pagehide', (e) => {
                e.stopImmediatePropagation();
            });
        });

        const carl = await open(context);

        await connected(carl);
        await showsPeople(anna, [...both, ['Carl', 'online']]);
        await showsPeople(carl, [['Carl you', 'online'], ['Anna', 'online'],
                                 ['Ben', 'online']]);
        await context.close();
        await showsPeople(anna, both, 8000);
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
    });
}


async function narrow(anna) {
    await test('on a phone: one column, the rest a tap away', async () => {
        const size = anna.viewportSize();

        await anna.setViewportSize({ width: 360, height: 640 });

        ok(await anna.evaluate(() => {
            return document.documentElement.scrollWidth <= window.innerWidth;
        }), 'nothing is wider than the screen');

        await anna.waitForSelector('#rooms', { state: 'hidden' });
        await anna.click('#show-rooms');
        await anna.click('[data-room=help]');
        await shows(anna, '#room-name', ['help']);
        await anna.waitForSelector('#rooms', { state: 'hidden' });
        await anna.click('#show-people');
        await anna.waitForSelector('#people', { state: 'visible' });
        await anna.keyboard.press('Escape');
        await anna.waitForSelector('#people', { state: 'hidden' });
        is(await anna.evaluate(() => document.activeElement.id),
           'show-people', 'where the focus is');

        await anna.setViewportSize(size);
        await anna.click('[data-room=general]');
    });
}


/* on the way, and in the room that is shown */
async function settled(page) {
    await connected(page);
    await page.waitForSelector('#people:not(.stale)');
}


async function surviving(anna, ben, target) {
    const after = async (page) =>
        (await messages(page)).filter((line) => /^(after|again) /.test(line));

    await test('killed workers: the pages go on', async () => {
        const sockets = [anna.sockets, ben.sockets];

        for (const [i, pid] of target.workerPids().entries()) {

            /* sent, or kept until there is a connection again */
            await target.killWorker(pid);
            await say(anna, `after ${i}`);

            /* whoever was there knows it by now */
            await sleep(500);
            await settled(anna);
            await settled(ben);
            await anna.waitForSelector(SENT);

            await say(ben, `again ${i}`);
            await shows(anna, LAST, [`again ${i}`]);
        }

        ok(anna.sockets > sockets[0] && ben.sockets > sockets[1],
           'both had to connect again');

        isDeeply(await after(anna),
                 ['after 0', 'again 0', 'after 1', 'again 1'], 'each once');

        /* Ben may have been away when Anna was there already */
        isDeeply((await after(ben)).filter((line) => /^again/.test(line)),
                 ['again 0', 'again 1'], 'Ben\'s own');

        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
        ok(!await anna.isVisible('#banner'), 'no banner is left');
    }, { timeout: 20000 });

    await test('no way to the server: said, and mended', async () => {
        anna.cut = ben.cut = true;
        await ben.route('**/socket.io/**', (route) => route.abort());

        for (const pid of target.workerPids()) {
            await target.killWorker(pid);
        }

        await shows(ben, '#link-state', ['Reconnecting']);
        await ben.waitForSelector('#banner', { state: 'visible' });
        await say(ben, 'written meanwhile');
        await ben.waitForSelector('.msg:last-of-type[data-state=waiting]');
        await settled(anna);
        await showsPeople(anna, [['Anna you', 'online']], 8000);

        await ben.unroute('**/socket.io/**');

        /* it may have found its way by itself meanwhile */
        await ben.dispatchEvent('#retry', 'click');
        await settled(ben);
        anna.cut = ben.cut = false;
        await shows(anna, LAST, ['written meanwhile']);
        await ben.waitForSelector(SENT);
        await ben.waitForSelector('#banner', { state: 'hidden' });
        await showsPeople(anna, [['Anna you', 'online'], ['Ben', 'online']]);
        await showsPeople(ben, [['Ben you', 'online'], ['Anna', 'online']]);
    }, { timeout: 20000 });
}


tap.run(async () => {
    if (!fs.existsSync(path.join(CHAT, 'node_modules', 'socket.io-client'))) {
        tap.missing('socket.io-client is missing: npm ci in examples/chat/');
    }

    const target = await server.start(configuration());
    const browser = await startBrowser();
    const complaints = [];
    const open = (context, name) => openPage(context, target.url, complaints,
                                             name);

    const anna = await open(await browser.newContext());
    const ben = await open(await browser.newContext());

    await arriving(anna, ben);
    await talking(anna, ben);
    await markup(anna, ben);
    await presence(anna, ben);
    await refusing(anna, open);
    await limits(ben);
    await otherRooms(anna, ben);
    await leaving(anna, ben, open);
    await narrow(anna);
    await surviving(anna, ben, target);

    await test('nothing on the consoles, no request elsewhere', async () => {
        isDeeply(complaints, [], 'complaints');
    });
});
