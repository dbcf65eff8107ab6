"""Clients that stop reading are given up, with all that was kept for them."""

import asyncio

import pytest

from portal.stalling import GivesUp


class Server:
    """What a server offers an application; the client takes `reads` messages, and then none."""

    def __init__(self, reads):
        self.reads, self.sent = reads, []

    async def send(self, message):
        if len(self.sent) == self.reads:
            await asyncio.Event().wait()
        self.sent.append(message)

    async def receive(self):
        await asyncio.Event().wait()


async def listening(scope, receive, send):
    """Send without end, until the client has gone, as Django does."""

    async def sending():
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0)

    sender = asyncio.create_task(sending())
    scope["told"] = await receive()
    sender.cancel()
    try:
        await sender
    except asyncio.CancelledError:
        scope["freed"] = True


@pytest.mark.parametrize("reads", [0, 3])
def test_who_reads_nothing_has_gone(reads):
    server, scope = Server(reads), {"type": "http"}

    asyncio.run(asyncio.wait_for(GivesUp(listening, 0.05)(scope, server.receive, server.send), 5))

    assert scope == {"type": "http", "told": {"type": "http.disconnect"}, "freed": True}
    assert len(server.sent) == reads


def test_who_reads_slowly_is_served():
    class Slow(Server):
        async def send(self, message):
            await asyncio.sleep(0.03)
            self.sent.append(message)

    async def five(scope, receive, send):
        for _ in range(5):
            await send({"type": "http.response.body"})

    server = Slow(9)
    asyncio.run(GivesUp(five, 0.1)({"type": "http"}, server.receive, server.send))

    assert len(server.sent) == 5
