"""Making units stale: the statement, and on PostgreSQL all that goes with it in the same one."""

from django.db import connection

from pipelines.writing import encode_json
from worktables.models import State
from worktables.queue import rowsets
from worktables.queue.priorities import BULK, FEW, NOBODY
from worktables.queue.rowsets import parameters
from worktables.queue.rowstates import NO_WORSE, worst_of
from worktables.storage.layout import table_name

THOUGH = " though "  # between who keeps a result as it is and why it is stale; no user name has spaces

SAME = "worktables_todo.generation = excluded.generation AND NOT excluded.forced"
INTO_QUEUE = """
    INSERT INTO worktables_todo (worktable_id, row_id, step_id, generation, priority, forced, attempts, asked_by)
"""
# What waits or runs already on inputs of before begins again; what is asked for again goes on.
QUEUED_ALREADY = f"""
    ON CONFLICT (worktable_id, row_id, step_id) DO UPDATE SET generation = excluded.generation,
        owner = CASE WHEN {SAME} THEN worktables_todo.owner END,
        claimed_at = CASE WHEN {SAME} THEN worktables_todo.claimed_at END,
        attempts = CASE WHEN {SAME} THEN worktables_todo.attempts ELSE 0 END,
        asked_by = CASE WHEN excluded.asked_by = {NOBODY:d} OR ({SAME} AND worktables_todo.owner IS NOT NULL)
            THEN worktables_todo.asked_by ELSE excluded.asked_by END,
        forced = worktables_todo.forced OR excluded.forced,
        priority = CASE WHEN worktables_todo.priority > excluded.priority
            THEN worktables_todo.priority ELSE excluded.priority END
"""
# As `enqueue` does. No join with the queue, as MERGE would make: where it was empty, PostgreSQL would read all that is
# being added for each row it adds.
QUEUE_MARKED = f"""
    {INTO_QUEUE} SELECT worktable_id, row_id, step_id, generation,
        CASE WHEN (SELECT COUNT(*) FROM (SELECT 1 FROM marked LIMIT {FEW + 1:d}) f) > {FEW:d} THEN {BULK:d} ELSE %s END,
        %s, 0, %s
    FROM marked WHERE state = {State.STALE:d} {QUEUED_ALREADY}
"""


def of_steps(nodes, rows, unit):
    """Return SQL: a unit is of one of these nodes, which are steps of one table, and of one of these rows."""
    return f"{unit}.step_id IN ({_numbers(nodes)}) AND {rowsets.units_of(nodes[0].worktable_id, rows, unit)}"


def _numbers(nodes):
    return ", ".join(f"{node.id:d}" for node in nodes)


def making_stale(nodes, rows, reason, about, at):
    """Return SQL and parameters: the units of these rows become stale; those kept as they are, held.

    What is kept says on by whom: “kept as it is by anna though …”, of which only the end is new.
    """
    if connection.vendor == "postgresql":
        place = "STRPOS"
        of_these = (
            f"{rowsets.units_in_order(nodes[0].worktable_id, rows)} AND u.step_id IN ({_numbers(nodes)})"
        )
    else:
        place = "INSTR"
        of_these = f"WHERE {of_steps(nodes, rows, 'u')}"
    by_whom = f"SUBSTR(u.reason, 1, {place}(u.reason, '{THOUGH}') + {len(THOUGH) - 1:d})"
    return (
        f"UPDATE worktables_unit AS u SET state = CASE WHEN kept THEN {State.HELD:d} ELSE {State.STALE:d} END, "
        f"generation = generation + 1, reason = CASE WHEN kept THEN {by_whom} || %s ELSE %s END, about = %s, "
        "changed_at = %s "
        f"{of_these} AND u.state + 0 <> {State.RETIRED:d}",
        [
            reason,
            reason,
            as_others(about, nodes[0].worktable_id),
            at,
            *parameters(rows),
        ],
    )


def mark_at_once(graph, nodes, rows, reason, about, at, queued=None):
    """Make units stale, write the state of their rows, and queue them for whom and how `queued` says.

    PostgreSQL looks each unit up once then, not thrice. What one part of the statement changes the others do not see
    yet: what was above stale is now stale, or what the units of other steps make it.
    """
    worktable_id = nodes[0].worktable_id
    stale, values = making_stale(nodes, rows, reason, about, at)
    worse = worst_of(graph, worktable_id, f" AND u.step_id NOT IN ({_numbers(nodes)})")
    states = (
        "marked" if len(nodes) == 1 else "(SELECT row_id, MAX(state) AS state FROM marked GROUP BY row_id)"
    )
    marked = f"{stale} RETURNING u.worktable_id, u.row_id, u.step_id, u.generation, u.state"
    shown = (
        f"UPDATE {table_name(worktable_id)} AS t SET state = "
        f"CASE WHEN {NO_WORSE} THEN {State.STALE:d} ELSE GREATEST(m.state, {worse}) END "
        f"FROM {states} m WHERE t.id = m.row_id "
        f"AND t.state NOT IN ({State.STALE:d}, {State.RETIRED:d}) AND t.deleted_at IS NULL"
    )
    with connection.cursor() as cursor:
        if queued is None:
            cursor.execute(
                f"WITH marked AS ({marked}), shown AS ({shown}) SELECT COUNT(*) FROM marked", values
            )
            return cursor.fetchone()[0]
        asked_by, forced, priority = queued
        values += [priority, forced, asked_by]
        cursor.execute(f"WITH marked AS ({marked}), shown AS ({shown}) {QUEUE_MARKED}", values)
        return cursor.rowcount


def as_others(about, worktable_id):
    """Write the ids of tables, without one of them, as the database keeps them; None is not known."""
    if not about:
        return None if about is None else "[]"
    return encode_json(sorted(set(about) - {worktable_id}))
