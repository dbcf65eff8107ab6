"""Whether a unit could run: is everything above it settled?"""

from worktables.models import State, Unit
from worktables.storage.layout import table_name

UNSETTLED = (State.STALE, State.HELD)


def waits_for_a_table(graph, node):
    """Say whether rows that this node collects may still change: then none of its units runs yet."""
    above = [graph.nodes[step_id] for step_id, way in graph.upstream[node.id].items() if way == "table"]
    return any(
        Unit.objects.filter(worktable=step.worktable_id, step=step.id, state__in=UNSETTLED).exists()
        for step in above
    )


def settled_above(graph, node):
    """Return SQL and parameters: the units above of the row (and of its parent row) of the unit `t` are settled."""
    above = graph.upstream[node.id]
    unsettled = f"state IN ({', '.join(f'{state:d}' for state in UNSETTLED)})"
    same_row = [step for step, way in above.items() if way == "row"]
    conditions, values = [], []
    if same_row:
        conditions.append(
            "NOT EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = t.worktable_id "
            f"AND u.row_id = t.row_id AND u.step_id IN ({', '.join(map(str, same_row))}) AND u.{unsettled})"
        )
    for step in (step for step, way in above.items() if way == "parent"):
        conditions.append(
            f"NOT EXISTS (SELECT 1 FROM {table_name(node.worktable_id)} r JOIN worktables_unit u "
            "ON u.row_id = r.parent_id WHERE r.id = t.row_id AND u.worktable_id = %s AND u.step_id = %s "
            f"AND u.{unsettled})"
        )
        values += [graph.nodes[step].worktable_id, step]
    return " AND ".join(conditions) or "1 = 1", values
