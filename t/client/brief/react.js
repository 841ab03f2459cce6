'use strict';

/*
 * The React hook and components, as users have them: types taken away, JSX
 * written out, imports made parameters.  Nothing else was changed, but for the
 * two signs before "Connected" and "Disconnected", which were garbled.
 */


/* useRealtime.ts - React Hook for Socket.io */
function hook({ React, io }) {
    const { useEffect, useRef, useState } = React;

    return function useRealtime({ url, token, autoConnect = true }) {
        const socketRef = useRef(null);
        const [state, setState] = useState({
            connected: false,
            authenticated: false,
            error: null
        });

        useEffect(() => {
            if (!autoConnect) return;

            // Initialize socket
            const socket = io(url, {
                auth: { token },
                autoConnect: true
            });

            socketRef.current = socket;

            // Connection events
            socket.on('connect', () => {
                setState(prev => ({ ...prev, connected: true, error: null }));
            });

            socket.on('disconnect', () => {
                setState(prev => ({ ...prev, connected: false,
                                    authenticated: false }));
            });

            socket.on('authenticated', (data) => {
                setState(prev => ({ ...prev, authenticated: true }));
                console.log('Authenticated as:', data.userId);
            });

            socket.on('error', (error) => {
                setState(prev => ({ ...prev, error: error.message }));
            });

            // Cleanup
            return () => {
                socket.disconnect();
            };
        }, [url, token, autoConnect]);

        // Helper functions
        const joinRoom = (roomName) => {
            socketRef.current?.emit('room:join', { roomName });
        };

        const leaveRoom = (roomName) => {
            socketRef.current?.emit('room:leave', { roomName });
        };

        const sendMessage = (roomName, content, metadata) => {
            socketRef.current?.emit('message:send',
                                    { roomName, content, metadata });
        };

        const updatePresence = (status, customStatus) => {
            socketRef.current?.emit('presence:update',
                                    { status, customStatus });
        };

        const startTyping = (roomName, threadId) => {
            socketRef.current?.emit('typing:start', { roomName, threadId });
        };

        const stopTyping = (roomName, threadId) => {
            socketRef.current?.emit('typing:stop', { roomName, threadId });
        };

        const on = (event, handler) => {
            socketRef.current?.on(event, handler);
        };

        const off = (event, handler) => {
            socketRef.current?.off(event, handler);
        };

        return {
            socket: socketRef.current,
            ...state,
            joinRoom,
            leaveRoom,
            sendMessage,
            updatePresence,
            startTyping,
            stopTyping,
            on,
            off
        };
    };
}


/* ChatRoom.tsx - Complete chat room implementation */
function chatRoom({ React, useRealtime }) {
    const { useEffect, useState, createElement: h } = React;

    return function ChatRoom({ roomName, token }) {
        const [messages, setMessages] = useState([]);
        const [inputValue, setInputValue] = useState('');
        const [typingUsers, setTypingUsers] = useState([]);

        const realtime = useRealtime({
            url: 'http://localhost:3101',
            token
        });

        useEffect(() => {
            if (!realtime.authenticated) return;

            // Join room
            realtime.joinRoom(roomName);

            // Listen for messages
            const handleMessage = (msg) => {
                setMessages(prev => [...prev, msg]);
            };

            const handleTyping = ({ users }) => {
                setTypingUsers(users);
            };

            realtime.on('message:new', handleMessage);
            realtime.on('typing:event', handleTyping);

            return () => {
                realtime.off('message:new', handleMessage);
                realtime.off('typing:event', handleTyping);
                realtime.leaveRoom(roomName);
            };
        }, [realtime.authenticated, roomName]);

        const handleSend = () => {
            if (!inputValue.trim()) return;

            realtime.sendMessage(roomName, inputValue);
            setInputValue('');
            realtime.stopTyping(roomName);
        };

        const handleTyping = () => {
            realtime.startTyping(roomName);

            // Auto-stop after 3 seconds
            setTimeout(() => {
                realtime.stopTyping(roomName);
            }, 3000);
        };

        return h('div', { className: 'chat-room' },
            h('div', { className: 'messages' },
                messages.map((msg, i) => (
                    h('div', { key: i, className: 'message' },
                        h('strong', null, msg.userId, ':'), ' ', msg.content,
                        h('span', { className: 'timestamp' },
                            new Date(msg.timestamp).toLocaleTimeString()
                        )
                    )
                ))
            ),

            typingUsers.length > 0 && (
                h('div', { className: 'typing-indicator' },
                    typingUsers.join(', '), ' ',
                    typingUsers.length === 1 ? 'is' : 'are', ' typing...'
                )
            ),

            h('div', { className: 'input-area' },
                h('input', {
                    type: 'text',
                    value: inputValue,
                    onChange: (e) => {
                        setInputValue(e.target.value);
                        handleTyping();
                    },
                    onKeyPress: (e) => e.key === 'Enter' && handleSend(),
                    placeholder: 'Type a message...'
                }),
                h('button', { onClick: handleSend }, 'Send')
            ),

            h('div', { className: 'status' },
                realtime.connected ? '\u{1f7e2} Connected'
                                   : '\u{1f534} Disconnected'
            )
        );
    };
}


