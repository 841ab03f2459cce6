'use strict';

/*
 * tap.js: test results in TAP.
 *
 * A test is one assertion of the output, however many checks it makes: a check
 * that fails throws.  Whatever happens (an exception nobody awaited, a promise
 * that never settles, an event loop with nothing left to do) ends in a "not
 * ok" and a plan, never in a hang or in silence.
 */

const fs = require('node:fs');
const { AsyncLocalStorage } = require('node:async_hooks');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const util = require('node:util');

/*
 * Sanitizers are slow, and so is a crowd: what waits for something to happen
 * waits longer
 */
const scale = Number(process.env.REALTIME_PATIENCE)
              || (process.env.REALTIME_PRELOAD ? 4 : 1);

const context = new AsyncLocalStorage();
const fileCleanups = [];

/* a test that was kept waiting for longer proves nothing about time, in ms */
const LAG = 30;
const TRIES = 4;

const loop = monitorEventLoopDelay({ resolution: 5 });

const lags = [];

let clocked = false;
let count = 0;
let failed = 0;
let running = false;
let finished = false;


/* whoever read this reads no more: nothing is left to be told */
process.stdout.on('error', () => process.exit(1));


class Failure extends Error {
}


/* a failure is told where prove shows it */
function diag(text, stream = process.stdout) {
    for (const line of String(text).split('\n')) {
        stream.write(`# ${line}\n`);
    }
}


function note(passed, name, error) {
    count++;

    if (!passed) {
        failed++;
    }

    const label = name.replace(/#/g, '\\#').replace(/[^\x20-\x7e]/g, '?');

    process.stdout.write(`${passed ? 'ok' : 'not ok'} ${count} - ${label}\n`);

    if (!passed && error) {
        diag(`${process.argv[1]}: ${label}`, process.stderr);
        diag(error instanceof Failure ? where(error)
                                      : (error && error.stack) || error,
             process.stderr);
    }
}


/* the message of a failed check, and the lines of the test that led to it */
function where(error) {
    const lines = error.stack.split('\n').filter((l) => /\.t:\d+/.test(l));

    return [error.message, ...lines.slice(0, 3)].join('\n');
}


function show(value) {
    const text = util.inspect(value, { depth: 6, breakLength: 76 });

    return text.length > 2000 ? text.slice(0, 2000) + '...' : text;
}


function fail(message) {
    throw new Failure(message);
}


function ok(value, what = 'value') {
    if (!value) {
        fail(`${what}: got ${show(value)}`);
    }
}


function is(got, expected, what = 'value') {
    if (!Object.is(got, expected)) {
        fail(`${what}\n     got: ${show(got)}\nexpected: ${show(expected)}`);
    }
}


function isDeeply(got, expected, what = 'value') {
    if (!util.isDeepStrictEqual(got, expected)) {
        fail(`${what}\n     got: ${show(got)}\nexpected: ${show(expected)}`);
    }
}


function like(got, regexp, what = 'text') {
    if (!regexp.test(String(got))) {
        fail(`${what}\n     got: ${show(got)}\nexpected: ${regexp}`);
    }
}


/* resolves as "promise" does, or fails after "ms" */
function within(ms, promise, what = 'this') {
    let timer;

    const late = new Promise((resolve, reject) => {
        const error = new Failure(`${what} took longer than ${ms * scale} ms`);

        timer = setTimeout(() => reject(error), ms * scale);
    });

    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}


/* waits until "check" answers something true; "what" may be a function */
async function until(ms, check, what = 'condition') {
    const end = Date.now() + ms * scale;

    for ( ;; ) {
        const value = await check();

        if (value) {
            return value;
        }

        if (Date.now() > end) {
            fail(`not within ${ms * scale} ms: `
                 + (typeof what === 'function' ? what() : what));
        }

        await sleep(20);
    }
}


function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}


/* "fn" is called when the current test, else the file, is over */
function cleanup(fn) {
    const store = context.getStore();

    (store && store.cleanups ? store.cleanups : fileCleanups).push(fn);
}


/* what "fn" opens lives as long as the file, not the current test */
function keep(fn) {
    return context.exit(fn);
}


async function runCleanups(list) {
    while (list.length) {
        await list.pop()();
    }
}


