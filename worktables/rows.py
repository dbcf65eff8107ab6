"""Whole rows: added, pasted, duplicated, deleted into the trash of the table, and restored."""

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from archive.models import Product
from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import NoSuchColumn, NotEditable, RowsOfALink, UnfitValue
from worktables.events import announce
from worktables.models import Batch, Change, Kind, Link, Role, State, Worktable
from worktables.queue import rowsets
from worktables.queue.batching import MANY, open_batch
from worktables.queue.locking import hold
from worktables.queue.marking import (
    add_units,
    enqueue,
    mark,
    mark_changed,
    reached_by,
    wake,
    wake_all,
)
from worktables.queue.resting import rest
from worktables.queue.rowstates import refresh_rows
from worktables.queue.staling import as_others
from worktables.queue.wording import NAMED, present_named, rows_named, undone, were
from worktables.storage import layout_of
from worktables.storage.inserting import insert_new_rows
from worktables.storage.layout import table_name
from worktables.storage.rows import in_ids, take_ids
from worktables.storage.values import Unfit, fit
from worktables.waking import wake_workers


def add_rows(worktable, rows, *, by):
    """Add rows with these input and parameter values; what depends on them is queued.

    Parameters
    ----------
    worktable : Worktable
    rows : list of dict
        Column name → value, in the unit of the column; absent means empty.
    by : User

    Returns
    -------
    range
        The ids of the new rows.

    Raises
    ------
    PermissionDenied, NoSuchColumn, NotEditable, RowsOfALink
    UnfitValue
        With the line (counted from 1); then no row at all is added.
    """
    demand(by, "run", worktable)
    layout = layout_of(worktable)
    fitted = [fit_row(layout, row, line=line) for line, row in enumerate(rows, 1)]
    check_files(worktable, fitted)
    with transaction.atomic():
        return insert_rows(worktable, layout, fitted, by=by)


def fit_row(layout, row, *, line=None, editable_only=True):
    """Return {column: fitted value} of one row, or say which cell does not fit."""
    fitted = {}
    for name, value in row.items():
        column = layout.by_name.get(name)
        if column is None:
            raise NoSuchColumn(name, layout.by_name)
        if editable_only and not column.editable_by_people:
            raise NotEditable(name, column.get_role_display().split(":")[0])
        fitted[column] = fit_cell(column, value, line=line)
    return fitted


def fit_cell(column, value, *, line=None):
    """Return the value in the form its column keeps, within the column's limits."""
    try:
        fitted = fit(column.kind, value, element=column.element, shape=column.shape)
    except Unfit as problem:
        raise UnfitValue(column.name, value, str(problem), line=line) from None
    if fitted is not None and column.kind in ("int", "float", "time"):
        unit = f" {column.unit}" if column.unit else ""
        if column.minimum is not None and fitted < column.minimum:
            raise UnfitValue(
                column.name, value, f"is below {column.minimum:.12g}{unit}, the least it may be", line=line
            )
        if column.maximum is not None and fitted > column.maximum:
            raise UnfitValue(
                column.name, value, f"is above {column.maximum:.12g}{unit}, the most it may be", line=line
            )
    return fitted


def check_files(worktable, fitted):
    """Refuse the hash of a file that the project does not have, whether or not another one has it."""
    typed = [
        (line, column, value)
        for line, row in enumerate(fitted, 1)
        for column, value in row.items()
        if value is not None and column.kind in (Kind.PRODUCT, Kind.CATALOGUE)
    ]
    if not typed:
        return
    condition, hashes = in_ids("sha256", {value for _, _, value in typed})
    own = Product.objects.filter(project=worktable.project_id).extra(where=[condition], params=hashes)
    known = set(own.values_list("sha256", flat=True))
    for line, column, value in typed:
        if value not in known:
            problem = "is not the sha256 of a file of this project"
            raise UnfitValue(column.name, value, problem, line=line if len(fitted) > 1 else None)


