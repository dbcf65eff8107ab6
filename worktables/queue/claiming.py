"""Taking work: a batch of units of one step, whose inputs are settled, that one user asked for, for one worker."""

import dataclasses
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from pipelines.writing import encode_json
from worktables.dependencies import Node, ProjectGraph, graph_of
from worktables.events import announce_rows
from worktables.models import Worktable
from worktables.queue.classes import ALL, class_of
from worktables.queue.code import may_take, say_what_is_lacking
from worktables.queue.limiting import may_take_one_more, standing_in_the_way, standings
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.priorities import BULK
from worktables.queue.readiness import settled_above, waits_for_a_table
from worktables.queue.resting import may_run
from worktables.queue.sharing import Shares, Waiting

SUSPICIOUS = 2  # attempts
SHOWN_RUNNING = 20  # units of a batch; more of them are over before anybody looks


class Claim(NamedTuple):
    """One unit in a worker's hands."""

    row_id: int
    generation: int
    forced: bool
    asked_by: int | None


@dataclasses.dataclass(frozen=True)
class Portion:
    """A worker's portion of work: units of one step of one table (people's batches are in `batching`)."""

    worktable: Worktable
    graph: ProjectGraph
    node: Node
    owner: str
    claims: dict[int, Claim]
    urgency: int = BULK
    ran: dict[str, object] = dataclasses.field(default_factory=dict)

    @property
    def asked_by(self):
        """The id of the user whose units these are; None is nobody's."""
        return next((claim.asked_by for claim in self.claims.values()), None)

    def ran_as(self, version, environment, worker):
        """Note what the runs of this batch have in common."""
        self.ran.update(
            project_id=self.worktable.project_id,
            worktable_id=self.worktable.pk,
            step_id=self.node.id,
            step_name=self.node.name,
            step_version_id=version.pk,
            environment_id=environment.pk,
            worker=worker.name[:64],
            host=worker.host,
            about=encode_json(sorted(self.graph.beyond(self.node))),
        )


WAITING = """
    WITH RECURSIVE step(id) AS (
        SELECT MIN(step_id) FROM worktables_todo WHERE owner IS NULL
        UNION ALL
        SELECT (SELECT MIN(t.step_id) FROM worktables_todo t WHERE t.owner IS NULL AND t.step_id > s.id)
        FROM step s WHERE s.id IS NOT NULL
    ), waiting(step_id, asked_by) AS (
        SELECT s.id, (SELECT MIN(t.asked_by) FROM worktables_todo t WHERE t.owner IS NULL AND t.step_id = s.id)
        FROM step s WHERE s.id IS NOT NULL
        UNION ALL
        SELECT w.step_id, (SELECT MIN(t.asked_by) FROM worktables_todo t
            WHERE t.owner IS NULL AND t.step_id = w.step_id AND t.asked_by > w.asked_by)
        FROM waiting w WHERE w.asked_by IS NOT NULL
    )
    SELECT s.id, w.asked_by, t.project_id,
        (SELECT d.priority FROM worktables_todo d WHERE d.step_id = s.id AND d.asked_by = w.asked_by
         AND d.owner IS NULL ORDER BY d.priority DESC LIMIT 1) AS urgency,
        EXISTS (SELECT 1 FROM worktables_limit l WHERE (l.user_id IS NULL OR l.user_id = w.asked_by)
            AND (l.project_id IS NULL OR l.project_id = t.project_id)) AS limited
    FROM waiting w CROSS JOIN worktables_tablestep s CROSS JOIN worktables_worktable t CROSS JOIN projects_project p
    WHERE w.asked_by IS NOT NULL AND s.id = w.step_id AND t.id = s.worktable_id AND p.id = t.project_id
    AND p.deleted_at IS NULL
    ORDER BY urgency DESC, s.rank, t.id, s.id
"""


def claim(owner, limit_of, takes=ALL, shares=None):
    """Take the next batch for a worker, or None if nothing can run.

    Parameters
    ----------
    owner : str
        The worker's token.
    limit_of : callable
        Node → how many units to take at most.
    takes : sequence of str
        The classes of steps the worker takes.
    shares : Shares, optional
        What users have had of this process's time; else what waits is taken as if nobody had had any.

    Returns
    -------
    Portion or None
    """
    graphs, lacking, queue = {}, [], _waiting()
    limits = standings() if any(waiting.limited for waiting in queue) else []
    shares = shares or Shares()
    for waiting in shares.in_turn(queue):
        if standing_in_the_way(limits, waiting.asked_by, waiting.project_id):
            continue
        graph = graphs.get(waiting.project_id) or graphs.setdefault(
            waiting.project_id, graph_of(waiting.project_id)
        )
        node = graph.nodes.get(waiting.step_id)
        if node is None or class_of(node) not in takes:
            continue
        began = shares.now()
        if waits_for_a_table(graph, node) or not _claimable(graph, node, waiting.asked_by):
            shares.looked_in_vain(waiting, since=began)
            continue
        if not may_take(node):
            lacking.append(node)
            continue
        batch = _claim(waiting, owner, limit_of)
        if batch is not None:
            return batch
    say_what_is_lacking(owner, lacking)
    return None


