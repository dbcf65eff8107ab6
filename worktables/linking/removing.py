"""Removing a link: what it made goes with it, and what was computed from that becomes stale."""

from django.db import transaction

from projects.permissions import demand
from worktables.dependencies import graph_of, lookup_columns, rank_steps
from worktables.linking.declaring import everything_of, hold_link, nodes_of, note, record_of, tell
from worktables.linking.forecasting import Effect, forecast
from worktables.models import Link, Todo, Unit
from worktables.queue import rowsets
from worktables.queue.marking import below, mark, mark_changed, reached_by, wake_all
from worktables.queue.rowstates import refresh_rows
from worktables.rows import retire_rows
from worktables.storage import layout_of


def preview_removal(link):
    """Count what would happen if a link were removed, and change nothing."""
    graph = graph_of(link.source.project_id)
    effect = Effect(_reached(graph, link))
    if link.kind in Link.MAKES_ROWS:
        effect.retire = _made_by(link)
    elif link.kind in Link.LOOKS_UP:
        effect.emptied = lookup_columns(link)
    return forecast(graph, link, effect)


def _made_by(link):
    """The rows of a link's target that it has made."""
    return rowsets.children(link, rowsets.all_rows(link.source_id))


def _reached(graph, link):
    """Return the units that depend on what a link does; those of the link itself go."""
    if link.kind in Link.MAKES_ROWS:
        return reached_by(graph, link.target_id, _made_by(link), [], membership=True)
    if link.kind in Link.LOOKS_UP:
        return reached_by(graph, link.target_id, rowsets.all_rows(link.target_id), lookup_columns(link))
    return everything_of(graph, link)


@transaction.atomic
def remove_link(link, *, by, undoes=None):
    """Remove a link with its units.

    Cells that it looked up are emptied. Rows that it made retire; they keep ids, cells, runs and comments, and come
    back if a link of the same kind and source is declared again before another one makes the rows of the table.
    A step that collected through it lacks its input.

    Raises
    ------
    PermissionDenied
    LinkRefused
        If somebody has removed it meanwhile.
    """
    source, target = link.source, link.target
    demand(by, "run", source)
    demand(by, "run", target)
    hold_link(link)
    ends, reason = {source.pk, target.pk}, f"the link “{link.name}” was removed by {by}"
    everything, old = rowsets.all_rows(target.pk), record_of(link)
    collectors = [] if link.step_id else [node.id for node in nodes_of(graph_of(source.project_id), link)]
    if link.kind in Link.MAKES_ROWS:
        retire_rows(target, _made_by(link), reason, about=ends)
    elif link.kind in Link.LOOKS_UP:
        empty_columns(link, lookup_columns(link), reason, by=by)
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
    tell(link)


def empty_columns(link, columns, reason, *, by):
    """Empty lookup columns that a link fills no more; what was made from their cells becomes stale."""
    if not columns:
        return
    layout, everything = layout_of(link.target), rowsets.all_rows(link.target_id)
    mark_changed(link.target, everything, columns, reason, by=by, about={link.source_id})
    fields = layout.fields([layout.by_id[column] for column in columns])
    layout.model.objects.update(**dict.fromkeys(fields))
