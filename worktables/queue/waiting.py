"""Waiting for work without asking the queue all the time: a wake-up, then a look.

On SQLite `PRAGMA data_version` changes with every commit of another process and costs microseconds.
On PostgreSQL edits send NOTIFY. Either may be missed without harm: after `timeout` one looks anyway.
"""

import select
import time

from django.db import connection

from worktables.waking import CHANNEL

AWAKE, DOZING, DOZE_AFTER = 0.01, 0.04, 2.0


class Waiting:
    """How one thread waits; keeps what it saw last between calls.

    Parameters
    ----------
    awake, dozing : float
        Seconds between two looks at SQLite's file, soon after there was something to do and later.
    """

    def __init__(self, awake=AWAKE, dozing=DOZING):
        self.awake, self.dozing = awake, dozing
        self._seen = None
        self._listening = False
        self._worked_at = time.monotonic()

    def worked(self):
        """Note that there was something to do: for a while, more is expected soon."""
        self._worked_at = time.monotonic()

    def wait(self, timeout, stop=None):
        """Wait for a wake-up, for `timeout` seconds at most; return whether there was one."""
        if connection.vendor == "postgresql":
            return self._listen(timeout, stop)
        return self._watch(timeout, stop)

    def _watch(self, timeout, stop):
        started = time.monotonic()
        connection.ensure_connection()
        raw = (
            connection.connection
        )  # asked past Django, which makes more of a question than SQLite of the answer
        while not (stop is not None and stop.is_set()):
            with connection.wrap_database_errors:
                (version,) = raw.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._seen = version
                return True
            now = time.monotonic()
            if now - started >= timeout:
                return False
            time.sleep(self.awake if now - self._worked_at < DOZE_AFTER else self.dozing)
        return False

    def _listen(self, timeout, stop):
        with connection.cursor() as cursor:
            if not self._listening:
                cursor.execute(f"LISTEN {CHANNEL}")
                self._listening = True
        raw = connection.connection
        started = time.monotonic()
        while not (stop is not None and stop.is_set()):
            with connection.wrap_database_errors:
                raw.poll()
            if raw.notifies:  # perhaps read already, with the answer to a query of the drain
                raw.notifies.clear()
                return True
            if time.monotonic() - started >= timeout:
                return False
            select.select([raw], [], [], min(0.25, timeout))
        return False
