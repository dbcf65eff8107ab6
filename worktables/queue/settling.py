"""Writing what came of a batch: outputs, states, runs, memo and provenance in one transaction.

A result is accepted only where the unit is still this worker's and still of the generation that was
claimed. Whatever changed an input since has raised the generation; whoever took the unit from a
silent worker has changed its owner. What is refused stays in the memo: nothing computed is wasted.
"""

import dataclasses

from django.db import connection
from django.utils import timezone

from pipelines.fingerprints import content_of, digest_of
from pipelines.memo import remember
from pipelines.models import Memo, Run
from pipelines.registry import get_step
from pipelines.units import converted, factor_between
from worktables.dependencies import graph_of
from worktables.events import announce_rows
from worktables.models import State, TableStep, Todo
from worktables.queue import rowsets
from worktables.queue.expansion import write_children
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.marking import as_others, mark_changed, refresh_states, wake_below
from worktables.queue.reading import Source
from worktables.signals import runs_written
from worktables.storage import layout_of
from worktables.storage.rows import in_ids, update_cells
from worktables.storage.values import as_json

WITHOUT_OUTPUTS = (State.FAILED, State.EMPTY)


@dataclasses.dataclass(frozen=True)
class Trace:
    """What a run used and what it generated, cell by cell."""

    run: Run
    used: list[Source]
    generated: list[Source]


@dataclasses.dataclass(frozen=True)
class Reused:
    """A result taken from an earlier run for a row whose code and inputs are the same, cell by cell."""

    run_id: int
    row_id: int
    asked_by: int | None
    used: list[Source]
    generated: list[Source]


@in_one_transaction
def settle(batch, works):
    """Write a batch's results and return how many units were accepted.

    Parameters
    ----------
    batch : Batch
    works : list of Work
        Each with its final `state`; those that ran carry an unsaved `run`.
    """
    hold(batch.worktable.project_id)
    held = _still_ours(batch)
    accepted = {work.claim.row_id for work in works} & held
    for work in works:
        work.content = work.content or _content(batch, work)
    _save_runs(batch, works, accepted)
    ours = [work for work in works if work.claim.row_id in accepted]
    _write_cells(batch, ours)
    _write_units(batch, ours)
    rows = rowsets.these(batch.node.worktable_id, sorted(accepted))
    gone = Todo.objects.filter(worktable=batch.worktable, step=batch.node.id, owner=batch.owner)
    gone.filter(row_id__in=held).delete()
    children = []
    if batch.node.kind == TableStep.Kind.EXPAND:
        link = batch.graph.links[batch.node.link_id]
        for work in ours:
            if work.state == State.EMPTY:  # an empty list has no items; those of a failed one wait for it
                work.items = [], 0.0
        expanded = [work for work in ours if work.items is not None]
        by = next((work.claim.asked_by for work in ours if work.claim.asked_by), None)
        children = write_children(batch.worktable, batch.node, link, expanded, by=by) if expanded else []
    refresh_states(batch.graph, batch.node, rows)
    wake_below(graph_of(batch.worktable.project_id), batch.node, rows)
    _tell(batch, ours, accepted, children)
    return len(accepted)


def _still_ours(batch):
    """Return the rows whose unit is this worker's, and claimed for the inputs there are now."""
    condition, ids = in_ids("row_id", list(batch.claims))
    lock = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_id, generation FROM worktables_todo "
            f"WHERE worktable_id = %s AND step_id = %s AND owner = %s AND {condition}{lock}",
            [batch.node.worktable_id, batch.node.id, batch.owner, *ids],
        )
        held = dict(cursor.fetchall())
    return {row_id for row_id, taken in batch.claims.items() if held.get(row_id) == taken.generation}


def outputs_by_column(batch, work):
    """Return {column id: value} of what a work gives, in the units of the columns."""
    node = batch.node
    if node.kind == TableStep.Kind.EXPAND:
        return {}
    if node.kind == TableStep.Kind.NEAREST:
        return dict(work.outputs or dict.fromkeys(batch.graph.written_by(node)))
    if work.outputs is None:
        return dict.fromkeys(node.outputs.values())
    step, layout = get_step(node.step), layout_of(batch.worktable)
    cells = {}
    for port_name, column_id in node.outputs.items():
        port, column = step.output_named[port_name], layout.by_id[column_id]
        factor = factor_between(port.unit, column.unit, f"output “{port_name}”") if port.unit else 1.0
        cells[column_id] = converted(work.outputs.get(port_name), factor)
    return cells


def _content(batch, work):
    if work.state != State.FRESH or work.verified:
        return work.known.content if work.verified and work.known else ""
    if work.items is not None:
        return content_of({"items": work.fingerprint})
    layout = _layout_written(batch)
    cells = outputs_by_column(batch, work)
    return content_of({f"c{pk}": digest_of(layout.by_id[pk].kind, value) for pk, value in cells.items()})


def _layout_written(batch):
    return layout_of(batch.worktable)


