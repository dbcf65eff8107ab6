"""What an edit makes stale, what then runs, and what is refused."""

import pytest

from pipelines.models import Run
from projects.editing import delete_project, restore_project
from worktables.creating import delete_worktable, describe_worktable, restore_worktable
from worktables.editing import edit_cell, undo
from worktables.making import update_table
from worktables.models import Change, State, Todo, Unit, Worktable
from worktables.parameters import set_parameters, set_project_parameters
from worktables.planning import plan_update
from worktables.queue import draining, recovery
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.rows import add_rows, delete_rows, duplicate_rows, restore_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows, state_counts


def states(worktable):
    return {
        (u.row_id, u.step.name): u.get_state_display()
        for u in Unit.objects.filter(worktable=worktable).select_related("step")
    }


def test_new_rows_are_computed_step_after_step(worktable, work, cells):
    assert work() == [("add", -5.0), ("add", 1.0), ("add", 3.0), ("sign", -5.0), ("sign", 3.0)], (
        "equal totals run once"
    )
    assert cells(worktable, "total", "sign") == {
        1: (3.0, "positive"),
        2: (-5.0, "negative"),
        3: (3.0, "positive"),
    }
    assert set(states(worktable).values()) == {"fresh"}
    assert not Todo.objects.exists()


def test_an_edit_recomputes_exactly_what_depended_on_it(worktable, work, owner, cells):
    work()

    stale = edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)

    assert stale == 2
    assert work() == [("add", 4.0), ("sign", 6.0)]
    assert cells(worktable, "total")[1] == (6.0,)


def test_an_unchanged_result_stops_the_recomputation(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)
    edit_cell(worktable, 1, worktable.column("y"), 1.0, seen=2.0, editor=owner)

    assert work() == [("add", 2.0)]
    assert states(worktable)[1, "sign"] == "fresh"
    assert Unit.objects.get(worktable=worktable, row_id=1, step__name="add").reason == "re-made, same content"


def test_undo_takes_the_old_result_from_the_memo(worktable, work, owner, cells):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)
    work()

    undo(Change.objects.filter(action="edit").first(), by=owner)

    assert work() == []
    assert cells(worktable, "x", "total")[1] == (1.0, 3.0)
    assert Unit.objects.get(worktable=worktable, row_id=1, step__name="add").reused


def test_a_duplicate_runs_nothing(worktable, work, owner, cells):
    work()

    duplicate_rows(worktable, [2], by=owner)

    assert work() == []
    assert cells(worktable, "total")[4] == (-5.0,)


def test_a_failing_row_says_why_and_the_rest_goes_on(worktable, work, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 13.0, seen=1.0, editor=owner)
    work()

    assert states(worktable)[1, "add"] == "failed"
    assert states(worktable)[1, "sign"] == "blocked"
    assert (
        Unit.objects.get(worktable=worktable, row_id=1, step__name="add").reason
        == "13 is unlucky; choose another number"
    )
    assert cells(worktable, "total")[1] == (None,)
    assert cells(worktable, "total")[2] == (-5.0,)
    assert state_counts([worktable])[worktable.pk] == {"fresh": 2, "failed": 1}
    assert plan_update(worktable).sentence() == "1 of 3 rows needs work"


def test_updating_tries_failed_rows_again(worktable, work, owner):
    edit_cell(worktable, 1, worktable.column("x"), 13.0, seen=1.0, editor=owner)
    work()
    before = Run.objects.filter(row_id=1).count()

    update_table(worktable, by=owner)
    work()

    assert Run.objects.filter(row_id=1).count() == before + 1


def test_a_missing_input_makes_empty_not_failed(worktable, work, owner, cells):
    work()

    edit_cell(worktable, 1, worktable.column("x"), None, seen=1.0, editor=owner)

    assert work() == []
    assert states(worktable)[1, "add"] == states(worktable)[1, "sign"] == "empty"
    assert cells(worktable, "total", "sign")[1] == (None, None)
    assert "“x” is empty" in Unit.objects.get(worktable=worktable, row_id=1, step__name="sign").reason


def test_a_parameter_comes_from_row_table_project_or_default(worktable, work, owner, project, cells):
    edit_cell(worktable, 2, worktable.column("factor"), 10.0, seen=None, editor=owner)
    work()
    set_parameters(worktable, {"add.factor": 2.0}, by=owner)

    assert work() == [("add", 1.0), ("add", 3.0), ("sign", 6.0)]
    assert cells(worktable, "total") == {1: (6.0,), 2: (-50.0,), 3: (6.0,)}


