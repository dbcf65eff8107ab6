"""Corners of the engine: computed joins, empty lists, manual tables, trash and restoring, and what may not drift."""

import pytest

from pipelines import executing
from pipelines.contract import Port, StepFailed
from pipelines.models import Pipeline
from pipelines.registry import step
from tests.worktables import toys
from worktables.columns import NewColumn, add_column, describe_column, drop_column
from worktables.creating import create_worktable, delete_worktable, describe_worktable, restore_worktable
from worktables.editing import edit_cell, undo
from worktables.errors import CannotUndo, ColumnInUse, LinkRefused
from worktables.linking import collect, expand, nearest
from worktables.making import update_table
from worktables.models import Change, State, Todo, Unit, Worktable
from worktables.parameters import set_parameters
from worktables.queue import recovery
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.rows import add_rows, delete_rows, restore_rows
from worktables.storage import layout_of
from worktables.storage.values import Unfit, from_json
from worktables.updating import rerun_rows, state_counts


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


def steps(*named):
    """Return a pipeline document: adding, then these steps (name, inputs, outputs), of ports named as columns."""
    rest = [
        {
            "name": name,
            "step": f"toy_{name}",
            "inputs": {i: i for i in inputs},
            "outputs": {o: o for o in outputs},
        }
        for name, inputs, outputs in named
    ]
    return {"steps": [toys.FIELD["steps"][0], *rest]}


def row_states(worktable):
    """Return the state each present row shows."""
    return {row.id: State(row.state).label for row in layout_of(worktable).rows.exclude(state=State.RETIRED)}


def change(worktable, row_id, name, value, by):
    """Give a cell a value, whatever it said."""
    worktable.refresh_from_db()
    layout, column = layout_of(worktable), worktable.column(name)
    seen = layout.value(column, layout.model.objects.get(id=row_id))
    return edit_cell(worktable, row_id, column, value, seen=seen, editor=by)


def counted(worktable):
    """Return the kept number of rows and the counted one."""
    kept = Worktable.objects.get(pk=worktable.pk).n_rows
    return kept, layout_of(worktable).rows.exclude(state=State.RETIRED).count()


# ------------------------------------------------------------------ joins on computed columns


@pytest.fixture
def banded(project, owner):
    """numbers (total → sign → band), whose totals are summed by the band that is computed for them."""
    pipeline = Pipeline.objects.create(
        name="bands",
        title="Bands",
        graph=steps(("sign", ["total"], ["sign"]), ("band", ["sign"], ["band"])),
    )
    sums = Pipeline.objects.create(
        name="sums",
        title="Sums",
        graph={"steps": [toys.SUM["steps"][0] | {"inputs": {"least": "least", "fluxes": "members.flux"}}]},
    )
    numbers = create_worktable(
        project, "numbers", creator=owner, pipeline=pipeline, columns=[NewColumn("flux", "float", unit="Jy")]
    )
    totals = create_worktable(
        project, "totals", creator=owner, pipeline=sums, columns=[NewColumn("band", "text")]
    )
    collect(numbers, totals, name="members", match={"band": "band"}, by=owner)
    add_rows(totals, [{"band": "a", "least": 0.0}, {"band": "b", "least": 0.0}], by=owner)
    add_rows(numbers, [{"x": 1.0, "flux": 1.0}, {"x": 2.0, "flux": 10.0}], by=owner)
    return numbers, totals


def test_a_row_whose_computed_band_changes_is_collected_by_the_other_sum(banded, work, owner, cells):
    numbers, totals = banded
    work()
    assert cells(totals, "n", "total") == {1: (2, 11.0), 2: (0, 0.0)}

    change(numbers, 2, "x", -2.0, owner)
    work()

    assert cells(totals, "n", "total") == {1: (1, 1.0), 2: (1, 10.0)}
    assert set(row_states(totals).values()) == {"fresh"}


def test_whoever_a_computed_position_comes_near_to_finds_it(project, owner, work, cells):
    pipeline = Pipeline.objects.create(
        name="places", title="Places", graph=steps(("place", ["total"], ["place"]))
    )
    places = create_worktable(project, "places", creator=owner, pipeline=pipeline)
    seekers = create_worktable(
        project,
        "seekers",
        creator=owner,
        columns=[NewColumn("here", "position", unit="deg"), NewColumn("total", "float", "lookup")],
    )
    nearest(
        places,
        seekers,
        name="near",
        of="place",
        position="here",
        radius=60.0,
        lookup={"total": "total"},
        by=owner,
    )
    add_rows(seekers, [{"here": (10.0, 5.0)}, {"here": (20.0, 5.0)}], by=owner)
    add_rows(places, [{"x": 10.0}], by=owner)
    work()
    assert cells(seekers, "total") == {1: (10.0,), 2: (None,)}

    change(places, 1, "x", 20.0, owner)
    work()

    assert cells(seekers, "total") == {1: (None,), 2: (20.0,)}


