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
    monkeypatch.setattr(tasks, "drain_queue", lambda worker, budget_seconds: 1)

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


def test_a_silent_broker_is_not_asked_at_every_edit(monkeypatch):
    asked = []

    def nobody_listens(**_):
        asked.append("now")
        raise OSError("timed out")

    monkeypatch.setattr(tasks.drain, "apply_async", nobody_listens)
    monkeypatch.setattr(waking, "_silent_until", 0.0)
    clock = [1000.0]
    monkeypatch.setattr(waking, "_now", lambda: clock[0])

    for _ in range(5):
        waking.send_wake_up()
    assert len(asked) == 1

    clock[0] += waking.SILENCE_SECONDS
    waking.send_wake_up()
    assert len(asked) == 2
