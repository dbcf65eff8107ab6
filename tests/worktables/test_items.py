"""What becomes of items whose list is emptied, fails, or moves away."""

from worktables.editing import edit_cell, undo
from worktables.models import Change, State, Unit
from worktables.storage import layout_of


def state(worktable, row_id):
    return State(layout_of(worktable).model.objects.get(id=row_id).state)


def test_the_items_of_an_emptied_list_retire_and_count_no_longer(family, work, owner, cells):
    work()

    edit_cell(family.fields, 2, family.fields.column("x"), None, seen=3.0, editor=owner)
    work()

    assert list(cells(family.items, "flux")) == [1, 2, 6]
    assert state(family.items, 3) == State.RETIRED
    assert cells(family.sums, "n", "total")[2] == (0, 0.0)

    undo(Change.objects.filter(action="edit").first(), by=owner)
    work()
    assert list(cells(family.items, "flux")) == [1, 2, 3, 4, 5, 6], "they come back as themselves"
    assert cells(family.sums, "n", "total")[2] == (2, 5.0)


def test_old_items_of_a_failed_list_block_whom_they_would_count_for(family, work, owner, cells):
    """Field 2 fails, then moves to band a; its old items still say b."""
    work()
    edit_cell(family.fields, 2, family.fields.column("x"), 13.0, seen=3.0, editor=owner)
    work()
    edit_cell(family.fields, 2, family.fields.column("band"), "a", seen="b", editor=owner)
    work()

    assert set(Unit.objects.filter(worktable=family.sums).values_list("state", flat=True)) == {State.BLOCKED}
    assert "fields 2 failed" in Unit.objects.get(worktable=family.sums, row_id=2).reason

    edit_cell(family.fields, 2, family.fields.column("x"), 3.0, seen=13.0, editor=owner)
    work()
    assert cells(family.sums, "n", "total") == {1: (5, 9.0), 2: (0, 0.0)}
