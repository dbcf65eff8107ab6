"""The Celery door: both tasks may be lost, late or doubled without effect."""

import threading

from billiard.process import current_process
from celery import shared_task

from worktables.queue import recovery
from worktables.queue.classes import classes_waiting
from worktables.queue.draining import drain as drain_queue
from worktables.queue.watching import Watchman
from worktables.queue.working import start_heart
from worktables.waking import send_wake_up

BUDGET_SECONDS = 20


@shared_task(ignore_result=True)
def drain():
    """Compute what can be computed for a while, as one worker; hand over if there is more."""
    recovery.sweep()
    if not set(classes_waiting()) & set(recovery.taken()):
        return
    worker, stop = recovery.this_worker(), threading.Event()
    heart, settled = start_heart(worker, stop), 0
    watchman = Watchman(worker, expendable=in_a_pool())
    try:
        settled = drain_queue(worker, budget_seconds=BUDGET_SECONDS, watchman=watchman)
    finally:
        watchman.leave()
        stop.set()
        heart.join(timeout=5)
        recovery.retire_worker(worker)
    if settled:  # what waits for others' units would only send messages in a circle
        send_wake_up()


def in_a_pool():
    """Say whether this process is one of a pool that starts another when it ends, and none that has other duties."""
    return current_process().name != "MainProcess" and threading.current_thread() is threading.main_thread()


@shared_task(ignore_result=True)
def sweep():
    """Give back what dead workers held, and wake somebody if work waits."""
    recovery.sweep()
    send_wake_up()
