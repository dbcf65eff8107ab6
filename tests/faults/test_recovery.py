"""What becomes of units whose worker vanished, whose step kills, or whose database refused."""

import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from django.db import OperationalError, connection

from archive.storage import incoming_folder, written_by
from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.creating import create_worktable
from worktables.dependencies import rank_steps
from worktables.editing import edit_cell
from worktables.linking import collect
from worktables.models import State, TableStep, Todo, Unit, Worker
from worktables.queue import draining, recovery
from worktables.queue.claiming import claim
from worktables.queue.draining import batch_size, drain, work_through
from worktables.queue.working import work_forever
from worktables.rows import add_rows
from worktables.storage import layout_of

PATIENCE = 20  # seconds; only a failing test waits so long
NOBODY = 2**22 + 1  # no process has such a number


@pytest.fixture
def fields(project, owner):
    """Twenty rows of total = (x + y) * factor → sign."""
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    table = create_worktable(project, "fields", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": float(number)} for number in range(20, 40)], by=owner)
    table.refresh_from_db()
    return table


@contextmanager
def a_worker():
    """Let somebody work in a thread, with a connection of their own."""
    stop = threading.Event()
    worker = threading.Thread(target=work_forever, args=(stop,))
    worker.start()
    try:
        yield worker
    finally:
        stop.set()
        worker.join(PATIENCE)


def wait_until_settled():
    deadline = time.monotonic() + PATIENCE
    while Todo.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def die(worker):
    """Let a worker be gone without a word."""
    Worker.objects.filter(pk=worker.pk).update(pid=NOBODY)


def state_of(worktable, row_id, step):
    return Unit.objects.get(worktable=worktable, row_id=row_id, step__name=step).get_state_display()


def test_a_worker_given_up_by_mistake_is_alive_at_its_next_beat(worktable, settings):
    slow = recovery.register_worker("asleep")
    settings.WORKTABLES = settings.WORKTABLES | {"LEASE_SECONDS": -5.0}
    recovery.sweep()
    settings.WORKTABLES = settings.WORKTABLES | {"LEASE_SECONDS": 15.0}

    recovery.beat(slow)
    claim(slow.token, lambda node: 2)

    assert recovery.sweep() == 0, "what it claims after it woke stays in its hands"
    assert Todo.objects.filter(owner=slow.token).count() == 2


def test_what_a_new_worker_claims_while_somebody_sweeps_stays_its_own(worktable, monkeypatch):
    """It registers and claims after the sweep began."""
    look, claimed = recovery.runs, []

    def look_and_let_somebody_come(pid):
        if not claimed:
            claimed.append(claim(recovery.register_worker("new").token, lambda node: 2))
        return look(pid)

    recovery.register_worker("old")
    monkeypatch.setattr(recovery, "runs", look_and_let_somebody_come)

    assert recovery.sweep() == 0
    assert Todo.objects.filter(owner=claimed[0].owner, attempts=0).count() == 2


def test_a_step_that_kills_its_workers_fails_alone(fields, cells):
    """Those who shared a batch with it are computed."""
    deadly, deaths = 7, 0
    while True:
        worker = recovery.register_worker("doomed")
        while batch := claim(worker.token, batch_size):
            if batch.node.name == "add" and deadly in batch.claims:
                break
            work_through(batch, worker)
        if batch is None:
            break
        deaths += 1
        die(worker)
        recovery.sweep()

    assert deaths == 12
    assert state_of(fields, deadly, "add") == "failed"
    assert "lost its worker 12 times" in Unit.objects.get(row_id=deadly, step__name="add").reason
    assert state_of(fields, deadly, "sign") == "blocked"
    assert Unit.objects.filter(state=State.FRESH).count() == 2 * 19
    assert cells(fields, "total")[deadly] == (None,)
    assert not Todo.objects.exists()


def test_the_row_of_a_unit_that_was_given_up_says_so(fields, settings):
    """Also when nothing of the row is left to run."""
    settings.WORKTABLES = settings.WORKTABLES | {"ATTEMPTS": 1}
    drain(recovery.register_worker("tester"))
    Unit.objects.filter(row_id=1, step__name="sign").update(state=State.STALE)
    step = TableStep.objects.get(name="sign")
    Todo.objects.create(worktable=fields, row_id=1, step=step, generation=0)
    worker = recovery.register_worker("doomed")
    claim(worker.token, lambda node: 1)
    die(worker)

    recovery.sweep()

    assert layout_of(fields).rows.get(id=1).state == State.FAILED
    assert layout_of(fields).rows.get(id=2).state == State.FRESH


def test_a_defect_beside_the_step_fails_its_unit_and_nothing_else(fields, work, monkeypatch):
    """An error nobody foresaw must not end the worker, nor hold anything in its hands."""
    read = draining.read_step_inputs

    def stumble(batch, works):
        if 3 in works and batch.node.name == "add":
            raise RuntimeError("a defect of ours")
        read(batch, works)

    monkeypatch.setattr(draining, "read_step_inputs", stumble)
    work()

    unit = Unit.objects.get(row_id=3, step__name="add")
    assert unit.state == State.FAILED
    assert unit.reason == "could not be completed in 12 attempts: RuntimeError: a defect of ours"
    assert Unit.objects.filter(state=State.FRESH).count() == 2 * 19
    assert not Todo.objects.exists()


def test_a_link_to_a_column_in_another_unit_fails_with_its_reason(fields, project, owner, work):
    """`total` has no unit, and the step wants Jy."""
    bound = toys.SUM["steps"][0] | {"inputs": {"least": "least", "fluxes": "members.total"}}
    pipeline = Pipeline.objects.create(name="toy_sum", title="Toy sum", graph={"steps": [bound]})
    sums = create_worktable(project, "sums", creator=owner, pipeline=pipeline)
    collect(fields, sums, name="members", by=owner)
    add_rows(sums, [{"least": 0.0}], by=owner)

    work()

    unit = Unit.objects.get(worktable=sums)
    assert unit.state == State.FAILED
    assert unit.reason.startswith("column “total” for “fluxes”: “no unit” cannot be converted to “Jy”")
    assert Unit.objects.filter(worktable=fields, state=State.FRESH).count() == 2 * 20


def test_a_step_whose_code_is_gone_is_blocked_with_its_reason(fields, project, work):
    TableStep.objects.filter(name="add").update(step="toy_forgotten")
    rank_steps(project)

    work()

    assert state_of(fields, 1, "add") == "blocked"
    reason = Unit.objects.filter(step__name="add").first().reason
    assert "“toy_forgotten”" in reason
    assert "not installed" in reason
    assert not Todo.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_held_when_the_database_refused_is_computed_after_all(fields, monkeypatch, caplog):
    """The worker lives on, so no sweep would take it from its hands."""
    settle, refused = draining.settle, []

    def refuse_once(batch, works):
        if not refused:
            refused.append(batch)
            raise OperationalError("server closed the connection unexpectedly")
        return settle(batch, works)

    monkeypatch.setattr(draining, "settle", refuse_once)
    with a_worker():
        wait_until_settled()

    assert refused
    assert "server closed the connection unexpectedly" in caplog.text
    assert not Todo.objects.exists()
    assert set(Unit.objects.values_list("state", flat=True)) == {State.FRESH}


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_held_while_the_database_was_away_is_not_to_blame(fields, monkeypatch, settings):
    """However often that happens: its units are tried for as long as it takes."""
    settings.WORKTABLES = settings.WORKTABLES | {"ATTEMPTS": 1}
    settle, refused = draining.settle, []

    def refuse_twice(batch, works):
        if len(refused) < 2:
            refused.append(batch)
            raise OperationalError("away") from absence()
        return settle(batch, works)

    monkeypatch.setattr(draining, "settle", refuse_twice)
    with a_worker():
        wait_until_settled()

    assert len(refused) == 2
    assert set(Unit.objects.values_list("state", flat=True)) == {State.FRESH}


def absence():
    """Return what the driver raises when the server is gone, or the disk is full."""
    if connection.vendor == "postgresql":
        return psycopg2.OperationalError("server closed the connection unexpectedly")
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    return full


def test_what_a_dead_worker_left_unfinished_is_swept_up(fields):
    worker = recovery.register_worker("doomed")
    claim(worker.token, batch_size)
    die(worker)
    unfinished = Path(incoming_folder(), f"{written_by(NOBODY)}x")
    unfinished.touch()

    recovery.sweep()

    assert not unfinished.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_connection_is_cut_while_it_waits_goes_on(fields, owner, cells):
    """As when the database is restarted for an upgrade."""
    with a_worker() as worker:
        for number in range(3):
            wait_until_settled()
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            x = fields.column("x")
            edit_cell(fields, 1, x, 100.0 + number, seen=cells(fields, "x")[1][0], editor=owner)
        wait_until_settled()
        assert worker.is_alive()

    assert cells(fields, "total")[1] == (102.0,)
