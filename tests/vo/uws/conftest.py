"""Toy jobs, and a worker of theirs."""

import threading
import time

import pytest
from django.utils import timezone

from tests.vo.uws.toys import answer_toy
from vo.models import Job
from vo.uws.creating import create_job
from vo.uws.kinds import answerers
from vo.uws.working import JobErrand

PATIENCE = 90  # seconds; only a failing test waits so long


@pytest.fixture(autouse=True)
def toys(monkeypatch, settings, tmp_path):
    """Let workers know what a toy is, and keep files apart."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setitem(answerers, "toy", answer_toy)


@pytest.fixture
def make_job(db):
    """Make a toy job of these parameters."""

    def make(*, owner=None, files=None, run=True, **parameters):
        said = {name: [str(value)] for name, value in parameters.items()}
        return create_job("toy", said, files, owner=owner, now=timezone.now(), run=run)

    return make


class Bench:
    """A worker's errand, in this process."""

    def __init__(self):
        self.stop, self.errand = threading.Event(), JobErrand()

    def look(self):
        """Begin what there is."""
        return self.errand.look(self.stop)

    def finish(self):
        """Begin what there is, and wait until it has ended."""
        while self.look():
            self.wait()

    def wait(self):
        """Wait until nothing runs."""
        for thread in self.errand.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "it does not end"


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.stop.set()
    bench.wait()


def wait_for(question):
    """Ask until the answer is yes (and return it)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def fresh(job):
    """Return a job as it is now."""
    return Job.objects.get(pk=job.pk)
