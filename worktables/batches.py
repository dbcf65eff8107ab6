"""Batches: many rows queued by one action, how far they are, and what came of them."""

import dataclasses
import json
import re
from datetime import timedelta

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from pipelines.writing import hidden
from worktables.events import announce
from worktables.models import Batch, BatchRow, State, TableStep, Todo, Unit
from worktables.queue import rowsets
from worktables.queue.locking import hold, in_one_transaction
from worktables.sight import Sight
from worktables.storage.layout import table_name

MANY = 2  # rows: one that is added or run again by hand is no batch
ROWS_NAMED = 100  # of each group; the others are counted
LINES_READ = 5000
GUESS_FROM = 0.05  # fraction done


# ------------------------------------------------------------------ beginning and ending


def open_batch(worktable, action, rows, *, by, n_units=None):
    """Note that an action has queued these rows together, in its transaction; return the batch, if there are any.

    Parameters
    ----------
    rows : RowSet
    n_units : int, optional
        How many of their steps were queued; else they are counted.
    """
    batch = Batch.objects.create(worktable=worktable, action=action, by=by, started_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO worktables_batchrow (batch_id, row_id) SELECT {batch.pk:d}, s.id FROM ({rows.sql}) s",
            rowsets.parameters(rows),
        )
        batch.n_rows = cursor.rowcount
    if not batch.n_rows:
        batch.delete()
        return None
    batch.n_units = _n_queued(batch) if n_units is None else n_units
    batch.save(update_fields=["n_rows", "n_units"])
    return batch


def queued_rows(worktable):
    """The rows of a table that have something queued or running."""
    return rowsets.RowSet(
        "SELECT DISTINCT row_id AS id FROM worktables_todo WHERE worktable_id = %s", (worktable.pk,)
    )


def end_batches():
    """Write down what came of the batches of whose rows nothing is queued or running any more; return how many."""
    waiting = Batch.objects.filter(ended_at=None, worktable__deleted_at=None).select_related("worktable")
    return sum([_end(batch) for batch in waiting if not _busy(batch)])


def _busy(batch):
    """Say whether anything of a batch is queued or runs; asked of the queue, which is short when a batch is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM worktables_todo t CROSS JOIN worktables_batchrow b "
            f"WHERE t.worktable_id = %s AND b.batch_id = {hidden(batch.pk, 't.row_id')} "
            "AND b.row_id = t.row_id LIMIT 1",
            [batch.worktable_id],
        )
        return cursor.fetchone() is not None


@in_one_transaction
def _end(batch):
    hold(batch.worktable.project_id)
    if not Batch.objects.filter(pk=batch.pk, ended_at=None).exists() or _busy(batch):
        return 0
    found = _present(batch, f"(r.state <> {State.FRESH:d} OR r.deleted_at IS NOT NULL)")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_batchrow AS b SET state = f.state, step_id = f.step_id, line = f.line, "
            f"about = f.about FROM ({found}) f "
            f"WHERE b.batch_id = {hidden(batch.pk, 'f.row_id')} AND b.row_id = f.row_id"
        )
    last = _of_rows(batch, Unit).aggregate(at=Max("settled_at"))["at"]
    ended_at = max(last, batch.started_at) if last else timezone.now()
    Batch.objects.filter(pk=batch.pk).update(ended_at=ended_at)
    announce(batch.worktable, "rows", rows=[])
    return 1


# ------------------------------------------------------------------ asking


@dataclasses.dataclass(frozen=True)
class Group:
    """Rows that ended in the same state for the same reason."""

    state: str
    step: str
    line: str
    n: int
    rows: list

    @property
    def ids(self):
        """The rows named, as a filter of the table takes them."""
        return ",".join(map(str, self.rows))

    @property
    def n_more(self):
        """How many rows are not named."""
        return self.n - len(self.rows)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Some rows by number, and how many there are."""

    n: int
    rows: list

    @property
    def ids(self):
        """The rows named, as a filter of the table takes them."""
        return ",".join(map(str, self.rows))


