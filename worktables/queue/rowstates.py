"""The state that a row shows: the worst of its units', written with the row so that a page can read it."""

from django.db import connection

from worktables.models import State, TableStep
from worktables.queue import rowsets
from worktables.queue.rowsets import parameters
from worktables.storage.layout import table_name

# A row that is stale as soon as one of its units is.
NO_WORSE = f"t.state IN ({State.FRESH:d}, {State.EMPTY:d})"


def show_stale(graph, nodes, rows):
    """Write the state of rows whose units have just become stale.

    Of a row that was no worse than stale it is known what it is now; only the others' units are looked through.
    """
    _write_state(graph, nodes[0].worktable_id, rows, NO_WORSE)


def show_children(graph, nodes, rows):
    """Write the state of the rows that these nodes expand into."""
    for node in nodes:
        if node.kind == TableStep.Kind.EXPAND:
            link = graph.links[node.link_id]
            refresh_rows(graph, link.target_id, rowsets.children(link, rows))


def refresh_states(graph, node, rows):
    """Write the settled state of the rows that a node's units belong to, and of what it expands into."""
    refresh_rows(graph, node.worktable_id, rows)
    if node.kind == TableStep.Kind.EXPAND:
        link = graph.links[node.link_id]
        refresh_rows(graph, link.target_id, rowsets.children(link, rows))


def refresh_rows(graph, worktable_id, rows):
    """Write the state of rows: the worst of their units' (and of the expansion they come from)."""
    _write_state(graph, worktable_id, rows)


def _write_state(graph, worktable_id, rows, stale=""):
    """Write the state of rows; of those for which the SQL `stale` holds it is known, and none changes that has it."""
    known = f"CASE WHEN {stale} THEN {State.STALE:d} ELSE" if stale else ""
    others = f" AND t.state <> {State.STALE:d}" if stale else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table_name(worktable_id)} AS t "
            f"SET state = {known} {worst_of(graph, worktable_id)} {'END' if stale else ''} "
            f"WHERE t.state <> {State.RETIRED:d}{others} AND t.deleted_at IS NULL AND {rows.holds('t.id')}",
            parameters(rows),
        )


def worst_of(graph, worktable_id, among=""):
    """Return SQL: the state of the row `t` of a table as its units have it, were it neither deleted nor retired.

    `among` is SQL that narrows the units, which are `u`.
    """
    worst = (
        "COALESCE((SELECT MAX(u.state) FROM worktables_unit u "
        f"WHERE u.worktable_id = {worktable_id:d} AND u.row_id = t.id{among}), 0)"
    )
    expand = graph.expand_into.get(worktable_id)
    if expand is None:
        return worst
    greater = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    parent = (
        "COALESCE((SELECT CASE WHEN p.state = 5 THEN 4 ELSE p.state END FROM worktables_unit p "
        f"WHERE p.worktable_id = {expand.source_id:d} AND p.row_id = t.parent_id "
        f"AND p.step_id = {expand.step_id:d}), 0)"
    )
    return f"{greater}({worst}, {parent})"