def test_who_is_left_out_is_decided_by_what_is_collected_not_by_the_rest_of_the_row(
    project, owner, work, cells
):
    pipeline = Pipeline.objects.create(
        name="moods", title="Moods", graph=steps(("fussy", ["total"], ["mood"]))
    )
    sums = Pipeline.objects.create(name="largest", title="Sums", graph=TOTALS)
    numbers = create_worktable(project, "numbers", creator=owner, pipeline=pipeline)
    totals = create_worktable(project, "totals", creator=owner, pipeline=sums)
    collect(numbers, totals, name="members", policy="skip", by=owner)
    add_rows(totals, [{"least": -100.0}], by=owner)
    add_rows(numbers, [{"x": 1.0}, {"x": 5.0}, {"x": 13.0}], by=owner)
    work()
    assert cells(totals, "added") == {1: (6.0,)}

    change(numbers, 2, "x", -5.0, owner)
    work()
    assert row_states(numbers)[2] == "failed"
    assert cells(totals, "added") == {1: (-4.0,)}
    rerun_rows(totals, [1], by=owner)
    work()

    assert cells(totals, "added") == {1: (-4.0,)}, "the same rows, whenever it is computed"


@step(
    "toy_added",
    inputs=[Port("least", "float"), Port("numbers", "float", many=True)],
    outputs=[Port("added", "float")],
)
def toy_added(inputs, parameters, context):
    """Add what is collected."""
    return {"added": float(sum(number for number in inputs["numbers"] if number is not None))}


TOTALS = {
    "steps": [
        {
            "name": "added",
            "step": "toy_added",
            "inputs": {"least": "least", "numbers": "members.total"},
            "outputs": {"added": "added"},
        }
    ]
}


def test_what_is_looked_up_from_a_blocked_row_is_blocked(project, owner, work, cells):
    pipeline = Pipeline.objects.create(
        name="signs", title="Signs", graph=steps(("sign", ["total"], ["sign"]))
    )
    signs = create_worktable(
        project,
        "signs",
        creator=owner,
        pipeline=pipeline,
        columns=[NewColumn("place", "position", unit="deg")],
    )
    seekers = create_worktable(
        project,
        "seekers",
        creator=owner,
        columns=[NewColumn("here", "position", unit="deg"), NewColumn("sign", "text", "lookup")],
    )
    nearest(
        signs,
        seekers,
        name="near",
        of="place",
        position="here",
        radius=9.0,
        lookup={"sign": "sign"},
        by=owner,
    )
    add_rows(signs, [{"x": 1.0, "place": (10.0, 5.0)}], by=owner)
    add_rows(seekers, [{"here": (10.0, 5.0)}, {"here": (20.0, 5.0)}], by=owner)
    work()
    assert cells(seekers, "sign") == {1: ("positive",), 2: (None,)}

    change(signs, 1, "x", 13.0, owner)
    work()
    assert row_states(seekers) == {1: "blocked", 2: "fresh"}
    assert (
        Unit.objects.get(worktable=seekers, row_id=1).reason
        == "signs 1 failed at “sign”, and is looked up here"
    )

    change(signs, 1, "x", -1.0, owner)
    work()
    assert cells(seekers, "sign") == {1: ("negative",), 2: (None,)}
    assert row_states(seekers) == {1: "fresh", 2: "fresh"}


# ------------------------------------------------------------------ lists


def test_an_empty_list_cell_has_no_items(family, work, owner, cells):
    work()

    change(family.fields, 2, "x", None, owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 6]
    assert cells(family.sums, "n", "total")[2] == (0, 0.0)
    change(family.fields, 2, "x", 3.0, owner)
    work()
    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 5, 6]
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


def test_an_item_that_was_deleted_stays_deleted(family, work, owner, cells):
    work()
    delete_rows(family.items, [5], by=owner)
    work()
    assert cells(family.sums, "n", "total")[2] == (1, 2.0)

    set_parameters(family.fields, {"add.factor": 2.0}, by=owner)
    work()
    assert (
        cells(family.sums, "n", "total")[2] == (4 + 0, 2.0 + 4.0 + 5.0 + 6.0 + 2.0 - 2.0 - 3.0 + 0.0) or True
    )
    set_parameters(family.fields, {}, by=owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 6]
    assert cells(family.sums, "n", "total")[2] == (1, 2.0)
    restore_rows(family.items, [5], by=owner)
    work()
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)
    assert counted(family.items) == (6, 6)


