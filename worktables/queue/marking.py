"""Marking what a change makes stale: every dependent unit, at once, in the transaction of the change."""

from collections import defaultdict

from django.db import connection
from django.utils import timezone

from worktables.dependencies import graph_of
from worktables.events import announce_tables
from worktables.models import Link, State, TableStep
from worktables.queue import rowsets
from worktables.queue.priorities import BULK, FEW, NOBODY
from worktables.queue.readiness import in_states, settled_above, waits_for_a_table
from worktables.queue.resting import rest
from worktables.queue.rowsets import parameters
from worktables.queue.rowstates import refresh_rows, show_children, show_stale
from worktables.queue.staling import (
    INTO_QUEUE,
    QUEUED_ALREADY,
    as_others,
    making_stale,
    mark_at_once,
    of_steps,
)
from worktables.storage.layout import table_name


def reached_by(graph, worktable_id, rows, columns, *, membership=False):
    """Return [(node, row set)] for every unit that depends on these columns of these rows, nearest first.

    Parameters
    ----------
    graph : ProjectGraph
    worktable_id : int
    rows : RowSet
    columns : iterable of int
        Ids of the columns that change.
    membership : bool
        Whether rows come or go, so that whoever collects them changes too.
    """
    waiting = defaultdict(dict)
    _follow(graph, waiting, worktable_id, rows, columns, membership)
    if membership:
        for node in graph.expands_from[worktable_id]:
            waiting[node.id][rows] = None
    return _spread(graph, waiting)


def below(graph, node, rows):
    """Return [(node, row set)] for every unit that depends on what this node fills for these rows, nearest first."""
    waiting = defaultdict(dict)
    _leave(graph, waiting, node, rows)
    return _spread(graph, waiting)


def _spread(graph, waiting):
    found = []
    while waiting:
        node = graph.nodes[min(waiting, key=lambda node_id: (graph.nodes[node_id].rank, node_id))]
        for reached in waiting.pop(node.id):
            found.append((node, reached))
            _leave(graph, waiting, node, reached)
    return found


def _leave(graph, waiting, node, rows):
    """Go on from a node to those who read what it fills: its own row's cells, or the rows it makes of a list."""
    if node.kind != TableStep.Kind.EXPAND:
        _follow(graph, waiting, node.worktable_id, rows, graph.written_by(node), False)
        return
    expand = graph.links[node.link_id]
    _follow(graph, waiting, expand.target_id, rowsets.children(expand, rows), graph.written_by(node), False)
    for collector, link in graph.members_of[expand.target_id]:
        waiting[collector.id][_through_parents(link, expand, rows)] = None


def _follow(graph, waiting, table_id, rows, columns, membership):
    for column in columns:
        for node, link in graph.consumers[column]:
            waiting[node.id][_through(link, rows)] = None
    if membership:
        for node, link in graph.members_of[table_id]:
            waiting[node.id][_through(link, rows)] = None


def _through(link, rows):
    if link is None:
        return rows
    return rowsets.finding(link, rows) if link.kind in Link.LOOKS_UP else rowsets.collecting(link, rows)


def _through_parents(link, expand, parents):
    if link.kind in Link.LOOKS_UP:
        return rowsets.all_rows(link.target_id)
    return rowsets.collecting_children(link, expand, parents)


def mark_changed(
    worktable, rows, columns, reason, *, by=None, membership=False, about=(), priority=BULK, at=None
):
    """Mark what depends on these columns of these rows; call it before *and* after changing a column that joins.

    The reason speaks of this table, and of those in `about`.

    Returns
    -------
    int
        How many units became stale.
    """
    graph = graph_of(worktable.project_id)
    reached = reached_by(graph, worktable.pk, rows, columns, membership=membership)
    return mark(graph, reached, reason, about={worktable.pk, *about}, by=by, priority=priority, at=at)


def mark_judged(worktable, rows, reason, *, by):
    """Mark who may look these rows up by date: a verdict on them was given or withdrawn."""
    graph, waiting = graph_of(worktable.project_id), defaultdict(dict)
    for node, link in graph.members_of[worktable.pk]:
        if link.kind == Link.Kind.LATEST:
            waiting[node.id][rowsets.finding(link, rows)] = None
    return mark(graph, _spread(graph, waiting), reason, about={worktable.pk}, by=by)


def mark(graph, reached, reason, *, about, by=None, forced=False, queue=None, priority=BULK, at=None):
    """Make these units stale, raise their generation, and queue them where change flows by itself.

    Parameters
    ----------
    reached : list of (Node, RowSet)
    reason : str
        Why, in one sentence, for whoever hovers over the cell.
    about : set of int
        The ids of the tables the reason speaks of; who may not see them does not read it.
    forced : bool
        Run them even if nothing turns out to have changed.
    queue : bool, optional
        Queue them whatever the table's update policy says (or not at all).
    priority : int
        Of `priorities`, for as few units as somebody waits for; what waits already with a higher one keeps it.
    at : datetime, optional
        When the change was; else now.
    """
    count, at = 0, at or timezone.now()
    for rows, nodes in together(reached):
        queued = [node for node in nodes if (graph.flows(node) if queue is None else queue)]
        others = [node for node in nodes if node not in queued]
        if connection.vendor == "postgresql":
            asked = asker(by), forced, priority
            made = mark_at_once(graph, queued, rows, reason, about, at, asked) if queued else 0
            made += mark_at_once(graph, others, rows, reason, about, at) if others else 0
        else:
            made = _make_stale(nodes, rows, reason, about, at)
            enqueue(queued, rows, by=by, forced=forced, priority=priority if made <= FEW else BULK)
            show_stale(graph, nodes, rows)
        count += made
        _refresh_queued(others, rows)
    for rows, nodes in together(reached):
        show_children(graph, nodes, rows)
        for node in nodes:
            if queue is None and not graph.flows(node):
                wake(graph, node, rows, by=by)
    if graph.held:
        rest(graph, {node.worktable_id for node, _ in reached})
    touched = {node.worktable_id for node, _ in reached}
    touched |= {
        graph.links[node.link_id].target_id for node, _ in reached if node.kind == TableStep.Kind.EXPAND
    }
    announce_tables(graph.project_id, touched)
    return count


