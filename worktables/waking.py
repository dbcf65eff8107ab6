"""Waking workers after a commit: a message that may be lost, late or doubled without effect."""

import logging
import time

from django.conf import settings
from django.db import connection, transaction

log = logging.getLogger(__name__)
CHANNEL = "stoa_work"
SILENCE_SECONDS = 10.0


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
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    if settings.REDIS_URL:
        once_committed(send_wake_up)


def send_wake_up():
    """Send one Celery task that drains the queue; without a broker the workers' own sweep finds the work."""
    from worktables.tasks import drain

    line.say(lambda: drain.apply_async(ignore_result=True, retry=False, expires=300))


def once_committed(wake):
    """Call `wake` after the present transaction, once, however often that is asked for."""
    if all(waiting[1] is not wake for waiting in connection.run_on_commit):
        transaction.on_commit(wake, robust=True)
