"""Workers come and go: who is alive by the clock of the database, and what the dead had in hand."""

import os
import secrets
import socket
import threading
import time
from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from archive.storage import clear_incoming
from worktables.dependencies import graph_of
from worktables.events import forget_old_events
from worktables.models import State, Todo, Worker, Worktable
from worktables.queue.batching import end_batches
from worktables.queue.claiming import Claim, Portion
from worktables.queue.classes import taken_here
from worktables.queue.code import codes_here
from worktables.queue.errands import errands
from worktables.queue.forgetting import forget_batches, forget_results
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.reading import Work
from worktables.queue.reporting import host_load, n_cores, present_code
from worktables.queue.resting import rest
from worktables.queue.settling import settle

KEPT = timedelta(days=30)
TIDY_SECONDS = 3600


def database_time():
    """Return the time by the database's clock: leases never trust the clock of a worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        (now,) = cursor.fetchone()
    if isinstance(now, str):
        from datetime import UTC, datetime

        return datetime.fromisoformat(now).replace(tzinfo=UTC)
    return now


def register_worker(name="", takes=None):
    """Enter this process as a worker and return its record.

    Parameters
    ----------
    name : str
        Host and process number, unless said.
    takes : sequence of str, optional
        The classes of steps it takes, if not those of all workers of this process.
    """
    worker = describe_worker(name, takes)
    enter(worker)
    return worker


def describe_worker(name="", takes=None):
    """Return what this process is as a worker, as a record that the database has not seen yet."""
    host, pid = socket.gethostname(), os.getpid()
    return Worker(
        token=secrets.token_hex(16),
        name=(name or f"{host}:{pid}")[:120],
        host=host,
        pid=pid,
        takes=list(taken_here() if takes is None else takes),
        cores=n_cores(),
        load=host_load(),
        code=present_code(),
        codes=codes_here(),
    )


def enter(worker):
    """Put a worker on record, by the clock of the database and with the address it is called from."""
    worker.started_at = worker.seen_at = database_time()
    worker.address = calling_address()
    worker.save(force_insert=True)


def calling_address():
    """Return the address from which this process calls the database, as that sees it; empty on one machine."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(host(inet_client_addr()), '')")
        (address,) = cursor.fetchone()
    return address


_own = threading.local()
_parent = None


def work_for(parent):
    """Let the workers of this process and its forks be the processes of a worker of Celery.

    Parameters
    ----------
    parent : Worker or None
    """
    global _parent
    _parent = parent


def taken():
    """Return the classes that a task of this process may take."""
    return taken_here() if _parent is None else _parent.takes


def this_worker():
    """Return this thread's record as a worker, made at its first task and alive again at each.

    Of the thread, not of the process: what one thread gives back at its end must not be another's.
    """
    worker = getattr(_own, "worker", None)
    if worker is None or worker.pid != os.getpid() or not Worker.objects.filter(pk=worker.pk).exists():
        worker = _own.worker = describe_worker(takes=taken())
        worker.parent = "" if _parent is None else _parent.token
        enter(worker)
    beat(worker)
    return worker


def beat(worker):
    """Say that a worker is alive - also when somebody gave it up for a while - and how busy its host is."""
    Worker.objects.filter(pk=worker.pk).update(seen_at=Now(), stopped_at=None, lost=False, load=host_load())


def give_back(worker):
    """Put what a worker holds back into the queue at once; no attempt is counted."""
    _return_all([worker.token], attempts=0)


def lose(worker, why):
    """Put what a worker could not complete back into the queue; what was tried too often fails.

    Parameters
    ----------
    worker : Worker
    why : str
        What went wrong, in one line; the reason of the units that fail.
    """
    limit = settings.WORKTABLES["ATTEMPTS"]
    _return_all([worker.token], why=f"could not be completed in {limit} attempts: {why}")


