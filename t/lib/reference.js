'use strict';

/*
 * reference.js: the fixtures on Node's socket.io, to test the tests with.
 */

const http = require('node:http');
const crypto = require('node:crypto');

const NAME = /^[a-z0-9_-]{1,255}$/;


function engine(server, opts) {
    const { Server } = require('engine.io');

    const io = new Server({
        pingInterval: opts.pingInterval,
        pingTimeout: opts.pingTimeout,
        maxHttpBufferSize: opts.maxPayload || 1000000
    });

    io.attach(server, { path: '/engine.io/' });

    io.on('connection', (socket) => {
        socket.on('message', (data) => socket.send(data));
    });

    return {
        stop: () => io.close(),
        metrics: () => ({ sessions: { total: io.clientsCount } })
    };
}


function socketio(server, opts, onConnection) {
    const { Server } = require('socket.io');
    const { pingInterval = 25000, pingTimeout = 20000 } = opts;

    const io = new Server(server, {
        pingInterval, pingTimeout,
        connectTimeout: opts.connectTimeout || 45000,
        maxHttpBufferSize: opts.maxPayload || 1000000
    });

    onConnection(io);

    return {
        stop: () => io.close(),
        metrics: () => {
            const { rooms, sids } = io.of('/').adapter;
            let memberships = 0;

            for (const set of sids.values()) {
                memberships += set.size - 1;
            }

            return {
                connections: { total: io.engine.clientsCount },
                sessions: { total: io.engine.clientsCount },
                rooms: { total: rooms.size - sids.size, memberships },
                workers: [{ slot: 0, pid: process.pid,
                            sessions: io.engine.clientsCount }]
            };
        }
    };
}


function fixture(io) {
    const serve = (socket) => {
        socket.emit('auth', socket.handshake.auth);

        socket.on('message', (...args) => {
            socket.emit('message-back', ...args);
        });

        socket.on('message-with-ack', (...args) => args.pop()(...args));
    };

    io.on('connection', serve);
    io.of('/custom').on('connection', serve);
}


const failure = (code, message, details) => {
    return { code, message, ...(details ? { details } : {}) };
};


const wrong = (...paths) => failure('VALIDATION_ERROR', 'Invalid payload',
    paths.map((path) => ({ path, message: 'is not valid' })));


function check(data, content) {
    const paths = [];

    if (data === null || typeof data !== 'object' || Array.isArray(data)) {
        return wrong('');
    }

    if (typeof data.roomName !== 'string' || !NAME.test(data.roomName)) {
        paths.push('roomName');
    }

    if (content) {
        const { length } = [...String(data.content)];

        if (typeof data.content !== 'string' || !length || length > 5000) {
            paths.push('content');
        }

        if (data.threadId !== undefined && typeof data.threadId !== 'string') {
            paths.push('threadId');
        }

        if (data.metadata !== undefined && (data.metadata === null
            || typeof data.metadata !== 'object'
            || Array.isArray(data.metadata)))
        {
            paths.push('metadata');
        }
    }

    return paths.length ? wrong(...paths) : null;
}


const handlers = {

    'room:join'(io, socket, { roomName }) {
        const again = socket.rooms.has(`#${roomName}`);

        socket.join(`#${roomName}`);

        const data = {
            roomName,
            memberCount: io.of('/').adapter.rooms.get(`#${roomName}`).size
        };

        socket.emit('room:joined', data);

        if (!again) {
            socket.to(`#${roomName}`).emit('user:joined',
                                           { roomName, userId: null });
        }

        return { success: true, data };
    },

    'room:leave'(io, socket, { roomName }) {
        if (!socket.rooms.has(`#${roomName}`)) {
            return { success: false,
                     error: failure('NOT_IN_ROOM', 'Not in this room') };
        }

        socket.leave(`#${roomName}`);
        socket.emit('room:left', { roomName });
        socket.to(`#${roomName}`).emit('user:left',
                                       { roomName, userId: null });

        return { success: true };
    },

    'message:send'(io, socket, { roomName, content, threadId, metadata }) {
        if (!socket.rooms.has(`#${roomName}`)) {
            return { success: false,
                     error: failure('NOT_IN_ROOM', 'Not in this room') };
        }

        const id = crypto.randomUUID();
        const timestamp = new Date().toISOString();

        io.to(`#${roomName}`).emit('message:new', {
            id, roomName, userId: null, content, threadId, metadata, timestamp
        });

        return { success: true, data: { id, timestamp } };
    }
};


function chat(io) {
    io.on('connection', (socket) => {
        socket.emit('connected', {
            socketId: socket.id,
            serverTime: new Date().toISOString(),
            protocolVersion: '1.0'
        });

        socket.on('disconnecting', () => {
            for (const room of socket.rooms) {
                if (room[0] === '#') {
                    socket.to(room).emit('user:left', {
                        roomName: room.slice(1), userId: null
                    });
                }
            }
        });

        socket.onAny((event, ...args) => serve(io, socket, event, args));
    });
}


function serve(io, socket, event, args) {
    const ack = typeof args[args.length - 1] === 'function' ? args.pop()
                                                             : () => {};
    const data = args[0];
    let reply = { success: true };

    if (event === 'ping') {
        socket.emit('pong', { timestamp: Date.now() });

    } else if (event === 'pong') {
        reply = { success: true };

    } else if (Object.hasOwn(handlers, event)) {
        const error = check(data, event === 'message:send');

        reply = error ? { success: false, error }
                      : handlers[event](io, socket, data);

    } else {
        reply = { success: false,
                  error: failure('UNKNOWN_EVENT', 'No such event') };
    }

    if (!reply.success) {
        socket.emit('error', reply.error);
    }

    ack(reply);
}


async function start(kind, opts) {
    const server = http.createServer();
    const make = {
        engine,
        socketio: (s, o) => socketio(s, o, fixture),
        chat: (s, o) => socketio(s, o, chat)
    };

    const io = make[kind](server, opts);

    await new Promise((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
    });

    const { port } = server.address();

    return {
        port,
        path: opts.path,
        url: `http://127.0.0.1:${port}`,
        pid: process.pid,
        metrics: async () => io.metrics(),
        workerPids: () => [process.pid],
        errorLog: () => '',
        stop: async () => {
            io.stop();
            server.closeAllConnections();
            server.close();
        }
    };
}


module.exports = { start };
