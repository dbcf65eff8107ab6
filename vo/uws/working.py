"""Doing jobs, on the workers that compute units: each job in a thread of its own, beside them.

Besides that thread a job has an attendant: it says that the worker lives, and ends the query when the job was aborted
or destroyed, has had its time, or when the worker leaves.
"""

import logging
import threading
import time

from django.conf import settings
from django.db import Error, connections

from vo.errors import VoError
from vo.halting import Halt, may_be_halted
from vo.uws.changing import destroy_the_overdue
from vo.uws.claiming import claim_job, fail_job, finish_job, give_back, held, keep_hold, recover_lost_jobs
from vo.uws.keeping import keep, name_in, remove_kept
from vo.uws.kinds import answerers
from vo.uws.limits import AT_ONCE, most
from worktables.queue.errands import Errand
from worktables.queue.silence import is_away

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
TAKEN, LATE, LEAVING = "taken away", "late", "leaving"
BROKEN = "something broke on our side, and was written to the log; try again, or tell the operators the id of the job"
AWAY = "the database could not be asked; try again in a moment"


class JobErrand(Errand):
    """What workers do for jobs."""

    def __init__(self):
        self.threads = []

    def look(self, stop):
        """Begin jobs, as many as there is room for."""
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        recover_lost_jobs()
        begun = False
        while len(self.threads) < AT_ONCE and not stop.is_set() and (job := claim_job(answerers)):
            thread = threading.Thread(target=work_on, args=(job, stop), name=f"job {job.pk}", daemon=True)
            thread.start()
            self.threads.append(thread)
            begun = True
        return begun

    def leave(self):
        """Wait until every job has ended, or is given back."""
        for thread in self.threads:
            thread.join(timeout=2)

    def tidy(self, now):
        """Destroy what is past its destruction."""
        while destroy_the_overdue(now):
            pass


def work_on(job, stop):
    """Bring a job that this worker has taken to its end, attended.

    Parameters
    ----------
    job : Job
        As `claim_job` returned it.
    stop : threading.Event
        Set when the worker leaves.
    """
    halt, over = Halt(), threading.Event()
    attendant = threading.Thread(target=attend, args=(job, halt, stop, over), name="attendant", daemon=True)
    attendant.start()
    try:
        bring_to_its_end(job, halt)
    except Error as error:  # then its lease runs out, and it is tried again
        log.warning("job %s could not be settled (%s)", job.pk, str(error).strip())
    finally:
        over.set()
        attendant.join()
        connections.close_all()


def bring_to_its_end(job, halt):
    """Compute what a job asks for and keep it, or say why there is nothing."""
    name = name_in(job.pk, f"result-{job.lease}")
    try:
        with may_be_halted(halt):
            answer = answerers[job.kind](job)
            size = keep(
                name, unless_halted(answer.pieces, halt), most("RESULT_BYTES", job.owner_id is not None)
            )
    except Exception as error:  # a query that is stopped fails in whatever way
        if halt.why is not None:
            end_halted(job, halt.why)
        else:
            end_failed(job, error)
        return
    facts = {"name": name, "media_type": answer.media_type, "suffix": answer.suffix, "size": size}
    if not finish_job(job, **facts):  # it was taken away at the last moment
        remove_kept([name])


def unless_halted(pieces, halt):
    """Yield pieces until the job shall stop; close what makes them in any case, in this thread."""
    try:
        for piece in pieces:
            halt.check()
            yield piece
        halt.check()
    finally:
        if close := getattr(pieces, "close", None):
            close()


def end_halted(job, why):
    """Settle a job that was stopped, for the reason it was."""
    if why == LEAVING:
        give_back(job)
    elif why == LATE:
        fail_job(
            job,
            f"the job ran for longer than its {job.execution_duration} seconds and was stopped; ask for less, or for a "
            "longer executionduration",
        )


def end_failed(job, error):
    """Settle a job that failed: by its own fault, or by ours."""
    if isinstance(error, VoError):
        fail_job(job, str(error), transient=error.status == 503)
        return
    away = isinstance(error, Error) and is_away(error)
    if not away:
        log.error("job %s failed", job.pk, exc_info=error)
    for wrapper in connections.all(
        initialized_only=True
    ):  # what broke in them must not keep the sentence back
        wrapper.close()
    fail_job(job, AWAY if away else BROKEN, transient=away)


def attend(job, halt, stop, over):
    """Look after a job until it is `over`: say that its worker lives, and stop it when there is a reason.

    Parameters
    ----------
    job : Job
    halt : Halt
        Of the thread that computes it.
    stop : threading.Event
        Set when the worker leaves.
    over : threading.Event
        Set when there is nothing left to look after.
    """
    began = told = time.monotonic()
    try:
        while not over.wait(LOOK_SECONDS):
            if halt.why is not None:  # told once, it may have been between two queries
                halt.halt(halt.why)
            elif stop.is_set():
                halt.halt(LEAVING)
            elif time.monotonic() - began > job.execution_duration:
                halt.halt(LATE)
            elif not_ours(job, tell=time.monotonic() - told > settings.WORKTABLES["HEARTBEAT_SECONDS"]):
                halt.halt(TAKEN)
            if time.monotonic() - told > settings.WORKTABLES["HEARTBEAT_SECONDS"]:
                told = time.monotonic()
    finally:
        connections.close_all()


def not_ours(job, *, tell):
    """Say whether a job was taken away, and tell, now and then, that its worker lives."""
    try:
        return not (keep_hold(job) if tell else held(job).exists())
    except Error as error:
        log.warning("the attendant of a job cannot ask the database now: %s", str(error).strip())
        connections.close_all()
        return False
