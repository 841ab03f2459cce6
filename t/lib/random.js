'use strict';

/*
 * random.js: numbers that the same seed brings again.
 */


class Random {

    constructor(seed) {
        this.state = seed >>> 0;
    }

    /* from 0 up to 1 */
    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;

        let t = this.state;

        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);

        return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
    }

    below(n) {
        return Math.floor(this.next() * n);
    }

    between(from, to) {
        return from + this.next() * (to - from);
    }

    pick(list) {
        return list[this.below(list.length)];
    }

    /* one of the keys of { key: weight } */
    weighted(weights) {
        const all = Object.values(weights).reduce((sum, w) => sum + w, 0);
        let at = this.next() * all;

        for (const [key, weight] of Object.entries(weights)) {
            at -= weight;

            if (at < 0) {
                return key;
            }
        }

        return Object.keys(weights)[0];
    }
}


module.exports = { Random };
