"""Taking work: a batch of units of one step, whose inputs are settled, for one worker."""

import dataclasses

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from worktables.dependencies import Node, ProjectGraph, graph_of
from worktables.models import State, Todo, Unit, Worktable
from worktables.queue.locking import hold, in_one_transaction
from worktables.storage.layout import table_name
from worktables.storage.rows import in_ids

UNSETTLED = (State.STALE, State.HELD)
SUSPICIOUS = 2  # attempts


@dataclasses.dataclass(frozen=True)
class Claim:
    """One unit in a worker's hands."""

    row_id: int
    generation: int
    forced: bool
    asked_by: int | None


@dataclasses.dataclass(frozen=True)
class Batch:
    """Units of one step of one table, held by one worker."""

    worktable: Worktable
    graph: ProjectGraph
    node: Node
    owner: str
    claims: dict[int, Claim]


def claim(owner, limit_of):
    """Take the next batch for a worker, or None if nothing can run.

    Parameters
    ----------
    owner : str
        The worker's token.
    limit_of : callable
        Node → how many units to take at most.

    Returns
    -------
    Batch or None
    """
    waiting = (
        Todo.objects.filter(owner=None)
        .values("worktable_id", "step_id", "worktable__project_id", "step__rank")
        .annotate(urgency=Max("priority"))
        .order_by("-urgency", "step__rank", "worktable_id", "step_id")
    )
    graphs = {}
    for found in list(waiting):
        project_id = found["worktable__project_id"]
        graph = graphs.get(project_id) or graphs.setdefault(project_id, graph_of(project_id))
        node = graph.nodes.get(found["step_id"])
        if node is None or _waits_for_a_table(graph, node):
            continue
        graph, node, claims = _claim(project_id, node.id, owner, limit_of)
        if claims:
            worktable = Worktable.objects.select_related("project").get(pk=node.worktable_id)
            return Batch(worktable, graph, node, owner, {taken.row_id: taken for taken in claims})
    return None


@in_one_transaction
def _claim(project_id, step_id, owner, limit_of):
    """Claim units of a step if nothing above them is unsettled; return graph, node and claims.

    Asked while holding the project: an edit between question and answer would raise the generation
    *before* the claim, and what is then computed from the old rows above would pass for fresh.
    """
    hold(project_id)
    graph = graph_of(project_id)
    node = graph.nodes.get(step_id)
    if node is None or _waits_for_a_table(graph, node):
        return graph, node, []
    return graph, node, _take(graph, node, owner, limit_of(node))


def work_waits():
    """Say whether any unit is queued and unclaimed."""
    return Todo.objects.filter(owner=None).exists()


def _waits_for_a_table(graph, node):
    """Say whether rows that this node collects may still change: then none of its units runs yet."""
    above = [graph.nodes[step_id] for step_id, way in graph.upstream[node.id].items() if way == "table"]
    return any(
        Unit.objects.filter(worktable=step.worktable_id, step=step.id, state__in=UNSETTLED).exists()
        for step in above
    )


def _take(graph, node, owner, limit):
    """Claim up to `limit` units whose own row's (and parent row's) upstream units are settled."""
    above = graph.upstream[node.id]
    unsettled = f"state IN ({State.STALE:d}, {State.HELD:d})"
    same_row = [step for step, way in above.items() if way == "row"]
    conditions, values = [], [node.worktable_id, node.id]
    if same_row:
        conditions.append(
            "NOT EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = t.worktable_id "
            f"AND u.row_id = t.row_id AND u.step_id IN ({', '.join(map(str, same_row))}) AND u.{unsettled})"
        )
    for step in (step for step, way in above.items() if way == "parent"):
        conditions.append(
            f"NOT EXISTS (SELECT 1 FROM {table_name(node.worktable_id)} r JOIN worktables_unit u "
            "ON u.row_id = r.parent_id WHERE r.id = t.row_id AND u.worktable_id = %s AND u.step_id = %s "
            f"AND u.{unsettled})"
        )
        values += [graph.nodes[step].worktable_id, step]
    where = "".join(f" AND {condition}" for condition in conditions)
    lock = " FOR UPDATE OF t SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.row_id, t.generation, t.forced, t.asked_by, t.attempts FROM worktables_todo t "
            f"WHERE t.worktable_id = %s AND t.step_id = %s AND t.owner IS NULL{where} "
            f"ORDER BY t.priority DESC, t.row_id LIMIT {int(limit)}{lock}",
            values,
        )
        found = [
            (Claim(row, generation, bool(forced), by), lost) for row, generation, forced, by, lost in cursor
        ]
        # What keeps losing its worker is taken alone, so that it takes nobody with it.
        taken = [each for each, lost in found if lost < SUSPICIOUS] or [each for each, _ in found[:1]]
        if taken:
            condition, ids = in_ids("row_id", [each.row_id for each in taken])
            cursor.execute(
                "UPDATE worktables_todo SET owner = %s, claimed_at = %s "
                f"WHERE worktable_id = %s AND step_id = %s AND {condition}",
                [owner, timezone.now(), node.worktable_id, node.id, *ids],
            )
    return taken
