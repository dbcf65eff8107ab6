"""A small worktable, a worker to drain it, and a family of linked tables."""

import threading

import pytest
from django.db import connection

from pipelines.models import Pipeline
from tests.worktables import toys
from tests.worktables.families import make_family
from worktables.creating import create_worktable
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.storage import layout_of

PATIENCE = 20  # seconds; only a failing test waits so long


@pytest.fixture(autouse=True)
def _files_in_a_folder_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def work(db):
    """Drain the queue and return what ran: [(step, argument)]."""
    worker = register_worker("tester")

    def run():
        toys.ran.clear()
        drain(worker)
        return sorted(toys.ran)

    return run


@pytest.fixture
def worktable(project, owner):
    """Three rows of total = (x + y) * factor → sign."""
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    table = create_worktable(project, "fields", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": 1.0, "y": 2.0}, {"x": -5.0, "y": 0.0}, {"x": 3.0}], by=owner)
    return table


@pytest.fixture
def family(project, owner):
    """fields → (expand) items → (collect by band) sums; items find the nearest of stars."""
    family = make_family(project, owner)
    stars = [{"name": "Zero", "place": (0.001, 5.0)}, {"name": "Ten", "place": (10.0, 5.001)}]
    add_rows(family.stars, stars, by=owner)
    add_rows(family.sums, [{"band": "a", "least": 0.0}, {"band": "b", "least": 2.0}], by=owner)
    fields = [{"x": 2.0, "band": "a"}, {"x": 3.0, "band": "b"}, {"x": 1.0, "band": "b"}]
    add_rows(family.fields, fields, by=owner)
    for table in vars(family).values():
        table.refresh_from_db()
    return family


@pytest.fixture
def cells():
    """Read a table's cells: {row id: {column: value}} of the rows that are present."""

    def read(worktable, *names):
        worktable.refresh_from_db()
        layout = layout_of(worktable)
        columns = [layout.by_name[name] for name in names]
        return {
            row.id: tuple(layout.value(column, row) for column in columns)
            for row in layout.rows.exclude(state=9).order_by("id")
        }

    return read


@pytest.fixture
def at_once():
    """Run functions in threads of their own, with connections of their own; return what each gave or raised."""

    def run(*functions):
        start, ends = threading.Barrier(len(functions)), [None] * len(functions)

        def live(number, function):
            try:
                start.wait(PATIENCE)
                ends[number] = function()
            except Exception as error:
                ends[number] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=live, args=each) for each in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        return ends

    return run


@pytest.fixture
def anna(make_user):
    return make_user("anna")


@pytest.fixture
def bea(make_user):
    return make_user("bea")


@pytest.fixture
def table_of(make_project):
    """Give somebody a project with a table: total = (x + y) * factor → sign."""
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)

    def make(user):
        return create_worktable(make_project(user.username, user), "fields", creator=user, pipeline=pipeline)

    return make
