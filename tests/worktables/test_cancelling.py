"""Cancelling: what is queued or runs leaves the queue, waits to be asked for, and no late result is taken."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pipelines.models import Memo, Run
from worktables.cancelling import cancel
from worktables.editing import edit_cell
from worktables.errors import NoSuchRow
from worktables.making import update_table
from worktables.models import Change, State, Todo, Unit
from worktables.planning import plan_update
from worktables.queue.claiming import claim
from worktables.queue.draining import batch_size, work_through
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows
from worktables.views.grid import last_undoable


def states(worktable, step="add"):
    units = Unit.objects.filter(worktable=worktable, step__name=step).order_by("row_id")
    return [unit.get_state_display() for unit in units]


def queued(worktable):
    return set(Todo.objects.filter(worktable=worktable).values_list("row_id", flat=True))


def state_of(worktable, row_id):
    return State(layout_of(worktable).rows.get(id=row_id).state).label


def test_a_cancelled_row_leaves_the_queue_and_says_by_whom(worktable, owner, work):
    before = dict(Unit.objects.filter(worktable=worktable).values_list("row_id", "generation"))

    assert cancel(worktable, [2], by=owner) == 2

    assert queued(worktable) == {1, 3}
    unit = Unit.objects.get(worktable=worktable, row_id=2, step__name="add")
    assert unit.state == State.HELD
    assert unit.reason == "cancelled by owner; run the row or update the table to compute it"
    assert unit.generation == before[2] + 1
    assert state_of(worktable, 2) == "held"
    assert sorted(work()) == [("add", 1.0), ("add", 3.0), ("sign", 3.0)]
    assert states(worktable) == ["fresh", "held", "fresh"]


def test_a_table_is_cancelled_as_a_whole(worktable, owner, work):
    assert cancel(worktable, by=owner) == 6

    assert not queued(worktable)
    assert states(worktable, "sign") == ["held"] * 3
    assert work() == []


def test_what_is_done_is_not_touched(worktable, owner, work):
    work()
    rerun_rows(worktable, [1], by=owner)

    cancel(worktable, by=owner)

    assert states(worktable) == ["held", "fresh", "fresh"]
    assert cancel(worktable, by=owner) == 0


def test_it_is_in_the_history_if_there_was_anything_to_cancel(worktable, owner, work):
    cancel(worktable, [1], by=owner)
    cancel(worktable, [2, 3], by=owner)
    cancel(worktable, by=owner)

    found = Change.objects.filter(action="cancel").order_by("id").values_list("row_id", "new", "by")
    assert list(found) == [(1, {"rows": [1]}, owner.pk), (None, {"rows": [2, 3]}, owner.pk)]


def test_a_late_result_is_refused_and_remembered(worktable, owner, work, cells):
    worker = register_worker("late")
    batch = claim(worker.token, batch_size)
    cancel(worktable, [1], by=owner)

    assert work_through(batch, worker) == 2

    assert cells(worktable, "total")[1] == (None,)
    assert states(worktable) == ["held", "fresh", "fresh"]
    assert not Run.objects.get(row_id=1).accepted
    assert Memo.objects.count() == 3
    update_table(worktable, by=owner)
    assert work() == [("sign", -5.0), ("sign", 3.0)], "of what was added, the total is known"
    assert cells(worktable, "total")[1] == (3.0,)


def test_what_is_below_waits_for_a_cancelled_row(family, owner, work):
    cancel(family.fields, [1], by=owner)

    work()

    assert states(family.fields, "list") == ["held", "fresh", "fresh"]
    assert state_of(family.fields, 1) == "held"
    assert {unit.get_state_display() for unit in Unit.objects.filter(worktable=family.sums)} == {"stale"}
    rerun_rows(family.fields, [1], by=owner)
    work()
    assert set(Unit.objects.values_list("state", flat=True)) == {State.FRESH}


def test_items_of_a_cancelled_expansion_look_held(family, owner, work):
    work()
    rerun_rows(family.fields, [1], by=owner, step="items_of")

    cancel(family.fields, [1], by=owner)

    children = layout_of(family.items).rows.filter(parent_id=1)
    assert {State(row.state).label for row in children} == {"held"}


@pytest.mark.parametrize("how", ["edit", "run again", "update"])
def test_what_was_cancelled_is_computed_once_it_is_asked_for(worktable, owner, work, cells, how):
    cancel(worktable, by=owner)
    work()

    if how == "edit":
        edit_cell(worktable, 1, worktable.column("x"), 5.0, seen=1.0, editor=owner)
    elif how == "run again":
        rerun_rows(worktable, [1], by=owner)
    else:
        update_table(worktable, by=owner)
    work()

    assert states(worktable)[0] == states(worktable, "sign")[0] == "fresh"
    assert cells(worktable, "total")[1] == (7.0 if how == "edit" else 3.0,)
    assert states(worktable)[1] == ("fresh" if how == "update" else "held")


def test_an_update_counts_what_was_cancelled(worktable, owner, work):
    work()
    rerun_rows(worktable, [1], by=owner)
    cancel(worktable, by=owner)

    plan = plan_update(worktable, owner)

    assert plan.n_rows_to_do == 1
    assert list(plan.reasons) == ["cancelled by owner; run the row or update the table to compute it"]


def test_what_was_cancelled_and_is_as_before_runs_nothing(worktable, owner, work):
    """A row that was fresh, run again and cancelled: it still says what it said."""
    work()
    rerun_rows(worktable, [1], by=owner)
    cancel(worktable, by=owner)

    update_table(worktable, by=owner)

    assert work() == []
    assert states(worktable) == ["fresh"] * 3


@pytest.mark.parametrize("who", ["collaborator", "reader", "stranger"])
def test_only_owners_cancel(worktable, request, who):
    with pytest.raises(PermissionDenied):
        cancel(worktable, by=request.getfixturevalue(who))

    assert queued(worktable) == {1, 2, 3}


def test_rows_that_are_not_there_are_named(worktable, owner):
    with pytest.raises(NoSuchRow, match="77"):
        cancel(worktable, [77], by=owner)


def test_cancelling_a_large_table_takes_as_many_statements_as_a_small_one(worktable, owner):
    counts = []
    for _ in range(3):  # the first also reads what the process keeps of a project
        with CaptureQueriesContext(connection) as queries:
            cancel(worktable, by=owner)
        counts.append(len(queries))
        add_rows(worktable, [{"x": float(each)} for each in range(300)], by=owner)

    assert counts[1] == counts[2] <= 15


# ------------------------------------------------------------------ pages and programs


def buttons_of(client, worktable):
    """Return what can be cancelled on the page of the table, and on that of its first row."""
    table = client.get(reverse("worktable", args=[worktable.pk])).content.decode()
    row = client.get(reverse("row", args=[worktable.pk, 1])).content.decode()
    ticked = re.search(r'value="cancel"[^>]*>', table)
    return (
        reverse("worktable-cancel", args=[worktable.pk]) in table,
        bool(ticked) and "hidden" not in ticked[0],
        reverse("row-cancel", args=[worktable.pk, 1]) in row,
    )


def test_cancel_is_offered_while_something_is_queued(client, worktable, owner, work):
    client.force_login(owner)
    before = buttons_of(client, worktable)
    work()

    assert before == (True, True, True)
    assert buttons_of(client, worktable) == (False, False, False)


def test_a_collaborator_is_not_offered_to_cancel(client, worktable, collaborator):
    client.force_login(collaborator)

    assert buttons_of(client, worktable) == (False, False, False)


@pytest.mark.parametrize(
    ("name", "arguments", "sent", "left"),
    [
        ("row-cancel", (1,), {}, {2, 3}),
        ("worktable-cancel", (), {}, set()),
        ("worktable-selection", (), {"action": "cancel", "rows": ["1", "2"]}, {3}),
    ],
)
def test_pages_cancel_and_say_so(client, worktable, owner, name, arguments, sent, left):
    client.force_login(owner)

    answer = client.post(reverse(name, args=[worktable.pk, *arguments]), sent, follow=True)
    again = client.post(reverse(name, args=[worktable.pk, *arguments]), sent, follow=True)

    assert queued(worktable) == left
    assert "cancelled; an update of the table computes them after all" in answer.content.decode()
    assert "Nothing of it was queued or running any more" in again.content.decode()


def test_the_history_tells_of_it(client, worktable, owner):
    client.force_login(owner)
    cancel(worktable, [1, 2], by=owner)
    cancel(worktable, by=owner)

    page = client.get(reverse("worktable-history", args=[worktable.pk])).content.decode()

    assert page.count("<td>cancelled</td>") == 2
    assert "rows 1, 2" in page
    assert "steps 2" in page
    assert last_undoable(worktable).action == "add_rows", "what cannot be undone is not offered"


@pytest.mark.parametrize(("sent", "n"), [({"rows": [1]}, 2), ({}, 6), ({"rows": None}, 6)])
def test_programs_cancel(client, worktable, owner, sent, n):
    client.force_login(owner)

    answer = client.post(f"/api/worktables/{worktable.pk}/cancel/", sent, "application/json")

    assert (answer.status_code, answer.json()) == (200, {"n": n})


@pytest.mark.parametrize("rows", [[], ["x"], [0], 7])
def test_programs_are_told_what_does_not_fit(client, worktable, owner, rows):
    client.force_login(owner)

    answer = client.post(f"/api/worktables/{worktable.pk}/cancel/", {"rows": rows}, "application/json")

    assert answer.status_code == 400
    assert "rows" in answer.json()["fields"]
    assert queued(worktable) == {1, 2, 3}
