"""In which phase a row is: the rule the database reads, against the same said once more in plain Python."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from vo.rows.finding import find_row
from vo.rows.phases import RULES, WAITS_FOR_RUN
from worktables.models import Hold, State, Todo, Unit
from worktables.storage import layout_of

pytestmark = pytest.mark.django_db

DOCUMENT = (Path(__file__).parents[3] / "docs" / "vo.md").read_text()
# Of a step: its state, whether it is kept, and its reason.
STEPS = [
    (State.FRESH, False, ""),
    (State.EMPTY, False, "x is empty"),
    (State.STALE, False, "x changed"),
    (State.HELD, True, "kept as it is by vera"),
    (State.HELD, False, "cancelled by vera; run it"),
    (State.HELD, False, "held by vera: the archive is down"),
    (State.BLOCKED, False, "it failed above"),
    (State.FAILED, False, "13 is unlucky"),
]


def expected(steps):
    """Say the phase of a row of which nothing is queued, from its steps."""
    states = {state for state, _, _ in steps}
    reasons = " ".join(reason for _, _, reason in steps)
    done = any(state == State.FRESH or kept for state, kept, _ in steps)
    if states == {State.FRESH}:
        return "COMPLETED"
    if states & {State.FAILED, State.BLOCKED}:
        return "ERROR"
    if "cancelled" in reasons:
        return "ABORTED"
    if "held" in reasons:
        return "HELD"
    if State.STALE in states:
        return "PENDING"
    return "COMPLETED" if done else "PENDING"


@pytest.fixture
def row(worktable, work):
    """Say what is so of the first row, and return its phase."""
    work()
    rows = layout_of(worktable).rows

    def phase(steps):
        units = Unit.objects.filter(worktable=worktable, row_id=1).order_by("step_id")
        for unit, (state, kept, reason) in zip(list(units), steps, strict=True):
            Unit.objects.filter(pk=unit.pk).update(state=state, kept=kept, reason=reason)
        rows.filter(id=1).update(state=max(state for state, _, _ in steps))
        return find_row(worktable, 1).phase

    return phase


def test_a_row_at_rest_is_in_the_phase_of_its_steps(row):
    found = {pair: row(pair) for pair in itertools.product(STEPS, STEPS)}

    assert found == {pair: expected(pair) for pair in found}


@pytest.fixture
def queue(worktable):
    """Put steps of the first row into the queue, in somebody's hands or not."""

    def put(*owners, at=None):
        for owner, unit in zip(owners, Unit.objects.filter(worktable=worktable, row_id=1), strict=False):
            facts = {"worktable": worktable, "row_id": 1, "step": unit.step, "generation": 1, "owner": owner}
            Todo.objects.create(**facts, **({"queued_at": at} if at else {}))

    return put


def test_what_is_queued_or_runs_counts_before_the_states(row, queue, worktable):
    future, past = (timezone.now() + timedelta(minutes=sign) for sign in (5, -5))
    seen = []
    for owners, at in (((None, None), future), ((None,), past), (("worker", None), future)):
        Todo.objects.filter(worktable=worktable).delete()
        queue(*owners, at=at)
        seen.append({row((first, STEPS[2])) for first in STEPS})

    assert seen == [{"QUEUED"}, {"EXECUTING"}, {"EXECUTING"}]


def test_a_hold_that_waits_for_run_is_pending_and_any_other_is_held(row, worktable, owner):
    held = (STEPS[5], STEPS[5])
    hold = Hold.objects.create(
        worktable=worktable, row_id=1, by=owner, at=timezone.now(), why=WAITS_FOR_RUN, reason="x"
    )
    waiting = row(held)
    Hold.objects.filter(pk=hold.pk).update(why="the archive is down")

    assert (waiting, row(held)) == ("PENDING", "HELD")


def test_a_row_that_waits_for_the_row_it_comes_from_shows_that(row, worktable):
    row((STEPS[0], STEPS[0]))
    seen = []
    for state in (State.STALE, State.HELD, State.BLOCKED, State.RETIRED):
        layout_of(worktable).rows.filter(id=1).update(state=state)
        seen.append(find_row(worktable, 1).phase)

    assert seen == ["PENDING", "HELD", "ERROR", "ARCHIVED"]


def test_the_document_has_the_rules_as_they_are():
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and "`" in line]
    said = [f"| {rule.words} | `{rule.phase}` |" for rule in RULES]

    assert [line for line in lines if line in said] == said
