"""Tables that are published, in tests that look at what the Virtual Observatory gets."""

import pytest
from django.contrib.auth.models import Group

from tests.vo.counting import counts  # noqa: F401
from tests.vo.live import _nothing_left_to_others, live, session  # noqa: F401
from tests.vo.sky import sky  # noqa: F401
from tests.worktables.conftest import _files_in_a_folder_of_their_own, family, work, worktable  # noqa: F401
from tests.worktables.formats.conftest import run_tool  # noqa: F401
from vo.models import Scope
from vo.publishing.deciding import grant
from vo.publishing.proposing import propose
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

FACTS = {
    "title": "Sources of Virgo",
    "description": "What was found near M87.",
    "creator": "O. Wner",
    "rights": "CC BY 4.0",
    "contact": "owner@example.org",
}
SOURCES = [
    ("east", (187.75, 12.39), 1.5, 3, True),
    ("west", (187.65, 12.38), 0.25, None, False),
    ("wrap", (359.9, 0.001), 7.0, 1, None),
    ("", None, None, 0, True),
]


@pytest.fixture
def judge(make_user):
    """A curator who is nothing else."""
    user = make_user("judge", is_staff=True)
    user.groups.add(Group.objects.get(name="curators"))
    return user


@pytest.fixture
def sources(project, owner):
    """A plain table of sources."""
    table = create_worktable(
        project,
        "sources",
        creator=owner,
        title="Sources",
        description="found",
        columns=[
            NewColumn("name", "text", ucd="meta.id"),
            NewColumn("place", "position"),
            NewColumn("flux", "float", unit="mJy", ucd="phot.flux.density", description="at 100 GHz"),
            NewColumn("n", "int"),
            NewColumn("good", "bool"),
        ],
    )
    names = ("name", "place", "flux", "n", "good")
    add_rows(table, [dict(zip(names, row, strict=True)) for row in SOURCES], by=owner)
    return table


@pytest.fixture
def publish(owner, judge):
    """Publish a table, for the world unless said, and decide it."""

    def publish(table, scope=Scope.WORLD, *, decided=True, **facts):
        version = propose(table, {**FACTS, **facts}, scope, by=owner)
        if decided and version.verdict == version.Verdict.WAITING:
            version = grant(version, by=judge)
        return version

    return publish
