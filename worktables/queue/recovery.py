"""Workers come and go: who is alive by the clock of the database, and what the dead had in hand."""

import os
import secrets
import socket
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from worktables.events import forget_old_events
from worktables.models import State, Todo, Unit, Worker
from worktables.queue.locking import hold

KEPT = timedelta(days=30)


def database_time():
    """Return the time by the database's clock: leases never trust the clock of a worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        (now,) = cursor.fetchone()
    if isinstance(now, str):
        from datetime import UTC, datetime

        return datetime.fromisoformat(now).replace(tzinfo=UTC)
    return now


def register_worker(name=""):
    """Enter this process as a worker and return its record."""
    host, pid = socket.gethostname(), os.getpid()
    now = database_time()
    return Worker.objects.create(
        token=secrets.token_hex(16),
        name=name or f"{host}:{pid}",
        host=host,
        pid=pid,
        started_at=now,
        seen_at=now,
    )


_own = None


def this_worker():
    """Return this process's record as a worker, made at its first task and alive again at each."""
    global _own
    if _own is None or _own.pid != os.getpid() or not Worker.objects.filter(pk=_own.pk).exists():
        _own = register_worker()
    Worker.objects.filter(pk=_own.pk).update(seen_at=Now(), stopped_at=None)
    return _own


def beat(worker, current=None):
    """Say that a worker is alive, and what it does."""
    facts = {"seen_at": Now()} | ({} if current is None else {"current": current[:200]})
    Worker.objects.filter(pk=worker.pk).update(**facts)


def give_back(worker):
    """Put what a worker holds back into the queue at once; no attempt is counted."""
    Todo.objects.filter(owner=worker.token).update(owner=None, claimed_at=None)


def retire_worker(worker):
    """A worker leaves in order: nothing stays in its hands."""
    give_back(worker)
    Worker.objects.filter(pk=worker.pk).update(stopped_at=Now(), current="")


def sweep():
    """Give back what dead workers held; fail a unit that has lost its worker too often.

    A worker is dead when its heartbeat is older than the lease, or when it ran on this host and
    its process is gone.

    Returns
    -------
    int
        How many units went back.
    """
    lease = timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    late = database_time() - lease
    host = socket.gethostname()
    alive = [
        worker.token
        for worker in Worker.objects.filter(stopped_at=None, seen_at__gte=late)
        if worker.host != host or _runs(worker.pid)
    ]
    lost = list(
        Todo.objects.exclude(owner=None).exclude(owner__in=alive).values_list("owner", flat=True).distinct()
    )
    dead = Worker.objects.filter(stopped_at=None).exclude(token__in=alive)
    if not lost and not dead.exists():
        return 0
    back = Todo.objects.filter(owner__in=lost).update(owner=None, claimed_at=None, attempts=F("attempts") + 1)
    dead.update(stopped_at=Now(), current="")
    _fail_the_hopeless()
    return back


def tidy():
    """Forget what nobody asks for any more: old events, and workers that stopped long ago (their runs name them)."""
    now = database_time()
    forget_old_events(now)
    Worker.objects.filter(stopped_at__lt=now - KEPT).delete()


def _fail_the_hopeless():
    limit = settings.WORKTABLES["ATTEMPTS"]
    for todo in Todo.objects.filter(owner=None, attempts__gte=limit).select_related("worktable"):
        with transaction.atomic():
            hold(todo.worktable.project_id)
            key = {"worktable": todo.worktable_id, "step": todo.step_id, "row_id": todo.row_id}
            if not Todo.objects.filter(**key, owner=None, attempts__gte=limit).delete()[0]:
                continue
            Unit.objects.filter(**key).update(
                state=State.FAILED,
                reason=f"lost its worker {limit} times: the step may need more memory than there is, "
                "or kill its process",
                settled_at=Now(),
            )


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