def _save_runs(batch, works, accepted):
    ran = [work for work in works if work.run is not None]
    for work in ran:
        work.run.accepted = work.claim.row_id in accepted
        work.run.content = work.content
    for work, run in zip(ran, Run.objects.bulk_create([work.run for work in ran]), strict=True):
        work.run_id = run.pk
    for work in works:
        if work.twin is not None:
            work.run_id, work.reason = work.twin.run_id, f"reused from run {work.twin.run_id}"
    if ran and batch.node.kind == TableStep.Kind.STEP and get_step(batch.node.step).deterministic:
        fresh = [work for work in ran if work.state == State.FRESH]
        again = [work for work in fresh if work.claim.forced and work.run.accepted]
        remember([_memo(batch, work) for work in fresh if work not in again])
        remember({work.fingerprint: _memo(batch, work) for work in again}.values(), instead=True)


def _memo(batch, work):
    return Memo(
        project_id=batch.worktable.project_id,
        fingerprint=work.fingerprint,
        content=work.content,
        outputs=_outputs_as_json(batch, work),
        run_id=work.run_id,
    )


def _outputs_as_json(batch, work):
    ports = get_step(batch.node.step).output_named
    return {name: as_json(ports[name].kind, value) for name, value in work.outputs.items()}


def _write_cells(batch, ours):
    if batch.node.kind == TableStep.Kind.EXPAND:
        return
    layout = layout_of(batch.worktable)
    columns = [layout.by_id[pk] for pk in batch.graph.written_by(batch.node)]
    values = {}
    for work in ours:
        if (work.state == State.FRESH and not work.verified) or work.state in WITHOUT_OUTPUTS:
            cells = outputs_by_column(batch, work)
            values[work.claim.row_id] = [cells.get(column.pk) for column in columns]
    joining, moved = _moved(batch, layout, columns, values)
    reason = f"“{batch.node.name}” of {batch.worktable.name} was made anew"
    if moved:
        mark_changed(batch.worktable, moved, joining, reason)  # whoever it joined before
    update_cells(layout, columns, values)
    if moved:
        mark_changed(batch.worktable, moved, joining, reason)  # whoever it joins now


def _moved(batch, layout, columns, values):
    """Return the columns written here by which rows of other tables find these, and the rows where one changes."""
    joining = graph_of(batch.worktable.project_id).joining
    places = [place for place, column in enumerate(columns) if column.pk in joining]
    if not places:
        return [], None
    joined = [columns[place] for place in places]
    present = layout.model.objects.filter(id__in=list(values)).values_list("id", *layout.fields(joined))
    moved = [
        row_id
        for row_id, *flat in present
        if layout.values(joined, flat) != [values[row_id][place] for place in places]
    ]
    ids = [column.pk for column in joined]
    return ids, rowsets.these(layout.worktable_id, moved) if moved else None


def _write_units(batch, ours):
    now, of_itself = timezone.now(), as_others((), None)
    rows = []
    for work in ours:
        known = work.known
        if work.state == State.FRESH:
            run_id = work.run_id or (known.run_id if known else None)
            same = known is not None and known.content == work.content and not work.verified
            reason = work.reason or ("re-made, same content" if same and work.run else "")
            reused = work.reused or (work.verified and bool(known and known.reused))
            row = [work.state, work.fingerprint, work.content, run_id, reused, reason, of_itself]
        else:
            run_id = work.run_id or (known.run_id if known else None)
            row = [work.state, "", "", run_id, False, work.reason, _about(batch, work)]
        rows.append([*row, now, work.claim.row_id])
    sets = ["state", "fingerprint", "content", "run_id", "reused", "reason", "about", "settled_at"]
    node = batch.node
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            from psycopg2.extras import execute_values

            execute_values(
                cursor.cursor,
                f"UPDATE worktables_unit u SET {', '.join(f'{name} = v.{name}' for name in sets)} "
                f"FROM (VALUES %s) v ({', '.join(sets)}, row_id) WHERE u.worktable_id = {int(node.worktable_id)} "
                f"AND u.step_id = {int(node.id)} AND u.row_id = v.row_id",
                rows,
                template="(%s::smallint, %s, %s, %s::bigint, %s::boolean, %s, %s::jsonb, %s::timestamptz, %s::bigint)",
                page_size=1000,
            )
        else:
            cursor.executemany(
                f"UPDATE worktables_unit SET {', '.join(f'{name} = %s' for name in sets)} "
                f"WHERE row_id = %s AND worktable_id = {int(node.worktable_id)} AND step_id = {int(node.id)}",
                rows,
            )


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
            traces.append(Trace(work.run, work.sources, _generated(batch, work)))
        elif work.run_id is not None:
            claim = work.claim
            generated = _generated(batch, work)
            reuses.append(Reused(work.run_id, claim.row_id, claim.asked_by, work.sources, generated))
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


def _generated(batch, work):
    """Name the cells that a work filled, with the digests of what it filled in."""
    layout = layout_of(batch.worktable)
    return [
        Source(
            layout.by_id[pk].name,
            layout.worktable_id,
            work.claim.row_id,
            pk,
            digest_of(layout.by_id[pk].kind, value),
        )
        for pk, value in outputs_by_column(batch, work).items()
    ]


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
