"""How a reason names what changed: rows, and values old and new, in one short sentence."""

from django.db import connection

from worktables.models import Kind, State
from worktables.storage.layout import table_name
from worktables.storage.values import as_json

NAMED = 10  # rows that a reason names one by one
LONGEST = 40
SCALAR = {Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.TEXT, Kind.TIME, Kind.POSITION}


def rows_named(name, ids, n=None):
    """Return rows of a table as a reason names them: “fields 2, 5”, or the first ten “and 97 more”.

    Parameters
    ----------
    name : str
        Of the table.
    ids : sequence of int
    n : int, optional
        How many there are, if `ids` are only the first of them.
    """
    n = len(ids) if n is None else n
    more = f" and {n - NAMED} more" if n > NAMED else ""
    return f"{name} {', '.join(map(str, ids[:NAMED]))}{more}" if n else f"rows of {name}"


def present_named(name, worktable_id, rows):
    """Return (a set of rows as a reason names them, how many they are), of those that are present; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, COUNT(*) OVER () FROM {table_name(worktable_id)} WHERE {rows.holds('id')} "
            f"AND state <> {State.RETIRED:d} AND deleted_at IS NULL ORDER BY id LIMIT {NAMED:d}",
            rows.params,
        )
        found = cursor.fetchall()
    n = found[0][1] if found else 0
    return rows_named(name, [row_id for row_id, _ in found], n), n


def were(n):
    """Return the verb for so many rows."""
    return "was" if n == 1 else "were"


def said(kind, value):
    """Return a value of a column or a parameter as a reason shows it."""
    if value is None:
        return "empty"
    return in_short(as_json(kind, value))


def in_short(value):
    """Return a value, as JSON has it, as a reason shows it."""
    text = str(value) or "“”"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def cell_changed(column, name, row_id, old, new, n=1):
    """Return what a cell of a table says now: “flux” of sources 5: 1.3 → 2.0; perhaps with so many rows in all."""
    what = (
        f"{said(column.kind, old)} → {said(column.kind, new)}"
        if column.kind in SCALAR
        else "came out different"
    )
    more = f" (and of {n - 1} more row{'s' * (n > 2)})" if n > 1 else ""
    return f"“{column.name}” of {name} {row_id}: {what}{more}"


def undone(undoes):
    """Return what a reason adds if a change takes back another one."""
    return " (undo)" if undoes is not None else ""
