"""Holding rows and tables: nothing held runs, what is below waits, and after release all is as it would have been."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from worktables.editing import edit_cell
from worktables.errors import NoSuchRow, UnfitValue
from worktables.holding import hold_rows, release_rows
from worktables.making import update_table
from worktables.models import State, Todo, Unit
from worktables.planning import plan_update
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.queue.recovery import give_back, register_worker
from worktables.rows import add_rows, delete_rows, restore_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows, state_counts

pytestmark = pytest.mark.django_db


def edit(worktable, row_id, name, value, by):
    layout = layout_of(worktable)
    column = layout.by_name[name]
    seen = layout.value(column, layout.rows.get(id=row_id))
    edit_cell(worktable, row_id, column, value, seen=seen, editor=by)


def states(worktable):
    rows = layout_of(worktable).rows.exclude(state=9).order_by("id")
    return {row.id: State(row.state).label for row in rows}


def reasons(worktable, row_id):
    return set(Unit.objects.filter(worktable=worktable, row_id=row_id).values_list("reason", flat=True))


def test_a_held_row_is_not_computed_and_says_who_holds_it_and_why(worktable, owner, work):
    hold_rows(worktable, [2], "the archive is down", by=owner)

    assert work() == [("add", 1.0), ("add", 3.0), ("sign", 3.0)]
    assert states(worktable) == {1: "fresh", 2: "held", 3: "fresh"}
    assert reasons(worktable, 2) == {"held by owner: the archive is down"}
    assert not Todo.objects.exists()


def test_an_edit_of_a_held_row_waits_for_the_release(worktable, owner, work):
    work()
    hold_rows(worktable, [1], "wait", by=owner)
    assert states(worktable)[1] == "fresh"

    edit(worktable, 1, "x", 5.0, owner)
    update_table(worktable, by=owner)
    rerun_rows(worktable, [1], by=owner)
    assert work() == []
    assert states(worktable) == {1: "held", 2: "fresh", 3: "fresh"}

    assert release_rows(worktable, [1], by=owner) == 1
    assert work() == [("add", 5.0), ("sign", 7.0)]
    assert states(worktable) == {1: "fresh", 2: "fresh", 3: "fresh"}
    assert worktable.batches.first().action == "release"


def test_a_held_table_holds_rows_that_come_later_and_rows_that_come_back(worktable, owner, work):
    work()
    hold_rows(worktable, None, "maintenance", by=owner)
    add_rows(worktable, [{"x": 8.0}], by=owner)
    delete_rows(worktable, [1], by=owner)
    restore_rows(worktable, [1], by=owner)

    assert work() == []
    assert states(worktable) == {1: "held", 2: "fresh", 3: "fresh", 4: "held"}
    release_rows(worktable, None, by=owner)
    work()
    assert set(states(worktable).values()) == {"fresh"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([2], "1 of 3 rows needs work; 1 on hold is left out"),
        (None, "2 of 3 rows are on hold, all others are fresh"),
    ],
)
def test_a_plan_leaves_out_what_is_on_hold_and_says_so(worktable, owner, work, rows, sentence):
    work()
    hold_rows(worktable, rows, "wait", by=owner)
    edit(worktable, 1, "x", 5.0, owner)
    edit(worktable, 2, "x", 6.0, owner)

    worktable.refresh_from_db()
    plan = update_table(worktable, by=owner)

    assert plan.sentence() == sentence
    assert plan.n_units == Todo.objects.count()


def test_what_failed_waits_on_hold_as_well(worktable, owner, work):
    edit(worktable, 1, "x", 13.0, owner)
    work()
    hold_rows(worktable, [1], "wait", by=owner)
    worktable.refresh_from_db()

    assert plan_update(worktable).sentence() == "1 of 3 rows is on hold, all others are fresh"


def test_what_is_below_a_held_row_waits(family, owner, work):
    work()
    hold_rows(family.fields, [1], "wait", by=owner)
    edit(family.fields, 1, "x", 4.0, owner)

    assert work() == []
    assert states(family.fields)[1] == "held"
    assert set(states(family.sums).values()) <= {"stale", "fresh"}
    items = layout_of(family.items).rows.filter(parent_id=1)
    assert {State(row.state).label for row in items} == {"held"}
    release_rows(family.fields, [1], by=owner)
    work()
    for table in vars(family).values():
        assert set(state_counts([table])[table.pk]) == {"fresh"}


def test_items_that_come_into_a_held_table_rest(family, owner, work):
    work()
    hold_rows(family.items, None, "wait", by=owner)
    edit(family.fields, 1, "x", 6.0, owner)
    work()

    new = layout_of(family.items).rows.filter(parent_id=1).order_by("id")
    assert len(new) == 6
    assert not Todo.objects.filter(worktable=family.items).exists()
    assert {row.state for row in new} <= {State.HELD, State.FRESH}
    assert State.HELD in {row.state for row in new}


def test_what_runs_when_its_row_is_held_is_accepted(worktable, owner):
    worker = register_worker("slow")
    batch = claim(worker.token, lambda node: 1)

    hold_rows(worktable, [1], "wait", by=owner)
    assert work_through(batch, worker) == 1

    assert Unit.objects.get(worktable=worktable, row_id=1, step__name="add").state == State.FRESH
    assert states(worktable)[1] == "held"


def test_what_its_worker_gives_back_rests(worktable, owner):
    worker = register_worker("slow")
    claim(worker.token, lambda node: 1)
    hold_rows(worktable, [1], "wait", by=owner)

    give_back(worker)

    assert not Todo.objects.filter(row_id=1).exists()
    assert states(worktable)[1] == "held"


def test_a_row_released_alone_stays_held_by_its_table(worktable, owner, work):
    hold_rows(worktable, [1], "this one", by=owner)
    hold_rows(worktable, None, "all", by=owner)
    release_rows(worktable, [1], by=owner)

    assert work() == []
    assert reasons(worktable, 1) == {"held by owner: all"}


def test_nothing_held_is_claimed_even_if_it_got_into_the_queue(worktable, owner, work):
    hold_rows(worktable, [1], "wait", by=owner)
    unit = Unit.objects.get(worktable=worktable, row_id=1, step__name="add")
    Todo.objects.create(worktable=worktable, row_id=1, step_id=unit.step_id, generation=unit.generation)

    assert ("add", 1.0) not in work()


def test_where_nothing_is_held_marking_asks_for_no_holds(worktable, owner, work):
    work()
    edit(worktable, 1, "x", 9.0, owner)

    with CaptureQueriesContext(connection) as queries:
        edit(worktable, 1, "x", 10.0, owner)
        work()

    assert not any("worktables_hold" in query["sql"] for query in queries)


def test_who_may_hold_and_what_is_refused(worktable, owner, collaborator):
    for verb in (lambda: hold_rows(worktable, [1], "x", by=collaborator),
                 lambda: release_rows(worktable, [1], by=collaborator)):  # fmt: skip
        with pytest.raises(PermissionDenied):
            verb()
    with pytest.raises(UnfitValue, match="say why"):
        hold_rows(worktable, [1], "  ", by=owner)
    with pytest.raises(NoSuchRow):
        hold_rows(worktable, [99], "why", by=owner)
    assert release_rows(worktable, [1], by=owner) == 0


def test_a_page_tells_what_is_held_by_whom_and_why_and_owners_release_it_there(
    client, worktable, owner, reader
):
    hold_rows(worktable, [1, 3], "the archive is down", by=owner)
    hold_rows(worktable, [2], "ask Anna", by=owner)
    address = reverse("worktable-batches", args=[worktable.pk])
    client.force_login(reader)
    read = client.get(address).content.decode()
    client.force_login(owner)
    page = client.get(address).content.decode()

    answer = client.post(
        reverse("worktable-selection", args=[worktable.pk]),
        {"rows": "1,3", "action": "release", "next": address},
    )

    assert "the archive is down" in read
    assert "Release" not in read
    assert 'value="1,3"' in page
    assert answer.url == address
    assert list(worktable.holds.values_list("row_id", "why")) == [(2, "ask Anna")]


def test_a_held_table_is_released_from_the_page_with_all_its_rows(client, worktable, owner):
    hold_rows(worktable, [1], "wait", by=owner)
    hold_rows(worktable, None, "maintenance", by=owner)
    client.force_login(owner)
    address = reverse("worktable-batches", args=[worktable.pk])

    assert "the whole table" in client.get(address).content.decode()
    client.post(reverse("worktable-control", args=[worktable.pk]), {"action": "release", "next": address})

    assert not worktable.holds.exists()


def test_more_holds_take_no_more_statements(client, worktable, owner):
    client.force_login(owner)
    asked = []
    for rows in ([1], [1, 2, 3]):
        hold_rows(worktable, rows, "wait", by=owner)
        client.get(reverse("worktable-batches", args=[worktable.pk]))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("worktable-batches", args=[worktable.pk]))
        asked.append(len(queries))

    assert asked[0] == asked[1]
