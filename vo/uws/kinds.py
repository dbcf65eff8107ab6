"""What a job can be about: who answers it."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from vo.uws.keeping import open_kept


@dataclass(frozen=True)
class Answer:
    """What came of a job; `pieces` are made while they are taken, in the thread that takes them."""

    media_type: str
    suffix: str
    pieces: Iterable[bytes]


# Given a job, who answers its kind returns an `Answer`, or something with the same three attributes; what is wrong
# with the job it raises as a `VoError`, whose sentence becomes the error of the job.
answerers: dict[str, Callable] = {}


def answer_tap(job):
    """Answer a query, with what came with it, as its owner may."""
    from vo.tap.answering import answer, read_query

    opened = ExitStack()
    try:
        files = {field: opened.enter_context(open_kept(name)) for field, name in job.files.items()}
        found = answer(read_query(job.parameters, files), job.owner or AnonymousUser())
    except BaseException:
        opened.close()
        raise
    return Answer(found.media_type, found.suffix, closing(opened, found.pieces))


def closing(opened, pieces):
    """Yield pieces, and close what they are made from after the last."""
    with opened:
        yield from pieces
