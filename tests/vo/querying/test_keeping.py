"""The answer of a query as a worktable: the same values, units and meaning, and from where they are."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from tests.vo.conftest import SOURCES
from vo.adql import AdqlError
from vo.querying import keeping
from vo.querying.keeping import TooManyRows, keep_as_worktable
from worktables.errors import UnfitName
from worktables.models import Worktable
from worktables.storage import layout_of

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = "SELECT name, place_ra, place_dec, flux, n, good FROM virgo.sources"


def rows_of(worktable):
    layout = layout_of(worktable)
    return [
        tuple(layout.value(column, row) for column in layout.columns) for row in layout.rows.order_by("id")
    ]


def test_the_table_has_what_the_query_finds(project, owner, sources, publish):
    publish(sources)

    table = keep_as_worktable(TEXT, project, "bright", creator=owner, now=NOW)

    assert sorted(map(str, rows_of(table))) == sorted(map(str, SOURCES))
    flux = table.columns.get(name="flux")
    assert (flux.unit, flux.ucd, flux.description) == ("mJy", "phot.flux.density", "at 100 GHz")


def test_its_description_says_whence(project, owner, sources, publish):
    publish(sources)
    publish(sources, changes="more")

    table = keep_as_worktable(TEXT, project, "bright", creator=owner, now=NOW)

    assert table.description == (
        f"Result of a query of virgo.sources_v2, asked 2026-03-01 12:00:00 UTC by owner:\n\n{TEXT}"
    )


@pytest.mark.parametrize("most", [3, 4])
def test_too_large_an_answer_is_refused_whole(project, owner, sources, publish, monkeypatch, most):
    publish(sources)
    monkeypatch.setattr(keeping, "MOST_ROWS", most)

    if most < len(SOURCES):
        with pytest.raises(TooManyRows, match="more than 3 rows"):
            keep_as_worktable(TEXT, project, "bright", creator=owner, now=NOW)
        assert not Worktable.objects.filter(name="bright").exists()
    else:
        assert keep_as_worktable(TEXT, project, "bright", creator=owner, now=NOW).n_rows == most


@pytest.mark.parametrize("who", ["collaborator", "reader", "stranger"])
def test_only_owners_keep_results_in_a_project(request, project, sources, publish, who):
    publish(sources)

    with pytest.raises(PermissionDenied):
        keep_as_worktable(TEXT, project, "bright", creator=request.getfixturevalue(who), now=NOW)


def test_what_cannot_be_is_refused_before_anything_is_made(project, owner, sources):
    with pytest.raises(UnfitName):
        keep_as_worktable("SELECT nothing", project, "sources", creator=owner, now=NOW)
    with pytest.raises(AdqlError):
        keep_as_worktable("SELECT nothing", project, "bright", creator=owner, now=NOW)


def test_the_page_asks_where_and_makes_the_table(project, owner, stranger, sources, publish):
    publish(sources)
    mine, theirs = Client(), Client()
    mine.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    theirs.force_login(stranger, "django.contrib.auth.backends.ModelBackend")
    said = {"query": TEXT, "project": project.pk, "name": "bright", "title": "Bright ones"}

    asked = mine.post("/query/keep/", {"query": TEXT})
    refused = mine.post("/query/keep/", {**said, "name": "sources"})
    elsewhere = theirs.post("/query/keep/", said)
    done = mine.post("/query/keep/", said)

    assert TEXT in asked.content.decode()
    assert refused.status_code == 400
    assert "is already a table of this project" in refused.content.decode()
    assert elsewhere.status_code in (200, 400)
    table = Worktable.objects.get(name="bright")
    assert done["Location"] == f"/worktables/{table.pk}/"
    assert (table.title, table.created_by) == ("Bright ones", owner)


def test_a_table_that_lives_is_named_as_it_is(project, owner, sources):
    table = keep_as_worktable("SELECT name FROM virgo.sources_live", project, "names", creator=owner, now=NOW)

    assert table.n_rows == len(SOURCES)
    assert "of virgo.sources_live, asked 2026-03-01 12:00:00 UTC by owner" in table.description
