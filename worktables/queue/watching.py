"""Looking after what a worker executes: what was taken from it is stopped, and so is what takes too long.

The watchman is a thread that rests while nothing is executed, and asks the database nothing in the first moments of a
batch: most are over by then. What was taken from the worker - cancelled, or made from what has changed since - has
lost its owner in the queue. A step gets an exception; processes that it started without its context are ended. If it
heeds nothing, because it is deep in a library, the last resort is the end of the worker's process, of which whoever
keeps the workers starts another. What else it held goes back before, and no attempt is counted.
"""

import dataclasses
import logging
import os
import signal
import threading
import time
from datetime import UTC, datetime

from django.db import Error, connection

from pipelines import processes
from pipelines.executing import Result, line_of
from pipelines.programs import remove_folders_of
from pipelines.stopping import Stopped, Watch
from worktables.models import Todo
from worktables.queue import recovery
from worktables.waking import wake_workers

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 1.0  # with a step that does not heed
GOODBYE_SECONDS = 1.5  # with a step, when the worker is asked to leave
TAKEN = "it was cancelled, or what it is made from has changed"
LEAVING = "its worker was asked to leave"


@dataclasses.dataclass
class Task:
    """Calls of a batch while they are executed: works and halts by row, and what writes down a failure of one.

    The claim is `unseen` if it was made in a transaction that is still open (that of a test): another connection would
    take all of it for taken away.
    """

    batch: object
    works: dict
    halts: dict
    fail: object
    unseen: bool
    began: float = dataclasses.field(default_factory=time.monotonic)
    ended: set = dataclasses.field(default_factory=set)


class Watchman:
    """Who looks after one worker.

    Parameters
    ----------
    worker : Worker
    leaving : threading.Event, optional
        Set when the worker shall leave; then what it executes is given back.
    expendable : bool
        Whether this process does nothing but work, and somebody starts another when it ends. Only then are all
        processes below it taken for those of its steps, and is there a last resort.
    """

    def __init__(self, worker, *, leaving=None, expendable=False):
        self.worker, self.leaving, self.expendable = worker, leaving, expendable
        self.watch = Watch()
        self._task = self._asked_to_leave = None
        self._insisted = False
        self._called, self._over = threading.Event(), threading.Event()
        if expendable and threading.current_thread() is threading.main_thread():
            self.watch.hear_signals()
        if expendable:
            processes.adopt_orphans()
        self._thread = threading.Thread(target=self._keep_watch, name="watchman", daemon=True)
        self._thread.start()

    def begin(self, batch, works, halts, fail):
        """From here on these calls are executed."""
        self._task = Task(batch, works, halts, fail, connection.in_atomic_block)
        self._called.set()

    def end(self):
        """From here on nothing is executed."""
        self._task = None

    def leave(self):
        """Stop looking."""
        self._over.set()
        self._called.set()
        self._thread.join(timeout=5)

    def _keep_watch(self):
        try:
            while True:
                self._called.wait()
                if self._over.wait(LOOK_SECONDS):
                    return
                task = self._task
                if task is None:
                    self._rest()
                elif time.monotonic() - task.began >= LOOK_SECONDS:
                    self._look(task)
        finally:
            connection.close()

    def _rest(self):
        """Wait for the next batch, without a connection."""
        if self._insisted:
            processes.bury_orphans()
            self._insisted = False
        self._called.clear()
        if self._task is not None:  # it began in between
            self._called.set()
            return
        connection.close()

    def _look(self, task):
        try:
            if not task.unseen:
                self._find_what_was_taken(task)
        except Error as error:
            log.info("the watchman cannot ask the database now: %s", " ".join(str(error).split()))
            connection.close()
        if self.leaving is not None and self.leaving.is_set():
            self._say_goodbye(task)
        if self.watch.look() and self.expendable:
            self._insist(task)

    def _find_what_was_taken(self, task):
        ours = set(
            Todo.objects.filter(
                owner=task.batch.owner, worktable=task.batch.node.worktable_id, step=task.batch.node.id
            ).values_list("row_id", flat=True)
        )
        for row_id, halt in task.halts.items():
            if row_id not in ours and halt.why is None:
                halt.why = Stopped(TAKEN)

    def _say_goodbye(self, task):
        """Give a step a moment to end before its worker leaves."""
        if self._asked_to_leave is None:
            self._asked_to_leave = time.monotonic()
        if time.monotonic() - self._asked_to_leave > GOODBYE_SECONDS:
            for halt in task.halts.values():
                halt.why = halt.why or Stopped(LEAVING)

    def _insist(self, task):
        """End what a step waits for, and in the end the process."""
        below = processes.children_of_this_process()
        unheeded = self.watch.look()
        if not unheeded:  # it has heeded; by now there may be processes of the next one
            return
        self._insisted = True
        processes.tell(below - task.ended, signal.SIGTERM)
        if unheeded > processes.GRACE_SECONDS:
            processes.tell(below & task.ended, signal.SIGKILL)
        task.ended |= below
        if unheeded > PATIENCE_SECONDS:
            self._end_this_process(task)

    def _end_this_process(self, task):
        """Leave nothing in hand, and go."""
        log.warning(
            "“%s” of %s does not heed; its worker is started anew", task.batch.node.name, task.batch.worktable
        )
        try:
            self._fail_the_late(task)
            recovery.retire_worker(self.worker)
            wake_workers()
        except Error as error:  # then the others will find out, and count an attempt
            log.warning("the database refused what a worker gave back (%s)", " ".join(str(error).split()))
        processes.tell(processes.children_of_this_process(), signal.SIGKILL)
        remove_folders_of(os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)

    def _fail_the_late(self, task):
        """Write down that a call took too long; of several that one function computes, each is to be tried alone."""
        running = set(map(id, self.watch.halts))
        late = [row_id for row_id, halt in task.halts.items() if id(halt) in running]
        if len(late) > 1 and self.watch.overdue:
            recovery.lose(self.worker, "ran longer than its limit")
        if len(late) != 1 or (why := task.halts[late[0]].why) is None or isinstance(why, Stopped):
            return
        now = datetime.now(UTC)
        result = Result(None, line_of(why), line_of(why), now, now)
        task.fail(task.works[late[0]], result)
