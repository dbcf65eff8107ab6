"""Indexing what was published, on the workers that compute units: one version at a time in each process."""

import logging
import threading

from django.conf import settings
from django.db import Error, connections

from vo.publishing.indexing import claim_version, index_version, keep_hold
from worktables.queue.errands import Errand

log = logging.getLogger(__name__)


class IndexErrand(Errand):
    """What workers do for published versions."""

    def __init__(self):
        self.thread = None

    def look(self, stop):
        """Begin to index a version, if one waits and none is in hand."""
        if stop.is_set() or (self.thread is not None and self.thread.is_alive()):
            return False
        version = claim_version()
        if version is None:
            return False
        self.thread = threading.Thread(
            target=work_on, args=(version, stop), name=f"index {version}", daemon=True
        )
        self.thread.start()
        return True

    def leave(self):
        """Wait until the version in hand is given back."""
        if self.thread is not None:
            self.thread.join(timeout=2)


def work_on(version, stop):
    """Index a version that this worker has taken, until all is done or the worker leaves."""
    over, lost = threading.Event(), threading.Event()
    attendant = threading.Thread(target=attend, args=(version, over, lost), name="attendant", daemon=True)
    attendant.start()
    try:
        index_version(version, stopped=lambda: stop.is_set() or lost.is_set())
    except Error as error:  # then its lease runs out, and it is tried again
        log.warning("%s could not be indexed now (%s)", version, str(error).strip())
    except Exception:
        log.exception("%s could not be indexed; it is tried again", version)
    finally:
        over.set()
        attendant.join()
        connections.close_all()


def attend(version, over, lost):
    """Say now and then, until it is `over`, that a version is being indexed; note when somebody else has taken it."""
    try:
        while not over.wait(settings.WORKTABLES["HEARTBEAT_SECONDS"]):
            try:
                if not keep_hold(version):
                    lost.set()
                    return
            except Error as error:
                log.warning("nobody could be told that %s is indexed: %s", version, str(error).strip())
                connections.close_all()
    finally:
        connections.close_all()
