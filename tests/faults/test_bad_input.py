"""Bad input: each ends failed, blocked, empty or refused, with a sentence; the others go on, and nothing hangs."""

import math

import pytest

from pipelines.contract import Parameter, Port
from pipelines.models import Pipeline
from pipelines.registry import step
from tests.faults.test_in_between import write
from tests.worktables import toys
from worktables.columns import drop_column
from worktables.creating import create_worktable
from worktables.dependencies import rank_steps
from worktables.errors import ColumnInUse, LinkRefused, UnfitValue
from worktables.linking import collect
from worktables.models import State, TableStep, Todo, Unit
from worktables.rows import add_rows, delete_rows
from worktables.storage import layout_of

GIVEN = {
    "a number that is none": math.nan,
    "an infinite number": math.inf,
    "half a number": 2.5,
    "a number nobody can keep": 10**30,
    "a text": "three",
    "a list": [1, 2],
    "a NUL": "3\0",
    "itself": object(),
}


@step(
    "toy_give",
    inputs=[Port("what", "text")],
    outputs=[Port("count", "int"), Port("label", "text", required=False)],
    parameters=[Parameter("loud", "bool", False)],
)
def toy_give(inputs, parameters, context):
    """Give something, by its name; or do something else."""
    what = inputs["what"]
    if what in GIVEN:
        return {"count": GIVEN[what]}
    if what == "an error":
        raise RuntimeError("the map is\nupside down\0")
    if what == "an error without a word":
        raise ValueError
    if what == "the end":
        raise SystemExit(1)
    if what == "a very deep hole":
        return dig(0)
    if what == "very much to say":
        for number in range(10_000):
            context.log(f"line {number} " + "x" * 500)
    if what == "a very long text":
        return {"count": 1, "label": "x" * 5_000_000}
    if what == "nothing":
        return None
    if what == "too much":
        return {"count": 1, "other": 2}
    return {"count": len(what)}


def dig(depth):
    return dig(depth + 1)


GIVE = {
    "steps": [
        {
            "name": "give",
            "step": "toy_give",
            "inputs": {"what": "what"},
            "parameters": {"loud": "loud"},
            "outputs": {"count": "count", "label": "label"},
        }
    ]
}
SENTENCES = {
    "a number that is none": "count",
    "an infinite number": "count",
    "half a number": "count",
    "a number nobody can keep": "count",
    "a text": "count",
    "a list": "count",
    "a NUL": "count",
    "itself": "count",
    "an error": "RuntimeError: the map is upside down",
    "an error without a word": "ValueError",
    "the end": "the step ended its process (exit 1)",
    "a very deep hole": "RecursionError",
    "nothing": "must give a dict",
    "too much": "“other”, which is none of its outputs",
    "a very long text": "label",
}


@pytest.fixture
def given(project, owner, work):
    """Rows that ask for all that at once, between two that ask for nothing bad; computed."""
    pipeline = Pipeline.objects.create(name="toy_give", title="Toy give", graph=GIVE)
    table = create_worktable(project, "given", creator=owner, pipeline=pipeline)
    whats = ["fine", *SENTENCES, "very much to say", "fine again"]
    ids = add_rows(table, [{"what": what} for what in whats], by=owner)
    work()
    units = {unit.row_id: unit for unit in Unit.objects.filter(worktable=table)}
    return {what: units[row_id] for what, row_id in zip(whats, ids, strict=True)}


def test_what_a_step_does_wrong_fails_its_row_with_a_sentence_and_no_other(given):
    assert not Todo.objects.exists()
    for what, sentence in SENTENCES.items():
        assert (what, given[what].get_state_display()) == (what, "failed")
        assert sentence in given[what].reason, what
        assert "\n" not in given[what].reason
    for what in ("fine", "fine again", "very much to say"):
        assert given[what].state == State.FRESH


def test_a_column_that_a_link_needs_cannot_be_dropped(family, owner):
    with pytest.raises(ColumnInUse, match="cannot be dropped"):
        drop_column(family.items, "flux", by=owner)


def test_a_link_to_a_column_that_was_dropped_is_refused(family, project, owner, work, cells):
    pipeline = Pipeline.objects.create(
        name="toy_other",
        title="Toy other",
        graph={
            "steps": [toys.SUM["steps"][0] | {"inputs": {"least": "least", "fluxes": "members.brightness"}}]
        },
    )
    sums = create_worktable(project, "other", creator=owner, pipeline=pipeline)

    with pytest.raises((LinkRefused, ColumnInUse, Exception), match="brightness"):
        collect(family.items, sums, name="members", by=owner)

    work()
    assert cells(family.sums, "n") == {1: (2,), 2: (2,)}


def test_a_deleted_parent_row_takes_its_items_along_and_nobody_waits_for_it(family, owner, work, cells):
    work()

    delete_rows(family.fields, [1, 3], by=owner)
    work()

    present = layout_of(family.items).rows.exclude(state=State.RETIRED)
    assert set(present.values_list("parent_id", flat=True)) == {2}
    assert cells(family.sums, "n") == {1: (0,), 2: (2,)}
    assert not Todo.objects.exists()


@pytest.mark.parametrize("value", ["three", "", True, [1.0], {"x": 1.0}])
def test_a_cell_that_does_not_fit_its_column_is_refused(worktable, owner, cells, value):
    before = cells(worktable, "x")

    with pytest.raises(UnfitValue, match="“x”"):
        write(worktable, 1, "x", value, owner)

    assert cells(worktable, "x") == before


def test_a_worker_that_does_not_know_a_step_says_so_and_others_go_on(project, owner, family, work):
    """As one with older code, from before the step was there."""
    TableStep.objects.filter(name="sum").update(step="toy_of_tomorrow")
    rank_steps(project)

    work()

    sums = Unit.objects.filter(worktable=family.sums)
    assert {unit.get_state_display() for unit in sums} == {"blocked"}
    assert all("“toy_of_tomorrow”" in unit.reason for unit in sums), sums[0].reason
    assert all("not installed" in unit.reason for unit in sums), sums[0].reason
    assert set(Unit.objects.filter(worktable=family.items).values_list("state", flat=True)) == {State.FRESH}
    assert not Todo.objects.exists()
