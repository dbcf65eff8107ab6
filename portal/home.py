"""The first page: the projects one may see, and how their tables fare."""

from collections import Counter

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from projects.models import Project
from projects.sharing import roles_of
from worktables.models import TableStep, Worktable
from worktables.updating import state_counts

# Worst first, as attention goes.
STATES = ["failed", "blocked", "held", "stale", "running", "queued", "empty", "fresh", "retired"]


@login_required
def home(request):
    """Show the projects of this person, and single tables of projects that are not shared as a whole."""
    projects = Project.objects.visible_to(request.user)
    roles = roles_of(request.user, projects)
    tables = list(Worktable.objects.visible_to(request.user))
    counts = counts_of(tables)
    tables_of = {}
    for table in tables:
        tables_of.setdefault(table.project_id, []).append(table)

    cards = [
        card_of(project, roles.get(project.pk), tables_of.pop(project.pk, []), counts) for project in projects
    ]
    return render(
        request,
        "portal/home.html",
        {
            "cards": cards,
            "single_tables": [table for shared in tables_of.values() for table in shared],
            "n_in_trash": Project.objects.restorable_by(request.user).count(),
        },
    )


def counts_of(tables):
    """Return {table id: {state: number of rows}} of the tables that compute; a plain catalogue has no states."""
    computing = set(TableStep.objects.filter(worktable__in=tables).values_list("worktable_id", flat=True))
    return state_counts([table for table in tables if table.pk in computing])


def card_of(project, role, tables, counts):
    """Return what a page says about a project and its tables."""
    total = Counter()
    for table in tables:
        total.update(counts.get(table.pk, {}))
    return {
        "project": project,
        "role": role,
        "tables": tables,
        "n_rows": sum(table.n_rows for table in tables),
        "n_computed": total.total(),
        "states": [(state, total[state]) for state in STATES if total[state]],
    }