def insert_rows(worktable, layout, fitted, *, by):
    """Insert fitted rows, their units and their history, in the caller's transaction."""
    hold(worktable.project_id)
    graph = graph_of(worktable.project_id)
    if worktable.pk in graph.expand_into:
        raise RowsOfALink(worktable.name, graph.expand_into[worktable.pk].name)
    first = take_ids(worktable, len(fitted))
    state = State.STALE if graph.steps_of[worktable.pk] else State.FRESH
    insert_new_rows(layout, first, fitted, state=state, at=timezone.now(), by=by.pk if by else None)
    ids = range(first, first + len(fitted))
    if not ids:
        return ids
    Worktable.objects.filter(pk=worktable.pk).update(n_rows=F("n_rows") + len(ids))
    new = rowsets.RowSet(
        f"SELECT id FROM {layout.table} WHERE id >= %s AND id < %s", (first, first + len(fitted))
    )
    add_units(graph, worktable.pk, new, f"added by {by}" if by else "added", by=by)
    flowing = sum(graph.flows(node) for node in graph.steps_of[worktable.pk])
    if flowing and len(ids) >= MANY:
        open_batch(worktable, Batch.Action.ADD, new, by=by, n_units=flowing * len(ids))
    named = rows_named(worktable.name, ids[:NAMED], len(ids))
    _changed_members(worktable, new, f"{named} {were(len(ids))} added by {by}", by)
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.ADD_ROWS,
        new={"rows": [ids[0], ids[-1]], "n": len(ids)},
        by=by,
    )
    announce(worktable, "rows", all=True, n=len(ids))
    wake_workers(worktable)
    return ids


def duplicate_rows(worktable, row_ids, *, by):
    """Add copies of rows, inputs and parameters only; what was computed for them is found in the memo."""
    demand(by, "run", worktable)
    layout = layout_of(worktable)
    typed = [column for column in layout.columns if column.editable_by_people]
    with transaction.atomic():
        found = layout.rows.filter(id__in=list(row_ids)).order_by("id")
        copies = [{column: layout.value(column, row) for column in typed} for row in found]
        return insert_rows(worktable, layout, copies, by=by)


@transaction.atomic
def delete_rows(worktable, row_ids, *, by, undoes=None):
    """Put rows into the table's trash; whoever collected them is marked.

    Returns
    -------
    int
        How many rows went.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    layout = layout_of(worktable)
    present = layout.rows.exclude(state=State.RETIRED)
    ids = list(present.filter(id__in=list(row_ids)).values_list("id", flat=True))
    if not ids:
        return 0
    rows = rowsets.these(worktable.pk, ids)
    why = f"deleted by {by}{undone(undoes)}"
    named = f"{rows_named(worktable.name, sorted(ids))} {were(len(ids))} {why}"
    _changed_members(worktable, rows, named, by)
    _retire_units(worktable.pk, rows, why)
    layout.model.objects.filter(id__in=ids).update(deleted_at=timezone.now(), edited_by=by.pk)
    for link in Link.objects.filter(source=worktable, kind__in=Link.MAKES_ROWS):
        retire_rows(link.target, rowsets.children(link, rows), named, about={worktable.pk})
    Worktable.objects.filter(pk=worktable.pk).update(n_rows=F("n_rows") - len(ids))
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.DELETE_ROWS,
        old={"rows": ids},
        new=None,
        by=by,
        undoes=undoes,
    )
    wake_all(graph_of(worktable.project_id), by=by, flowing=False)
    announce(worktable, "rows", all=True, n=len(ids))
    wake_workers(worktable)
    return len(ids)


@transaction.atomic
def restore_rows(worktable, row_ids, *, by, undoes=None):
    """Take rows out of the table's trash; their results are checked, and recomputed only if they must be."""
    demand(by, "run", worktable)
    hold(worktable.project_id)
    layout = layout_of(worktable)
    deleted = layout.model.objects.exclude(deleted_at=None)
    ids = list(deleted.filter(id__in=list(row_ids)).values_list("id", flat=True))
    if not ids:
        return 0
    layout.model.objects.filter(id__in=ids).update(deleted_at=None, edited_by=by.pk)
    # A row whose item went meanwhile stays retired until the item is back.
    present = list(layout.rows.filter(id__in=ids).exclude(state=State.RETIRED).values_list("id", flat=True))
    rows = rowsets.these(worktable.pk, present)
    why = f"restored by {by}{undone(undoes)}"
    revive_units(worktable, rows, why, by=by)
    Worktable.objects.filter(pk=worktable.pk).update(n_rows=F("n_rows") + len(present))
    _changed_members(
        worktable, rows, f"{rows_named(worktable.name, sorted(present))} {were(len(present))} {why}", by
    )
    Change.objects.create(
        worktable=worktable, action=Change.Action.RESTORE_ROWS, new={"rows": ids}, by=by, undoes=undoes
    )
    announce(worktable, "rows", all=True, n=len(ids))
    wake_workers(worktable)
    return len(ids)


