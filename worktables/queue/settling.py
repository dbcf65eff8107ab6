"""Writing what came of a batch: outputs, states, runs, memo and provenance in one transaction.

A result is accepted only where the unit is still this worker's and still of the generation that was
claimed. Whatever changed an input since has raised the generation; whoever took the unit from a
silent worker has changed its owner. What is refused stays in the memo: nothing computed is wasted.
"""

from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from archive.storage import sync_folders
from pipelines.fingerprints import content_of, digest_of
from pipelines.memo import Remembered, remember
from pipelines.runs import Execution, write_runs
from pipelines.units import converted, factor_between
from pipelines.writing import as_array, one_by_one, update_many
from worktables.dependencies import graph_of
from worktables.events import announce_rows
from worktables.models import State, TableStep
from worktables.queue import rowsets
from worktables.queue.code import step_of
from worktables.queue.expansion import items_of_none, write_children
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.marking import mark_changed, wake_below
from worktables.queue.reading import Source
from worktables.queue.rowstates import refresh_states, worst_of
from worktables.queue.staling import as_others
from worktables.queue.wording import cell_changed
from worktables.signals import runs_written
from worktables.storage import layout_of
from worktables.storage.rows import in_ids, update_cells

AS_IT_WAS = "unchanged: what it is made from came out the same"
WITHOUT_OUTPUTS = (State.FAILED, State.EMPTY)
FRESH = int(State.FRESH)
SETTLED = {
    "state": "smallint",
    "fingerprint": "text",
    "content": "text",
    "run_id": "bigint",
    "reused": "boolean",
    "reason": "text",
    "about": "jsonb",
}


class Trace(NamedTuple):
    """What a run used and what it generated, cell by cell."""

    run: Execution
    used: list[Source]
    generated: list[Source]


class Reused(NamedTuple):
    """A result taken from an earlier run for a row whose code and inputs are the same, cell by cell."""

    run_id: int
    row_id: int
    asked_by: int | None
    used: list[Source]
    generated: list[Source]


def settle(batch, works):
    """Write a batch's results and return how many units were accepted; the files they name are on the disk before.

    Parameters
    ----------
    batch : Portion
    works : list of Work
        Each with its final `state`; those that ran carry a `run` that is not written yet.
    """
    sync_folders()
    return _settle(batch, works)


@in_one_transaction
def _settle(batch, works):
    hold(batch.worktable.project_id)
    graph = graph_of(batch.worktable.project_id)
    held = _still_ours(batch)
    ours = [work for work in works if work.claim.row_id in held]
    accepted = {work.claim.row_id for work in ours}
    _fill(batch, works)
    _save_runs(batch, works, accepted)
    at = timezone.now()
    _write_units(batch, ours, at)
    _write_cells(batch, graph, ours, at)
    children = []
    if batch.node.kind == TableStep.Kind.EXPAND:
        link = batch.graph.links[batch.node.link_id]
        for work in ours:
            if work.items is None:
                work.items = items_of_none(link, work.state)
        expanded = [work for work in ours if work.items is not None]
        by = batch.asked_by
        children = write_children(batch.worktable, batch.node, link, expanded, by=by) if expanded else []
    _refresh_others(batch, graph, ours)
    wake_below(graph, batch.node, rowsets.these(batch.node.worktable_id, sorted(accepted)), by=batch.asked_by)
    _tell(batch, ours, accepted, children)
    return len(accepted)


def _refresh_others(batch, graph, ours):
    """Write the state of the rows of which no cell was written."""
    others = sorted(work.claim.row_id for work in ours if not work.cells)
    if others:
        rows = rowsets.these(batch.node.worktable_id, others)
        if _stays_stale(graph, batch, ours):
            rows = rowsets.not_stale(batch.node.worktable_id, rows)
        refresh_states(batch.graph, batch.node, rows)


def _stays_stale(graph, batch, ours):
    """Say whether a row that is stale surely remains so.

    A unit is settled after those above it. So a row that was no worse than stale stays stale while a unit below in
    the row waits, unless one has just become worse.
    """
    node = batch.node
    below = any(above.get(node.id) == "row" for above in graph.upstream.values())
    return below and node.kind != TableStep.Kind.EXPAND and all(work.state <= State.STALE for work in ours)


def _still_ours(batch):
    """Return the rows whose unit is this worker's, and claimed for the inputs there are now; it is done with them."""
    found = set()
    for generation in {taken.generation for taken in batch.claims.values()}:
        rows = [row_id for row_id, taken in batch.claims.items() if taken.generation == generation]
        where, values = _by_key(batch.node, rows, [batch.owner, generation])
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM worktables_todo AS t WHERE {where} RETURNING row_id", values)
            found.update(row_id for (row_id,) in cursor.fetchall())
    return found


