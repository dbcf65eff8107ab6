"""The addresses of the jobs of a worktable: a list, each row, and a leaf for each thing there is to say of it."""

import functools

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from archive.errors import ArchiveError
from archive.models import Product
from pipelines.errors import PipelinesError
from vo.doors import TEXT_TYPE, door
from vo.parameters import sent_parameters
from vo.rows.cells import FILES, in_text
from vo.rows.changing import abort_row, add_job, delete_row, edit_row, start_row
from vo.rows.errors import CannotBeSet, Refused
from vo.rows.finding import find_row, find_table, phases_of, rows_asked
from vo.rows.telling import owners_of, quote_of, tell
from vo.uws.answers import form_of, see_other, text, xml
from vo.uws.asking import OF_THE_JOB, last_of, wants_to_run
from vo.uws.documents import job_document, list_document, moment, parameters_document, results_document
from vo.uws.errors import NotThere, UnfitValue
from vo.uws.waiting import answered_when_it_moves
from worktables.errors import WorktableError
from worktables.formats import FormatError
from worktables.storage import layout_of
from worktables.views.files import send_file


def row_door(*methods):
    """Make a view an address of jobs that are rows, where what tables refuse is told as the VO tells it."""

    def decorate(view):
        @door(*methods)
        @functools.wraps(view)
        def answer(request, *args, **kwargs):
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied as refusal:
                raise Refused(str(refusal), 403) from None
            except (WorktableError, FormatError, PipelinesError, ArchiveError) as refusal:
                raise Refused(str(refusal), refusal.status) from None

        return answer

    return decorate


@row_door("GET", "POST")
def jobs(request, pk):
    """List the rows of a table as jobs, or add one."""
    if request.method == "POST":
        table = find_table(request, pk, to="run")
        said, files = form_of(request)
        for name, why in (
            ("EXECUTIONDURATION", "a row runs for as long as its steps take"),
            ("DESTRUCTION", "a row does not expire"),
        ):
            if last_of(said, name):
                raise CannotBeSet(name, why)
        cells = cells_of(said)
        run_id, run = last_of(said, "RUNID"), wants_to_run(said)
        row_id = add_job(table, cells, files, by=request.user, run_id=run_id, run=run)
        return see(request, pk, row_id)
    table = find_table(request, pk)
    base = request.build_absolute_uri(reverse("row-jobs", args=[pk]))
    return xml(
        list_document(
            rows_asked(table, sent_parameters(request), request.user), lambda row: f"{base}/{row.pk}"
        )
    )


@row_door("GET", "POST", "DELETE")
def job_now(request, pk, row_id):
    """Show a row as a job as it is, or delete it; what is posted here is done as at its leaves."""
    if request.method in ("GET", "HEAD"):
        told = told_job(request, pk, row_id)
        response = xml(job_document(told, full_address(request, pk, row_id)))
        response.phase = told.phase
        return response
    table = find_table(request, pk, to="run")
    find_row(table, row_id)
    said, files = form_of(request) if request.method == "POST" else ({"ACTION": ["DELETE"]}, {})
    action, cells = said.pop("ACTION", None), cells_of(said)
    if action is not None:
        if action[-1].strip().upper() != "DELETE":
            raise UnfitValue("ACTION", action[-1], "DELETE, which puts the row into the trash of its table")
        delete_row(table, row_id, by=request.user)
        return see_other(request, reverse("row-jobs", args=[pk]))
    with transaction.atomic():
        if cells or files:
            edit_row(table, row_id, cells, files, by=request.user)
        if "PHASE" in said or not (cells or files):
            act(table, row_id, said, request.user)
    return see(request, pk, row_id)


# Held back when it is asked with WAIT, until the row moves on.
job = csrf_exempt(answered_when_it_moves(job_now, phases_of, lambda pk, row_id: (pk, row_id)))


@row_door("GET", "POST")
def phase(request, pk, row_id):
    """Say in which phase a row is, or have it made or cancelled."""
    if request.method != "POST":
        return text(find_row(find_table(request, pk), row_id).phase)
    table = find_table(request, pk, to="run")
    find_row(table, row_id)
    act(table, row_id, sent_parameters(request), request.user)
    return see(request, pk, row_id)


