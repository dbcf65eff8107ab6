"""Whatever makes a unit not fresh says so in one sentence: to who reads it directly, and to who is further down."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipelines.models import Pipeline
from pipelines.registry import get_step
from pipelines.versions import version_of
from tests.worktables import toys
from tests.worktables.test_adopting import add_by
from worktables.adopting import adopt_code, pin_step, unpin_step
from worktables.annotating import judge_rows, withdraw
from worktables.cancelling import cancel
from worktables.columns import NewColumn, describe_column
from worktables.copying import copy_table
from worktables.creating import create_worktable, delete_worktable, restore_worktable
from worktables.editing import edit_cell, undo
from worktables.holding import hold_rows, release_rows
from worktables.importing import import_file
from worktables.keeping import keep_as_it_is, stop_keeping
from worktables.linking import collect, each, expand, latest_valid_at, remove_link
from worktables.making import update_table
from worktables.models import Change, Link, Todo, Unit
from worktables.parameters import set_parameters, set_project_parameters
from worktables.queue import recovery
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.retrying import rerun_failed
from worktables.rows import add_rows, delete_rows, duplicate_rows, restore_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows
from worktables.viewing import view_row


def why(table, step, row_id=1):
    """Return the state of a unit, and why it is so."""
    unit = Unit.objects.get(worktable=table, step__name=step, row_id=row_id)
    return unit.get_state_display(), unit.reason


def edit(table, name, value, by, row_id=1):
    layout, column = layout_of(table), table.column(name)
    seen = layout.value(column, layout.model.objects.get(id=row_id))
    edit_cell(table, row_id, column, value, seen=seen, editor=by)
    return Change.objects.latest("id")


def advance(*steps):
    """Work through the queue until each of these steps has been settled."""
    worker, left = recovery.register_worker("tester"), list(steps)
    while left:
        batch = claim(worker.token, lambda node: 100)
        work_through(batch, worker)
        if batch.node.name in left:
            left.remove(batch.node.name)


@pytest.fixture
def settled(family, work):
    """fields → items → sums, all fresh."""
    work()
    return family


def stale_by(family, sentence):
    """Say of a field, of its list, and of what collects its items that they are stale for this reason."""
    assert why(family.fields, "add") == ("stale", sentence)
    assert why(family.fields, "items_of") == ("stale", sentence)
    assert why(family.items, "star_near") == ("stale", sentence)
    assert why(family.sums, "sum") == ("stale", sentence)


# ------------------------------------------------------------------ what people type


def test_an_edited_cell(settled, owner):
    edit(settled.fields, "x", 4.0, owner)

    stale_by(settled, "“x” of fields 1: 2.0 → 4.0, by owner")


def test_an_edit_that_is_undone(settled, owner, make_user):
    undo(edit(settled.fields, "x", 4.0, owner), by=owner)

    stale_by(settled, "“x” of fields 1: 4.0 → 2.0, by owner (undo)")


def test_a_parameter_of_a_row(settled, owner):
    edit(settled.fields, "factor", 2.0, owner)

    stale_by(settled, "“factor” of fields 1: empty → 2.0, by owner")


def test_a_parameter_of_a_table(settled, owner):
    set_parameters(settled.fields, {"add.factor": 2.0}, by=owner)
    stale_by(settled, "parameter “add.factor” of fields: 1.0 (the default) → 2.0, by owner")

    set_parameters(settled.fields, {"add.factor": 3.0}, by=owner)
    stale_by(settled, "parameter “add.factor” of fields: 2.0 → 3.0, by owner")


def test_a_parameter_of_the_project(settled, project, owner):
    set_project_parameters(project, {"add.factor": 2.0}, by=owner)
    stale_by(settled, "parameter “add.factor” of the project: 1.0 (the default) → 2.0, by owner")

    settled.fields.project.refresh_from_db()
    set_parameters(settled.fields, {"add.factor": 3.0}, by=owner)
    stale_by(settled, "parameter “add.factor” of fields: 2.0 (of the project) → 3.0, by owner")


def test_the_unit_of_a_column(settled, owner):
    describe_column(settled.fields, "x", unit="m", by=owner)

    stale_by(settled, "the unit of “x” of fields: none → m, by owner")


# ------------------------------------------------------------------ rows that come and go


def test_a_new_row(settled, owner):
    add_rows(settled.fields, [{"x": 1.0, "band": "a"}], by=owner)

    assert why(settled.fields, "add", 4) == ("stale", "added by owner")
    assert why(settled.fields, "items_of", 4) == ("stale", "added by owner")
    assert why(settled.sums, "sum") == ("stale", "fields 4 was added by owner")


def test_many_new_rows_are_named_in_part(settled, owner):
    add_rows(settled.fields, [{"x": 1.0, "band": "a"}] * 107, by=owner)

    sentence = "fields 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 97 more were added by owner"
    assert why(settled.sums, "sum") == ("stale", sentence)


def test_a_duplicated_row(settled, owner):
    duplicate_rows(settled.fields, [1], by=owner)

    assert why(settled.fields, "add", 4) == ("stale", "added by owner")
    assert why(settled.sums, "sum") == ("stale", "fields 4 was added by owner")


def test_rows_that_are_deleted_and_restored(settled, owner):
    delete_rows(settled.fields, [1], by=owner)
    assert why(settled.fields, "add") == ("retired", "deleted by owner")
    assert why(settled.items, "star_near") == ("retired", "fields 1 was deleted by owner")
    assert why(settled.sums, "sum") == ("stale", "items 1, 2 retired: fields 1 was deleted by owner")
    spoken_of = sorted([settled.fields.pk, settled.items.pk])
    assert Unit.objects.get(worktable=settled.sums, row_id=1).about == spoken_of
    assert Unit.objects.get(worktable=settled.items, row_id=1).about == [settled.fields.pk]

    undo(Change.objects.latest("id"), by=owner)
    assert why(settled.fields, "add") == ("stale", "restored by owner (undo)")
    assert why(settled.sums, "sum") == ("stale", "fields 1 was restored by owner (undo)")
    advance("items_of")
    assert why(settled.items, "star_near") == ("stale", "back in “items_of” of fields 1")
    assert why(settled.sums, "sum") == ("stale", "items 1, 2 are back in “items_of” of fields 1")

    undo(Change.objects.filter(action="restore_rows").latest("id"), by=owner)
    assert why(settled.fields, "add") == ("retired", "deleted by owner (undo)")


def test_a_row_of_a_catalogue_that_others_find(settled, owner):
    add_rows(settled.stars, [{"name": "Near", "place": (0.0005, 5.0)}], by=owner)
    assert why(settled.items, "star_near") == ("stale", "stars 3 was added by owner")

    delete_rows(settled.stars, [3], by=owner)
    assert why(settled.items, "star_near") == ("stale", "stars 3 was deleted by owner")

    restore_rows(settled.stars, [3], by=owner)
    assert why(settled.items, "star_near") == ("stale", "stars 3 was restored by owner")

    edit(settled.stars, "name", "Nearer", owner, row_id=3)
    assert why(settled.items, "star_near") == ("stale", "“name” of stars 3: Near → Nearer, by owner")


def test_rows_that_are_imported_wait_for_nothing(project, owner, tmp_path):
    (tmp_path / "some.csv").write_text("x\n1\n")

    table = import_file(tmp_path / "some.csv", project, "some", owner)

    assert not Unit.objects.filter(worktable=table).exists()


# ------------------------------------------------------------------ what comes out different


def test_items_that_come_and_go(settled, owner):
    edit(settled.fields, "x", 4.0, owner)
    advance("items_of")
    assert why(settled.items, "star_near", 7) == ("stale", "new in “items_of” of fields 1")
    assert why(settled.sums, "sum") == ("stale", "items 7, 8 are new in “items_of” of fields 1")

    edit(settled.fields, "x", 3.0, owner)
    advance("items_of")
    assert why(settled.items, "star_near", 8) == ("retired", "gone from “items_of” of fields 1")
    assert why(settled.sums, "sum") == ("stale", "items 8 retired: gone from “items_of” of fields 1")


def test_items_whose_cells_change(settled, owner):
    """The band is carried by each of the two items of the first field, and joins them to their sum."""
    edit(settled.fields, "band", "b", owner)
    sentence = "“band” of fields 1: a → b, by owner"
    assert why(settled.sums, "sum", 1) == why(settled.sums, "sum", 2) == ("stale", sentence)

    advance("items_of")

    sentence = "“band” of items 1: a → b (and of 1 more row), from “items_of” of fields 1"
    assert why(settled.sums, "sum", 1) == why(settled.sums, "sum", 2) == ("stale", sentence)


def test_a_result_that_joins_others_and_came_out_different(project, owner, work):
    """fields → (by their totals) sums."""
    graph = {"steps": [{**toys.SUM["steps"][0], "inputs": {"least": "least", "fluxes": "members.total"}}]}
    fields = create_worktable(
        project, "fields", creator=owner, pipeline=Pipeline.objects.create(name="f", graph=toys.FIELD)
    )
    sums = create_worktable(
        project, "sums", creator=owner, pipeline=Pipeline.objects.create(name="s", graph=graph),
        columns=[NewColumn("wanted", "float")],
    )  # fmt: skip
    describe_column(fields, "total", unit="Jy", by=owner)
    collect(fields, sums, name="members", match={"total": "wanted"}, by=owner)
    add_rows(sums, [{"wanted": 3.0, "least": 0.0}, {"wanted": 4.0, "least": 0.0}], by=owner)
    add_rows(fields, [{"x": 3.0}, {"x": 3.0}], by=owner)
    work()

    set_parameters(fields, {"add.factor": 2.0}, by=owner)
    advance("add")

    sentence = "“total” of fields 1: 3.0 → 6.0 (and of 1 more row), made by “add”"
    assert why(sums, "sum", 1) == ("stale", sentence)
    work()
    assert (
        not view_row(fields, 1, owner).steps["add"].unchanged
    )  # though it has marked “sign” after it was computed


# ------------------------------------------------------------------ code


@pytest.fixture
def second():
    from pipelines.registry import forget_step

    yield lambda: version_of(add_by("2"))
    forget_step("toy_add", "2")


def test_new_code_and_versions_that_are_pinned(settled, owner, second):
    one = version_of(get_step("toy_add"))
    two = second()
    adopt_code()
    stale_by(settled, f"“add” of fields has new code: {one.in_words} → {two.in_words}")

    pin_step(settled.fields, "add", one, by=owner)
    stale_by(settled, f"“add” of fields was pinned by owner: {two.in_words} → {one.in_words}")

    unpin_step(settled.fields, "add", by=owner)
    stale_by(settled, f"“add” of fields was unpinned by owner: {one.in_words} → {two.in_words}")


# ------------------------------------------------------------------ links and tables


def test_a_link_that_makes_rows(settled, owner, work):
    link = Link.objects.get(name="items_of")
    remove_link(link, by=owner)
    removed = "the link “items_of” was removed by owner"
    assert why(settled.items, "star_near") == ("retired", removed)
    assert why(settled.sums, "sum") == ("stale", f"items 1, 2, 3, 4, 5, 6 retired: {removed}")

    work()
    expand(
        settled.fields, settled.items, name="items_of", item="items",
        fields={"position": "place", "flux": "flux"}, carry={"band": "band"}, sky="place", radius=1.0, by=owner,
    )  # fmt: skip
    declared = "the link “items_of” from fields to items was declared by owner"
    assert why(settled.fields, "items_of") == ("stale", declared)
    assert why(settled.sums, "sum") == ("stale", declared)
    advance("items_of")
    sentence = "items 1, 2, 3, 4, 5, 6 are back in “items_of” of fields 1, 2, 3"
    assert why(settled.sums, "sum") == ("stale", sentence)


def test_a_link_that_collects(settled, owner, work):
    remove_link(Link.objects.get(name="members"), by=owner)
    assert why(settled.sums, "sum") == ("stale", "the link “members” was removed by owner")
    work()
    assert why(settled.sums, "sum") == (
        "empty",
        "no link brings “fluxes”: declare one that collects into this table, on its page “Links”",
    )

    collect(settled.items, settled.sums, name="members", match={"band": "band"}, by=owner)
    declared = "the link “members” from items to sums was declared by owner"
    assert why(settled.sums, "sum") == ("stale", declared)


def test_a_link_that_looks_up(project, settled, owner, work):
    """What was looked up is carried on to another table, where a step would read it."""
    marks = create_worktable(project, "marks", creator=owner, columns=[NewColumn("star", "text", "lookup")])
    each(settled.items, marks, name="marks_of", carry={"star": "star"}, by=owner)
    work()

    remove_link(Link.objects.get(name="star_near"), by=owner)

    assert why(settled.items, "marks_of") == ("stale", "the link “star_near” was removed by owner")


def test_a_table_in_the_trash_and_back(settled, owner, work):
    delete_worktable(settled.stars, by=owner)
    assert why(settled.items, "star_near") == ("empty", "the table stars is in the trash: deleted by owner")

    restore_worktable(settled.stars, by=owner)
    assert why(settled.items, "star_near") == ("stale", "the table stars was restored by owner")

    work()
    delete_worktable(settled.fields, by=owner)
    deleted = "the table fields was deleted by owner"
    assert why(settled.items, "star_near") == ("retired", deleted)
    assert why(settled.sums, "sum") == ("stale", f"items 1, 2, 3, 4, 5, 6 retired: {deleted}")


def test_a_copy_of_a_table(settled, owner):
    copy = copy_table(settled.fields, "beside", by=owner)

    assert why(copy, "add") == ("stale", "copied from fields by owner")


@pytest.fixture
def nights(project, owner, work):
    """exposures, which look their calibration up by date; marks hang on them."""
    times = [NewColumn("begins", "time", time_scale="UTC"), NewColumn("ends", "time", time_scale="UTC")]
    calibrations = create_worktable(
        project, "calibrations", creator=owner, columns=[NewColumn("label"), *times]
    )
    exposures = create_worktable(
        project, "exposures", creator=owner,
        columns=[NewColumn("taken", "time", time_scale="UTC"), NewColumn("calibration", "text", "lookup")],
    )  # fmt: skip
    marks = create_worktable(
        project, "marks", creator=owner, columns=[NewColumn("calibration", "text", "lookup")]
    )
    latest_valid_at(
        calibrations, exposures, name="valid", date="taken", valid_from="begins", valid_to="ends",
        lookup={"label": "calibration"}, by=owner,
    )  # fmt: skip
    each(exposures, marks, name="marks_of", carry={"calibration": "calibration"}, by=owner)
    add_rows(calibrations, [{"label": "one", "begins": 1.0}, {"label": "two", "begins": 2.0}], by=owner)
    add_rows(exposures, [{"taken": 9.0}], by=owner)
    work()
    return calibrations, exposures


def test_a_verdict(nights, owner):
    calibrations, exposures = nights
    (bad,) = judge_rows(calibrations, [2], "bad", "clouds", author=owner)
    for step in ("valid", "marks_of"):
        assert why(exposures, step) == ("stale", "calibrations 2 was judged bad by owner")

    withdraw(bad, by=owner)
    for step in ("valid", "marks_of"):
        assert why(exposures, step) == (
            "stale", "the verdict “bad” on calibrations 2 was withdrawn by owner",
        )  # fmt: skip

    judge_rows(calibrations, [2, 1], "good", "checked", author=owner)
    assert why(exposures, "valid") == ("stale", "calibrations 1, 2 were judged good by owner")


# ------------------------------------------------------------------ what people ask for


def test_run_again(settled, owner):
    rerun_rows(settled.fields, [1], by=owner, step="add")

    stale_by(settled, "“add” of fields 1 run again by owner")


def test_a_failure_what_it_blocks_and_trying_again(settled, owner, work):
    edit(settled.fields, "x", 13.0, owner)
    work()
    assert why(settled.fields, "add") == ("failed", "13 is unlucky; choose another number")
    assert why(settled.fields, "items_of") == ("blocked", "“add” of fields 1 failed")
    assert why(settled.items, "star_near") == ("blocked", "“add” of fields 1 failed")
    assert why(settled.sums, "sum") == ("blocked", "fields 1 failed at “items_of”, and would count here")

    rerun_failed(settled.fields, by=owner)
    stale_by(settled, "“add” of fields 1 tried again by owner")

    work()
    update_table(settled.sums, by=owner)
    stale_by(settled, "“add” of fields 1 tried again by owner")


def test_cancelled(settled, owner):
    edit(settled.fields, "x", 4.0, owner)
    cancel(settled.fields, [1], by=owner)

    cancelled = "cancelled by owner; run the row or update the table to compute it"
    assert why(settled.fields, "add") == ("held", cancelled)
    assert why(settled.sums, "sum") == ("stale", "“x” of fields 1: 2.0 → 4.0, by owner")


def test_kept_as_it_is_and_no_longer(settled, owner, work):
    edit(settled.fields, "x", 4.0, owner)
    keep_as_it_is(settled.fields, [1], "add", by=owner)
    kept = "kept as it is by owner though “x” of fields 1: 2.0 → 4.0, by owner"
    assert why(settled.fields, "add") == ("held", kept)
    work()
    assert why(settled.fields, "list") == ("fresh", "made with “add”, kept as it is")

    edit(settled.fields, "x", 5.0, owner)
    kept = "kept as it is by owner though “x” of fields 1: 4.0 → 5.0, by owner"
    assert why(settled.fields, "add") == ("held", kept)

    stop_keeping(settled.fields, [1], "add", by=owner)
    stale_by(settled, "“add” of fields 1 is no longer kept as it is, by owner")


def test_held_and_released(settled, owner):
    hold_rows(settled.fields, [1], "clouds", by=owner)
    edit(settled.fields, "x", 4.0, owner)
    assert why(settled.fields, "add") == ("held", "held by owner: clouds")
    assert why(settled.sums, "sum") == ("stale", "“x” of fields 1: 2.0 → 4.0, by owner")

    release_rows(settled.fields, [1], by=owner)
    assert why(settled.fields, "add") == ("stale", "released by owner")


def test_an_empty_input(settled, owner, work):
    edit(settled.fields, "x", None, owner)
    stale_by(settled, "“x” of fields 1: 2.0 → empty, by owner")
    work()

    assert why(settled.fields, "add") == ("empty", "“x” is empty: fill it in")
    assert why(settled.fields, "list") == ("empty", "“x” is empty: fill it in")


# ------------------------------------------------------------------ what stops a step


def test_a_lost_worker(settled, owner, settings, work):
    settings.WORKTABLES = {**settings.WORKTABLES, "ATTEMPTS": 1}
    edit(settled.fields, "x", 4.0, owner)
    claim(recovery.register_worker("lost").token, lambda node: 1)
    Todo.objects.exclude(owner=None).update(owner="nobody")

    recovery.sweep()
    work()

    lost = "lost its worker 1 times: the step may need more memory than there is, or kill its process"
    assert why(settled.fields, "add") == ("failed", lost)
    assert why(settled.items, "star_near") == ("blocked", "“add” of fields 1 failed")
    assert why(settled.sums, "sum") == ("blocked", "fields 1 failed at “items_of”, and would count here")


# ------------------------------------------------------------------ when, and at what price


def test_a_unit_knows_since_when(settled, owner, work):
    def unit(table, step):
        return Unit.objects.get(worktable=table, step__name=step, row_id=1)

    before = unit(settled.sums, "sum")
    assert before.since == before.settled_at

    edit(settled.fields, "x", 4.0, owner)
    stale = unit(settled.sums, "sum")
    assert stale.since == stale.changed_at > before.settled_at

    edit(settled.fields, "x", 5.0, owner)
    assert unit(settled.sums, "sum").since > stale.since
    stale = unit(settled.sums, "sum")

    cancel(settled.sums, by=owner)
    assert unit(settled.sums, "sum").since > stale.since
    assert unit(settled.fields, "add").since == unit(settled.fields, "add").changed_at
    work()
    assert unit(settled.fields, "add").since == unit(settled.fields, "add").settled_at


def test_naming_rows_takes_as_many_statements_for_many(settled, owner, work):
    counts = []
    for n in (2, 200):
        ids = add_rows(settled.fields, [{"x": 1.0, "band": "a"}] * n, by=owner)
        work()
        with CaptureQueriesContext(connection) as queries:
            delete_rows(settled.fields, ids, by=owner)
        counts.append(len(queries))

    assert counts[0] == counts[1]
