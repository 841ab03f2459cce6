'use strict';

/*
 * events.js: the events of a chat as a table: what one sends, what it is
 * answered, what the others see.  http/events.t runs it.
 */

const EVENTS = [
    'room:join', 'room:leave', 'message:send', 'typing:start', 'typing:stop',
    'presence:update', 'presence:request', 'ping', 'pong', 'cursor:move'
];

/* who is there, and whether in the room, unless the row says otherwise */
const MEMBERS = ['alice', 'device', 'bob', 'guest'];
const CAST = [...MEMBERS, 'carol', 'stranger'];

const RELAY = 'realtime_on cursor:move relay;';


/* where "event" is turned off */
function off(event) {
    return `/without-${event.replace(':', '-')}/`;
}


function location(path, more = '') {
    return `location ${path} { realtime on; realtime_on mirror ack;
                               ${/cursor:move/.test(more) ? '' : RELAY}
                               ${more} }\n`;
}


/* for the server, what locations differ from */
const SERVER = `
    realtime_limit_messages off;
    realtime_limit_room off;
    realtime_limit_connections off;
    realtime_room private-* visibility=private;
    realtime_room broadcast-* type=broadcast;
`;

const LOCATIONS = [
    location('/socket.io/'),
    location('/scoped/', 'realtime_presence_scope rooms;'),
    location('/one-message/', 'realtime_limit_messages 1 1h block=2h;'),
    location('/one-in-room/', 'realtime_limit_room 1 1h;'),

    /* the two that joining takes, and no more */
    location('/few-events/', 'realtime_limit_events 2 1h block=2h;'),

    location('/quiet/', 'realtime_presence off; realtime_typing off;'),
    ...EVENTS.map((event) => location(off(event), `realtime_on ${event} drop;`))
].join('');


/* refusals */

const INVALID = {
    code: 'VALIDATION_ERROR', message: 'The payload is not valid'
};

const OUTSIDE = { code: 'NOT_IN_ROOM', message: 'You are not in this room' };

const UNKNOWN = { code: 'UNKNOWN_EVENT', message: 'There is no such event' };

const NOBODY = {
    code: 'PERMISSION_DENIED', message: 'This is for authenticated users'
};

const READER = {
    code: 'PERMISSION_DENIED', message: 'Your token does not let you write'
};

const LISTENER = {
    code: 'PERMISSION_DENIED',
    message: 'Only those whose token lets them write may do so here'
};

const SLOW = {
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Too many messages. Please slow down.'
};

const BUSY = { ...SLOW, message: 'Too many events. Please slow down.' };


function wrong(...details) {
    return {
        ...INVALID,
        details: details.map(([path, message]) => ({ path, message }))
    };
}


/* what is wrong with values of each kind, for a field that is "expected" */

const TYPES = [
    [null, 'null'], [7, 'number'], [true, 'boolean'], [false, 'boolean'],
    ['text', 'string'], [[], 'array'], [{}, 'object'], [1.5e300, 'number']
];

function types(expected, kind = expected) {
    return TYPES.filter(([, type]) => type !== kind).map(([value, type]) => {
        return [value, `Expected ${expected}, received ${type}`];
    });
}

function length(least, most) {
    const list = [['x'.repeat(most + 1),
                   `String must contain at most ${most} character(s)`],
                  ['\u{1f680}'.repeat(most + 1),
                   `String must contain at most ${most} character(s)`]];

    return least ? [['', 'String must contain at least 1 character(s)'],
                    ...list] : list;
}

const STATUSES = "'online' | 'away' | 'busy' | 'offline'";

const FIELDS = {
    roomName: [
        [undefined, 'Required'], ...types('string'), ...length(1, 255),
        ...['Room', 'a b', 'a.b', 'a/b', '@a', 'a*', '\u00e4', 'a\0', ' a',
            '\u00e4'.repeat(255), '\ud800'].map((name) => [name, 'Invalid'])
    ],
    content: [[undefined, 'Required'], ...types('string'), ...length(1, 5000)],
    threadId: [...types('string'), ...length(0, 255)],
    metadata: types('object'),
    status: [
        [undefined, 'Required'], ...types(STATUSES, 'string'),
        ...['', 'Online', 'gone', 'online '].map((status) => {
            return [status, `Invalid enum value. Expected ${STATUSES}`];
        })
    ],
    customStatus: types('object'),
    'customStatus.text': [...types('string'), ...length(0, 100)],
    'customStatus.emoji': [...types('string'), ...length(0, 10)],
    userId: [
        [undefined, 'Required'], ...types('string'), ...length(1, 255),
        ...['a\0', '\n', 'a\x7f'].map((id) => [id, 'Invalid'])
    ],
    timestamp: [
        [undefined, 'Required'], [null, 'Expected number'],
        ['1', 'Expected number'], [-1, 'Expected number'],
        [[], 'Expected number'], [{}, 'Expected number']
    ],
    targetUserId: [
        ...types('string').filter(([value]) => value !== null)
                          .map(([value]) => [value, 'Expected string']),
        ['', 'String must contain 1 to 255 character(s)'],
        ['x'.repeat(256), 'String must contain 1 to 255 character(s)']
    ]
};

