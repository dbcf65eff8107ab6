"""Waking workers after a commit: a message that may be lost, late or doubled without effect."""

import logging
import time

from django.conf import settings
from django.db import connection, transaction

from worktables.queue.classes import ALL, classes_waiting, queue_of

log = logging.getLogger(__name__)
CHANNEL = "stoa_work"
SILENCE_SECONDS = 10.0
OTHERS_SECONDS = 1.0


class Line:
    """The line to the broker, left alone for a while when nobody answers: no edit shall wait for it.

    Parameters
    ----------
    now : callable
        A clock, in seconds.
    """

    def __init__(self, now=time.monotonic):
        self.now = now
        self.silent_until = float("-inf")

    def say(self, send):
        """Call `send`, unless the broker was silent a moment ago; return whether it was heard."""
        if self.now() < self.silent_until:
            return False
        try:
            send()
        except Exception as error:  # whatever the matter is with the broker, it only wakes
            self.silent_until = self.now() + SILENCE_SECONDS
            log.warning("the broker does not answer (%s); pages and workers look by themselves", error)
            return False
        return True


line = Line()


def wake_workers(worktable=None):
    """Tell workers, once the present transaction is committed, that there may be work."""
    notify()
    if settings.REDIS_URL:
        once_committed(send_wake_up)


def notify():
    """Wake the workers that listen to PostgreSQL; those of SQLite watch the file."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def send_wake_up():
    """Send one Celery task for each class of which work waits; without a broker the workers' own sweep finds it."""
    _send_to(classes_waiting())


def _send_to(classes):
    from worktables.tasks import drain

    for name in classes:
        queue = queue_of(name)
        line.say(lambda queue=queue: drain.apply_async(queue=queue, retry=False, expires=300))


_others_woken = float("-inf")


def wake_others(takes):
    """Tell those who take what a worker leaves, if its results may have made such work possible.

    At most once a second: what comes in between is found with the next batch, or by the sweep of the others.
    """
    global _others_woken
    if len(takes) == len(ALL) or time.monotonic() - _others_woken < OTHERS_SECONDS:
        return
    waiting = [name for name in classes_waiting() if name not in takes]
    if not waiting:
        return
    _others_woken = time.monotonic()
    notify()
    if settings.REDIS_URL:
        _send_to(waiting)


def once_committed(wake):
    """Call `wake` after the present transaction, once, however often that is asked for."""
    if all(waiting[1] is not wake for waiting in connection.run_on_commit):
        transaction.on_commit(wake, robust=True)
