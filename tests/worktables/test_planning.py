"""Push and pull through one planner: what would run, why and how long, and exactly that runs."""

import pytest
from django.core.exceptions import PermissionDenied

from tests.worktables import toys
from worktables.creating import describe_worktable
from worktables.editing import edit_cell
from worktables.errors import CannotKeep
from worktables.keeping import keep_as_it_is, stop_keeping
from worktables.making import make
from worktables.models import State, TableStep, Todo, Unit, Worker
from worktables.parameters import set_parameters
from worktables.planning import plan_wish, wish_for
from worktables.queue import durations
from worktables.queue.priorities import BY_HAND, WANTED
from worktables.queue.recovery import database_time
from worktables.rows import add_rows, delete_rows


def manual(*tables, owner):
    for table in tables:
        describe_worktable(table, by=owner, update="manual")


def x_of(worktable, row_id, value, seen, owner):
    edit_cell(worktable, row_id, worktable.column("x"), value, seen=seen, editor=owner)


def state(worktable, row_id, step):
    unit = Unit.objects.get(worktable=worktable, row_id=row_id, step__name=step)
    return State(unit.state).label, unit.reason


def plan(table, rows=None, step=None, viewer=None, **more):
    return plan_wish(wish_for(table, viewer, rows=rows, step=step, **more), viewer)


def steps(planned):
    return list(planned.units_per_step.items())


def test_three_edits_of_a_thousand_rows_are_three_runs(worktable, owner, work):
    add_rows(worktable, [{"x": float(n), "y": 0.0} for n in range(20, 1017)], by=owner)
    work()
    for row, seen in ((4, 20.0), (500, 516.0), (1000, 1016.0)):
        x_of(worktable, row, seen + 5000, seen, owner)

    planned = plan(worktable)
    ran = work()

    assert steps(planned) == [("add", 3), ("sign", 3)]
    assert [one for one in ran if one[0] == "add"] == [("add", 5020.0), ("add", 5516.0), ("add", 6016.0)]
    assert len(ran) == 6


def test_a_parameter_of_the_last_step_leaves_the_steps_before_as_they_are(family, owner, work):
    work()
    n_lists = sum(name == "list" for name, _ in toys.ran)
    set_parameters(family.fields, {"add.factor": 1.0}, by=owner)
    x = family.sums.column("least")
    edit_cell(family.sums, 1, x, 1.5, seen=0.0, editor=owner)

    ran = work()

    assert n_lists == 3
    assert [name for name, _ in ran if name == "sum"] == ["sum"]
    assert not [name for name, _ in ran if name == "list"]


def test_equal_content_is_said_and_goes_no_further(worktable, owner, work):
    work()
    x_of(worktable, 1, 2.0, 1.0, owner)
    edit_cell(worktable, 1, worktable.column("y"), 1.0, seen=2.0, editor=owner)

    ran = work()

    assert ran == [("add", 2.0)]
    assert state(worktable, 1, "add") == ("fresh", "re-made, same content")
    assert state(worktable, 1, "sign") == ("fresh", "unchanged: what it is made from came out the same")


def test_pulling_runs_just_what_is_needed_in_manual_tables(worktable, owner, work):
    work()
    manual(worktable, owner=owner)
    x_of(worktable, 1, 4.0, 1.0, owner)
    x_of(worktable, 2, 6.0, -5.0, owner)

    planned = plan(worktable, [1], "sign")
    made = make(worktable, rows=[1], step="sign", by=owner)
    ran = work()

    assert steps(planned) == steps(made) == [("add", 1), ("sign", 1)]
    assert ran == [("add", 4.0), ("sign", 6.0)]
    assert state(worktable, 2, "add")[0] == "stale"


def test_pulling_goes_up_over_links_and_down_again(family, owner, work):
    work()
    manual(family.fields, family.items, family.sums, owner=owner)
    edit_cell(family.fields, 1, family.fields.column("x"), 3.0, seen=2.0, editor=owner)

    up = plan(family.sums, [1], "sum", owner)
    down = plan(family.fields, [1], "add", owner, and_below=True)
    make(family.sums, rows=[1], step="sum", by=owner)
    work()

    assert list(up.units_per_step) == ["fields.add", "fields.list", "fields.items_of", "sum"]
    assert set(down.units_per_step) >= {"add", "list", "items_of", "items.star_near", "sums.sum"}
    assert state(family.sums, 1, "sum")[0] == "fresh"
    assert not Todo.objects.exists()


def test_what_somebody_waits_for_comes_first(worktable, owner, work):
    work()
    x_of(worktable, 2, 6.0, -5.0, owner)
    x_of(worktable, 1, 4.0, 1.0, owner)

    make(worktable, rows=[2], by=owner)

    assert set(Todo.objects.filter(row_id=2).values_list("priority", flat=True)) == {WANTED}
    assert set(Todo.objects.filter(row_id=1).values_list("priority", flat=True)) == {BY_HAND}


def test_a_limited_look_says_that_there_is_more(worktable, owner, work):
    work()
    manual(worktable, owner=owner)
    x_of(worktable, 1, 4.0, 1.0, owner)

    near = plan(worktable, [1], "sign", depth=0)
    far = plan(worktable, [1], "sign", depth=1)

    assert (steps(near), near.deeper) == ([("sign", 1)], True)
    assert (near.n_units, far.n_units, far.deeper) == (1, 2, False)


def test_failed_units_are_tried_again(worktable, owner, work):
    x_of(worktable, 1, 13.0, 1.0, owner)
    work()

    planned = make(worktable, rows=[1], step="sign", by=owner)
    ran = work()

    assert planned.n_units == 2
    assert ran == []  # 13 is unlucky before it is noted
    assert state(worktable, 1, "add") == ("failed", "13 is unlucky; choose another number")


