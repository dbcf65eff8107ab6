"""Running again what failed, or what was flagged: of a table, or of a selection."""

from collections import defaultdict

from django.db import transaction

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.events import announce
from worktables.models import Annotation, Batch, State, Unit
from worktables.queue import rowsets
from worktables.queue.batching import open_batch
from worktables.queue.locking import hold
from worktables.queue.marking import below, mark
from worktables.queue.readiness import in_states
from worktables.queue.wording import rows_named
from worktables.storage import layout_of
from worktables.storage.rows import in_ids
from worktables.updating import rerun_rows
from worktables.waking import wake_workers


@transaction.atomic
def rerun_failed(worktable, *, by, row_ids=None):
    """Run again exactly the steps that failed, and what they blocked.

    Parameters
    ----------
    worktable : Worktable
    by : User
    row_ids : iterable of int, optional
        Only of these rows; else of all.

    Returns
    -------
    int
        How many rows had a failed step.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    graph, ids = graph_of(worktable.project_id), set()
    for node, failed in _failed(worktable, graph, row_ids).items():
        ids.update(failed)
        rows = rowsets.these(worktable.pk, failed)
        reached = below(graph, node, rows)
        own = [(one, found) for one, found in reached if one.worktable_id == worktable.pk]
        others = [(one, found) for one, found in reached if one.worktable_id != worktable.pk]
        named = rows_named(worktable.name, failed)
        reason, about = f"“{node.name}” of {named} tried again by {by}", {worktable.pk}
        mark(graph, [(node, rows), *own], reason, about=about, by=by, queue=True)
        mark(graph, others, reason, about=about, by=by)
    if ids:
        open_batch(worktable, Batch.Action.RERUN_FAILED, rowsets.these(worktable.pk, sorted(ids)), by=by)
        announce(worktable, "rows", rows=sorted(ids)[:300])
        wake_workers(worktable)
    return len(ids)


def _failed(worktable, graph, row_ids):
    """Return {node: the rows in which it has failed}, in the order of the steps."""
    units = Unit.objects.filter(worktable=worktable).extra(
        where=[in_states([State.FAILED], "worktables_unit")]
    )
    if row_ids is not None:
        condition, ids = in_ids("worktables_unit.row_id", list(row_ids))
        units = units.extra(where=[condition], params=ids)
    found = defaultdict(list)
    for step_id, row_id in units.order_by("step__rank", "step_id", "row_id").values_list("step_id", "row_id"):
        if step_id in graph.nodes:
            found[graph.nodes[step_id]].append(row_id)
    return found


@transaction.atomic
def rerun_flagged(worktable, *, by, row_ids=None):
    """Compute anew the rows that carry a flag which nobody has withdrawn, even if nothing changed.

    Parameters
    ----------
    row_ids : iterable of int, optional
        Only of these rows; else of all.

    Returns
    -------
    int
        How many rows are flagged.
    """
    demand(by, "run", worktable)
    flags = Annotation.objects.filter(worktable=worktable, kind=Annotation.Kind.FLAG, withdrawn_at=None)
    present = layout_of(worktable).rows.exclude(state=State.RETIRED)
    if row_ids is not None:
        condition, values = in_ids("id", list(row_ids))
        present = present.extra(where=[condition], params=values)
    ids = list(present.filter(id__in=flags.values("row_id")).order_by("id").values_list("id", flat=True))
    if ids:
        rerun_rows(worktable, ids, by=by, action=Batch.Action.RERUN_FLAGGED)
    return len(ids)
