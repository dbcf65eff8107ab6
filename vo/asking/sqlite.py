"""Asking SQLite: through a connection that cannot write, and reads and calls only what the query needs."""

import sqlite3
import time
from contextlib import closing
from urllib.parse import quote

from django.db import connection

from vo.adql import sqlite as adql
from vo.asking.errors import DatabaseRefuses, QueryFailed, QueryStopped

BATCH = 2000  # rows, unless they are long
BATCH_BYTES = 1 << 20
INSTRUCTIONS = 20_000  # between two looks at the clock: some milliseconds
FIXED = ("bool", "int", "float", "time")
LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: 4_000_000,  # of a value, stored or computed
}


def read(translation, brought, seconds, stopped, format=""):
    """Yield batches of rows."""
    path = quote(str(connection.settings_dict["NAME"]))
    deadline = time.monotonic() + seconds
    with closing(_connected(path)) as reader:
        adql.install(reader)
        for limit, value in LIMITS.items():
            reader.setlimit(limit, value)
        for one in brought:
            _bring(reader, one)
        for index in indexes_of(translation):  # an R*Tree declares itself when it is first asked
            reader.execute(f"SELECT 1 FROM {index} LIMIT 0")
        reader.set_authorizer(Guard(translation, brought))
        reader.set_progress_handler(lambda: time.monotonic() > deadline or stopped(), INSTRUCTIONS)
        try:
            cursor = reader.execute(translation.sql)
            for batch in batches_of(cursor, translation.columns):
                yield batch
                if stopped():
                    raise QueryStopped
                if time.monotonic() > deadline:
                    raise QueryStopped(seconds)
        except sqlite3.Error as error:
            if "interrupted" in str(error):
                raise QueryStopped(None if stopped() else seconds) from None
            raise QueryFailed(" ".join(str(error).split())) from None


def _connected(path):
    try:
        return sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError:  # no more files may be open
        raise DatabaseRefuses from None


def batches_of(rows, columns):
    """Gather rows: as many as make a batch, or fewer when what has no fixed length in them is long."""
    long = [number for number, column in enumerate(columns) if column.kind not in FIXED]
    if not long:
        while batch := rows.fetchmany(BATCH):
            yield batch
        return
    batch, size = [], 0
    for row in rows:
        batch.append(row)
        for number in long:
            if value := row[number]:
                size += len(value)
        if size > BATCH_BYTES or len(batch) == BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _bring(reader, one):
    reader.execute(f"CREATE TEMP TABLE {one.bare} ({one.definitions})")
    if one.rows:
        places = ", ".join("?" * len(one.table.columns))
        reader.execute("BEGIN")
        reader.executemany(f"INSERT INTO temp.{one.bare} VALUES ({places})", one.rows)
        reader.execute("COMMIT")


def indexes_of(translation):
    """Return the names of the indexes of the sky that a query may use."""
    return {place.index for table in translation.tables for place in table.positions} - {None}


class Guard:
    """Allows what a query needs: reading its own tables, and functions of ADQL."""

    def __init__(self, translation, brought):
        self.tables = {one.bare for one in brought}
        for table in translation.tables:
            self.tables.update({table.sql, *table.reads})
        self.tables.update(indexes_of(translation))

    def __call__(self, action, first, second, database, inner):
        """Answer SQLite, which asks while it prepares the query."""
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and (first in self.tables or not first):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and second.lower() in adql.ALLOWED_FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY
