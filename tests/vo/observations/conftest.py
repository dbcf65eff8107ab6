"""A published table of images, cubes and lists, and one that is made from it."""

from types import SimpleNamespace

import pytest

from archive.keeping import keep_product
from pipelines.models import Pipeline
from tests.vo.observations import skies
from vo.models import Scope
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

IMAGES = (
    ("m87.fits", {}),
    ("wrap.fits", {"centre": (0.0, -30.0), "OBJECT": "Wrap"}),
    ("pole.fits", {"centre": (40.0, 90.0), "OBJECT": "Pole"}),
    ("cube.fits", {"shape": (5, 24, 32), "centre": (187.7, 12.4), "OBJECT": "M87"}),
)


@pytest.fixture
def pictures(project, owner, work):
    """A table of images, each with what a step made from it, and a note that is no image."""
    pipeline = Pipeline.objects.create(name="smooth", title="Smooth", graph=skies.SMOOTH)
    table = create_worktable(
        project,
        "pictures",
        creator=owner,
        pipeline=pipeline,
        columns=[NewColumn("note", "product")],
    )
    rows = []
    for name, facts in IMAGES:
        kept = keep_product(project, skies.image(**facts), name, by=owner)
        rows.append({"image": kept.sha256})
    note = keep_product(project, b"nothing to see", "note ü.txt", media_type="text/plain", by=owner)
    rows[0]["note"] = note.sha256
    add_rows(table, rows, by=owner)
    work()
    table.refresh_from_db()
    return table


@pytest.fixture
def shown(pictures, publish):
    """The table of images, published for the world."""
    return publish(pictures, title="Pictures")


@pytest.fixture
def hidden(pictures, publish):
    """The table of images, published for its project only."""
    return publish(pictures, Scope.PROJECT, title="Secret pictures")


@pytest.fixture
def served(live_server, settings):
    """The address of a server, as anybody reaches it."""
    settings.ALLOWED_HOSTS = ["*"]
    return SimpleNamespace(address=live_server.url)
