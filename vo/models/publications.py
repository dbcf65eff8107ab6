"""Published tables and their versions: what was frozen, who may see it, and who decided that."""

from django.conf import settings
from django.db import models

from projects.models import name_validator
from vo.querysets import PublishedVersionQuerySet
from worktables.models import Worktable

# Schemas that no project's tables can be under.
OWN_SCHEMAS = {
    "tap_schema",
    "tap_upload",
    "ivoa",
    "adql",
    "published",
    "information_schema",
    "public",
    "shared_with_you",
}


class Scope(models.TextChoices):
    """Who sees a published version."""

    PRIVATE = "private", "private: the owners"
    PROJECT = "project", "project: whoever may see the worktable"
    PORTAL = "portal", "portal: everybody with an account"
    WORLD = "world", "world: everybody"

    @property
    def needs_curator(self):
        """Whether somebody new would see it, so that a curator decides."""
        return self in (Scope.PORTAL, Scope.WORLD)

    @property
    def people(self):
        """Who they are, without the word that is chosen: “everybody with an account”."""
        return self.label.partition(": ")[2]


class Publication(models.Model):
    """A name under which versions of a worktable are published: `<schema>.<name>`, for ever."""

    worktable = models.ForeignKey(Worktable, models.SET_NULL, null=True, related_name="publications")
    schema = models.CharField(max_length=63, validators=[name_validator])
    name = models.CharField(max_length=63, validators=[name_validator])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["schema", "name"]
        constraints = [models.UniqueConstraint("schema", "name", name="publication_name_once")]

    def __str__(self):
        return f"{self.schema}.{self.name}"


class PublishedVersion(models.Model):
    """The rows of a worktable as they were at one moment, never changed and never deleted.

    Three things are kept apart: what the owner asks for (`asked`), what a curator says of it (`verdict`), and who may
    see it (`scope`).
    """

    class Verdict(models.TextChoices):
        """What a curator said."""

        WAITING = "waiting", "waiting for a curator"
        GRANTED = "granted", "granted"
        REFUSED = "refused", "refused"

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    asked = models.CharField(max_length=8, choices=Scope, help_text="who shall see it, as its owner asks")
    scope = models.CharField(max_length=8, choices=Scope, help_text="who sees it")
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.WAITING)
    verdict_reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    title = models.CharField(max_length=200)
    description = models.TextField()
    creator = models.CharField(max_length=200, help_text="who made it, as it shall be cited")
    rights = models.CharField(max_length=200, help_text="under which terms others may use it")
    contact = models.CharField(max_length=200, help_text="whom to ask: a name, an address")
    citation = models.TextField(help_text="how to cite it")
    changes = models.TextField(blank=True, help_text="why it takes the place of the version before")

    columns = models.JSONField(help_text="its columns as they were, with units and UCDs")
    positions = models.JSONField(default=list, help_text="which pairs of columns are places on the sky")
    n_rows = models.BigIntegerField()
    not_fresh = models.JSONField(default=dict, help_text="how many of its rows were failed, held, ...")
    indexed = models.BooleanField(default=False, help_text="whether its places are in an index of the sky")
    products_indexed_at = models.DateTimeField(null=True, help_text="since when all its files are recorded")
    index_lease = models.CharField(max_length=32, blank=True, help_text="of whoever indexes it")
    index_seen_at = models.DateTimeField(
        null=True, help_text="when they last were, by the clock of the database"
    )
    coverage = models.JSONField(default=dict, help_text="which part of the sky it covers, as far as measured")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = PublishedVersionQuerySet.as_manager()

    class Meta:
        ordering = ["publication", "-number"]
        permissions = [("decide_scope", "may decide who sees what is published")]
        constraints = [models.UniqueConstraint("publication", "number", name="published_version_once")]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(indexed=False) | models.Q(products_indexed_at=None),
                name="published_version_unindexed",
            )
        ]

    def __str__(self):
        return self.full_name

    @property
    def full_name(self):
        """Its name in ADQL, with its number."""
        return f"{self.publication.schema}.{self.publication.name}_v{self.number}"

    @property
    def seen_by(self):
        """Who sees it, in words that end a sentence."""
        return Scope(self.scope).people

    @property
    def asked_of(self):
        """Who shall see it as its owner asks, in words that end a sentence."""
        return Scope(self.asked).people

    @property
    def row_column(self):
        """The name of the column that says which row of the worktable it is."""
        return self.columns[0]["name"]

    @property
    def bare_table(self):
        """The name of its physical table, without a schema."""
        return f"pub_{self.publication_id}_v{self.number}"


class FrozenRun(models.Model):
    """Which run made the outputs of a step of a row, as they were published."""

    pk = models.CompositePrimaryKey("version_id", "row_id", "step_id")
    version = models.ForeignKey(
        PublishedVersion, models.CASCADE, db_index=False, db_constraint=False, related_name="runs"
    )
    row_id = models.BigIntegerField()
    step_id = models.BigIntegerField()
    run_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["run_id"], name="frozen_run")]

    def __str__(self):
        return f"run {self.run_id} of row {self.row_id}"
