"""Errands: other work that the same workers do, brought by a floor above that this one does not know.

Each process that computes units has one thread that looks for errands, at the same wake-ups as the queue. It never
computes itself: what takes longer, an errand does in threads of its own, beside the units and never in their place.
"""

import logging
import threading

from django.conf import settings
from django.db import Error, connection

from worktables.queue.classes import LINKS, taken_here
from worktables.queue.waiting import Waiting

log = logging.getLogger(__name__)

# An errand may start a quarter of a second late: four looks in a second cost a worker that rests nothing.
AWAKE, DOZING = 0.05, 0.25


class Errand:
    """What a floor above has workers do; it adds one of these to `errands` when it is loaded."""

    def look(self, stop):
        """Begin what there is to do, and return whether there was anything.

        Parameters
        ----------
        stop : threading.Event
            Set when the worker leaves; what was begun is then given back within a second.
        """
        raise NotImplementedError

    def leave(self):
        """Wait until what was begun has ended, or is given back."""

    def tidy(self, now):
        """Remove what is kept no longer; about once in an hour.

        Parameters
        ----------
        now : datetime
        """


errands: list[Errand] = []


def run_errands(stop, takes=None):
    """Do errands from a thread of this process, until `stop` is set; they count as light work.

    Parameters
    ----------
    stop : threading.Event
    takes : sequence of str, optional
        The classes of work that this worker takes, if not those of STOA_TAKES.

    Returns
    -------
    threading.Thread
    """
    willing = LINKS in (taken_here() if takes is None else takes)
    thread = threading.Thread(
        target=look_for_errands, args=(errands if willing else (), stop), name="errands", daemon=True
    )
    thread.start()
    return thread


def look_for_errands(errands, stop):
    """Look whenever there may be something to do; a database that is away is asked again a second later."""
    waiting = Waiting(AWAKE, DOZING)
    while errands and not stop.is_set():
        try:
            # Not only the first that has something: one that is busy must not keep another waiting.
            if any([errand.look(stop) for errand in errands]):
                waiting.worked()
            waiting.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"], stop)
        except Error as error:
            log.warning("the database refused an errand (%s); trying again in a second", str(error).strip())
            connection.close()
            waiting = Waiting(AWAKE, DOZING)
            stop.wait(1.0)
    for errand in errands:
        errand.leave()
    connection.close()
