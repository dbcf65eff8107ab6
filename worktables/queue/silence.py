"""Which of the database's errors say nothing about the work that met them: it is away, full or busy."""

import sqlite3

from django.db import InterfaceError, OperationalError

# Connection exceptions; disk full and too many connections; operator intervention (but no cancelled query); I/O error.
OF_POSTGRESQL = ("08", "53100", "53300", "57P", "58030")
OF_SQLITE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)


def is_away(error):
    """Say whether the database could not do what was asked, whatever that was.

    Then the units a worker had in hand are not to blame: they are tried again for as long as it takes.
    """
    if isinstance(error, InterfaceError):
        return True
    cause = error.__cause__
    if not isinstance(error, OperationalError) or cause is None:
        return False
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in OF_SQLITE
    code = getattr(cause, "pgcode", None)
    return code is None or code.startswith(OF_POSTGRESQL)  # without a code: the server said nothing more
