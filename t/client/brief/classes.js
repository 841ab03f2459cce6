'use strict';

/*
 * Classes around a socket, and connecting with a token that is renewed, as
 * users have them; types were taken away.
 */


// PresenceTracker.ts - Track online users
class PresenceTracker {
    presenceMap = new Map();
    socket;

    constructor(socket) {
        this.socket = socket;
        this.setupListeners();
    }

    setupListeners() {
        this.socket.on('presence:changed', (update) => {
            this.presenceMap.set(update.userId, update);
            this.notifySubscribers(update.userId);
        });

        this.socket.on('user:joined', ({ userId }) => {
            // Request presence for new user
            this.socket.emit('presence:request', { userId });
        });

        this.socket.on('user:left', ({ userId }) => {
            const presence = this.presenceMap.get(userId);
            if (presence) {
                presence.status = 'offline';
                this.notifySubscribers(userId);
            }
        });
    }

    setStatus(status, customStatus) {
        this.socket.emit('presence:update', { status, customStatus });
    }

    getPresence(userId) {
        return this.presenceMap.get(userId);
    }

    getOnlineUsers() {
        return Array.from(this.presenceMap.entries())
            .filter(([_, presence]) => presence.status === 'online')
            .map(([userId]) => userId);
    }

    subscribe(userId, callback) {
        // Implementation for subscriber pattern
    }

    notifySubscribers(userId) {
        // Notify all subscribers of presence change
    }
}


// TypingIndicator.ts - Debounced typing indicators
class TypingIndicator {
    socket;
    roomName;
    threadId;
    timeout = null;
    isTyping = false;

    constructor(socket, roomName, threadId) {
        this.socket = socket;
        this.roomName = roomName;
        this.threadId = threadId;
    }

    start() {
        if (!this.isTyping) {
            this.socket.emit('typing:start', {
                roomName: this.roomName,
                threadId: this.threadId
            });
            this.isTyping = true;
        }

        // Reset timeout
        if (this.timeout) {
            clearTimeout(this.timeout);
        }

        // Auto-stop after 3 seconds of inactivity
        this.timeout = setTimeout(() => {
            this.stop();
        }, 3000);
    }

    stop() {
        if (this.isTyping) {
            this.socket.emit('typing:stop', {
                roomName: this.roomName,
                threadId: this.threadId
            });
            this.isTyping = false;
        }

        if (this.timeout) {
            clearTimeout(this.timeout);
            this.timeout = null;
        }
    }

    cleanup() {
        this.stop();
    }
}


// ChatRoomManager.ts - Multi-room management
class ChatRoomManager {
    socket;
    rooms = new Map();
    currentRoom = null;

    constructor(socket) {
        this.socket = socket;
        this.setupListeners();
    }

    setupListeners() {
        this.socket.on('room:joined', ({ roomName }) => {
            if (!this.rooms.has(roomName)) {
                this.rooms.set(roomName, {
                    name: roomName,
                    type: 'channel',
                    unreadCount: 0
                });
            }
        });

        this.socket.on('message:new', ({ roomName, content, timestamp }) => {
            const room = this.rooms.get(roomName);
            if (room) {
                room.lastMessage = { content, timestamp };

                // Increment unread if not current room
                if (roomName !== this.currentRoom) {
                    room.unreadCount++;
                }
            }
        });

        this.socket.on('user:joined', ({ roomName, userId }) => {
            console.log(`${userId} joined ${roomName}`);
        });

        this.socket.on('user:left', ({ roomName, userId }) => {
            console.log(`${userId} left ${roomName}`);
        });
    }

    joinRoom(roomName) {
        this.socket.emit('room:join', { roomName });
        this.currentRoom = roomName;

        // Reset unread count
        const room = this.rooms.get(roomName);
        if (room) {
            room.unreadCount = 0;
        }
    }

    leaveRoom(roomName) {
        this.socket.emit('room:leave', { roomName });

        if (this.currentRoom === roomName) {
            this.currentRoom = null;
        }
    }

    getRooms() {
        return Array.from(this.rooms.values());
    }

    getUnreadTotal() {
        return Array.from(this.rooms.values())
            .reduce((sum, room) => sum + room.unreadCount, 0);
    }

    markAsRead(roomName) {
        const room = this.rooms.get(roomName);
        if (room) {
            room.unreadCount = 0;
        }
    }
}


function autoRefresh({ io, setTimeout, clearTimeout }) {

    // Refresh token before expiration
    let socket;
    let tokenRefreshTimer;

    function connectWithAutoRefresh(getToken) {
        // Initial connection
        socket = io('http://localhost:3101', {
            auth: { token: getToken() }
        });

        socket.on('authenticated', (data) => {
            // Schedule token refresh (refresh 5 minutes before expiry)
            const expiresIn = 24 * 60 * 60 * 1000; // 24 hours
            const refreshIn = expiresIn - (5 * 60 * 1000);

            clearTimeout(tokenRefreshTimer);
            tokenRefreshTimer = setTimeout(() => {
                socket.auth.token = getToken();
                socket.disconnect().connect();
            }, refreshIn);
        });

        socket.on('disconnect', () => {
            clearTimeout(tokenRefreshTimer);
        });
    }

    return connectWithAutoRefresh;
}


module.exports = {
    ChatRoomManager, PresenceTracker, TypingIndicator, autoRefresh
};
