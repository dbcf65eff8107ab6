"""What must run, what runs, and what came out: the only truth about computation.

Units and what is to do carry no constraints in the database, nor indexes that only deleting asks for: they are
written by the hundred thousand, from tables and steps that whoever holds the project has just read.
"""

from django.db import models
from django.db.models.functions import Now

from worktables.models.graph import TableStep
from worktables.models.tables import Worktable


class State(models.IntegerChoices):
    """Settled states, the worse the higher: a row's state is the highest of its units'.

    `queued` and `running` are not settled: they are read from `Todo`.
    """

    FRESH = 0, "fresh"
    EMPTY = 1, "empty"
    STALE = 2, "stale"
    HELD = 3, "held"
    BLOCKED = 4, "blocked"
    FAILED = 5, "failed"
    RETIRED = 9, "retired"


class Unit(models.Model):
    """One step of one row of one worktable: the smallest thing that is computed."""

    pk = models.CompositePrimaryKey("worktable_id", "row_id", "step_id")
    worktable = models.ForeignKey(
        Worktable, models.CASCADE, db_index=False, db_constraint=False, related_name="units"
    )
    row_id = models.BigIntegerField()
    step = models.ForeignKey(
        TableStep, models.CASCADE, db_index=False, db_constraint=False, related_name="units"
    )
    state = models.SmallIntegerField(choices=State, default=State.STALE)
    generation = models.BigIntegerField(default=0)
    fingerprint = models.CharField(max_length=32, blank=True)
    content = models.CharField(max_length=32, blank=True)
    run_id = models.BigIntegerField(null=True)
    reused = models.BooleanField(default=False)
    kept = models.BooleanField(
        default=False, db_default=False, help_text="held, but what is below goes on with its present value"
    )
    reason = models.TextField(blank=True)
    about = models.JSONField(
        null=True, default=list, help_text="the other tables that the reason speaks of; null is not known"
    )
    changed_at = models.DateTimeField(
        null=True,
        help_text="when what it is made from last changed, or somebody stopped it; null: its row came",
    )
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["worktable", "step", "state"], condition=~models.Q(state=0), name="unit_not_fresh"
            )
        ]

    def __str__(self):
        return f"{self.step} of row {self.row_id}"

    @property
    def since(self):
        """When it came to be in its state, for its reason."""
        return max(filter(None, (self.changed_at, self.settled_at)), default=None)


class Todo(models.Model):
    """A unit that shall run, or runs: the queue. `owner` is a worker's token, or nothing yet."""

    pk = models.CompositePrimaryKey("worktable_id", "row_id", "step_id")
    worktable = models.ForeignKey(
        Worktable, models.CASCADE, db_index=False, db_constraint=False, related_name="todo"
    )
    row_id = models.BigIntegerField()
    step = models.ForeignKey(TableStep, models.CASCADE, db_index=False, db_constraint=False, related_name="+")
    generation = models.BigIntegerField()
    priority = models.SmallIntegerField(default=0)
    forced = models.BooleanField(default=False, help_text="run it even if nothing changed")
    attempts = models.SmallIntegerField(default=0)
    asked_by = models.BigIntegerField(null=True)
    owner = models.CharField(max_length=32, null=True)  # noqa: DJ001 - NULL is "nobody", and indexed so
    claimed_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(db_default=Now(), help_text="since when it has not been up to date")
    progress = models.FloatField(null=True, help_text="fraction done, as its step says")
    progress_text = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["step", "-priority", "row_id"],
                condition=models.Q(owner=None),
                name="todo_waiting",
            ),
            models.Index(fields=["owner"], condition=~models.Q(owner=None), name="todo_owned"),
        ]

    def __str__(self):
        return f"to do: step {self.step_id} of row {self.row_id}"


class Worker(models.Model):
    """Who computes; one heartbeat for all it holds, by the clock of the database.

    A worker of Celery has processes, which are workers themselves while they work; only those hold units.
    """

    token = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    lost = models.BooleanField(default=False, help_text="it fell silent, or its process was gone")
    parent = models.CharField(
        max_length=32, blank=True, db_default="", help_text="token of whose process it is"
    )
    address = models.CharField(
        max_length=45, blank=True, db_default="", help_text="from where it calls, as the database sees it"
    )
    takes = models.JSONField(default=list, help_text="the classes of steps it takes")
    processes = models.PositiveSmallIntegerField(default=1)
    cores = models.PositiveSmallIntegerField(null=True)
    load = models.FloatField(null=True, help_text="of its host, over the last minute")
    code = models.CharField(
        max_length=64, blank=True, db_default="", help_text="version, and digest of the code of all steps"
    )
    codes = models.JSONField(default=list, help_text="the code fingerprints of the steps that it can run")
    lacks = models.CharField(max_length=200, blank=True, help_text="which code that is asked for it has not")

    def __str__(self):
        return self.name
