"""What would run, and why, without running it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """How much work a table needs.

    Attributes
    ----------
    n_rows : int
        Rows of the table.
    rows : frozenset of int
        The rows that need work.
    units_per_step : dict
        How many rows need each step, in the order of execution where it was given.
    reasons : dict
        How often each reason occurs, the commonest first.
    states : dict
        How many units are in each state.
    """

    n_rows: int
    rows: frozenset[int] = frozenset()
    units_per_step: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)

    @property
    def n_rows_to_do(self) -> int:
        """How many rows need work."""
        return len(self.rows)

    @property
    def n_units(self) -> int:
        """How many steps of rows would run, at most: what turns out unchanged is not run."""
        return sum(self.units_per_step.values())

    def sentence(self) -> str:
        """Return the plan in a sentence."""
        if self.n_rows == 0:
            return "there are no rows yet"
        if not self.rows:
            return "the only row is fresh" if self.n_rows == 1 else f"all {self.n_rows} rows are fresh"
        noun = "row" if self.n_rows == 1 else "rows"
        verb = "needs" if self.n_rows_to_do == 1 else "need"
        return f"{self.n_rows_to_do} of {self.n_rows} {noun} {verb} work"


def plan_of(n_rows: int, units: Iterable[tuple[int, str, object, str]], order: Sequence[str] = ()) -> Plan:
    """Return the plan for the units that are not fresh.

    Parameters
    ----------
    n_rows : int
        Rows of the table.
    units : iterable of (row id, step name, state, reason)
        What is not fresh.
    order : sequence of str, optional
        The steps in their order of execution; others follow by name.
    """
    rows: set[int] = set()
    steps: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for row_id, step, state, reason in units:
        rows.add(row_id)
        steps[step] += 1
        states[str(state)] += 1
        if reason:
            reasons[reason] += 1
    place = {name: number for number, name in enumerate(order)}
    ordered = sorted(steps, key=lambda name: (place.get(name, len(place)), name))
    return Plan(
        n_rows=n_rows,
        rows=frozenset(rows),
        units_per_step={name: steps[name] for name in ordered},
        reasons=dict(reasons.most_common()),
        states=dict(states.most_common()),
    )
