"""Products: files named by the hash of their content, as a project knows them."""

from django.conf import settings
from django.db import models

from projects.models import Project


class Product(models.Model):
    """A file of a project; the bytes are shared by hash, the record belongs to the project.

    Fetched only through a row that one may see. Where its bytes were evicted, the record stays, and whoever opens it
    has it made again.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="products")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100, default="application/fits")
    header = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    evicted_at = models.DateTimeField(null=True, help_text="since when its bytes are not kept")
    made_by_run = models.BigIntegerField(
        null=True, help_text="the run that makes it again when it was evicted"
    )

    class Meta:
        constraints = [models.UniqueConstraint("project", "sha256", name="product_once_per_project")]
        indexes = [models.Index(fields=["sha256"])]

    def __str__(self):
        return f"{self.name} ({self.sha256[:8]})"
