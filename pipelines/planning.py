"""What would run, why, and for how long, without running it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Waiting(NamedTuple):
    """Some units of a step that would run, alike in state and reason."""

    step: str
    state: str
    reason: str
    n: int


@dataclass(frozen=True)
class Plan:
    """How much work there is, for a table or for what somebody wants made.

    Attributes
    ----------
    n_rows : int
        Rows it was asked of.
    n_rows_to_do : int
        Those of them that need work.
    n_rows_on_hold : int
        Those that would need work if nobody held them; they are left out.
    units_per_step : dict
        How many units of each step would run, at most, in the order of execution where it was given; a step of
        another table is named with its table.
    reasons : dict
        How often each reason occurs, the commonest first.
    states : dict
        How many units are in each state.
    durations : dict
        Step → seconds that a unit of it took lately; a step that never ran is missing.
    n_workers : int
        How many workers are there to do it.
    deeper : bool
        Whether it was not asked how things stand farther up.
    """

    n_rows: int
    n_rows_to_do: int = 0
    n_rows_on_hold: int = 0
    units_per_step: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)
    n_workers: int = 0
    deeper: bool = False

    @property
    def n_units(self) -> int:
        """How many units would run, at most: what turns out unchanged is not run."""
        return sum(self.units_per_step.values())

    @property
    def seconds(self) -> float | None:
        """How long it will take if it goes on as it did; None where a step never ran, or nobody works."""
        if not self.n_workers or not self.units_per_step.keys() <= self.durations.keys():
            return None
        return sum(n * self.durations[step] for step, n in self.units_per_step.items()) / self.n_workers

    def sentence(self) -> str:
        """Return the plan in a sentence."""
        if self.n_rows == 0:
            return "there are no rows yet"
        held = self.n_rows_on_hold
        if not self.n_rows_to_do:
            if 0 < held < self.n_rows:
                return f"{held} of {self.n_rows} rows {'is' if held == 1 else 'are'} on hold, all others are fresh"
            state = "on hold" if held else "fresh"
            return f"the only row is {state}" if self.n_rows == 1 else f"all {self.n_rows} rows are {state}"
        noun = "row" if self.n_rows == 1 else "rows"
        verb = "needs" if self.n_rows_to_do == 1 else "need"
        left_out = f"; {held} on hold {'is' if held == 1 else 'are'} left out" if held else ""
        return f"{self.n_rows_to_do} of {self.n_rows} {noun} {verb} work{left_out}"

    def estimate(self) -> str:
        """Return in words how long it will take, or why nobody can say; nothing where nothing is to be done."""
        if not self.n_units:
            return ""
        if not self.n_workers:
            return "nobody works now: it waits for a worker"
        new = [step for step in self.units_per_step if step not in self.durations]
        if self.seconds is None:
            return f"how long is not known: “{new[0]}” has not run yet"
        return f"{in_words(self.seconds)} with {self.n_workers} worker{'s' * (self.n_workers != 1)}"


def in_words(seconds: float) -> str:
    """Return a time to wait as people say it."""
    if seconds < 1:
        return "less than a second"
    for unit, length, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < most * length:
            return f"about {seconds / length:.0f} {unit}"
    return f"about {seconds / 86400:.0f} days"


def plan_of(
    n_rows: int,
    n_rows_to_do: int,
    waiting: Iterable[Waiting],
    order: Sequence[str] = (),
    *,
    n_rows_on_hold: int = 0,
    durations: Mapping[str, float] | None = None,
    n_workers: int = 0,
    deeper: bool = False,
) -> Plan:
    """Return the plan for the units that would run.

    Parameters
    ----------
    n_rows, n_rows_to_do : int
    waiting : iterable of Waiting
        What is not fresh, in groups.
    order : sequence of str, optional
        The steps in their order of execution; others follow by name.
    n_rows_on_hold, durations, n_workers, deeper
        As of `Plan`.
    """
    steps: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for step, state, reason, n in waiting:
        steps[step] += n
        states[state] += n
        if reason:
            reasons[reason] += n
    place = {name: number for number, name in enumerate(order)}
    ordered = sorted(steps, key=lambda name: (place.get(name, len(place)), name))
    return Plan(
        n_rows=n_rows,
        n_rows_to_do=n_rows_to_do,
        n_rows_on_hold=n_rows_on_hold,
        units_per_step={name: steps[name] for name in ordered},
        reasons=dict(reasons.most_common()),
        states=dict(states.most_common()),
        durations=durations or {},
        n_workers=n_workers,
        deeper=deeper,
    )
