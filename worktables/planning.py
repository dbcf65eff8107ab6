"""One planner: what an update of a table, or making some of its cells, would run, why, and for how long."""

import dataclasses
import json
from datetime import timedelta

from django.conf import settings
from django.db import connection

from pipelines.planning import Waiting, plan_of
from projects.permissions import may
from worktables.dependencies import Node, graph_of
from worktables.errors import NoSuchRow, NoSuchStep
from worktables.models import State, TableStep, Worker, Worktable
from worktables.queue import rowsets
from worktables.queue.marking import below
from worktables.queue.readiness import any_unit, in_states
from worktables.queue.recovery import database_time
from worktables.queue.resting import may_run
from worktables.queue.rowsets import RowSet, units_of
from worktables.queue.upwards import above
from worktables.sight import Sight
from worktables.storage import layout_of

NEEDS_WORK = f"{in_states((State.STALE, State.HELD, State.BLOCKED, State.FAILED))} AND NOT u.kept"
REASONS = 60  # the commonest of a step


@dataclasses.dataclass(frozen=True)
class Wish:
    """What somebody wants to have: some steps of some rows, and what that takes.

    Attributes
    ----------
    worktable : Worktable
    rows : RowSet
    n_rows : int
    reached : list of (Node, RowSet)
        What is to be made, and what it is made from, in the order of execution.
    deeper : bool
        Whether there is more above that was not asked about.
    """

    worktable: Worktable
    rows: RowSet
    n_rows: int
    reached: list[tuple[Node, RowSet]]
    deeper: bool


def wish_for(worktable, viewer, *, rows=None, step=None, and_below=False, depth=None):
    """Say what has to be fresh for these cells to be.

    Parameters
    ----------
    worktable : Worktable
    viewer : User or None
        Of other tables only those count that they may run, or may see if this one is not theirs to run.
    rows : list of int, optional
        All, if not given.
    step : str, optional
        All steps of the table, if not given.
    and_below : bool
        Also whatever is made from them, in all tables.
    depth : int, optional
        How many steps up to look.

    Raises
    ------
    NoSuchRow, NoSuchStep
    """
    graph = graph_of(worktable.project_id)
    nodes = [node for node in graph.steps_of[worktable.pk] if step in (None, node.name)]
    if step is not None and not nodes:
        raise NoSuchStep(step, worktable.name, [node.name for node in graph.steps_of[worktable.pk]])
    wanted, n_rows = rowsets.all_rows(worktable.pk), worktable.n_rows
    if rows is not None:
        ids = list(layout_of(worktable).rows.filter(id__in=list(rows)).values_list("id", flat=True))
        if len(ids) != len(set(rows)):
            raise NoSuchRow(", ".join(map(str, sorted(set(rows) - set(ids)))) or "none")
        wanted, n_rows = rowsets.these(worktable.pk, sorted(ids)), len(ids)
    reached, deeper = {}, False
    for node in nodes:
        targets = [(node, wanted), *(below(graph, node, wanted) if and_below else [])]
        for target in targets:
            up, more = above(graph, *target, depth=depth)
            reached.update(dict.fromkeys([*up, target]))
            deeper = deeper or more
    theirs = _tables_of(worktable, viewer)
    ordered = sorted(reached, key=lambda pair: (pair[0].rank, pair[0].id))
    return Wish(
        worktable, wanted, n_rows, [pair for pair in ordered if pair[0].worktable_id in theirs], deeper
    )


def _tables_of(worktable, viewer):
    """Return the ids of the tables in which this person's wish is heard."""
    if viewer is None:
        return {worktable.pk}
    level = "run" if may(viewer, "run", worktable) else "view"
    permitted = Worktable.objects.permitted(viewer, level).filter(project=worktable.project_id)
    return {worktable.pk, *permitted.values_list("pk", flat=True)}


