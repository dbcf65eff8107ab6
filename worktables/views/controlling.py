"""What is done with a whole table from its page: run again what failed or is flagged, hold it, release it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.views.decorators.http import require_POST

from projects.permissions import demand
from worktables.errors import UnfitFilter, UnfitValue
from worktables.holding import hold_rows, release_rows
from worktables.prioritising import put_first
from worktables.retrying import rerun_failed, rerun_flagged
from worktables.views.finding import back_to, find_table


@login_required
@require_POST
def control(request, pk):
    """Do one of these things with the whole table."""
    table, action = find_table(request, pk), request.POST.get("action", "")
    demand(request.user, "run", table)
    act_on(request, table, None, action)
    return back_to(request, table)


def act_on(request, table, ids, action):
    """Do something with rows (None is the whole table), and tell what came of it."""
    if action not in VERBS:
        raise UnfitFilter("action", action, f"is none of {', '.join(VERBS)}")
    try:
        number, words = VERBS[action](table, ids, request)
    except UnfitValue as refusal:
        messages.error(request, str(refusal))
        return
    tell = messages.success if number else messages.warning
    tell(request, words)


def _failed(table, ids, request):
    number = rerun_failed(table, by=request.user, row_ids=ids)
    return number, f"{rows(number)} with failed steps run again." if number else "No row has failed there."


def _flagged(table, ids, request):
    number = rerun_flagged(table, by=request.user, row_ids=ids)
    return number, f"{rows(number)} with flags run again." if number else "No row is flagged there."


def _hold(table, ids, request):
    number = hold_rows(table, ids, request.POST.get("why", ""), by=request.user)
    if ids is None:
        return 1, "The table is held: nothing in it is computed until you release it."
    return len(ids), f"{rows(len(ids))} held ({number} of them newly): not computed until they are released."


def _release(table, ids, request):
    number = release_rows(table, ids, by=request.user)
    if not number:
        return 0, "Nothing was held there."
    return number, "Released: what waited is computed now." if ids is None else f"{rows(number)} released."


def _first(table, ids, request):
    number = put_first(table, ids or [], by=request.user)
    if not number:
        return 0, "Nothing of these rows is queued."
    return number, f"{number} queued step{'s' * (number != 1)} go{'es' * (number == 1)} first."


def rows(number):
    """Return “1 row” or “5 rows”."""
    return f"{number} row{'s' * (number != 1)}"


VERBS = {
    "rerun-failed": _failed,
    "rerun-flagged": _flagged,
    "hold": _hold,
    "release": _release,
    "first": _first,
}
