"""Making what is asked for with what it is made from, looking before, and keeping what is good enough."""

import pytest
from django.core.exceptions import PermissionDenied

from worktables.creating import describe_worktable
from worktables.editing import edit_cell, undo
from worktables.errors import CannotKeep, CannotUndo, NoSuchRow, NoSuchStep
from worktables.keeping import keep_as_it_is, stop_keeping
from worktables.making import make, update_table
from worktables.models import Change, State, TableStep, Todo, Unit
from worktables.planning import plan_update, plan_wish, wish_for
from worktables.queue import durations
from worktables.queue.claiming import claim
from worktables.views.grid import last_undoable

pytestmark = pytest.mark.django_db


def edit(table, row_id, name, value, seen, owner):
    edit_cell(table, row_id, table.columns.get(name=name), value, seen=seen, editor=owner)


def unit(table, row_id, step):
    return Unit.objects.get(worktable=table, row_id=row_id, step__name=step)


@pytest.fixture
def on_demand(family, owner, work):
    """The family, up to date, whose tables are updated only when somebody asks."""
    work()
    for table in (family.fields, family.items, family.sums):
        describe_worktable(table, by=owner, update="manual")
    work()
    return family


def test_a_cell_is_made_with_what_it_is_made_from_and_nothing_else(on_demand, owner, work, cells):
    edit(on_demand.fields, 1, "x", 4.0, 2.0, owner)
    edit(on_demand.fields, 2, "x", 5.0, 3.0, owner)
    assert work() == []

    plan = make(on_demand.fields, by=owner, rows=[1], step="list")

    assert plan.units_per_step == {"add": 1, "list": 1}
    assert work() == [("add", 4.0), ("list", 4)]
    assert cells(on_demand.fields, "total") == {1: (4.0,), 2: (3.0,), 3: (1.0,)}


def test_what_another_table_must_give_first_is_made_too(on_demand, owner, work, cells):
    edit(on_demand.fields, 2, "x", 5.0, 3.0, owner)

    plan = make(on_demand.sums, by=owner, rows=[2])

    assert plan.units_per_step["fields.add"] == 1
    assert plan.n_rows_to_do == 1
    ran = dict(work())
    assert ran.keys() == {"add", "list", "sum"}
    assert cells(on_demand.sums, "n")[2] == (4,)  # fluxes of at least 2 in band b: 2, 3, 4, 5


def test_this_and_all_below_reaches_other_tables(on_demand, owner, work, cells):
    edit(on_demand.fields, 2, "x", 5.0, 3.0, owner)

    make(on_demand.fields, by=owner, rows=[2], step="add", and_below=True)
    work()

    assert cells(on_demand.sums, "n")[2] == (4,)
    assert plan_update(on_demand.sums).sentence() == "all 2 rows are fresh"


def test_what_was_planned_is_what_is_queued(on_demand, owner):
    edit(on_demand.fields, 1, "x", 4.0, 2.0, owner)
    planned = plan_wish(wish_for(on_demand.sums, owner, rows=[1]), owner)
    before = Todo.objects.count()

    made = make(on_demand.sums, by=owner, rows=[1])

    assert made == planned
    assert before == 0
    assert Todo.objects.count() == planned.n_units


def test_a_plan_looks_as_deep_as_it_is_asked_to(on_demand, owner):
    edit(on_demand.fields, 1, "x", 4.0, 2.0, owner)

    shallow = plan_wish(wish_for(on_demand.sums, owner, rows=[1], depth=1), owner)
    deep = plan_wish(wish_for(on_demand.sums, owner, rows=[1]), owner)

    assert shallow.deeper
    assert not deep.deeper
    assert "fields.add" in deep.units_per_step
    assert "fields.add" not in shallow.units_per_step


