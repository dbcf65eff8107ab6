"""Bringing a table up to date: what would run and why, and running it."""

from django.db import transaction

from pipelines.planning import plan_of
from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import NoSuchRow
from worktables.events import announce
from worktables.models import State, Unit
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import below, enqueue, mark
from worktables.queue.readiness import any_unit, in_states
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.counting import count_states
from worktables.waking import wake_workers

NEEDS_WORK = (State.STALE, State.BLOCKED, State.FAILED)


def plan_update(worktable, viewer=None):
    """Say what `update_table` would run, and why, without running it; why, as far as this person may know.

    Returns
    -------
    pipelines.planning.Plan
        Whose `sentence()` is “3 of 12 rows need work”. Failed rows count: they are tried again.
    """
    steps = list(worktable.steps.all())
    busy = [step for step in steps if any_unit(step, NEEDS_WORK)]
    units = (
        _in_states(worktable, NEEDS_WORK)
        .filter(step__in=busy)
        .order_by("step__rank", "row_id")
        .values_list("row_id", "step__name", "state", "reason", "about")
    )
    sight = Sight(viewer, worktable.project_id)
    named = (
        (row_id, step, State(state).label, sight.reason(state, reason, about))
        for row_id, step, state, reason, about in units
    )
    return plan_of(worktable.n_rows, named, [step.name for step in steps])


def _in_states(worktable, states):
    """Return a table's units in these states, none of them fresh: found by the index of those that are not."""
    return Unit.objects.filter(worktable=worktable).extra(where=[in_states(states, "worktables_unit")])


@transaction.atomic
def update_table(worktable, *, by):
    """Queue every unit of a table that is not fresh; failed ones are tried again.

    Returns
    -------
    Plan
        What was planned, and is now queued.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    plan = plan_update(worktable, by)
    graph = graph_of(worktable.project_id)
    broken = _in_states(worktable, (State.FAILED, State.BLOCKED))
    for node in graph.steps_of[worktable.pk]:
        rows = rowsets.these(worktable.pk, list(broken.filter(step=node.id).values_list("row_id", flat=True)))
        mark(
            graph,
            [(node, rows), *below(graph, node, rows)],
            f"tried again by {by}",
            about={worktable.pk},
            by=by,
        )
    everything = rowsets.all_rows(worktable.pk)
    if plan.n_rows_to_do:
        enqueue(graph.steps_of[worktable.pk], everything, by=by)
    announce(worktable, "rows", all=True, n=plan.n_rows_to_do)
    wake_workers(worktable)
    return plan


@transaction.atomic
def rerun_rows(worktable, row_ids, *, by, step=None):
    """Compute rows anew, even if nothing changed; the old runs stay.

    Parameters
    ----------
    step : str, optional
        Only this step (and what turns out to follow); else all steps of the rows.

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
    for node in nodes:
        reason = f"“{node.name}” run again by {by}"
        count += mark(graph, [(node, rows)], reason, about=about, by=by, forced=True, queue=True)
        mark(graph, below(graph, node, rows), reason, about=about, by=by)
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
