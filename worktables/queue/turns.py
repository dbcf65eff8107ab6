"""Taking turns, over all processes: one does what would be in vain twice, others wait until it is done.

On PostgreSQL an advisory lock of the session, on SQLite, which is for one host, a locked file: either is free again
when its process ends, however that was.
"""

import fcntl
import os
import time
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import connection

CLASS_OF_RUNS = 0x570C
LOOK_SECONDS = 0.1


@contextmanager
def alone(kind, number, seconds=None):
    """Be the only one, while within, who has this number; say whether one is.

    Parameters
    ----------
    kind : int
        Of what it is the number.
    number : int
    seconds : float, optional
        After which one no longer waits for others; for ever, unless said.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    take = take_lock if connection.vendor == "postgresql" else take_file
    while (let_go := take(kind, number)) is None:
        if deadline is not None and time.monotonic() > deadline:
            yield False
            return
        time.sleep(LOOK_SECONDS)
    try:
        yield True
    finally:
        let_go()


def take_lock(kind, number):
    """Take an advisory lock; return what gives it back, or None."""
    key = [kind, number % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        taken = cursor.fetchone()[0]

    def let_go():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)

    return let_go if taken else None


def take_file(kind, number):
    """Lock a file; return what gives it back, or None."""
    path = settings.STOA_HOME / "locks" / f"{kind:x}-{number}"
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def let_go():
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have removed it in between: then others lock another file of this name.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return let_go
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