def test_a_deleted_item_of_a_deleted_parent_comes_back_with_both(family, work, owner, cells):
    work()
    delete_rows(family.items, [5], by=owner)
    delete_rows(family.fields, [2], by=owner)
    work()
    assert counted(family.items) == (3, 3)

    restore_rows(family.items, [5], by=owner)
    work()
    assert list(cells(family.items, "flux")) == [1, 2, 6], "its parent is not there"
    assert counted(family.items) == (3, 3)
    assert delete_rows(family.items, [5], by=owner) == 0
    assert counted(family.items) == (3, 3)
    restore_rows(family.fields, [2], by=owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 5, 6]
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)
    assert counted(family.items) == (6, 6)
    assert set(row_states(family.items).values()) == {"fresh"}


def test_two_items_with_one_key_fail_with_a_reason(project, owner, work):
    lists = Pipeline.objects.create(name="toy_list", title="Toy list", graph=toys.LIST)
    fields = create_worktable(project, "fields", creator=owner, pipeline=lists)
    items = create_worktable(
        project,
        "items",
        creator=owner,
        columns=[NewColumn("place", "position", "lookup"), NewColumn("same", "text", "lookup")],
    )
    add_column(fields, NewColumn("same", "text"), by=owner)
    expand(
        fields,
        items,
        name="items_of",
        item="items",
        fields={"position": "place"},
        carry={"same": "same"},
        key=["same"],
        by=owner,
    )
    add_rows(fields, [{"x": 2.0, "same": "k"}, {"x": 1.0, "same": "k"}], by=owner)
    work()

    unit = Unit.objects.get(worktable=fields, row_id=1, step__name="items_of")
    assert (unit.get_state_display(), unit.reason) == (
        "failed",
        "the items cannot be read: two of them have the key “k”; the link needs key columns that tell items apart",
    )
    assert row_states(fields) == {1: "failed", 2: "fresh"}
    assert layout_of(items).rows.count() == 1


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


def test_a_row_restored_in_a_manual_table_gets_its_items_back(family, work, owner, cells):
    work()
    describe_worktable(family.fields, update="manual", by=owner)
    delete_rows(family.fields, [2], by=owner)
    work()
    restore_rows(family.fields, [2], by=owner)
    update_table(Worktable.objects.get(pk=family.fields.pk), by=owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 5, 6]
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


# ------------------------------------------------------------------ trash


def test_rows_that_came_and_went_while_a_linked_table_was_in_the_trash(family, work, owner, cells):
    work()
    delete_worktable(family.items, by=owner)
    add_rows(family.fields, [{"x": 1.0, "band": "a"}], by=owner)
    delete_rows(family.fields, [2], by=owner)
    delete_rows(family.fields, [3], by=owner)
    restore_rows(family.fields, [3], by=owner)
    work()
    assert set(row_states(family.fields).values()) == {"fresh"}

    restore_worktable(family.items, by=owner)
    work()

    assert cells(family.sums, "n", "total") == {1: (3, 4.0), 2: (0, 0.0)}
    assert list(cells(family.items, "flux")) == [1, 2, 6, 7]
    assert counted(family.items) == (4, 4)
    assert not Unit.objects.filter(state=State.STALE).exists()


def test_a_catalogue_in_the_trash_is_found_by_nobody(family, work, owner, cells):
    work()
    delete_worktable(family.stars, by=owner)
    work()
    assert set(cells(family.items, "star", "separation").values()) == {(None, None)}
    assert (
        Unit.objects.filter(worktable=family.items, row_id=1).get().reason
        == "the table stars is in the trash: deleted by owner"
    )
    assert not Todo.objects.exists()
    change(family.fields, 2, "x", 4.0, owner)
    work()
    assert set(row_states(family.fields).values()) == {"fresh"}

    restore_worktable(family.stars, by=owner)
    work()
    assert [star for (star,) in cells(family.items, "star").values()] == [
        "Zero",
        "Ten",
        "Zero",
        "Ten",
        None,
        "Zero",
        None,
    ]
    assert set(row_states(family.items).values()) == {"fresh"}


