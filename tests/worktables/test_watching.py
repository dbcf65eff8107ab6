"""A step that runs is stopped when its unit is taken away; its batch goes on, and a watchman at rest costs nothing."""

import threading
import time

import pytest
from django.db import connection
from django.urls import reverse

from pipelines.contract import Port
from pipelines.models import Pipeline, Run
from pipelines.registry import step
from worktables.cancelling import cancel
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.models import Todo, Unit
from worktables.queue import watching
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.queue.watching import TAKEN, Watchman
from worktables.rows import add_rows

FOR_EVER = 60  # seconds; only a failing test waits so long


@step("toy_lingering", inputs=[Port("x", "float")], outputs=[Port("y", "float")])
def toy_lingering(inputs, parameters, context):
    """Take for ever over what somebody meddles with; in Python, so that it can be stopped."""
    toy_lingering.ran.append(inputs["x"])
    if toy_lingering.meddle(inputs["x"]):
        until = time.monotonic() + FOR_EVER
        while time.monotonic() < until:
            pass
    return {"y": inputs["x"] + 1}


@pytest.fixture
def table(project, owner):
    """Three rows, the first two of which are the same computation."""
    bound = {"step": "toy_lingering", "name": "linger", "inputs": {"x": "x"}, "outputs": {"y": "y"}}
    pipeline = Pipeline.objects.create(name="linger", title="Linger", graph={"steps": [bound]})
    table = create_worktable(project, "lingering", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1.0}, {"x": 1.0}, {"x": 3.0}], by=owner)
    toy_lingering.ran, toy_lingering.meddle = [], lambda x: False
    return table


@pytest.fixture
def compute(table):
    """Drain the queue with a watchman at hand; return what ran."""
    leaving = threading.Event()

    def run():
        worker = register_worker("tester")
        watchman = Watchman(worker, leaving=leaving)
        try:
            drain(worker, stop=leaving, watchman=watchman)
        finally:
            watchman.leave()
        return toy_lingering.ran

    run.leaving = leaving
    return run


def once(action):
    """Do something while a step first gets that far, and let it take for ever then."""
    done = []

    def meddle(x):
        if done:
            return False
        done.append(x)  # first this: on a busy machine it is stopped while it still returns from the action
        action()
        return True

    return meddle


def states(table):
    units = Unit.objects.filter(worktable=table).order_by("row_id")
    return [unit.get_state_display() for unit in units]


@pytest.mark.django_db(transaction=True)
def test_a_row_cancelled_while_it_runs_is_stopped_and_who_waited_for_its_result_runs(
    table, compute, owner, cells, client
):
    toy_lingering.meddle = once(lambda: cancel(table, [1], by=owner))

    assert compute() == [1.0, 3.0, 1.0]

    assert states(table) == ["held", "fresh", "fresh"]
    assert cells(table, "y") == {1: (None,), 2: (2.0,), 3: (4.0,)}
    [run] = Run.objects.filter(row_id=1)
    assert (run.accepted, run.outcome, run.error) == (False, "stopped", TAKEN)
    assert "Traceback" not in run.log
    client.force_login(owner)
    page = client.get(reverse("run", args=[run.pk])).content.decode()
    assert f"It was stopped: {TAKEN}." in page
    assert "stopped" in client.get(reverse("row", args=[table.pk, 1])).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_row_cancelled_before_its_turn_never_runs(table, compute, owner):
    """The one that runs meanwhile takes a moment."""

    def meddle(x):
        if x == 1.0:
            cancel(table, [3], by=owner)
            time.sleep(1.0)

    toy_lingering.meddle = meddle

    assert compute() == [1.0]
    assert states(table) == ["fresh", "fresh", "held"]
    assert not Run.objects.filter(row_id=3).exists()


@pytest.mark.django_db(transaction=True)
def test_a_row_edited_while_it_runs_starts_again_from_what_it_says_now(table, compute, owner, cells):
    edit = edit_cell
    toy_lingering.meddle = once(lambda: edit(table, 1, table.column("x"), 7.0, seen=1.0, editor=owner))

    compute()

    assert cells(table, "y") == {1: (8.0,), 2: (2.0,), 3: (4.0,)}
    assert states(table) == ["fresh"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_leave_gives_back_what_runs(table, compute, monkeypatch):
    monkeypatch.setattr(watching, "GOODBYE_SECONDS", 0.1)
    toy_lingering.meddle = once(compute.leaving.set)

    compute()

    assert list(Todo.objects.order_by("row_id").values_list("row_id", "owner", "attempts")) == [
        (1, None, 0), (2, None, 0), (3, None, 0)
    ]  # fmt: skip
    assert states(table) == ["stale"] * 3


def test_what_was_claimed_in_an_open_transaction_is_not_taken_for_lost(table, compute, monkeypatch):
    """Another connection sees nothing of it."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    toy_lingering.meddle = lambda x: time.sleep(0.3)

    assert connection.in_atomic_block
    compute()

    assert states(table) == ["fresh"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_watchman_rests_when_nothing_is_executed(table):
    watchman = Watchman(register_worker("tester"))
    try:
        drain(watchman.worker, watchman=watchman)
        deadline = time.monotonic() + FOR_EVER
        while watchman._called.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
        before = time.process_time()
        time.sleep(1.0)

        assert not watchman._called.is_set()
        assert time.process_time() - before < 0.2
    finally:
        watchman.leave()
    assert not watchman._thread.is_alive()