def retire_worker(worker):
    """A worker leaves in order: nothing stays in its hands."""
    give_back(worker)
    Worker.objects.filter(pk=worker.pk).update(stopped_at=Now())


def sweep():
    """Give back what dead workers held; fail a unit that has lost its worker too often.

    A worker is dead when its heartbeat is older than the lease, or when it ran on this host and
    its process is gone.

    Returns
    -------
    int
        How many units went back.
    """
    # First who holds something, then who lives: whoever registers in between cannot be among the former.
    holders = set(Todo.objects.exclude(owner=None).values_list("owner", flat=True).distinct())
    late = database_time() - timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    host = socket.gethostname()
    alive, dead, killed = set(), [], []
    for worker in Worker.objects.filter(stopped_at=None):
        lives = worker.seen_at >= late and (worker.host != host or runs(worker.pid))
        alive.add(worker.token) if lives else dead.append(worker.token)
        if not lives and worker.host == host and not runs(worker.pid):
            killed.append(worker.pid)
    if dead:
        Worker.objects.filter(token__in=dead).update(stopped_at=Now(), lost=True)
    if killed:
        clear_incoming(killed)
    end_batches()
    limit = settings.WORKTABLES["ATTEMPTS"]
    return _return_all(
        sorted(holders - alive),
        why=f"lost its worker {limit} times: the step may need more memory than there is, or kill its process",
    )


_tidied = float("-inf")


def tidy_now_and_then():
    """Tidy, unless this process did within the hour."""
    global _tidied
    if time.monotonic() - _tidied > TIDY_SECONDS:
        _tidied = time.monotonic()
        tidy()


def tidy():
    """Forget what nobody asks for any more.

    That is old events, workers that stopped long ago (their runs name them), batches of long ago, results for
    which there is no room, and what the errands keep.
    """
    now = database_time()
    forget_old_events(now)
    forget_results()
    forget_batches(now)
    clear_incoming()
    for errand in errands:
        errand.tidy(now)
    Worker.objects.filter(stopped_at__lt=now - KEPT).delete()


def _return_all(owners, *, attempts=1, why=""):
    if not owners:
        return 0
    held = Todo.objects.filter(owner__in=owners)
    projects = held.order_by("worktable__project_id").values_list("worktable__project_id", flat=True)
    return sum([_return(project_id, owners, attempts, why) for project_id in list(projects.distinct())])


@in_one_transaction
def _return(project_id, owners, attempts, why):
    hold(project_id)
    tables = Worktable.objects.filter(project=project_id).values("pk")
    held = Todo.objects.filter(owner__in=owners, worktable__in=tables)
    returned = held.update(owner=None, claimed_at=None, attempts=F("attempts") + attempts)
    rest(graph_of(project_id))
    if attempts:
        _fail_the_hopeless(project_id, why)
    return returned


def _fail_the_hopeless(project_id, why):
    """Settle as failed what was tried too often; it is claimed and settled as by any worker."""
    graph, owner = graph_of(project_id), secrets.token_hex(16)
    tables = {table.pk: table for table in Worktable.objects.filter(project=project_id)}
    limit = settings.WORKTABLES["ATTEMPTS"]
    found = defaultdict(dict)
    for todo in Todo.objects.filter(owner=None, attempts__gte=limit, worktable__in=list(tables)):
        claim = Claim(todo.row_id, todo.generation, todo.forced, todo.asked_by or None)
        found[todo.worktable_id, todo.step_id][todo.row_id] = claim
    for (worktable_id, step_id), claims in found.items():
        if step_id not in graph.nodes:
            continue
        Todo.objects.filter(worktable=worktable_id, step=step_id, row_id__in=list(claims)).update(owner=owner)
        batch = Portion(tables[worktable_id], graph, graph.nodes[step_id], owner, claims)
        works = [Work(claim) for claim in claims.values()]
        for work in works:
            work.stop(State.FAILED, why)
        settle(batch, works)


def runs(pid):
    """Say whether a process of this host is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
