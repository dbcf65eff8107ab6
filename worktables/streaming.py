"""Answering with bytes that come one piece at a time, under both kinds of server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header


def stream(request, pieces, *, media_type, filename, size=None):
    """Answer with a file whose `pieces` a generator makes while they are sent.

    Parameters
    ----------
    request : HttpRequest or rest_framework Request
    pieces : generator of bytes
        Closed when the last piece is sent or the client has gone, in the thread in which it ran.
    media_type, filename : str
    size : int, optional
        In bytes, where it is known.
    """
    if isinstance(getattr(request, "_request", request), ASGIRequest):
        pieces = FromAThread(pieces)  # or Django would read all of it into memory first
        leave_the_database()
    response = StreamingHttpResponse(pieces, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, filename)
    if size is not None:
        response["Content-Length"] = size
    return response


class FromAThread:
    """The pieces of a generator that runs in one thread of its own, never ahead of who reads.

    A database connection lives in the thread that opened it, so it must always be the same one.
    """

    def __init__(self, pieces):
        self._pieces, self._closed = pieces, False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="download")

    def __aiter__(self):
        return self

    async def __anext__(self):
        loop = asyncio.get_running_loop()
        try:
            piece = await loop.run_in_executor(self._thread, next, self._pieces, None)
        except BaseException:
            self.close()
            raise
        if piece is None:
            self.close()
            raise StopAsyncIteration
        return piece

    def close(self):
        """Close the generator in its thread; Django calls this when the client has left, where nothing may wait."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._pieces.close)
            self._thread.shutdown(wait=False)

    __del__ = close


def leave_the_database(**_):
    """Close the connections of this thread: whoever streams has others, and the thread lives as long as the request."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def file_pieces(opened, size=1 << 18):
    """Yield the file that `opened()` opens in pieces, and close it; it is not opened before the first is asked for."""
    with opened() as file:
        while piece := file.read(size):
            yield piece
