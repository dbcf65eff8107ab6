"""One worktable of so many rows in a portal of its own: filled, edited, marked as a whole, taken back.

Run as ``python -m benchmarks.engine.scene measure N [POSTMASTER]`` with the settings of that portal in STOA_*
variables; it starts its workers itself and writes what it measured as JSON.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

N_WORKERS = 2
N_EDITS = 60
PATIENCE = 1800
GLANCE = 0.002  # seconds between two looks for a fresh row
NOTHINGS = 20


def measure(n_rows, postmaster=0):
    """Measure everything at one size."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    import benchmarks.engine.steps  # noqa: F401 - registers them

    owner, project = make_people()
    workers = Workers(postmaster)
    try:
        warm = make_chain(project, "warm", owner)
        add(warm, 50, owner)
        wait_until_settled()
        table = make_chain(project, "numbers", owner)
        facts = {"rows": n_rows, "database": vendor()}
        facts |= fill(table, n_rows, owner, workers)
        facts |= nothing_changed(table, owner)
        facts |= edit_cells(table, n_rows, owner, workers)
        facts |= edit_the_parent(project, n_rows, owner, workers)
    finally:
        workers.stop()
    json.dump(facts, sys.stdout)


def work():
    """Work off the queue until SIGTERM, as a worker of the portal does."""
    import benchmarks.engine.steps  # noqa: F401 - registers them
    from portal.command import compute

    if folder := os.environ.get("STOA_BENCHMARK_PROFILE"):
        import cProfile

        profile = cProfile.Profile()
        profile.runcall(compute)
        profile.dump_stats(f"{folder}/{os.getpid()}.profile")
        return
    compute()


class Workers:
    """The processes that compute, and what they and the database server have used."""

    def __init__(self, postmaster):
        self.postmaster = [postmaster] if postmaster else []
        command = [sys.executable, "-m", "benchmarks.engine.scene", "work"]
        self.processes = [subprocess.Popen(command) for _ in range(N_WORKERS)]

    def cpu(self):
        from benchmarks.engine.machine import cpu_seconds

        return cpu_seconds([process.pid for process in self.processes] + self.postmaster)

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


class Meter:
    """Wall-clock time, and processor time of workers, database server and this process."""

    def __init__(self, workers):
        self.workers = workers
        self.start()

    def start(self):
        self.began, self.used, self.own = time.monotonic(), self.workers.cpu(), time.process_time()

    def read(self):
        """Return seconds passed, seconds used by workers and server, and by this process; begin anew."""
        facts = (
            time.monotonic() - self.began,
            self.workers.cpu() - self.used,
            time.process_time() - self.own,
        )
        self.start()
        return facts


def fill(table, n_rows, owner, workers):
    """Add all rows, and wait until every output is there."""
    meter = Meter(workers)
    add(table, n_rows, owner)
    add_wall, add_cpu, add_own = meter.read()
    wait_until_settled()
    wall, cpu, _ = meter.read()
    check_chain(table, n_rows)
    steps = 3 * n_rows
    return {
        "adding, rows per second": n_rows / add_wall,
        "adding, CPU per step": (add_cpu + add_own) / steps,
        "computing, CPU per step": cpu / steps,
        "computing, rows per second": n_rows / wall,
        "all, CPU per step": (cpu + add_cpu + add_own) / steps,
        "all, rows per second": n_rows / (wall + add_wall),
    }


def nothing_changed(table, owner):
    """Ask for an update of what is up to date, and let a worker look whether there is anything to do."""
    from worktables.planning import plan_update
    from worktables.queue.claiming import claim

    seconds = []
    for _ in range(NOTHINGS):
        began = time.perf_counter()
        plan = plan_update(table)
        batch = claim("nobody", lambda node: 1)
        seconds.append(time.perf_counter() - began)
        assert plan.n_rows_to_do == 0, plan
        assert batch is None, batch
    return {"nothing changed": statistics.median(seconds)}


def edit_cells(table, n_rows, owner, workers):
    """Edit one cell after the other, each as soon as the row of the last is fresh."""
    from pipelines.models import Run
    from worktables.editing import edit_cell

    rng, column = random.Random(4), table.columns.get(name="x")
    before = Run.objects.count()
    marked, fresh = [], []
    meter = Meter(workers)
    for number in range(N_EDITS):
        row_id = 1 + rng.randrange(n_rows)
        seen, value = cells_of(table, row_id)["x"], 1e6 + number
        began = time.perf_counter()
        assert edit_cell(table, row_id, column, value, seen=seen, editor=owner) == 3
        marked.append(time.perf_counter() - began)
        wait_until_fresh(table, row_id)
        fresh.append(time.perf_counter() - began)
        assert cells_of(table, row_id)["c"] == (value + 1) * 2 - 3
    _, cpu, _ = meter.read()
    assert Run.objects.count() == before + 3 * N_EDITS
    return {
        "edit, marked p50": statistics.median(marked),
        "edit, fresh p50": statistics.median(fresh),
        "edit, fresh p95": statistics.quantiles(fresh, n=20)[-1],
        "edit, CPU": cpu / N_EDITS,
        "edit, ran": (Run.objects.count() - before) / N_EDITS,
    }


