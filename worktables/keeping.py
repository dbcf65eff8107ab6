"""Good enough: a stale result that is used as it is, visibly, until somebody wants it made again."""

from django.db import connection, transaction
from django.utils import timezone

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import CannotKeep, NoSuchRow, NoSuchStep
from worktables.events import announce_rows
from worktables.models import Change, State, Todo, Unit, Worktable
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import below, mark, wake_below
from worktables.queue.readiness import in_states
from worktables.queue.rowstates import refresh_states
from worktables.queue.wording import rows_named
from worktables.storage import layout_of
from worktables.waking import wake_workers

# What was made once, and waits to be made again.
KEEPABLE = f"{in_states((State.STALE, State.HELD))} AND NOT u.kept AND u.content <> ''"


@transaction.atomic
def keep_as_it_is(worktable, row_ids, step, *, by):
    """Use the present results of a step though they are stale: what is below goes on with them.

    They stay visibly held, whatever changes above, until `stop_keeping`.

    Parameters
    ----------
    worktable : Worktable
    row_ids : list of int
    step : str
    by : User

    Returns
    -------
    int
        How many results are kept.

    Raises
    ------
    PermissionDenied, NoSuchRow, NoSuchStep
    CannotKeep
        If none of them is stale and has a result.
    """
    graph, node, rows = _begin(worktable, row_ids, step, by)
    kept = keep_units(graph, node, rowsets.of_units(node, KEEPABLE, rows), by)
    if not kept:
        raise CannotKeep(step)
    wake_workers(worktable)
    return kept


@transaction.atomic
def stop_keeping(worktable, row_ids, step, *, by):
    """Have results that were kept as they are made again, and what was made from them; return how many."""
    graph, node, rows = _begin(worktable, row_ids, step, by)
    kept = Unit.objects.filter(worktable=worktable, step=node.id, kept=True, row_id__in=list(row_ids))
    ids = list(kept.values_list("row_id", flat=True))
    if not ids:
        return 0
    kept.update(kept=False)
    rows = rowsets.these(worktable.pk, ids)
    reason = f"“{step}” of {rows_named(worktable.name, sorted(ids))} is no longer kept as it is, by {by}"
    mark(graph, [(node, rows), *below(graph, node, rows)], reason, about={worktable.pk}, by=by)
    _note(worktable, Change.Action.KEEP_NO_MORE, step, ids, by)
    wake_workers(worktable)
    return len(ids)


def keep_units(graph, node, rows, by):
    """Keep the results of units, in the caller's transaction; a worker that has one in hand is refused.

    Parameters
    ----------
    graph : ProjectGraph
    node : Node
    rows : RowSet
        Whose units are keepable.
    by : User

    Returns
    -------
    int
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE worktables_unit SET state = {State.HELD:d}, kept = TRUE, generation = generation + 1, "
            "reason = %s || reason, changed_at = %s WHERE worktable_id = %s AND step_id = %s "
            f"AND row_id IN ({rows.sql}) RETURNING row_id",
            [f"kept as it is by {by} though ", timezone.now(), node.worktable_id, node.id, *rows.params],
        )
        ids = sorted(row_id for (row_id,) in cursor.fetchall())
    if not ids:
        return 0
    Todo.objects.filter(worktable=node.worktable_id, step=node.id, row_id__in=ids).delete()
    worktable, rows = Worktable.objects.get(pk=node.worktable_id), rowsets.these(node.worktable_id, ids)
    refresh_states(graph, node, rows)
    wake_below(graph, node, rows)
    _note(worktable, Change.Action.KEEP, node.name, ids, by)
    announce_rows(worktable, ids)
    return len(ids)


def node_of(graph, worktable, step):
    """Return a step of a table by its name, or raise `NoSuchStep`."""
    named = {node.name: node for node in graph.steps_of[worktable.pk]}
    if step not in named:
        raise NoSuchStep(step, worktable.name, named)
    return named[step]


def _begin(worktable, row_ids, step, by):
    demand(by, "run", worktable)
    hold(worktable.project_id)
    graph = graph_of(worktable.project_id)
    node = node_of(graph, worktable, step)
    ids = set(layout_of(worktable).rows.filter(id__in=list(row_ids)).values_list("id", flat=True))
    if not ids or ids != set(row_ids):
        raise NoSuchRow(", ".join(map(str, sorted(set(row_ids) - ids))) or "none")
    return graph, node, rowsets.these(worktable.pk, sorted(ids))


def _note(worktable, action, step, ids, by):
    Change.objects.create(
        worktable=worktable,
        action=action,
        row_id=ids[0] if len(ids) == 1 else None,
        subject=step,
        new={"rows": ids},
        by=by,
    )
