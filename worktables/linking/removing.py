"""Removing a link: what it made goes with it, and what was computed from that becomes stale."""

import dataclasses
from collections import defaultdict

from django.db import transaction

from projects.permissions import demand
from worktables.dependencies import graph_of, lookup_columns, rank_steps
from worktables.events import announce
from worktables.linking.declaring import nodes_of, note, record_of
from worktables.models import Link, State, Todo, Unit
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import below, mark, mark_changed, reached_by, wake_all
from worktables.queue.rowstates import refresh_rows
from worktables.rows import retire_rows
from worktables.storage import layout_of
from worktables.waking import wake_workers


@dataclasses.dataclass(frozen=True)
class Removal:
    """How many rows would retire, cells be emptied, and units become stale."""

    rows: int
    cells: int
    units: int


def preview_removal(link):
    """Count what would happen if a link were removed, and change nothing.

    Rows and cells are those of the link's target; what hangs on its rows in turn is not counted.
    """
    layout, rows, cells = layout_of(link.target), 0, 0
    present = layout.rows.exclude(state=State.RETIRED)
    if link.kind in Link.MAKES_ROWS:
        rows = present.exclude(parent_id=None).count()
    elif link.kind in Link.LOOKS_UP:
        fields = [layout.fields([layout.by_id[column]])[0] for column in lookup_columns(link)]
        cells = sum(present.exclude(**{field: None}).count() for field in fields)
    sets = defaultdict(set)
    for node, reached in _reached(graph_of(link.source.project_id), link):
        sets[node].add(reached)
    return Removal(rows, cells, sum(_count(node, reached) for node, reached in sets.items()))


def _reached(graph, link):
    """Return the units that depend on what a link does; those of the link itself go."""
    if link.kind in Link.MAKES_ROWS:
        made = rowsets.children(link, rowsets.all_rows(link.source_id))
        return reached_by(graph, link.target_id, made, [], membership=True)
    everything = rowsets.all_rows(link.target_id)
    if link.kind in Link.LOOKS_UP:
        return reached_by(graph, link.target_id, everything, lookup_columns(link))
    return [
        found
        for node in nodes_of(graph, link)
        for found in [(node, everything), *below(graph, node, everything)]
    ]


def _count(node, sets):
    joined = " UNION ".join(rows.sql for rows in sets)
    units = Unit.objects.filter(worktable=node.worktable_id, step=node.id, state__lt=State.RETIRED)
    params = [value for rows in sets for value in rows.params]
    return units.extra(where=[f"row_id IN ({joined})"], params=params).count()


@transaction.atomic
def remove_link(link, *, by, undoes=None):
    """Remove a link with its units.

    Cells that it looked up are emptied. Rows that it made retire; they keep ids, cells, runs and comments, and come
    back if a link of the same kind and source is declared again before another one makes the rows of the table.
    A step that collected through it lacks its input.

    Raises
    ------
    PermissionDenied
    """
    source, target = link.source, link.target
    demand(by, "run", source)
    demand(by, "run", target)
    hold(source.project_id)
    ends, reason = {source.pk, target.pk}, f"the link “{link.name}” was removed by {by}"
    everything, old = rowsets.all_rows(target.pk), record_of(link)
    collectors = [] if link.step_id else [node.id for node in nodes_of(graph_of(source.project_id), link)]
    if link.kind in Link.MAKES_ROWS:
        retire_rows(target, rowsets.children(link, rowsets.all_rows(source.pk)), reason, about=ends)
    elif link.kind in Link.LOOKS_UP:
        layout, columns = layout_of(target), lookup_columns(link)
        mark_changed(target, everything, columns, reason, by=by, about=ends)
        fields = layout.fields([layout.by_id[column] for column in columns])
        if fields:
            layout.model.objects.update(**dict.fromkeys(fields))
    step = link.step
    if step is not None:
        Todo.objects.filter(worktable=step.worktable_id, step=step).delete()
        Unit.objects.filter(worktable=step.worktable_id, step=step).delete()
    link.delete()
    if step is not None:
        step.delete()
    rank_steps(source.project)
    graph = graph_of(source.project_id)
    for node in (graph.nodes[pk] for pk in collectors if pk in graph.nodes):
        mark(graph, [(node, everything), *below(graph, node, everything)], reason, about=ends, by=by)
    for table in (source, target):
        refresh_rows(graph, table.pk, rowsets.all_rows(table.pk))
    wake_all(graph, by=by)
    note(target, link.name, old, None, by, undoes=undoes)
    announce(source, "table")
    announce(target, "table")
    wake_workers(source)
