'use strict';

/*
 * app.js: a Node server as users have it: Socket.IO with a Redis adapter, and
 * the built-in events in as few lines as an application has.  Users sign in
 * with the tests' tokens.
 */

const crypto = require('node:crypto');
const http = require('node:http');
const jsonwebtoken = require('jsonwebtoken');
const { Server } = require('socket.io');
const { SECRET } = require('./tokens');

const RELAYED = ['say', 'mark'];


const handlers = {

    'room:join'(io, socket, { roomName }) {
        const { userId } = socket.data;

        socket.join(roomName);
        socket.to(roomName).emit('user:joined', { roomName, userId });

        return { roomName };
    },

    'room:leave'(io, socket, { roomName }) {
        const { userId } = socket.data;

        socket.leave(roomName);
        socket.to(roomName).emit('user:left', { roomName, userId });

        return { roomName };
    },

    'message:send'(io, socket, said) {
        const { userId } = socket.data;
        const id = crypto.randomUUID();
        const timestamp = new Date().toISOString();

        io.to(said.roomName).emit('message:new',
                                  { ...said, id, userId, timestamp });

        return { id, timestamp };
    },

    'typing:start'(io, socket, at) {
        const users = [socket.data.userId];

        socket.to(at.roomName).emit('typing:event', { ...at, users });
    },

    'typing:stop'(io, socket, at) {
        socket.to(at.roomName).emit('typing:event', { ...at, users: [] });
    },

    'presence:update'(io, socket, told) {
        const { userId } = socket.data;

        io.emit('presence:changed', { ...told, userId });
    }
};


/* to the others in the room, or to one user of those who are in it */
function relay(socket, event, { targetUserId, ...said }) {
    const { userId } = socket.data;

    if (targetUserId) {
        socket.to(`@${targetUserId}`).emit(event, {
            ...said, targetUserId, userId, fromUserId: userId
        });

    } else {
        socket.to(said.roomName).emit(event, { ...said, userId });
    }
}


/* they leave their rooms, and are offline */
function part(io, socket) {
    const { userId } = socket.data;

    for (const roomName of socket.rooms) {
        if (roomName !== socket.id && roomName[0] !== '@') {
            socket.to(roomName).emit('user:left', { roomName, userId });
        }
    }

    if (userId) {
        io.emit('presence:changed', { userId, status: 'offline' });
    }
}


function serve(io, socket) {
    const { userId } = socket.data;

    if (userId) {
        io.emit('presence:changed', { userId, status: 'online' });
    }

    socket.on('disconnecting', () => part(io, socket));

    socket.onAny((event, said, ack) => {
        let data;

        if (RELAYED.includes(event)) {
            relay(socket, event, said);

        } else if (Object.hasOwn(handlers, event)) {
            data = handlers[event](io, socket, said);
        }

        if (typeof ack === 'function') {
            ack({ success: true, ...(data && { data }) });
        }
    });
}


function enter(socket, next) {
    const { token } = socket.handshake.auth;

    try {
        socket.data.userId = token ? jsonwebtoken.verify(token, SECRET).userId
                                   : null;

    } catch (e) {
        next(e);
        return;
    }

    if (token) {
        socket.join(`@${socket.data.userId}`);
    }

    next();
}


/* with that adapter, in those namespaces.  { io, url, stop() } */
async function start(adapter, namespaces = ['/']) {
    const server = http.createServer();
    const io = new Server(server, { adapter });

    for (const name of namespaces) {
        const nsp = io.of(name);

        nsp.use(enter);
        nsp.on('connection', (socket) => serve(nsp, socket));
    }

    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

    return {
        io,
        url: `http://127.0.0.1:${server.address().port}`,
        stop: () => io.close()
    };
}


module.exports = { start };
