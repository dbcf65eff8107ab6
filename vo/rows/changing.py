"""What is done to a job, done to its row: as the row's page does it, by the same functions and with the same rights."""

from vo.rows.cells import column_of_names
from vo.rows.errors import HeldBySomebody, NothingToAbort, NothingToRun
from vo.rows.finding import find_row
from vo.rows.phases import WAITS_FOR_RUN
from vo.rows.reading import cells_said
from vo.uws.errors import PhaseConflict, UnfitValue
from vo.uws.phases import Phase
from worktables.cancelling import cancel
from worktables.dependencies import graph_of
from worktables.editing import edit_cell
from worktables.holding import hold_rows, release_rows
from worktables.making import make
from worktables.models import Hold, TableStep
from worktables.queue.code import step_of
from worktables.queue.locking import hold, in_one_transaction
from worktables.rows import add_rows, delete_rows
from worktables.storage import layout_of
from worktables.typed import typed_value

BUSY = (Phase.QUEUED, Phase.EXECUTING)
RUNNABLE = (Phase.PENDING, Phase.ABORTED, Phase.ERROR)


@in_one_transaction
def add_job(table, said, files, *, by, run_id="", run=False):
    """Add a row of what a form says; return its id.

    It is made at once if it shall run. Else it waits until it is started, also in a table that updates by itself.

    Parameters
    ----------
    table : Worktable
    said : mapping of str to list of str
        Values by the names of columns, in any case.
    files : mapping of str to file
        Of columns that take files.
    by : User
    run_id : str
        What the row is called.
    run : bool

    Raises
    ------
    PermissionDenied, WorktableError, UnfitValue
        Then nothing is written.
    """
    layout = layout_of(table)
    cells = cells_said(table, layout, said, files, by)
    if run_id:
        column = column_of_names(layout)
        if column is None:
            raise UnfitValue(
                "RUNID", run_id, "none: this table has no text column “name” in which it would be kept"
            )
        cells.setdefault(column.name, typed_value(column, run_id))
    (row_id,) = add_rows(table, [cells], by=by)
    if run:
        refuse_what_cannot_run(table, layout, find_row(table, row_id))
        make(table, by=by, rows=[row_id])
    elif graph_of(table.project_id).tables[table.pk].automatic:
        hold_rows(table, [row_id], WAITS_FOR_RUN, by=by)
    return row_id


@in_one_transaction
def start_row(table, row_id, *, by):
    """Have a row made, with all that it is made from; to start what was started changes nothing.

    Raises
    ------
    PermissionDenied, NothingToRun
    HeldBySomebody
        Who holds a row has a reason; it is released on its page.
    PhaseConflict
        If it is done already.
    """
    row = find_locked(table, row_id)
    if row.phase in BUSY:
        return
    if row.phase == Phase.HELD:
        raise HeldBySomebody(row_id, reason_of_hold(table, row_id))
    if row.phase not in RUNNABLE:
        raise PhaseConflict(row.phase, "started", RUNNABLE)
    refuse_what_cannot_run(table, layout_of(table), row)
    let_go(table, row_id, by)
    make(table, by=by, rows=[row_id])


@in_one_transaction
def abort_row(table, row_id, *, by):
    """Cancel what is queued or runs of a row, or waits to be started; to abort what is aborted changes nothing.

    Raises
    ------
    PermissionDenied, NothingToAbort
    HeldBySomebody
        Nothing of it runs, and nothing will before it is released.
    PhaseConflict
        If it has ended otherwise.
    """
    row = find_locked(table, row_id)
    if row.phase == Phase.ABORTED:
        return
    if row.phase == Phase.HELD:
        raise HeldBySomebody(row_id, reason_of_hold(table, row_id))
    if row.phase not in (Phase.PENDING, *BUSY):
        raise PhaseConflict(row.phase, "aborted", (Phase.PENDING, *BUSY))
    let_go(table, row_id, by)
    if not cancel(table, [row_id], by=by, also_waiting=True):
        raise NothingToAbort(row.phase)


@in_one_transaction
def edit_row(table, row_id, said, files, *, by, run_id=""):
    """Edit cells of a row while nothing of it runs; what is computed from them becomes stale.

    Raises
    ------
    PermissionDenied, WorktableError
    PhaseConflict
        If it waits in the queue, or runs.
    """
    row, layout = find_locked(table, row_id), layout_of(table)
    if row.phase in (*BUSY, Phase.ARCHIVED):
        raise PhaseConflict(
            row.phase, "told more", (Phase.PENDING, Phase.COMPLETED, Phase.ERROR, Phase.ABORTED)
        )
    cells = cells_said(table, layout, said, files, by)
    if run_id and (column := column_of_names(layout)) is not None:
        cells.setdefault(column.name, typed_value(column, run_id))
    for name, value in cells.items():
        column = layout.by_name[name]
        edit_cell(table, row_id, column, value, seen=layout.value(column, row), editor=by)


def delete_row(table, row_id, *, by):
    """Put a row into the trash of its table, from which an owner can bring it back."""
    delete_rows(table, [row_id], by=by)


# ------------------------------------------------------------------ what they share


def find_locked(table, row_id):
    """Return a row with its phase, which nobody else changes before this transaction ends."""
    hold(table.project_id)
    return find_row(table, row_id)


def let_go(table, row_id, by):
    """Release a row that waits to be started; nobody else's hold."""
    if Hold.objects.filter(worktable=table, row_id=row_id, why=WAITS_FOR_RUN).exists():
        release_rows(table, [row_id], by=by)


def reason_of_hold(table, row_id):
    """Return who holds a row or its table, and why; nothing where that is the row it comes from."""
    holds = Hold.objects.filter(worktable=table)
    found = holds.filter(row_id=row_id).first() or holds.filter(row_id=None).first()
    return found.reason if found else ""


def refuse_what_cannot_run(table, layout, row):
    """Say which cell is empty, if no step of a row can run for lack of what people type."""
    steps = [
        node for node in graph_of(table.project_id).steps_of[table.pk] if node.kind == TableStep.Kind.STEP
    ]
    typed = {column.pk for column in layout.columns if column.editable_by_people}
    empty = {pk for pk in typed if layout.value(layout.by_id[pk], row) is None}
    lacking = {}
    for node in sorted(steps, key=lambda node: (node.rank, node.id)):
        needed = step_of(node).needed
        missing = [
            port.column_id
            for port in node.inputs
            if port.port in needed and port.link_id is None and port.column_id in empty
        ]
        if not missing:
            return
        lacking.setdefault(missing[0], node.name)
        empty.update(node.outputs.values())
    for column, step in lacking.items():
        if column in typed:
            raise NothingToRun(layout.by_id[column].name, step)
