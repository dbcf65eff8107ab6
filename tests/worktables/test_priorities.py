"""What somebody waits for in front of a page goes before the work of many rows."""

import pytest

from worktables.editing import edit_cell
from worktables.models import Todo
from worktables.parameters import set_parameters
from worktables.prioritising import put_first
from worktables.queue.claiming import claim
from worktables.queue.priorities import BULK, BY_HAND, FEW
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.updating import rerun_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(worktable, owner, work):
    """Everything is queued, for the table's parameters changed."""
    add_rows(worktable, [{"x": float(n)} for n in range(20, 30)], by=owner)
    work()
    set_parameters(worktable, {"add.factor": 2.0}, by=owner)
    return worktable


def next_row():
    return next(iter(claim(register_worker("one").token, lambda node: 1).claims))


def test_an_edited_cell_goes_before_many_rows(busy, owner):
    edit_cell(busy, 9, busy.column("x"), 99.0, seen=25.0, editor=owner)

    assert next_row() == 9


def test_a_row_run_again_goes_before_many_rows(busy, owner):
    rerun_rows(busy, [7], by=owner)

    assert next_row() == 7


def test_what_is_put_first_goes_even_before_that(busy, owner):
    rerun_rows(busy, [7], by=owner)

    assert put_first(busy, [11], by=owner) == 2
    assert next_row() == 11


def test_many_rows_run_again_are_the_work_of_many_rows(worktable, owner, work):
    ids = add_rows(worktable, [{"x": 1.0}] * (FEW + 1), by=owner)
    work()

    rerun_rows(worktable, ids, by=owner)

    assert set(Todo.objects.values_list("priority", flat=True)) == {BULK}


def test_later_work_does_not_take_the_urgency_away(busy, owner):
    rerun_rows(busy, [7], by=owner)

    set_parameters(busy, {"add.factor": 3.0}, by=owner)

    assert set(Todo.objects.filter(row_id=7).values_list("priority", flat=True)) == {BY_HAND}
