"""What is done to the processes of a scratch portal from inside, as their environment says.

STOA_FAULTS_DAWDLE   seconds, at most, between computing and writing: there the edits and kills shall come (0.03)
STOA_FAULTS_STEP     seconds that each call of a step takes longer
STOA_FAULTS_LEASE    seconds of silence after which a worker is given up
STOA_FAULTS_FENCE    “off” accepts whatever is settled: the control, which must come out wrong
STOA_FAULTS_CLOCK    seconds by which the clock of the process is wrong
STOA_FAULTS_WAKES    how often each wake-up is sent

Besides, a process stops where a file in the portal's folder tells it to (`ScratchPortal.stop_at`).
"""

import os
import random
import time
from functools import cache
from pathlib import Path

POINTS = (
    "claim",
    "read",
    "executed",
    "settle",
    "mark",
)  # claim, settle and mark are inside their transactions


@cache
def disturb():
    """Do to this process what its environment says, once."""
    from tests.worktables import toys  # noqa: F401 - registers their steps
    from worktables.queue import claiming, draining, settling

    dawdle(float(said("DAWDLE", 0.03)), float(said("STEP", 0)))
    draining.read_step_inputs = then_stop(draining.read_step_inputs, "read")
    claiming._take = then_stop(claiming._take, "claim")
    settling._write_units = then_stop(settling._write_units, "settle")
    stop_edits()
    if said("FENCE") == "off":
        take_off_the_fence()
    if said("LEASE"):
        give_up_sooner(float(said("LEASE")))
    if said("CLOCK"):
        shift_the_clock(float(said("CLOCK")))
    if said("WAKES"):
        repeat_wake_ups(int(said("WAKES")))


def said(name, otherwise=""):
    return os.environ.get(f"STOA_FAULTS_{name}", otherwise)


def stop_here(point):
    """Stop if a file asks for it, as the only process that does; go on when the file that says so is gone."""
    home = Path(os.environ["STOA_HOME"])
    stopped = home / f"stopped-at-{point}"
    try:
        os.rename(home / f"stop-at-{point}", stopped)
    except FileNotFoundError:
        return
    stopped.write_text(str(os.getpid()))
    while stopped.exists():
        time.sleep(0.01)


def then_stop(function, point):
    """Return a function that stops, where asked for, before it returns."""

    def call_and_stop(*args, **kwargs):
        result = function(*args, **kwargs)
        stop_here(point)
        return result

    return call_and_stop


def stop_edits():
    """Let edits stop after they have marked what they change."""
    from worktables import editing

    editing.mark_changed = then_stop(editing.mark_changed, "mark")


def dawdle(longest, of_a_step):
    """Make workers slow between computing and writing."""
    from worktables.queue import draining

    execute = draining.execute

    def execute_and_dawdle(step, calls, **more):
        time.sleep(of_a_step * len(calls))
        results = execute(step, calls, **more)
        time.sleep(random.uniform(0, longest))
        stop_here("executed")
        return results

    draining.execute = execute_and_dawdle


def take_off_the_fence():
    """Accept every result, of whatever generation and whoever's lease it is."""
    from worktables.models import Todo
    from worktables.queue import settling

    def accept_all(batch):
        node = batch.node
        Todo.objects.filter(worktable=node.worktable_id, step=node.id, row_id__in=list(batch.claims)).delete()
        return set(batch.claims)

    settling._still_ours = accept_all


def give_up_sooner(seconds):
    """Shorten lease and heartbeat."""
    from django.conf import settings

    settings.WORKTABLES = settings.WORKTABLES | {"LEASE_SECONDS": seconds, "HEARTBEAT_SECONDS": seconds / 4}


def shift_the_clock(seconds):
    """Let this process be wrong about the time."""
    from django.utils import timezone

    now, present = timezone.now, time.time
    timezone.now = lambda: now() + timezone.timedelta(seconds=seconds)
    time.time = lambda: present() + seconds


def repeat_wake_ups(times):
    """Send each wake-up so many times, or never."""
    from worktables import waking

    send = waking.send_wake_up

    def send_again():
        for _ in range(times):
            send()

    waking.send_wake_up = send_again


if os.environ.get("STOA_FAULTS_CELERY"):  # imported by a Celery worker
    disturb()
