"""The form by meaning: what is filled in is asked, and a query that says no more fills it in again."""

import html
import re
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vo.conftest import SOURCES
from tests.vo.querying.test_forming import TABLE, forms
from vo.querying.filling import UNITS, fields_of, form_from, in_a_short_unit
from vo.querying.meaning import groups_of
from worktables.formats.parsing import parse_cell

pytestmark = pytest.mark.django_db


def query_in(answer):
    """Return the query to whose address a form leads."""
    assert answer.status_code == 302, answer.content.decode()
    return parse_qs(urlsplit(answer["Location"]).query)["query"][0]


def ask(client, **fields):
    return client.post("/query/form/", {"table": "virgo.sources", "top": "100", **fields})


@settings(max_examples=200, deadline=None)
@given(forms)
def test_the_fields_of_a_form_say_what_it_asks(form):
    read, problems = form_from(TABLE, fields_of(form), partial(parse_cell, "position"))

    assert not problems
    order = {column.name: place for place, column in enumerate(TABLE.columns)}
    assert set(read.constraints) == set(form.constraints)
    assert read.columns == tuple(sorted(form.columns, key=order.get))
    assert (read.order, read.descending, read.top) == (form.order, form.descending, form.top)


@given(st.floats(1e-4, 100).map(lambda number: float(f"{number:.5g}")), st.sampled_from(sorted(UNITS)))
def test_a_radius_is_shown_as_short_as_it_was_written(number, unit):
    degrees = number / UNITS[unit]

    text, shown = in_a_short_unit(repr(degrees))

    assert float(text) / UNITS[shown] == degrees
    assert len(text) <= len(repr(number))


def test_columns_are_grouped_by_what_they_mean():
    groups = {group.name: [column.name for column in group.columns] for group in groups_of(TABLE)}

    assert groups == {
        "Place on the sky": ["ra", "dec"],
        "Brightness": ["flux"],
        "Names": ["name"],
        "Time": ["observed at"],
        "Class and quality": ["good"],
        "Other numbers": ["n", "size"],
        "Other texts": ['odd "text"'],
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"from.flux": "0.25", "to.flux": "1.5"}, lambda row: row[2] is not None and 0.25 <= row[2] <= 1.5),
        ({"from.flux": ">0.25"}, lambda row: row[2] is not None and row[2] > 0.25),
        ({"is.name": "EA*"}, lambda row: row[0].lower().startswith("ea")),
        ({"is.name": "east, wrap"}, lambda row: row[0] in ("east", "wrap")),
        ({"is.good": "no"}, lambda row: row[4] is False),
        ({"place": "12:31:00 +12:23:24", "radius": "1", "unit": "arcmin"}, lambda row: row[0] == "east"),
        ({"place": "EAST", "radius": "1", "unit": "arcmin"}, lambda row: row[0] == "east"),
        ({"place": "0.1 0", "radius": "0.3", "unit": "deg"}, lambda row: row[0] == "wrap"),
    ],
)
def test_what_is_filled_in_is_what_is_found(client, sources, publish, fields, wanted):
    publish(sources)

    text = query_in(ask(client, **fields))
    page = client.get("/query/", {"query": text}).content.decode()

    n_wanted = sum(1 for row in SOURCES if wanted(row))
    assert n_wanted
    assert f"{n_wanted} row" in page


def test_a_query_fills_the_form_in(client, sources, publish):
    publish(sources)
    fields = {"place": "187.5 -12.25", "radius": "1", "unit": "arcmin", "from.flux": ">0.5", "is.good": "yes",
              "is.name": "M*", "order": "flux", "descending": "1"}  # fmt: skip

    text = query_in(ask(client, **fields))
    page = client.get("/query/form/", {"query": text}).content.decode()

    values = dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', page))
    values = {name: html.unescape(value) for name, value in values.items()}
    assert values["place"] == "187.5 -12.25"
    assert (values["radius"], values["from.flux"], values["is.name"]) == ("1", ">0.5", "M*")
    assert "<option selected>arcmin</option>" in page
    assert '<option value="yes" selected>' in page
    assert "<option selected>flux</option>" in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("from.flux", "bright", "Write a number such as 1.5"),
        ("from.flux", "<5", "Write a number, or &gt; before one"),
        ("place", "187,7 12", "write degrees as in"),
        ("radius", "-1", "a number above 0"),
        ("top", "many", "Write a whole number of rows"),
        ("is.name", "a*, b", "one text with *"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_kept(client, sources, publish, field, text, words):
    publish(sources)
    fields = {"place": "1 1", "radius": "1", field: text}

    answer = ask(client, **fields)

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert f'value="{html.escape(text)}"' in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_name_that_no_row_has_is_no_place(client, sources, publish):
    publish(sources)

    answer = ask(client, place="M 87' --", radius="1")

    assert answer.status_code == 400
    assert "no row is called so here" in answer.content.decode()


def test_a_query_beyond_the_form_says_what_is(client):
    answer = client.get("/query/form/", {"query": "SELECT COUNT(*) FROM tap_schema.tables"})

    assert "beyond the form: it shows more than columns" in answer.content.decode()


def test_a_hidden_table_has_no_form(client, sources, publish, stranger):
    publish(sources, "project")
    client.force_login(stranger)

    answer = ask(client)

    assert answer.status_code == 404
    assert "sources" not in answer.content.decode()
    assert "sources" not in client.get("/query/form/", {"table": "virgo.sources"}).content.decode()
