"""Keeping processes alive: children started in order, brought back when they die, stopped together."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from typing import Any

from setproctitle import setproctitle

# A fork shares what the parent has imported, so a child is back in milliseconds instead of the second
# that Django, numpy and numba take. The parent has neither threads nor database connections of its own.
# On macOS system libraries do not survive a fork.
CONTEXT: Any = get_context("fork" if sys.platform == "linux" else "spawn")

YOUNG_SECONDS = 1.0
PAUSE_SECONDS = 0.25
FAILURES = 5


@dataclass(frozen=True)
class Child:
    """A process to keep: what it is called, what it does, and what must have ended well before it starts."""

    name: str
    target: Callable[[], object]
    after: tuple[str, ...] = ()
    once: bool = False  # ends by itself; killed, it is started again, so it must be safe to run twice


class ChildFailed(Exception):
    """A child ends with an error however often it is started."""

    code = "process-failed"
    status = 500

    def __init__(self, name: str, exit_status: int) -> None:
        self.name, self.exit_status = name, exit_status
        super().__init__(f"{name} ended with exit status {exit_status}; what it said stands above")


class Supervisor:
    """Start children, bring back those that die, and stop them all on SIGINT, SIGTERM or SIGHUP.

    Parameters
    ----------
    children : sequence of Child
    grace : float
        Seconds a child has to leave after SIGTERM before it is killed, with all it started.
    say : callable
        Told in one line what happened to a child.
    """

    def __init__(
        self, children: Sequence[Child], *, grace: float = 3.0, say: Callable[[str], object] = print
    ) -> None:
        self.children = children
        self.grace = grace
        self.say = say
        self.alive: dict[Child, BaseProcess] = {}
        self.ended: set[str] = set()
        self.failures: dict[Child, int] = {}
        self.started_at: dict[Child, float] = {}
        self.not_before: dict[Child, float] = {}
        self.signals = 0

    def run(self) -> None:
        """Return when a signal asked for the end and every child has left; raise `ChildFailed` if one cannot live."""
        with self._hearing_signals() as heard:
            try:
                while not self.signals:
                    self._start_those_due()
                    sentinels = [process.sentinel for process in self.alive.values()]
                    connection.wait([*sentinels, heard], self._seconds_to_next_start())
                    self._tend_the_dead()
            finally:
                self._stop_all()

    @contextmanager
    def _hearing_signals(self) -> Iterator[socket.socket]:
        """A signal makes the yielded socket readable, which ends the wait in `run` at once."""
        heard, told = socket.socketpair()
        told.setblocking(False)

        def note(*_: object) -> None:
            self.signals += 1

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, note) for number in wanted}
        descriptor = signal.set_wakeup_fd(told.fileno())
        try:
            yield heard
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)
            heard.close()
            told.close()

    def _due(self, child: Child) -> bool:
        return child not in self.alive and child.name not in self.ended and self.ended.issuperset(child.after)

    def _start_those_due(self) -> None:
        for child in self.children:
            if self._due(child) and self.not_before.get(child, 0) <= time.monotonic():
                process = CONTEXT.Process(
                    target=_live, args=(child.name, child.target, os.getpid(), self.grace), name=child.name
                )
                process.start()
                self.alive[child] = process
                self.started_at[child] = time.monotonic()

    def _seconds_to_next_start(self) -> float | None:
        waiting = [self.not_before.get(child, 0) for child in self.children if self._due(child)]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _tend_the_dead(self) -> None:
        for child, process in list(self.alive.items()):
            if process.exitcode is None:
                continue
            del self.alive[child]
            _kill_group(process)
            if child.once and process.exitcode == 0:
                self.ended.add(child.name)
            elif not self.signals:
                self._bring_back(child, process.exitcode)

    def _bring_back(self, child: Child, exit_status: int) -> None:
        """Plan the next start; a child that fails at once, again and again, is given up, one that is killed never."""
        young = time.monotonic() - self.started_at[child] < YOUNG_SECONDS
        failed = exit_status > 0
        self.failures[child] = self.failures.get(child, 0) + 1 if failed and young else int(failed)
        if failed and (child.once or self.failures[child] >= FAILURES):
            raise ChildFailed(child.name, exit_status)
        self.not_before[child] = time.monotonic() + (PAUSE_SECONDS if young else 0)
        how = f"was killed by signal {-exit_status}" if exit_status < 0 else f"ended (exit {exit_status})"
        self.say(f"{child.name} {how}; starting it again")

    def _stop_all(self) -> None:
        for process in self.alive.values():
            process.terminate()
        deadline = time.monotonic() + self.grace
        asked = self.signals
        for process in self.alive.values():
            # A second ctrl-C means: now.
            while process.exitcode is None and time.monotonic() < deadline and self.signals <= max(asked, 1):
                process.join(0.05)
            _kill_group(process)
            process.join()
        self.alive.clear()


def _live(name: str, target: Callable[[], object], parent: int, grace: float) -> None:
    """Be a child: in a session of its own, so that ctrl-C reaches the supervisor alone; leave when that is gone."""
    signal.set_wakeup_fd(-1)
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    setproctitle(f"stoa {name}")
    threading.Thread(target=_leave_with, args=(parent, grace), daemon=True).start()
    target()


def _leave_with(parent: int, grace: float) -> None:
    """End this process, politely first, as soon as `parent` is no longer its parent."""
    while os.getppid() == parent:
        time.sleep(PAUSE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _kill_group(process: BaseProcess) -> None:
    """Kill a child and whatever it started and left behind."""
    if process.exitcode is None:
        process.kill()
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