def test_an_update_of_a_table_asks_for_what_it_waits_for(on_demand, owner, work):
    edit(on_demand.fields, 3, "x", 2.0, 1.0, owner)

    update_table(on_demand.sums, by=owner)
    work()

    assert plan_update(on_demand.fields).sentence() == "all 3 rows are fresh"
    assert plan_update(on_demand.sums).sentence() == "all 2 rows are fresh"


def test_what_is_asked_for_goes_first(on_demand, owner):
    for row_id, seen in ((1, 2.0), (2, 3.0), (3, 1.0)):
        edit(on_demand.fields, row_id, "x", 7.0, seen, owner)
    update_table(on_demand.fields, by=owner)

    make(on_demand.fields, by=owner, rows=[3], step="add")

    assert list(claim("somebody", lambda node: 1).claims) == [3]


def test_a_plan_says_how_long_it_takes_once_its_steps_ran(worktable, owner, work):
    durations._told.clear()
    assert "not known" in plan_update(worktable).estimate()

    work()
    edit(worktable, 1, "x", 9.0, 1.0, owner)

    assert TableStep.objects.filter(worktable=worktable, seconds__gt=0).count() == 2
    assert plan_update(worktable).estimate() == "less than a second with 1 worker"


def test_a_plan_takes_as_many_queries_for_many_rows_as_for_few(
    worktable, owner, work, django_assert_max_num_queries
):
    from worktables.rows import add_rows

    work()
    add_rows(worktable, [{"x": float(number)} for number in range(300)], by=owner)
    with django_assert_max_num_queries(12):
        plan = plan_update(worktable)
    assert plan.n_rows_to_do == 300


# ------------------------------------------------------------------ good enough


def test_what_is_kept_lets_those_below_go_on_and_says_so(worktable, owner, work, cells):
    work()
    describe_worktable(worktable, by=owner, update="manual")
    edit(worktable, 2, "x", 8.0, -5.0, owner)

    keep_as_it_is(worktable, [2], "add", by=owner)
    make(worktable, by=owner, rows=[2], step="sign")
    ran = work()

    kept, below = unit(worktable, 2, "add"), unit(worktable, 2, "sign")
    assert (kept.state, kept.kept) == (State.HELD, True)
    assert kept.reason == f"kept as it is by {owner} though “x” of fields 2: -5.0 → 8.0, by {owner}"
    assert ran == []  # its input is the old one, so what it gave is still right
    assert below.state == State.FRESH
    assert below.reason == "made with “add”, kept as it is"
    assert cells(worktable, "total", "sign")[2] == (-5.0, "negative")
    assert worktable_state(worktable, 2) == State.HELD
    assert Change.objects.filter(worktable=worktable, action="keep", subject="add", by=owner).exists()


def worktable_state(worktable, row_id):
    from worktables.storage import layout_of

    return layout_of(worktable).rows.get(id=row_id).state


def test_what_is_kept_stays_so_whatever_changes_above(worktable, owner, work):
    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)

    edit(worktable, 2, "x", 9.0, 8.0, owner)

    kept = unit(worktable, 2, "add")
    assert (kept.state, kept.kept) == (State.HELD, True)
    assert "8.0 → 9.0" in kept.reason
    assert work() == []
    assert update_table(worktable, by=owner).n_units == 0


def test_what_is_kept_no_more_is_made_with_all_below(worktable, owner, work, cells):
    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)
    work()

    assert stop_keeping(worktable, [2], "add", by=owner) == 1

    assert unit(worktable, 2, "add").reason == f"“add” of fields 2 is no longer kept as it is, by {owner}"
    assert work() == [("add", 8.0), ("sign", 8.0)]
    assert cells(worktable, "total", "sign")[2] == (8.0, "positive")
    assert unit(worktable, 2, "sign").reason == ""


def test_who_keeps_it_is_said_also_after_more_edits_above(worktable, owner, work):
    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)

    edit(worktable, 2, "x", 9.0, 8.0, owner)
    edit(worktable, 2, "y", 1.0, 0.0, owner)

    said = f"kept as it is by {owner} though “y” of fields 2: 0.0 → 1.0, by {owner}"
    assert unit(worktable, 2, "add").reason == said