def edit_the_parent(project, n_rows, owner, workers):
    """Edit a cell that every row of another table is made from, and take the edit back."""
    from benchmarks.engine.steps import SCALED
    from pipelines.models import Pipeline, Run
    from worktables.columns import NewColumn
    from worktables.creating import create_worktable
    from worktables.editing import edit_cell, undo
    from worktables.linking import collect
    from worktables.models import Change
    from worktables.rows import add_rows

    parents = create_worktable(
        project,
        "parents",
        creator=owner,
        columns=[NewColumn("group", "text"), NewColumn("factor", "float")],
    )
    pipeline = Pipeline.objects.create(name="scaled", graph=SCALED)
    table = create_worktable(
        project, "dependents", creator=owner, pipeline=pipeline, columns=[NewColumn("group", "text")]
    )
    collect(parents, table, name="parent", match={"group": "group"}, by=owner)
    add_rows(parents, [{"group": "one", "factor": 2.0}], by=owner)
    add_rows(table, [{"x": float(number), "group": "one"} for number in range(n_rows)], by=owner)
    for each in (parents, table):
        each.refresh_from_db()
    wait_until_settled()
    check_sum(table, "y", 2.0 * sum(range(n_rows)))
    meter, before = Meter(workers), Run.objects.count()

    stale = edit_cell(parents, 1, parents.columns.get(name="factor"), 3.0, seen=2.0, editor=owner)
    assert stale == n_rows, stale
    mark_wall, mark_cpu, mark_own = meter.read()
    wait_until_settled()
    wall, cpu, _ = meter.read()
    check_sum(table, "y", 3.0 * sum(range(n_rows)))
    assert Run.objects.count() == before + n_rows

    meter.start()
    assert undo(Change.objects.filter(worktable=parents).latest("id"), by=owner) == n_rows
    undo_mark_wall, *_ = meter.read()
    wait_until_settled()
    undo_wall, undo_cpu, _ = meter.read()
    check_sum(table, "y", 2.0 * sum(range(n_rows)))
    assert Run.objects.count() == before + n_rows, "an undone edit ran something"
    return {
        "parent, marked": mark_wall,
        "parent, marked CPU": mark_cpu + mark_own,
        "parent, recomputed": wall,
        "parent, recomputed CPU per unit": cpu / n_rows,
        "parent, undone": undo_mark_wall + undo_wall,
        "parent, undone CPU per unit": undo_cpu / n_rows,
    }


# ------------------------------------------------------------------ the tables, and looking at them


def make_people():
    from django.contrib.auth import get_user_model

    from projects.editing import create_project

    owner = get_user_model().objects.create_user("owner", password="owner")
    return owner, create_project("engine", "Engine", "What it costs.", creator=owner)


def make_chain(project, name, owner):
    from benchmarks.engine.steps import CHAIN
    from pipelines.models import Pipeline
    from worktables.creating import create_worktable

    pipeline, _ = Pipeline.objects.get_or_create(name="chain", defaults={"graph": CHAIN})
    return create_worktable(project, name, creator=owner, pipeline=pipeline)


def add(table, n_rows, owner):
    from worktables.rows import add_rows

    # No two rows of all tables are the same computation: nothing is found in the memo.
    add_rows(table, [{"x": number + table.pk / 1024} for number in range(n_rows)], by=owner)
    table.refresh_from_db()


def check_chain(table, n_rows):
    check_sum(table, "c", sum((number + table.pk / 1024 + 1) * 2 - 3 for number in range(n_rows)))
    from pipelines.models import Run
    from provenance.models import Generated

    runs = Run.objects.filter(worktable_id=table.pk, accepted=True)
    assert runs.count() == 3 * n_rows
    assert Generated.objects.filter(run__in=runs.values("pk")).count() == 3 * n_rows


def check_sum(table, name, expected):
    """Compare with a plain recomputation; every row must be fresh."""
    from django.db.models import Sum

    from worktables.storage import layout_of

    layout = layout_of(table)
    assert not layout.rows.exclude(state=0).exists()
    found = layout.rows.aggregate(sum=Sum(f"c{layout.by_name[name].pk}"))["sum"]
    assert abs(found - expected) <= 1e-9 * abs(expected), (found, expected)


def cells_of(table, row_id):
    from worktables.storage import layout_of

    layout = layout_of(table)
    row = layout.rows.get(id=row_id)
    return {name: layout.value(column, row) for name, column in layout.by_name.items()}


def wait_until_settled():
    from worktables.models import Todo

    deadline = time.monotonic() + PATIENCE
    while Todo.objects.exists():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def wait_until_fresh(table, row_id):
    """Look, in plain SQL, so that looking takes nothing from the workers."""
    from django.db import connection

    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"SELECT state FROM wt_{table.pk} WHERE id = %s", [row_id])
            if cursor.fetchone() == (0,):
                return
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(GLANCE)


def vendor():
    from django.db import connection

    return connection.vendor


def main(deed, *numbers):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    {"measure": measure, "work": work}[deed](*map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
