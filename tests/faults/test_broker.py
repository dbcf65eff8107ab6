"""The broker repeats itself, forgets, dies or falls silent: edits are taken, and the work is done."""

import socket
import threading
from contextlib import contextmanager

import pytest
from celery import Celery

from tests.faults.conftest import in_the_long_form, make_broker, some
from tests.faults.oracle import FAMILY, differences, judge

CELERY = ("celery", "-A", "portal", "worker", "--concurrency", "2", "--include", "tests.faults.disturbing")
EDITS = 40


def edit(portal, seed):
    portal.do(FAMILY, "edit", str(seed), str(EDITS))


def test_a_broker_that_repeats_forgets_dies_and_comes_back_changes_nothing(broker, make_portal):
    portal = make_portal(redis=broker.url, celery=1)
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
        try:
            yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0", calls
        finally:  # or the listener would keep the whole suite from ending
            silent.shutdown(socket.SHUT_RDWR)
            listener.join()
    for call, _ in calls:
        call.close()


def test_a_broker_that_takes_calls_and_says_nothing_is_left_alone(make_portal):
    """The work is done by workers that ask the database alone."""
    with somebody_silent() as (url, calls):
        portal = make_portal(redis=url)
        before = len(calls)
        portal.start(FAMILY, "work")
        edit(portal, 4)
        portal.wait_until_settled()

        assert differences(portal.told(FAMILY)) == []
        assert 0 < len(calls) - before < EDITS


@in_the_long_form
@pytest.mark.parametrize("kept", some(False, True))
def test_row_5_a_broker_that_is_killed_while_work_waits_loses_nothing(make_portal, tmp_path, kept):
    """With and without a disk of its own: what it knew does not matter."""
    broker = make_broker(tmp_path, kept=kept).start()
    try:
        portal = make_portal(redis=broker.url, celery=1, step=0.02)
        portal.start(*CELERY)
        portal.wait_until(lambda: portal.count("worktables_todo WHERE owner IS NOT NULL"))
        for seed in (1, 2):
            broker.kill()
            edit(portal, seed)
            broker.start()
            broker.forget_everything()
        assert judge(portal) == []
    finally:
        broker.kill()


def test_row_6_a_broker_that_is_never_there_is_not_missed(make_portal, tmp_path):
    """Edits are taken, and Celery's workers ask the database themselves."""
    portal = make_portal(redis=make_broker(tmp_path).url, celery=1)
    portal.start(*CELERY)

    edit(portal, 1)

    assert judge(portal) == []


@in_the_long_form
@pytest.mark.parametrize("times", some(5, 0, 2))
def test_row_10_a_wake_up_sent_never_twice_or_five_times_is_the_same_work(broker, make_portal, times):
    portal = make_portal(redis=broker.url, celery=1, wakes=times)
    portal.start(*CELERY)
    portal.wait_until_settled()
    before = portal.count("pipelines_run WHERE accepted")

    portal.do(
        FAMILY, "put", "fields", "2", "x", "4.25"
    )  # add, list, the expansion, and who collects its items
    portal.wait_until_settled()

    accepted = portal.ask(
        f"SELECT step_name FROM pipelines_run WHERE accepted ORDER BY id LIMIT 100 OFFSET {before}"
    )
    assert [name for (name,) in accepted if name in ("add", "list", "items_of")] == [
        "add",
        "list",
        "items_of",
    ]
    assert judge(portal) == []