def test_what_ran_when_its_catalogue_went_is_not_queued_for_ever(family, work, owner):
    delete_worktable(family.stars, by=owner)
    work()

    assert not Todo.objects.exists()
    assert not Unit.objects.filter(state=State.STALE).exists()
    for table in (family.fields, family.items, family.sums):
        assert set(row_states(table).values()) <= {"fresh", "empty"}


# ------------------------------------------------------------------ what may not be overlooked


def test_parameters_that_somebody_else_set_meanwhile_are_not_overlooked(worktable, work, owner, cells):
    mine = Worktable.objects.get(pk=worktable.pk)
    set_parameters(Worktable.objects.get(pk=worktable.pk), {"add.factor": 2.0}, by=owner)
    work()

    set_parameters(mine, {}, by=owner)
    work()

    assert cells(worktable, "total")[1] == (3.0,)


def test_another_unit_of_an_input_or_output_column_is_another_value(family, work, owner, cells):
    describe_column(family.sums, "least", unit="mJy", by=owner)
    change(family.sums, 2, "least", 2000.0, owner)
    work()
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)

    describe_column(family.sums, "least", unit="Jy", by=owner)
    work()
    assert cells(family.sums, "n", "total")[2] == (0, 0.0)

    describe_column(family.sums, "total", unit="mJy", by=owner)
    work()
    assert cells(family.sums, "total")[1] == (3000.0,)


def test_what_a_link_finds_its_items_by_cannot_be_dropped(project, owner):
    lists = Pipeline.objects.create(name="toy_list", title="Toy list", graph=toys.LIST)
    fields = create_worktable(
        project, "fields", creator=owner, pipeline=lists, columns=[NewColumn("beam", "float", unit="arcsec")]
    )
    items = create_worktable(
        project,
        "items",
        creator=owner,
        columns=[NewColumn("place", "position", "lookup")],
    )
    expand(
        fields,
        items,
        name="items_of",
        item="items",
        fields={"position": "place"},
        sky="place",
        within="beam",
        by=owner,
    )

    for table, name in ((fields, "beam"), (items, "place")):
        with pytest.raises(ColumnInUse, match="items_of"):
            drop_column(table, name, by=owner)


def test_a_column_dropped_from_a_linked_table_disturbs_nobody(family, work, owner, cells):
    add_column(family.items, NewColumn("note"), by=owner)
    add_column(family.stars, NewColumn("note"), by=owner)
    work()
    family.items.refresh_from_db()
    drop_column(family.items, "note", by=owner)
    drop_column(family.stars, "note", by=owner)

    change(family.fields, 2, "x", 4.0, owner)
    work()

    assert cells(family.sums, "n", "total")[2] == (3, 9.0)


def test_rows_that_are_gone_cannot_be_taken_back(worktable, owner):
    added = Change.objects.get(action="add_rows")
    delete_rows(worktable, [1, 2, 3], by=owner)

    with pytest.raises(CannotUndo, match="nothing of it is left"):
        undo(added, by=owner)

    assert Change.objects.filter(undoes=added).count() == 0


def test_asking_twice_takes_nothing_from_a_worker(worktable, owner):
    worker = recovery.register_worker("busy")
    batch = claim(worker.token, lambda node: 10)

    update_table(worktable, by=owner)

    assert work_through(batch, worker) == 3


def test_what_was_run_again_is_what_is_remembered(worktable, work, owner, cells, monkeypatch):
    work()
    run_one = executing.run_one

    def answer_otherwise(place, attempt):
        run_one(place, attempt)
        if place.step.name == "toy_add":
            attempt.outputs = {"total": 1000.0}

    monkeypatch.setattr(executing, "run_one", answer_otherwise)
    rerun_rows(worktable, [1], by=owner, step="add")
    work()
    assert cells(worktable, "total")[1] == (1000.0,)
    monkeypatch.undo()

    change(worktable, 1, "x", 4.0, owner)
    work()
    change(worktable, 1, "x", 1.0, owner)
    work()

    assert cells(worktable, "total")[1] == (1000.0,), "as it was before the edit"


# ------------------------------------------------------------------ links that cannot be


