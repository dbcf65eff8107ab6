"""Running again exactly what failed, or what was flagged."""

import pytest
from django.core.exceptions import PermissionDenied

from worktables.annotating import flag_rows, withdraw
from worktables.creating import describe_worktable
from worktables.models import Batch, Todo, Unit
from worktables.retrying import rerun_failed, rerun_flagged
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(worktable, owner, work):
    """Rows 4 and 6 have failed."""
    add_rows(worktable, [{"x": 13.0}, {"x": 7.0}, {"x": 13.0}], by=owner)
    work()
    return worktable


def queued(table):
    return set(Todo.objects.filter(worktable=table).values_list("row_id", "step__name"))


@pytest.mark.parametrize("update", ["auto", "manual"])
def test_exactly_the_failed_run_again_and_what_they_blocked(broken, owner, work, update):
    describe_worktable(broken, update=update, by=owner)

    assert rerun_failed(broken, by=owner) == 2

    assert queued(broken) == {(4, "add"), (4, "sign"), (6, "add"), (6, "sign")}
    assert broken.batches.first().action == Batch.Action.RERUN_FAILED
    work()
    assert not Todo.objects.exists()
    states = Unit.objects.filter(worktable=broken, row_id=4).order_by("step__rank")
    assert [unit.get_state_display() for unit in states] == ["failed", "blocked"]


def test_of_a_selection_only_what_failed_in_it(broken, owner):
    assert rerun_failed(broken, by=owner, row_ids=[1, 4, 5]) == 1

    assert {row for row, _ in queued(broken)} == {4}


def test_where_nothing_failed_nothing_happens(worktable, owner, work):
    work()

    assert rerun_failed(worktable, by=owner) == 0
    assert not Todo.objects.exists()


def test_flagged_rows_run_again_but_not_where_the_flag_was_withdrawn(broken, owner, collaborator, work):
    flag_rows(broken, [1, 2], "odd", author=collaborator)
    (gone,) = flag_rows(broken, [3], "odd", author=collaborator)
    withdraw(gone, by=collaborator)

    assert rerun_flagged(broken, by=owner) == 2

    assert {row for row, _ in queued(broken)} == {1, 2}
    assert work() == [("add", -5.0), ("add", 1.0), ("sign", -5.0), ("sign", 3.0)]
    assert broken.batches.first().action == Batch.Action.RERUN_FLAGGED


@pytest.mark.parametrize("verb", [rerun_failed, rerun_flagged])
def test_only_owners_run_again(broken, collaborator, verb):
    with pytest.raises(PermissionDenied):
        verb(broken, by=collaborator)
