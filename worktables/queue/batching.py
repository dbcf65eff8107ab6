"""Batches as the queue keeps them: opened by what queues many rows together, ended when none of them waits or runs."""

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from pipelines.writing import hidden
from worktables.events import announce
from worktables.models import Batch, BatchRow, State, Todo, Unit
from worktables.queue import rowsets
from worktables.queue.locking import hold, in_one_transaction
from worktables.storage.layout import table_name

MANY = 2  # rows: one that is added or run again by hand is no batch


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
    batch.n_units = n_queued(batch) if n_units is None else n_units
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
    found = present(batch, f"(r.state <> {State.FRESH:d} OR r.deleted_at IS NOT NULL)")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_batchrow AS b SET state = f.state, step_id = f.step_id, line = f.line, "
            f"about = f.about FROM ({found}) f "
            f"WHERE b.batch_id = {hidden(batch.pk, 'f.row_id')} AND b.row_id = f.row_id"
        )
    last = of_rows(batch, Unit).aggregate(at=Max("settled_at"))["at"]
    ended_at = max(last, batch.started_at) if last else timezone.now()
    Batch.objects.filter(pk=batch.pk).update(ended_at=ended_at)
    announce(batch.worktable, "rows", rows=[])
    return 1


def present(batch, condition="1 = 1"):
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


def of_rows(batch, model):
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


def n_queued(batch):
    return of_rows(batch, Todo).count()
