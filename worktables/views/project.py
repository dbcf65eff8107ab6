"""The page of a project: its tables as a graph and as a list, its people, and the way to a new table."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from projects.permissions import demand, role_of
from projects.sharing import members_of
from worktables.creating import create_worktable, restore_worktable
from worktables.dependencies import graph_of
from worktables.forms import TableForm
from worktables.models import Event, Worktable
from worktables.picturing import draw_graph
from worktables.updating import state_counts
from worktables.views.finding import REFUSALS, field_of, find_project, words_of

WORST_FIRST = ("failed", "blocked", "held", "stale", "running", "queued", "empty", "fresh", "retired")


@login_required
@require_safe
def project(request, slug):
    """Show a project."""
    shown = find_project(request, slug)
    newest = Event.objects.filter(project_id=shown.pk).aggregate(newest=Max("id"))["newest"] or 0
    role = role_of(request.user, shown)
    trashed = (
        Worktable.objects.filter(project=shown).exclude(deleted_at=None).count() if role == "owner" else 0
    )
    return render(
        request,
        "worktables/project.html",
        {
            "project": shown,
            "role": role,
            "may_run": role == "owner",
            "members": members_of(shown),
            "newest_event": newest,
            "n_in_trash": trashed,
            **tables_of(request.user, shown),
        },
    )


@login_required
@require_safe
def project_tables(request, slug):
    """Show only the tables of a project, for the page that is open already."""
    shown = find_project(request, slug)
    return render(
        request, "worktables/_project_tables.html", {"project": shown, **tables_of(request.user, shown)}
    )


def tables_of(user, project):
    """Return the tables of a project as its page shows them."""
    tables = list(Worktable.objects.visible_to(user).filter(project=project).select_related("pipeline"))
    counts = state_counts(tables)
    graph = graph_of(project.pk)
    links = list(graph.links.values())
    names = {table.pk: table.name for table in tables}
    for table in tables:
        table.states = in_order(counts[table.pk])
        table.made_of_items = table.pk in graph.expand_into
        table.fed_by = [
            (link, names[link.source_id])
            for link in links
            if link.target_id == table.pk and link.source_id in names
        ]
    return {"tables": tables, "drawing": draw_graph(tables, links)}


def in_order(counts):
    """Return (state, number) pairs, what needs somebody first."""
    return [(state, counts[state]) for state in WORST_FIRST if counts.get(state)]


@login_required
def new_table(request, slug):
    """Make a table: with a pipeline, or a plain catalogue of declared columns."""
    project = find_project(request, slug)
    demand(request.user, "run", project)
    form = TableForm(request.POST or None)
    if form.is_valid():
        try:
            table = create_worktable(project, creator=request.user, **form.cleaned_data)
        except REFUSALS as refusal:
            form.add_error(field_of(refusal, form), words_of(refusal))
        else:
            messages.success(request, f"“{table.name}” is made; add its first row.")
            return redirect("worktable", table.pk)
    return render(
        request, "worktables/new.html", {"project": project, "form": form}, status=400 if form.errors else 200
    )


@login_required
@require_safe
def tables_in_trash(request, slug):
    """Show the tables that wait in the trash of a project."""
    project = find_project(request, slug)
    demand(request.user, "run", project)
    tables = Worktable.objects.filter(project=project).exclude(deleted_at=None).order_by("-deleted_at")
    return render(request, "worktables/tables_in_trash.html", {"project": project, "tables": tables})


@login_required
@require_POST
def restore_table(request, pk):
    """Bring a table back from the trash."""
    mine = (
        Worktable.objects.permitted(request.user, "run")
        .filter(project__deleted_at=None)
        .exclude(deleted_at=None)
    )
    table = get_object_or_404(mine, pk=pk)
    restore_worktable(table, by=request.user)
    messages.success(request, f"“{table.name}” is back, with its rows and their history.")
    return redirect("worktable", table.pk)
