"""A session of python-socketio: client.py URL polling|websocket|upgrade.

Prints a line of JSON for each test: its name, and its error or null.
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

TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


class Client:
    """A connected client whose events wait in queues."""

    def __init__(self, namespaces=('/',), auth=None):
        self.namespaces = list(namespaces)
        self.auth = auth
        self.events = asyncio.Queue()
        self.sio = socketio.AsyncClient(reconnection=False)

        for nsp in self.namespaces:
            for event in ('auth', 'message-back', 'disconnect'):
                self.listen(event, nsp)

    def listen(self, event, nsp):
        async def handler(*args):
            await self.events.put((nsp, event, list(args)))

        self.sio.on(event, handler, namespace=nsp)

    async def __aenter__(self):
        await self.sio.connect(URL, transports=TRANSPORTS, auth=self.auth,
                               namespaces=self.namespaces)

        for _ in self.namespaces:
            nsp, event, args = await self.next()
            same(event, 'auth')
            same(args, [self.auth or {}])

        return self

    async def __aexit__(self, *args):
        await self.sio.disconnect()

    async def next(self):
        return await asyncio.wait_for(self.events.get(), 5)


def same(got, expected):
    if got != expected:
        raise AssertionError(f'got {got!r}, expected {expected!r}')


@test
async def connects():
    async with Client() as c:
        same(c.sio.connected, True)
        same(c.sio.transport(), 'polling' if TRANSPORT == 'polling'
             else 'websocket')


@test
async def auth_payload():
    async with Client(auth={'token': 'abc'}):
        pass


@test
async def events():
    async with Client() as c:
        args = (1, 'two ü', {'three': [True, None]})
        await c.sio.emit('message', args)
        same(await c.next(), ('/', 'message-back', list(args)))


@test
async def acks():
    async with Client() as c:
        reply = await c.sio.call('message-with-ack', (1, 'x'), timeout=5)
        same(reply, (1, 'x'))


@test
async def binary():
    async with Client() as c:
        await c.sio.emit('message', (b'\x00\x01\xff', {'deep': [b'x']}))
        same(await c.next(), ('/', 'message-back',
                              [b'\x00\x01\xff', {'deep': [b'x']}]))


@test
async def binary_ack():
    async with Client() as c:
        data = bytes(range(256)) * 100
        same(await c.sio.call('message-with-ack', data, timeout=5), data)


@test
async def many_messages():
    async with Client() as c:
        for i in range(100):
            await c.sio.emit('message', i)

        for i in range(100):
            same(await c.next(), ('/', 'message-back', [i]))


@test
async def many_answers_to_one_poll():
    async with Client() as c:
        await asyncio.gather(*[c.sio.emit('message', i) for i in range(16)])
        got = [(await c.next())[2][0] for _ in range(16)]
        same(sorted(got), list(range(16)))


@test
async def namespaces():
    async with Client(namespaces=('/', '/custom')) as c:
        await c.sio.emit('message', 1, namespace='/custom')
        same(await c.next(), ('/custom', 'message-back', [1]))
        await c.sio.emit('message', 2)
        same(await c.next(), ('/', 'message-back', [2]))


@test
async def unknown_namespace():
    sio = socketio.AsyncClient(reconnection=False)

    try:
        await sio.connect(URL, transports=TRANSPORTS, namespaces=['/random'])

    except socketio.exceptions.ConnectionError:
        return

    finally:
        await sio.disconnect()

    raise AssertionError('connected')


@test
async def connect_again():
    c = Client()

    for _ in range(2):
        async with c:
            same(await c.sio.call('message-with-ack', 1, timeout=5), 1)

        same((await c.next())[1], 'disconnect')

        # what is left of a connection would send the packets of the next one
        await asyncio.wait([c.sio.eio.read_loop_task,
                            c.sio.eio.write_loop_task], timeout=5)


async def main():
    for fn in TESTS:
        error = None

        try:
            await asyncio.wait_for(fn(), 15)

        except Exception:
            error = traceback.format_exc()

        print(json.dumps({'name': fn.__name__.replace('_', ' '),
                          'error': error}), flush=True)


asyncio.run(main())
