"""Queries that somebody asked before, and those that were given a name."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet


class PastQuery(models.Model):
    """A query that somebody has asked on the page of queries: once in the list, however often it was asked."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="past_queries")
    text = models.TextField()
    digest = models.CharField(
        max_length=64, help_text="sha256 of the text: two that differ in nothing are one"
    )
    times = models.PositiveIntegerField(default=1, help_text="how often it was asked")
    asked_at = models.DateTimeField(help_text="when it was last asked")

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [models.UniqueConstraint("owner", "digest", name="past_query_once")]
        indexes = [models.Index(fields=["owner", "-asked_at"], name="past_queries_of_owner")]

    def __str__(self):
        return self.text[:80]


def new_key():
    """Make the part of an address that nobody guesses."""
    return secrets.token_hex(8)


class SavedQueryQuerySet(QuerySet):
    """Saved queries, as asked for by whoever may read them."""

    def visible_to(self, user):
        """Keep what this user may read: their own, and those of others that are open to whoever has the address."""
        opened = Q(is_open=True)
        return self.filter(opened | Q(owner=user.pk) if user.is_authenticated else opened)

    def listed_for(self, user):
        """Keep what is listed for this user: their own."""
        return self.filter(owner=user.pk) if user.is_authenticated else self.none()


class SavedQuery(models.Model):
    """A query with a name and an address; what it finds is what its reader may see."""

    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_queries")
    name = models.CharField(max_length=100)
    about = models.TextField(blank=True, help_text="what it is for")
    text = models.TextField()
    is_open = models.BooleanField(default=False, help_text="whether whoever has its address may read it")
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = SavedQueryQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="saved_query_name_once",
                violation_error_message="You have another query of this name; choose a new one.",
            )
        ]

    def __str__(self):
        return self.name