def _by_key(node, rows, ours):
    """Return SQL and parameters: a unit in the queue is of this step and one of these rows, and `ours`.

    Each is looked up by its whole key. Not by the index of owners: there lies all that this worker has had since the
    queue was last cleaned. Nor as PostgreSQL would: where it was empty then, it would read all that has come since.
    """
    # COALESCE keeps the index of owners out of it.
    key = f"t.worktable_id = {node.worktable_id:d} AND t.step_id = {node.id:d}"
    is_ours = "COALESCE(t.owner, '') = %s AND t.generation = %s"
    if connection.vendor == "postgresql":
        facts = "t.ctid AS place, t.owner, t.generation"
        queued = f"SELECT {facts} FROM worktables_todo t WHERE {key} AND t.row_id = v.key_"
        places = (
            f"SELECT t.place FROM unnest(%s::bigint[]) v(key_), {one_by_one(queued, 'FOR UPDATE')} t "
            f"WHERE {is_ours}"
        )
        return f"t.ctid = ANY(ARRAY({places}))", [as_array("bigint", rows), *ours]
    condition, ids = in_ids("t.row_id", rows)
    return f"{key} AND {condition} AND {is_ours}", [*ids, *ours]


def _fill(batch, works):
    """Say of each result which cells it fills, in the units of their columns, and what its content is."""
    node, layout = batch.node, layout_of(batch.worktable)
    columns = [] if node.kind == TableStep.Kind.EXPAND else batch.graph.written_by(node)
    filled = None
    for work in works:
        if work.state != State.FRESH:
            if work.state in WITHOUT_OUTPUTS:
                work.cells = dict.fromkeys(columns)
        elif work.verified:
            work.content = work.known.content if work.known else ""
        elif work.items is not None:
            work.content = content_of({"items": work.fingerprint})
        else:
            if filled is None:
                filled = [_filled(batch, layout.by_id[pk]) for pk in columns]
            outputs, row_id, digests = work.outputs or {}, work.claim.row_id, {}
            for pk, key, column_name, kind, name, factor in filled:
                value = work.cells[pk] = converted(outputs.get(name), factor)
                digest = digests[key] = digest_of(kind, value)
                work.generated.append(Source(column_name, layout.worktable_id, row_id, pk, digest))
            work.content = content_of(digests)


def _filled(batch, column):
    """Return what filling a column takes: the column's facts, which output it gets, and by which factor."""
    node, facts = batch.node, (column.pk, f"c{column.pk}", column.name, column.kind)
    if node.kind != TableStep.Kind.STEP:
        return *facts, column.pk, 1.0
    name = next(name for name, filled in node.outputs.items() if filled == column.pk)
    port = step_of(node).output_named[name]
    return *facts, name, factor_between(port.unit, column.unit, f"output “{name}”") if port.unit else 1.0


def _save_runs(batch, works, accepted):
    ran = [work for work in works if work.run is not None]
    if ran:
        for work in ran:
            work.run.accepted = work.claim.row_id in accepted
            if work.with_kept:
                work.run.log = f"{work.with_kept}, kept as it is though stale\n{work.run.log}".rstrip()
            work.run.content = work.content
        write_runs([work.run for work in ran], **batch.ran)
    for work in ran:
        work.run_id = work.run.pk
    for work in works:
        if work.twin is not None:
            work.run_id, work.reason = work.twin.run_id, f"reused from run {work.twin.run_id}"
    if ran and batch.node.kind == TableStep.Kind.STEP and step_of(batch.node).deterministic:
        fresh = [work for work in ran if work.state == State.FRESH]
        again = {work.fingerprint: work for work in fresh if work.claim.forced and work.run.accepted}
        kept = [work for work in fresh if not (work.claim.forced and work.run.accepted)]
        project_id = batch.worktable.project_id
        remember(project_id, map(_remembered, kept))
        remember(project_id, map(_remembered, again.values()), instead=True)


def _remembered(work):
    return Remembered(work.fingerprint, work.content, work.run.written_outputs, work.run_id)


def _write_cells(batch, graph, ours, at):
    if batch.node.kind == TableStep.Kind.EXPAND:
        return
    layout = layout_of(batch.worktable)
    columns = [layout.by_id[pk] for pk in batch.graph.written_by(batch.node)]
    values = {work.claim.row_id: list(work.cells.values()) for work in ours if work.cells}
    joining, moved, reason = _moved(batch, graph, layout, columns, values)
    if moved:
        # Whoever it joined before.
        mark_changed(batch.worktable, moved, joining, reason, by=batch.asked_by, at=at)
    update_cells(layout, columns, values, also=_state_with_cells(batch, graph, ours))
    if moved:
        # Whoever it joins now.
        mark_changed(batch.worktable, moved, joining, reason, by=batch.asked_by, at=at)


