"""Making and changing the physical tables: the only module that speaks DDL.

Every function belongs inside the transaction that changes the metadata. On PostgreSQL a change
waits for a lock only briefly, so that a long download never makes a page view queue behind it.
"""

import time

from django.db import OperationalError, connection, transaction

from worktables.errors import WorktableError
from worktables.models import Kind
from worktables.storage.layout import SYSTEM_FIELDS, fields_of, table_name

# Every row is written again for each step, and at once with its neighbours: with room on its page, and as long as no
# index speaks of what is written, PostgreSQL leaves the indexes alone.
ROOMY = "fillfactor = 50"
LOCK_TIMEOUT_MS = 300
ATTEMPTS = 8


class TableBusy(WorktableError):
    """A long download or another change holds the table."""

    code = "table-busy"
    status = 503


def create_table(worktable_id, columns):
    """Make `wt_<id>` with its system columns and these `columns`."""
    table = table_name(worktable_id)
    parts = []
    for name, make in SYSTEM_FIELDS.items():
        kind = make().db_type(connection)
        extra = " PRIMARY KEY" if name == "id" else " NOT NULL" if name in ("state", "created_at") else ""
        parts.append(f"{name} {kind}{extra}")
    parts += [part for column in columns for part in _definitions(column)]
    fill = f" WITH ({ROOMY})" if connection.vendor == "postgresql" else ""
    statements = [
        f"CREATE TABLE {table} ({', '.join(parts)}){fill}",
        f"CREATE UNIQUE INDEX {table}_item ON {table} (parent_id, item_key) WHERE parent_id IS NOT NULL",
    ]
    statements += [_sky_index(table, column) for column in columns if column.kind == Kind.POSITION]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def add_column(column):
    """Add a column to its physical table; its cells are null."""
    table = table_name(column.worktable_id)
    statements = [f"ALTER TABLE {table} ADD COLUMN {part}" for part in _definitions(column)]
    if column.kind == Kind.POSITION:
        statements.append(_sky_index(table, column))
    _alter(statements)


def drop_column(column):
    """Drop a column and what was in it."""
    table = table_name(column.worktable_id)
    statements = [f"DROP INDEX IF EXISTS {table}_c{column.pk}"] if column.kind == Kind.POSITION else []
    statements += [f"ALTER TABLE {table} DROP COLUMN {name}" for name in fields_of(column)]
    _alter(statements)


def drop_table(worktable_id):
    """Drop the physical table of a worktable that leaves the trash for good."""
    _alter([f"DROP TABLE IF EXISTS {table_name(worktable_id)}"])


def _definitions(column):
    name = f"c{column.pk}"
    for field, made in fields_of(column).items():
        check = ""
        if field == f"{name}_ra":
            check = f" CHECK ({field} >= 0 AND {field} < 360)"
        elif field == f"{name}_dec":
            check = f" CHECK ({field} BETWEEN -90 AND 90)"
        yield f"{field} {made.db_type(connection)}{check}"


def _sky_index(table, column):
    name = f"c{column.pk}"
    return f"CREATE INDEX {table}_{name} ON {table} ({name}_dec, {name}_ra)"


def _alter(statements):
    """Run statements that want the table to themselves; give way and come back while it is busy."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                for statement in statements:
                    cursor.execute(statement)
                if connection.vendor == "postgresql":
                    cursor.execute("SET LOCAL lock_timeout = 0")
            return
        except OperationalError as error:
            if "lock timeout" not in str(error):
                raise
            time.sleep(0.05 * 2**attempt)
    raise TableBusy(
        "the table is being read by a long download or changed by somebody else; try again in a minute"
    )