/* a payload that is right, and the fields to put something wrong into */
const PAYLOADS = {
    'room:join': [{}, ['roomName']],
    'room:leave': [{}, ['roomName']],
    'message:send': [{ content: 'x' },
                     ['roomName', 'content', 'threadId', 'metadata']],
    'typing:start': [{}, ['roomName', 'threadId']],
    'typing:stop': [{}, ['roomName', 'threadId']],
    'presence:update': [{ status: 'away' },
                        ['status', 'customStatus', 'customStatus.text',
                         'customStatus.emoji']],
    'presence:request': [{ userId: 'x' }, ['userId']],
    pong: [{ timestamp: 1 }, ['timestamp']],
    'cursor:move': [{ x: 1 }, ['roomName', 'targetUserId']]
};


/* "payload" with "value" at "path" */
function put(payload, path, value) {
    const [outer, inner] = path.split('.');

    return { ...payload, [outer]: inner ? { [inner]: value } : value };
}


/* all that is wrong with the payloads of "event": [payload, error] */
function mistakes(event) {
    const [right, fields] = PAYLOADS[event];
    const list = [];

    for (const path of fields) {
        for (const [value, message] of FIELDS[path]) {
            list.push([(c) => put({ roomName: c.room, ...right }, path, value),
                       wrong([path, message])]);
        }
    }

    if (event !== 'pong') {
        for (const [value, message] of [...types('object'),
                                        [undefined, 'Required']]) {
            list.push([() => value, wrong(['', message])]);
        }
    }

    return list;
}

const SEVERAL = [
    ['message:send', () => ({ roomName: '!', content: '', threadId: 1,
                              metadata: [] }),
     wrong(['roomName', 'Invalid'],
           ['content', 'String must contain at least 1 character(s)'],
           ['threadId', 'Expected string, received number'],
           ['metadata', 'Expected object, received array'])],
    ['presence:update', () => ({ customStatus: { text: 1, emoji: 2 } }),
     wrong(['status', 'Required'],
           ['customStatus.text', 'Expected string, received number'],
           ['customStatus.emoji', 'Expected string, received number'])],
    ['typing:start', () => ({ threadId: null }),
     wrong(['roomName', 'Required'],
           ['threadId', 'Expected string, received null'])]
];


/*
 * Rows: [name, { event, send, ... }].  "send" makes the payload.  "as" sends
 * it, alice unless named; "members" are in the room; "claims" are alice's;
 * "at" is the location alice, or "as", is connected to; "kind" begins the
 * room's name; "before" goes first.  "data" of the ack, or "error"; "sees"
 * what each gets, [event, payload] in order: who is not named gets nothing.
 * All may be functions of the cast, which has the reply as well.
 */

const target = (c) => ({ roomName: c.room });

/* the same for several */
function all(who, ...items) {
    return (c) => Object.fromEntries(who.map((w) => [w, items.map((item) => {
        return typeof item === 'function' ? item(c) : item;
    })]));
}

function message(more, sender = 'alice') {
    return (c) => ['message:new', {
        id: c.reply.data.id, roomName: c.room, userId: c[sender].user,
        content: 'Hello', ...more, timestamp: c.reply.data.timestamp
    }];
}

function hello(more) {
    return (c) => ({ roomName: c.room, content: 'Hello', ...more });
}

const stamped = (c) => ({
    id: c.reply.data.id, timestamp: c.reply.data.timestamp
});

const joined = (n) => (c) => ['room:joined', { roomName: c.room,
                                               memberCount: n }];
const count = (n) => (c) => ({ roomName: c.room, memberCount: n });
const came = (who) => (c) => ['user:joined', { roomName: c.room,
                                               userId: c[who].user }];