def _waiting():
    """Return what waits, by steps and by who asked for it, the most urgent first.

    It hops from one to the next along the index, so it costs the same whether ten units wait or ten million.
    """
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return [Waiting(*found) for found in cursor.fetchall()]


@in_one_transaction
def _claim(waiting, owner, limit_of):
    """Claim units that a user has asked for, if nothing above them is unsettled; return them as a batch, or None.

    Asked while holding the project: an edit between question and answer would raise the generation
    *before* the claim, and what is then computed from the old rows above would pass for fresh.
    """
    hold(waiting.project_id, lasting=False)  # what comes of a claim is written by a transaction that lasts
    graph = graph_of(waiting.project_id)
    node = graph.nodes.get(waiting.step_id)
    if node is None or waits_for_a_table(graph, node) or not may_take(node):
        return None
    if waiting.limited and not may_take_one_more(waiting.asked_by, waiting.project_id):
        return None
    claims = _take(graph, node, waiting.asked_by, owner, limit_of(node))
    if not claims:
        return None
    worktable = _present(node.worktable_id)
    if len(claims) <= SHOWN_RUNNING:
        announce_rows(worktable, sorted(taken.row_id for taken in claims))
    claims = {taken.row_id: taken for taken in claims}
    return Portion(worktable, graph, node, owner, claims, waiting.urgency)


_tables = {}


def _present(worktable_id):
    """Return a table with its project as they are now; the same objects as last time if nothing of them changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM worktables_worktable t JOIN projects_project p ON p.id = t.project_id WHERE t.id = %s",
            [worktable_id],
        )
        facts = cursor.fetchone()
    known, worktable = _tables.get(worktable_id, (None, None))
    if known != facts:
        worktable = Worktable.objects.select_related("project").get(pk=worktable_id)
        _tables[worktable_id] = facts, worktable
    return worktable


def _claimable(graph, node, asked_by):
    """Say whether units of a step could be claimed: asked without a transaction, for whoever comes in vain."""
    sql, values = _next_units(graph, node, asked_by, "t.row_id", 1)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() is not None


def _take(graph, node, asked_by, owner, limit):
    """Claim up to `limit` units whose own row's (and parent row's) upstream units are settled."""
    # What keeps losing its worker is taken alone, so that it takes nobody with it.
    return (
        _mark_claimed(graph, node, asked_by, owner, limit, f" AND t.attempts < {SUSPICIOUS:d}")
        or _mark_claimed(graph, node, asked_by, owner, 1)
    )  # fmt: skip


def _mark_claimed(graph, node, asked_by, owner, limit, among=""):
    if connection.vendor == "postgresql":
        sql, values = _next_units(graph, node, asked_by, "t.ctid", limit, among)
        chosen = f"ctid = ANY(ARRAY({sql} FOR UPDATE OF t SKIP LOCKED))"
    else:
        sql, values = _next_units(graph, node, asked_by, "t.rowid", limit, among)
        chosen = f"rowid IN ({sql})"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_todo SET owner = %s, claimed_at = %s, progress = NULL, progress_text = '' "
            f"WHERE {chosen} RETURNING row_id, generation, forced, asked_by",
            [owner, timezone.now(), *values],
        )
        return [
            Claim(row_id, generation, bool(forced), by or None)
            for row_id, generation, forced, by in sorted(cursor.fetchall())
        ]


def _next_units(graph, node, asked_by, what, limit, among=""):
    """Return SQL and parameters: the next units of a step for a user that nobody has and nothing above holds up."""
    where, values = settled_above(graph, node)
    if node.worktable_id in graph.held:
        allowed, of_holds = may_run(graph, node)
        where, values = f"{where} AND {allowed}", [*values, *of_holds]
    sql = (
        f"SELECT {what} FROM worktables_todo t WHERE t.step_id = %s AND t.asked_by = %s "
        f"AND t.owner IS NULL AND {where}{among} "
        f"ORDER BY t.priority DESC, t.row_id LIMIT {int(limit)}"
    )
    return sql, [node.id, asked_by, *values]
