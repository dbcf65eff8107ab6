"""Units of held rows rest: they are taken out of the queue, and say who holds them and why.

Asked wherever units become stale or go back into the queue, in the same transaction; it costs nothing in a project
without holds, which its graph knows. `may_run` asks once more at the claim, so that nothing held runs even so.
"""

from django.db import connection
from django.utils import timezone

from worktables.models import State
from worktables.queue.readiness import in_states
from worktables.storage.layout import table_name


def rest(graph, tables=None):
    """Let what is stale in held rows rest; what runs there already goes on.

    Parameters
    ----------
    graph : ProjectGraph
    tables : iterable of int, optional
        Only in these tables; else in all.
    """
    for table_id in graph.held if tables is None else graph.held.keys() & set(tables):
        _rest(graph, table_id)


def _rest(graph, table_id):
    held, values = held_rows(graph, table_id, "{}.row_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM worktables_todo WHERE worktable_id = {table_id:d} AND owner IS NULL "
            f"AND {held.format('worktables_todo')}",
            values,
        )
        cursor.execute(
            f"UPDATE worktables_unit AS u SET state = {State.HELD:d}, about = %s, changed_at = %s, reason = "
            f"(SELECT h.reason FROM worktables_hold h WHERE h.worktable_id = {table_id:d} "
            "AND (h.row_id = u.row_id OR h.row_id IS NULL) "
            "ORDER BY CASE WHEN h.row_id IS NULL THEN 1 ELSE 0 END LIMIT 1) "
            f"WHERE u.worktable_id = {table_id:d} AND {in_states([State.STALE])} AND {held.format('u')} "
            "AND NOT EXISTS (SELECT 1 FROM worktables_todo t WHERE t.worktable_id = u.worktable_id "
            "AND t.row_id = u.row_id AND t.step_id = u.step_id)",
            ["[]", timezone.now(), *values],
        )
    show_held(graph, table_id)


def show_held(graph, table_id):
    """Write the state of rows that have a held unit and look better than that, and of what they expand into."""
    better = f"state IN ({State.FRESH:d}, {State.EMPTY:d}, {State.STALE:d}) AND deleted_at IS NULL"
    held = in_states([State.HELD])
    resting = f"SELECT u.row_id FROM worktables_unit u WHERE u.worktable_id = {table_id:d} AND {held}"
    shown = [f"UPDATE {table_name(table_id)} SET state = {State.HELD:d} WHERE {better} AND id IN ({resting})"]
    for node in graph.expands_from[table_id]:
        children = table_name(graph.links[node.link_id].target_id)
        parents = f"{resting} AND u.step_id = {node.id:d}"
        shown.append(
            f"UPDATE {children} SET state = {State.HELD:d} WHERE {better} AND parent_id IN ({parents})"
        )
    with connection.cursor() as cursor:
        for statement in shown:
            cursor.execute(statement)


def held_rows(graph, table_id, column):
    """Return SQL and parameters: a column is the id of a row that is held, alone or with its whole table."""
    if graph.held[table_id]:
        return "1 = 1", []
    return f"{column} IN (SELECT h.row_id FROM worktables_hold h WHERE h.worktable_id = %s)", [table_id]


def may_run(graph, node):
    """Return SQL and parameters: nobody holds the row of the unit `t`."""
    if node.worktable_id not in graph.held:
        return "1 = 1", []
    held, values = held_rows(graph, node.worktable_id, "t.row_id")
    return f"NOT ({held})", values
