"""The HTML door to projects: making one, deciding who works on it, trash and back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from projects.editing import create_project, delete_project, describe_project, restore_project
from projects.errors import LastOwner, NameRefused, UnknownMember
from projects.forms import DescriptionForm, MemberForm, ProjectForm
from projects.models import Project
from projects.sharing import find_member, members_of, role_of, share_with, withdraw_from


@login_required
def new_project(request):
    """Make a project."""
    form = ProjectForm(request.POST or None)
    if form.is_valid():
        try:
            project = create_project(**form.cleaned_data, creator=request.user)
        except NameRefused as refusal:
            form.add_error("slug", str(refusal))
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return redirect("project", project.slug)
    return render(request, "projects/new.html", {"form": form})


@login_required
def settings(request, slug):
    """Show who works on a project and what it is called; its owners change both here."""
    project = visible_project(request, slug)
    if request.method != "POST":
        return settings_page(request, project)

    form = DescriptionForm(request.POST)
    if not form.is_valid():
        return settings_page(request, project, description_form=form)
    describe_project(project, **form.cleaned_data, by=request.user)
    messages.success(request, "Saved.")
    return redirect("project-settings", slug)


@login_required
@require_POST
def share(request, slug):
    """Give somebody a role, new or other than before."""
    project = visible_project(request, slug)
    form = MemberForm(request.POST)
    if form.is_valid():
        name, kind, role = (form.cleaned_data[field] for field in ("name", "kind", "role"))
        try:
            share_with(project, find_member(name, kind), role, by=request.user)
        except UnknownMember as unknown:
            form.add_error("name", str(unknown))
        except LastOwner as last:
            form.add_error(None, str(last))
        else:
            messages.success(request, f"{name} is {role} now.")
            return redirect("project-settings", slug)
    return settings_page(request, project, member_form=form)


@login_required
@require_POST
def withdraw(request, slug):
    """Take the role of somebody away; anybody may leave."""
    project = visible_project(request, slug)
    who = find_person_or_group(project, request.POST.get("kind"), request.POST.get("name"))
    try:
        withdraw_from(project, who, by=request.user)
    except LastOwner as last:
        messages.error(request, str(last))
    else:
        messages.success(request, f"{who} does not work on “{project}” any more.")
    stays = Project.objects.visible_to(request.user).filter(pk=project.pk).exists()
    return redirect("project-settings", slug) if stays else redirect("home")


@login_required
@require_POST
def delete(request, slug):
    """Put a project in the trash."""
    project = visible_project(request, slug)
    delete_project(project, by=request.user)
    messages.success(request, f"“{project}” is in the trash; it can be brought back from there.")
    return redirect("home")


@login_required
@require_safe
def trash(request):
    """Show the projects that this person may bring back."""
    projects = Project.objects.restorable_by(request.user).order_by("-deleted_at")
    return render(request, "projects/trash.html", {"projects": projects})


@login_required
@require_POST
def restore(request, slug):
    """Bring a project back from the trash."""
    project = get_object_or_404(Project.objects.restorable_by(request.user), slug=slug)
    restore_project(project, by=request.user)
    messages.success(request, f"“{project}” is back, with its tables and everybody's roles.")
    return redirect("project", slug)


def visible_project(request, slug):
    """Find a project among those this person may see; the others do not exist for them."""
    return get_object_or_404(Project.objects.visible_to(request.user), slug=slug)


def find_person_or_group(project, kind, name):
    """Find whoever of that name was given a role, closed accounts included; anybody else is not found."""
    for member in members_of(project):
        if (member.kind, member.name) == (kind, name):
            return member.who
    raise Http404


def settings_page(request, project, description_form=None, member_form=None):
    """Show the settings; a form that was refused keeps what was typed."""
    told = {"title": project.title, "description": project.description}
    return render(
        request,
        "projects/settings.html",
        {
            "project": project,
            "role": role_of(request.user, project),
            "members": members_of(project),
            "roles": MemberForm.base_fields["role"].choices,
            "description_form": description_form or DescriptionForm(initial=told),
            "member_form": member_form or MemberForm(),
        },
    )