def act(table, row_id, said, user):
    """Have a row made or cancelled, as is said."""
    wanted = last_of(said, "PHASE").upper()
    actions = {"RUN": start_row, "ABORT": abort_row}
    if wanted not in actions:
        raise UnfitValue("PHASE", wanted, "RUN or ABORT")
    actions[wanted](table, row_id, by=user)


@row_door("GET")
def execution_duration(request, pk, row_id):
    """Say for how many seconds a row may run: 0 is for as long as its steps take."""
    find_row(find_table(request, pk), row_id)
    return text(0)


@row_door("GET")
def destruction(request, pk, row_id):
    """Say when a row goes: nothing, for it does not expire."""
    find_row(find_table(request, pk), row_id)
    return text("")


@row_door("GET")
def quote(request, pk, row_id):
    """Say when a row is expected to be done; nothing, when that is not known, or it is."""
    table = find_table(request, pk)
    return text(moment(quote_of(table, find_row(table, row_id), request.user)) or "")


@row_door("GET")
def owner(request, pk, row_id):
    """Say who added a row; nothing, where that is not known."""
    table = find_table(request, pk)
    row = find_row(table, row_id)
    return text(owners_of(table, [row], request.user).get(row.created_by, ""))


@row_door("GET", "POST")
def parameters(request, pk, row_id):
    """Say what was typed into a row, or edit it while nothing of it runs."""
    if request.method != "POST":
        told, address = told_job(request, pk, row_id), full_address(request, pk, row_id)
        return xml(parameters_document(told, address))
    table = find_table(request, pk, to="run")
    find_row(table, row_id)
    said, files = form_of(request)
    edit_row(table, row_id, cells_of(said), files, by=request.user, run_id=last_of(said, "RUNID"))
    return see(request, pk, row_id)


@row_door("GET")
def results(request, pk, row_id):
    """Say what was computed in a row, and where it is."""
    return xml(results_document(told_job(request, pk, row_id), full_address(request, pk, row_id)))


@row_door("GET")
def error(request, pk, row_id):
    """Say what went wrong, step by step."""
    told = told_job(request, pk, row_id)
    if not told.error:
        raise NotThere(f"the job has no error; it is {told.phase}")
    said = "\n".join(told.failures or [told.error])
    return HttpResponse(f"{said}\n", content_type=TEXT_TYPE)


@row_door("GET")
def parameter(request, pk, row_id, column):
    """Send what was typed into a cell, or the file in it."""
    return cell(request, pk, row_id, column, typed=True)


@row_door("GET")
def result(request, pk, row_id, column):
    """Send what was computed for a cell, or the file in it."""
    return cell(request, pk, row_id, column, typed=False)


def cell(request, pk, row_id, name, *, typed):
    """Send a cell as text, or the file that it names."""
    table = find_table(request, pk)
    row, layout = find_row(table, row_id), layout_of(table)
    column = layout.by_name.get(name)
    if column is None or column.editable_by_people != typed:
        raise NotThere(f"the job has no {'parameter' if typed else 'result'} of that name")
    value = layout.value(column, row)
    if value is None:
        raise NotThere(f"“{name}” is empty; the job is {row.phase}")
    if column.kind not in FILES:
        return text(in_text(column, value))
    product = Product.objects.filter(project=table.project_id, sha256=value).first()
    if product is None:
        raise NotThere(f"the file of “{name}” is not kept any more")
    return send_file(request, product, product.project_id)


# ------------------------------------------------------------------ what they share


def told_job(request, pk, row_id):
    """Return all there is to say of a row as a job, to whoever asks."""
    table = find_table(request, pk)
    page = request.build_absolute_uri(reverse("row", args=[pk, row_id]))
    return tell(table, find_row(table, row_id), request.user, page=page)


def cells_of(said):
    """Return what a form says of the row, without what it says of the job."""
    return {name: values for name, values in said.items() if name not in OF_THE_JOB}


def full_address(request, pk, row_id):
    """Return the whole address of a job."""
    return request.build_absolute_uri(reverse("row-job", args=[pk, row_id]))


def see(request, pk, row_id):
    """Send whoever changed a job to look at it."""
    return see_other(request, reverse("row-job", args=[pk, row_id]))