/* one assertion; resolves to whether it holds, never rejects */
async function test(name, fn, { timeout = 10000 } = {}) {
    const outer = context.getStore() || {};
    const full = (outer.prefix ? `${outer.prefix}: ` : '') + name;

    let error;

    for (let i = 0; i < TRIES; i++) {
        const started = lags.length;

        error = await attempt(fn, timeout, outer.prefix);

        if (error === null || !clocked) {
            break;
        }

        /* the last stretch is noted a little later */
        await sleep(60);

        if (lags.length === started) {
            break;
        }

        diag(`tried again after a wait of ${lags.slice(started)} ms: ${full}`);
    }

    note(error === null, full, error);

    return error === null;
}


/* resolves to what went wrong, or null */
async function attempt(fn, timeout, prefix) {
    const store = { prefix, cleanups: [] };

    let error = null;

    await context.run(store, async () => {
        try {
            await within(timeout, fn(), 'the test');

        } catch (e) {
            error = e || new Error(`thrown: ${e}`);
        }

        try {
            await within(5000, runCleanups(store.cleanups), 'cleaning up');

        } catch (e) {
            error = error || e;
        }
    });

    return error;
}


/* us for which some process had to wait for a processor (PSI), so far */
function pressure() {
    try {
        const text = fs.readFileSync('/proc/pressure/cpu', 'latin1');

        return Number(/^some .*total=(\d+)/.exec(text)[1]);

    } catch (e) {
        return 0;
    }
}


/*
 * Notes every stretch of time that this process did not get to run, or another
 * one, which may have been nginx.
 */
function watchClock() {
    clocked = true;
    loop.enable();

    let before = pressure();

    setInterval(() => {
        const now = pressure();
        const max = Math.round(Math.max(loop.max / 1e6, (now - before) / 1e3));

        before = now;
        loop.reset();

        if (max > LAG) {
            lags.push(max);
        }
    }, 20).unref();
}


/* "prefix: " before the names of all tests in "fn" */
function group(prefix, fn) {
    return context.run({ prefix }, fn);
}


function skip(name, why) {
    count++;
    process.stdout.write(`ok ${count} - ${name} # SKIP ${why}\n`);
}


/* what "make test" installs is not there: a failure, never a silent skip */
function missing(why) {
    process.stdout.write(`not ok 1 - ${why}\n1..1\n`);
    process.exit(1);
}


/* a package of t/node_modules */
function load(name) {
    try {
        return require(name);

    } catch (e) {
        return missing(`${name} is missing: npm ci in t/`);
    }
}


function skipAll(why) {
    process.stdout.write(`1..0 # SKIP ${why}\n`);
    process.exit(0);
}


function finish() {
    if (finished) {
        return;
    }

    finished = true;
    running = false;

    process.stdout.write(`1..${count}\n`);

    if (failed) {
        diag(`${failed} of ${count} failed`);
    }

    process.exitCode = failed ? 1 : 0;
}


/*
 * The whole file: "fn" makes the tests, a plan follows.  "timeout" is for what
 * hangs, not for a busy machine.  With "clock" tests go by the clock: one that
 * fails while the machine was too busy to run it in time is tried again.
 */
function run(fn, { timeout = 600000, clock = false } = {}) {
    if (clock) {
        watchClock();
    }

    const watchdog = setTimeout(() => {
        note(false, 'the file ends in time', `over ${timeout * scale} ms`);
        finish();
        process.exit();
    }, timeout * scale);

    running = true;

    (async () => {
        try {
            await fn();

        } catch (e) {
            note(false, 'the file runs to its end', e);
        }

        try {
            await within(20000, runCleanups(fileCleanups), 'cleaning up');

        } catch (e) {
            note(false, 'everything is cleaned up', e);
        }

        clearTimeout(watchdog);
        finish();
        process.exit();
    })();
}


process.on('uncaughtException', (e) => {
    note(false, 'no exception outside of the tests', e);
});

process.on('unhandledRejection', (e) => {
    note(false, 'no rejection outside of the tests', e);
});

process.on('beforeExit', () => {
    if (running) {
        note(false, 'the file runs to its end', 'nothing left to wait for');
        finish();
        process.exit();
    }
});


module.exports = {
    Failure, cleanup, diag, fail, group, is, isDeeply, keep, like, note, ok,
    load, missing, run, scale, skip, skipAll, sleep, test, until, within
};
