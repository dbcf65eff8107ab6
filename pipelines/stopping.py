"""Stopping a step from outside: what a thread executes at this moment, and how another thread ends it.

A step is a function in a process that others share, so it cannot simply be killed. It gets an exception, at the next
line of Python that it reaches; a program it started (`pipelines.programs`) looks for itself. What heeds neither is for
whoever owns the process.
"""

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipelines.contract import StepFailed

SIGNAL = signal.SIGURG  # ignored by whoever does not ask for it


class Stopped(BaseException):
    """Raised in a step that shall not go on. No `Exception`: a step that mends its own errors must not mend this."""


class Halt:
    """Whether one call shall stop, and why: `Stopped` if nobody wants it any more, `StepFailed` if it is at fault."""

    __slots__ = ("watch", "why")

    def __init__(self, watch: "Watch | None" = None) -> None:
        self.watch = watch
        self.why: BaseException | None = None

    @property
    def wanted(self) -> bool:
        """Whether the call shall stop."""
        return self.why is not None or (self.watch is not None and self.watch.overdue)

    def check(self) -> None:
        """Raise `Stopped` if the call shall stop."""
        if self.wanted:
            raise Stopped

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let no exception come from outside while this runs; before and after, the call stops if it shall."""
        if self.watch is None:
            self.check()
            yield
        else:
            self.watch.enter_shelter()
            try:
                self.check()
                yield
            finally:
                self.watch.leave_shelter()
        self.check()


class Watch:
    """What one thread executes, for another that looks on.

    `run` is for the thread that works, `look` for the one that watches. However late a stop comes, nothing of it
    is left when `run` has returned: what follows is written to the database.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = 0
        self._halts: Sequence[Halt] = ()
        self._seconds: float | None = None
        self._began = 0.0
        self._raised = self._by_signal = False
        self._shelters = 0
        self._stopping_since: float | None = None
        self.overdue = False

    def hear_signals(self) -> None:
        """Let a signal wake this thread, the main one of its process, from what it waits for; ``sleep``, say."""
        signal.signal(SIGNAL, self._hear)
        self._by_signal = True

    def run(self, halts: Sequence[Halt], seconds: float | None, function: Callable, *arguments: Any) -> Any:
        """Call a function for those calls; raise `Stopped` if one of them shall stop, or they take too long.

        Parameters
        ----------
        halts : sequence of Halt
            One for each call that the function computes.
        seconds : float, optional
            How long it may take for each of them.
        """
        try:
            with self._lock:
                self._thread, self._halts = threading.get_ident(), halts
                self._began, self._seconds = time.monotonic(), seconds
                self._raised = self.overdue = False
                self._shelters, self._stopping_since = 0, None
            for halt in halts:
                halt.check()
            given = function(*arguments)
            self._end()
            return given
        except BaseException:
            try:
                self._end()
            except Stopped:  # it comes once, if late
                self._end()
            raise

    def _end(self) -> None:
        with self._lock:
            self._halts = ()
            if self._raised and not self._by_signal:
                _raise_in(self._thread, None)

    def enter_shelter(self) -> None:
        """From here on nothing is raised from outside."""
        with self._lock:
            self._shelters += 1
            if self._raised and not self._by_signal:  # on its way, but not here yet
                _raise_in(self._thread, None)
                self._raised = False

    def leave_shelter(self) -> None:
        """Here things may be raised again."""
        with self._lock:
            self._shelters -= 1

    def stop_all(self, why: BaseException) -> None:
        """Stop whatever is executed."""
        with self._lock:
            for halt in self._halts:
                halt.why = halt.why or why

    def look(self) -> float:
        """Stop what shall stop, or takes too long; return for how many seconds it has not heeded.

        Of several calls that one function computes nobody knows which takes too long: all are stopped, and each can
        be tried alone.
        """
        with self._lock:
            if not self._halts:
                return 0.0
            late = self.overdue = self._is_late()
            if late and len(self._halts) == 1 and self._halts[0].why is None:
                self._halts[0].why = StepFailed(too_long(self._seconds or 0.0))
            if not late and all(halt.why is None for halt in self._halts):
                return 0.0
            if self._stopping_since is None:
                self._stopping_since = time.monotonic()
            if not self._raised and not self._shelters:
                self._raised = True
                if self._by_signal:
                    signal.pthread_kill(self._thread, SIGNAL)
                else:
                    _raise_in(self._thread, Stopped)
            return max(time.monotonic() - self._stopping_since, 1e-6)

    def _is_late(self) -> bool:
        return self._seconds is not None and time.monotonic() - self._began > self._seconds * len(self._halts)

    @property
    def halts(self) -> Sequence[Halt]:
        """The calls that are computed now."""
        return self._halts

    def _hear(self, *_: Any) -> None:
        """Raise in the thread that works: here it is that thread, between two of its instructions."""
        if not self._raised or not self._halts:
            return
        if self._shelters:
            self._raised = False
            return
        raise Stopped


def too_long(seconds: float) -> str:
    """Say that a limit of time was passed."""
    return f"ran longer than {seconds:.12g} s, its limit"


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise in another thread at its next instruction; None takes back what has not been raised yet."""
    what = ctypes.py_object(exception) if exception is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
