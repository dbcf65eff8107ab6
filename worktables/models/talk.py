"""What people did and said: the history of a table, annotations, and the events open pages hear."""

from django.conf import settings
from django.db import models

from worktables.models.tables import Column, Worktable


class Change(models.Model):
    """An entry of a table's history, append only: who, when, what was there, what is there now."""

    class Action(models.TextChoices):
        """What was done."""

        EDIT = "edit", "edited a cell"
        ADD_ROWS = "add_rows", "added rows"
        DELETE_ROWS = "delete_rows", "deleted rows"
        RESTORE_ROWS = "restore_rows", "restored rows"
        CANCEL = "cancel", "cancelled"
        PARAMETERS = "parameters", "changed the table's parameters"
        TABLE = "table", "changed the table"
        COLUMN = "column", "changed a column"
        KEEP = "keep", "kept a result as it is"
        KEEP_NO_MORE = "keep_no_more", "stopped keeping a result"
        LINK = "link", "changed a link"

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="history")
    action = models.CharField(max_length=16, choices=Action)
    row_id = models.BigIntegerField(null=True)
    column = models.ForeignKey(Column, models.SET_NULL, null=True, related_name="+")
    subject = models.CharField(
        max_length=200, blank=True, help_text="the column's or table's name at the time"
    )
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undoes = models.OneToOneField("self", models.SET_NULL, null=True, related_name="undone_by")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["worktable", "row_id", "id"])]

    def __str__(self):
        return f"{self.get_action_display()} {self.subject}"


class Annotation(models.Model):
    """A flag, a comment or a verdict on a row, by author and time; withdrawn, never deleted."""

    class Kind(models.TextChoices):
        """What is said."""

        FLAG = "flag", "flag"
        COMMENT = "comment", "comment"
        VERDICT = "verdict", "verdict"

    class Verdict(models.TextChoices):
        """Whether a row may be used; the last verdict that is not withdrawn counts."""

        GOOD = "good", "good"
        BAD = "bad", "bad: not to be used"

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="annotations")
    row_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True, db_default="")
    text = models.TextField()
    run_id = models.BigIntegerField(null=True, help_text="the run it was about, where it is about one")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["worktable", "row_id"])]

    def __str__(self):
        return f"{self.kind} on row {self.row_id}: {self.text[:40]}"


class Event(models.Model):
    """Something open pages want to know; server-sent event ids are these ids."""

    project_id = models.BigIntegerField()
    worktable = models.ForeignKey(Worktable, models.CASCADE, db_index=False, related_name="+")
    kind = models.CharField(max_length=16)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["worktable", "id"])]

    def __str__(self):
        return f"{self.kind} in table {self.worktable_id}"
