"""A worker's life: register, beat, drain, wait; give everything back at the end."""

import contextlib
import logging
import threading
import time

from django.conf import settings
from django.db import Error, close_old_connections, connection

from worktables.queue.draining import drain
from worktables.queue.garbage import spare_the_collector
from worktables.queue.recovery import beat, lose, register_worker, retire_worker, sweep, tidy_now_and_then
from worktables.queue.waiting import Waiting

log = logging.getLogger(__name__)


def work_forever(stop, name="", takes=None):
    """Drain the queue whenever there is work, until `stop` is set.

    Parameters
    ----------
    stop : threading.Event
    name : str
    takes : sequence of str, optional
        The classes of steps to take, if not those of STOA_TAKES.
    """
    spare_the_collector()
    waiting, swept = Waiting(), float("-inf")
    worker, trouble = None, ""
    while not stop.is_set():
        try:
            if worker is None:
                worker = register_worker(name, takes)
                heart = start_heart(worker, stop)
            if trouble:
                lose(worker, trouble)
                trouble = ""
            if time.monotonic() - swept > settings.WORKTABLES["HEARTBEAT_SECONDS"]:
                sweep()
                swept = time.monotonic()
                tidy_now_and_then()
            drain(worker, stop=stop)
            waiting.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"], stop)
        except Error as error:  # the database went away or was busy: its truth is still there when it is back
            trouble = " ".join(str(error).split())
            log.warning("the database refused (%s); trying again in a second", trouble)
            connection.close()
            waiting = Waiting()
            stop.wait(1.0)
    if worker is not None:
        heart.join(timeout=5)
        with contextlib.suppress(Error):
            retire_worker(worker)
    connection.close()


def start_heart(worker, stop):
    """Beat for a worker from a thread of its own, until `stop` is set."""

    def run():
        while not stop.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"]):
            try:
                beat(worker)
            except Error as error:
                log.warning("no heartbeat could be written (%s)", str(error).strip())
                close_old_connections()
        connection.close()

    thread = threading.Thread(target=run, name="heart", daemon=True)
    thread.start()
    return thread
