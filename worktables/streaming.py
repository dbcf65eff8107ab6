"""Answering with bytes that come one piece at a time, under both kinds of server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.core.handlers.asgi import ASGIRequest
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
        pieces = from_a_thread(pieces)  # or Django would read all of it into memory first
    response = StreamingHttpResponse(pieces, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, filename)
    if size is not None:
        response["Content-Length"] = size
    return response


async def from_a_thread(pieces):
    """Yield the pieces of a generator that runs in one thread of its own, never ahead of who reads.

    A database connection lives in the thread that opened it, so it must always be the same one.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="download")
    try:
        while (piece := await loop.run_in_executor(thread, next, pieces, None)) is not None:
            yield piece
    finally:  # also when the client has left: nothing here may wait
        thread.submit(pieces.close)
        thread.shutdown(wait=False)


def file_pieces(opened, size=1 << 18):
    """Yield the file that `opened()` opens in pieces, and close it; it is not opened before the first is asked for."""
    with opened() as file:
        while piece := file.read(size):
            yield piece
