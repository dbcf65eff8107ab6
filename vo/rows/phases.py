"""In which phase a row is, as a job: one rule, read by the database for one row as for a list of them.

The rules are tried from the top; the first that fits says the phase. `docs/vo.md` has them as a table.
"""

from typing import NamedTuple

from django.db.models import CharField
from django.db.models.expressions import RawSQL

from vo.uws.phases import Phase
from worktables.cancelling import CANCELLED
from worktables.models import State
from worktables.storage.layout import table_name

# Why a row is held that was added as a job which nobody has started yet.
WAITS_FOR_RUN = "it is a job that waits for PHASE=RUN"


class Rule(NamedTuple):
    """What is so of a row, in words and as SQL; and the phase it is in then."""

    phase: Phase
    words: str
    sql: str
    params: tuple = ()


def unit(condition):
    """Return SQL: a step of the row is so."""
    return (
        "EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = {table} AND u.row_id = {row}.id "
        f"AND {condition})"
    )


def todo(condition="1 = 1"):
    """Return SQL: a step of the row waits in the queue, or runs, and is so."""
    return (
        "EXISTS (SELECT 1 FROM worktables_todo t WHERE t.worktable_id = {table} AND t.row_id = {row}.id "
        f"AND {condition})"
    )


BEGUN = unit("u.settled_at > t.queued_at")
WAITING = (
    "EXISTS (SELECT 1 FROM worktables_hold h WHERE h.worktable_id = {table} AND h.row_id = {row}.id "
    "AND h.why = %s)"
)
HELD = f"{{row}}.state = {State.HELD:d}"
# By somebody: itself, or the row it comes from. What is kept as it is counts as done.
HELD_BY_SOMEBODY = f"({unit(f'u.state + 0 = {State.HELD:d} AND NOT u.kept')} OR NOT {unit('u.kept')})"

RULES = (
    Rule(
        Phase.ARCHIVED,
        "it is retired: the item of the list that it comes from is gone",
        f"{{row}}.state = {State.RETIRED:d}",
    ),
    Rule(Phase.EXECUTING, "a step runs", todo("t.owner IS NOT NULL")),
    Rule(Phase.EXECUTING, "a step waits in the queue, and another is done since", todo(BEGUN)),
    Rule(Phase.QUEUED, "a step waits in the queue", todo()),
    Rule(Phase.COMPLETED, "all steps are fresh", f"{{row}}.state = {State.FRESH:d}"),
    Rule(
        Phase.ERROR,
        "a step failed, or is blocked by one above that did",
        f"{{row}}.state IN ({State.FAILED:d}, {State.BLOCKED:d})",
    ),
    Rule(
        Phase.ABORTED,
        "a step was cancelled",
        f"{HELD} AND {unit(f'u.state + 0 = {State.HELD:d} AND u.reason LIKE %s')}",
        (f"{CANCELLED}%",),
    ),
    Rule(
        Phase.PENDING, "it was added as a job and not started yet", f"{HELD} AND {WAITING}", (WAITS_FOR_RUN,)
    ),
    Rule(
        Phase.HELD, "somebody holds it, its table, or the row it comes from", f"{HELD} AND {HELD_BY_SOMEBODY}"
    ),
    Rule(
        Phase.PENDING,
        "a step is stale and not queued: it is made when somebody asks",
        f"({{row}}.state = {State.STALE:d} OR {unit(f'u.state + 0 = {State.STALE:d}')})",
    ),
    Rule(
        Phase.COMPLETED,
        "all else is fresh: a step is kept as it is, or has an empty input and made nothing",
        unit(f"(u.state + 0 = {State.FRESH:d} OR u.kept)"),
    ),
    Rule(Phase.PENDING, "all steps have an empty input", "1 = 1"),
)


def phase_of(table_id):
    """Return SQL and parameters: the phase of a row, of which the query knows by the name of its table."""
    cases = " ".join(f"WHEN {rule.sql} THEN '{rule.phase}'" for rule in RULES)
    sql = f"CASE {cases} END".replace("{table}", f"{table_id:d}").replace("{row}", table_name(table_id))
    return sql, [value for rule in RULES for value in rule.params]


def with_phase(rows, table_id):
    """Let a queryset of rows of a table know the phase of each."""
    return rows.annotate(phase=RawSQL(*phase_of(table_id), output_field=CharField()))
