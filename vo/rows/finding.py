"""Finding a table's list of jobs, and a row in it: what whoever asks may not see is not there."""

from projects.permissions import demand
from vo.rows.cells import name_of, named_by
from vo.rows.phases import with_phase
from vo.rows.telling import owners_of
from vo.signing import NotSignedIn
from vo.uws.asking import last_asked, last_of, made_after, phases_asked
from vo.uws.errors import NotThere
from worktables.models import State, TableStep, Worktable
from worktables.storage import layout_of

LISTED, MOST = 1000, 10_000  # jobs in one document, unless LAST asks for more
TOLD = ("id", "created_at", "created_by", "item_key")
NO_LIST = "there is no such list of jobs; the table may have no pipeline, lie in the trash, or not be shared with you"
NO_JOB = "there is no such job; its row may have been deleted"


def find_table(request, pk, to=None):
    """Return a table whose rows are jobs, if whoever asks may see it, and do this `to` it.

    Raises
    ------
    NotSignedIn, NotThere, PermissionDenied
    """
    if not request.user.is_authenticated:
        raise NotSignedIn(
            "sign in with your user name and a token: what is computed in tables is for their team"
        )
    visible = Worktable.objects.visible_to(request.user).select_related("project", "pipeline")
    table = visible.filter(pk=pk, pk__in=TableStep.objects.values("worktable")).first()
    if table is None:
        raise NotThere(NO_LIST)
    if to:
        demand(request.user, to, table)
    return table


def find_row(table, row_id):
    """Return a row with its phase, or say that there is none."""
    row = with_phase(layout_of(table).rows, table.pk).filter(id=row_id).first()
    if row is None:
        raise NotThere(NO_JOB)
    return row


def rows_asked(table, said, viewer):
    """Return the rows that a list of jobs is asked for, the newest first, each with what a list tells.

    Parameters
    ----------
    table : Worktable
    said : mapping of str to list of str
        PHASE, AFTER and LAST.
    viewer : User
    """
    layout = layout_of(table)
    rows = with_phase(layout.rows, table.pk)
    asked = last_of(said, "PHASE")
    rows = rows.filter(phase__in=phases_asked(said)) if asked else rows.exclude(state=State.RETIRED)
    rows = made_after(rows, said).only(*TOLD, *layout.fields(named_by(layout)))
    rows = list(rows.order_by("-id")[: last_asked(said, LISTED, MOST)])
    owners = owners_of(table, rows, viewer)
    for row in rows:
        row.run_id, row.owner_name = name_of(layout, row), owners.get(row.created_by, "")
    return rows


def phases_of(keys):
    """Return {(table id, row id): phase}; rows that are gone have none."""
    found, of_table = {}, {}
    for table_id, row_id in keys:
        of_table.setdefault(table_id, []).append(row_id)
    tables = Worktable.objects.present().filter(pk__in=list(of_table))
    for table in tables:
        rows = with_phase(layout_of(table).rows, table.pk).filter(id__in=of_table[table.pk])
        found |= {(table.pk, row_id): phase for row_id, phase in rows.values_list("id", "phase")}
    return found