def plan_wish(wish, viewer):
    """Say what a wish would run, and why, as far as this person may know."""
    worktable = wish.worktable
    graph, sight = graph_of(worktable.project_id), Sight(viewer, worktable.project_id)
    busy = [pair for pair in wish.reached if any_unit(pair[0], so=NEEDS_WORK)]
    names = {node.id: _name(graph, node, worktable) for node, _ in wish.reached}
    steps = {node.id for node, _ in busy}
    lately = TableStep.objects.filter(pk__in=steps).exclude(seconds=None).values_list("pk", "seconds")
    return plan_of(
        wish.n_rows,
        _rows_to_do(graph, wish, busy),
        [group for pair in busy for group in _groups(graph, *pair, names, sight)],
        list(names.values()),
        n_rows_on_hold=_rows_on_hold(graph, wish, busy),
        durations={names[pk]: seconds for pk, seconds in lately},
        n_workers=workers_alive() if busy else 0,
        deeper=wish.deeper,
    )


def plan_update(worktable, viewer=None):
    """Say what `update_table` would run, and why, without running it; why, as far as this person may know.

    Returns
    -------
    pipelines.planning.Plan
        Whose `sentence()` is “3 of 12 rows need work”. Failed rows count: they are tried again. Rows on hold are
        counted apart: no update makes them, only their release.
    """
    return plan_wish(wish_for(worktable, viewer), viewer)


def workers_alive():
    """Return how many workers have given a sign of life lately."""
    late = database_time() - timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    return Worker.objects.filter(stopped_at=None, seen_at__gte=late).count()


def _name(graph, node, worktable):
    table = "" if node.worktable_id == worktable.pk else f"{graph.tables[node.worktable_id].name}."
    return table + node.name


def _rows_to_do(graph, wish, busy):
    """Return how many of the rows wished for have a unit that would run."""
    own = _own(wish, busy)
    return _count_rows(wish, own, *may_run(graph, own[0], "u")) if own else 0


def _rows_on_hold(graph, wish, busy):
    """Return how many of the rows wished for have a unit that would run if nobody held them."""
    own = _own(wish, busy)
    if not own or wish.worktable.pk not in graph.held:
        return 0
    runs, values = may_run(graph, own[0], "u")
    return _count_rows(wish, own, f"NOT ({runs})", values)


def _own(wish, busy):
    return [node for node, rows in busy if node.worktable_id == wish.worktable.pk and rows == wish.rows]


def _count_rows(wish, nodes, condition, values):
    steps = ", ".join(f"{node.id:d}" for node in nodes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(DISTINCT u.row_id) FROM worktables_unit u WHERE u.step_id IN ({steps}) "
            f"AND {units_of(wish.worktable.pk, wish.rows)} AND {NEEDS_WORK} AND {condition}",
            [*wish.rows.params, *values],
        )
        return cursor.fetchone()[0]


def _groups(graph, node, rows, names, sight):
    """Yield the units of a step that would run, alike in state and reason; what is beyond the commonest, without."""
    runs, of_holds = may_run(graph, node, "u")
    those = (
        f"FROM worktables_unit u WHERE u.step_id = %s AND {units_of(node.worktable_id, rows)} "
        f"AND {NEEDS_WORK} AND {runs}"
    )
    values = [node.id, *rows.params, *of_holds]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT u.state, COUNT(*) {those} GROUP BY u.state", values)
        left = dict(cursor.fetchall())
        about = "CAST(u.about AS TEXT)"
        cursor.execute(
            f"SELECT u.state, u.reason, {about}, COUNT(*) AS n {those} "
            f"GROUP BY u.state, u.reason, {about} ORDER BY n DESC, u.reason LIMIT {REASONS:d}",
            values,
        )
        for state, reason, about, n in cursor.fetchall():
            left[state] -= n
            told = sight.reason(State(state), reason, _tables(about))
            yield Waiting(names[node.id], State(state).label, told, n)
    for state, n in left.items():
        if n:
            yield Waiting(names[node.id], State(state).label, "", n)


def _tables(text):
    """Read which tables a reason speaks of; None is not known."""
    return None if text in (None, "null") else json.loads(text)
