"""Cancelling: what is queued or runs leaves the queue at once, and waits until it is asked for again.

Whoever computes it finds that it is no longer theirs (`worktables.queue.watching`), and what they write is refused: the
generation has risen. What is below stays stale, since it waits for a unit that is held.
"""

from django.db import connection
from django.utils import timezone

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import NoSuchRow
from worktables.events import announce, announce_rows, announce_tables
from worktables.models import Change, State, TableStep
from worktables.queue import rowsets
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.readiness import in_states
from worktables.queue.rowsets import parameters
from worktables.queue.rowstates import refresh_rows, show_children
from worktables.queue.staling import as_others
from worktables.storage import layout_of

CANCELLED = "cancelled by "  # begins the reason of what was


@in_one_transaction
def cancel(worktable, row_ids=None, *, by, also_waiting=False):
    """Take what is queued or runs of some rows, or of a table, out of the queue; it is held until asked for again.

    An edit of what it is made from queues it anew, and so do “run again” and “update the table”.

    Parameters
    ----------
    worktable : Worktable
    row_ids : iterable of int, optional
        Of which rows; else of all.
    by : User
    also_waiting : bool
        Also what is stale and not queued, because it waits until somebody asks for it.

    Returns
    -------
    int
        How many units were cancelled.

    Raises
    ------
    PermissionDenied
        If they may not run this worktable.
    NoSuchRow
        If none of the rows is there.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    rows, ids = rowsets.all_rows(worktable.pk), None
    if row_ids is not None:
        row_ids = list(row_ids)
        ids = list(layout_of(worktable).rows.filter(id__in=row_ids).values_list("id", flat=True))
        if not ids:
            raise NoSuchRow(", ".join(map(str, row_ids)) or "none")
        rows = rowsets.these(worktable.pk, ids)
    reason = f"{CANCELLED}{by}; run the row or update the table to compute it"
    count = _hold_what_is_queued(worktable.pk, rows, reason, also_waiting)
    if not count:
        return 0
    _leave_the_queue(worktable.pk, rows)
    _show(worktable, rows)
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.CANCEL,
        row_id=ids[0] if ids and len(ids) == 1 else None,
        new={"steps": count} if ids is None else {"rows": ids},
        by=by,
    )
    if ids is None:
        announce(worktable, "rows", all=True, n=count)
    else:
        announce_rows(worktable, ids)
    return count


def _hold_what_is_queued(worktable_id, rows, reason, also_waiting):
    which = f"SELECT t.worktable_id, t.row_id, t.step_id FROM worktables_todo t WHERE {_queued(worktable_id, rows)}"
    values = parameters(rows)
    if also_waiting:
        which += (
            " UNION ALL SELECT u.worktable_id, u.row_id, u.step_id FROM worktables_unit u "
            f"WHERE {rowsets.units_of(worktable_id, rows)} AND {in_states([State.STALE])}"
        )
        values *= 2
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_unit SET state = %s, generation = generation + 1, reason = %s, about = %s, "
            f"changed_at = %s WHERE (worktable_id, row_id, step_id) IN ({which}) AND state + 0 <> {State.RETIRED:d}",
            [State.HELD, reason, as_others((), None), timezone.now(), *values],
        )
        return cursor.rowcount


def _leave_the_queue(worktable_id, rows):
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM worktables_todo AS t WHERE {_queued(worktable_id, rows)}", parameters(rows)
        )


def _queued(worktable_id, rows):
    return rowsets.units_of(worktable_id, rows, "t")


def _show(worktable, rows):
    """Write the state of the rows whose units are held now, and of what these expand into."""
    graph = graph_of(worktable.project_id)
    held = rowsets.RowSet(
        f"SELECT u.row_id FROM worktables_unit u WHERE {rowsets.units_of(worktable.pk, rows)} "
        f"AND {in_states([State.HELD])}",
        rows.params,
    )
    nodes = graph.steps_of[worktable.pk]
    refresh_rows(graph, worktable.pk, held)
    show_children(graph, nodes, held)
    expanding = [node for node in nodes if node.kind == TableStep.Kind.EXPAND]
    announce_tables(worktable.project_id, {graph.links[node.link_id].target_id for node in expanding})