const went = (who) => (c) => ['user:left', { roomName: c.room,
                                             userId: c[who].user }];
const left = (c) => ['room:left', { roomName: c.room }];

const typing = (who, more) => (c) => ['typing:event', {
    roomName: c.room, ...more, users: who.map((w) => c[w].user)
}];

const status = (who, more) => (c) => ['presence:changed', {
    userId: c[who].user, ...more
}];

const moved = (more) => (c) => ['cursor:move', {
    roomName: c.room, x: 1, ...(typeof more === 'function' ? more(c) : more),
    userId: c.alice.user
}];

const OTHERS = ['device', 'bob', 'guest'];
const LONG = '\u{1f680}'.repeat(255);
const PIECE = Buffer.from([0, 1, 254, 255]);

const ROOMS = [
    ['the first of a user', {
        event: 'room:join', members: ['bob', 'guest'], data: count(3),
        sees: (c) => ({ alice: [joined(3)(c)], bob: [came('alice')(c)],
                        guest: [came('alice')(c)] })
    }],
    ['another device', {
        event: 'room:join', members: ['device', 'bob', 'guest'],
        data: count(3), sees: all(['alice'], joined(3))
    }],
    ['twice', {
        event: 'room:join', data: count(3), sees: all(['alice'], joined(3))
    }],
    ['a room that nobody is in', {
        event: 'room:join', members: [], data: count(1),
        sees: all(['alice'], joined(1))
    }],
    ['without a token', {
        event: 'room:join', as: 'stranger', data: count(4),
        sees: (c) => ({ ...all(MEMBERS, came('stranger'))(c),
                        stranger: [joined(4)(c)] })
    }],
    ['a token that names the room', {
        event: 'room:join', members: ['bob'], data: count(2),
        claims: (c) => ({ rooms: ['other', c.room] }),
        sees: (c) => ({ alice: [joined(2)(c)], bob: [came('alice')(c)] })
    }],
    ['a token that names others', {
        event: 'room:join', members: ['bob'], claims: { rooms: ['lobby-*'] },
        error: { code: 'ROOM_ACCESS_DENIED',
                 message: 'Your token does not name this room' }
    }],
    ['a token that names none', {
        event: 'room:join', members: ['bob'], claims: { rooms: [] },
        error: { code: 'ROOM_ACCESS_DENIED',
                 message: 'Your token does not name this room' }
    }],
    ['a private room, a token that names it', {
        event: 'room:join', kind: 'private-', members: [], data: count(1),
        claims: { rooms: ['private-*'] }, sees: all(['alice'], joined(1))
    }],
    ['a private room, a token without rooms', {
        event: 'room:join', kind: 'private-', members: [],
        error: { code: 'ROOM_ACCESS_DENIED', message: 'This room is private' }
    }],
    ['a private room, no token', {
        event: 'room:join', kind: 'private-', members: [], as: 'stranger',
        error: { code: 'ROOM_ACCESS_DENIED', message: 'This room is private' }
    }],
    ['one device of two', {
        event: 'room:leave', sees: all(['alice'], left)
    }],
    ['the last device', {
        event: 'room:leave', members: ['alice', 'bob', 'guest'],
        sees: (c) => ({ alice: [left(c)], ...all(['bob', 'guest'],
                                                 went('alice'))(c) })
    }],
    ['without a token', {
        event: 'room:leave', as: 'guest',
        sees: (c) => ({ guest: [left(c)],
                        ...all(['alice', 'device', 'bob'], went('guest'))(c) })
    }],
    ['not in the room', {
        event: 'room:leave', as: 'carol', sees: all(['carol'], left)
    }],
    ['one who may only read', {
        event: 'room:leave', members: ['alice', 'bob'],
        claims: { permissions: ['read'] },
        sees: (c) => ({ alice: [left(c)], bob: [went('alice')(c)] })
    }]
];