def test_keeping_is_undone_like_any_change(worktable, owner, work, cells):
    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)
    change = worktable.history.get(action="keep")

    assert undo(change, by=owner) == 1
    work()

    assert cells(worktable, "total", "sign")[2] == (8.0, "positive")
    assert Change.objects.get(undoes=change).action == "keep_no_more"
    with pytest.raises(CannotUndo, match="undone already"):
        undo(Change.objects.get(pk=change.pk), by=owner)


def test_undoing_a_keeping_leaves_what_was_kept_anew_since(worktable, owner, work):
    work()
    describe_worktable(worktable, by=owner, update="manual")
    edit(worktable, 1, "x", 7.0, 1.0, owner)
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [1, 2], "add", by=owner)
    first = worktable.history.get(action="keep")
    stop_keeping(worktable, [1, 2], "add", by=owner)
    keep_as_it_is(worktable, [1], "add", by=owner)

    with pytest.raises(CannotUndo, match="nothing of it is left"):
        undo(first, by=owner)

    assert unit(worktable, 1, "add").kept


def test_the_page_offers_to_undo_a_keeping_until_it_is_let_go(worktable, owner, work):
    work()
    describe_worktable(worktable, by=owner, update="manual")
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)
    assert last_undoable(worktable).action == "keep"

    stop_keeping(worktable, [2], "add", by=owner)

    assert last_undoable(worktable) is None


def test_a_worker_that_has_it_in_hand_is_refused(worktable, owner, work, cells):
    from worktables.queue.draining import work_through
    from worktables.queue.recovery import register_worker

    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    worker = register_worker("slow")
    batch = claim(worker.token, lambda node: 10)
    keep_as_it_is(worktable, [2], "add", by=owner)

    assert work_through(batch, worker) == 0
    assert cells(worktable, "total")[2] == (-5.0,)


def test_steps_can_be_ticked_off_while_making(on_demand, owner, work, cells):
    edit(on_demand.fields, 2, "x", 5.0, 3.0, owner)

    plan = make(on_demand.sums, by=owner, rows=[2], keep=[(on_demand.fields, "add")])

    assert "fields.add" not in plan.units_per_step
    assert ("add", 5.0) not in work()
    assert cells(on_demand.sums, "n")[2] == (2,)
    assert unit(on_demand.fields, 2, "add").kept


def test_running_it_again_ends_the_keeping(worktable, owner, work):
    from worktables.updating import rerun_rows

    work()
    edit(worktable, 2, "x", 8.0, -5.0, owner)
    keep_as_it_is(worktable, [2], "add", by=owner)

    rerun_rows(worktable, [2], by=owner)

    assert ("add", 8.0) in work()
    assert not unit(worktable, 2, "add").kept


def test_what_is_fresh_or_never_ran_cannot_be_kept(worktable, owner, work):
    with pytest.raises(CannotKeep, match="never ran"):
        keep_as_it_is(worktable, [1], "add", by=owner)
    work()
    with pytest.raises(CannotKeep):
        keep_as_it_is(worktable, [1], "add", by=owner)


def test_only_who_may_run_makes_and_keeps(worktable, reader, owner):
    for verb in (
        lambda: make(worktable, by=reader),
        lambda: keep_as_it_is(worktable, [1], "add", by=reader),
        lambda: stop_keeping(worktable, [1], "add", by=reader),
    ):
        with pytest.raises(PermissionDenied):
            verb()


def test_rows_and_steps_that_are_not_there_are_named(worktable, owner):
    with pytest.raises(NoSuchRow, match="99"):
        make(worktable, by=owner, rows=[1, 99])
    with pytest.raises(NoSuchStep, match="its steps are add, sign"):
        make(worktable, by=owner, step="beam")
