"""Jobs that do very little, for as long as is asked; and where they are in the tests."""

import os
import signal
import time

from django.db import connections
from django.urls import include, path

from vo.errors import VoError
from vo.halting import halted_by
from vo.uws.kinds import Answer
from vo.uws.urls import job_addresses

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


class Refused(VoError):
    """The toy was asked to refuse."""


def answer_toy(job):
    """Count to N, with SECONDS between two numbers; or do what else the parameters say."""

    def said(name, default=""):
        return job.parameters.get(name, [default])[-1]

    if said("REFUSE"):
        raise Refused(said("REFUSE"))
    if said("BREAK"):
        raise ZeroDivisionError("a secret of ours")
    if said("KILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    if said("SHOUT"):
        return Answer("text/plain", ".txt", shouted(job, said("SHOUT")))
    if said("ENDLESS"):
        return Answer("text/plain", ".txt", endless())
    return Answer("text/plain", ".txt", counted(int(said("N", "3")), float(said("SECONDS", "0"))))


def counted(n, seconds):
    """Yield lines with the numbers to n."""
    for number in range(1, n + 1):
        time.sleep(seconds)
        yield f"{number}\n".encode()


def shouted(job, field):
    """Yield what came in a file, in capitals."""
    from vo.uws.keeping import open_kept

    with open_kept(job.files[field]) as file:
        yield file.read().upper()


def endless():
    """Ask the database something it never answers."""
    connection = connections["default"]
    with connection.cursor() as cursor:
        raw = connection.connection
        way = raw.interrupt if connection.vendor == "sqlite" else raw.cancel
        with halted_by(way):
            cursor.execute(ENDLESS[connection.vendor])
    yield b"it ended\n"


urlpatterns = [*job_addresses("toy", "toys"), path("", include("portal.urls"))]
