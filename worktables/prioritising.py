"""What goes first: what somebody asks for by hand, before the work of many rows."""

from django.db import connection, transaction

from projects.permissions import demand
from worktables.events import announce
from worktables.queue.locking import hold
from worktables.queue.priorities import FIRST
from worktables.storage.rows import in_ids
from worktables.waking import wake_workers


@transaction.atomic
def put_first(worktable, row_ids, *, by):
    """Let what is queued of these rows run before everything else that waits.

    Returns
    -------
    int
        How many steps went first.
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    condition, ids = in_ids("row_id", list(row_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_todo SET priority = %s WHERE worktable_id = %s AND owner IS NULL "
            f"AND {condition}",
            [FIRST, worktable.pk, *ids],
        )
        number = cursor.rowcount
    if number:
        announce(worktable, "rows", rows=list(row_ids)[:300])
        wake_workers(worktable)
    return number