def _state_with_cells(batch, graph, ours):
    """Return SQL that sets the state of a row whose cells are written: the row is written once."""
    kept = f"t.deleted_at IS NOT NULL OR t.state = {State.RETIRED:d}"
    if _stays_stale(graph, batch, ours):
        kept += f" OR t.state = {State.STALE:d}"
    return f"state = CASE WHEN {kept} THEN t.state ELSE {worst_of(graph, batch.node.worktable_id)} END"


def _moved(batch, graph, layout, columns, values):
    """Return the columns written here by which rows of other tables find these, the rows where one changes, and how."""
    places = [place for place, column in enumerate(columns) if column.pk in graph.joining]
    if not places:
        return [], None, ""
    joined = [columns[place] for place in places]
    present = layout.model.objects.filter(id__in=list(values)).values_list("id", *layout.fields(joined))
    moved = {
        row_id: was
        for row_id, *flat in present.order_by("id")
        if (was := layout.values(joined, flat)) != [values[row_id][place] for place in places]
    }
    ids = [column.pk for column in joined]
    if not moved:
        return ids, None, ""
    row_id, was = next(iter(moved.items()))
    column, old, new = next(
        (columns[place], old, values[row_id][place])
        for place, old in zip(places, was, strict=True)
        if old != values[row_id][place]
    )
    changed = cell_changed(column, batch.worktable.name, row_id, old, new, len(moved))
    reason = f"{changed}, made by “{batch.node.name}”"
    return ids, rowsets.these(layout.worktable_id, list(moved)), reason


def _write_units(batch, ours, at):
    rows = []
    for work in ours:
        known = work.known
        run_id = work.run_id or (known.run_id if known else None)
        if work.state == State.FRESH:
            reused = work.reused or (work.verified and bool(known and known.reused))
            reason, told_of = _how_fresh(batch, work)
            about = as_others(told_of, batch.node.worktable_id)
            facts = (FRESH, work.fingerprint, work.content, run_id, reused, reason, about)
        else:
            facts = (int(work.state), "", "", run_id, False, work.reason, _about(batch, work))
        rows.append((*facts, work.claim.row_id))
    unit_of = {"worktable_id": batch.node.worktable_id, "step_id": batch.node.id}
    update_many("worktables_unit", "row_id", SETTLED, rows, {"settled_at": at}, unit_of)


def _how_fresh(batch, work):
    """Return what is said of a fresh unit, nothing of most, and the tables that this speaks of."""
    plain = not work.left_out and not work.with_kept
    if work.verified and plain:
        return AS_IT_WAS, ()
    reason = work.reason
    if not reason and not work.verified and work.run and work.known and work.known.content == work.content:
        reason = "re-made, same content"
    if plain:
        return reason, ()
    without = f"made {' and '.join(dict.fromkeys(work.left_out))}" if work.left_out else ""
    kept = work.with_kept and f"{work.with_kept}, kept as it is"
    told_of = work.left_out_of | (batch.graph.beyond(batch.node) if work.with_kept else set())
    return "; ".join(filter(None, [without, reason, kept])), told_of


def _about(batch, work):
    """Return the tables that the reason of a unit speaks of; what a step says may speak of all that it reads."""
    about = work.about
    if work.state == State.FAILED and about is not None:
        about = about | batch.graph.beyond(batch.node)
    return as_others(about, batch.node.worktable_id)


def _tell(batch, ours, accepted, children):
    traces, reuses = [], []
    for work in ours:
        if work.state != State.FRESH or work.verified:
            continue
        if work.run is not None:
            traces.append(Trace(work.run, work.sources, work.generated))
        elif work.run_id is not None:
            claim = work.claim
            reuses.append(Reused(work.run_id, claim.row_id, claim.asked_by, work.sources, work.generated))
    if batch.node.kind == TableStep.Kind.EXPAND:
        traces = _with_children(batch, traces, children)
    runs_written.send(
        type(batch.worktable),
        worktable=batch.worktable,
        step=batch.node,
        runs=[t.run for t in traces],
        traces=traces,
        reuses=reuses,
    )
    announce_rows(batch.worktable, sorted(accepted))
    if batch.node.kind == TableStep.Kind.EXPAND:
        announce_rows(batch.graph.links[batch.node.link_id].target, children)


def _with_children(batch, traces, children):
    """Say of an expansion's runs which cells of which child rows they generated."""
    link = batch.graph.links[batch.node.link_id]
    child = layout_of(link.target)
    columns = [child.by_id[pk] for pk in batch.graph.written_by(batch.node)]
    found = {}
    for row in child.model.objects.filter(id__in=children):
        found.setdefault(row.parent_id, []).extend(
            Source(
                column.name,
                child.worktable_id,
                row.id,
                column.pk,
                digest_of(column.kind, child.value(column, row)),
            )
            for column in columns
        )
    return [Trace(trace.run, trace.used, found.get(trace.run.row_id, [])) for trace in traces]
