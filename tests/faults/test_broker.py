"""The broker repeats itself, forgets, dies or falls silent: edits are taken, and the work is done."""

import os
import socket
import threading
from contextlib import contextmanager

import pytest
from celery import Celery

from tests.faults.family import differences
from tests.faults.scratch import ScratchPortal

FAMILY = "tests.faults.family"
CELERY = ("celery", "-A", "portal", "worker", "--concurrency", "2", "--include", "tests.worktables.toys")
EDITS = 40


@pytest.fixture
def portal_with(tmp_path):
    """Make the family in a portal of its own, with a broker."""
    made = []

    def make(redis):
        server = os.environ.get("STOA_DATABASE_URL", "")
        portal = ScratchPortal(tmp_path / "family", tmp_path / "archive", server, redis=redis)
        made.append(portal)
        portal.create().do(FAMILY, "build")
        return portal

    yield make
    for portal in made:
        portal.remove()


def edit(portal, seed):
    portal.do(FAMILY, "edit", str(seed), str(EDITS))


def test_a_broker_that_repeats_forgets_dies_and_comes_back_changes_nothing(broker, portal_with):
    portal = portal_with(broker.url)
    portal.start(*CELERY)
    doubling = Celery(broker=broker.url)
    editor = threading.Thread(target=edit, args=(portal, 1))
    editor.start()
    while editor.is_alive():
        for _ in range(5):
            doubling.send_task("worktables.tasks.drain", queue="stoa-light")
        editor.join(0.3)
        broker.forget_everything()
        editor.join(0.3)

    broker.kill()
    edit(portal, 2)
    portal.wait_until_settled()
    assert differences(portal.told(FAMILY)) == [], "computed while it was away"

    broker.start()
    edit(portal, 3)
    portal.wait_until_settled()
    assert differences(portal.told(FAMILY)) == []


@contextmanager
def somebody_silent():
    """Take calls, say nothing; yield the address, and a list of the calls."""
    calls = []

    def listen():
        while True:
            try:
                calls.append(silent.accept())
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        listener = threading.Thread(target=listen)
        listener.start()
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0", calls
        silent.shutdown(socket.SHUT_RDWR)
        listener.join()
    for call, _ in calls:
        call.close()


def test_a_broker_that_takes_calls_and_says_nothing_is_left_alone(portal_with):
    """The work is done by workers that ask the database alone."""
    with somebody_silent() as (url, calls):
        portal = portal_with(url)
        before = len(calls)
        portal.start(FAMILY, "work")
        edit(portal, 4)
        portal.wait_until_settled()

        assert differences(portal.told(FAMILY)) == []
        assert 0 < len(calls) - before < EDITS
