"""The page of a row: what went in, what came out and how it looks, which steps made it, and what people say."""

import dataclasses
import json
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Max
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe

from archive.catalogues import items_of
from archive.errors import ArchiveError, NotRemade
from archive.thumbnails import NoPicture, geometry_of
from pipelines.models import Run
from pipelines.registry import get_step
from projects.permissions import demand
from worktables.annotating import comment_on, flag_rows, judge_rows, withdraw
from worktables.dependencies import graph_of
from worktables.editing import edit_cell
from worktables.errors import EditConflict
from worktables.forms import CellsForm
from worktables.models import Annotation, Event, Kind, Link, State, TableStep, Todo, Worktable
from worktables.picturing import beam_of, draw_overlay, size_in_words
from worktables.queue.limiting import standing_in_the_way, standings
from worktables.showing import DIGITS, NUMERIC, digits_for, shown
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.values import Unfit, as_json, from_json
from worktables.updating import rerun_rows
from worktables.viewing import view_row
from worktables.views.editing import typed_columns
from worktables.views.finding import REFUSALS, about, field_of, find_table, words_of
from worktables.views.grid import RowsView, inherited
from worktables.views.parameters import parameter_levels

RUNS_SHOWN = 30
ITEMS_SHOWN = 300


@login_required
@require_safe
def row(request, pk, row_id):
    """Show a row."""
    table = find_table(request, pk)
    return row_page(request, table, find_row(request, table, row_id))


@login_required
@require_safe
def row_fragment(request, pk, row_id):
    """Show what may have changed of a row, for a page that is open already."""
    table = find_table(request, pk)
    return row_page(request, table, find_row(request, table, row_id), template="worktables/_row_body.html")


def find_row(request, table, row_id):
    """Return the row as pages show it, or answer that there is none."""
    found = view_row(table, row_id, request.user)
    if found is None:
        raise Http404
    return found


def row_page(request, table, found, *, template="worktables/row.html", form=None, conflicts=(), status=200):
    """Answer with the page of a row; a form that was refused keeps what was typed."""
    newest = Event.objects.filter(worktable=table).aggregate(newest=Max("id"))["newest"] or 0
    facts = about(request, table)
    layout = layout_of(table)
    values = {column.name: value for column, value in zip(layout.columns, found.cells, strict=True)}
    typed = typed_columns(table)
    view = RowsView(request.user, table, [found], facts["may_run"])
    (seen,) = view
    sight = Sight(request.user, table.project_id)
    steps = steps_of(table, found, sight)
    picture = picture_shown(request, table, layout, found, view.products)
    context = {
        **facts,
        "row": found,
        "newest_event": newest,
        "shown": seen,
        "form": form
        or (
            CellsForm(typed, values=values, inherited=inherited(table, graph_of(table.project_id)))
            if facts["may_run"] and found.state != "retired"
            else None
        ),
        # Pairs, not a mapping: a column may be called “items”.
        "seen": [(column.name, json.dumps(as_json(column.kind, values[column.name]))) for column in typed],
        "conflicts": conflicts,
        "inputs": [
            (c, cell) for c, cell in zip(layout.columns, seen.cells, strict=True) if c.editable_by_people
        ],
        "outputs": [
            (c, cell) for c, cell in zip(layout.columns, seen.cells, strict=True) if not c.editable_by_people
        ],
        "steps": steps,
        "busy": any(step.state in ("queued", "running") for step in steps),
        "failed": [step for step in steps if step.state == "failed"],
        "parameters": parameter_levels(table, row=parameters_of(table, layout, found)),
        "annotations": Annotation.objects.filter(worktable=table, row_id=found.id).select_related(
            "author", "withdrawn_by"
        ),
        "runs": runs_of(table, found, sight),
        "provenance_address": provenance_address(table, found),
        "children": children_of(request.user, table, found),
        **neighbours(layout, found),
        **picture,
    }
    return render(request, template, context, status=status)


# ------------------------------------------------------------------ steps and runs