const MESSAGES = [
    ['a text', { send: hello(), sees: all(MEMBERS, message()) }],
    ['with a thread and metadata', {
        send: hello({ threadId: LONG, metadata: { a: [1, { b: null }] } }),
        sees: all(MEMBERS, message({ threadId: LONG,
                                     metadata: { a: [1, { b: null }] } }))
    }],
    ['an empty thread, empty metadata', {
        send: hello({ threadId: '', metadata: {} }),
        sees: all(MEMBERS, message({ threadId: '', metadata: {} }))
    }],
    ['metadata with an attachment', {
        send: hello({ metadata: { PIECE } }),
        sees: all(MEMBERS, message({ metadata: { PIECE } }))
    }],
    ['fields that are not known are dropped', {
        send: hello({ userId: 'root', id: 'x', timestamp: 1, admin: true }),
        sees: all(MEMBERS, message())
    }],
    ['markup is cleaned', {
        send: hello({ content: '<b onclick=x>a</b><script>y</script> & z' }),
        sees: all(MEMBERS, message({ content: '<b>a</b> &amp; z' }))
    }],
    ['text is left alone', {
        send: hello({ content: 'a & b > c "d"\0 &lt;' }),
        sees: all(MEMBERS, message({ content: 'a & b > c "d"\0 &lt;' }))
    }],
    ['without a token', {
        send: hello(), as: 'guest', sees: all(MEMBERS, message({}, 'guest'))
    }],
    ['one who may write only hears nothing', {
        send: hello(), claims: { permissions: ['write'] },
        sees: all(OTHERS, message())
    }],
    ['one who may read and write', {
        send: hello(), claims: { permissions: ['write', 'read'] },
        sees: all(MEMBERS, message())
    }],
    ['one who may only read', {
        send: hello(), claims: { permissions: ['read'] }, error: READER
    }],
    ['one who may do something else', {
        send: hello(), claims: { permissions: ['admin'] }, error: READER
    }],
    ['broadcast, a token that lets write', {
        send: hello(), kind: 'broadcast-',
        claims: { permissions: ['read', 'write'] },
        sees: all(MEMBERS, message())
    }],
    ['broadcast, a token without permissions', {
        send: hello(), kind: 'broadcast-', error: LISTENER
    }],
    ['broadcast, no token', {
        send: hello(), kind: 'broadcast-', as: 'guest', error: LISTENER
    }],
    ['broadcast, one who may only read', {
        send: hello(), kind: 'broadcast-', claims: { permissions: ['read'] },
        error: READER
    }],
    ['over the limit of a user', {
        send: hello(), at: '/one-message/',
        error: { ...SLOW, retryAfter: 7200 },
        before: (c) => c.alice.ask('message:send', hello()(c))
    }],
    ['over the limit of a user, in another room', {
        send: (c) => ({ ...hello()(c), roomName: c.fence }),
        at: '/one-message/', error: { ...SLOW, retryAfter: 7200 },
        before: (c) => c.alice.ask('message:send', hello()(c))
    }],
    ['over the limit of a room', {
        send: hello(), at: '/one-in-room/',
        error: { ...SLOW, retryAfter: 3600 },
        before: (c) => c.alice.ask('message:send', hello()(c))
    }],
    ['what is refused does not count', {
        send: hello(), at: '/one-message/', sees: all(MEMBERS, message()),
        before: async (c) => {
            await c.alice.ask('message:send', { roomName: c.room });
            await c.alice.ask('message:send', { roomName: 'a', content: 'x' });
        }
    }]
].map(([name, row]) => [name, {
    event: 'message:send', data: row.error ? undefined : stamped, ...row
}]);

const typed = (more) => (c) => c.alice.ask('typing:start',
                                            { roomName: c.room, ...more });

const TYPING = [
    ['the first', {
        event: 'typing:start', sees: all(OTHERS, typing(['alice']))
    }],
    ['in a thread', {
        event: 'typing:start', send: (c) => ({ roomName: c.room,
                                               threadId: 't' }),
        sees: all(OTHERS, typing(['alice'], { threadId: 't' }))
    }],
    ['beside another', {
        event: 'typing:start',
        before: (c) => c.bob.ask('typing:start', { roomName: c.room }),
        sees: all(OTHERS, typing(['bob', 'alice']))
    }],
    ['again', { event: 'typing:start', before: typed() }],
    ['again, on another device', {
        event: 'typing:start', as: 'device', before: typed()
    }],
    ['one who may write only', {
        event: 'typing:start', claims: { permissions: ['write'] },
        sees: all(OTHERS, typing(['alice']))
    }],
    ['one who may only read', {
        event: 'typing:start', claims: { permissions: ['read'] },
        error: READER
    }],
    ['broadcast, a token without permissions', {
        event: 'typing:start', kind: 'broadcast-', error: LISTENER
    }],
    ['the only one', {
        event: 'typing:stop', before: typed(),
        sees: all(OTHERS, typing([]))
    }],
    ['beside another', {
        event: 'typing:stop', sees: all(OTHERS, typing(['bob'])),
        before: async (c) => {
            await typed()(c);
            await c.bob.ask('typing:start', { roomName: c.room });
        }
    }],
    ['in a thread', {
        event: 'typing:stop', before: typed({ threadId: 't' }),
        send: (c) => ({ roomName: c.room, threadId: 't' }),
        sees: all(OTHERS, typing([], { threadId: 't' }))
    }],
    ['in another thread', {
        event: 'typing:stop', before: typed({ threadId: 't' })
    }],
    ['who did not type', { event: 'typing:stop' }],
    ['who may only read', {
        event: 'typing:stop', claims: { permissions: ['read'] }
    }],
    ...['typing:start', 'typing:stop'].flatMap((event) => [
        ['without a token', { event, as: 'guest', error: NOBODY }],
        ['without a token, not in the room', { event, as: 'stranger',
                                               error: NOBODY }],
        ['not in the room', { event, as: 'carol', error: OUTSIDE }],
        ['turned off by realtime_typing', { event, at: '/quiet/',
                                            error: UNKNOWN }]
    ])
];

