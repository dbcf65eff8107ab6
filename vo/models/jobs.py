"""Jobs: what somebody asked for, how far it is, and what came of it."""

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone

from vo.uws.documents import Parameter, Result
from vo.uws.limits import RUN_ID_LENGTH
from vo.uws.phases import Phase
from vo.uws.querysets import JobQuerySet

RESULT = "result"  # the name of the only one there is


def new_id():
    """Make an id that nobody guesses: whoever knows that of an anonymous job may have its result."""
    return secrets.token_hex(16)


class Job(models.Model):
    """Something to compute for somebody, or for nobody known, as IVOA UWS 1.1 describes it."""

    class ErrorType(models.TextChoices):
        """Whether it is worth trying again."""

        FATAL = "fatal", "fatal: the same again ends the same"
        TRANSIENT = "transient", "transient: it may work later"

    id = models.CharField(max_length=32, primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="jobs",
        help_text="null is nobody known",
    )
    kind = models.CharField(max_length=32, help_text="who answers it, such as tap")
    parameters = models.JSONField(default=dict, help_text="lists of values, by upper-case name")
    files = models.JSONField(default=dict, help_text="where files that came with it are kept, by field")
    base = models.CharField(
        max_length=255, blank=True, help_text="address of the portal as its owner reached it"
    )
    phase = models.CharField(
        max_length=9, choices=[(phase, phase.lower()) for phase in Phase], default=Phase.PENDING
    )
    version = models.BigIntegerField(default=0, help_text="counts whatever changes")
    run_id = models.CharField(max_length=RUN_ID_LENGTH, blank=True, help_text="what its owner calls it")
    execution_duration = models.PositiveIntegerField(help_text="seconds it may take")
    quote = models.DateTimeField(null=True, help_text="when it is expected to end; null is not known")
    destruction = models.DateTimeField(help_text="when it is removed, with its result")

    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=9, choices=ErrorType, blank=True)
    result = models.CharField(max_length=255, blank=True, help_text="where its result is kept")
    result_type = models.CharField(max_length=255, blank=True, help_text="the media type of its result")
    result_suffix = models.CharField(max_length=20, blank=True)
    result_size = models.BigIntegerField(null=True)

    lease = models.CharField(max_length=32, blank=True, help_text="of the worker that has it")
    host = models.CharField(max_length=255, blank=True)
    pid = models.IntegerField(null=True)
    seen_at = models.DateTimeField(
        null=True, help_text="when its worker last was, by the clock of the database"
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="workers it has had")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["owner", "kind", "-created_at"], name="job_of_owner"),
            models.Index(
                fields=["phase", "queued_at"],
                condition=models.Q(phase__in=["QUEUED", "EXECUTING"]),
                name="job_open",
            ),
            models.Index(fields=["destruction"], name="job_destruction"),
        ]

    def __str__(self):
        return f"{self.kind} job {self.id}"

    told_info = ()

    @property
    def owner_name(self):
        """By what name its owner is known; empty for nobody."""
        return self.owner.get_username() if self.owner else ""

    @property
    def told_parameters(self):
        """What it was asked with."""
        return [Parameter(name, value) for name, values in self.parameters.items() for value in values]

    @property
    def told_results(self):
        """What came of it."""
        if not self.result:
            return []
        return [Result(RESULT, f"results/{RESULT}", self.result_type, self.result_size)]