@dataclasses.dataclass
class StepView:
    """A step of a row as its page shows it."""

    name: str
    title: str
    kind: str
    state: str
    reason: str
    since: datetime | None
    run: Run | None
    reused: bool
    unchanged: bool
    error: str
    progress: float | None
    progress_text: str
    kept: bool
    keepable: bool
    waits: str


def steps_of(table, found, sight):
    """Return the steps of a row in the order in which they run, each with the run that made what is there."""
    busy = {todo.step_id: todo for todo in Todo.objects.filter(worktable=table, row_id=found.id)}
    known = Run.objects.select_related("step_version", "asked_by", "environment")
    runs = known.in_bulk([unit.run_id for unit in found.steps.values() if unit.run_id])
    # A result may be taken from a run of another table.
    runs = {pk: sight.run(run) for pk, run in runs.items() if sight.reaches({run.worktable_id} - {table.pk})}
    nodes = graph_of(table.project_id).nodes
    limits = standings() if any(todo.owner is None for todo in busy.values()) else []
    steps = []
    for step in table.steps.all():
        unit = found.steps.get(step.name)
        if unit is None:
            continue
        run, todo = runs.get(unit.run_id), busy.get(step.pk)
        settled = State(unit.state).label
        steps.append(
            StepView(
                name=step.name,
                title=get_step(step.step).title
                if step.kind == TableStep.Kind.STEP
                else step.get_kind_display(),
                kind=step.kind,
                state=settled if todo is None else "running" if todo.owner else "queued",
                reason=unit.reason,
                since=unit.since,
                run=run,
                reused=unit.reused,
                unchanged=unit.unchanged,
                error=(run.error if run and run.error else unit.reason) if settled == "failed" else "",
                progress=todo.progress if todo and todo.owner else None,
                progress_text=todo.progress_text
                if todo and todo.owner and step.pk in nodes and sight.may_follow(nodes[step.pk])
                else "",
                kept=unit.kept,
                keepable=bool(unit.content) and not unit.kept and unit.state in (State.STALE, State.HELD),
                waits=waits_for(todo, table, limits, sight),
            )
        )
    return steps


def waits_for(todo, table, limits, sight):
    """Return which limit a queued step waits for, in words, if it does."""
    if todo is None or todo.owner:
        return ""
    found = standing_in_the_way(limits, todo.asked_by, table.project_id)
    if found is None:
        return ""
    return f"waits: {whose(found.limit, todo, sight)} has {found.facts}"


def whose(limit, todo, sight):
    """Return whom or what a limit is about, in words, without a project or user that may not be named."""
    if limit.user_id and not sight.may_name_who_asked(todo):
        return "whoever asked for it"
    if limit.project_id and not sight.everything:
        return f"“{limit.user}”" if limit.user_id else "the project of this table"
    return limit.of


def runs_of(table, found, sight):
    """Return the last runs of a row, the newest first."""
    runs = Run.objects.filter(worktable_id=table.pk, row_id=found.id)
    return [sight.run(run) for run in runs.select_related("asked_by", "step_version")[:RUNS_SHOWN]]


def parameters_of(table, layout, found):
    """Return {“step.name”: value} of the parameters that the row itself gives."""
    graph = graph_of(table.project_id)
    cells = {column.pk: value for column, value in zip(layout.columns, found.cells, strict=True)}
    return {
        f"{node.name}.{name}": as_json(layout.by_id[column].kind, cells[column])
        for node in graph.steps_of[table.pk]
        for name, column in node.parameters.items()
    }


def provenance_address(table, found):
    """Return where the lineage of a row is told, or nothing where nobody tells it."""
    try:
        return reverse("row-lineage", args=[table.pk, found.id])
    except NoReverseMatch:
        return ""


# ------------------------------------------------------------------ neighbours


