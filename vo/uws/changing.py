"""Starting, aborting, archiving and destroying jobs."""

from django.db import transaction
from django.db.models import F

from vo.models import Job
from vo.uws.errors import PhaseConflict
from vo.uws.keeping import remove_all_of
from vo.uws.limits import ARCHIVED_FOR
from vo.uws.phases import ENDED, Phase, phases_before
from worktables.waking import notify

DESTROYED_AT_ONCE = 500


def start_job(job, *, now):
    """Put a job into the queue, from which a worker takes it; to start what was started changes nothing.

    Raises
    ------
    PhaseConflict
        If it has ended.
    """
    if not move(job, Phase.QUEUED, from_phases=(Phase.PENDING, Phase.HELD), queued_at=now):
        if job.phase in (Phase.QUEUED, Phase.EXECUTING):
            return
        raise PhaseConflict(job.phase, "started", [Phase.PENDING])
    notify()


def abort_job(job, *, now):
    """End a job without a result; the worker that has it notices, and stops. To abort what is aborted changes nothing.

    Raises
    ------
    PhaseConflict
        If it has ended otherwise.
    """
    if not move(job, Phase.ABORTED, ended_at=now, lease=""):
        if job.phase == Phase.ABORTED:
            return
        raise PhaseConflict(job.phase, "aborted", [Phase.PENDING, Phase.QUEUED, Phase.EXECUTING])


def archive_job(job, *, now):
    """Remove the files of a job that has ended, and keep the record of it for a while.

    Raises
    ------
    PhaseConflict
        If it has not ended.
    """
    with transaction.atomic():
        gone = {"files": {}, "result": "", "result_type": "", "result_suffix": "", "result_size": None}
        if not move(job, Phase.ARCHIVED, destruction=now + ARCHIVED_FOR, **gone):
            if job.phase == Phase.ARCHIVED:
                return
            raise PhaseConflict(job.phase, "archived", sorted(ENDED))
        transaction.on_commit(lambda: remove_all_of(job.pk), robust=True)


def destroy_job(job):
    """Remove a job with all it has; the worker that has it notices, and stops."""
    job.delete()


def destroy_the_overdue(now):
    """Destroy what is past its destruction; return how many jobs went.

    Parameters
    ----------
    now : datetime
    """
    overdue = Job.objects.filter(destruction__lte=now).order_by("destruction")
    ids = list(overdue.values_list("pk", flat=True)[:DESTROYED_AT_ONCE])
    for job in Job.objects.filter(pk__in=ids):
        destroy_job(job)
    return len(ids)


def remove_files_of(sender, instance, **_):
    """Remove the files of a job that is deleted, by whichever door: also with the account of its owner."""
    job_id = instance.pk  # which the record forgets when it is gone
    transaction.on_commit(lambda: remove_all_of(job_id), robust=True)


def move(job, phase, *, from_phases=None, **facts):
    """Bring a job into a phase if it is in one from which that may be; return whether it was.

    The job knows its phase afterwards in any case.
    """
    before = phases_before(phase) if from_phases is None else from_phases
    moved = Job.objects.filter(pk=job.pk, phase__in=before).update(
        phase=phase, version=F("version") + 1, **facts
    )
    job.refresh_from_db()
    return bool(moved)
