"""Telling open pages that something changed."""

from datetime import UTC, datetime, timedelta
from functools import cache

import redis
from django.conf import settings

from pipelines.writing import encode_json, insert_many
from worktables.models import Event
from worktables.waking import line, once_committed

CHANNEL = "stoa:events"
SHOWN_AT_MOST = 300
KEPT = timedelta(days=2)


def announce(worktable, kind, **payload):
    """Leave an event for the pages that show this table; it is heard when the transaction commits.

    Parameters
    ----------
    worktable : Worktable
    kind : {"rows", "table", "talk"}
        Rows changed (payload `rows`: their ids, or `all`), the table itself, or its annotations.
    """
    _leave(worktable.project_id, [(worktable.pk, kind, payload)])


def announce_rows(worktable, row_ids):
    """Say which rows look different now; beyond a few hundred, that many did."""
    ids = list(row_ids)
    if len(ids) > SHOWN_AT_MOST:
        announce(worktable, "rows", all=True, n=len(ids))
    elif ids:
        announce(worktable, "rows", rows=ids)


def announce_tables(project_id, worktable_ids):
    """Say of some tables that rows of them look different now."""
    _leave(project_id, [(worktable_id, "rows", {"all": True}) for worktable_id in sorted(worktable_ids)])


def _leave(project_id, events):
    insert_many(
        "worktables_event",
        {"worktable_id": "bigint", "kind": "text", "payload": "jsonb"},
        [(worktable_id, kind, encode_json(payload)) for worktable_id, kind, payload in events],
        {"project_id": project_id, "at": datetime.now(UTC)},
    )
    if settings.REDIS_URL and events:
        once_committed(wake_pages)


def wake_pages():
    """Wake the event streams of all web processes; they look every now and then without this, too."""
    line.say(lambda: _redis().publish(CHANNEL, "1"))


@cache
def _redis():
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)


def forget_old_events(now):
    """Drop events that no page can be waiting for any more; return how many."""
    return Event.objects.filter(at__lt=now - KEPT).delete()[0]
