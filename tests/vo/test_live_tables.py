"""Worktables asked as they are now, by those who may see them."""

import csv
import io

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.sharing import share_with
from tests.vo.conftest import SOURCES
from vo.catalogue import tables_for
from worktables.columns import NewColumn, add_column, rename_column
from worktables.creating import create_worktable, delete_worktable
from worktables.editing import edit_cell
from worktables.rows import add_rows, delete_rows

# Queries are asked through connections of their own, which see only what is committed.
committed = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client):
    """Ask as somebody, and return the rows; what is wrong with the question is an error."""

    def ask(query, who):
        client.force_login(who, "django.contrib.auth.backends.ModelBackend")
        answer = client.get("/tap/sync", {"LANG": "ADQL", "FORMAT": "csv", "QUERY": query})
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if answer.status_code != 200:
            raise LookupError(text.decode())
        return list(csv.DictReader(io.StringIO(text.decode())))

    return ask


def live_names(user):
    return {table.full_name for table in tables_for(user) if table.name.endswith("_live")}


@committed
def test_a_query_finds_what_people_have_just_typed(ask, sources, owner):
    query = (
        "SELECT row_id, name, place_ra, place_dec, flux, row_state FROM virgo.sources_live ORDER BY row_id"
    )
    before = ask(query, owner)
    edit_cell(sources, 1, sources.column("flux"), 9.0, seen=1.5, editor=owner)
    delete_rows(sources, [2], by=owner)
    after = ask(query, owner)

    assert [(row["name"], row["flux"]) for row in before] == [(row[0], str(row[2] or "")) for row in SOURCES]
    assert {row["row_state"] for row in before} == {"fresh"}
    assert [(row["row_id"], row["flux"]) for row in after] == [("1", "9.0"), ("3", "7.0"), ("4", "")]


@committed
def test_what_is_not_computed_yet_says_so(ask, family, work, owner):
    work()
    query = "SELECT band, row_state FROM virgo.sums_live ORDER BY band"
    settled = ask(query, owner)
    edit_cell(family.fields, 1, family.fields.column("x"), 5.0, seen=2.0, editor=owner)
    waiting = ask(query, owner)
    work()

    assert [row["row_state"] for row in settled] == ["fresh", "fresh"]
    assert {row["band"]: row["row_state"] for row in waiting} == {"a": "stale", "b": "fresh"}
    assert [row["row_state"] for row in ask(query, owner)] == ["fresh", "fresh"]


@committed
def test_every_kind_of_column_can_be_asked(ask, family, work, owner):
    work()
    for name in vars(family):
        assert ask(f"SELECT * FROM virgo.{name}_live", owner)


@committed
def test_places_are_found_and_tables_joined(ask, sources, publish, owner):
    publish(sources)
    inside = "1 = CONTAINS(POINT('ICRS', l.place_ra, l.place_dec), CIRCLE('ICRS', 0.05, 0.05, 0.5))"

    found = ask(
        f"SELECT l.name FROM virgo.sources_live AS l JOIN virgo.sources AS p ON p.row_id = l.row_id WHERE {inside}",
        owner,
    )

    assert [row["name"] for row in found] == ["wrap"]


@committed
def test_columns_are_those_of_now(ask, sources, owner):
    ask("SELECT flux FROM virgo.sources_live", owner)
    rename_column(sources, "flux", "s_int", by=owner)
    add_column(sources, NewColumn("row_state", "text"), by=owner)

    (first, *_) = ask("SELECT * FROM virgo.sources_live", owner)

    assert first.keys() >= {"s_int", "row_state", "stoa_row_state"}
    with pytest.raises(LookupError, match="flux"):
        ask("SELECT flux FROM virgo.sources_live", owner)


def test_who_may_see_a_table_may_ask_it(sources, owner, collaborator, reader, stranger, make_user, curator):
    alone = make_user("alone")
    share_with(sources, alone, "reader", by=owner)

    for user in (owner, collaborator, reader, curator):
        assert live_names(user) == {"virgo.sources_live"}
    assert live_names(alone) == {f"shared_with_you.sources_{sources.pk}_live"}
    for user in (stranger, AnonymousUser()):
        assert live_names(user) == set()
    delete_worktable(sources, by=owner)
    assert live_names(owner) == set()


@committed
def test_to_others_it_is_a_table_that_is_not_there(ask, client, sources, stranger):
    def refusal(name):
        with pytest.raises(LookupError) as refused:
            ask(f"SELECT * FROM virgo.{name}", stranger)
        return str(refused.value).replace(name, "…")

    assert refusal("sources_live") == refusal("nothing_live")
    assert ask("SELECT * FROM tap_schema.tables WHERE table_name LIKE '%_live'", stranger) == []
    client.logout()
    answer = client.get("/tap/tables")
    assert b"sources" not in answer.content
    assert b"virgo" not in answer.content


def test_what_is_published_keeps_its_name(sources, publish, project, owner):
    other = create_worktable(
        project, "sources_live", creator=owner, columns=[NewColumn("once", "text")], title="t"
    )
    add_rows(other, [{"once": "x"}], by=owner)
    publish(other)

    (table,) = [one for one in tables_for(owner) if one.full_name == "virgo.sources_live"]

    assert "once" in {column.name for column in table.columns}


def test_more_tables_are_no_more_questions(sources, project, owner):
    def questions():
        with CaptureQueriesContext(connection) as captured:
            tables_for(owner)
        return len(captured)

    questions()  # what is asked once only, like the types of content
    one = questions()
    for number in range(5):
        create_worktable(project, f"t{number}", creator=owner, columns=[NewColumn("x", "float")])

    assert questions() == one
