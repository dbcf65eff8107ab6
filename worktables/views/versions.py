"""The pages about which code a table runs by: its versions, and two tables compared."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from pipelines.models import StepVersion
from projects.permissions import demand
from worktables.adopting import known_versions, pin_step, unpin_step
from worktables.comparing import compare_tables
from worktables.copying import copy_table
from worktables.dependencies import graph_of
from worktables.filtering import is_id
from worktables.forms import BesideForm
from worktables.models import TableStep, Todo, Worktable
from worktables.queue.code import code_of, codes_at_hand, codes_here, waits_for_code
from worktables.showing import shown
from worktables.views.finding import REFUSALS, about, field_of, find_table, words_of


@login_required
@require_safe
def versions(request, pk):
    """Show by which code each step of a table runs."""
    return versions_page(request, find_table(request, pk))


def versions_page(request, table, *, refused=None, form=None):
    """Show the versions; a form that was refused keeps what was typed."""
    steps, nodes = [], graph_of(table.project_id).steps_of[table.pk]
    lacking = waits_for_code(nodes)
    at_hand = {*codes_at_hand(), *codes_here()}
    queued = set(
        Todo.objects.filter(worktable=table, owner=None).values_list("step_id", flat=True).distinct()
    )
    for step in table.steps.filter(kind=TableStep.Kind.STEP).select_related("version"):
        known = known_versions(step.step)
        missing = step.version and code_of(step.step, step.version.code_fingerprint) not in at_hand
        steps.append(
            {
                "step": step,
                "known": known,
                "others": [(version, here) for version, here in known if version.pk != step.version_id],
                "missing": missing,
                "waits": lacking.get(step.pk) if step.pk in queued else None,
                "form": form
                if refused == step.name
                else BesideForm(initial={"name": f"{table.name}_beside"[:63]}, auto_id=f"id_%s_{step.pk}"),
            }
        )
    siblings = Worktable.objects.visible_to(request.user).filter(
        project=table.project_id, pipeline=table.pipeline_id, deleted_at=None
    )
    facts = about(
        request, table, steps=steps, siblings=siblings.exclude(pk=table.pk) if table.pipeline_id else []
    )
    return render(request, "worktables/versions.html", facts, status=400 if refused else 200)


@login_required
@require_POST
def pin(request, pk):
    """Pin a step of a table to a version, or let it follow its code again."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    name, chosen = request.POST.get("step", ""), request.POST.get("version", "")
    if chosen:
        version = find_version(chosen)
        pin_step(table, name, version, by=request.user)
        messages.success(request, f"“{name}” is pinned to {version.in_words}.")
    else:
        unpin_step(table, name, by=request.user)
        messages.success(request, f"“{name}” follows its code again.")
    return redirect("worktable-versions", table.pk)


def find_version(text):
    """Find a version by its id as a form sends it."""
    return get_object_or_404(StepVersion, pk=int(text) if is_id(text) else 0)


@login_required
@require_POST
def beside(request, pk):
    """Make a table beside this one that runs by another version."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    name = request.POST.get("step", "")
    form = BesideForm(request.POST)
    if form.is_valid():
        version = find_version(request.POST.get("version", ""))
        try:
            copy = copy_table(table, form.cleaned_data["name"], versions={name: version}, by=request.user)
        except REFUSALS as refusal:
            form.add_error(field_of(refusal, form), words_of(refusal))
        else:
            messages.success(
                request, f"“{copy.name}” has the same rows, and runs “{name}” by {version.in_words}."
            )
            return redirect("worktable-compare", table.pk, copy.pk)
    return versions_page(request, table, refused=name, form=form)


@login_required
@require_safe
def compare(request, pk, other):
    """Show what differs between two tables."""
    table, second = find_table(request, pk), find_table(request, other)
    after = request.GET.get("after", "")
    found = compare_tables(table, second, after=int(after) if is_id(after) else 0)
    rows = [
        (
            row_id,
            [
                (column, shown(column.kind, mine)[0], shown(column.kind, its)[0])
                for column, mine, its in values
            ],
        )
        for row_id, values in found.rows
    ]
    waiting = Todo.objects.filter(worktable__in=[table, second]).count()
    facts = about(
        request,
        table,
        second=second,
        comparison=found,
        rows=rows,
        waiting=waiting,
        versions=differing_versions(table, second),
        next=f"{reverse('worktable-compare', args=[pk, other])}?after={found.after}" if found.after else "",
    )
    return render(request, "worktables/compare.html", facts)


def differing_versions(one, other):
    """Return (step, version, version) of the steps of one name that run by different code."""
    here = {node.name: node for node in graph_of(one.project_id).steps_of[one.pk]}
    there = {node.name: node for node in graph_of(other.project_id).steps_of[other.pk]}
    return [
        (
            name,
            f"version {node.version} ({(node.code or '')[:8]})",
            f"version {twin.version} ({(twin.code or '')[:8]})",
        )
        for name, node in here.items()
        if (twin := there.get(name)) is not None and node.code != twin.code
    ]
