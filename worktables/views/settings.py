"""The pages on which an owner says what a table is: its name, its parameters, its columns; and its history."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from projects.models import Project
from projects.permissions import demand
from worktables.columns import (
    NewColumn,
    add_column,
    describe_column,
    drop_column,
    find,
    rename_column,
    users_of,
)
from worktables.creating import delete_worktable, describe_worktable, rename_worktable
from worktables.dependencies import graph_of
from worktables.editing import UNDOABLE
from worktables.filtering import is_id
from worktables.formats.parsing import parse_cell
from worktables.forms import ColumnFactsForm, NewColumnForm, TableFactsForm
from worktables.models import Role
from worktables.parameters import declared_parameters, set_parameters
from worktables.showing import shown
from worktables.storage.values import Unfit, from_json
from worktables.views.finding import REFUSALS, about, field_of, find_table, words_of
from worktables.views.parameters import parameter_levels

CHANGES_SHOWN = 50
COLUMNS_IN_EXAMPLE = 3


@login_required
def settings(request, pk):
    """Show what a table is called and how its steps are steered; its owners change both here."""
    table = find_table(request, pk)
    if request.method != "POST":
        return settings_page(request, table)
    demand(request.user, "run", table)
    form = TableFactsForm(request.POST)
    if form.is_valid():
        facts = dict(form.cleaned_data)
        try:
            with transaction.atomic():
                rename_worktable(table, facts.pop("name"), by=request.user)
                changed = {key: value for key, value in facts.items() if getattr(table, key) != value}
                if changed:
                    describe_worktable(table, by=request.user, **changed)
        except REFUSALS as refusal:
            form.add_error(field_of(refusal, form), words_of(refusal))
            table.refresh_from_db()
        else:
            messages.success(request, "Saved.")
            return redirect("worktable-settings", table.pk)
    return settings_page(request, table, facts_form=form)


@login_required
@require_POST
def parameters(request, pk):
    """Set the table's parameters; a field that is left empty leaves it to the project or the step."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    wanted, problems = {}, {}
    typed = {key: request.POST.get(f"parameter.{key}", "").strip() for key in declared_parameters(table)}
    for key, parameter in declared_parameters(table).items():
        try:
            value = parse_cell(parameter.kind, typed[key])
            if value is not None:
                wanted[key] = parameter.fit(value)
        except REFUSALS as refusal:
            problems[key] = str(refusal)
    if problems:
        return settings_page(request, table, typed=typed, problems=problems)
    stale = set_parameters(table, wanted, by=request.user)
    messages.success(
        request, f"Saved; {stale} step{'s' * (stale != 1)} of rows became stale." if stale else "Saved."
    )
    return redirect("worktable-settings", table.pk)


def settings_page(request, table, *, facts_form=None, typed=None, problems=None):
    """Show the settings; a form that was refused keeps what was typed."""
    told = {name: getattr(table, name) for name in ("title", "name", "description", "update")}
    refused = bool(problems or (facts_form and facts_form.errors))
    return render(
        request,
        "worktables/settings.html",
        about(
            request,
            table,
            facts_form=facts_form or TableFactsForm(initial=told),
            parameters=parameter_levels(table, typed=typed, problems=problems),
        ),
        status=400 if refused else 200,
    )


@login_required
def columns(request, pk):
    """Show the columns of a table; its owners add some here."""
    table = find_table(request, pk)
    form = NewColumnForm(request.POST or None)
    if request.method == "POST":
        demand(request.user, "run", table)
        if form.is_valid():
            try:
                add_column(table, NewColumn(**form.cleaned_data), by=request.user)
            except REFUSALS as refusal:
                form.add_error(field_of(refusal, form), words_of(refusal))
            else:
                messages.success(request, f"Column “{form.cleaned_data['name']}” is added.")
                return redirect("worktable-columns", table.pk)
    found = list(table.columns.all())
    users = users_of(table, found, request.user)
    facts = about(request, table, form=form, columns=[(column, users[column.pk]) for column in found])
    facts |= jobs_shown(request, table, found, facts["may_run"])
    return render(request, "worktables/columns.html", facts, status=400 if form.errors else 200)


def jobs_shown(request, table, columns, may_run):
    """Return where programs find the rows of a table as jobs, if it has steps; and by which columns they add one."""
    graph = graph_of(table.project_id)
    if not graph.steps_of[table.pk]:
        return {}
    adds = may_run and table.pk not in graph.expand_into
    names = [column.name for column in columns if column.role == Role.INPUT] if adds else []
    return {
        "jobs": request.build_absolute_uri(reverse("row-jobs", args=[table.pk])),
        "job_columns": names[:COLUMNS_IN_EXAMPLE],
    }