def asker(by):
    """Return the id of whom the queue says that they asked: of a user, given as such or by the id; else nobody's."""
    return getattr(by, "pk", by) or NOBODY


def together(reached):
    """Return [(row set, its nodes)]: steps of the same rows take one statement."""
    found = defaultdict(list)
    for node, rows in reached:
        found[node.worktable_id, rows].append(node)
    return [(rows, nodes) for (_, rows), nodes in found.items()]


def _make_stale(nodes, rows, reason, about, at):
    sql, values = making_stale(nodes, rows, reason, about, at)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


def enqueue(nodes, rows, *, by=None, forced=False, priority=BULK):
    """Put the stale units of these rows into the queue; one that runs on old inputs is taken from its worker.

    Parameters
    ----------
    nodes : list of Node
        Steps of one table.
    """
    if not nodes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"{INTO_QUEUE} SELECT u.worktable_id, u.row_id, u.step_id, u.generation, %s, %s, 0, %s "
            f"FROM worktables_unit u WHERE {of_steps(nodes, rows, 'u')} AND u.state + 0 = {State.STALE:d} "
            f"{QUEUED_ALREADY}",
            [priority, forced, asker(by), *parameters(rows)],
        )


def wake(graph, node, rows, *, by=None):
    """Queue what is stale in an automatic table: below a manual one, as far as nothing above waits to be asked for."""
    if not graph.tables[node.worktable_id].automatic:
        return
    condition, values = "1 = 1", []
    if not graph.flows(node):
        if waits_for_a_table(graph, node):
            return
        condition, values = settled_above(graph, node)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{INTO_QUEUE} SELECT t.worktable_id, t.row_id, t.step_id, t.generation, 0, %s, 0, %s "
            f"FROM worktables_unit t WHERE t.worktable_id = %s AND t.step_id = %s AND {in_states([State.STALE], 't')} "
            f"AND t.row_id IN ({rows.sql}) AND {condition} ON CONFLICT DO NOTHING",
            [False, asker(by), node.worktable_id, node.id, *parameters(rows), *values],
        )


def wake_all(graph, *, by=None, flowing=True):
    """Queue what became able to run because something above it went, or need not be asked for any more."""
    for node in graph.nodes.values():
        if flowing or not graph.flows(node):
            wake(graph, node, rowsets.all_rows(node.worktable_id), by=by)


def wake_below(graph, node, rows, *, by=None):
    """Queue what waited for these units, now settled, in automatic tables below manual ones."""
    for consumer in graph.nodes.values():
        way = graph.upstream[consumer.id].get(node.id)
        if way is None or graph.flows(consumer):
            continue
        if way == "row":
            wake(graph, consumer, rows, by=by)
        elif way == "parent":
            wake(graph, consumer, rowsets.children(graph.links[node.link_id], rows), by=by)
        else:
            wake(graph, consumer, rowsets.all_rows(consumer.worktable_id), by=by)


def _refresh_queued(nodes, rows):
    """Where change does not flow by itself, what somebody asked for starts again from the new inputs."""
    if not nodes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_todo SET owner = NULL, claimed_at = NULL, generation = "
            "(SELECT u.generation FROM worktables_unit u WHERE u.worktable_id = worktables_todo.worktable_id "
            "AND u.row_id = worktables_todo.row_id AND u.step_id = worktables_todo.step_id) "
            f"WHERE {of_steps(nodes, rows, 'worktables_todo')}",
            parameters(rows),
        )


def add_units(graph, worktable_id, rows, reason, *, about=(), by=None):
    """Give new rows their units, stale and queued."""
    nodes = graph.steps_of[worktable_id]
    if not nodes:
        refresh_rows(graph, worktable_id, rows)
        return
    add_units_of(nodes, rows, reason, about=about)
    enqueue([node for node in nodes if graph.flows(node)], rows, by=by)
    for node in nodes:
        if not graph.flows(node):
            wake(graph, node, rows, by=by)
    show_stale(graph, nodes, rows)
    show_children(graph, nodes, rows)
    if graph.held:
        rest(graph, [worktable_id])


def add_units_of(nodes, rows, reason, *, about=()):
    """Give rows that have none their units of these steps, stale; deleted and retired rows wait in retirement."""
    table = table_name(nodes[0].worktable_id)
    steps = " UNION ALL ".join(f"SELECT {node.id:d} AS id" for node in nodes)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO worktables_unit (worktable_id, row_id, step_id, state, generation, fingerprint, "
            "content, reused, reason, about) SELECT %s, r.id, s.id, "
            f"CASE WHEN r.deleted_at IS NULL AND r.state <> {State.RETIRED:d} THEN {State.STALE:d} "
            f"ELSE {State.RETIRED:d} END, 0, '', '', %s, %s, %s FROM {table} r CROSS JOIN ({steps}) s "
            f"WHERE r.id IN ({rows.sql}) ON CONFLICT DO NOTHING",
            [
                nodes[0].worktable_id,
                False,
                reason,
                as_others(about, nodes[0].worktable_id),
                *parameters(rows),
            ],
        )
