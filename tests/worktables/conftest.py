"""A small worktable, a worker to drain it, and a family of linked tables."""

from types import SimpleNamespace

import pytest

from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.linking import collect, expand, nearest
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.storage import layout_of


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
    lists = Pipeline.objects.create(name="toy_list", title="Toy list", graph=toys.LIST)
    sums = Pipeline.objects.create(name="toy_sum", title="Toy sum", graph=toys.SUM)
    fields = create_worktable(
        project, "fields", creator=owner, pipeline=lists, columns=[NewColumn("band", "text")]
    )
    items = create_worktable(
        project,
        "items",
        creator=owner,
        columns=[
            NewColumn("band", "text", "lookup"),
            NewColumn("place", "position", "lookup", unit="deg"),
            NewColumn("flux", "float", "lookup", unit="Jy"),
            NewColumn("star", "text", "lookup"),
            NewColumn("separation", "float", "lookup", unit="arcsec"),
        ],
    )
    stars = create_worktable(
        project,
        "stars",
        creator=owner,
        columns=[NewColumn("name"), NewColumn("place", "position", unit="deg")],
    )
    totals = create_worktable(
        project, "sums", creator=owner, pipeline=sums, columns=[NewColumn("band", "text")]
    )
    expand(
        fields,
        items,
        name="items_of",
        item="items",
        fields={"position": "place", "flux": "flux"},
        carry={"band": "band"},
        sky="place",
        radius=1.0,
        by=owner,
    )
    nearest(
        stars,
        items,
        name="star_near",
        of="place",
        position="place",
        radius=60.0,
        lookup={"name": "star"},
        separation="separation",
        by=owner,
    )
    collect(items, totals, name="members", match={"band": "band"}, by=owner)
    add_rows(
        stars, [{"name": "Zero", "place": (0.001, 5.0)}, {"name": "Ten", "place": (10.0, 5.001)}], by=owner
    )
    add_rows(totals, [{"band": "a", "least": 0.0}, {"band": "b", "least": 2.0}], by=owner)
    add_rows(fields, [{"x": 2.0, "band": "a"}, {"x": 3.0, "band": "b"}, {"x": 1.0, "band": "b"}], by=owner)
    for table in (fields, items, stars, totals):
        table.refresh_from_db()
    return SimpleNamespace(fields=fields, items=items, stars=stars, sums=totals)


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