@dataclasses.dataclass(frozen=True)
class Summary:
    """What came of a batch so far."""

    batch: Batch
    counts: dict
    n_busy: int
    fraction: float
    left: timedelta | None
    groups: list
    before: Batch | None
    newly: Rows
    mended: Rows
    still: Rows

    @property
    def over(self):
        """Whether nothing of it is queued or runs."""
        return not self.n_busy

    @property
    def n_done(self):
        """How many rows are settled."""
        return sum(self.counts.values())

    def sentence(self):
        """Return “74 processed: 70 ok, 3 failed, 1 empty”."""
        words = {"fresh": "ok", "stale": "not made yet"}
        parts = [
            f"{self.counts[state]} {words.get(state, state)}"
            for state in ("fresh", "failed", "blocked", "empty", "held", "stale", "retired")
            if self.counts.get(state)
        ]
        done = f"{self.n_done} processed" if self.over else f"{self.n_done} of {self.batch.n_rows} processed"
        return f"{done}: {', '.join(parts)}" if parts else done

    def comparison(self):
        """Return “2 newly failing, 1 mended, 1 still failing”, or nothing if no row failed either time."""
        named = ((self.newly, "newly failing"), (self.mended, "mended"), (self.still, "still failing"))
        return ", ".join(f"{found.n} {words}" for found, words in named if found.n)


def summarise(batch, viewer):
    """Say what came of a batch, as far as this person may know.

    Parameters
    ----------
    batch : Batch
        With its worktable.
    viewer : User
    """
    found = _found(batch)
    counts, n_busy = {}, 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT f.state, f.busy, COUNT(*) FROM ({found}) f GROUP BY 1, 2")
        for state, busy, number in cursor.fetchall():
            if busy:
                n_busy += number
            else:
                counts[State(state).label] = number
    fraction, left = _progress(batch) if n_busy else (1.0, None)
    before = Batch.objects.filter(worktable=batch.worktable_id, pk__lt=batch.pk).exclude(ended_at=None)
    before = before.select_related("by").first()
    newly, mended, still = _compared(found, before)
    groups = _groups(found, Sight(viewer, batch.worktable.project_id))
    return Summary(batch, counts, n_busy, fraction, left, groups, before, newly, mended, still)


def _found(batch):
    """Return SQL: (row_id, state, step_id, line, about, busy) of each row of a batch, as it is or as it ended."""
    if batch.ended_at is None:
        return _present(batch)
    return (
        f"SELECT b.row_id, COALESCE(b.state, {State.FRESH:d}) AS state, b.step_id, b.line, b.about, 0 AS busy "
        f"FROM worktables_batchrow b WHERE b.batch_id = {batch.pk:d}"
    )


def _present(batch, condition="1 = 1"):
    """Return SQL: the rows of a batch as they are now, each with its first unit that is as bad as the row.

    From the rows of the batch one by one, each by its whole key: a database that has not yet counted the new rows
    would go through all units of the table for each of them.
    """
    table, of_table = table_name(batch.worktable_id), hidden(batch.worktable_id, "r.id")
    to_blame = (
        "SELECT u.step_id FROM worktables_unit u JOIN worktables_tablestep s ON s.id = u.step_id "
        f"WHERE r.state <> {State.FRESH:d} AND u.worktable_id = {of_table} AND u.row_id = r.id "
        "AND u.state + 0 = r.state ORDER BY s.rank, s.id LIMIT 1"
    )
    return (
        "SELECT x.row_id, x.state, x.step_id, u.reason AS line, u.about, x.busy FROM ("
        "SELECT r.id AS row_id, "
        f"CASE WHEN r.deleted_at IS NULL THEN r.state ELSE {State.RETIRED:d} END AS state, "
        f"({to_blame}) AS step_id, "
        f"CASE WHEN EXISTS (SELECT 1 FROM worktables_todo t WHERE t.worktable_id = {of_table} "
        "AND t.row_id = r.id) THEN 1 ELSE 0 END AS busy "
        f"FROM worktables_batchrow b JOIN {table} r ON r.id = b.row_id "
        f"WHERE b.batch_id = {batch.pk:d} AND {condition}) x LEFT JOIN worktables_unit u "
        f"ON u.worktable_id = {hidden(batch.worktable_id, 'x.row_id')} "
        "AND u.row_id = x.row_id AND u.step_id = x.step_id"
    )


