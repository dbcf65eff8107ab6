"""A worker's life: register, beat, drain, wait; give everything back at the end."""

import contextlib
import logging
import threading
import time

from django.conf import settings
from django.db import Error, close_old_connections, connection

from pipelines.processes import end_what_the_dead_left
from pipelines.programs import remove_folders_of
from worktables.queue.draining import drain
from worktables.queue.errands import run_errands
from worktables.queue.garbage import spare_the_collector
from worktables.queue.recovery import (
    beat,
    give_back,
    lose,
    register_worker,
    retire_worker,
    sweep,
    tidy_now_and_then,
)
from worktables.queue.silence import is_away
from worktables.queue.waiting import Waiting
from worktables.queue.watching import Watchman

log = logging.getLogger(__name__)
LEAVING_SECONDS = 2.0  # to finish in when asked to stop: less than a supervisor waits before it kills


def work_forever(stop, name="", takes=None, *, expendable=False):
    """Drain the queue whenever there is work, until `stop` is set.

    Parameters
    ----------
    stop : threading.Event
    name : str
        What the worker is called; else it is named after host and process.
    takes : sequence of str, optional
        The classes of steps to take, if not those of STOA_TAKES.
    expendable : bool
        Whether this process is there for nothing else, and another is started when it ends: it does, if a step that
        was cancelled, or takes too long, can be stopped in no other way.
    """
    spare_the_collector()
    if expendable:
        clear_up()
    waiting, swept = Waiting(), float("-inf")
    worker, trouble, finished = None, None, threading.Event()
    errands = run_errands(stop, takes)
    while not stop.is_set():
        try:
            if worker is None:
                worker = register_worker(name, takes)
                heart = start_heart(worker, stop, finished)
                watchman = Watchman(worker, leaving=stop, expendable=expendable)
            if trouble is not None:
                if is_away(trouble):
                    give_back(worker)
                else:
                    lose(worker, in_one_line(trouble))
                trouble = None
            if time.monotonic() - swept > settings.WORKTABLES["HEARTBEAT_SECONDS"]:
                sweep()
                swept = time.monotonic()
                tidy_now_and_then()
            if drain(worker, stop=stop, watchman=watchman):
                waiting.worked()
            waiting.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"], stop)
        except Error as error:  # the database went away or was busy: its truth is still there when it is back
            trouble = error
            log.warning("the database refused (%s); trying again in a second", in_one_line(error))
            connection.close()
            waiting = Waiting()
            stop.wait(1.0)
    finished.set()
    if worker is not None:
        heart.join(timeout=5)
        watchman.leave()
        with contextlib.suppress(Error):
            retire_worker(worker)
    errands.join(timeout=LEAVING_SECONDS)  # last: units that others wait for are given back by then
    connection.close()


def in_one_line(error):
    """Return what an error says, without line breaks."""
    return " ".join(str(error).split())


def clear_up():
    """End the programs and remove the folders that steps of killed workers left on this host."""
    end_what_the_dead_left()
    remove_folders_of()


def start_heart(worker, stop, finished=None):
    """Beat for a worker from a thread of its own, until `stop` is set.

    Whoever is asked to stop in the middle of something long, and is not `finished` (a threading.Event) soon, has what
    it holds given back: it will be killed, and its units are not to blame. What it still writes is refused.
    """

    def run():
        while not stop.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"]):
            try:
                beat(worker)
            except Error as error:
                log.warning("no heartbeat could be written (%s)", str(error).strip())
                close_old_connections()
        if finished is not None and not finished.wait(LEAVING_SECONDS):
            with contextlib.suppress(Error):
                give_back(worker)
        connection.close()

    thread = threading.Thread(target=run, name="heart", daemon=True)
    thread.start()
    return thread
