"""What every page of a table needs first: the table, if one may see it, and in which role."""

from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from pipelines.errors import PipelinesError
from projects.models import Project
from projects.permissions import role_of
from worktables.dependencies import graph_of
from worktables.errors import UnfitFilter, UnfitName, WorktableError
from worktables.filtering import MOST_IDS, is_id
from worktables.formats.errors import FormatError, UnknownUnit
from worktables.models import Worktable

# What a form answers with its own page, on which everything typed is kept.
REFUSALS = (WorktableError, FormatError, PipelinesError, ValidationError)


def find_table(request, pk):
    """Find a table among those this person may see; the others do not exist for them."""
    visible = Worktable.objects.visible_to(request.user).select_related("project", "pipeline")
    return get_object_or_404(visible, pk=pk)


def find_project(request, slug):
    """Find a project among those this person may see."""
    return get_object_or_404(Project.objects.visible_to(request.user), slug=slug)


def about(request, table, **more):
    """Return what every template of a table's page shows: the table, its project, and what this person may do.

    To whom only the table is shared, there is no project.
    """
    role = role_of(request.user, table)
    seen = Project.objects.visible_to(request.user).filter(pk=table.project_id).exists()
    return {
        "table": table,
        "project": table.project if seen else None,
        "source": source_of(request.user, table),
        "role": role,
        "may_run": role == "owner",
        "may_annotate": role in ("owner", "collaborator"),
        **more,
    }


def source_of(user, table):
    """Return the table from which a link makes the rows, if there is one and this person may see it."""
    link = graph_of(table.project_id).expand_into.get(table.pk)
    return Worktable.objects.visible_to(user).filter(pk=link.source_id).first() if link else None


def ids_in(texts):
    """Return the row ids among these texts, each once, in order; what is no number is left out."""
    found = (text.strip() for one in texts for text in one.split(","))
    ids = list(dict.fromkeys(int(text) for text in found if is_id(text)))
    if len(ids) > MOST_IDS:
        raise UnfitFilter("rows", f"{len(ids)} rows", f"are more than {MOST_IDS} at once; take fewer")
    return ids


def back_to(request, table, anchor=""):
    """Return to the address the form came from, if it is one of ours; else to the table."""
    address = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}):
        address = reverse("worktable", args=[table.pk])
    return HttpResponseRedirect(address + anchor)


def words_of(refusal):
    """Return what a refusal says, for the form it belongs to."""
    return "; ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)


def field_of(refusal, form):
    """Return the field of a form whose value was refused, or None."""
    if isinstance(refusal, UnfitName) and form.cleaned_data.get("name") == refusal.name:
        return "name"
    if isinstance(refusal, UnknownUnit) and "unit" in form.fields:
        return "unit"
    column = getattr(refusal, "column", None)
    return column if column in form.fields else None