def neighbours(layout, found):
    """Return the ids of the rows before and after this one."""
    rows = layout.rows.exclude(state=State.RETIRED)
    before = rows.filter(id__lt=found.id).order_by("-id").values_list("id", flat=True).first()
    after = rows.filter(id__gt=found.id).order_by("id").values_list("id", flat=True).first()
    return {"previous": before, "next": after}


def children_of(user, table, found):
    """Return the tables whose rows are items of this row, with how many there are: (table, number)."""
    targets = [link.target_id for link in graph_of(table.project_id).links.values()
               if link.kind in Link.MAKES_ROWS and link.source_id == table.pk]  # fmt: skip
    return [
        (target, layout_of(target).rows.exclude(state=State.RETIRED).filter(parent_id=found.id).count())
        for target in Worktable.objects.visible_to(user).filter(pk__in=targets)
    ]


def child_rows(user, table, column, found):
    """Return {ordinal: address} of the rows that the items of a catalogue became."""
    for link in graph_of(table.project_id).links.values():
        if link.kind == Link.Kind.EXPAND and link.source_id == table.pk and link.options["item"] == column.pk:
            target = Worktable.objects.visible_to(user).filter(pk=link.target_id).first()
            if target is None:
                return {}
            rows = layout_of(target).rows.exclude(state=State.RETIRED).filter(parent_id=found.id)
            return {
                ordinal: (row_id, reverse("row", args=[target.pk, row_id]))
                for row_id, ordinal in rows.values_list("id", "ordinal")
            }
    return {}


# ------------------------------------------------------------------ the picture and its items


def picture_shown(request, table, layout, found, products):
    """Return the picture a row's page shows, what is drawn over it, and the items that are."""
    cells = {column.pk: value for column, value in zip(layout.columns, found.cells, strict=True)}
    catalogue, items, problem = items_shown(layout, cells)
    files = [
        (column, cells[column.pk], products[cells[column.pk]][0])
        for column in layout.columns
        if column.kind == Kind.PRODUCT and cells[column.pk] in products
    ]
    facts = {
        "files": files,
        "catalogue": catalogue,
        "items": items_as_table(request.user, table, catalogue, items, found) if catalogue else None,
        "items_problem": problem,
        "n_items": len(items),
    }
    image = picture_asked(request.GET.get("image", ""), table, files, catalogue)
    if image is None:
        return facts
    column, sha256, name = image
    try:
        geometry = geometry_of(sha256, name)
    except (NoPicture, ArchiveError) as refusal:
        return {**facts, "image": column, "image_problem": words_about(refusal)}
    drawn = items[:ITEMS_SHOWN] if column.pk in maps_of(table, catalogue) else []
    close = request.GET.get("view", "close" if drawn else "whole") == "close" and bool(drawn)
    beam = beam_of(layout.columns, found.cells) if geometry.tiles == 1 else None
    return {
        **facts,
        "image": column,
        "image_name": name,
        "geometry": geometry,
        "image_facts": size_in_words(geometry),
        "overlay": draw_overlay(geometry, drawn, beam, close=close),
        "close": close,
        "drawn": bool(drawn),
    }


def picture_asked(wanted, table, files, catalogue):
    """Return the file to show: the one asked for, else the map of the catalogue, else the first."""
    maps = maps_of(table, catalogue)
    ordered = sorted(files, key=lambda file: (file[0].name != wanted, file[0].pk not in maps))
    return ordered[0] if ordered else None


def maps_of(table, catalogue):
    """Return the ids of the columns that hold the map in whose pixels the items of a catalogue are given."""
    if catalogue is None:
        return set()
    graph = graph_of(table.project_id)
    writer = graph.nodes.get(graph.writer.get(catalogue.pk))
    return {port.column_id for port in writer.inputs if port.port == "image"} if writer else set()


def items_shown(layout, cells):
    """Return the first catalogue of a row: its column, its items, and why they cannot be read if so."""
    for column in layout.columns:
        if column.kind == Kind.CATALOGUE and cells[column.pk] is not None:
            try:
                return column, items_of(cells[column.pk], column.schema or None), ""
            except (ArchiveError, KeyError) as problem:
                return column, [], words_about(problem)
    return None, [], ""


