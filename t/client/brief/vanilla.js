'use strict';

/*
 * The client for pages without a framework, and how it is used, as users have
 * them.  "io" and displayMessage() are the page's.
 */


function vanilla({ io }) {

    // vanilla-realtime.js - No framework required
    class RealtimeClient {
        constructor(url, token) {
            this.url = url;
            this.token = token;
            this.socket = null;
            this.listeners = new Map();
        }

        connect() {
            this.socket = io(this.url, {
                auth: { token: this.token }
            });

            this.socket.on('connect', () => {
                console.log('Connected to realtime server');
                this.emit('connection-change', { connected: true });
            });

            this.socket.on('disconnect', () => {
                console.log('Disconnected from realtime server');
                this.emit('connection-change', { connected: false });
            });

            this.socket.on('authenticated', (data) => {
                console.log('Authenticated as:', data.userId);
                this.emit('authenticated', data);
            });

            this.socket.on('error', (error) => {
                console.error('Socket error:', error);
                this.emit('error', error);
            });
        }

        disconnect() {
            this.socket?.disconnect();
        }

        joinRoom(roomName) {
            this.socket?.emit('room:join', { roomName });
        }

        leaveRoom(roomName) {
            this.socket?.emit('room:leave', { roomName });
        }

        sendMessage(roomName, content, metadata = {}) {
            this.socket?.emit('message:send', { roomName, content, metadata });
        }

        on(event, handler) {
            if (!this.listeners.has(event)) {
                this.listeners.set(event, []);
                this.socket?.on(event, (...args) => {
                    this.listeners.get(event)?.forEach(h => h(...args));
                });
            }
            this.listeners.get(event).push(handler);
        }

        off(event, handler) {
            const handlers = this.listeners.get(event);
            if (handlers) {
                const index = handlers.indexOf(handler);
                if (index > -1) {
                    handlers.splice(index, 1);
                }
            }
        }

        emit(event, data) {
            const handlers = this.listeners.get(event) || [];
            handlers.forEach(handler => handler(data));
        }
    }

    return RealtimeClient;
}


function usage({ RealtimeClient, token, displayMessage }) {

    // Usage
    const client = new RealtimeClient('http://localhost:3101', token);

    client.on('authenticated', (data) => {
        console.log('Ready!', data);
        client.joinRoom('general');
    });

    client.on('message:new', (message) => {
        console.log('New message:', message);
        displayMessage(message);
    });

    client.connect();

    return client;
}


module.exports = { usage, vanilla };
