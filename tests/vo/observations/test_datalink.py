"""Links of published files: which there are, and for whom."""

from io import BytesIO

import pytest
from astropy.io.votable import parse_single_table
from django.urls import reverse
from pyvo.dal.adhoc import DatalinkResults, DatalinkService

from archive.keeping import keep_product
from pipelines.models import Pipeline
from tests.vo.observations import skies
from vo.models import Scope
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows
from worktables.storage import layout_of

pytestmark = pytest.mark.django_db
DID = "ivo://stoa.invalid/virgo.pictures?v1/"


@pytest.fixture
def ask(client):
    """Ask for links as somebody; return the rows of the answer."""

    def ask(*identifiers, user=None, **more):
        client.logout()
        if user is not None:
            client.force_login(user)
        answer = client.get(reverse("datalink-links"), {"ID": list(identifiers), **more})
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/x-votable+xml;content=datalink"
        table = parse_single_table(BytesIO(answer.content)).to_table()
        return [dict(zip(table.colnames, row, strict=True)) for row in table.iterrows()]

    return ask


def said(rows, semantics):
    """The descriptions of links of a kind."""
    return sorted(row["description"] for row in rows if row["semantics"] == semantics)


def test_an_input_leads_to_what_was_made_from_it(shown, ask):
    rows = ask(DID + "1/image")

    this = rows[0]
    product = shown.products.get(row_id=1, column="image")
    assert (this["semantics"], this["content_length"]) == ("#this", product.size)
    assert (this["content_type"], this["content_qualifier"]) == ("application/fits", "#image")
    assert (this["link_auth"], this["link_authorized"]) == ("false", True)
    assert said(rows, "#derivation") == ["items: items.fits", "smooth: smooth.fits"]
    assert said(rows, "#auxiliary") == ["note: note ü.txt"]
    assert said(rows, "#documentation") == ["Pictures, version 1"]
    assert len(said(rows, "#preview")) == len(said(rows, "#cutout")) == 1
    assert said(rows, "#progenitor") == []


def test_what_was_made_leads_to_its_input(shown, ask):
    rows = ask(DID + "1/items")

    assert said(rows, "#progenitor") == ["image: m87.fits"]
    assert said(rows, "#auxiliary") == ["note: note ü.txt", "smooth: smooth.fits"]
    assert said(rows, "#preview") == said(rows, "#cutout") == []


def test_every_address_of_an_answer_answers(shown, ask, client):
    for row in ask(DID + "1/image"):
        if row["access_url"]:
            answer = client.get(row["access_url"])
            assert answer.status_code == 200, row
            assert answer["Content-Type"].partition(";")[0] == row["content_type"]
            assert b"".join(answer.streaming_content if answer.streaming else [answer.content])


@pytest.fixture
def sharper(project, owner, pictures, work):
    """Another table, whose rows are made from an image of the first."""
    pipeline = Pipeline.objects.get(name="smooth")
    table = create_worktable(
        project, "sharper", creator=owner, pipeline=pipeline, columns=[NewColumn("name", "text")]
    )
    image = keep_product(project, skies.image(), "m87.fits", by=owner)
    smooth = pictures_file(pictures, "smooth")
    add_rows(table, [{"image": smooth}, {"image": image.sha256}], by=owner)
    work()
    table.refresh_from_db()
    return table


def pictures_file(table, name):
    layout = layout_of(table)
    return layout.value(layout.by_name[name], layout.rows.get(id=1))


def test_links_lead_across_tables_as_far_as_one_sees(shown, sharper, publish, ask, reader):
    publish(sharper, Scope.PROJECT, title="Sharper")

    everybody, ours = ask(DID + "1/smooth"), ask(DID + "1/smooth", user=reader)

    assert said(everybody, "#derivation") == []
    assert said(ours, "#derivation") == [
        "items of row 1 of virgo.sharper_v1: items.fits",
        "smooth of row 1 of virgo.sharper_v1: smooth.fits",
    ]
    back = ask("ivo://stoa.invalid/virgo.sharper?v1/1/items", user=reader)
    assert said(back, "#progenitor") == ["image: smooth.fits"]
    assert {row["link_auth"] for row in back if row["semantics"] == "#this"} == {"true"}


def test_several_identifiers_are_answered_in_their_order(shown, ask):
    asked = [DID + "4/image", DID + "2/smooth"]

    rows = ask(*asked, asked[0])

    assert list(dict.fromkeys(row["ID"] for row in rows)) == asked
    assert [row["content_qualifier"] for row in rows if row["semantics"] == "#this"] == ["#cube", "#image"]


@pytest.mark.parametrize(
    "identifier", ["x", "ivo://elsewhere/virgo.pictures?v1/1/image", DID, "ivo://stoa.invalid/ü"]
)
def test_what_is_no_identifier_is_said_in_its_row(shown, ask, identifier):
    (row,) = ask(identifier)

    assert row["error_message"].startswith("UsageFault: ")
    assert row["access_url"] == ""


def test_registries_take_no_heed_of_case(shown, ask):
    assert len(ask("IVO://Stoa.Invalid/virgo.pictures?v1/1/image")) == len(ask(DID + "1/image"))


def test_what_is_not_shown_is_as_if_it_were_not_there(hidden, ask, owner, reader, stranger):
    absent = ask(DID + "99/image")
    for user in (None, stranger):
        (row,) = ask(DID + "1/image", user=user)
        assert row["error_message"] == absent[0]["error_message"].replace("99", "1")
    for user in (owner, reader):
        assert said(ask(DID + "1/image", user=user), "#derivation")


def test_more_identifiers_than_are_taken_overflow(shown, client):
    identifiers = [f"{DID}{row}/image" for row in range(1, 503)]

    answer = client.post(reverse("datalink-links"), {"ID": identifiers})

    assert answer.content.count(b"NotFoundFault") == 496
    assert b'value="OVERFLOW"' in answer.content


def test_the_number_of_questions_does_not_grow(shown, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        client.get(reverse("datalink-links"), {"ID": [f"{DID}{row}/image" for row in range(1, 5)]})
    with django_assert_max_num_queries(16):
        client.get(reverse("datalink-links"), {"ID": [f"{DID}1/image"]})


def test_a_format_that_is_not_offered(shown, client):
    answer = client.get(reverse("datalink-links"), {"ID": DID + "1/image", "RESPONSEFORMAT": "text/csv"})

    assert answer.status_code == 400
    assert b"RESPONSEFORMAT" in answer.content


@pytest.mark.django_db(transaction=True)
def test_pyvo_follows_the_links_of_a_query(shown, served):
    links = DatalinkResults.from_result_url(f"{served.address}/datalink/links?ID={DID}1/image")

    assert next(iter(links)).semantics == "#this"
    again = DatalinkService(f"{served.address}/datalink/links").search([DID + "1/image", DID + "2/image"])
    assert sum(row.semantics == "#this" for row in again) == 2
