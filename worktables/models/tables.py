"""Worktables and their columns: what is declared about a typed table; its rows live in `wt_<id>`."""

from django.conf import settings
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from pipelines.models import Pipeline
from projects.models import PERMISSIONS, Project, name_validator, new_version
from worktables.querysets import WorktableQuerySet


class Kind(models.TextChoices):
    """What a cell of a column holds."""

    BOOL = "bool", "true or false"
    INT = "int", "integer"
    FLOAT = "float", "number"
    TEXT = "text", "text"
    TIME = "time", "time (MJD)"
    POSITION = "position", "sky position (ICRS)"
    ARRAY = "array", "array of numbers"
    PRODUCT = "product", "file"
    CATALOGUE = "catalogue", "list of items"


class Role(models.TextChoices):
    """Who fills a column."""

    INPUT = "input", "input: typed by people"
    PARAMETER = "parameter", "parameter: typed by people, empty means the table's or the step's value"
    OUTPUT = "output", "output: filled by a step"
    LOOKUP = "lookup", "lookup: filled by a link"
    METADATA = "metadata", "metadata: read from a product by a step"


class Worktable(models.Model):
    """A typed table whose every row is one execution of a workflow (or a plain catalogue)."""

    class Update(models.TextChoices):
        """When stale rows are recomputed."""

        AUTOMATIC = "auto", "automatic: as soon as something changes"
        MANUAL = "manual", "manual: when somebody asks"

    project = models.ForeignKey(Project, models.CASCADE, related_name="worktables")
    name = models.CharField(max_length=63, validators=[name_validator])
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, null=True, blank=True, related_name="worktables")
    update = models.CharField(max_length=8, choices=Update, default=Update.AUTOMATIC)
    parameters = models.JSONField(default=dict, blank=True, help_text="step.name → value, for all its rows")
    next_row = models.BigIntegerField(default=1, editable=False)
    n_rows = models.BigIntegerField(default=0, editable=False)
    version = models.BigIntegerField(default=new_version, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = WorktableQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        permissions = PERMISSIONS
        default_permissions = ("add", "change", "delete")
        constraints = [
            models.UniqueConstraint(
                "project", "name", condition=models.Q(deleted_at=None), name="worktable_name_once"
            )
        ]

    def __str__(self):
        return self.name

    def column(self, name):
        """Return the column of that name, or raise `Column.DoesNotExist`."""
        return self.columns.get(name=name)


class WorktableUserPermission(UserObjectPermissionBase):
    """One permission of one person on one worktable, beyond what its project grants."""

    content_object = models.ForeignKey(Worktable, models.CASCADE)


class WorktableGroupPermission(GroupObjectPermissionBase):
    """One permission of one group on one worktable, beyond what its project grants."""

    content_object = models.ForeignKey(Worktable, models.CASCADE)


class Column(models.Model):
    """A column of a worktable: `c<id>` in the physical table, so that a new name is metadata only."""

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="columns")
    name = models.CharField(max_length=63, validators=[name_validator])
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    role = models.CharField(max_length=16, choices=Role, default=Role.INPUT)
    unit = models.CharField(max_length=63, blank=True)
    ucd = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    shape = models.CharField(max_length=63, blank=True, help_text="of an array: “3”, or “*” for any length")
    element = models.CharField(max_length=8, blank=True, help_text="of an array: float, int, bool or text")
    time_scale = models.CharField(max_length=8, blank=True)
    minimum = models.FloatField(null=True, blank=True)
    maximum = models.FloatField(null=True, blank=True)
    schema = models.JSONField(default=list, blank=True, help_text="of a catalogue: its items' fields")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint("worktable", "name", name="column_name_once"),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="column_kind_known"),
        ]

    def __str__(self):
        return self.name

    @property
    def editable_by_people(self):
        """Inputs and parameters are typed; the rest is computed."""
        return self.role in (Role.INPUT, Role.PARAMETER)
