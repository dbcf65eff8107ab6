"""Stopping from outside what a thread is doing: it says how, and whoever has a reason does it.

A query that is deep in the database looks at nothing; only its connection can be told from another thread
(``sqlite3.Connection.interrupt``, ``psycopg2``'s ``connection.cancel``). Where nobody may halt a thread, saying how
costs nothing and has no effect.
"""

import threading
from contextlib import contextmanager

_here = threading.local()


class Halted(Exception):
    """What ran was stopped from outside."""


class Halt:
    """What can stop one thread: once halted it stays so, and whatever it begins then is stopped, too."""

    def __init__(self):
        self.why = None
        self._ways = []
        self._lock = threading.Lock()

    def halt(self, why):
        """Stop what the thread is doing; asked again, it is stopped again, for the first reason.

        Parameters
        ----------
        why : object
            The reason, for whoever finds the thread stopped.
        """
        with self._lock:
            if self.why is None:
                self.why = why
            for way in self._ways:
                way()

    def check(self):
        """Raise `Halted` if the thread shall stop."""
        if self.why is not None:
            raise Halted(self.why)

    def add(self, way):
        """Know another way to stop what the thread is doing."""
        with self._lock:
            self._ways.append(way)

    def drop(self, way):
        """Forget a way; when this returns nobody uses it any more."""
        with self._lock:
            self._ways.remove(way)


@contextmanager
def may_be_halted(halt):
    """Let a halt stop this thread."""
    _here.halt = halt
    try:
        yield halt
    finally:
        _here.halt = None


@contextmanager
def halted_by(way):
    """Say how to stop what this thread does within.

    Parameters
    ----------
    way : callable
        Called from another thread, perhaps several times; must not wait.

    Raises
    ------
    Halted
        If it shall not even begin.
    """
    halt = getattr(_here, "halt", None)
    if halt is None:
        yield
        return
    halt.add(way)
    try:
        halt.check()
        yield
    finally:
        halt.drop(way)


def is_halted():
    """Say whether this thread shall stop."""
    halt = getattr(_here, "halt", None)
    return halt is not None and halt.why is not None
