"""Wake-ups: heard when they come at an awkward moment, and not sent in a circle."""

import threading

import pytest
from django.db import connection

from worktables import tasks, waking
from worktables.editing import edit_cell
from worktables.models import Todo
from worktables.queue import recovery
from worktables.queue.claiming import claim
from worktables.queue.waiting import Waiting

PATIENCE = 20  # seconds; only a failing test waits so long


@pytest.fixture
def messages(monkeypatch):
    """Note the messages that would go to the broker."""
    sent = []
    monkeypatch.setattr(tasks, "send_wake_up", lambda: sent.append("wake"))
    return sent


@pytest.mark.django_db(transaction=True)
def test_an_edit_that_comes_while_a_worker_drains_is_not_slept_over(worktable, owner):
    waiting = Waiting()
    while waiting.wait(0):
        pass

    def edit():
        edit_cell(worktable, 1, worktable.column("x"), 9.0, seen=1.0, editor=owner)
        connection.close()

    elsewhere = threading.Thread(target=edit)
    elsewhere.start()
    elsewhere.join(PATIENCE)
    assert Todo.objects.exists()  # a query, with whose answer the notification arrives

    assert waiting.wait(PATIENCE)


def test_a_task_that_finds_work_tells_the_next_when_more_is_left(worktable, messages, monkeypatch):
    monkeypatch.setattr(tasks, "BUDGET_SECONDS", -1)
    monkeypatch.setattr(tasks, "drain_queue", lambda worker, budget_seconds, watchman: 1)

    tasks.drain()

    assert messages == ["wake"]


@pytest.mark.django_db(transaction=True)
def test_a_task_that_can_only_wait_for_another_worker_sends_nothing(worktable, messages):
    """Otherwise two processes would call each other as long as the third computes."""
    busy = recovery.register_worker("busy")
    claim(busy.token, lambda node: 10)

    tasks.drain()

    assert Todo.objects.filter(owner=None).exists()
    assert messages == []


def test_a_silent_broker_is_not_asked_at_every_edit():
    asked, clock = [], [1000.0]
    line = waking.Line(now=lambda: clock[0])

    def nobody_listens():
        asked.append("now")
        raise OSError("timed out")

    assert [line.say(nobody_listens) for _ in range(5)] == [False] * 5
    assert len(asked) == 1

    clock[0] += waking.SILENCE_SECONDS
    assert line.say(lambda: asked.append("again"))
    assert asked == ["now", "again"]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_wakes_once(worktable, owner, settings, monkeypatch):
    """Each edit leaves several events and asks for workers more than once."""
    woken = []
    settings.REDIS_URL = "redis://nowhere"
    monkeypatch.setattr("worktables.events.wake_pages", lambda: woken.append("pages"))
    monkeypatch.setattr("worktables.waking.send_wake_up", lambda: woken.append("workers"))

    edit_cell(worktable, 1, worktable.column("x"), 9.0, seen=1.0, editor=owner)

    assert sorted(woken) == ["pages", "workers"]
