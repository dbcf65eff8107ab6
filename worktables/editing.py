"""Changing what a cell says, and what follows from it; taking a change back."""

from django.utils import timezone

from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import CannotUndo, EditConflict, NoSuchRow, NotEditable, UnfitValue
from worktables.events import announce
from worktables.models import Change, Column, State
from worktables.queue import rowsets
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.marking import mark_changed
from worktables.queue.priorities import BY_HAND
from worktables.queue.wording import said, undone
from worktables.rows import check_files, delete_rows, fit_cell, restore_rows
from worktables.signals import cells_edited
from worktables.storage import layout_of
from worktables.storage.values import Unfit, as_json, from_json
from worktables.waking import wake_workers


@in_one_transaction
def edit_cell(worktable, row_id, column, value, *, seen, editor, undoes=None):
    """Give an input cell a new value; what was computed from it becomes stale.

    Parameters
    ----------
    worktable : Worktable
    row_id : int
    column : Column
        An input or parameter column. Outputs are filled by their step.
    value, seen
        The new value, and the one the editor was looking at; in the unit of the column.
    editor : User
        Whoever makes the change; recorded in the table's history.
    undoes : Change, optional
        The change that this one takes back.

    Returns
    -------
    int
        How many units became stale; 0 if the cell already said so.

    Raises
    ------
    PermissionDenied
        If the editor may not change this worktable.
    NotEditable, NoSuchRow, UnfitValue
    EditConflict
        If somebody else has changed the cell since it was seen.
    """
    demand(editor, "run", worktable)
    if not column.editable_by_people:
        raise NotEditable(column.name, column.get_role_display().split(":")[0])
    value = fit_cell(column, value)
    check_files(worktable, [{column: value}])
    seen = fit_seen(column, seen)
    hold(worktable.project_id)  # from here on nobody else edits: what is read now is what is replaced
    layout = layout_of(worktable)
    row = layout.rows.filter(id=row_id).exclude(state=State.RETIRED).first()
    if row is None:
        raise NoSuchRow(row_id)
    present = layout.value(column, row)
    if same(present, value):  # also when it was sent again, because the answer to the first time was lost
        return 0
    if not same(present, seen):
        raise EditConflict(column.name, row_id, as_json(column.kind, seen), as_json(column.kind, present))
    rows = rowsets.these(worktable.pk, [row_id])
    change = f"{said(column.kind, present)} → {said(column.kind, value)}"
    reason = f"“{column.name}” of {worktable.name} {row_id}: {change}, by {editor}{undone(undoes)}"
    if column.pk in graph_of(worktable.project_id).joining:
        mark_changed(
            worktable, rows, [column.pk], reason, by=editor, priority=BY_HAND
        )  # whoever it joined before
    changes = layout.assignments(column, value) | {"edited_at": timezone.now(), "edited_by": editor.pk}
    layout.rows.filter(id=row_id).update(**changes)
    stale = mark_changed(
        worktable, rows, [column.pk], reason, by=editor, priority=BY_HAND
    )  # whoever it joins now
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.EDIT,
        row_id=row_id,
        column=column,
        subject=column.name,
        old=as_json(column.kind, present),
        new=as_json(column.kind, value),
        by=editor,
        undoes=undoes,
    )
    cells_edited.send(type(worktable), worktable=worktable, column=column, row_ids=[row_id], by=editor)
    announce(worktable, "rows", rows=[row_id])
    wake_workers(worktable)
    return stale


def fit_seen(column, seen):
    """Return what the editor saw in the column's form, without its limits (they may have changed since)."""
    unlimited = Column(name=column.name, kind=column.kind, element=column.element, shape=column.shape)
    return fit_cell(unlimited, seen)


def same(one, other):
    """Say whether two values are the same content: floats by value, arrays with their NaNs."""
    if isinstance(one, list) and isinstance(other, list):
        return repr(one) == repr(other)
    return type(one) is type(other) and one == other


def undo(change, *, by):
    """Take back a change of a table's history, if nothing has been built on it since.

    Parameters
    ----------
    change : Change
        An edited cell, or rows added, deleted or restored.

    Raises
    ------
    PermissionDenied
    CannotUndo
        If it is of another kind or was taken back already.
    EditConflict
        If the cell has been edited again.
    """
    worktable = change.worktable
    demand(by, "run", worktable)
    if hasattr(change, "undone_by"):
        raise CannotUndo(f"this was undone already, by {change.undone_by.by}")
    if change.action == Change.Action.EDIT:
        if change.column is None:
            raise CannotUndo(f"the column “{change.subject}” was dropped; its cells cannot be restored")
        try:
            old, new = (from_json(change.column.kind, value) for value in (change.old, change.new))
        except Unfit as problem:
            raise UnfitValue(change.subject, change.old, str(problem)) from None
        return edit_cell(worktable, change.row_id, change.column, old, seen=new, editor=by, undoes=change)
    if change.action == Change.Action.DELETE_ROWS:
        done = restore_rows(worktable, change.old["rows"], by=by, undoes=change)
    elif change.action == Change.Action.ADD_ROWS:
        first, last = change.new["rows"]
        done = delete_rows(worktable, range(first, last + 1), by=by, undoes=change)
    elif change.action == Change.Action.RESTORE_ROWS:
        done = delete_rows(worktable, change.new["rows"], by=by, undoes=change)
    else:
        raise CannotUndo(f"“{change.get_action_display()}” cannot be undone; change it back by hand")
    if not done:
        raise CannotUndo("nothing of it is left to take back: the rows were deleted or restored since")
    return done
