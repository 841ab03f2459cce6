'use strict';

/*
 * fleet.js: hosts with one Redis, for the people of t/chaos.
 *
 * Clients may be away for a while; who reloads sends them away in a second.
 */

const cluster = require('../lib/hosts');
const server = require('../lib/server');
const tap = require('../lib/tap');
const { SECRET } = require('../lib/tokens');

const WINDOW = 30;
const DRAIN = 1;

const LOCATION = `
    location /socket.io/ {
        realtime on;
        realtime_allow_anonymous on;
        realtime_jwt_secret "${SECRET}";
        realtime_presence_scope rooms;
        realtime_limit_connections off;
        realtime_limit_messages off;
        realtime_limit_room off;
        realtime_drain ${DRAIN}s;
    }
`;


class Fleet {

    /* "each", of a host's number, answers more options for cluster.js */
    static async start(redis, n, each = () => ({})) {
        const fleet = new Fleet();

        for (let i = 0; i < n; i++) {
            const host = await cluster.host(redis, {
                http: 'realtime_zone realtime 64m;', locations: LOCATION,
                recovery: `${WINDOW * tap.scale}s`, name: `host ${i}`,
                ...each(i)
            });

            host.allowed.push(...server.KILLED);
            fleet.hosts.push(host);
        }

        await fleet.linked();

        return fleet;
    }

    constructor() {
        this.hosts = [];
    }

    linked() {
        return cluster.linked(...this.hosts);
    }

    /* of all hosts together: published, received, lost, missed, refused */
    async sums() {
        const sums = {};

        for (const host of this.hosts) {
            const all = await cluster.figures(host);

            for (const [key, value] of Object.entries(all)) {
                if (typeof value === 'number') {
                    sums[key] = (sums[key] || 0) + value;
                }
            }
        }

        return sums;
    }

    async stop() {
        for (const host of this.hosts) {
            await host.stop();
        }
    }

    /* of somebody of a plan */
    where({ host }) {
        const { path, port } = this.hosts[host];

        return { path, port };
    }
}


module.exports = { Fleet };