const custom = { text: 'At "lunch"', emoji: '\u{1f355}' };
const TEN = '\u{1f355}'.repeat(10);

const PRESENCE = [
    ['a status', {
        event: 'presence:update', send: () => ({ status: 'busy' }),
        sees: all(CAST, status('alice', { status: 'busy' }))
    }],
    ['with a text and an emoji', {
        event: 'presence:update',
        send: () => ({ status: 'away', customStatus: custom, userId: 'x' }),
        sees: all(CAST, status('alice', { status: 'away',
                                          customStatus: custom }))
    }],
    ['with the longest text and emoji', {
        event: 'presence:update',
        send: () => ({ status: 'away', customStatus: {
            text: LONG.slice(0, 200), emoji: TEN } }),
        sees: all(CAST, status('alice', { status: 'away', customStatus: {
            text: LONG.slice(0, 200), emoji: TEN } }))
    }],
    ['the custom status stays', {
        event: 'presence:update', send: () => ({ status: 'online' }),
        before: (c) => c.device.ask('presence:update', {
            status: 'away', customStatus: custom }),
        sees: all(CAST, status('alice', { status: 'online',
                                          customStatus: custom }))
    }],
    ['the custom status goes', {
        event: 'presence:update',
        send: () => ({ status: 'online', customStatus: {} }),
        before: (c) => c.device.ask('presence:update', {
            status: 'away', customStatus: custom }),
        sees: all(CAST, status('alice', { status: 'online' }))
    }],
    ['one who may only read', {
        event: 'presence:update', send: () => ({ status: 'offline' }),
        claims: { permissions: ['read'] },
        sees: all(CAST, status('alice', { status: 'offline' }))
    }],
    ['without a token', {
        event: 'presence:update', as: 'guest', send: () => ({ status: 'busy' }),
        error: NOBODY
    }],
    ['of another', {
        event: 'presence:request', send: (c) => ({ userId: c.bob.user }),
        data: (c) => status('bob', { status: 'online' })(c)[1],
        sees: all(['alice'], status('bob', { status: 'online' }))
    }],
    ['with a custom status, without a token', {
        event: 'presence:request', as: 'stranger',
        send: (c) => ({ userId: c.bob.user }),
        before: (c) => c.bob.ask('presence:update', {
            status: 'busy', customStatus: custom }),
        data: (c) => status('bob', { status: 'busy',
                                     customStatus: custom })(c)[1],
        sees: all(['stranger'], status('bob', { status: 'busy',
                                                customStatus: custom }))
    }],
    ['of somebody nobody knows', {
        event: 'presence:request', send: () => ({ userId: 'nobody' }),
        data: { userId: 'nobody', status: 'offline' },
        sees: { alice: [['presence:changed', { userId: 'nobody',
                                               status: 'offline' }]] }
    }],
    ['scope rooms, of a member', {
        event: 'presence:request', at: '/scoped/',
        send: (c) => ({ userId: c.bob.user }),
        data: (c) => status('bob', { status: 'online' })(c)[1],
        sees: all(['alice'], status('bob', { status: 'online' }))
    }],
    ['scope rooms, of another', {
        event: 'presence:request', at: '/scoped/',
        send: () => ({ userId: 'nobody' }),
        error: { code: 'PERMISSION_DENIED',
                 message: 'You are in no room with this user' }
    }],
    ['update, turned off by realtime_presence', {
        event: 'presence:update', at: '/quiet/', error: UNKNOWN
    }],
    ['request, turned off by realtime_presence', {
        event: 'presence:request', at: '/quiet/', error: UNKNOWN
    }]
];

