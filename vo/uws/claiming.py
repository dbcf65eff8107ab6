"""Who has a job: one worker takes it, holds it by a lease, and brings what came of it only while it does."""

import os
import secrets
import socket
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from vo.models import Job
from vo.uws.limits import ATTEMPTS
from vo.uws.phases import Phase
from worktables.queue.recovery import database_time, runs
from worktables.waking import notify

LOST = (
    f"its worker was lost {ATTEMPTS} times: the job may need more memory than there is; "
    "ask for less at once, or tell the operators"
)


def claim_job(kinds):
    """Take the job that waits longest, for this process; nobody else has it then.

    Parameters
    ----------
    kinds : iterable of str
        What this worker can answer.

    Returns
    -------
    Job or None
    """
    waiting = Job.objects.filter(phase=Phase.QUEUED, kind__in=list(kinds)).order_by("queued_at", "pk")
    # Whoever is first to change the phase has it; the others find nothing to change, on either database.
    lease = secrets.token_hex(16)
    for pk in waiting.values_list("pk", flat=True)[:20]:
        taken = Job.objects.filter(pk=pk, phase=Phase.QUEUED).update(
            phase=Phase.EXECUTING,
            lease=lease,
            host=socket.gethostname(),
            pid=os.getpid(),
            seen_at=Now(),
            started_at=Now(),
            attempts=F("attempts") + 1,
            version=F("version") + 1,
        )
        if taken:
            return Job.objects.select_related("owner").filter(pk=pk, lease=lease).first()
    return None


def held(job):
    """Return the job if this worker still has it, as a queryset of one or none."""
    return Job.objects.filter(pk=job.pk, lease=job.lease, phase=Phase.EXECUTING)


def keep_hold(job):
    """Say that the worker of a job lives; return whether it still has it."""
    return bool(held(job).update(seen_at=Now()))


def finish_job(job, *, name, media_type, suffix, size):
    """Give a job its result; return whether it was taken.

    Parameters
    ----------
    job : Job
        As `claim_job` returned it.
    name : str
        Where the result is kept.
    media_type, suffix : str
    size : int
        In bytes.
    """
    result = {"result": name, "result_type": media_type, "result_suffix": suffix, "result_size": size}
    return _let_go(job, Phase.COMPLETED, ended_at=Now(), **result)


def fail_job(job, sentence, *, transient=False):
    """Let a job end with an error; return whether that was taken.

    Parameters
    ----------
    job : Job
        As `claim_job` returned it.
    sentence : str
        What is wrong and what to do, for whoever asked.
    transient : bool
        Whether it may work later.
    """
    error_type = Job.ErrorType.TRANSIENT if transient else Job.ErrorType.FATAL
    return _let_go(job, Phase.ERROR, ended_at=Now(), error=sentence, error_type=error_type)


def give_back(job):
    """Put a job back into the queue, because its worker leaves; no attempt is counted."""
    return _let_go(job, Phase.QUEUED, started_at=None, attempts=F("attempts") - 1)


def recover_lost_jobs():
    """Put jobs of dead workers back into the queue; what lost its worker too often ends with an error.

    A worker is dead when it was silent for longer than the lease, or when it ran on this host and its process is gone.

    Returns
    -------
    int
        How many jobs were lost.
    """
    executing = Job.objects.filter(phase=Phase.EXECUTING)
    if not (holders := set(executing.values_list("host", "pid"))):
        return 0
    late = database_time() - timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    lost, host = Q(seen_at__lt=late), socket.gethostname()
    if gone := [pid for where, pid in holders if where == host and not runs(pid)]:
        lost |= Q(host=host, pid__in=gone)
    hopeless = executing.filter(lost, attempts__gte=ATTEMPTS).update(
        phase=Phase.ERROR,
        ended_at=Now(),
        error=LOST,
        error_type=Job.ErrorType.FATAL,
        lease="",
        version=F("version") + 1,
    )
    again = executing.filter(lost).update(
        phase=Phase.QUEUED, started_at=None, lease="", version=F("version") + 1
    )
    if again:
        notify()
    return hopeless + again


def _let_go(job, phase, **facts):
    """Take a job out of the hands of its worker, if it is still in them."""
    taken = held(job).update(phase=phase, lease="", version=F("version") + 1, **facts)
    notify()  # there is room for another
    return bool(taken)
