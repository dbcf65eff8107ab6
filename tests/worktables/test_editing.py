"""Cells: who may change them, what fits, what the history says, and two editors at once."""

import pytest
from django.core.exceptions import PermissionDenied

from worktables.columns import NewColumn, add_column, describe_column
from worktables.creating import create_worktable
from worktables.editing import edit_cell, undo
from worktables.errors import CannotUndo, EditConflict, NoSuchRow, NotEditable, UnfitValue
from worktables.models import Change, Event, Todo
from worktables.rows import add_rows


@pytest.mark.parametrize("role", ["collaborator", "reader", "stranger"])
def test_only_owners_edit(worktable, cells, request, role):
    someone = request.getfixturevalue(role)

    with pytest.raises(PermissionDenied, match=f"{role} may not change or run “fields”"):
        edit_cell(worktable, 1, worktable.column("x"), 9.9, seen=1.0, editor=someone)

    assert cells(worktable, "x")[1] == (1.0,)


def test_the_second_of_two_editors_sees_both_values(worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)

    with pytest.raises(EditConflict) as refused:
        edit_cell(worktable, 1, worktable.column("x"), 3.0, seen=1.0, editor=owner)

    assert (refused.value.seen, refused.value.present) == (1.0, 2.0)
    assert refused.value.status == 409
    assert cells(worktable, "x")[1] == (2.0,)


def test_an_edit_sent_again_because_its_answer_was_lost_changes_nothing(worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)

    assert edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner) == 0
    assert cells(worktable, "x")[1] == (2.0,)
    assert Change.objects.filter(worktable=worktable, action="edit").count() == 1


def test_edits_of_different_cells_of_a_row_do_not_conflict(worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)
    edit_cell(worktable, 1, worktable.column("y"), 5.0, seen=2.0, editor=owner)

    assert cells(worktable, "x", "y")[1] == (2.0, 5.0)


def test_the_history_says_who_when_old_and_new(worktable, owner):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)

    change = Change.objects.filter(worktable=worktable, action="edit").get()
    assert (change.by, change.row_id, change.subject, change.old, change.new) == (owner, 1, "x", 1.0, 2.0)
    assert change.at is not None


def test_writing_what_is_there_changes_nothing(worktable, owner, work):
    work()

    assert edit_cell(worktable, 1, worktable.column("x"), 1.0, seen=1.0, editor=owner) == 0
    assert not Change.objects.filter(action="edit").exists()
    assert not Todo.objects.exists()


def test_an_edit_tells_open_pages(worktable, owner):
    last = Event.objects.order_by("-id").values_list("id", flat=True).first()
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)

    assert {"rows": [1]} in [
        event.payload for event in Event.objects.filter(id__gt=last, worktable=worktable)
    ]


def test_an_undone_edit_is_not_undone_twice(worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)
    change = Change.objects.filter(action="edit").get()
    undo(change, by=owner)

    with pytest.raises(CannotUndo, match="undone already, by owner"):
        undo(Change.objects.get(pk=change.pk), by=owner)

    assert cells(worktable, "x")[1] == (1.0,)


def test_an_edit_that_was_edited_again_is_not_undone_over_it(worktable, owner, cells):
    edit_cell(worktable, 1, worktable.column("x"), 2.0, seen=1.0, editor=owner)
    edit_cell(worktable, 1, worktable.column("x"), 3.0, seen=2.0, editor=owner)

    with pytest.raises(EditConflict):
        undo(Change.objects.filter(action="edit").last(), by=owner)

    assert cells(worktable, "x")[1] == (3.0,)


def test_adding_and_deleting_rows_can_be_undone(worktable, owner, cells):
    add_rows(worktable, [{"x": 8.0}], by=owner)
    undo(Change.objects.filter(action="add_rows").first(), by=owner)
    assert 4 not in cells(worktable, "x")

    undo(Change.objects.filter(action="delete_rows").first(), by=owner)
    assert cells(worktable, "x")[4] == (8.0,)


def test_computed_cells_are_not_typed(worktable, owner):
    with pytest.raises(NotEditable, match="“total” is output"):
        edit_cell(worktable, 1, worktable.column("total"), 1.0, seen=None, editor=owner)


