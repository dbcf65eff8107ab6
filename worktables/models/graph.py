"""What computes what: the steps of a table, what their ports are bound to, and the links between tables."""

from django.db import models

from pipelines.models import StepVersion
from projects.models import name_validator
from worktables.models.tables import Column, Worktable


class TableStep(models.Model):
    """A step of a worktable: a node of the project's graph, with one unit for every row."""

    class Kind(models.TextChoices):
        """What happens when it runs."""

        STEP = "step", "a registered step"
        EXPAND = "expand", "items of a list become rows of another table"
        NEAREST = "nearest", "the nearest row of another table is looked up"
        LATEST = "latest-valid-at", "the row of another table that is valid at a date is looked up"

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="steps")
    name = models.CharField(max_length=63, validators=[name_validator])
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.STEP)
    step = models.CharField(max_length=63, help_text="name of the registered step")
    rank = models.PositiveIntegerField(default=0, help_text="longest way from an input, over all tables")
    seconds = models.FloatField(null=True, help_text="that a unit took lately; null if none ever ran")
    version = models.ForeignKey(
        StepVersion,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="the code that it runs by; null is whatever is registered, until that is adopted",
    )
    pinned = models.BooleanField(default=False, help_text="keep this version when there is newer code")

    class Meta:
        ordering = ["rank", "id"]
        constraints = [models.UniqueConstraint("worktable", "name", name="table_step_once")]

    def __str__(self):
        return self.name


class Link(models.Model):
    """A declared join between two worktables of a project; change travels from source to target."""

    class Kind(models.TextChoices):
        """How rows of the source reach rows of the target."""

        EACH = "each", "each row of the source has one row in the target"
        EXPAND = "expand", "each item of a list cell of the source is a row of the target"
        COLLECT = "collect", "many rows of the source feed one row of the target"
        LATEST = (
            "latest-valid-at",
            "each row of the target finds the row of the source that is valid at its date",
        )
        NEAREST = "nearest", "each row of the target finds the nearest row of the source on the sky"

    MAKES_ROWS = (Kind.EACH, Kind.EXPAND)
    LOOKS_UP = (Kind.NEAREST, Kind.LATEST)

    name = models.CharField(max_length=63, validators=[name_validator])
    kind = models.CharField(max_length=16, choices=Kind)
    source = models.ForeignKey(Worktable, models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Worktable, models.CASCADE, related_name="links_in")
    step = models.OneToOneField(TableStep, models.CASCADE, null=True, related_name="link")
    options = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint("target", "name", name="link_once")]

    def __str__(self):
        return self.name


class Binding(models.Model):
    """What a port of a table's step is tied to: a column of the row, or a column of collected rows."""

    class Use(models.TextChoices):
        """Which way the value goes."""

        INPUT = "input", "input"
        PARAMETER = "parameter", "parameter"
        OUTPUT = "output", "output"

    step = models.ForeignKey(TableStep, models.CASCADE, related_name="bindings")
    use = models.CharField(max_length=9, choices=Use)
    port = models.CharField(max_length=63)
    column = models.ForeignKey(Column, models.PROTECT, related_name="bindings")
    link = models.ForeignKey(
        Link, models.CASCADE, null=True, blank=True, help_text="collected through this link"
    )

    class Meta:
        constraints = [models.UniqueConstraint("step", "use", "port", name="port_bound_once")]

    def __str__(self):
        return f"{self.step}.{self.port} = {self.column}"
