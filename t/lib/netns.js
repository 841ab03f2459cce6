'use strict';

/*
 * netns.js: network namespaces, and the links between them.
 *
 * One in the middle, and others that have one link each to it.  What runs in
 * one has nothing else of the network than that.
 */

const { spawn, spawnSync } = require('node:child_process');
const { execute } = require('./service');
const tap = require('./tap');

/* a network for each link: 10.213.N.1 is in the middle, 10.213.N.2 outside */
const NETWORK = '10.213';

/* all that begins so is of this process */
const NAME = `rt${process.pid}`;

/* the interface of whoever is outside */
const UPLINK = 'uplink';

/* takes them away when the test is killed */
const GUARD = 'read x || for n in $(ip netns list | cut -d" " -f1 |'
              + ' grep "^$0-"); do ip netns del $n; done';


/* why it cannot be done here, or nothing */
function obstacle() {
    if (process.getuid() !== 0) {
        return 'only root has network namespaces';
    }

    const name = `${NAME}-try`;

    const tries = [
        ['netns', 'add', name],
        ['-n', name, 'link', 'add', 'name', 'v0', 'type', 'veth']
    ].map((args) => spawnSync('ip', args, { encoding: 'utf8' }));

    spawnSync('ip', ['netns', 'del', name]);

    const failed = tries.find((res) => res.error || res.status !== 0);

    return failed && `no network namespaces: ${failed.error
                                                || failed.stderr.trim()}`;
}


class Network {

    /* "n": how many there are outside */
    static async start(n) {
        const network = new Network(n);

        network.guard = spawn('/bin/sh', ['-c', GUARD, NAME], {
            stdio: ['pipe', 'ignore', 'ignore'], detached: true
        });

        network.guard.stdin.on('error', () => {});
        tap.cleanup(() => network.stop());
        await network.make();

        return network;
    }

    constructor(n) {
        this.n = n;
        this.middle = `${NAME}-m`;
    }

    outside(i) {
        return `${NAME}-${i}`;
    }

    /* the address in the middle, as the one outside sees it */
    address(i) {
        return `${NETWORK}.${i}.1`;
    }

    async ip(...args) {
        const { code, stderr } = await execute('ip', args);

        tap.is(code, 0, `ip ${args.join(' ')}: ${stderr}`);
    }

    async make() {
        const { middle } = this;

        await this.ip('netns', 'add', middle);
        await this.ip('-n', middle, 'link', 'set', 'lo', 'up');

        for (let i = 0; i < this.n; i++) {
            const name = this.outside(i);

            await this.ip('netns', 'add', name);
            await this.ip('-n', name, 'link', 'set', 'lo', 'up');
            await this.ip('-n', middle, 'link', 'add', 'name', `v${i}`,
                          'type', 'veth', 'peer', 'name', UPLINK, 'netns',
                          name);
            await this.ip('-n', middle, 'addr', 'add', `${this.address(i)}/30`,
                          'dev', `v${i}`);
            await this.ip('-n', name, 'addr', 'add', `${NETWORK}.${i}.2/30`,
                          'dev', UPLINK);
            await this.ip('-n', name, 'link', 'set', UPLINK, 'up');
            await this.ip('-n', middle, 'link', 'set', `v${i}`, 'up');
        }
    }

    /* a link of its own end: who is outside sees that it is not there */
    async cut(i) {
        await this.ip('-n', this.outside(i), 'link', 'set', UPLINK, 'down');
    }

    async mend(i) {
        await this.ip('-n', this.outside(i), 'link', 'set', UPLINK, 'up');
    }

    /* nothing comes back from the middle, and neither side is told */
    async silence(i) {
        await this.ip('-n', this.middle, 'route', 'add', 'blackhole',
                      `${NETWORK}.${i}.2/32`);
    }

    async speak(i) {
        await this.ip('-n', this.middle, 'route', 'del', 'blackhole',
                      `${NETWORK}.${i}.2/32`);
    }

    /* so many percent of the packets are lost, both ways; whether it can */
    async lose(i, percent) {
        const ends = [[this.middle, `v${i}`], [this.outside(i), UPLINK]];

        for (const [name, dev] of ends) {
            const { code } = await execute('tc', [
                '-n', name, 'qdisc', 'replace', 'dev', dev, 'root', 'netem',
                'loss', `${percent}%`
            ]);

            if (code !== 0) {
                return false;
            }
        }

        return true;
    }

    async stop() {
        if (this.stopped) {
            return;
        }

        this.stopped = true;

        for (const name of [this.middle, ...Array.from({ length: this.n },
            (_, i) => this.outside(i))])
        {
            await execute('ip', ['netns', 'del', name]);
        }

        this.guard.stdin.end('done\n');
    }
}


module.exports = { Network, obstacle };