def test_a_manual_table_waits_to_be_asked(worktable, work, owner):
    work()
    describe_worktable(worktable, update="manual", by=owner)
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)

    assert work() == []
    assert state_counts([worktable])[worktable.pk] == {"fresh": 2, "stale": 1}
    update_table(worktable, by=owner)
    assert work() == [("add", 4.0), ("sign", 6.0)]


def test_a_result_of_old_inputs_is_refused_but_remembered(worktable, work, owner, cells, monkeypatch):
    worker = recovery.register_worker("slow")
    batch = claim(worker.token, lambda node: 1)
    read = draining.read_step_inputs

    def read_just_before_an_edit(batch, works):
        read(batch, works)
        edit_cell(worktable, 1, worktable.column("x"), 7.0, seen=1.0, editor=owner)

    monkeypatch.setattr(draining, "read_step_inputs", read_just_before_an_edit)
    accepted = work_through(batch, worker)
    monkeypatch.undo()

    assert accepted == 0
    assert Run.objects.get(row_id=1).accepted is False
    assert cells(worktable, "total")[1] == (None,)
    assert work() == [("add", -5.0), ("add", 3.0), ("add", 7.0), ("sign", -5.0), ("sign", 3.0), ("sign", 9.0)]
    assert cells(worktable, "total")[1] == (9.0,)
    edit_cell(worktable, 1, worktable.column("x"), 1.0, seen=7.0, editor=owner)
    assert work() == [], "what was refused is in the memo"


def test_a_lost_worker_loses_nothing(worktable, work, cells):
    worker = recovery.register_worker("doomed")
    batch = claim(worker.token, lambda node: 10)
    assert len(batch.claims) == 3
    type(worker).objects.filter(pk=worker.pk).update(pid=2**22 + 1)

    assert recovery.sweep() == 3
    assert work_through(batch, worker) == 0, "whoever comes back late is refused"
    work()
    assert cells(worktable, "total") == {1: (3.0,), 2: (-5.0,), 3: (3.0,)}


def test_a_unit_that_kills_its_workers_fails_in_the_end(worktable, work, settings):
    settings.WORKTABLES = settings.WORKTABLES | {"ATTEMPTS": 2}
    for _ in range(2):
        worker = recovery.register_worker("doomed")
        claim(worker.token, lambda node: 1)
        type(worker).objects.filter(pk=worker.pk).update(pid=2**22 + 1)
        recovery.sweep()
    work()

    assert states(worktable)[1, "add"] == "failed"
    assert states(worktable)[1, "sign"] == "blocked"
    assert states(worktable)[2, "sign"] == "fresh"


def test_deleted_rows_come_back_without_a_run(worktable, work, owner, cells):
    work()
    delete_rows(worktable, [1, 2], by=owner)
    assert work() == []
    assert list(cells(worktable, "x")) == [3]
    assert Worktable.objects.get(pk=worktable.pk).n_rows == 1

    restore_rows(worktable, [1, 2], by=owner)

    assert work() == []
    assert cells(worktable, "total") == {1: (3.0,), 2: (-5.0,), 3: (3.0,)}
    assert set(states(worktable).values()) == {"fresh"}


def test_rerun_runs_although_nothing_changed(worktable, work, owner):
    work()

    rerun_rows(worktable, [1], by=owner)

    assert work() == [("add", 1.0), ("sign", 3.0)]


def test_a_run_says_who_asked_and_where_it_ran(worktable, work, owner):
    work()

    run = Run.objects.filter(row_id=1, step_name="add").get()
    assert (run.asked_by, run.worker, run.outcome, run.accepted) == (owner, "tester", "ok", True)
    assert run.inputs == {"x": 1.0, "y": 2.0}
    assert run.parameters == {"factor": 1.0}
    assert "adding to 1.0" in run.log
    assert "astropy" in str(run.environment.document)


def test_a_project_in_the_trash_computes_nothing_until_it_is_back(worktable, work, owner, project):
    delete_project(project, by=owner)
    assert work() == []

    restore_project(project, by=owner)
    assert len(work()) == 5


# ------------------------------------------------------------------ linked tables


def test_items_become_rows_that_carry_look_up_and_are_collected(family, work, cells):
    work()

    assert cells(family.items, "band", "flux", "star") == {
        1: ("a", 1.0, "Zero"),
        2: ("a", 2.0, "Ten"),
        3: ("b", 1.0, "Zero"),
        4: ("b", 2.0, "Ten"),
        5: ("b", 3.0, None),
        6: ("b", 1.0, "Zero"),
    }
    assert cells(family.sums, "n", "total") == {1: (2, 3.0), 2: (2, 5.0)}
    assert cells(family.items, "separation")[2][0] == pytest.approx(3.6)


