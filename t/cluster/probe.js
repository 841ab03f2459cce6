'use strict';

/*
 * probe.js: somebody at each host who says what time it is, again and again,
 * and notes what time it was when the others said it last: how long hosts do
 * not hear each other.
 */

const { Line } = require('../lib/line');
const tap = require('../lib/tap');

const ROOM = 'probe';

/* ms: between two words, and two attempts to come back */
const EVERY = 25;
const AGAIN = 100;

/* until all hear each other again, ms */
const PATIENCE = 20000;


class Probe {

    static async start(hosts) {
        const probe = new Probe(hosts);

        tap.cleanup(() => probe.stop());
        hosts.forEach((host, i) => probe.live(host, i));
        await probe.since(Date.now());

        return probe;
    }

    constructor(hosts) {
        this.running = true;
        this.lines = [];
        this.heard = hosts.map(() => hosts.map(() => 0));
        this.timer = setInterval(() => this.speak(), EVERY);
    }

    stop() {
        this.running = false;
        clearInterval(this.timer);
        this.lines.forEach((line) => line && line.destroy());
    }

    /* is there, and comes back whenever it is sent away */
    async live(host, i) {
        while (this.running) {
            try {
                const line = await Line.open(host, {
                    userId: `probe-${i}`, on: (text) => this.hear(i, text)
                });

                await line.ask('room:join', { roomName: ROOM });
                this.lines[i] = line;
                await line.closed;

            } catch (e) {
                await tap.sleep(AGAIN);
            }

            this.lines[i] = null;
        }
    }

    speak() {
        this.lines.forEach((line, i) => {
            if (line) {
                line.emit('message:send', {
                    roomName: ROOM, content: `${i}:${Date.now()}`
                });
            }
        });
    }

    hear(i, text) {
        const [name, arg] = JSON.parse(text.slice(2));

        if (name === 'message:new' && arg.roomName === ROOM) {
            const [from, at] = arg.content.split(':').map(Number);

            this.heard[i][from] = Math.max(this.heard[i][from], at);
        }
    }

    /*
     * Resolves when everybody has heard from everybody else what was said after
     * "time", to how long after it that is, ms.
     */
    async since(time) {
        await tap.until(PATIENCE, () => {
            return this.heard.every((list) => list.every((at) => at >= time));
        }, () => `all hear each other: ${this.heard.map((list) => {
            return list.map((at) => at && at - time);
        }).join(' | ')}`);

        return Date.now() - time;
    }
}


module.exports = { Probe };
