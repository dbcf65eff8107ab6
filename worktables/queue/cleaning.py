"""Cleaning up behind the workers, on PostgreSQL, where what is changed or taken away stays until its table is cleaned.

A queue that was worked off is all remains. They lie in the index along which every look for work hops, before what
waits: after 300,000 units a look waded through 1,250 pages, fifteen times for each edit. And each unit leaves what it
was while it was stale, so that the next change of them all finds no room beside them. The server itself looks once a
minute. SQLite keeps nothing.
"""

import logging
import threading
import time

from django.db import Error, connection

log = logging.getLogger(__name__)

WORTH_IT = 1_000  # units that a process has settled since
RESPITE = 20  # times what a cleaning has taken, until the next; so it costs a twentieth at most


class Cleaning:
    """When a process cleans up: once it has settled enough, and has not just been cleaning for long.

    Parameters
    ----------
    clean : callable, optional
        What cleans; else PostgreSQL is told to, from a thread of its own for which no unit waits.
    now : callable
        A clock, in seconds.
    """

    def __init__(self, clean=None, now=time.monotonic):
        self._clean, self.now = clean or beside, now
        self._settled, self._not_before = 0, 0.0

    def worked_off(self, settled):
        """Note that so many units were settled, and that nothing is left to do for now."""
        self._settled += settled
        if self._settled < WORTH_IT or self.now() < self._not_before:
            return
        self._settled, self._not_before = 0, float("inf")
        self._clean(self._ended, self.now())

    def _ended(self, began):
        self._not_before = self.now() + RESPITE * (self.now() - began)


def beside(ended, began):
    """Clean in a thread, and tell when it has ended."""
    if connection.vendor == "postgresql":
        threading.Thread(target=_clean, args=(ended, began), name="cleaning", daemon=True).start()


def _clean(ended, began):
    try:
        clean()
    except Error as error:
        log.warning("the queue could not be cleaned (%s)", " ".join(str(error).split()))
    finally:
        connection.close()
        ended(began)


def clean():
    """Let PostgreSQL drop what is done with, unless somebody sees to it already; readers and writers go on meanwhile.

    The files stay as long as they are: to shorten them, everybody would have to wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (SKIP_LOCKED, TRUNCATE OFF, PARALLEL 0) worktables_todo, worktables_unit")
