"""Telling open pages and sleeping workers that something changed."""

from datetime import timedelta

from worktables.models import Event


def announce(worktable, kind, **payload):
    """Leave an event for the pages that show this table; it is heard when the transaction commits.

    Parameters
    ----------
    worktable : Worktable
    kind : {"rows", "table", "talk"}
        Rows changed (payload `rows`: their ids, or `all`), the table itself, or its annotations.
    """
    Event.objects.create(project_id=worktable.project_id, worktable=worktable, kind=kind, payload=payload)


SHOWN_AT_MOST = 300
KEPT = timedelta(days=2)


def forget_old_events(now):
    """Drop events that no page can be waiting for any more; return how many."""
    return Event.objects.filter(at__lt=now - KEPT).delete()[0]


def announce_rows(worktable, row_ids):
    """Say which rows look different now; beyond a few hundred, that many did."""
    ids = list(row_ids)
    if len(ids) > SHOWN_AT_MOST:
        announce(worktable, "rows", all=True, n=len(ids))
    elif ids:
        announce(worktable, "rows", rows=ids)
