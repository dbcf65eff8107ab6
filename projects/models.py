"""Projects: who works together on what, and the unit of sharing."""

import secrets

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from projects.querysets import ProjectQuerySet

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
name_validator = RegexValidator(
    NAME_PATTERN,
    "“%(value)s” cannot be used as a name: start with a lower-case letter, then lower-case letters, "
    "digits and underscores, 63 characters at most.",
)

PERMISSIONS = [
    ("view", "may see it"),
    ("annotate", "may flag and comment"),
    ("run", "may edit and run"),
    ("share", "may decide who else works on it"),
]


def new_version():
    """Return a number for a new shape of something that processes remember; never used twice."""
    return secrets.randbits(62)


class Project(models.Model):
    """A team's shared place: its worktables, its files and its memo."""

    slug = models.CharField(max_length=63, unique=True, validators=[name_validator])
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    parameters = models.JSONField(default=dict, blank=True, help_text="step.name → value, for all its tables")
    graph_version = models.BigIntegerField(default=new_version, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        permissions = PERMISSIONS
        default_permissions = ("add", "change", "delete")

    def __str__(self):
        return self.title or self.slug


class ProjectUserPermission(UserObjectPermissionBase):
    """One permission of one person on one project."""

    content_object = models.ForeignKey(Project, models.CASCADE)


class ProjectGroupPermission(GroupObjectPermissionBase):
    """One permission of one group on one project."""

    content_object = models.ForeignKey(Project, models.CASCADE)
