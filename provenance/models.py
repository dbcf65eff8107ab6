"""What was made from what, by whom: the relations of the IVOA provenance data model.

A `Run` is the Activity; it lives with the pipelines. Here is what it used and generated: entities, each one
version of a cell, known by the digest of its value. Tables, rows and columns are plain numbers, because
the record outlives them.

Relations to runs, entities, projects and people carry no constraint in the database: they are written by one
statement from what the same transaction has read or written, hundreds at a time.
"""

from django.conf import settings
from django.db import models

from pipelines.models import Run
from projects.models import Project
from provenance.querysets import EntityQuerySet

# The `reuse` of what a run used and generated itself.
ITSELF = 0


class Entity(models.Model):
    """A value that a cell had or has; or the values that a run collected, as one."""

    class Kind(models.TextChoices):
        """What it is."""

        CELL = "cell", "value of a cell"
        FILE = "file", "file or list of items, by its hash"
        COLLECTION = "collection", "collected values of a column"

    project = models.ForeignKey(
        Project, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    worktable_id = models.BigIntegerField()
    row_id = models.BigIntegerField(help_text="0 for a collection")
    column_id = models.BigIntegerField()
    digest = models.CharField(max_length=32)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CELL)
    name = models.CharField(max_length=127, help_text="table.column, as they were called then")

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entities"
        constraints = [
            models.UniqueConstraint("worktable_id", "row_id", "column_id", "digest", name="entity_once")
        ]
        indexes = [models.Index(fields=["digest"], condition=models.Q(kind="file"), name="entity_file")]

    def __str__(self):
        return f"{self.name} of row {self.row_id}" if self.row_id else f"collected {self.name}"


class Member(models.Model):
    """A value in a collection, at its place; recorded once for each different collection."""

    pk = models.CompositePrimaryKey("collection_id", "place")
    collection = models.ForeignKey(
        Entity, models.CASCADE, db_index=False, db_constraint=False, related_name="members"
    )
    place = models.IntegerField(help_text="counted from 1")
    entity = models.ForeignKey(Entity, models.CASCADE, db_constraint=False, related_name="collections")

    def __str__(self):
        return f"{self.entity_id} in {self.collection_id}"


class Reuse(models.Model):
    """A result taken from an earlier run, for a row whose inputs and code were the same."""

    run = models.ForeignKey(Run, models.CASCADE, db_constraint=False, related_name="reuses")
    worktable_id = models.BigIntegerField()
    row_id = models.BigIntegerField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"run {self.run_id} reused for row {self.row_id}"


class Used(models.Model):
    """A run used an entity, in a role: the name of the port."""

    pk = models.CompositePrimaryKey("run_id", "reuse", "entity_id", "role")
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, db_constraint=False, related_name="used")
    reuse = models.BigIntegerField(default=ITSELF, help_text="which reuse of the run; 0: the run itself")
    entity = models.ForeignKey(Entity, models.CASCADE, db_constraint=False, related_name="used_by")
    role = models.CharField(max_length=63)

    def __str__(self):
        return f"run {self.run_id} used {self.entity_id} as {self.role}"


class Generated(models.Model):
    """A run generated an entity; the newest of an entity's is how its present value was made."""

    run = models.ForeignKey(
        Run, models.CASCADE, db_index=False, db_constraint=False, related_name="generated"
    )
    reuse = models.BigIntegerField(default=ITSELF, help_text="which reuse of the run; 0: the run itself")
    entity = models.ForeignKey(
        Entity, models.CASCADE, db_index=False, db_constraint=False, related_name="generated_by"
    )
    role = models.CharField(max_length=63)

    class Meta:
        verbose_name_plural = "generated"
        indexes = [
            models.Index(fields=["entity", "id"], name="generated_entity"),
            models.Index(fields=["run", "reuse"], name="generated_run"),
        ]

    def __str__(self):
        return f"run {self.run_id} generated {self.entity_id} as {self.role}"


class Association(models.Model):
    """Somebody was responsible for a run, in a role; the name they had then stays when the account goes."""

    ASKED = "asked"

    pk = models.CompositePrimaryKey("run_id", "role")
    run = models.ForeignKey(
        Run, models.CASCADE, db_index=False, db_constraint=False, related_name="associations"
    )
    role = models.CharField(max_length=16, default=ASKED)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    agent_name = models.CharField(max_length=150)

    def __str__(self):
        return f"run {self.run_id} {self.role} by {self.agent_name}"


class Attribution(models.Model):
    """Somebody typed a value into a cell; the name they had then stays when the account goes."""

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="attributions")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    agent_name = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.entity_id} by {self.agent_name}"
