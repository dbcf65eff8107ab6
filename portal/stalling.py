"""Giving up on clients that stop reading: what is made for them would wait, with all it holds, as long as they do."""

import asyncio
import socket


class GivesUp:
    """An ASGI application whose answers end as if the client had gone, once it has read nothing for a while.

    A server hands on what an application sends as fast as it is read, and holds `send` back meanwhile.

    Parameters
    ----------
    application : ASGI application
    seconds : float
        For how long a client may read nothing.
    """

    def __init__(self, application, seconds):
        self.application, self.seconds = application, seconds

    async def __call__(self, scope, receive, send):
        """Answer a request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        stalled = asyncio.Event()

        async def send_in_time(message):
            try:
                async with asyncio.timeout(self.seconds):
                    await send(message)
            except TimeoutError:
                stalled.set()
                await asyncio.Event().wait()  # until whoever sends is told that the client has gone

        await self.application(scope, lambda: receive_unless(stalled, receive), send_in_time)


async def receive_unless(stalled, receive):
    """Return what comes from a client, or that it has gone when it has stalled."""
    coming, waiting = asyncio.ensure_future(receive()), asyncio.ensure_future(stalled.wait())
    try:
        await asyncio.wait((coming, waiting), return_when=asyncio.FIRST_COMPLETED)
        return {"type": "http.disconnect"} if stalled.is_set() else coming.result()
    finally:
        for task in (coming, waiting):
            task.cancel()


def end_stalled(listening, seconds):
    """Have the system cut connections accepted here on which nothing was read for a while, where it can.

    What the server has buffered for such a client would else keep its socket open.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
