"""From a count back to the raw value somebody typed, across tables; and forth again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.sharing import share_with
from provenance import lineage as reading
from provenance.lineage import lineage_of, made_by
from provenance.nesting import nested, steps_of
from worktables.creating import delete_worktable
from worktables.editing import edit_cell
from worktables.rows import add_rows, duplicate_rows


def branch(branches, role):
    (found,) = [one for one in branches if one.role == role]
    return found


def labels(lineage):
    return {cell.label for cell in lineage.cells.values()}


def test_a_count_leads_back_to_the_value_somebody_typed(family, work, owner):
    """sums.total ← items.flux, collected ← expand ← fields.items ← list ← total ← add ← x."""
    work()

    (made,) = steps_of(made_by(family.sums, 2, owner))

    assert [cell.column for cell in made.cells] == ["n", "total"]
    assert (made.making.step, made.making.table, made.making.row_id) == ("sum", "sums", 2)
    assert made.making.code
    assert made.making.python
    assert made.making.host
    assert made.making.started_at <= made.making.finished_at
    fluxes = branch(made.branches, "fluxes")
    assert (fluxes.cell.kind, fluxes.cell.n, fluxes.cell.label) == ("collection", 4, "items.flux of 4 rows")
    flux = fluxes.members[0]
    assert (flux.cell.table, flux.cell.column) == ("items", "flux")
    (expanded,) = flux.steps
    assert (expanded.making.step, expanded.making.table) == ("items_of", "fields")
    items = branch(expanded.branches, "items")
    assert items.cell.kind == "file"
    assert len(items.cell.sha256) == 64
    (listed,) = items.steps
    assert listed.making.step == "list"
    (added,) = branch(listed.branches, "total").steps
    assert added.making.step == "add"
    x = branch(added.branches, "x").cell
    assert (x.label, x.value, x.typed_by, x.present) == ("fields 2 · x", "3", "owner", True)


def test_a_step_is_opened_out_once(family, work, owner):
    work()

    (made,) = steps_of(made_by(family.sums, 2, owner))

    members = branch(made.branches, "fluxes").members
    again = [member.steps[0].again for member in members]
    assert sorted(again) == [False, False, True, True], "two fields: one of three items, one of one"


def test_a_typed_value_leads_forth_to_the_count(family, work, owner):
    work()

    found = lineage_of(family.fields, 2, [family.fields.column("x")], owner, direction="forth")

    assert {"fields 2 · total", "fields 2 · items", "sums 2 · total", "sums 2 · n"} <= labels(found)
    (start,) = nested(found)
    (added,) = start.steps
    assert added.making.step == "add"
    (total,) = added.branches
    assert total.steps[0].making.step == "list"
    assert not {"fields 1 · total", "sums 1 · total"} & labels(found)


@pytest.mark.parametrize(
    ("depth", "reached"),
    [(1, {"items.flux of 4 rows"}), (2, {"fields 2 · items"}), (4, {"fields 2 · x"})],
)
def test_depth_counts_runs(family, work, owner, depth, reached):
    work()
    total = [family.sums.column("total")]

    near = labels(lineage_of(family.sums, 2, total, owner, depth=depth - 1)) if depth > 1 else set()

    assert reached <= labels(lineage_of(family.sums, 2, total, owner, depth=depth))
    assert not reached & near


def test_the_newest_making_is_the_one_that_counts(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)
    edit_cell(worktable, 1, worktable.column("y"), 1.0, seen=2.0, editor=owner)
    work()

    (step,) = steps_of(lineage_of(worktable, 1, [worktable.column("total")], owner))

    assert {(one.role, one.cell.value) for one in step.branches} == {
        ("x", "2"),
        ("y", "1"),
        ("factor", "empty"),
    }


def test_an_edit_names_who_typed_it(worktable, work, owner, make_user, project):
    guest = make_user("guest")
    share_with(project, guest, "owner", by=owner)
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=guest)
    work()

    (step,) = steps_of(lineage_of(worktable, 1, [worktable.column("total")], owner))

    assert branch(step.branches, "x").cell.typed_by == "guest"
    assert branch(step.branches, "y").cell.typed_by == "owner"
    assert step.making.asked_by == "guest"


def test_a_former_value_is_said_to_be_one(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)

    (step,) = steps_of(lineage_of(worktable, 1, [worktable.column("total")], owner))

    x = branch(step.branches, "x").cell
    assert (x.present, x.value) == (False, "")


def test_parameters_are_recorded_with_their_defaults(worktable, work, owner):
    work()

    (step,) = steps_of(lineage_of(worktable, 1, [worktable.column("total")], owner))

    assert step.making.parameters == {"factor": 1.0}


def test_a_hidden_table_is_not_walked_through(family, work, owner, make_user):
    work()
    guest = make_user("guest")
    for table in (family.sums, family.fields):
        share_with(table, guest, "reader", by=owner)

    found = made_by(family.sums, 2, guest)

    (made,) = steps_of(found)
    fluxes = branch(made.branches, "fluxes")
    assert fluxes.cell.label == "not visible to you"
    assert (fluxes.cell.digest, fluxes.cell.table, fluxes.cell.row_id) == ("", "not visible to you", 0)
    assert not fluxes.steps
    assert not fluxes.members
    assert not any(cell.table == "fields" for cell in found.cells.values())


def test_a_hidden_run_says_nothing_of_itself(family, work, owner, make_user):
    """The items are seen, but not the table whose run expanded them."""
    work()
    guest = make_user("guest")
    share_with(family.items, guest, "reader", by=owner)

    found = lineage_of(family.items, 1, [family.items.column("flux")], guest)

    (step,) = steps_of(found)
    assert (step.making.label, step.making.step, step.making.run_id) == ("not visible to you", "", 0)
    assert step.making.host == step.making.code == ""
    assert {one.cell.label for one in step.branches} == {"not visible to you"}


def test_lineage_outlives_a_table_in_the_trash(family, work, owner):
    work()
    delete_worktable(family.items, by=owner)

    assert "items.flux of 4 rows" in labels(made_by(family.sums, 2, owner))


def test_a_nearest_row_is_what_was_used(family, work, owner):
    work()

    found = lineage_of(family.items, 1, [family.items.column("star")], owner)

    (step,) = steps_of(found)
    assert step.making.step == "star_near"
    assert {one.cell.label for one in step.branches} == {"items 1 · place", "stars 1 · name"}


def test_what_is_too_much_is_folded(family, work, owner, monkeypatch):
    monkeypatch.setattr(reading, "NODES", 5)
    work()

    found = made_by(family.sums, 2, owner)

    assert len(found.cells) == 5
    assert found.folded
    assert steps_of(found)


def test_of_a_large_collection_only_some_members_are_shown(family, work, owner, monkeypatch):
    monkeypatch.setattr(reading, "MEMBERS", 2)
    work()

    (made,) = steps_of(made_by(family.sums, 2, owner))

    fluxes = branch(made.branches, "fluxes")
    assert (len(fluxes.members), fluxes.n_more) == (2, 2)


def test_a_row_without_runs_has_no_lineage(family, work, owner):
    work()

    found = made_by(family.stars, 1, owner)

    assert (found.starts, found.cells, nested(found)) == ([], {}, [])


def test_the_number_of_queries_does_not_grow_with_the_lineage(family, work, owner):
    work()

    def queries():
        with CaptureQueriesContext(connection) as found:
            made_by(family.sums, 2, owner)
        return len(found)

    before = queries()
    add_rows(family.fields, [{"x": float(number), "band": "b"} for number in range(4, 8)], by=owner)
    work()

    assert queries() == before


def test_a_reused_result_leads_to_its_run_and_to_the_inputs_of_its_own_row(worktable, work, owner):
    work()
    duplicate_rows(worktable, [2], by=owner)
    work()

    (signed,) = steps_of(lineage_of(worktable, 4, [worktable.column("sign")], owner))

    assert (signed.making.reused, signed.making.row_id, signed.making.of_row) == (True, 4, 2)
    total = branch(signed.branches, "total")
    assert total.cell.label == "fields 4 · total"
    (added,) = total.steps
    assert added.making.reused
    assert branch(added.branches, "x").cell.label == "fields 4 · x"


def test_an_input_leads_forth_to_what_was_reused_for_it(worktable, work, owner):
    work()
    duplicate_rows(worktable, [2], by=owner)
    work()

    found = lineage_of(worktable, 4, [worktable.column("x")], owner, direction="forth")

    assert labels(found) == {"fields 4 · x", "fields 4 · total", "fields 4 · sign"}


def test_equal_work_of_one_batch_is_a_reuse_too(worktable, work, owner):
    work()

    (step,) = steps_of(lineage_of(worktable, 3, [worktable.column("sign")], owner))

    assert (step.making.reused, step.making.of_row) == (True, 1)


def test_an_undone_edit_leads_back_to_the_former_value(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)
    work()
    edit_cell(worktable, 1, worktable.column("x"), 1.0, seen=4.0, editor=owner)
    work()

    (step,) = steps_of(lineage_of(worktable, 1, [worktable.column("total")], owner))

    assert step.making.reused
    assert branch(step.branches, "x").cell.value == "1"
