"""When records of the registry were made and last changed that follow from settings and code."""

from django.db import models


class ServiceRecord(models.Model):
    """A record of the portal itself, or what the records of all tables say alike: its dates, found nowhere else."""

    key = models.CharField(
        max_length=20, primary_key=True, help_text="of its identifier, after the authority"
    )
    digest = models.CharField(max_length=64, help_text="of what it says")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self):
        return self.key
