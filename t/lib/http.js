'use strict';

/*
 * http.js: HTTP requests that can be given up half-way.
 */

const http = require('node:http');
const net = require('node:net');
const tap = require('./tap');


/*
 * Sends a request; resolves to { status, headers, body, text, json() }.
 * Each request has its own connection unless "agent" is given.  The promise
 * has abort(), which closes the connection.
 */
function request(port, options = {}) {
    let req;

    const promise = new Promise((resolve, reject) => {
        const { body } = options;
        const headers = { ...options.headers };

        if (body !== undefined && headers['Content-Length'] === undefined
            && headers['Transfer-Encoding'] === undefined)
        {
            headers['Content-Length'] = Buffer.byteLength(body);
        }

        req = http.request({
            host: '127.0.0.1',
            port,
            method: options.method || 'GET',
            path: options.path || '/',
            headers,
            agent: options.agent || false
        });

        req.on('response', (res) => {
            const parts = [];

            res.on('data', (part) => parts.push(part));
            res.on('error', reject);
            res.on('end', () => resolve(answer(res, Buffer.concat(parts))));
        });

        req.on('error', reject);
        req.end(body);
    });

    promise.abort = () => {
        promise.catch(() => {});
        req.destroy();
    };

    return promise;
}


function answer(res, body) {
    return {
        status: res.statusCode,
        headers: res.headers,
        body,
        text: body.toString(),
        json: () => JSON.parse(body.toString())
    };
}


/* a TCP connection, closed at the end of the test */
function connect(port) {
    return new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1' });

        socket.setNoDelay(true);
        socket.on('connect', () => resolve(socket));
        socket.on('error', reject);
        tap.cleanup(() => socket.destroy());
    });
}


module.exports = { connect, request };
