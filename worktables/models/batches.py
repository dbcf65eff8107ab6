"""What was queued together, and what came of it row by row."""

from django.conf import settings
from django.db import models

from worktables.models.tables import Worktable


class Batch(models.Model):
    """Many rows that one action queued: who, what, when; over when none of them is queued or running."""

    class Action(models.TextChoices):
        """What queued the rows."""

        ADD = "add", "rows added"
        UPDATE = "update", "table updated"
        RERUN = "rerun", "run again"
        RERUN_FAILED = "rerun_failed", "failed rows run again"
        RERUN_FLAGGED = "rerun_flagged", "flagged rows run again"
        RELEASE = "release", "held rows released"

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="batches")
    action = models.CharField(max_length=16, choices=Action)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    n_rows = models.PositiveIntegerField(default=0)
    n_units = models.PositiveIntegerField(default=0, help_text="how many of their steps were queued")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["worktable"], condition=models.Q(ended_at=None), name="batch_open")]

    def __str__(self):
        return f"batch {self.pk}: {self.get_action_display()}"


class BatchRow(models.Model):
    """A row of a batch. Until the batch is over its state is read from its units; then only what is not fresh is kept.

    No constraints in the database: like units, they are written by the hundred thousand.
    """

    pk = models.CompositePrimaryKey("batch_id", "row_id")
    batch = models.ForeignKey(Batch, models.CASCADE, db_index=False, db_constraint=False, related_name="rows")
    row_id = models.BigIntegerField()
    state = models.SmallIntegerField(null=True, help_text="null: fresh, if the batch is over")
    step_id = models.BigIntegerField(null=True, help_text="of the unit that is to blame")
    line = models.TextField(null=True)  # noqa: DJ001 - written only for what is not fresh
    about = models.JSONField(null=True, help_text="the other tables that the line speaks of")

    def __str__(self):
        return f"row {self.row_id} of batch {self.batch_id}"
