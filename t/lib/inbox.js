'use strict';

/*
 * inbox.js: what has arrived, and those who wait for it, both in order.
 */

const tap = require('./tap');


class Inbox {

    constructor() {
        this.items = [];
        this.waiters = [];
        this.error = null;
    }

    get length() {
        return this.items.length;
    }

    push(item) {
        const i = this.waiters.findIndex((w) => w.wants(item));

        if (i === -1) {
            this.items.push(item);
        } else {
            this.waiters.splice(i, 1)[0].resolve(item);
        }
    }

    /* no more items will come: who waits, or will wait, gets "error" */
    close(error) {
        this.error = this.error || error;

        for (const w of this.waiters.splice(0)) {
            w.reject(this.error);
        }
    }

    /* the first item that "wants" accepts; others stay where they are */
    next(ms = 5000, wants = () => true, what = 'a message') {
        const i = this.items.findIndex(wants);

        if (i !== -1) {
            return Promise.resolve(this.items.splice(i, 1)[0]);
        }

        if (this.error) {
            return Promise.reject(this.error);
        }

        let waiter;

        const promise = new Promise((resolve, reject) => {
            waiter = { wants, resolve, reject };
            this.waiters.push(waiter);
        });

        return tap.within(ms, promise, what).finally(() => {
            this.waiters = this.waiters.filter((w) => w !== waiter);
        });
    }

    /* fails if something arrives that "wants" accepts */
    async none(ms, wants = () => true, what = 'nothing arrives') {
        await tap.sleep(ms);

        tap.isDeeply(this.items.filter(wants), [], what);
    }
}


module.exports = Inbox;
