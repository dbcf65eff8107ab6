"""How many answers are open at once: each keeps a connection to the database, and threads, for as long as it is read.

Whoever reads slowly, or opens very many, must leave room for others. Who comes when there is none waits a moment, for
most answers are short, and is then told to come again.
"""

import ipaddress
import threading
import time
import weakref
from collections import Counter
from dataclasses import replace

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from vo.errors import VoError

WAIT_SECONDS = 2.0


class TooManyOpen(VoError):
    """There is no room for another answer."""

    code = "too-many-open"
    status = 503
    retry_seconds = 10

    def __init__(self, own):
        whose = "are being read by you, or from where you are" if own else "are being read"
        super().__init__(
            f"as many answers as can be open at once {whose}; read one to its end, or close it, and ask again in "
            f"{self.retry_seconds} seconds, or ask as an asynchronous job"
        )


class Gate:
    """Counts who has answers open in this process."""

    def __init__(self):
        self.open = Counter()
        self._changed = threading.Condition()

    def enter(self, who):
        """Let somebody have one more answer, and return what ends that; callable once or more.

        Parameters
        ----------
        who : str
            As `asked_by` names them.

        Raises
        ------
        TooManyOpen
        """
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while full := self._full(who):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TooManyOpen(full == "own")
            self.open[who] += 1
        return Once(lambda: self._leave(who))

    def _full(self, who):
        """Say what there is no room in; nothing if there is."""
        limits = settings.VO
        if self.open[who] >= limits["OPEN_ANSWERS_EACH"]:
            return "own"
        unknown = sum(n for one, n in self.open.items() if not is_known(one))
        if not is_known(who) and unknown >= limits["OPEN_ANSWERS_ANONYMOUS"]:
            return "all"
        return "all" if self.open.total() >= limits["OPEN_ANSWERS"] else ""

    def _leave(self, who):
        with self._changed:
            self.open[who] -= 1
            if not self.open[who]:
                del self.open[who]
            self._changed.notify_all()


class Once:
    """Calls what it is made of the first time it is called."""

    def __init__(self, action):
        self._actions = [action]

    def __call__(self):
        """Do it, if it was not done."""
        try:
            action = self._actions.pop()
        except IndexError:
            return
        action()


gate = Gate()


def admitted(request, make):
    """Return the answer that `make` makes; it counts as open until it is read, closed or forgotten.

    Parameters
    ----------
    request : HttpRequest
    make : callable
        Returns a `vo.tap.answering.Answer`.

    Raises
    ------
    TooManyOpen
    """
    leave = gate.enter(asked_by(request))
    try:
        found = make()
    except BaseException:
        leave()
        raise
    return replace(found, pieces=Open(found.pieces, leave))


class Open:
    """Pieces of an answer that was let in."""

    def __init__(self, pieces, leave):
        self._pieces, self._leave = pieces, leave
        weakref.finalize(self, leave)  # a generator that never began does nothing when it is closed

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self):
        """End what makes them, and make room."""
        try:
            self._pieces.close()
        finally:
            self._leave()


def asked_by(request):
    """Return under what the answers of somebody are counted: their account, else the address they come from."""
    if request.user.is_authenticated:
        return f"user {request.user.pk}"
    address = BaseThrottle().get_ident(request) or ""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return f"from {address[:100]}"
    if known.version == 6:  # one household has as many of these as it likes
        known = ipaddress.ip_network((known, 64), strict=False)
    return f"from {known}"


def is_known(who):
    """Say whether these are the answers of an account."""
    return who.startswith("user ")