def words_about(problem):
    """Return what a row's page says of a file that cannot be shown: not which run of perhaps another table made it."""
    return problem.in_short if isinstance(problem, NotRemade) else str(problem)


def items_as_table(user, table, catalogue, items, found):
    """Return the items of a catalogue as a table: fields, and rows of (number, address, cells)."""
    fields = [field for field in catalogue.schema if field["name"] not in ("x", "y")]
    addresses = child_rows(user, table, catalogue, found)
    digits = {
        field["name"]: digits_for(item.get(field["name"]) for item in items[:ITEMS_SHOWN])
        for field in fields
        if field["kind"] == Kind.POSITION
    }
    rows = []
    for number, item in enumerate(items[:ITEMS_SHOWN], 1):
        cells = [
            shown(field["kind"], item.get(field["name"]), digits=digits.get(field["name"], DIGITS))
            for field in fields
        ]
        rows.append((number, addresses.get(number), cells))
    heads = [(field, field["kind"] in NUMERIC) for field in fields]
    return {"heads": heads, "rows": rows, "more": max(len(items) - ITEMS_SHOWN, 0)}


# ------------------------------------------------------------------ what is done to a row


@login_required
@require_POST
def edit_row(request, pk, row_id):
    """Change the cells that were typed anew: all of them, or none."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    found = find_row(request, table, row_id)
    columns = typed_columns(table)
    form = CellsForm(columns, request.POST, inherited=inherited(table, graph_of(table.project_id)))
    conflicts = []
    if form.is_valid():
        try:
            with transaction.atomic():
                changed = sum(
                    edit_one(request, table, row_id, column, form.cleaned_data[column.name])
                    for column in columns
                )
        except EditConflict as conflict:
            conflicts.append(conflict)
            form.add_error(conflict.column, str(conflict))
        except REFUSALS as refusal:
            form.add_error(field_of(refusal, form), words_of(refusal))
        else:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return redirect("row", pk, row_id)
    status = 409 if conflicts else 400
    return row_page(request, table, found, form=form, conflicts=conflicts, status=status)


def edit_one(request, table, row_id, column, value):
    """Change a cell if what was typed is not what was seen; say whether it was."""
    try:
        seen = from_json(column.kind, json.loads(request.POST.get(f"seen.{column.name}", "null")))
    except (ValueError, Unfit):
        seen = None
    if value == seen and type(value) is type(seen):
        return 0
    edit_cell(table, row_id, column, value, seen=seen, editor=request.user)
    return 1


@login_required
@require_POST
def rerun(request, pk, row_id):
    """Run the steps of a row again, or one of them."""
    table = find_table(request, pk)
    step = request.POST.get("step") or None
    if step and step not in set(table.steps.values_list("name", flat=True)):
        raise Http404
    number = rerun_rows(table, [row_id], by=request.user, step=step)
    messages.success(request, f"{number} step{'s' * (number != 1)} queued to run again.")
    return redirect("row", pk, row_id)


@login_required
@require_POST
def say(request, pk, row_id):
    """Flag a row, comment on it, or judge it."""
    table = find_table(request, pk)
    demand(request.user, "annotate", table)
    text = request.POST.get("text", "")
    said = request.POST.get("kind")
    if said in Annotation.Verdict.values:
        judge_rows(table, [row_id], said, request.POST.get("text", ""), author=request.user)
    elif said == "flag":
        flag_rows(table, [row_id], text, author=request.user)
    else:
        comment_on(table, row_id, text, author=request.user)
    return redirect(reverse("row", args=[pk, row_id]) + "#said")


@login_required
@require_POST
def withdraw_annotation(request, pk, annotation_id):
    """Take back a flag or comment."""
    table = find_table(request, pk)
    annotation = get_object_or_404(table.annotations, pk=annotation_id)
    withdraw(annotation, by=request.user)
    return redirect(reverse("row", args=[pk, annotation.row_id]) + "#said")
