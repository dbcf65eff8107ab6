"""Two tables beside each other, row by row under the same ids: what is equal, and by how much the rest differs."""

import dataclasses

from django.db import connection

from worktables.models import Kind, State
from worktables.storage import layout_of

NUMBERS = (Kind.INT, Kind.FLOAT, Kind.TIME)
ROWS = 50
ARCSEC = 206264.80624709636  # in a radian


@dataclasses.dataclass(frozen=True)
class ColumnComparison:
    """How a column of one table compares with that of the same name in another, over the rows of both."""

    name: str
    kind: str
    unit: str
    n_equal: int
    n_different: int
    n_only_one: int
    n_only_other: int
    n_empty: int
    n_failed: int
    largest: float | None = None
    median: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What two tables have in common.

    Attributes
    ----------
    n_rows : int
        Rows of one id in both.
    n_only_one, n_only_other : int
        Rows of one of them alone.
    n_differ : int
        Rows of both in which some column differs.
    columns : list of ColumnComparison
    missing : list of str
        Columns that the other has not, or of another kind or unit.
    rows : list of (int, list of (column name, value, value))
        The first that differ, with what differs.
    after : int or None
        The last of these rows, if there are more.
    """

    n_rows: int
    n_only_one: int
    n_only_other: int
    n_differ: int
    columns: list
    missing: list
    rows: list
    after: int | None


def compare_tables(one, other, *, after=0, size=ROWS):
    """Compare two tables column by column, and list rows that differ after row `after`.

    The tables need not be copies of each other: rows are compared under their ids, columns under their names, if they
    are of one kind and one unit. Differences are in that unit, those of positions in arcsec; `largest` and `median`
    are of the rows that differ.

    Parameters
    ----------
    one, other : Worktable
    """
    here, there = layout_of(one), layout_of(other)
    pairs = [
        (column, there.by_name[column.name])
        for column in here.columns
        if column.name in there.by_name and _comparable(column, there.by_name[column.name])
    ]
    common = {column.name for column, _ in pairs}
    missing = [column.name for column in here.columns if column.name not in common]
    missing += [column.name for column in there.columns if column.name not in {*common, *missing}]
    both = f"{here.table} a JOIN {there.table} b ON b.id = a.id AND {_present('b')} WHERE {_present('a')}"
    n_rows, n_differ = _ask(
        f"SELECT COUNT(*), COUNT(CASE WHEN {_any_differs(here, there, pairs)} THEN 1 END) FROM {both}"
    )
    columns = [_compare(one, other, here, there, mine, its, both) for mine, its in pairs]
    rows, last = _rows(here, there, pairs, both, after, size) if n_differ else ([], None)
    return Comparison(
        n_rows=n_rows,
        n_only_one=_ask(f"SELECT COUNT(*) FROM {here.table} a WHERE {_present('a')}")[0] - n_rows,
        n_only_other=_ask(f"SELECT COUNT(*) FROM {there.table} b WHERE {_present('b')}")[0] - n_rows,
        n_differ=n_differ,
        columns=columns,
        missing=missing,
        rows=rows,
        after=last,
    )


def _comparable(one, other):
    return (one.kind, one.unit, one.element) == (other.kind, other.unit, other.element)


def _present(table):
    return f"{table}.deleted_at IS NULL AND {table}.state <> {State.RETIRED:d}"


def _ask(sql, values=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return cursor.fetchone()


def _fields(here, there, mine, its):
    names = zip(here.physical[mine.pk], there.physical[its.pk], strict=True)
    return [(f"a.{one}", f"b.{other}") for one, other in names]


def _differs(here, there, mine, its):
    unlike = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return " OR ".join(f"{one} {unlike} {other}" for one, other in _fields(here, there, mine, its))


def _any_differs(here, there, pairs):
    return " OR ".join(f"({_differs(here, there, mine, its)})" for mine, its in pairs) or "1 = 0"


def _compare(one, other, here, there, mine, its, both):
    """Count what is equal in a column, and measure what is not."""
    ((left, right), *_) = _fields(here, there, mine, its)
    differs = f"({_differs(here, there, mine, its)})"
    unlike = f"{left} IS NOT NULL AND {right} IS NOT NULL AND {differs}"
    failed = " OR ".join(
        f"EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = {table.pk:d} AND u.row_id = a.id "
        f"AND u.step_id = {step:d} AND u.state IN ({State.FAILED:d}, {State.BLOCKED:d}))"
        for table, column in ((one, mine), (other, its))
        if (step := _writer(column)) is not None
    )
    cases = (
        f"{left} IS NOT NULL AND {right} IS NOT NULL AND NOT {differs}",
        unlike,
        f"{left} IS NOT NULL AND {right} IS NULL",
        f"{left} IS NULL AND {right} IS NOT NULL",
        f"{left} IS NULL AND {right} IS NULL",
        failed or "1 = 0",
    )
    counted = ", ".join(f"COUNT(CASE WHEN {case} THEN 1 END)" for case in cases)
    numbers = _ask(f"SELECT {counted} FROM {both}")
    largest, median = None, None
    distance = _distance(here, there, mine, its)
    if distance and numbers[1]:
        largest, median = _measure(distance, f"{both} AND {unlike}", numbers[1])
    return ColumnComparison(mine.name, mine.kind, mine.unit, *numbers, largest=largest, median=median)


def _writer(column):
    """Return the id of the step that fills a column."""
    return column.bindings.filter(use="output").values_list("step_id", flat=True).first()


def _distance(here, there, mine, its):
    """Return the SQL of how far two values are from each other, or nothing where that has no meaning."""
    fields = _fields(here, there, mine, its)
    if mine.kind in NUMBERS:
        ((left, right),) = fields
        return f"ABS(CAST({left} AS DOUBLE PRECISION) - {right})"
    if mine.kind == Kind.POSITION:
        (ra, its_ra), (dec, its_dec) = fields
        least = "LEAST" if connection.vendor == "postgresql" else "MIN"
        haversine = (
            f"POWER(SIN(RADIANS({dec} - {its_dec}) / 2), 2) + COS(RADIANS({dec})) * COS(RADIANS({its_dec})) "
            f"* POWER(SIN(RADIANS({ra} - {its_ra}) / 2), 2)"
        )
        return f"{2 * ARCSEC} * ASIN(SQRT({least}(1.0, {haversine})))"
    return ""


def _measure(distance, where, number):
    (largest,) = _ask(f"SELECT MAX({distance}) FROM {where}")
    middle = (
        f"SELECT {distance} AS d FROM {where} ORDER BY 1 LIMIT {2 - number % 2} OFFSET {(number - 1) // 2}"
    )
    (median,) = _ask(f"SELECT AVG(d) FROM ({middle}) m")
    return largest, median


def _rows(here, there, pairs, both, after, size):
    """Return the rows that differ after one, with what differs in them, and the last if there are more."""
    ids, last = [], None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.id FROM {both} AND a.id > %s AND ({_any_differs(here, there, pairs)}) "
            f"ORDER BY a.id LIMIT {size + 1:d}",
            [after],
        )
        ids = [row_id for (row_id,) in cursor.fetchall()]
    if len(ids) > size:
        ids, last = ids[:size], ids[size - 1]
    mine = here.model.objects.in_bulk(ids)
    its = there.model.objects.in_bulk(ids)
    found = []
    for row_id in ids:
        values = [
            (column, here.value(column, mine[row_id]), there.value(twin, its[row_id]))
            for column, twin in pairs
        ]
        found.append((row_id, [each for each in values if each[1] != each[2]]))
    return found, last
