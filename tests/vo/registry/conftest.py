"""What a registry sees that harvests the portal."""

import pytest

from tests.vo.observations.conftest import pictures, shown  # noqa: F401
from tests.vo.registry.harvesting import Harvester
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows


@pytest.fixture
def harvester(client):
    """A registry that asks the portal, as nobody in particular."""
    return Harvester(lambda sent: client.get("/oai", sent))


@pytest.fixture
def small_table(project, owner):
    """Make a table of one row that is easily published."""

    def make(name):
        table = create_worktable(project, name, creator=owner, columns=[NewColumn("n", "int")])
        add_rows(table, [{"n": 1}], by=owner)
        return table

    return make