def _of_rows(batch, model):
    """Return the units, or what is queued, of the rows of a batch."""
    rows, table = BatchRow._meta.db_table, model._meta.db_table
    return model.objects.extra(
        tables=[rows],
        where=[
            f"{rows}.batch_id = {batch.pk:d}",
            f"{table}.worktable_id = {hidden(batch.worktable_id, f'{rows}.row_id')}",
            f"{table}.row_id = {rows}.row_id",
        ],
    )


def _n_queued(batch):
    return _of_rows(batch, Todo).count()


def _progress(batch):
    """Return which fraction of the steps is done, and how long the rest takes if it goes on as it did."""
    left = _n_queued(batch)
    done = max(0.0, 1.0 - left / max(batch.n_units, left, 1))
    spent = timezone.now() - batch.started_at
    return done, (spent * ((1 - done) / done) if done >= GUESS_FROM else None)


def _compared(found, before):
    """Return which rows fail that did not in the batch before, which are mended, and which still fail."""
    if before is None:
        return Rows(0, []), Rows(0, []), Rows(0, [])
    bad = f"IN ({State.FAILED:d}, {State.BLOCKED:d})"
    kind = (
        f"CASE WHEN f.state {bad} AND COALESCE(p.state, 0) {bad} THEN 'still' "
        f"WHEN f.state {bad} THEN 'newly' WHEN p.state {bad} AND f.state = {State.FRESH:d} THEN 'mended' END"
    )
    sql = (
        "SELECT kind, n, row_id FROM (SELECT kind, row_id, COUNT(*) OVER (PARTITION BY kind) AS n, "
        "ROW_NUMBER() OVER (PARTITION BY kind ORDER BY row_id) AS place FROM ("
        f"SELECT {kind} AS kind, f.row_id FROM ({found}) f LEFT JOIN worktables_batchrow p "
        f"ON p.batch_id = {hidden(before.pk, 'f.row_id')} AND p.row_id = f.row_id "
        "WHERE f.busy = 0) k WHERE kind IS NOT NULL) c "
        f"WHERE place <= {ROWS_NAMED:d} ORDER BY row_id"
    )
    numbers, rows = {}, {}
    with connection.cursor() as cursor:
        cursor.execute(sql)
        for kind_of_row, number, row_id in cursor.fetchall():
            numbers[kind_of_row] = number
            rows.setdefault(kind_of_row, []).append(row_id)
    return tuple(Rows(numbers.get(name, 0), rows.get(name, [])) for name in ("newly", "mended", "still"))


def _groups(found, sight):
    """Return what is not fresh, by state and reason, the worst and the most frequent first."""
    same = "PARTITION BY state, step_id, line, CAST(about AS TEXT)"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, step_id, line, CAST(about AS TEXT), n, row_id FROM ("
            f"SELECT f.*, COUNT(*) OVER ({same}) AS n, ROW_NUMBER() OVER ({same} ORDER BY row_id) AS place "
            f"FROM ({found}) f WHERE busy = 0 AND state <> {State.FRESH:d}) g WHERE place <= {ROWS_NAMED:d} "
            f"ORDER BY n DESC, row_id LIMIT {LINES_READ:d}"
        )
        read = cursor.fetchall()
    steps = dict(TableStep.objects.filter(pk__in={row[1] for row in read}).values_list("pk", "name"))
    groups = {}
    for state, step_id, line, about, number, row_id in read:
        told = sight.reason(state, line or "", json.loads(about) if about else None)
        told = told or "the row it comes from is not fresh"
        group = groups.setdefault((state, steps.get(step_id, ""), pattern_of(told)), {})
        group.setdefault((told, about), [number, []])[1].append(row_id)
    made = [
        Group(
            State(state).label,
            step,
            next(iter(lines))[0] if len({told for told, _ in lines}) == 1 else pattern,
            sum(number for number, _ in lines.values()),
            sorted(row for _, rows in lines.values() for row in rows)[:ROWS_NAMED],
        )
        for (state, step, pattern), lines in groups.items()
    ]
    worst_first = [State.FAILED, State.BLOCKED, State.HELD, State.EMPTY, State.STALE, State.RETIRED]
    order = {state.label: place for place, state in enumerate(worst_first)}
    return sorted(made, key=lambda group: (order[group.state], -group.n, group.line))


def pattern_of(line):
    """Return an error line without what differs from row to row: names in quotes, and numbers."""
    return re.sub(r"\d[\d.]*", "…", re.sub(r"“[^”]*”", "“…”", line))
