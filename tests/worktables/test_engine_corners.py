"""Corners of the engine: computed joins, empty lists, manual tables, trash and restoring, and what may not drift."""

from pipelines.contract import Port, StepFailed
from pipelines.registry import step
from worktables.creating import describe_worktable
from worktables.editing import edit_cell
from worktables.models import State, Todo, Worktable
from worktables.rows import add_rows
from worktables.storage import layout_of
from worktables.updating import state_counts, update_table


@step("toy_place", inputs=[Port("total", "float")], outputs=[Port("place", "position", "deg")])
def toy_place(inputs, parameters, context):
    """Stand on the sky as many degrees from the origin as the total says."""
    return {"place": (inputs["total"], 5.0)}


@step("toy_band", inputs=[Port("sign", "text")], outputs=[Port("band", "text")])
def toy_band(inputs, parameters, context):
    """Put what is positive into band a, else into band b."""
    return {"band": "a" if inputs["sign"] == "positive" else "b"}


@step("toy_fussy", inputs=[Port("total", "float")], outputs=[Port("mood", "text")])
def toy_fussy(inputs, parameters, context):
    """Dislike negative totals."""
    if inputs["total"] < 0:
        raise StepFailed("less than nothing is too little")
    return {"mood": "good"}


def row_states(worktable):
    """Return the state each present row shows."""
    return {row.id: State(row.state).label for row in layout_of(worktable).rows.exclude(state=State.RETIRED)}


def change(worktable, row_id, name, value, by):
    """Give a cell a value, whatever it said."""
    worktable.refresh_from_db()
    layout, column = layout_of(worktable), worktable.column(name)
    seen = layout.value(column, layout.model.objects.get(id=row_id))
    return edit_cell(worktable, row_id, column, value, seen=seen, editor=by)


# ------------------------------------------------------------------ joins on computed columns


@step(
    "toy_added",
    inputs=[Port("least", "float"), Port("numbers", "float", many=True)],
    outputs=[Port("added", "float")],
)
def toy_added(inputs, parameters, context):
    """Add what is collected."""
    return {"added": float(sum(number for number in inputs["numbers"] if number is not None))}


# ------------------------------------------------------------------ lists


# ------------------------------------------------------------------ manual tables


def test_what_comes_of_a_manual_table_flows_on_by_itself(family, work, owner, cells):
    describe_worktable(family.fields, update="manual", by=owner)
    add_rows(family.fields, [{"x": 2.0, "band": "a"}], by=owner)
    work()
    change(family.fields, 1, "x", 11.0, owner)
    work()

    update_table(Worktable.objects.get(pk=family.fields.pk), by=owner)
    work()

    assert set(row_states(family.items).values()) == {"fresh"}
    assert cells(family.sums, "n", "total")[1] == (13, 66.0 + 3.0)
    assert set(row_states(family.sums).values()) == {"fresh"}
    assert not Todo.objects.exists()


def test_an_edit_in_an_automatic_table_below_a_manual_one_runs(family, work, owner, cells):
    work()
    describe_worktable(family.fields, update="manual", by=owner)

    change(family.sums, 1, "least", 2.0, owner)
    work()
    assert cells(family.sums, "n")[1] == (1,)
    change(family.stars, 2, "place", (20.0, 5.0), owner)
    work()
    assert cells(family.items, "star")[5] == ("Ten",)

    change(family.fields, 2, "x", 4.0, owner)
    change(family.sums, 1, "least", 0.0, owner)
    work()
    assert state_counts([family.sums])[family.sums.pk] == {"stale": 2}, "fields has not been updated"
    update_table(Worktable.objects.get(pk=family.fields.pk), by=owner)
    work()
    assert cells(family.sums, "n") == {1: (2,), 2: (3,)}
    assert set(row_states(family.sums).values()) == {"fresh"}


def test_a_table_made_automatic_catches_up(worktable, work, owner, cells):
    work()
    describe_worktable(worktable, update="manual", by=owner)
    change(worktable, 1, "x", 4.0, owner)
    work()

    describe_worktable(worktable, update="auto", by=owner)
    work()

    assert cells(worktable, "total")[1] == (6.0,)


# ------------------------------------------------------------------ trash


# ------------------------------------------------------------------ what may not be overlooked


# ------------------------------------------------------------------ links that cannot be
