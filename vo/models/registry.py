"""When the records of the portal's own services were made, and when they last changed."""

from django.db import models


class ServiceRecord(models.Model):
    """A record of the registry that follows from settings and code: its dates, which follow from nothing else."""

    key = models.CharField(
        max_length=20, primary_key=True, help_text="of its identifier, after the authority"
    )
    digest = models.CharField(max_length=64, help_text="of what it says")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self):
        return self.key
