"""What a job can be about: who answers it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from vo.adql import AdqlError
from vo.errors import VoError
from vo.halting import is_halted
from vo.tap.answering import answer
from vo.tap.asking import read_query
from vo.uws.keeping import open_kept
from worktables.formats import FormatError


@dataclass(frozen=True)
class Answer:
    """What came of a job; `pieces` are made while they are taken, in the thread that takes them."""

    media_type: str
    suffix: str
    pieces: Iterable[bytes]


def answer_tap(job):
    """Answer a query, with what came with it, as its owner may."""
    files = {}
    for field, name in job.files.items():
        with open_kept(name) as file:
            files[field] = file.read()
    try:
        query = read_query(job.parameters, files, job.base)
        found = answer(query, job.owner or AnonymousUser(), seconds=job.execution_duration, stopped=is_halted)
    except (AdqlError, FormatError) as error:
        raise Refused(str(error)) from error
    return Answer(found.media_type, found.suffix, found.pieces)


class Refused(VoError):
    """What a job asks for cannot be had, in the words of whoever found out."""


# Given a job, who answers its kind returns an `Answer`; what is wrong with the job is raised as a `VoError`, whose
# sentence becomes the error of the job.
answerers: dict[str, Callable] = {"tap": answer_tap}
