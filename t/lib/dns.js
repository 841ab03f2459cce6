'use strict';

/*
 * dns.js: a name server that knows one address.
 */

const dgram = require('node:dgram');
const { cleanup } = require('./tap');


/* answers A of any name with "address", others with nothing */
async function dns(address) {
    const socket = dgram.createSocket('udp4');

    const zone = { address, asked: 0 };

    socket.on('message', (msg, from) => {
        let end = 12;

        while (msg[end]) {
            end += msg[end] + 1;
        }

        const a = msg.readUInt16BE(end + 1) === 1 && zone.address;
        const head = Buffer.from(msg.subarray(0, 12));

        zone.asked++;
        head.writeUInt16BE(zone.address ? 0x8180 : 0x8183, 2);
        head.writeUInt16BE(a ? 1 : 0, 6);
        head.writeUInt32BE(0, 8);

        socket.send(Buffer.concat([head, msg.subarray(12, end + 5),
            a ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4,
                             ...zone.address.split('.').map(Number)])
              : Buffer.alloc(0)]), from.port, from.address);
    });

    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    cleanup(() => socket.close());
    zone.port = socket.address().port;

    return zone;
}


module.exports = { dns };
