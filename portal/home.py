"""The first page: the projects one may see, and how their tables fare."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render

from projects.models import Project
from projects.sharing import role_of, roles_of
from worktables.models import Worktable


@login_required
def home(request):
    """Show the projects of this person, and single tables of projects that are not shared as a whole."""
    projects = Project.objects.visible_to(request.user)
    roles = roles_of(request.user, projects)
    tables = Worktable.objects.visible_to(request.user).order_by("project_id", "id")
    tables_of = {}
    for table in tables.select_related("project"):
        tables_of.setdefault(table.project_id, []).append(table)

    cards = [card_of(project, roles.get(project.pk), tables_of.pop(project.pk, [])) for project in projects]
    return render(
        request,
        "portal/home.html",
        {
            "cards": cards,
            "single_tables": [table for shared in tables_of.values() for table in shared],
            "n_in_trash": Project.objects.restorable_by(request.user).count(),
        },
    )


@login_required
def project(request, slug):
    """Show a project: its tables, and who is who."""
    shown = get_object_or_404(Project.objects.visible_to(request.user), slug=slug)
    tables = list(Worktable.objects.visible_to(request.user).filter(project=shown))
    role = role_of(request.user, shown)
    return render(request, "portal/project.html", card_of(shown, role, tables))


def card_of(project, role, tables):
    """Return what a page says about a project and its tables."""
    return {
        "project": project,
        "role": role,
        "tables": tables,
        "n_rows": sum(table.n_rows for table in tables),
    }
