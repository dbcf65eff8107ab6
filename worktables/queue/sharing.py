"""Sharing a worker's time: of several users whose work is equally urgent, who has had least of it goes first.

Each process shares its own time, and asks no other: what every worker divides evenly is divided evenly over all hosts,
and no row is written for it. It is start-time fair queueing (Goyal, Vin & Cheng 1997): while two users have work that
the worker could do, the seconds it has given them differ by two batches at most. Who comes begins where those stand
who are served just now, so that nobody saves time up by being idle, nor pays for what they used while alone.
"""

import time
from contextlib import contextmanager
from typing import NamedTuple

RESPITE = 10  # times what a look in vain has taken, until the next; so looking costs a tenth at most


class Waiting(NamedTuple):
    """Units of one step that one user has asked for, and that nobody has."""

    step_id: int
    asked_by: int
    project_id: int
    urgency: int
    limited: bool


class Shares:
    """What a process has given to each user, for each urgency, in seconds.

    Parameters
    ----------
    now : callable
        A clock, in seconds.
    """

    def __init__(self, now=time.monotonic):
        self.now = now
        self._given = {}
        self._level = {}  # where they stand who are served
        self._respite = {}

    def in_turn(self, waiting):
        """Return what waits in the order in which it is to be taken: the most urgent, and then by who has had least.

        Of the equally urgent, where somebody has just looked at length and in vain is looked last.
        """
        now = self.now()
        self._respite = {what: until for what, until in list(self._respite.items()) if until > now}

        def turn(each):
            rests = (each.step_id, each.asked_by) in self._respite
            return -each.urgency, rests, self._start(each.urgency, each.asked_by)

        return sorted(waiting, key=turn)

    def looked_in_vain(self, each, since):
        """Note that nothing of this could run, which took a while where much waits for what is above it."""
        now = self.now()
        self._respite[each.step_id, each.asked_by] = now + RESPITE * (now - since)

    @contextmanager
    def charged(self, batch):
        """Charge what is done meanwhile to whoever asked for the batch."""
        urgency, user, began = batch.urgency, batch.asked_by or 0, self.now()
        try:
            yield
        finally:
            self._charge(urgency, user, self.now() - began)

    def _start(self, urgency, user):
        level = self._level.get(urgency, 0.0)
        return max(self._given.get((urgency, user), level), level)

    def _charge(self, urgency, user, seconds):
        level = self._level[urgency] = self._start(urgency, user)
        self._given[urgency, user] = level + seconds
        # Whoever stands below the level would begin there anyway.
        behind = [one for one, given in list(self._given.items()) if one[0] == urgency and given <= level]
        for one in behind:
            self._given.pop(one, None)
