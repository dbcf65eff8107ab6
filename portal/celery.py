"""The Celery app: how work spreads over hosts. The database alone knows what there is to do.

A message says no more than "there may be work"; it may be lost, late or doubled. So nothing here is
tuned for safe delivery: a worker that is killed, or a broker that forgets, costs one sweep.
"""

import logging
import os
import threading
from contextlib import suppress

from celery import Celery
from celery.signals import (
    celeryd_init,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
    worker_shutting_down,
)
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings

from pipelines.contract import RESOURCES

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0

app = Celery("stoa")
app.conf.update(
    broker_url=settings.REDIS_URL or None,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # A broker that does not answer must not hold up an edit, nor a worker that could poll.
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    # One for each class of work; a worker listens to all of them, unless -Q says to which.
    # Each by a key of its own: queues with the same key would each get every message.
    task_queues=[Queue(f"stoa-{name}", Exchange("stoa"), f"stoa-{name}") for name in RESOURCES],
    task_default_queue=f"stoa-{RESOURCES[0]}",
    task_ignore_result=True,
    task_publish_retry=False,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A child that is slow to start (a cold disk) is no reason to kill it; Celery waits 4 s.
    worker_proc_alive_timeout=60,
    worker_hijack_root_logger=False,
    beat_schedule={
        "sweep": {
            "task": "worktables.tasks.sweep",
            "schedule": SWEEP_SECONDS,
            "options": {"expires": SWEEP_SECONDS},
        }
    },
)
app.autodiscover_tasks(["worktables"])

leaving = threading.Event()
looking = []
errands = []


@celeryd_init.connect
def have_patience_with_the_broker(**_):
    """A worker listens for longer than an edit may wait."""
    app.conf.broker_transport_options |= {"socket_connect_timeout": 2, "socket_timeout": 10}


@celeryd_init.connect
def insist_on_a_broker(**_):
    """Say what is missing; Celery would look for a RabbitMQ."""
    if not settings.REDIS_URL:
        raise SystemExit(
            "STOA_REDIS_URL is not set, so there is nothing to listen to; "
            "set it for the portal and its workers alike (without it, “stoa up” has a worker of its own)"
        )


@worker_init.connect
def start(sender, **_):
    """Compile the kernels, which the worker's processes inherit as forks, then look after this host's work.

    Not when the worker is ready, which it never is while the broker is away.
    """
    import basc
    from worktables.queue.garbage import spare_the_collector
    from worktables.queue.recovery import describe_worker, work_for

    basc.warm_up()
    spare_the_collector()
    leaving.clear()
    worker = describe_worker(sender.hostname, classes_of(sender.app.amqp.queues.consume_from))
    worker.processes = sender.concurrency or 1
    work_for(worker)
    known = enter_at_once(worker)
    looking.append(threading.Thread(target=look_after_work, args=(leaving, worker, known), daemon=True))
    looking[-1].start()


def enter_at_once(worker):
    """Put a worker on record; return whether the database took it. The processes that follow inherit no connection."""
    from django.db import Error, connection

    from worktables.queue.recovery import enter

    try:
        enter(worker)
    except Error as error:
        log.warning("the database does not answer (%s); trying again", " ".join(str(error).split()))
        return False
    finally:
        connection.close()
    return True


def classes_of(queues):
    """Return the classes of work whose queues a worker listens to."""
    from worktables.queue.classes import queue_of

    if not (classes := [name for name in RESOURCES if queue_of(name) in queues]):
        there = ", ".join(map(queue_of, RESOURCES))
        raise SystemExit(f"none of the queues {', '.join(queues)} has work; listen to some of {there}")
    return classes


@worker_process_init.connect
def clear_up(**_):
    """End what a process before this one left, if it was killed."""
    from worktables.queue.working import clear_up

    clear_up()


@worker_process_init.connect
def start_errands(**_):
    """Let a process do errands beside its units, from a thread that no task of Celery waits for."""
    from worktables.queue.errands import run_errands
    from worktables.queue.recovery import taken

    stop = threading.Event()
    errands.append((stop, run_errands(stop, taken())))


@worker_process_shutdown.connect
def end_errands(**_):
    """Give back what the errands of a process have in hand."""
    while errands:
        stop, thread = errands.pop()
        stop.set()
        thread.join(timeout=2)


@worker_shutting_down.connect
def stop(**_):
    """End the thread that looks after the work."""
    # Sent from a signal handler, which may have interrupted a holder of the event's lock.
    threading.Thread(target=leaving.set).start()


@worker_shutdown.connect
def wait_for_the_last_word(**_):
    """Let that thread say that the worker has left, so that nobody takes it for lost."""
    leaving.set()
    while looking:
        looking.pop().join(timeout=5)


def look_after_work(stop, worker, known):
    """Every few seconds give back what dead workers held and say again that there is work, while there is.

    Where no message arrives (the broker is away, or Celery waits ever longer before it tries again) this thread
    works itself: slower than its processes, but nothing waits for ever.
    """
    from django.db import Error, close_old_connections

    from worktables.queue import recovery
    from worktables.queue.classes import classes_waiting
    from worktables.tasks import drain

    asked = False
    while not stop.wait(SWEEP_SECONDS):
        try:
            close_old_connections()
            if known:
                recovery.beat(worker)
            else:
                recovery.enter(worker)
                known = True
            recovery.sweep()
            recovery.tidy_now_and_then()
            waiting = [name for name in classes_waiting() if name in worker.takes]
            if not waiting:
                asked = False
            elif (asked and not somebody_works()) or not wake(worker.processes, waiting):
                drain()
            else:
                asked = True
        except Error as error:
            log.warning("the database cannot be asked for work now: %s", error)
    with suppress(Error):
        recovery.retire_worker(worker)


def somebody_works():
    """Say whether any unit is claimed, here or on another host."""
    from worktables.models import Todo

    return Todo.objects.exclude(owner=None).exists()


def wake(n_processes, classes):
    """Send a wake-up for each process of this host to each of the queues; return whether the broker took them."""
    from worktables.queue.classes import queue_of
    from worktables.tasks import drain

    try:
        for name in classes:
            for _ in range(n_processes):
                drain.apply_async(queue=queue_of(name), retry=False, expires=SWEEP_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("the broker is away (%s); working without it", error)
        return False
    return True
