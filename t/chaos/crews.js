'use strict';

/*
 * crews.js: the processes of crew.js, as their parent sees them.
 */

const { fork } = require('node:child_process');
const path = require('node:path');
const tap = require('../lib/tap');


/* a process of people, and what it is told */
class Crew {

    constructor() {
        this.child = fork(path.join(__dirname, 'crew.js'), {
            serialization: 'advanced'
        });

        this.next = 0;
        this.calls = new Map();
        this.child.on('message', (m) => this.answer(m));
        this.child.on('exit', (code) => this.fail(`a crew ended: ${code}`));
        tap.cleanup(() => {
            this.child.removeAllListeners('exit');
            this.child.kill('SIGKILL');
        });
    }

    fail(why) {
        tap.diag(why);
        this.calls.forEach(({ reject }) => reject(new tap.Failure(why)));
        this.calls.clear();
    }

    answer({ id, result, error }) {
        if (error) {
            this.fail(error);

        } else if (this.calls.has(id)) {
            this.calls.get(id).resolve(result);
            this.calls.delete(id);
        }
    }

    call(name, args) {
        return new Promise((resolve, reject) => {
            const id = this.next++;

            this.calls.set(id, { resolve, reject });
            this.child.send({ id, name, args });
        });
    }
}


/* what all crews answer, in one list where they answer lists */
async function all(crews, name, args) {
    return (await Promise.all(crews.map((c) => c.call(name, args)))).flat();
}


/*
 * Those of "plan", raw ones in so many "crews".  where(person) says the path
 * and the port of its server.
 */
async function start(plan, { crews: n, seed, where }) {
    const parts = plan.crews(n).filter((part) => part.length);
    const crews = parts.map(() => new Crew());

    await Promise.all(crews.map((crew, i) => crew.call('start', {
        seed: seed + i, scale: tap.scale,
        specs: parts[i].map((p) => ({ ...p, ...where(p) }))
    })));

    return crews;
}


module.exports = { all, start };
