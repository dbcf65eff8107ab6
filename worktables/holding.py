"""Holding rows, or a whole table, and releasing them: nothing held is computed, and what is below waits."""

import dataclasses
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from projects.models import Project, new_version
from projects.permissions import demand
from worktables.batches import ROWS_NAMED
from worktables.dependencies import graph_of
from worktables.errors import NoSuchRow, UnfitValue
from worktables.events import announce
from worktables.models import Batch, Hold, State
from worktables.queue import rowsets
from worktables.queue.batching import open_batch, queued_rows
from worktables.queue.locking import hold
from worktables.queue.marking import enqueue, wake
from worktables.queue.readiness import in_states
from worktables.queue.resting import rest
from worktables.queue.rowstates import refresh_rows, refresh_states
from worktables.storage import layout_of
from worktables.storage.rows import in_ids
from worktables.waking import wake_workers

LONGEST = 500
LISTED = 10_000  # rows, as many as are released at once


@dataclasses.dataclass
class Held:
    """What one person holds for one reason: some rows, or the whole table (none)."""

    by: str
    at: datetime
    why: str
    all_rows: list[int]

    @property
    def n(self):
        """How many rows."""
        return len(self.all_rows)

    @property
    def rows(self):
        """Those of them that are named."""
        return self.all_rows[:ROWS_NAMED]

    @property
    def ids(self):
        """The rows named, as a filter of the table takes them."""
        return ",".join(map(str, self.rows))

    @property
    def all_ids(self):
        """All rows, as a form sends them."""
        return ",".join(map(str, self.all_rows))


def present_holds(worktable):
    """Return what is held in a table by whom and why, the whole table first, and how many rows are left out."""
    holds = worktable.holds.order_by("at", "pk").values_list("by__username", "why", "row_id", "at")
    found = {}
    for by, why, row_id, at in holds[:LISTED]:
        held = found.setdefault((by, why, row_id is None), Held(by or "", at, why, []))
        held.all_rows += [] if row_id is None else [row_id]
    return sorted(found.values(), key=lambda held: held.n > 0), max(0, holds.count() - LISTED)


@transaction.atomic
def hold_rows(worktable, row_ids, why, *, by):
    """Keep rows from being computed until they are released; what runs already goes on.

    Parameters
    ----------
    worktable : Worktable
    row_ids : iterable of int or None
        None holds the whole table, with the rows that come later.
    why : str
        Said by every step that waits for it.
    by : User

    Returns
    -------
    int
        How many rows are held now that were not; of a whole table, how many rows it has.

    Raises
    ------
    PermissionDenied, NoSuchRow
    UnfitValue
        If there is no reason, or too long a one.
    """
    demand(by, "run", worktable)
    why = " ".join((why or "").split())
    if not why or len(why) > LONGEST or "\0" in why:
        raise UnfitValue("why", why[:20], f"needs 1 to {LONGEST} characters; say why, so that others know")
    hold(worktable.project_id)
    ids = None if row_ids is None else _present(worktable, row_ids)
    holds = [
        Hold(
            worktable=worktable,
            row_id=row_id,
            by=by,
            at=timezone.now(),
            why=why,
            reason=f"held by {by}: {why}",
        )
        for row_id in ([None] if ids is None else ids)
    ]
    known = worktable.holds.filter(row_id=None) if ids is None else _holds_of(worktable, ids)
    already = known.delete()[0]
    Hold.objects.bulk_create(holds)
    _changed(worktable)
    rest(graph_of(worktable.project_id), [worktable.pk])
    announce(worktable, "rows", **({"all": True} if ids is None else {"rows": ids[:300]}))
    return worktable.n_rows if ids is None else len(ids) - already


@transaction.atomic
def release_rows(worktable, row_ids, *, by):
    """Let rows be computed again; what waited in them is stale, and queued where the table updates by itself.

    Parameters
    ----------
    worktable : Worktable
    row_ids : iterable of int or None
        None releases the table and every row of it.
    by : User

    Returns
    -------
    int
        How many holds were taken away.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    ids = None if row_ids is None else list(row_ids)
    found = worktable.holds.all() if ids is None else _holds_of(worktable, ids)
    number = found.delete()[0]
    if not number:
        return 0
    _changed(worktable)
    graph = graph_of(worktable.project_id)
    rows = rowsets.all_rows(worktable.pk) if ids is None else rowsets.these(worktable.pk, ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE worktables_unit SET state = {State.STALE:d}, reason = %s, changed_at = %s WHERE worktable_id = %s "
            f"AND {in_states([State.HELD], 'worktables_unit')} AND {rows.holds('row_id')} "
            "AND reason LIKE %s",  # not what somebody has cancelled
            [f"released by {by}", timezone.now(), worktable.pk, *rowsets.parameters(rows), "held by %"],
        )
    nodes = graph.steps_of[worktable.pk]
    enqueue([node for node in nodes if graph.flows(node)], rows, by=by)
    for node in nodes:
        if not graph.flows(node):
            wake(graph, node, rows, by=by)
    refresh_rows(graph, worktable.pk, rows)
    for node in graph.expands_from[worktable.pk]:
        refresh_states(graph, node, rows)
    rest(graph, [worktable.pk])  # of a table that is still held
    queued = queued_rows(worktable)
    released = rowsets.RowSet(
        f"SELECT id FROM ({queued.sql}) q WHERE {rows.holds('id')}", (*queued.params, *rows.params)
    )
    open_batch(worktable, Batch.Action.RELEASE, released, by=by)
    announce(worktable, "rows", **({"all": True} if ids is None else {"rows": ids[:300]}))
    wake_workers(worktable)
    return number


def _present(worktable, row_ids):
    wanted = list(dict.fromkeys(row_ids))
    present = layout_of(worktable).rows.exclude(state=State.RETIRED)
    condition, values = in_ids("id", wanted)
    found = set(present.extra(where=[condition], params=values).values_list("id", flat=True))
    for row_id in wanted:
        if row_id not in found:
            raise NoSuchRow(row_id)
    return wanted


def _holds_of(worktable, ids):
    condition, values = in_ids("row_id", ids)
    return worktable.holds.extra(where=[condition], params=values)


def _changed(worktable):
    """Let every process notice which tables have holds."""
    Project.objects.filter(pk=worktable.project_id).update(graph_version=new_version())
