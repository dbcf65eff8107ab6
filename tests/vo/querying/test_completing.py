"""What a query can go on with: what somebody may see, written as it must stand in a query."""

import pytest

from vo.adql import Column, Table, Tables, translate
from vo.catalogue import Schema
from vo.querying import completing
from vo.querying.completing import words_for

pytestmark = pytest.mark.django_db

TABLE = Table(
    "virgo", "sources", "t", (Column("size", "float", "mJy", "phot.flux", "how bright"), Column("a b", "int"))
)


def words_of(client):
    return client.get("/query/words/").json()


def test_names_are_written_as_they_must_stand():
    words = words_for([Schema("virgo", "", "", (TABLE,))])

    (table,) = words["tables"]
    assert table["columns"][0] == {"name": '"size"', "unit": "mJy", "about": "how bright"}
    query = f"SELECT {', '.join(one['name'] for one in table['columns'])} FROM {table['name']}"
    assert len(translate(query, Tables.of([TABLE]), "sqlite").columns) == 2


def test_every_function_is_offered_with_how_it_is_written():
    words = words_for([])

    assert {"CONTAINS", "COUNT", "IN_UNIT", "IVO_HASWORD"} <= {
        one["name"].upper() for one in words["functions"]
    }
    assert {"SELECT", "ORDER BY", "GROUP BY", "WHERE"} <= set(words["keywords"])


def test_there_are_not_too_many(monkeypatch):
    monkeypatch.setattr(completing, "MOST_COLUMNS", 3)

    words = words_for([Schema("virgo", "", "", (TABLE, TABLE))])

    assert [len(table["columns"]) for table in words["tables"]] == [2, 1]


def test_what_is_hidden_is_not_offered(client, sources, publish, owner, stranger):
    publish(sources, "project")
    client.force_login(stranger)
    theirs = words_of(client)
    client.force_login(owner)

    names = {table["name"] for table in words_of(client)["tables"]}
    assert {"virgo.sources", "virgo.sources_v1"} <= names
    assert "sources" not in str(theirs)
