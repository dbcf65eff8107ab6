"""Queries as jobs, for people: begun here, watched, stopped, and fetched."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vo.adql import AdqlError
from vo.catalogue import schemas_for
from vo.errors import VoError
from vo.models import Job
from vo.parameters import base_of
from vo.querying.remembering import remember
from vo.tap.answering import prepare
from vo.tap.asking import read_query
from vo.uws.changing import abort_job, destroy_job, start_job
from vo.uws.creating import create_job
from vo.uws.phases import OVER, Phase
from vo.views.querying import address_of, query_page, text_of
from worktables.formats import FORMATS

PER_PAGE = 25
KIND = "tap"
# By which colour and sign each phase is shown.
SHOWN_AS = {
    Phase.PENDING: "empty",
    Phase.QUEUED: "queued",
    Phase.EXECUTING: "running",
    Phase.COMPLETED: "fresh",
    Phase.ERROR: "failed",
    Phase.ABORTED: "blocked",
    Phase.UNKNOWN: "stale",
    Phase.HELD: "held",
    Phase.SUSPENDED: "held",
    Phase.ARCHIVED: "retired",
}


@require_http_methods(["GET", "HEAD", "POST"])
def jobs(request):
    """List one's own jobs, the newest first; a query that is posted here becomes one."""
    if request.method == "POST":
        return begun(request, text_of(request.POST))
    return render(request, "vo/query/jobs.html", {"here": "jobs", **jobs_facts(request)})


@require_safe
def jobs_now(request):
    """Show the list alone, for a page that is open already."""
    return render(request, "vo/query/_jobs.html", jobs_facts(request))


def begun(request, text):
    """Begin a job, and show it; what is wrong with the query is said at once."""
    base, format = base_of(request), request.POST.get("format", "votable")
    parameters = {"LANG": ["ADQL"], "QUERY": [text], "RESPONSEFORMAT": [format]}
    remember(text, request.user, now=timezone.now())
    try:
        prepare(read_query(parameters, base=base), request.user, schemas_for(request.user, base))
        job = create_job(
            KIND,
            parameters,
            owner=request.user if request.user.is_authenticated else None,
            now=timezone.now(),
            run_id=request.POST.get("run_id", "")[:255].strip(),
            run=True,
            base=base,
        )
    except (AdqlError, VoError) as error:
        return query_page(request, text, error=error)
    return redirect("query-job", job.pk)


def jobs_facts(request):
    """Return one's own jobs as the list shows them."""
    own = Job.objects.listed_for(request.user).filter(kind=KIND).order_by("-created_at", "pk")
    page = Paginator(own, PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "jobs": [shown(job) for job in page]}


@require_safe
def job(request, job_id):
    """Show a job: how far it is, and what came of it."""
    facts = {"here": "jobs", "job": shown(found(request, job_id))}
    return render(request, "vo/query/job.html", facts)


@require_safe
def job_now(request, job_id):
    """Show how far a job is, for a page that is open already."""
    return render(request, "vo/query/_job.html", {"job": shown(found(request, job_id))})


@require_POST
def change_job(request, job_id):
    """Start, stop or delete a job."""
    one, action = found(request, job_id), request.POST.get("action", "")
    if action == "delete":
        destroy_job(one)
        messages.success(request, "The job is deleted, and its result with it.")
        return redirect("query-jobs")
    actions = {"abort": abort_job, "start": start_job}
    if action not in actions:
        raise Http404
    try:
        actions[action](one, now=timezone.now())
    except VoError as error:
        messages.warning(request, f"{str(error).capitalize()}.")
    if request.POST.get("from") == "list":
        return redirect("query-jobs")
    return redirect("query-job", one.pk)


def found(request, job_id):
    """Return a job that this person may know of; any other does not exist for them."""
    one = Job.objects.reachable_by(request.user).filter(kind=KIND, pk=job_id).first()
    if one is None:
        raise Http404
    return one


def shown(job):
    """Return what is shown of a job."""
    text = "".join(job.parameters.get("QUERY", [])[-1:])
    format = "".join(job.parameters.get("RESPONSEFORMAT", job.parameters.get("FORMAT", []))[-1:])
    until = job.ended_at or timezone.now()
    return {
        "job": job,
        "phase": job.phase,
        "phase_words": job.phase.lower(),
        "state": SHOWN_AS[Phase(job.phase)],
        "text": text,
        "address": address_of(text),
        "format": FORMATS[format].title if format in FORMATS else format or FORMATS["votable"].title,
        "seconds": (until - job.started_at).total_seconds() if job.started_at else None,
        "is_over": job.phase in OVER,
        "may_start": job.phase in (Phase.PENDING, Phase.HELD),
    }