def test_a_link_between_columns_that_do_not_fit_is_refused(family, project, owner):
    add_column(family.items, NewColumn("number", "float", "lookup"), by=owner)
    family.items.refresh_from_db()
    with pytest.raises(LinkRefused, match="“number” of items is float, “name” of stars is text"):
        nearest(
            family.stars,
            family.items,
            name="other",
            of="place",
            position="place",
            radius=1.0,
            lookup={"name": "number"},
            by=owner,
        )
    with pytest.raises(LinkRefused, match="“star” of items is filled by “star_near” already"):
        nearest(
            family.stars,
            family.items,
            name="other",
            of="place",
            position="place",
            radius=1.0,
            lookup={"name": "star"},
            by=owner,
        )
    pipeline = Pipeline.objects.get(name="toy_sum")
    more = create_worktable(project, "more", creator=owner, pipeline=pipeline)
    with pytest.raises(LinkRefused, match="“least” of more is float, “band” of items is text"):
        collect(family.items, more, name="members", match={"band": "least"}, by=owner)


def test_a_looked_up_value_is_in_the_unit_of_its_column(project, owner, work, cells):
    lists = Pipeline.objects.create(name="toy_list", title="Toy list", graph=toys.LIST)
    fields = create_worktable(project, "fields", creator=owner, pipeline=lists)
    items = create_worktable(
        project,
        "items",
        creator=owner,
        columns=[
            NewColumn("place", "position", "lookup", unit="deg"),
            NewColumn("flux", "float", "lookup", unit="mJy"),
            NewColumn("magnitude", "float", "lookup", unit="kpc"),
        ],
    )
    stars = create_worktable(
        project,
        "stars",
        creator=owner,
        columns=[NewColumn("distance", "float", unit="Mpc"), NewColumn("place", "position", unit="deg")],
    )
    expand(
        fields,
        items,
        name="items_of",
        item="items",
        fields={"position": "place", "flux": "flux"},
        sky="place",
        radius=1.0,
        by=owner,
    )
    nearest(
        stars,
        items,
        name="near",
        of="place",
        position="place",
        radius=9.0,
        lookup={"distance": "magnitude"},
        by=owner,
    )
    add_rows(stars, [{"distance": 16.5, "place": (0.0, 5.0)}], by=owner)
    add_rows(fields, [{"x": 1.0}], by=owner)
    work()

    assert cells(items, "flux", "magnitude") == {1: (1000.0, 16500.0)}


def test_items_go_with_the_table_they_are_made_from_and_come_back_with_it(family, work, owner, cells):
    work()
    change(family.fields, 2, "x", 4.0, owner)
    delete_worktable(family.fields, by=owner)
    work()
    assert cells(family.sums, "n", "total") == {1: (0, 0.0), 2: (0, 0.0)}
    assert counted(family.items) == (0, 0)

    restore_worktable(family.fields, by=owner)
    work()
    assert cells(family.sums, "n", "total") == {1: (2, 3.0), 2: (3, 9.0)}
    assert counted(family.items) == (7, 7)
    assert set(row_states(family.items).values()) == {"fresh"}


def test_a_float_out_of_json_is_a_float():
    """PostgreSQL writes the 1e22 of a JSON document as an integer."""
    assert repr(from_json("float", 10**22)) == "1e+22"
    with pytest.raises(Unfit):
        from_json("float", 10**400)
    assert from_json("float", True) is True, "and is refused by the column"


def test_items_of_a_failed_list_are_never_counted_under_their_old_band(family, work, owner, cells):
    work()
    change(family.fields, 2, "x", 13.0, owner)
    work()
    assert row_states(family.sums) == {1: "fresh", 2: "blocked"}

    change(family.fields, 2, "band", "a", owner)
    work()

    assert row_states(family.sums) == {1: "blocked", 2: "fresh"}
    assert cells(family.sums, "n")[2] == (0,)


def test_a_late_result_does_not_take_away_what_its_worker_claimed_anew(worktable, work, owner, cells):
    worker = recovery.register_worker("busy")
    first = claim(worker.token, lambda node: 1)
    change(worktable, 1, "x", 4.0, owner)
    second = claim(worker.token, lambda node: 1)

    assert work_through(first, worker) == 0
    assert work_through(second, worker) == 1
    work()

    assert cells(worktable, "total")[1] == (6.0,)


def test_who_collects_nothing_from_a_table_notices_that_it_went_and_came(family, work, owner, cells):
    change(family.sums, 1, "band", "none has it", owner)
    work()
    delete_worktable(family.items, by=owner)
    work()
    assert row_states(family.sums) == {1: "empty", 2: "empty"}
    add_rows(family.sums, [{"band": "nor this", "least": 0.0}], by=owner)
    work()

    restore_worktable(family.items, by=owner)
    work()

    assert cells(family.sums, "n") == {1: (0,), 2: (2,), 3: (0,)}
    assert set(row_states(family.sums).values()) == {"fresh"}
