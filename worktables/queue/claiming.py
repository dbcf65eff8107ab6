"""Taking work: a batch of units of one step, whose inputs are settled, for one worker."""

import dataclasses

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from worktables.dependencies import Node, ProjectGraph, graph_of
from worktables.models import Todo, Worktable
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.readiness import settled_above, waits_for_a_table
from worktables.storage.rows import in_ids

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
        Todo.objects.filter(owner=None, worktable__project__deleted_at=None)
        .values("worktable_id", "step_id", "worktable__project_id", "step__rank")
        .annotate(urgency=Max("priority"))
        .order_by("-urgency", "step__rank", "worktable_id", "step_id")
    )
    graphs = {}
    for found in list(waiting):
        project_id = found["worktable__project_id"]
        graph = graphs.get(project_id) or graphs.setdefault(project_id, graph_of(project_id))
        node = graph.nodes.get(found["step_id"])
        if node is None or waits_for_a_table(graph, node):
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
    if node is None or waits_for_a_table(graph, node):
        return graph, node, []
    return graph, node, _take(graph, node, owner, limit_of(node))


def work_waits():
    """Say whether any unit is queued and unclaimed, in a project that is not in the trash."""
    return Todo.objects.filter(owner=None, worktable__project__deleted_at=None).exists()


def _take(graph, node, owner, limit):
    """Claim up to `limit` units whose own row's (and parent row's) upstream units are settled."""
    where, values = settled_above(graph, node)
    lock = " FOR UPDATE OF t SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.row_id, t.generation, t.forced, t.asked_by, t.attempts FROM worktables_todo t "
            f"WHERE t.worktable_id = %s AND t.step_id = %s AND t.owner IS NULL AND {where} "
            f"ORDER BY t.priority DESC, t.row_id LIMIT {int(limit)}{lock}",
            [node.worktable_id, node.id, *values],
        )
        found = [
            (Claim(row, generation, bool(forced), by), lost) for row, generation, forced, by, lost in cursor
        ]
        # What keeps losing its worker is taken alone, so that it takes nobody with it.
        taken = [each for each, lost in found if lost < SUSPICIOUS] or [each for each, _ in found[:1]]
        if taken:
            condition, ids = in_ids("row_id", [each.row_id for each in taken])
            cursor.execute(
                "UPDATE worktables_todo SET owner = %s, claimed_at = %s, progress = NULL, progress_text = '' "
                f"WHERE worktable_id = %s AND step_id = %s AND {condition}",
                [owner, timezone.now(), node.worktable_id, node.id, *ids],
            )
    return taken
