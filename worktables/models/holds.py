"""What people keep from being computed for now."""

from django.conf import settings
from django.db import models

from worktables.models.tables import Worktable


class Hold(models.Model):
    """A row, or a whole table, of which nothing is computed until somebody releases it."""

    worktable = models.ForeignKey(Worktable, models.CASCADE, related_name="holds", db_index=False)
    row_id = models.BigIntegerField(null=True, help_text="null: the whole table")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    why = models.CharField(max_length=500)
    reason = models.CharField(max_length=700, help_text="what its units say while they are held")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worktable", "row_id"], name="hold_once"),
            models.UniqueConstraint(
                fields=["worktable"], condition=models.Q(row_id=None), name="hold_table_once"
            ),
        ]

    def __str__(self):
        return self.reason
