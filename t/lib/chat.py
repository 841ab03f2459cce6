"""A chat of python-socketio: chat.py URL polling|websocket|upgrade.

Handlers have one parameter each, as the documentation of python-socketio has
them.  Prints a line of JSON: the name of the test, and its error or null.
"""

import asyncio
import json
import sys
import traceback

import socketio

URL, TRANSPORT = sys.argv[1:3]

TRANSPORTS = {
    'polling': ['polling'],
    'websocket': ['websocket'],
    'upgrade': None
}[TRANSPORT]


async def chat():
    sio = socketio.AsyncClient(reconnection=False)
    got = {name: asyncio.Queue() for name in (
        'connected', 'room:joined', 'message:new', 'pong')}

    def listen(name):
        async def handler(data):
            await got[name].put(data)

        sio.on(name, handler)

    for name in got:
        listen(name)

    async def one(name):
        return await asyncio.wait_for(got[name].get(), 5)

    await sio.connect(URL, transports=TRANSPORTS)
    assert (await one('connected'))['protocolVersion'] == '1.0'

    reply = await sio.call('room:join', {'roomName': 'python'}, timeout=5)
    assert reply['success'], reply
    assert (await one('room:joined'))['memberCount'] == 1

    await sio.call('message:send', {'roomName': 'python', 'content': 'Hi'},
                   timeout=5)
    assert (await one('message:new'))['content'] == 'Hi'

    await sio.emit('ping', {'timestamp': 1})
    assert (await one('pong'))['timestamp'] > 1

    await sio.disconnect()


async def main():
    error = None

    try:
        await asyncio.wait_for(chat(), 15)

    except Exception:
        error = traceback.format_exc()

    print(json.dumps({'name': 'a chat', 'error': error}), flush=True)


asyncio.run(main())
