"""Making projects, and what is said about them."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from projects.errors import SlugTaken
from projects.models import Project
from projects.permissions import demand
from projects.sharing import grant
from projects.signals import project_created


@transaction.atomic
def create_project(slug, title, description="", *, creator):
    """Make a project and its first owner.

    Parameters
    ----------
    slug : str
        Its name in addresses, folders and queries; never changes.
    title, description : str
    creator : User
        Becomes owner, by a grant that can be withdrawn like any other.

    Raises
    ------
    SlugTaken
        If there is a project of that name, perhaps in the trash or out of sight.
    NameRefused
        If the name opens what `creator` has no claim to, such as a folder of the archive.
    ValidationError
        If the name cannot be a name, or the title is missing or too long.
    """
    project = Project(slug=slug, title=title.strip(), description=description.strip(), created_by=creator)
    project.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError:
        raise SlugTaken(slug) from None
    grant(project, creator, "owner")
    project_created.send(Project, project=project, creator=creator)
    return project


@transaction.atomic
def describe_project(project, *, title=None, description=None, by):
    """Change the title or the description; what is None stays.

    Raises
    ------
    PermissionDenied
        If `by` may not change the project.
    ValidationError
        If the title is empty or too long.
    """
    demand(by, "run", project)
    if title is not None:
        project.title = title.strip()
    if description is not None:
        project.description = description.strip()
    project.clean_fields(exclude={"slug"})
    project.save(update_fields=["title", "description"])


def rename_project(project, title, *, by):
    """Give the project another title; its slug stays, because files and queries are named by it."""
    describe_project(project, title=title, by=by)


def delete_project(project, *, by):
    """Put the project and its tables in the trash, from where `restore_project` brings them back.

    Raises
    ------
    PermissionDenied
        If `by` does not own the project.
    """
    demand(by, "share", project)
    project.deleted_at = project.deleted_at or timezone.now()
    project.save(update_fields=["deleted_at"])


def restore_project(project, *, by):
    """Bring a project back from the trash, with everybody's roles as they were.

    Raises
    ------
    PermissionDenied
        If `by` does not own the project.
    """
    demand(by, "share", project)
    project.deleted_at = None
    project.save(update_fields=["deleted_at"])
