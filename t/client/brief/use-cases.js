'use strict';

/*
 * The client code of the twelve use cases, as users have it.  Each stands in a
 * function whose parameters are the names that it takes from around itself;
 * nothing else was changed.
 */


/* 1. live chat */
function liveChat(socket, { displayTypingIndicator }) {

    // Create chat rooms for support tickets
    socket.emit('room:join', { roomName: 'support-ticket-12345' });

    // Send messages
    socket.emit('message:send', {
        roomName: 'support-ticket-12345',
        content: 'How can I help you?',
        metadata: { agentId: 'agent_001', priority: 'high' }
    });

    // Track agent typing
    socket.on('typing:event', ({ users }) => {
        displayTypingIndicator(users);
    });
}


/* 2. collaborative document editing */
function documentEditing(socket, { updateCursorDisplay }) {

    // Join document room
    socket.emit('room:join', { roomName: 'doc-abc123' });

    // Broadcast cursor position
    socket.emit('cursor:move', {
        roomName: 'doc-abc123',
        position: { line: 42, column: 15 },
        userId: 'user_123'
    });

    // Listen for other cursors
    socket.on('cursor:update', ({ userId, position }) => {
        updateCursorDisplay(userId, position);
    });

    // Send text changes
    socket.emit('text:change', {
        roomName: 'doc-abc123',
        changes: [{ start: 100, end: 105, text: 'hello' }]
    });
}


/* 3. live notifications */
function notifications(socket, { userId, showToast,
                                 updateNotificationBadge }) {

    // Subscribe to user-specific notifications
    socket.emit('room:join', { roomName: `user-${userId}-notifications` });

    // Receive notifications
    socket.on('notification:new', (notification) => {
        showToast(notification.title, notification.message);
        updateNotificationBadge();
    });

    // Mark as read
    socket.emit('notification:read', { notificationId: '123' });
}


/* 4. real-time dashboard */
function dashboard(socket, { updateChart }) {

    // Subscribe to metrics channel
    socket.emit('room:join', { roomName: 'admin-metrics' });

    // Receive metric updates
    socket.on('metrics:update', ({ metric, value, timestamp }) => {
        updateChart(metric, value, timestamp);
    });

    // Request snapshot
    socket.emit('metrics:snapshot', {
        metrics: ['users', 'revenue', 'orders']
    });
}


/* 5. multiplayer game */
function game(socket, { updateGameState, renderScene }) {

    // Join game room
    socket.emit('room:join', { roomName: 'game-session-xyz' });

    // Send player action
    socket.emit('game:action', {
        roomName: 'game-session-xyz',
        action: 'move',
        data: { x: 100, y: 200 }
    });

    // Receive game state updates
    socket.on('game:state', (state) => {
        updateGameState(state);
        renderScene();
    });
}


/* 6. video call signaling */
function videoCall(socket, { sdpOffer, iceCandidate, peerConnection }) {

    // Join call room
    socket.emit('room:join', { roomName: 'call-room-123' });

    // Send WebRTC offer
    socket.emit('webrtc:offer', {
        roomName: 'call-room-123',
        targetUserId: 'user_456',
        offer: sdpOffer
    });

    // Receive WebRTC answer
    socket.on('webrtc:answer', ({ fromUserId, answer }) => {
        peerConnection.setRemoteDescription(answer);
    });

    // Send ICE candidates
    socket.emit('webrtc:ice-candidate', {
        roomName: 'call-room-123',
        candidate: iceCandidate
    });
}


/* 7. live polls and voting */
function polls(socket, { updatePollChart }) {

    // Join poll room
    socket.emit('room:join', { roomName: 'poll-event-123' });

    // Submit vote
    socket.emit('poll:vote', {
        roomName: 'poll-event-123',
        pollId: 'poll_1',
        optionId: 'option_a'
    });

    // Watch live results
    socket.on('poll:results', ({ pollId, results }) => {
        updatePollChart(pollId, results);
    });
}


/* 8. location tracking: the driver's half and the customer's */
function driver(socket, { setInterval }) {

    // Driver joins tracking room
    socket.emit('room:join', { roomName: 'delivery-456' });

    // Driver sends location updates
    setInterval(() => {
        socket.emit('location:update', {
            roomName: 'delivery-456',
            coordinates: { lat: 37.7749, lng: -122.4194 },
            speed: 35,
            heading: 180
        });
    }, 5000);
}


function customer(socket, { updateMapMarker }) {

    // Customer watches driver location
    socket.on('location:update', ({ coordinates }) => {
        updateMapMarker(coordinates);
    });
}


/* 9. auction bidding */
function auction(socket, { updateHighestBid, updateBidHistory,
                           startCountdown }) {

    // Join auction room
    socket.emit('room:join', { roomName: 'auction-item-789' });

    // Place bid
    socket.emit('bid:place', {
        roomName: 'auction-item-789',
        amount: 1500,
        bidderId: 'user_123'
    });

    // Watch bid updates
    socket.on('bid:new', ({ amount, bidderId, timestamp }) => {
        updateHighestBid(amount);
        updateBidHistory({ amount, bidderId, timestamp });
    });

    // Auction ending soon
    socket.on('auction:ending', ({ secondsRemaining }) => {
        startCountdown(secondsRemaining);
    });
}


/* 10. social media feed */
function socialFeed(socket, { prependPostToFeed, showNotification,
                              updateLikeCount, appendComment }) {

    // Subscribe to feed
    socket.emit('room:join', { roomName: 'user-feed-123' });

    // New post appears
    socket.on('post:new', (post) => {
        prependPostToFeed(post);
        showNotification('New post from ' + post.author);
    });

    // Real-time like updates
    socket.on('post:liked', ({ postId, likeCount }) => {
        updateLikeCount(postId, likeCount);
    });

    // New comment
    socket.on('comment:new', ({ postId, comment }) => {
        appendComment(postId, comment);
    });
}


/* 11. stock market ticker */
function stockTicker(socket, { updateTickerDisplay, updateChart,
                               showAlert }) {

    // Subscribe to ticker symbols
    socket.emit('room:join', { roomName: 'ticker-AAPL' });
    socket.emit('room:join', { roomName: 'ticker-GOOGL' });

    // Receive price updates
    socket.on('price:update', ({ symbol, price, change, volume }) => {
        updateTickerDisplay(symbol, price, change);
        updateChart(symbol, price);
    });

    // Trading alerts
    socket.on('alert:trigger', ({ symbol, condition, price }) => {
        showAlert(`${symbol} ${condition} at $${price}`);
    });
}


/* 12. smart home control */
function smartHome(socket, { updateDeviceUI, triggerSecurityAlert }) {

    // Join home network room
    socket.emit('room:join', { roomName: 'home-network-001' });

    // Control device
    socket.emit('device:control', {
        roomName: 'home-network-001',
        deviceId: 'thermostat_1',
        command: 'setTemperature',
        value: 72
    });

    // Receive device status
    socket.on('device:status', ({ deviceId, status }) => {
        updateDeviceUI(deviceId, status);
    });

    // Sensor alerts
    socket.on('sensor:alert', ({ sensorId, type, value }) => {
        if (type === 'motion') {
            triggerSecurityAlert();
        }
    });
}


module.exports = {
    auction, customer, dashboard, documentEditing, driver, game, liveChat,
    notifications, polls, smartHome, socialFeed, stockTicker, videoCall
};
