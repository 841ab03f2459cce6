'use strict';

/*
 * What the users' applications give their pages, as they have it.
 */

const jwt = require('jsonwebtoken');


// Server-side: Generate JWT token for client
function generateRealtimeToken(userId, metadata) {
    return jwt.sign(
        {
            userId,
            type: 'realtime',
            ...metadata
        },
        process.env.REALTIME_JWT_SECRET,
        {
            expiresIn: '24h',
            issuer: 'your-app',
            audience: 'realtime-server'
        }
    );
}


module.exports = { generateRealtimeToken };
