"""Making what is asked for: a table, some rows, one cell, with all that it is made from."""

from django.db import transaction

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.events import announce_tables
from worktables.keeping import KEEPABLE, keep_units, node_of
from worktables.models import Batch, State, Unit
from worktables.planning import plan_wish, wish_for
from worktables.queue import rowsets
from worktables.queue.batching import open_batch, queued_rows
from worktables.queue.locking import hold
from worktables.queue.marking import below, enqueue, mark
from worktables.queue.priorities import BULK, WANTED
from worktables.queue.readiness import any_unit, in_states
from worktables.queue.wording import rows_named
from worktables.waking import wake_workers

STOPPED = f"{in_states((State.HELD, State.BLOCKED, State.FAILED))} AND NOT u.kept"


@transaction.atomic
def make(worktable, *, by, rows=None, step=None, and_below=False, keep=(), priority=WANTED):
    """Have cells made, with all that they are made from, also where tables are updated only when asked.

    Parameters
    ----------
    rows, step, and_below
        Which, as of `wish_for`.
    keep : iterable of (Worktable, str)
        Steps of which the present results are used though they are stale; what has no result is made.
    priority : int

    Returns
    -------
    Plan
        What was planned, and is now queued.

    Raises
    ------
    PermissionDenied, NoSuchRow, NoSuchStep
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    graph = graph_of(worktable.project_id)
    asked = wish_for(worktable, by, rows=rows, step=step, and_below=and_below)
    good_enough = {node_of(graph, table, name).id for table, name in keep}
    for node, wanted in asked.reached:
        if node.id in good_enough:
            keep_units(graph, node, rowsets.of_units(node, KEEPABLE, wanted), by)
    plan = plan_wish(asked, by)
    for node, wanted in asked.reached:
        _try_again(graph, node, wanted, by)
    for node, wanted in asked.reached:
        enqueue([node], wanted, by=by, priority=priority)
    if plan.n_units:
        announce_tables(graph.project_id, {node.worktable_id for node, _ in asked.reached})
    wake_workers(worktable)
    return plan


@transaction.atomic
def update_table(worktable, *, by):
    """Queue every unit of a table that is not fresh, and what it waits for; what failed is tried again.

    Returns
    -------
    Plan
        What was planned, and is now queued.
    """
    plan = make(worktable, by=by, priority=BULK)
    if plan.n_units:
        open_batch(worktable, Batch.Action.UPDATE, queued_rows(worktable), by=by)
    return plan


def _try_again(graph, node, rows, by):
    """Mark what failed, is blocked or was stopped, and what is below: it runs once more."""
    if not any_unit(node, so=STOPPED):
        return
    stopped = Unit.objects.filter(worktable=node.worktable_id, step=node.id).extra(
        where=[
            STOPPED.replace("u.", "worktables_unit."),
            rowsets.units_of(node.worktable_id, rows, "worktables_unit"),
        ],
        params=list(rows.params),
    )
    ids = list(stopped.values_list("row_id", flat=True))
    if ids:
        again = rowsets.these(node.worktable_id, ids)
        mark(
            graph,
            [(node, again), *below(graph, node, again)],
            f"“{node.name}” of {rows_named(graph.tables[node.worktable_id].name, sorted(ids))} tried again by {by}",
            about={node.worktable_id},
            by=by,
        )
