"""The page of queries: what it answers, how it says what is wrong, and to whom it shows what."""

import html
import re
from urllib.parse import urlencode

import pytest

from tests.vo.conftest import SOURCES
from vo.models import Scope

# Queries are asked through connections of their own, which see only what is committed.
committed = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client):
    """Open the page of a query; return the answer, with its words as they are seen."""

    def page(text="", **parameters):
        answer = client.get("/query/?" + urlencode({"query": text, **parameters}))
        answer.words = seen(answer)
        return answer

    return page


def seen(answer):
    """Return the words of a page without its markup."""
    body = answer.content.decode().partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def column(answer, number):
    """Return the cells of a column of the result."""
    body = answer.content.decode().partition('class="grid"')[2].partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", re.findall(r"<td[^>]*>.*?</td>", row)[number]) for row in rows]


@committed
def test_a_query_is_answered_with_units_in_the_heads(page, sources, publish):
    publish(sources)

    answer = page("SELECT name, flux FROM virgo.sources ORDER BY flux")

    assert answer.status_code == 200
    assert column(answer, 0) == ["west", "east", "wrap", "“”"]
    assert 'flux</a><small class="unit">mJy</small>' in answer.content.decode()
    assert "4 rows, 2 columns" in answer.words


@committed
@pytest.mark.parametrize(("sort", "first"), [("flux", "0.25"), ("-flux", "7.0")])
def test_the_rows_shown_are_sorted_by_a_column(page, sources, publish, sort, first):
    publish(sources)

    answer = page("SELECT name, flux FROM virgo.sources", sort=sort)

    assert column(answer, 1)[0] == first
    assert column(answer, 1)[-1] == ""
    assert len(column(answer, 1)) == len(SOURCES)


@committed
def test_what_is_not_shown_is_said_and_can_be_downloaded(page, sources, publish, monkeypatch):
    publish(sources)
    monkeypatch.setattr("vo.views.querying.SHOWN_ROWS", 3)

    answer = page("SELECT * FROM virgo.sources")

    assert len(column(answer, 0)) == 3
    assert "The first 3 rows (there are more)" in answer.words
    assert "/tap/sync?LANG=ADQL&amp;RESPONSEFORMAT=fits&amp;QUERY=SELECT" in answer.content.decode()


def test_what_is_wrong_is_shown_where_it_stands(page):
    answer = page("SELECT table_name\nFROM tap_schema.tabels")

    assert answer.status_code == 400
    assert 'data-line="2" data-column="6"' in answer.content.decode()
    assert "did you mean" in answer.words.lower()
    assert "FROM tap_schema.tabels</textarea>" in answer.content.decode()


def test_a_hidden_table_is_in_no_list_and_no_error(page, client, sources, publish, owner, stranger):
    publish(sources, Scope.PROJECT)
    client.force_login(stranger)

    hidden, listed = page("SELECT * FROM virgo.sources"), page()
    client.force_login(owner)

    assert hidden.status_code == 400
    assert "There is no table" in hidden.words
    assert "virgo.sources" not in listed.words
    assert "virgo.sources" in page().words


@committed
def test_an_address_in_a_cell_leads_there(page):
    answer = page(
        "SELECT 'https://example.org/a?b=1&c=2' AS address, 'javascript:alert(1)' AS other FROM tap_schema.schemas"
    )

    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer">' in answer.content.decode()
    assert 'href="javascript' not in answer.content.decode()


def test_what_is_posted_gets_an_address(client):
    answer = client.post("/query/", {"query": "SELECT 1 +\r\n 1 AS two"})

    assert answer.status_code == 302
    assert answer["Location"] == "/query/?query=SELECT+1+%2B%0A+1+AS+two"


def test_what_is_too_long_for_an_address_is_answered_at_once(client):
    answer = client.post("/query/", {"query": f"SELECT nothing -- {'x' * 7000}"})

    assert answer.status_code == 400
    assert "x" * 7000 in answer.content.decode()


@committed
def test_the_page_asks_as_much_for_many_tables_as_for_one(
    client, sources, publish, django_assert_max_num_queries
):
    publish(sources)
    publish(sources, changes="more")

    with django_assert_max_num_queries(4):
        client.get("/query/?query=SELECT+*+FROM+virgo.sources")


def test_tables_are_found_by_what_their_columns_mean(client, sources, publish):
    publish(sources)

    found = seen(client.get("/query/", {"tables": "phot.flux"}))

    assert "virgo.sources" in found
    assert "virgo.sources_v1" not in found
    assert "tap_schema.keys" not in found
    assert "virgo.sources_v1" in seen(client.get("/query/", {"tables": "sources_v"}))


@committed
def test_an_empty_answer_says_which_condition_emptied_it(page, sources, publish):
    publish(sources)

    answer = page("SELECT name FROM virgo.sources WHERE flux > 100 AND n > 0 ORDER BY name")

    assert "0 rows, 1 column" in answer.words
    assert "Without flux > 100 there would be 2 rows." in answer.words
    assert "Without any condition there would be 4 rows." in answer.words
    assert "query=SELECT+name+FROM+virgo.sources+WHERE+n+%3E+0+ORDER+BY+name" in answer.content.decode()


@committed
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"plot": "sky"}, "3 points: positions on the whole sky. 1 row cannot be drawn."),
        (
            {"plot": "xy", "x": "n", "y": "flux"},
            "2 points: flux [mJy] against n: from 1 to 3, and from 1.5 to 7. 2 rows cannot be drawn.",
        ),
        (
            {"plot": "xy", "x": "place_ra", "y": "flux", "ylog": "1"},
            "3 points: flux [mJy] against place_ra [deg]",
        ),
    ],
)
def test_an_answer_is_plotted(page, sources, publish, how, words):
    publish(sources)

    answer = page("SELECT * FROM virgo.sources", **how)

    assert words in answer.words
    assert '<path class="dots" d="M' in answer.content.decode()


@committed
def test_what_is_plotted_is_not_all_listed(page, sources, publish, monkeypatch):
    publish(sources)
    monkeypatch.setattr("vo.views.querying.SHOWN_ROWS", 2)

    answer = page("SELECT * FROM virgo.sources", plot="sky")

    assert "The first 2 rows (there are more)" in answer.words
    assert "3 points" in answer.words


@committed
def test_an_answer_is_sent_to_programs_signed_where_somebody_asks(page, client, sources, publish, owner):
    publish(sources)

    nobodys = page("SELECT * FROM virgo.sources").content.decode()
    client.force_login(owner)
    mine = page("SELECT * FROM virgo.sources_live").content.decode()

    assert 'data-address="/tap/sync?LANG=ADQL&amp;RESPONSEFORMAT=votable&amp;QUERY=SELECT' in nobodys
    assert "data-sign" not in nobodys
    assert 'data-sign="/' in mine
