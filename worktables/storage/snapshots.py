"""Reading a whole table as it is at one moment, through a connection that no editor waits for."""

import contextlib

from django.db import connections, models, transaction
from django.db.models import Count, Func, Max, Min

from worktables.models import Kind

ALIAS = "streaming"
SMALLEST, LARGEST = -(2**63), 2**63 - 1
MEASURED = (Kind.TEXT, Kind.PRODUCT, Kind.CATALOGUE)


@contextlib.contextmanager
def snapshot():
    """Yield the alias of a connection on which every query sees the database as the first one did.

    The connection belongs to the thread that enters; it is closed at the end, whatever the end is.
    """
    connection = connections[ALIAS]
    try:
        with transaction.atomic(using=ALIAS, durable=True):
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield ALIAS
    finally:
        connection.close()


class Bytes(Func):
    """How many bytes a text has in UTF-8."""

    function = "OCTET_LENGTH"
    output_field = models.IntegerField()

    def as_sqlite(self, compiler, connection, **context):
        """SQLite counts characters of texts, but bytes of blobs (and knows OCTET_LENGTH only since 3.43)."""
        return self.copy().as_sql(
            compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context
        )


def measure(rows, layout, columns):
    """Return what the header of a FITS file must know of these rows, in one query.

    Returns
    -------
    n_rows : int
    widths : dict
        Column name → bytes of its longest text.
    null_for : dict
        Name of an integer column → a number it does not hold, to stand for null; None if it has no nulls.
    """
    asked = {"n": Count("id")}
    for column in columns:
        (name, *_) = layout.physical[column.pk]
        if column.kind in MEASURED:
            asked[f"{name}_width"] = Max(Bytes(name))
        elif column.kind == Kind.INT:
            asked |= {f"{name}_n": Count(name), f"{name}_least": Min(name), f"{name}_most": Max(name)}
    found = rows.aggregate(**asked)
    widths, null_for = {}, {}
    for column in columns:
        (name, *_) = layout.physical[column.pk]
        if column.kind in MEASURED:
            widths[column.name] = found[f"{name}_width"] or 0
        elif column.kind == Kind.INT:
            n, least, most = (found[f"{name}_{key}"] for key in ("n", "least", "most"))
            null_for[column.name] = None if n == found["n"] else _unused(rows, name, least, most)
    return found["n"], widths, null_for


def _unused(rows, name, least, most):
    """Return a number that the integer column does not hold: outside its range, if there is anything outside."""
    if least is None or least > SMALLEST:
        return SMALLEST
    if most < LARGEST:
        return LARGEST
    number = SMALLEST + 1
    while rows.filter(**{name: number}).exists():
        number += 1
    return number