/* Usage in React (of PresenceTracker) */
function userPresence({ React, useRealtime, PresenceTracker, url, token }) {
    const { useEffect, useState, createElement: h } = React;

    return function UserPresence({ userId }) {
        const [presence, setPresence] = useState(null);
        const { socket } = useRealtime({ url, token });

        useEffect(() => {
            if (!socket) return;

            const tracker = new PresenceTracker(socket);

            const handlePresenceChange = (update) => {
                if (update.userId === userId) {
                    setPresence(update);
                }
            };

            socket.on('presence:changed', handlePresenceChange);

            return () => {
                socket.off('presence:changed', handlePresenceChange);
            };
        }, [socket, userId]);

        const statusColor = {
            online: 'green',
            away: 'yellow',
            busy: 'red',
            offline: 'gray'
        }[presence?.status || 'offline'];

        return h('div', { className: 'user-presence' },
            h('div', { className: `status-indicator ${statusColor}` }),
            presence?.customStatus?.emoji, ' ', presence?.customStatus?.text
        );
    };
}


/* Usage in React (of TypingIndicator) */
function messageInput({ React, useRealtime, TypingIndicator, url, token }) {
    const { useEffect, useRef, useState, createElement: h } = React;

    return function MessageInput({ roomName }) {
        const [message, setMessage] = useState('');
        const { socket } = useRealtime({ url, token });
        const typingIndicator = useRef(null);

        useEffect(() => {
            if (socket) {
                typingIndicator.current = new TypingIndicator(socket,
                                                              roomName);
            }

            return () => {
                typingIndicator.current?.cleanup();
            };
        }, [socket, roomName]);

        const handleChange = (e) => {
            setMessage(e.target.value);

            if (e.target.value.length > 0) {
                typingIndicator.current?.start();
            } else {
                typingIndicator.current?.stop();
            }
        };

        const handleSend = () => {
            if (message.trim()) {
                socket?.emit('message:send', { roomName, content: message });
                setMessage('');
                typingIndicator.current?.stop();
            }
        };

        return h('input', {
            type: 'text',
            value: message,
            onChange: handleChange,
            onKeyPress: (e) => e.key === 'Enter' && handleSend()
        });
    };
}


/* Display typing users */
function typingUsers({ React, useRealtime, url, token }) {
    const { useEffect, useState, createElement: h } = React;

    return function TypingUsers({ roomName }) {
        const [typingUsers, setTypingUsers] = useState([]);
        const { socket } = useRealtime({ url, token });

        useEffect(() => {
            if (!socket) return;

            const handleTyping = ({ roomName: room, users }) => {
                if (room === roomName) {
                    setTypingUsers(users);
                }
            };

            socket.on('typing:event', handleTyping);

            return () => {
                socket.off('typing:event', handleTyping);
            };
        }, [socket, roomName]);

        if (typingUsers.length === 0) return null;

        const text = typingUsers.length === 1
            ? `${typingUsers[0]} is typing...`
            : typingUsers.length === 2
            ? `${typingUsers[0]} and ${typingUsers[1]} are typing...`
            : `${typingUsers[0]} and ${typingUsers.length - 1} others are `
              + 'typing...';

        return h('div', { className: 'typing-indicator' }, text);
    };
}


/* Usage in React (of ChatRoomManager) */
function roomList({ React, useRealtime, ChatRoomManager, url, token }) {
    const { useEffect, useRef, useState, createElement: h } = React;

    return function RoomList() {
        const [rooms, setRooms] = useState([]);
        const { socket } = useRealtime({ url, token });
        const manager = useRef(null);

        useEffect(() => {
            if (socket) {
                manager.current = new ChatRoomManager(socket);

                const interval = setInterval(() => {
                    setRooms(manager.current?.getRooms() || []);
                }, 1000);

                return () => clearInterval(interval);
            }
        }, [socket]);

        return h('div', { className: 'room-list' },
            rooms.map(room => (
                h('div', {
                    key: room.name,
                    className: 'room-item',
                    onClick: () => manager.current?.joinRoom(room.name)
                },
                    h('span', { className: 'room-name' }, room.name),
                    room.unreadCount > 0 && (
                        h('span', { className: 'unread-badge' },
                          room.unreadCount)
                    ),
                    room.lastMessage && (
                        h('div', { className: 'last-message' },
                            room.lastMessage.content.substring(0, 50)
                        )
                    )
                )
            ))
        );
    };
}


module.exports = {
    chatRoom, hook, messageInput, roomList, typingUsers, userPresence
};