def test_an_edit_travels_over_the_links_and_nowhere_else(family, work, owner, cells):
    work()
    runs = Run.objects.count()

    edit_cell(family.fields, 2, family.fields.column("x"), 4.0, seen=3.0, editor=owner)

    family.sums.refresh_from_db()
    assert state_counts([family.sums])[family.sums.pk] == {"fresh": 1, "queued": 1}, "only band b"
    assert work() == [("add", 4.0), ("list", 4), ("sum", 3)]
    new = Run.objects.order_by("id")[runs:]
    assert sorted(run.step_name for run in new) == ["add", "items_of", "list", "star_near", "sum"]
    assert [run.row_id for run in new if run.step_name == "star_near"] == [7], "only the new item looked"
    assert cells(family.sums, "n", "total")[2] == (3, 9.0)


def test_vanished_items_retire_and_come_back_with_their_ids(family, work, owner, cells):
    work()
    edit_cell(family.fields, 2, family.fields.column("x"), 1.0, seen=3.0, editor=owner)
    work()
    assert list(cells(family.items, "flux")) == [1, 2, 3, 6]
    family.items.refresh_from_db()
    assert state_counts([family.items])[family.items.pk] == {"fresh": 4}
    assert family.items.n_rows == 4
    assert cells(family.sums, "n", "total")[2] == (0, 0.0)
    assert layout_of(family.items).model.objects.get(id=4).state == State.RETIRED

    undo(Change.objects.filter(action="edit").first(), by=owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 5, 6]
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


def test_a_moved_star_reaches_only_its_neighbours(family, work, owner, cells):
    work()
    runs = Run.objects.count()

    edit_cell(family.stars, 2, family.stars.column("place"), (20.0, 5.001), seen=(10.0, 5.001), editor=owner)
    work()

    assert cells(family.items, "star") == {
        1: ("Zero",),
        2: (None,),
        3: ("Zero",),
        4: (None,),
        5: ("Ten",),
        6: ("Zero",),
    }
    assert sorted(run.row_id for run in Run.objects.order_by("id")[runs:]) == [2, 4, 5]


def test_a_new_star_is_found(family, work, owner, cells):
    work()
    add_rows(family.stars, [{"name": "Nearer", "place": (0.0, 5.0)}], by=owner)
    work()

    assert cells(family.items, "star")[1] == ("Nearer",)


def test_a_failed_parent_blocks_those_who_would_count_it(family, work, owner, cells):
    work()
    edit_cell(family.fields, 2, family.fields.column("x"), 13.0, seen=3.0, editor=owner)
    work()

    assert state_counts([family.sums])[family.sums.pk] == {"fresh": 1, "blocked": 1}
    assert state_counts([family.items])[family.items.pk] == {"fresh": 3, "blocked": 3}
    reason = Unit.objects.get(worktable=family.sums, row_id=2).reason
    assert reason == "fields 2 failed at “items_of”, and would count here"

    edit_cell(family.fields, 2, family.fields.column("x"), 3.0, seen=13.0, editor=owner)
    work()
    assert state_counts([family.sums])[family.sums.pk] == {"fresh": 2}
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


def test_a_changed_band_marks_both_sums(family, work, owner, cells):
    work()

    edit_cell(family.fields, 3, family.fields.column("band"), "a", seen="b", editor=owner)
    work()

    assert cells(family.sums, "n", "total") == {1: (3, 4.0), 2: (2, 5.0)}


def test_deleting_a_parent_retires_its_items(family, work, owner, cells):
    work()
    delete_rows(family.fields, [2], by=owner)
    work()

    assert cells(family.sums, "n", "total")[2] == (0, 0.0)
    restore_rows(family.fields, [2], by=owner)
    work()
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


def test_a_project_parameter_reaches_tables_that_do_not_say_otherwise(worktable, work, owner, project, cells):
    work()
    set_project_parameters(project, {"add.factor": 3.0}, by=owner)
    work()
    assert cells(worktable, "total")[1] == (9.0,)

    worktable.refresh_from_db()
    set_parameters(worktable, {"add.factor": 2.0}, by=owner)
    work()
    assert cells(worktable, "total")[1] == (6.0,)


def test_a_table_in_the_trash_is_missed_by_those_who_collected_it(family, work, owner, cells):
    work()
    delete_worktable(family.items, by=owner)
    work()
    assert state_counts([family.sums])[family.sums.pk] == {"empty": 2}
    assert state_counts([family.fields])[family.fields.pk] == {"fresh": 3}

    restore_worktable(family.items, by=owner)
    work()
    assert cells(family.sums, "n", "total") == {1: (2, 3.0), 2: (2, 5.0)}
    assert not Todo.objects.exists()
