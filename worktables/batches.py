"""What came of batches, the rows that one action queued together, and how far they are."""

import dataclasses
import json
import re
from collections import Counter, defaultdict
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from pipelines.writing import hidden
from worktables.models import Batch, State, TableStep
from worktables.queue.batching import n_queued, present
from worktables.sight import Sight

ROWS_NAMED = 100  # of each group; the others are counted
LINES_READ = 5000
ALIKE = 3  # lines, from which they are told as one
GUESS_FROM = 0.05  # fraction done

BAD = f"IN ({State.FAILED:d}, {State.BLOCKED:d})"
# What became of a row `f` since the batch before, in which it was `p`.
KIND = (
    f"CASE WHEN f.state {BAD} AND COALESCE(p.state, 0) {BAD} THEN 'still' "
    f"WHEN f.state {BAD} THEN 'newly' WHEN p.state {BAD} AND f.state = {State.FRESH:d} THEN 'mended' END"
)


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
class Outline:
    """What came of a batch so far, in numbers; its rows need not be named."""

    batch: Batch
    counts: dict
    n_busy: int
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


@dataclasses.dataclass(frozen=True)
class Summary(Outline):
    """What came of a batch so far, row by row and why."""

    fraction: float
    left: timedelta | None
    groups: list
    before: Batch | None


def outline(batches):
    """Say in numbers what came of batches of one table: two queries, however many.

    Parameters
    ----------
    batches : list of Batch

    Returns
    -------
    list of Outline
    """
    if not batches:
        return []
    newest = max(batch.pk for batch in batches)
    ended = Batch.objects.filter(worktable=batches[0].worktable_id, pk__lt=newest).exclude(ended_at=None)
    ended = list(ended.order_by("-pk").values_list("pk", flat=True)[: len(batches)])
    before = {batch.pk: next((pk for pk in ended if pk < batch.pk), 0) for batch in batches}
    each = " UNION ALL ".join(
        f"SELECT {pk:d} AS batch_id, {before[pk]:d} AS before_id, f.row_id, "
        f"f.state, f.busy FROM ({_found(batch)}) f"
        for pk, batch in ((batch.pk, batch) for batch in batches)
    )
    counts, busy, numbers = defaultdict(Counter), Counter(), defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT batch_id, state, busy, kind, COUNT(*) FROM (SELECT f.batch_id, f.state, f.busy, "
            f"CASE WHEN f.before_id = 0 OR f.busy = 1 THEN NULL ELSE {KIND} END AS kind FROM ({each}) f "
            "LEFT JOIN worktables_batchrow p ON p.batch_id = f.before_id AND p.row_id = f.row_id) k "
            "GROUP BY 1, 2, 3, 4"
        )
        for pk, state, is_busy, kind, number in cursor.fetchall():
            if is_busy:
                busy[pk] += number
            else:
                counts[pk][State(state).label] += number
                numbers[pk][kind] += number
    return [
        Outline(
            batch,
            dict(counts[batch.pk]),
            busy[batch.pk],
            *(Rows(numbers[batch.pk][kind], []) for kind in ("newly", "mended", "still")),
        )
        for batch in batches
    ]


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
    return Summary(batch, counts, n_busy, newly, mended, still, fraction, left, groups, before)


def _found(batch):
    """Return SQL: (row_id, state, step_id, line, about, busy) of each row of a batch, as it is or as it ended."""
    if batch.ended_at is None:
        return present(batch)
    return (
        f"SELECT b.row_id, COALESCE(b.state, {State.FRESH:d}) AS state, b.step_id, b.line, b.about, 0 AS busy "
        f"FROM worktables_batchrow b WHERE b.batch_id = {batch.pk:d}"
    )


def _progress(batch):
    """Return which fraction of the steps is done, and how long the rest takes if it goes on as it did."""
    left = n_queued(batch)
    done = max(0.0, 1.0 - left / max(batch.n_units, left, 1))
    spent = timezone.now() - batch.started_at
    return done, (spent * ((1 - done) / done) if done >= GUESS_FROM else None)


def _compared(found, before):
    """Return which rows fail that did not in the batch before, which are mended, and which still fail."""
    if before is None:
        return Rows(0, []), Rows(0, []), Rows(0, [])
    sql = (
        "SELECT kind, n, row_id FROM (SELECT kind, row_id, COUNT(*) OVER (PARTITION BY kind) AS n, "
        "ROW_NUMBER() OVER (PARTITION BY kind ORDER BY row_id) AS place FROM ("
        f"SELECT {KIND} AS kind, f.row_id FROM ({found}) f LEFT JOIN worktables_batchrow p "
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


def gather(reasons):
    """Return {reason: number} with what is alike together: three lines that differ only in names and numbers are one.

    Two of them tell more apart.
    """
    alike = defaultdict(dict)
    for reason, number in reasons.items():
        alike[pattern_of(reason)][reason] = number
    found = {}
    for pattern, ones in alike.items():
        found |= ones if len(ones) < ALIKE else {pattern: sum(ones.values())}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def pattern_of(line):
    """Return an error line without what differs from row to row: names in quotes, and numbers."""
    return re.sub(r"\d[\d.]*", "…", re.sub(r"“[^”]*”", "“…”", line))
