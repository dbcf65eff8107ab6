"""One writer at a time for a project's units, on both databases.

Marks are joins over tables that other edits change; under READ COMMITTED two of them could each miss
what the other did. SQLite already has one writer. On PostgreSQL an advisory lock gives a project the
same, for the length of one short transaction; other projects do not wait.
"""

import functools
import time

from django.db import OperationalError, connection, transaction

CLASS, CLASS_OF_USERS = 0x570A, 0x570B
ATTEMPTS = 6


def hold(project_id, *, lasting=True):
    """Hold the project until the present transaction ends.

    Parameters
    ----------
    lasting : bool
        False when nothing is lost should the database forget the transaction in a crash: its commit then does not
        wait for the disk.
    """
    if connection.vendor == "postgresql":
        hurry = "" if lasting else ", set_config('synchronous_commit', 'off', true)"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_xact_lock(%s, %s){hurry}", [CLASS, project_id % 2**31])


def hold_user(user_id):
    """Hold what a user has asked for, in whatever project, until the present transaction ends: after its project."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CLASS_OF_USERS, user_id % 2**31])


def in_one_transaction(function):
    """Run a function in a transaction of its own, again if the database broke a deadlock by stopping it."""

    @functools.wraps(function)
    def attempt(*args, **kwargs):
        for number in range(ATTEMPTS):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or "deadlock" not in str(error) or number == ATTEMPTS - 1:
                    raise
                time.sleep(0.02 * 2**number)
        return None

    return attempt