const PINGS = [
    ['with a token', {
        event: 'ping', data: (c) => ({ timestamp: c.reply.data.timestamp }),
        sees: (c) => ({ alice: [['pong', c.reply.data]] })
    }],
    ['without a token', {
        event: 'ping', as: 'stranger', send: () => 'whatever',
        data: (c) => ({ timestamp: c.reply.data.timestamp }),
        sees: (c) => ({ stranger: [['pong', c.reply.data]] })
    }],
    ['with a token', { event: 'pong', send: () => ({ timestamp: 1 }) }],
    ['without a token, ahead of the clock', {
        event: 'pong', as: 'stranger', send: () => ({ timestamp: 9e15 })
    }]
];

const MOVES = [
    ['to the others', {
        send: (c) => ({ roomName: c.room, x: 1, userId: 'root',
                        fromUserId: 'root' }),
        sees: all(OTHERS, moved())
    }],
    ['without a token', {
        as: 'guest', send: (c) => ({ x: 1, roomName: c.room }),
        sees: all(['alice', 'device', 'bob'], (c) => ['cursor:move', {
            roomName: c.room, x: 1, userId: null }])
    }],
    ['to one user', {
        send: (c) => ({ roomName: c.room, x: 1, targetUserId: c.bob.user,
                        fromUserId: 'root', userId: 'root' }),
        sees: all(['bob'], moved((c) => ({ targetUserId: c.bob.user,
                                           fromUserId: c.alice.user })))
    }],
    ['to the other devices of oneself', {
        send: (c) => ({ roomName: c.room, x: 1, targetUserId: c.alice.user }),
        sees: all(['device'], moved((c) => ({ targetUserId: c.alice.user,
                                              fromUserId: c.alice.user })))
    }],
    ['to one who is not in the room', {
        send: (c) => ({ roomName: c.room, targetUserId: c.carol.user })
    }],
    ['to one who is not there', {
        send: (c) => ({ roomName: c.room, targetUserId: 'nobody' })
    }],
    ['to nobody in particular', {
        send: (c) => ({ roomName: c.room, x: 1, targetUserId: null }),
        sees: all(OTHERS, moved({ targetUserId: null }))
    }],
    ['with an attachment', {
        send: (c) => ({ roomName: c.room, x: 1, data: [PIECE] }),
        sees: all(OTHERS, moved({ data: [PIECE] }))
    }],
    ['one who may write only', {
        send: (c) => ({ roomName: c.room, x: 1 }),
        claims: { permissions: ['write'] }, sees: all(OTHERS, moved())
    }],
    ['one who may only read', {
        claims: { permissions: ['read'] }, error: READER
    }],
    ['broadcast, a token without permissions', {
        kind: 'broadcast-', error: LISTENER
    }],
    ['broadcast, no token', { kind: 'broadcast-', as: 'guest',
                              error: LISTENER }]
].map(([name, row]) => [name, { event: 'cursor:move', ...row }]);


/* the same for every event, or for most */
const EVERY = EVENTS.flatMap((event) => [
    ['over the limit of events', {
        event, at: '/few-events/', error: { ...BUSY, retryAfter: 7200 }
    }],
    ['turned off', { event, at: off(event), silent: true }]
]).concat(['message:send', 'cursor:move'].flatMap((event) => [
    ['not in the room', { event, as: 'carol', send: hello(), error: OUTSIDE }],
    ['not in the room, without a token', { event, as: 'stranger',
                                           send: hello(), error: OUTSIDE }],
    ['a room that is not there', {
        event, send: () => ({ roomName: 'nowhere', content: 'x' }),
        error: OUTSIDE
    }]
]), [['no such event', { event: 'presence', error: UNKNOWN }],
     ['an event with an empty name', { event: '', error: UNKNOWN }]]);


const ROWS = [...ROOMS, ...MESSAGES, ...TYPING, ...PRESENCE, ...PINGS,
              ...MOVES, ...EVERY];

module.exports = {
    CAST, LOCATIONS, MEMBERS, PAYLOADS, ROWS, SERVER, SEVERAL, mistakes, off,
    target
};
