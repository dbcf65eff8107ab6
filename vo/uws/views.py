"""The addresses of jobs: a list, each job, and a leaf for each thing there is to say of it."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from vo.doors import VOTABLE_TYPE, door
from vo.models import Job
from vo.models.jobs import RESULT
from vo.parameters import base_of, sent_parameters
from vo.uws.answers import form_of, see_other, text, xml
from vo.uws.asking import OF_THE_JOB, duration_in, jobs_asked, last_of, moment_in, wants_to_run
from vo.uws.changing import abort_job, archive_job, destroy_job, start_job
from vo.uws.creating import add_parameters, create_job, set_destruction, set_duration
from vo.uws.documents import job_document, list_document, moment, parameters_document, results_document
from vo.uws.errors import NotThere, UnfitValue
from vo.uws.keeping import is_kept, open_kept
from vo.uws.querysets import phases_of
from vo.uws.waiting import answered_when_it_moves
from worktables.formats.votable import write_error
from worktables.streaming import file_pieces, stream

LONG = ("parameters", "files", "error")  # and not listed


@door("GET", "POST")
def jobs(request, kind):
    """List one's own jobs, or make one."""
    if request.method == "POST":
        return make_job(request, kind)
    own = jobs_asked(Job.objects.listed_for(request.user).filter(kind=kind), sent_parameters(request))
    return xml(
        list_document(own.select_related("owner").defer(*LONG), lambda job: full_address(request, job))
    )


def make_job(request, kind):
    """Make a job of what a form says, and start it if it says so."""
    said, files = form_of(request)
    duration, destruction = last_of(said, "EXECUTIONDURATION"), last_of(said, "DESTRUCTION")
    job = create_job(
        kind,
        {name: values for name, values in said.items() if name not in OF_THE_JOB},
        files,
        owner=request.user if request.user.is_authenticated else None,
        now=timezone.now(),
        run_id=last_of(said, "RUNID"),
        duration=duration_in(duration) if duration else None,
        destruction=moment_in("DESTRUCTION", destruction) if destruction else None,
        run=wants_to_run(said),
        base=base_of(request),
    )
    return see(request, job)


@door("GET", "POST", "DELETE")
def job_now(request, kind, job_id):
    """Show a job as it is, or destroy it."""
    job = find(request, kind, job_id)
    if request.method == "GET" or request.method == "HEAD":
        response = xml(job_document(job, full_address(request, job)))
        response.phase = job.phase
        return response
    if request.method == "POST":
        action = last_of(sent_parameters(request), "ACTION").upper()
        if action != "DELETE":
            raise UnfitValue("ACTION", action, "DELETE, which removes the job and its result")
    destroy_job(job)
    return see_other(request, reverse(f"{kind}-jobs"))


# Held back when it is asked with WAIT, until the job moves on.
job = csrf_exempt(answered_when_it_moves(job_now, phases_of, lambda kind, job_id: job_id))


@door("GET", "POST")
def phase(request, kind, job_id):
    """Say in which phase a job is, or bring it into another."""
    job = find(request, kind, job_id)
    if request.method != "POST":
        return text(job.phase)
    said = last_of(sent_parameters(request), "PHASE").upper()
    actions = {"RUN": start_job, "ABORT": abort_job, "ARCHIVE": archive_job}
    if said not in actions:
        raise UnfitValue("PHASE", said, "RUN, ABORT or ARCHIVE")
    actions[said](job, now=timezone.now())
    return see(request, job)


@door("GET", "POST")
def execution_duration(request, kind, job_id):
    """Say for how many seconds a job may run, or change that."""
    job = find(request, kind, job_id)
    if request.method != "POST":
        return text(job.execution_duration)
    set_duration(job, duration_in(last_of(sent_parameters(request), "EXECUTIONDURATION")))
    return see(request, job)


@door("GET", "POST")
def destruction(request, kind, job_id):
    """Say when a job goes, or change that."""
    job = find(request, kind, job_id)
    if request.method != "POST":
        return text(moment(job.destruction))
    moment_asked = moment_in("DESTRUCTION", last_of(sent_parameters(request), "DESTRUCTION"))
    set_destruction(job, moment_asked, now=timezone.now())
    return see(request, job)


@door("GET")
def quote(request, kind, job_id):
    """Say when a job is expected to end; nothing, when that is not known."""
    return text(moment(find(request, kind, job_id).quote) or "")


@door("GET")
def owner(request, kind, job_id):
    """Say whose a job is; nothing, when it is nobody's."""
    return text(find(request, kind, job_id).owner_name)


@door("GET", "POST")
def parameters(request, kind, job_id):
    """Say what a job was asked with, or say more while it has not started."""
    job = find(request, kind, job_id)
    if request.method != "POST":
        return xml(parameters_document(job, full_address(request, job)))
    said, files = form_of(request)
    own = {name: values for name, values in said.items() if name not in OF_THE_JOB}
    add_parameters(job, own, files, run_id=last_of(said, "RUNID", job.run_id))
    return see(request, job)


@door("GET")
def results(request, kind, job_id):
    """Say where the result of a job is."""
    job = find(request, kind, job_id)
    return xml(results_document(job, full_address(request, job)))


@door("GET")
def result(request, kind, job_id):
    """Send the result of a job."""
    job = find(request, kind, job_id)
    if not job.result:
        raise NotThere(f"the job has no result; it is {job.phase}")
    if not is_kept(job.result):
        raise NotThere("the result of the job is gone from the disk; run the query again as another job")
    return stream(
        request,
        file_pieces(lambda: open_kept(job.result)),
        media_type=job.result_type,
        filename=f"{RESULT}{job.result_suffix}",
        size=job.result_size,
    )


@door("GET")
def error(request, kind, job_id):
    """Say what went wrong with a job, as a VOTable."""
    job = find(request, kind, job_id)
    if not job.error:
        raise NotThere(f"the job has no error; it is {job.phase}")
    return HttpResponse(write_error(job.error), content_type=VOTABLE_TYPE)


# ------------------------------------------------------------------ what they share


def find(request, kind, job_id):
    """Return a job that this person may know of; anything else is not there."""
    job = Job.objects.reachable_by(request.user).filter(kind=kind, pk=job_id).select_related("owner").first()
    if job is None:
        raise NotThere()
    return job


def full_address(request, job):
    """Return the whole address of a job."""
    return request.build_absolute_uri(reverse(f"{job.kind}-job", args=[job.pk]))


def see(request, job):
    """Send whoever changed a job to look at it."""
    return see_other(request, reverse(f"{job.kind}-job", args=[job.pk]))
