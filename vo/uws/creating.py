"""Making a job, and saying more of it before it starts."""

from django.conf import settings
from django.db import transaction
from django.db.models import F

from vo.models import Job
from vo.uws.changing import start_job
from vo.uws.errors import PhaseConflict, TooManyJobs, TooMuch, UnfitValue
from vo.uws.keeping import keep, name_in, remove_kept
from vo.uws.limits import (
    OPEN_JOBS,
    OPEN_JOBS_OF_NOBODY,
    PARAMETER_LENGTH,
    RUN_ID_LENGTH,
    destruction_within,
    duration_within,
)
from vo.uws.phases import Phase


def create_job(
    kind,
    parameters,
    files=None,
    *,
    owner,
    now,
    run_id="",
    duration=None,
    destruction=None,
    run=False,
    base="",
):
    """Make a job; it waits until it is started.

    Parameters
    ----------
    kind : str
        Who answers it.
    parameters : mapping of str to list of str
        As they were sent; names are known in upper case from here on.
    files : mapping of str to file, optional
        What came with them, by the name of its field.
    owner : User or None
        None is nobody known; the job is then for whoever knows its id.
    now : datetime
    run_id : str
    duration : int, optional
        Seconds it may take; what is more than the limit is the limit.
    destruction : datetime, optional
        When it shall go; what is later than the limit is the limit.
    run : bool
        Whether it starts at once.
    base : str
        Address of the portal as its owner reaches it: addresses in the answer begin with it.

    Returns
    -------
    Job

    Raises
    ------
    TooMuch, TooManyJobs, UnfitValue
    """
    jobs = Job.objects.filter(
        owner=owner, kind=kind, phase__in=(Phase.PENDING, Phase.QUEUED, Phase.EXECUTING)
    )
    most = OPEN_JOBS_OF_NOBODY if owner is None else OPEN_JOBS
    if jobs.count() >= most:
        raise TooManyJobs(most)
    job = Job(
        kind=kind,
        owner=owner,
        base=base,
        parameters=checked(parameters),
        run_id=checked_run_id(run_id),
        execution_duration=duration_within(duration, known=owner is not None),
        created_at=now,
        destruction=destruction_within(destruction, now),
    )
    job.files = keep_files(job, files or {}, {})
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            if run:
                start_job(job, now=now)
    except BaseException:
        remove_kept(job.files.values())
        raise
    return job


def add_parameters(job, parameters, files=None, *, run_id=None):
    """Say more of a job that waits to be started; a parameter that was said before is replaced.

    Raises
    ------
    PhaseConflict
        If it has been started.
    TooMuch
    """
    run_id = checked_run_id(job.run_id if run_id is None else run_id)
    together = checked(job.parameters | upper(parameters))
    kept = keep_files(job, files or {}, job.files)
    new = {field: name for field, name in kept.items() if job.files.get(field) != name}
    changed = Job.objects.filter(pk=job.pk, phase=Phase.PENDING).update(
        parameters=together, files=kept, run_id=run_id, version=F("version") + 1
    )
    remove_kept(new.values() if not changed else [job.files[field] for field in new if field in job.files])
    if not changed:
        raise PhaseConflict(phase_of(job), "told more", [Phase.PENDING])
    job.parameters, job.files, job.run_id = together, kept, run_id


def set_duration(job, seconds):
    """Say for how many seconds a job may run; 0 is as long as it can be had."""
    job.execution_duration = duration_within(seconds, known=job.owner_id is not None)
    changed = Job.objects.filter(pk=job.pk, phase__in=(Phase.PENDING, Phase.QUEUED)).update(
        execution_duration=job.execution_duration, version=F("version") + 1
    )
    if not changed:
        raise PhaseConflict(phase_of(job), "given another duration", [Phase.PENDING, Phase.QUEUED])


def set_destruction(job, moment, *, now):
    """Say when a job goes, with its result."""
    job.destruction = destruction_within(moment, now)
    Job.objects.filter(pk=job.pk).update(destruction=job.destruction, version=F("version") + 1)


def phase_of(job):
    """Return the phase of a job as it is now."""
    return Job.objects.values_list("phase", flat=True).get(pk=job.pk)


def upper(parameters):
    """Return parameters by their names in upper case, values of the same name together."""
    found = {}
    for name, values in parameters.items():
        found.setdefault(name.upper(), []).extend(values)
    return found


def checked_run_id(run_id):
    """Return what somebody calls a job, or say that it is too long or cannot be kept."""
    if len(run_id) > RUN_ID_LENGTH or "\0" in run_id:
        raise UnfitValue(
            "RUNID", run_id.replace("\0", "?"), f"at most {RUN_ID_LENGTH} characters, and no NUL"
        )
    return run_id


def checked(parameters):
    """Return parameters by their names in upper case, or say that they are too long."""
    parameters = upper(parameters)
    length = sum(len(name) * len(values) + sum(map(len, values)) for name, values in parameters.items())
    if length > PARAMETER_LENGTH:
        raise TooMuch("the parameters are longer than they may be, in characters:", length, PARAMETER_LENGTH)
    for name, values in parameters.items():
        if "\0" in name or any("\0" in value for value in values):
            raise UnfitValue(name.replace("\0", "?"), "NUL", "a value without NUL characters")
    return parameters


def keep_files(job, files, before):
    """Keep the files that came for a job, beside those it had; return where all are."""
    size, kept, most = sum(file.size for file in files.values()), dict(before), settings.VO["UPLOAD_BYTES"]
    if size > most:
        raise TooMuch("the files of the job are larger than they may be, in bytes:", size, most)
    for field, file in files.items():
        name = name_in(job.pk, f"upload-{job.version}-{len(kept)}")
        keep(name, file.chunks(), most)
        kept[field] = name
    return kept