def retire_rows(worktable, rows, why, *, about):
    """Take rows out of the present: they keep their cells, runs and comments, and can come back.

    Parameters
    ----------
    worktable : Worktable
    rows : RowSet
    why : str
        What happened to what they come from.
    about : set of int
        The ids of the tables this speaks of.
    """
    named, _ = present_named(worktable.name, worktable.pk, rows)
    mark_changed(worktable, rows, [], f"{named} retired: {why}", membership=True, about=about)
    _retire_units(worktable.pk, rows, why, about=about)
    for link in Link.objects.filter(source=worktable, kind__in=Link.MAKES_ROWS):
        retire_rows(link.target, rowsets.children(link, rows), why, about=about)
    table = table_name(worktable.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET state = %s WHERE state <> %s AND id IN ({rows.sql})",
            [State.RETIRED, State.RETIRED, *rowsets.parameters(rows)],
        )
        cursor.execute(
            f"UPDATE worktables_worktable SET n_rows = (SELECT COUNT(*) FROM {table} "
            "WHERE deleted_at IS NULL AND state <> %s) WHERE id = %s",
            [State.RETIRED, worktable.pk],
        )


def revive_units(worktable, rows, reason, *, about=(), by=None):
    """Make the retired units of rows stale again and queue them; equal inputs make them fresh without a run."""
    graph = graph_of(worktable.project_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_unit SET state = %s, kept = FALSE, generation = generation + 1, reason = %s, "
            f"about = %s, changed_at = %s WHERE worktable_id = %s AND row_id IN ({rows.sql})",
            [
                State.STALE,
                reason,
                as_others(about, worktable.pk),
                timezone.now(),
                worktable.pk,
                *rowsets.parameters(rows),
            ],
        )
        # Of a link to a table in the trash nothing is to be made until that comes back.
        resting = in_ids("step_id", [node.id for node in graph.steps_of[worktable.pk]])
        cursor.execute(
            "UPDATE worktables_unit SET state = CASE (SELECT kind FROM worktables_tablestep s WHERE s.id = step_id) "
            f"WHEN 'expand' THEN {State.FRESH:d} ELSE {State.EMPTY:d} END, fingerprint = '' "
            f"WHERE worktable_id = %s AND row_id IN ({rows.sql}) AND NOT {resting[0]}",
            [worktable.pk, *rowsets.parameters(rows), *resting[1]],
        )
    nodes = graph.steps_of[worktable.pk]
    enqueue([node for node in nodes if graph.flows(node)], rows, by=by)
    for node in nodes:
        if not graph.flows(node):
            wake(graph, node, rows, by=by)
    refresh_rows(graph, worktable.pk, rows)
    rest(graph, [worktable.pk])


def _retire_units(worktable_id, rows, reason, *, about=()):
    """Retire units; those of an expansion forget what they made, for its rows retire with them."""
    expansions = "SELECT id FROM worktables_tablestep WHERE kind = 'expand'"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_unit SET state = %s, generation = generation + 1, reason = %s, about = %s, "
            f"changed_at = %s, fingerprint = CASE WHEN step_id IN ({expansions}) THEN '' ELSE fingerprint END "
            f"WHERE worktable_id = %s AND row_id IN ({rows.sql})",
            [
                State.RETIRED,
                reason,
                as_others(about, worktable_id),
                timezone.now(),
                worktable_id,
                *rowsets.parameters(rows),
            ],
        )
        cursor.execute(
            f"DELETE FROM worktables_todo WHERE worktable_id = %s AND row_id IN ({rows.sql})",
            [worktable_id, *rowsets.parameters(rows)],
        )


def _changed_members(worktable, rows, reason, by):
    graph = graph_of(worktable.project_id)
    reached = [
        (node, found)
        for node, found in reached_by(graph, worktable.pk, rows, [], membership=True)
        if not (node.worktable_id == worktable.pk and found == rows)
    ]
    mark(graph, reached, reason, about={worktable.pk}, by=by)


def rows_in_trash(worktable):
    """Return the deleted rows, the last deleted first."""
    return layout_of(worktable).model.objects.exclude(deleted_at=None).order_by("-deleted_at", "id")


def editable_names(worktable):
    """Return the names of the columns that people fill, in order."""
    return [column.name for column in worktable.columns.all() if column.role in (Role.INPUT, Role.PARAMETER)]
