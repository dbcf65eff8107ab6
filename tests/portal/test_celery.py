"""Celery carries wake-ups; without it, nothing is lost and nothing waits for ever."""

from types import SimpleNamespace

import pytest
from celery.app.utils import find_app
from kombu.exceptions import OperationalError

from portal import celery


@pytest.fixture
def queue(monkeypatch):
    """A queue that is told what it contains, and notes what is done about it."""
    state = SimpleNamespace(waits=True, claimed=False, broker=True, done=[])
    monkeypatch.setattr("worktables.queue.recovery.sweep", lambda: state.done.append("sweep"))
    monkeypatch.setattr("worktables.queue.claiming.work_waits", lambda: state.waits)
    monkeypatch.setattr(celery, "somebody_works", lambda: state.claimed)

    def apply_async(**_):
        if not state.broker:
            raise OperationalError("nobody listens")
        state.done.append("wake")

    def drain():
        state.done.append("drain")

    drain.apply_async = apply_async
    monkeypatch.setattr("worktables.tasks.drain", drain)
    return state


def look(times):
    """Look after the work some times, as if seconds had passed between."""
    leaving = iter([False] * times + [True])
    celery.look_after_work(SimpleNamespace(wait=lambda seconds: next(leaving)), n_processes=2)


@pytest.mark.django_db
def test_every_process_of_the_host_is_woken_while_work_waits(queue):
    look(times=1)

    assert queue.done == ["sweep", "wake", "wake"]


@pytest.mark.django_db
def test_nothing_is_sent_when_nothing_waits(queue):
    queue.waits = False

    look(times=3)

    assert queue.done == ["sweep"] * 3


@pytest.mark.django_db
def test_with_the_broker_away_the_host_works_by_itself(queue):
    queue.broker = False

    look(times=1)

    assert queue.done == ["sweep", "drain"]


@pytest.mark.django_db
def test_messages_that_wake_nobody_are_not_waited_for(queue):
    look(times=2)

    assert queue.done == ["sweep", "wake", "wake", "sweep", "drain"]


@pytest.mark.django_db
def test_a_host_at_work_is_woken_but_not_doubled(queue):
    queue.claimed = True

    look(times=2)

    assert "drain" not in queue.done


def test_a_worker_without_a_broker_says_what_is_missing(settings):
    settings.REDIS_URL = ""

    with pytest.raises(SystemExit, match="STOA_REDIS_URL"):
        celery.insist_on_a_broker()


def test_celery_finds_the_app_and_its_tasks_by_the_name_of_the_package():
    app = find_app("portal")

    app.loader.import_default_modules()
    assert app is celery.app
    assert {"worktables.tasks.drain", "worktables.tasks.sweep"} <= set(app.tasks)


def test_leaving_ends_the_thread_that_looks_after_the_work():
    celery.leaving.clear()

    celery.stop()

    assert celery.leaving.wait(10)
