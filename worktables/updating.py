"""Running rows again though nothing changed, and counting how they stand."""

from django.db import transaction

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import NoSuchRow
from worktables.events import announce
from worktables.models import Batch, State, Unit
from worktables.queue import rowsets
from worktables.queue.batching import MANY, open_batch
from worktables.queue.locking import hold
from worktables.queue.marking import below, mark
from worktables.queue.priorities import BY_HAND
from worktables.queue.wording import rows_named
from worktables.storage import layout_of
from worktables.storage.counting import count_states
from worktables.waking import wake_workers


@transaction.atomic
def rerun_rows(worktable, row_ids, *, by, step=None, action=Batch.Action.RERUN):
    """Compute rows anew, even if nothing changed; the old runs stay.

    Parameters
    ----------
    step : str, optional
        Only this step (and what turns out to follow); else all steps of the rows.
    action : Batch.Action
        What the batch is called; a single row that is simply run again is none.

    Returns
    -------
    int
        How many units were queued.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    ids = list(layout_of(worktable).rows.filter(id__in=list(row_ids)).values_list("id", flat=True))
    if not ids:
        raise NoSuchRow(", ".join(map(str, row_ids)) or "none")
    graph, rows = graph_of(worktable.project_id), rowsets.these(worktable.pk, ids)
    nodes = [node for node in graph.steps_of[worktable.pk] if step in (None, node.name)]
    count, about = 0, {worktable.pk}
    asked = [node.id for node in nodes]
    Unit.objects.filter(worktable=worktable, step__in=asked, row_id__in=ids, kept=True).update(kept=False)
    for node in nodes:
        reason = f"“{node.name}” of {rows_named(worktable.name, sorted(ids))} run again by {by}"
        count += mark(
            graph, [(node, rows)], reason, about=about, by=by, forced=True, queue=True, priority=BY_HAND
        )
        mark(graph, below(graph, node, rows), reason, about=about, by=by, priority=BY_HAND)
    least = MANY if action == Batch.Action.RERUN else 1
    if len(ids) >= least:
        open_batch(worktable, action, rows, by=by)
    announce(worktable, "rows", rows=ids[:300])
    wake_workers(worktable)
    return count


def state_counts(worktables):
    """Return {worktable id: {state: number of rows}} for these tables, in one query.

    A row that is queued or runs counts as that, whatever it was before. Retired rows do not count, as
    they do not in `n_rows`.
    """
    counts = {worktable.pk: {} for worktable in worktables}
    for pk, state, busy, number in count_states(counts):
        if state == State.RETIRED:
            continue
        name = busy or State(state).label
        counts[pk][name] = counts[pk].get(name, 0) + number
    return counts
