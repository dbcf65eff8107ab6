"""Whether a unit could run: is everything above it settled?"""

from django.db import connection

from worktables.models import State
from worktables.storage.layout import table_name

UNSETTLED = (State.STALE, State.HELD)


def in_states(states, unit="u"):
    """Return SQL: a unit is in one of these states, none of them fresh.

    It repeats what the index of the units that are not fresh says of itself: SQLite would not use it otherwise.
    """
    return f"{unit}.state IN ({', '.join(f'{state:d}' for state in states)}) AND NOT ({unit}.state = 0)"


def unsettled(unit="u"):
    """Return SQL: a unit may still change before what is below it runs, and is not kept as it is."""
    return f"{in_states(UNSETTLED, unit)} AND NOT {unit}.kept"


def any_unit(step, states=(), *, so=""):
    """Say whether any unit of a step is in one of these states: one look at an index.

    Asked before their units are read, it spares PostgreSQL the index entries of units that were in these states, of
    which there are many after a large change, and which it clears away in no other plan.

    In the order of the index: else PostgreSQL, whose statistics may be of when half of the units were stale, expects to
    meet one soon wherever it begins, and reads the units of all tables when there is none.

    Parameters
    ----------
    step : Node or TableStep
    states : sequence of State
    so : str, optional
        An SQL condition on the unit `u` instead.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM worktables_unit u WHERE u.worktable_id = %s AND u.step_id = %s "
            f"AND {so or in_states(states)} ORDER BY u.state LIMIT 1",
            [step.worktable_id, step.id],
        )
        return cursor.fetchone() is not None


def waits_for_a_table(graph, node):
    """Say whether rows that this node collects may still change: then none of its units runs yet."""
    above = [graph.nodes[step_id] for step_id, way in graph.upstream[node.id].items() if way == "table"]
    return any(any_unit(step, so=unsettled()) for step in above)


def settled_above(graph, node):
    """Return SQL and parameters: the units above of the row (and of its parent row) of the unit `t` are settled."""
    above = graph.upstream[node.id]
    # Not by the index of those that are not fresh, which may be all: by the unit's key, for which "+ 0" sees.
    states = ", ".join(f"{state:d}" for state in UNSETTLED)
    waits = f"u.state + 0 IN ({states}) AND NOT u.kept"
    same_row = [step for step, way in above.items() if way == "row"]
    conditions, values = [], []
    if same_row:
        conditions.append(
            "NOT EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = t.worktable_id "
            f"AND u.row_id = t.row_id AND u.step_id IN ({', '.join(map(str, same_row))}) AND {waits})"
        )
    for step in (step for step, way in above.items() if way == "parent"):
        conditions.append(
            f"NOT EXISTS (SELECT 1 FROM {table_name(node.worktable_id)} r JOIN worktables_unit u "
            "ON u.row_id = r.parent_id WHERE r.id = t.row_id AND u.worktable_id = %s AND u.step_id = %s "
            f"AND {waits})"
        )
        values += [graph.nodes[step].worktable_id, step]
    return " AND ".join(conditions) or "1 = 1", values
