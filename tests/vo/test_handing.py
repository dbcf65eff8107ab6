"""Addresses for programs that cannot sign in: each opens one download, as one person, for a quarter of an hour."""

import csv
import io
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from projects.sharing import withdraw_from
from tests.vo.conftest import SOURCES
from vo import handing
from vo.models import Scope
from vo.uws.claiming import claim_job, finish_job
from vo.uws.creating import create_job
from vo.uws.keeping import keep, name_in

# Downloads are read through connections of their own, which see only what is committed.
committed = pytest.mark.django_db(transaction=True, databases=["default", "streaming"])
pytestmark = pytest.mark.django_db


@pytest.fixture
def download(sources):
    """The address of a table as CSV, as its page has it."""
    return reverse("api-download", args=[sources.pk]) + "?format=csv&flux=>0.5&_sort=-flux"


@pytest.fixture
def hand(client):
    """Ask for the address of a download, as somebody on our page."""

    def hand(user, address):
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        answer = client.get("/handed/?" + urlencode({"address": address}))
        client.logout()
        assert answer.status_code == 200, answer.content
        assert "no-store" in answer["Cache-Control"]
        address = urlsplit(answer.json()["address"])
        assert (address.scheme, address.netloc) == ("http", "testserver")
        return address.path

    return hand


def text(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@committed
def test_whoever_has_the_address_gets_the_view_that_was_sent(client, hand, reader, download):
    address = hand(reader, download)

    got = client.get(address, HTTP_ORIGIN="https://elsewhere.example")

    assert got["Access-Control-Allow-Origin"] == "*"
    assert [row["name"] for row in csv.DictReader(io.StringIO(text(got)))] == ["wrap", "east"]
    assert client.head(address).status_code == 200
    assert client.post(address).status_code == 405


@committed
def test_the_query_of_the_request_counts_for_nothing(client, hand, reader, download):
    address = hand(reader, download)

    assert text(client.get(f"{address}?format=json&name=west&_sort=name")) == text(client.get(address))


def test_neither_the_cookies_nor_the_token_of_whoever_opens_it_count(
    client, hand, reader, stranger, download
):
    mine, theirs = hand(reader, download), hand(stranger, download)
    client.force_login(reader, "django.contrib.auth.backends.ModelBackend")
    assert client.get(theirs).status_code == 404
    client.force_login(stranger, "django.contrib.auth.backends.ModelBackend")
    assert client.get(mine).status_code == 200
    assert client.get(mine, HTTP_AUTHORIZATION="Token nonsense").status_code == 200


@committed
def test_a_version_that_is_not_for_all_is_read_by_its_query(client, hand, reader, stranger, sources, publish):
    publish(sources, Scope.PROJECT)
    query = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": "SELECT name FROM virgo.sources_v1"}
    address = "/tap/sync?" + urlencode(query)

    assert client.get(address).status_code == 400
    assert len(text(client.get(hand(reader, address))).splitlines()) == 1 + len(SOURCES)
    refused = client.get(hand(stranger, address))
    assert (refused.status_code, b"sources" in refused.content.replace(b"virgo.sources_v1", b"")) == (
        400,
        False,
    )


def test_the_result_of_a_job_is_handed_over_by_its_owner_alone(client, hand, owner, reader):
    job = create_job("tap", {}, owner=owner, now=timezone.now(), run=True)
    name = name_in(job.pk, "result-x")
    size = keep(name, [b"n\n7\n"], 100)
    finish_job(claim_job(["tap"]), name=name, media_type="text/csv", suffix=".csv", size=size)
    address = f"/tap/async/{job.pk}/results/result"

    assert text(client.get(hand(owner, address))) == "n\n7\n"
    assert client.get(hand(reader, address)).status_code == 404


def test_it_opens_nothing_any_more_when_the_right_is_gone(client, hand, project, owner, reader, download):
    address = hand(reader, download)

    withdraw_from(project, reader, by=owner)

    assert client.get(address).status_code == 404


def test_nor_when_the_account_is_closed_or_has_another_password(client, hand, reader, collaborator, download):
    first, second = hand(reader, download), hand(collaborator, download)
    reader.is_active = False
    reader.save()
    collaborator.set_password("another")
    collaborator.save()

    assert [client.get(address).status_code for address in (first, second)] == [404, 404]


def test_it_opens_nothing_any_more_after_a_quarter_of_an_hour(client, hand, reader, download, monkeypatch):
    address, then = hand(reader, download), signing.time.time()

    monkeypatch.setattr(signing.time, "time", lambda: then + 15 * 60 - 5)
    assert client.get(address).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: then + 15 * 60 + 5)
    late = client.get(address)
    assert (late.status_code, b"15 minutes" in late.content) == (410, True)


def test_what_was_not_signed_here_for_this_opens_nothing(client, hand, reader, download):
    token = hand(reader, download).rpartition("/")[2]
    elsewhere = signing.TimestampSigner(salt="elsewhere").sign_object(
        [download, reader.pk, handing.proof_of(reader)], compress=True
    )
    changed = token[:-3] + ("abc" if not token.endswith("abc") else "xyz")
    body, _, rest = token.partition(":")
    for wrong in (elsewhere, changed, f"{body[:-1]}:{rest}", body, "x", "a:b:c", quote("ü:ü:ü")):
        assert client.get(f"/handed/{wrong}").status_code == 404, wrong


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/",
        "/accounts/profile/",
        "/admin/",
        "/api/worktables/1/",
        "/api/worktables/1/rows/",
        "/api/tokens/",
        "/worktables/1/",
        "/worktables/1/events/",
        "/tap/async",
        "/handed/x",
        "/nothing",
        "//elsewhere.example/api/worktables/1/download/",
        "https://elsewhere.example/api/worktables/1/download/",
        "/api/worktables/1/download/?format=csv&name=%00",
        "/worktables/1/rows/1/files/%00/",
    ],
)
def test_only_downloads_are_handed_over(client, reader, address):
    client.force_login(reader, "django.contrib.auth.backends.ModelBackend")

    answer = client.get("/handed/?" + urlencode({"address": address}))

    assert answer.status_code == 400
    if "%00" not in address:
        assert answer.json()["code"] == "no-download"


def test_nobody_is_handed_anything(client, download):
    answer = client.get("/handed/?" + urlencode({"address": download}))

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")