@login_required
def column(request, pk, name):
    """Change what a column is called and what is said about it."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    found = find(table, name)
    told = {key: getattr(found, key) for key in ("name", "unit", "ucd", "minimum", "maximum", "description")}
    form = ColumnFactsForm(request.POST or None, initial=told)
    if form.is_valid():
        facts = dict(form.cleaned_data)
        new_name = facts.pop("name")
        try:
            with transaction.atomic():
                changed = {key: value for key, value in facts.items() if getattr(found, key) != value}
                if changed:
                    describe_column(table, name, by=request.user, **changed)
                if new_name != name:
                    rename_column(table, name, new_name, by=request.user)
        except REFUSALS as refusal:
            form.add_error(field_of(refusal, form), words_of(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("worktable-columns", table.pk)
    users = users_of(table, [found], request.user)[found.pk]
    facts = about(request, table, form=form, column=found, users=users)
    return render(request, "worktables/column.html", facts, status=400 if form.errors else 200)


@login_required
@require_POST
def drop(request, pk, name):
    """Drop a column with its cells."""
    table = find_table(request, pk)
    drop_column(table, name, by=request.user)
    messages.success(request, f"Column “{name}” is dropped.")
    return redirect("worktable-columns", table.pk)


@login_required
@require_POST
def delete(request, pk):
    """Put a table in the trash of its project."""
    table = find_table(request, pk)
    delete_worktable(table, by=request.user)
    messages.success(
        request, f"“{table.name}” is in the trash of the project; it can be brought back from there."
    )
    in_sight = Project.objects.visible_to(request.user).filter(pk=table.project_id).exists()
    return redirect("project", table.project.slug) if in_sight else redirect("home")


@login_required
@require_safe
def history(request, pk):
    """Show who changed what, and when."""
    table = find_table(request, pk)
    changes = table.history.select_related("by", "column", "undone_by__by")
    row = request.GET.get("row", "")
    if is_id(row):
        changes = changes.filter(row_id=int(row))
    page = Paginator(changes, CHANGES_SHOWN).get_page(request.GET.get("page"))
    return render(
        request,
        "worktables/history.html",
        about(request, table, page=page, row=row, changes=[describe(change) for change in page]),
    )


def describe(change):
    """Return a change as its page shows it: what was there, what is there now, and whether it can be undone."""
    kind = change.column.kind if change.column and change.action == change.Action.EDIT else ""
    if change.action == change.Action.LINK and change.old and change.new:
        old, new = link_settings(change.old, change.new), link_settings(change.new, change.old)
    else:
        old, new = value_in_words(kind, change.old), value_in_words(kind, change.new)
    undone = getattr(change, "undone_by", None)
    return {
        "change": change,
        "old": old,
        "new": new,
        "undone": undone,
        "undoable": undone is None and change.action in UNDOABLE,
    }


def link_settings(record, other):
    """Return which settings of a link differ from another record of it; of its columns not everybody may know."""
    options, others = record["options"], other["options"]
    said = [record["kind"]]
    for key in sorted(options.keys() | others.keys()):
        if options.get(key) != others.get(key):
            value = options.get(key)
            plain = key in ("radius", "policy") and value is not None
            said.append(f"{key} {value}" if plain else key if value else f"no {key}")
    return ", ".join(said)


def value_in_words(kind, value):
    """Return what the history keeps of a change, in words."""
    if value is None:
        return ""
    if kind:
        try:
            return shown(kind, from_json(kind, value), exact=True)[0]
        except (Unfit, TypeError, ValueError):
            return str(value)
    if isinstance(value, dict) and list(value) == ["deleted"]:
        return "in the trash" if value["deleted"] else "in use"
    if isinstance(value, dict) and "options" in value:  # a link; of its source not everybody may know
        return value["kind"]
    if isinstance(value, dict) and "rows" in value:
        rows = value["rows"]
        if "n" in value and value["n"] > 1:
            return f"rows {rows[0]} to {rows[-1]}"
        return f"row{'s' * (len(set(rows)) != 1)} {', '.join(map(str, dict.fromkeys(rows)))}"[:200]
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {said if said not in ('', None) else 'empty'}" for key, said in value.items()
        )
    return str(value)
