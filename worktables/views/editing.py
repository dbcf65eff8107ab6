"""What is done to rows from the page of a table: added, pasted, updated, and what is done with a selection."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from projects.permissions import demand
from worktables.annotating import flag_rows
from worktables.cancelling import cancel
from worktables.dependencies import graph_of
from worktables.editing import undo
from worktables.errors import UnfitFilter
from worktables.formats.fields import Field
from worktables.formats.paste import parse_pasted
from worktables.forms import CellsForm, PasteForm
from worktables.making import update_table
from worktables.rows import add_rows, delete_rows, duplicate_rows, restore_rows, rows_in_trash
from worktables.showing import shown
from worktables.storage import layout_of
from worktables.updating import rerun_rows
from worktables.views.cancelling import cancelled
from worktables.views.controlling import VERBS, act_on
from worktables.views.finding import REFUSALS, about, back_to, find_table, ids_in
from worktables.views.grid import inherited

PREVIEWED = 20
IN_TRASH = 200


def typed_columns(table):
    """Return the columns that people fill."""
    return [column for column in layout_of(table).columns if column.editable_by_people]


@login_required
def add_row(request, pk):
    """Add a row, cell by cell."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    form = CellsForm(
        typed_columns(table), request.POST or None, inherited=inherited(table, graph_of(table.project_id))
    )
    if request.method == "POST" and form.is_valid():
        try:
            (row_id,) = add_rows(table, [form.typed()], by=request.user)
        except REFUSALS as refusal:
            form.add_error(
                getattr(refusal, "column", None) if getattr(refusal, "code", "") == "unfit-value" else None,
                str(refusal),
            )
        else:
            messages.success(request, f"Row {row_id} is added.")
            if "another" in request.POST:
                return redirect("worktable-add", table.pk)
            return redirect(reverse("worktable", args=[table.pk]) + f"#row-{row_id}")
    facts = about(request, table, form=form)
    return render(request, "worktables/add.html", facts, status=400 if form.errors else 200)


@login_required
def paste(request, pk):
    """Add rows from pasted text: looked at first, then added; what does not fit is named, and the text stays."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    columns = typed_columns(table)
    form = PasteForm(request.POST or None)
    rows, problems = [], []
    if request.method == "POST" and form.is_valid():
        try:
            rows = pasted_rows(columns, form.cleaned_data["text"])
            if "add" in request.POST:
                added = add_rows(table, rows, by=request.user)
                messages.success(request, f"{len(added)} row{'s' * (len(added) != 1)} added.")
                return redirect("worktable", table.pk)
        except REFUSALS as refusal:
            problems = getattr(refusal, "problems", None) or [refusal]
            rows = []
    preview = [
        [shown(c.kind, row.get(c.name), exact=True, element=c.element)[0] for c in columns]
        for row in rows[:PREVIEWED]
    ]
    facts = about(
        request, table, form=form, columns=columns, problems=problems, preview=preview, n_rows=len(rows)
    )
    return render(request, "worktables/paste.html", facts, status=400 if problems or form.errors else 200)


def pasted_rows(columns, text):
    """Return pasted text as rows: {column name: value} of the cells that are not empty."""
    fields = [
        Field(
            column.name,
            column.kind,
            unit=column.unit,
            shape=column.shape,
            element=column.element,
            time_scale=column.time_scale,
        )
        for column in columns
    ]
    return [
        {field.name: value for field, value in zip(fields, row, strict=True) if value is not None}
        for row in parse_pasted(text, fields)
    ]


@login_required
@require_POST
def update(request, pk):
    """Compute whatever is not fresh."""
    table = find_table(request, pk)
    plan = update_table(table, by=request.user)
    messages.success(
        request, f"Queued: {plan.sentence()}." if plan.n_rows_to_do else f"Nothing to do: {plan.sentence()}."
    )
    return back_to(request, table)


@login_required
@require_POST
def selection(request, pk):
    """Do something with the rows that are ticked."""
    table = find_table(request, pk)
    ids, action = ids_in(request.POST.getlist("rows")), request.POST.get("action", "")
    demand(request.user, "annotate" if action == "flag" else "run", table)
    if action not in ACTIONS and action not in VERBS:
        raise UnfitFilter("action", action, f"is none of {', '.join([*ACTIONS, *VERBS])}")
    if not ids:
        messages.warning(request, "No row is ticked: tick some first.")
        return back_to(request, table)
    if action in VERBS:
        act_on(request, table, ids, action)
        return back_to(request, table)
    messages.success(request, ACTIONS[action](table, ids, request))
    return back_to(request, table)


def _duplicate(table, ids, request):
    added = duplicate_rows(table, ids, by=request.user)
    return f"{counted(len(added))} added as copies; what is known of them is not computed again."


def _delete(table, ids, request):
    return f"{counted(delete_rows(table, ids, by=request.user))} put in the trash of the table; undo brings them back."


def _rerun(table, ids, request):
    number = rerun_rows(table, ids, by=request.user)
    return f"{number} step{'s' * (number != 1)} of {counted(len(ids))} queued to run again."


def _cancel(table, ids, request):
    return cancelled(cancel(table, ids, by=request.user))


def _flag(table, ids, request):
    return f"{counted(len(flag_rows(table, ids, request.POST.get('text'), author=request.user)))} flagged."


ACTIONS = {"duplicate": _duplicate, "delete": _delete, "rerun": _rerun, "cancel": _cancel, "flag": _flag}


def counted(number):
    """Return “1 row” or “5 rows”."""
    return f"{number} row{'s' * (number != 1)}"


@login_required
@require_POST
def undo_change(request, pk):
    """Take back a change of the table's history."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    change = get_object_or_404(table.history, pk__in=ids_in([request.POST.get("change", "")])[:1])
    undo(change, by=request.user)
    messages.success(
        request, f"Undone: {change.get_action_display()}{f' “{change.subject}”' if change.subject else ''}."
    )
    return back_to(request, table)


@login_required
@require_safe
def trash(request, pk):
    """Show the rows that were deleted."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    layout = layout_of(table)
    columns = [column for column in layout.columns if column.editable_by_people] or layout.columns
    found = rows_in_trash(table)
    rows = [
        (row, [shown(c.kind, layout.value(c, row), element=c.element)[0] for c in columns])
        for row in found[:IN_TRASH]
    ]
    facts = about(request, table, columns=columns, rows=rows, n_rows=found.count())
    return render(request, "worktables/trash.html", facts)


@login_required
@require_POST
def restore(request, pk):
    """Bring rows back from the trash of the table."""
    table = find_table(request, pk)
    with transaction.atomic():
        number = restore_rows(table, ids_in(request.POST.getlist("rows")), by=request.user)
    messages.success(request, f"{counted(number)} brought back.")
    return redirect("worktable-trash", table.pk)