def test_time_is_estimated_from_what_was_measured(worktable, owner, work):
    durations._told.clear()
    worktable.steps.update(seconds=None)
    unknown = plan(worktable)
    work()
    measured = dict(worktable.steps.values_list("name", "seconds"))
    TableStep.objects.filter(name="add").update(seconds=60.0)
    TableStep.objects.filter(name="sign").update(seconds=30.0)
    Worker.objects.create(
        token="b", name="b", host="b", pid=1, started_at="2026-01-01T00:00Z", seen_at=database_time()
    )
    x_of(worktable, 1, 4.0, 1.0, owner)

    planned = plan(worktable)

    assert "not known" in unknown.estimate()
    assert all(0 < seconds < 5 for seconds in measured.values())
    assert (planned.seconds, planned.estimate()) == (45.0, "about 45 s with 2 workers")


def test_planning_changes_nothing_and_costs_the_same_for_any_number_of_rows(
    worktable, owner, work, django_assert_max_num_queries
):
    add_rows(worktable, [{"x": float(n), "y": 0.0} for n in range(20, 320)], by=owner)
    before = list(Unit.objects.values_list("row_id", "state", "generation"))

    with django_assert_max_num_queries(15):
        planned = plan(worktable, and_below=True)

    assert planned.n_units == 606
    assert list(Unit.objects.values_list("row_id", "state", "generation")) == before


# ------------------------------------------------------------------ keeping


def test_what_is_kept_is_used_below_and_never_looks_fresh(worktable, owner, work, cells):
    work()
    manual(worktable, owner=owner)
    x_of(worktable, 1, -40.0, 1.0, owner)

    made = make(worktable, rows=[1], step="sign", keep=[(worktable, "add")], by=owner)
    ran = work()

    assert steps(made) == [("sign", 1)]
    assert ran == []  # made from the same total as before
    assert state(worktable, 1, "sign") == ("fresh", "made with “add”, kept as it is")
    now, reason = state(worktable, 1, "add")
    assert now == "held"
    assert reason == "kept as it is by owner though “x” of fields 1: 1.0 → -40.0, by owner"
    assert cells(worktable, "total", "sign")[1] == (3.0, "positive")
    from worktables.storage import layout_of

    assert layout_of(worktable).rows.get(id=1).state == State.HELD


def test_an_edit_above_leaves_it_kept_and_is_told(worktable, owner, work):
    work()
    manual(worktable, owner=owner)
    x_of(worktable, 1, 4.0, 1.0, owner)
    keep_as_it_is(worktable, [1], "add", by=owner)

    x_of(worktable, 1, 5.0, 4.0, owner)

    assert state(worktable, 1, "add") == (
        "held",
        "kept as it is by owner though “x” of fields 1: 4.0 → 5.0, by owner",
    )


def test_letting_go_makes_it_and_all_below_stale(worktable, owner, work, cells):
    work()
    manual(worktable, owner=owner)
    x_of(worktable, 1, -40.0, 1.0, owner)
    make(worktable, rows=[1], step="sign", keep=[(worktable, "add")], by=owner)
    work()

    assert stop_keeping(worktable, [1], "add", by=owner) == 1

    assert state(worktable, 1, "add") == (
        "stale",
        "“add” of fields 1 is no longer kept as it is, by owner",
    )
    assert state(worktable, 1, "sign")[0] == "stale"
    make(worktable, rows=[1], by=owner)
    work()
    assert cells(worktable, "total", "sign")[1] == (-38.0, "negative")


def test_a_result_that_is_computed_while_it_is_kept_is_refused(worktable, owner, work, cells):
    from worktables.queue import draining
    from worktables.queue.claiming import claim
    from worktables.queue.recovery import register_worker

    work()
    x_of(worktable, 1, 4.0, 1.0, owner)
    worker = register_worker("slow")
    batch = claim(worker.token, lambda node: 1)
    keep_as_it_is(worktable, [1], "add", by=owner)

    draining.work_through(batch, worker)

    assert state(worktable, 1, "add")[0] == "held"
    assert cells(worktable, "total")[1] == (3.0,)


def test_collected_members_that_are_kept_let_the_collector_run(family, owner, work):
    work()
    manual(family.fields, family.items, family.sums, owner=owner)
    edit_cell(family.fields, 1, family.fields.column("x"), 3.0, seen=2.0, editor=owner)

    keep_as_it_is(family.fields, [1], "add", by=owner)
    make(family.sums, rows=[1], step="sum", by=owner)
    work()

    assert state(family.sums, 1, "sum")[0] == "fresh"
    assert state(family.fields, 1, "add")[0] == "held"


def test_only_a_stale_result_is_kept_and_only_by_who_may_run(worktable, owner, collaborator, work):
    work()
    with pytest.raises(CannotKeep):
        keep_as_it_is(worktable, [1], "add", by=owner)
    with pytest.raises(PermissionDenied):
        keep_as_it_is(worktable, [1], "add", by=collaborator)
    with pytest.raises(PermissionDenied):
        make(worktable, rows=[1], by=collaborator)


def test_a_deleted_row_is_kept_no_longer(worktable, owner, work):
    from worktables.rows import restore_rows

    work()
    x_of(worktable, 1, 4.0, 1.0, owner)
    keep_as_it_is(worktable, [1], "add", by=owner)
    delete_rows(worktable, [1], by=owner)
    restore_rows(worktable, [1], by=owner)
    work()

    assert state(worktable, 1, "add")[0] == "fresh"
