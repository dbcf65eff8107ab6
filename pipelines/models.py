"""What the pipelines remember: step versions, pipelines, runs, and the memo."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from projects.models import Project, name_validator


class StepVersion(models.Model):
    """A step as it was: its code by fingerprint, and the interface it had."""

    step = models.CharField(max_length=63)
    code_fingerprint = models.CharField(max_length=64)
    declared_version = models.CharField(max_length=32)
    interface = models.JSONField()
    resource = models.CharField(max_length=16)
    deterministic = models.BooleanField(default=True)
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint("step", "code_fingerprint", name="step_version_once")]

    def __str__(self):
        return f"{self.step} {self.declared_version} ({self.code_fingerprint[:8]})"

    @property
    def in_words(self):
        """The version as a reason names it."""
        return f"version {self.declared_version} ({self.code_fingerprint[:8]})"


class Pipeline(models.Model):
    """A version of a graph of steps, to which worktables are bound."""

    name = models.CharField(max_length=63, validators=[name_validator])
    version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    graph = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint("name", "version", name="pipeline_version_once")]
        ordering = ["name", "-version"]

    def __str__(self):
        return f"{self.title or self.name} v{self.version}"


class Environment(models.Model):
    """The libraries and the interpreter something ran with: recorded, never part of a fingerprint."""

    digest = models.CharField(max_length=32, primary_key=True)
    document = models.JSONField()

    def __str__(self):
        return self.digest


class Run(models.Model):
    """One execution, for ever: who, when, with which code and inputs, and what came of it.

    Worktable, row and step are plain integers: the record outlives the row. What it refers to is never deleted
    alone, so the database need not look it up for each run; and nobody asks for the runs of a project or a version.
    """

    class Outcome(models.TextChoices):
        """How it ended."""

        OK = "ok", "ok"
        FAILED = "failed", "failed"
        STOPPED = "stopped", "stopped"

    project = models.ForeignKey(
        Project, models.CASCADE, db_index=False, db_constraint=False, related_name="runs"
    )
    worktable_id = models.BigIntegerField()
    row_id = models.BigIntegerField()
    step_id = models.BigIntegerField()
    step_name = models.CharField(max_length=63)
    generation = models.BigIntegerField()
    step_version = models.ForeignKey(
        StepVersion, models.PROTECT, db_index=False, db_constraint=False, related_name="runs"
    )
    fingerprint = models.CharField(max_length=32)
    content = models.CharField(max_length=32, blank=True)
    inputs = models.JSONField(default=dict)
    parameters = models.JSONField(default=dict)
    outputs = models.JSONField(default=dict)
    outcome = models.CharField(max_length=8, choices=Outcome)
    accepted = models.BooleanField()
    error = models.TextField(blank=True)
    log = models.TextField(blank=True)
    worker = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    environment = models.ForeignKey(
        Environment, models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    about = models.JSONField(
        null=True, default=list, help_text="the other tables it read or filled; null is not known"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["worktable_id", "row_id", "step_id", "id"])]
        ordering = ["-id"]

    def __str__(self):
        return f"run {self.pk}: {self.step_name} of row {self.row_id}"

    @property
    def seconds(self):
        """How long it took, by the worker's clock."""
        return (self.finished_at - self.started_at).total_seconds()


class Memo(models.Model):
    """What a fingerprint gave, inside one trust domain (a project): shared by rows, tables and undo."""

    project = models.ForeignKey(
        Project, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    fingerprint = models.CharField(max_length=32)
    content = models.CharField(max_length=32)
    outputs = models.JSONField()
    run_id = models.BigIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(default=timezone.now, help_text="when it was last taken, to the day")
    size = models.BigIntegerField(default=0, help_text="bytes in the database")

    class Meta:
        constraints = [models.UniqueConstraint("project", "fingerprint", name="memo_once_per_project")]

    def __str__(self):
        return self.fingerprint
