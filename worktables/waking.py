"""Waking workers after a commit: a message that may be lost, late or doubled without effect."""

import logging
import time

from django.conf import settings
from django.db import connection, transaction

log = logging.getLogger(__name__)
CHANNEL = "stoa_work"
SILENCE_SECONDS = 10.0  # for which a broker that did not answer is not asked again

_now, _silent_until = time.monotonic, 0.0


def wake_workers(worktable=None):
    """Tell workers, once the present transaction is committed, that there may be work."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    if settings.REDIS_URL:
        transaction.on_commit(send_wake_up, robust=True)


def send_wake_up():
    """Send one Celery task that drains the queue; without a broker the workers' own sweep finds the work."""
    from worktables.tasks import drain

    global _silent_until
    if _now() < _silent_until:
        return
    try:
        drain.apply_async(ignore_result=True, retry=False, expires=300)
    except Exception as error:  # the broker is only a wake-up: an edit must never fail or wait for it
        _silent_until = _now() + SILENCE_SECONDS
        log.warning("no wake-up was sent (%s); workers will find the work by themselves", error)
