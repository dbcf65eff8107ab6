"""How much of the workers somebody, or a project, may have at once."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from projects.models import Project


class Limit(models.Model):
    """At most so many workers at once for a user, for a project, or for a user in a project."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whoever asks for the work; empty: everybody in the project, all together.",
    )
    project = models.ForeignKey(
        Project,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: all projects together.",
    )
    most = models.PositiveSmallIntegerField(
        "at most",
        validators=[MinValueValidator(1)],
        help_text="Workers that compute for them at once. What they have now goes on; the next claim asks.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | models.Q(project__isnull=False),
                name="limit_of_something",
                violation_error_message="Name a user, a project, or both.",
            ),
            models.UniqueConstraint(fields=["user", "project"], name="limit_once"),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(project=None), name="limit_of_user_once"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(user=None), name="limit_of_project_once"
            ),
        ]

    def __str__(self):
        return f"at most {self.most} for {self.of}"

    @property
    def of(self):
        """Whom or what it is about, in words."""
        project = f"project “{self.project.slug}”" if self.project_id else ""
        user = f"“{self.user}”" if self.user_id else ""
        return f"{user} in {project}" if user and project else user or project
