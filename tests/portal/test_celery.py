"""Celery carries wake-ups; without it, nothing is lost and nothing waits for ever."""

from types import SimpleNamespace

import pytest
from celery.app.utils import find_app
from kombu.exceptions import OperationalError

from portal import celery
from worktables.models import Worker
from worktables.queue import recovery


@pytest.fixture
def queue(monkeypatch):
    """A queue that is told what it contains, and notes what is done about it."""
    state = SimpleNamespace(waiting=["light"], claimed=False, broker=True, done=[], tidied=[])
    monkeypatch.setattr("worktables.queue.recovery.sweep", lambda: state.done.append("sweep"))
    monkeypatch.setattr("worktables.queue.recovery.tidy", lambda: state.tidied.append("tidy"))
    monkeypatch.setattr("worktables.queue.recovery._tidied", float("-inf"))
    monkeypatch.setattr("worktables.queue.classes.classes_waiting", lambda: state.waiting)
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)  # it would close that of the test
    monkeypatch.setattr(celery, "somebody_works", lambda: state.claimed)

    def apply_async(*, queue, **_):
        if not state.broker:
            raise OperationalError("nobody listens")
        state.done.append(queue)

    def drain():
        state.done.append("drain")

    drain.apply_async = apply_async
    monkeypatch.setattr("worktables.tasks.drain", drain)
    return state


def look(times, takes=None):
    """Look after the work some times, as if seconds had passed between."""
    leaving = iter([False] * times + [True])
    worker = recovery.describe_worker("celery@here", takes)
    worker.processes = 2
    celery.look_after_work(SimpleNamespace(wait=lambda seconds: next(leaving)), worker, known=False)
    return Worker.objects.get(pk=worker.pk)


@pytest.mark.django_db
def test_every_process_of_the_host_is_woken_while_work_waits(queue):
    look(times=1)

    assert queue.done == ["sweep", "stoa-light", "stoa-light"]


@pytest.mark.django_db
def test_nothing_is_sent_when_nothing_waits(queue):
    queue.waiting = []

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

    assert queue.done == ["sweep", "stoa-light", "stoa-light", "sweep", "drain"]


@pytest.mark.django_db
def test_a_host_at_work_is_woken_but_not_doubled(queue):
    queue.claimed = True

    look(times=2)

    assert "drain" not in queue.done


@pytest.mark.django_db
def test_a_host_is_woken_for_each_class_it_takes_and_for_no_other(queue):
    queue.waiting = ["light", "heavy", "network"]

    look(times=1, takes=["heavy", "network"])

    assert queue.done == ["sweep", *["stoa-heavy"] * 2, *["stoa-network"] * 2]


@pytest.mark.django_db
def test_a_host_of_celery_tidies_too_and_not_each_time_it_looks(queue):
    look(times=3)

    assert queue.tidied == ["tidy"]


@pytest.mark.django_db
def test_a_worker_says_while_it_looks_that_it_lives_and_in_the_end_that_it_left(queue):
    worker = look(times=2, takes=["light"])

    assert (worker.name, worker.processes, worker.takes) == ("celery@here", 2, ["light"])
    assert worker.stopped_at is not None
    assert not worker.lost


def test_a_message_reaches_the_queue_it_is_sent_to_and_no_other():
    keys = {(queue.exchange.name, queue.routing_key) for queue in celery.app.conf.task_queues}

    assert len(keys) == len(celery.app.conf.task_queues) == 3


def test_queues_say_which_classes_a_worker_takes():
    assert celery.classes_of({"stoa-network": 1, "stoa-light": 1}) == ["light", "network"]
    with pytest.raises(SystemExit, match="stoa-heavy"):
        celery.classes_of({"celery": 1})


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