def test_a_row_that_is_not_there_is_named(worktable, owner):
    with pytest.raises(NoSuchRow, match="row 99"):
        edit_cell(worktable, 99, worktable.column("x"), 1.0, seen=None, editor=owner)


@pytest.fixture
def kinds(project, owner):
    """One row with a column of every kind that people type."""
    table = create_worktable(
        project,
        "kinds",
        creator=owner,
        columns=[
            NewColumn("b", "bool"),
            NewColumn("i", "int"),
            NewColumn("f", "float", minimum=-1e300, maximum=float("inf")),
            NewColumn("t", "text"),
            NewColumn("w", "time", time_scale="UTC"),
            NewColumn("p", "position", unit="deg"),
            NewColumn("a", "array", shape="3"),
            NewColumn("v", "array", element="int", shape="*"),
            NewColumn("s", "array", element="text"),
        ],
    )
    add_rows(table, [{}], by=owner)
    return table


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("b", False),
        ("i", 2**53 + 1),
        ("i", -(2**63)),
        ("f", 0.0),
        ("f", float("inf")),
        ("f", 5e-324),
        ("t", ""),
        ("t", "𝔐87 é"),
        ("w", 60000.123456789012),
        ("p", (359.999999, -89.5)),
        ("a", [1.0, float("nan"), float("-inf")]),
        ("v", [2**53 + 1, -1]),
        ("v", []),
        ("s", ["", "two words"]),
    ],
)
def test_every_kind_keeps_its_value_exactly(kinds, owner, cells, column, value):
    edit_cell(kinds, 1, kinds.column(column), value, seen=None, editor=owner)

    kept = cells(kinds, column)[1][0]
    assert repr(kept) == repr(value)
    edit_cell(kinds, 1, kinds.column(column), None, seen=kept, editor=owner)
    assert cells(kinds, column)[1][0] is None
    undo(Change.objects.filter(action="edit").first(), by=owner)
    assert repr(cells(kinds, column)[1][0]) == repr(value)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("b", 1, "is not true or false"),
        ("i", 2**63, "outside the 64-bit integers"),
        ("i", 1.5, "not a whole number"),
        ("i", float("nan"), "has no NaN"),
        ("f", "1", "is not a number"),
        ("t", "a\0b", "NUL"),
        ("t", "\ud800", "surrogate"),
        ("p", (10.0, 91.0), "declination outside"),
        ("p", (400.0, 1.0), "right ascension outside"),
        ("a", [1.0, 2.0], "has 2 elements; the column takes 3"),
        ("v", [1.5], "not a whole number"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(kinds, owner, cells, column, value, problem):
    with pytest.raises(UnfitValue, match=f"column “{column}”.*{problem}"):
        edit_cell(kinds, 1, kinds.column(column), value, seen=None, editor=owner)

    assert cells(kinds, column)[1][0] is None


def test_a_nan_typed_into_a_number_is_an_empty_cell(kinds, owner, cells):
    edit_cell(kinds, 1, kinds.column("f"), 1.0, seen=None, editor=owner)
    edit_cell(kinds, 1, kinds.column("f"), float("nan"), seen=1.0, editor=owner)

    assert cells(kinds, "f")[1] == (None,)


def test_limits_of_a_column_hold(kinds, owner):
    describe_column(kinds, "i", minimum=0, maximum=10, by=owner)

    with pytest.raises(UnfitValue, match="is above 10, the most it may be"):
        edit_cell(kinds, 1, kinds.column("i"), 11, seen=None, editor=owner)


def test_a_row_with_one_bad_cell_adds_no_row_at_all(kinds, owner, cells):
    with pytest.raises(UnfitValue, match="line 2, column “i”"):
        add_rows(kinds, [{"i": 1}, {"i": "x"}], by=owner)

    assert len(cells(kinds, "i")) == 1


def test_a_new_column_is_empty_and_editable(kinds, owner, cells):
    add_column(kinds, NewColumn("extra", "float", unit="mJy"), by=owner)
    kinds.refresh_from_db()
    edit_cell(kinds, 1, kinds.column("extra"), 2.5, seen=None, editor=owner)

    assert cells(kinds, "extra")[1] == (2.5,)
