"""What one has asked before, and queries that were given a name: whose they are and who reads them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from vo.models import PastQuery, SavedQuery
from vo.querying import remembering
from vo.querying.remembering import remember

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = "SELECT table_name FROM tap_schema.tables"


@pytest.fixture
def saved(owner):
    """A query of the owner's that nobody else may read."""
    return SavedQuery.objects.create(owner=owner, name="Tables", text=TEXT)


@pytest.fixture
def as_(client):
    """A browser in which somebody is signed in."""

    def as_(user):
        browser = Client()
        browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return browser

    return as_


def test_a_query_that_is_asked_again_moves_to_the_head_of_the_history(owner):
    for minute, text in enumerate([TEXT, "SELECT 1", f"  {TEXT}\n"]):
        remember(text, owner, now=NOW + timedelta(minutes=minute))

    assert list(PastQuery.objects.values_list("text", "times")) == [(TEXT, 2), ("SELECT 1", 1)]


def test_the_history_keeps_the_newest(owner, stranger, monkeypatch):
    monkeypatch.setattr(remembering, "MOST_REMEMBERED", 3)
    remember("SELECT 0", stranger, now=NOW)

    for number in range(5):
        remember(f"SELECT {number}", owner, now=NOW + timedelta(minutes=number))

    kept = PastQuery.objects.filter(owner=owner).values_list("text", flat=True)
    assert list(kept) == ["SELECT 4", "SELECT 3", "SELECT 2"]
    assert PastQuery.objects.filter(owner=stranger).count() == 1


@pytest.mark.parametrize("text", ["", " \n", "SELECT '\0'", "x" * 200_000])
def test_what_is_no_query_is_not_remembered(owner, text):
    remember(text, owner, now=NOW)

    assert not PastQuery.objects.exists()


def test_nobody_has_no_history(client):
    client.post("/query/", {"query": TEXT})
    remember(TEXT, AnonymousUser(), now=NOW)

    assert not PastQuery.objects.exists()


def test_what_is_run_is_found_again_and_forgotten(as_, owner, stranger):
    mine, theirs = as_(owner), as_(stranger)
    mine.post("/query/", {"query": TEXT})
    mine.post("/query/", {"query": "SELECT nonsense"})
    theirs.post("/query/", {"query": "SELECT 3"})
    before = mine.get("/query/history/").content.decode()
    found = mine.get("/query/history/", {"q": "TABLE_name"}).content.decode()

    ids = PastQuery.objects.values_list("pk", flat=True)
    mine.post("/query/history/", {"past": list(ids)})

    assert TEXT in before
    assert "SELECT nonsense" in before
    assert "SELECT 3" not in before
    assert TEXT in found
    assert "nonsense" not in found
    assert list(PastQuery.objects.values_list("text", flat=True)) == ["SELECT 3"]


def test_a_past_query_is_nobody_elses(as_, owner, stranger):
    remember(TEXT, owner, now=NOW)
    past = PastQuery.objects.get()

    assert as_(stranger).get(f"/query/history/{past.pk}/").status_code == 404
    assert TEXT in as_(owner).get(f"/query/history/{past.pk}/").content.decode()


def test_saving_asks_for_a_name_and_keeps_what_was_typed(as_, owner):
    mine = as_(owner)

    asked = mine.post("/query/save/", {"query": TEXT})
    refused = mine.post("/query/save/", {"name": "", "text": TEXT})
    done = mine.post("/query/save/", {"name": "Tables", "about": "for a talk", "text": TEXT})

    assert TEXT in asked.content.decode()
    assert refused.status_code == 400
    assert TEXT in refused.content.decode()
    saved = SavedQuery.objects.get()
    assert done["Location"] == f"/query/saved/{saved.key}/"
    assert (saved.name, saved.about, saved.text, saved.owner) == ("Tables", "for a talk", TEXT, owner)


def test_a_name_is_taken_once_by_each(as_, saved, owner, stranger):
    again = as_(owner).post("/query/save/", {"name": "Tables", "text": "SELECT 1"})
    other = as_(stranger).post("/query/save/", {"name": "Tables", "text": "SELECT 1"})

    assert again.status_code == 400
    assert "You have another query of this name" in again.content.decode()
    assert other.status_code == 302


@pytest.mark.parametrize("is_open", [False, True])
def test_who_reads_a_saved_query(as_, client, saved, owner, stranger, is_open):
    SavedQuery.objects.update(is_open=is_open)
    address = f"/query/saved/{saved.key}/"

    assert as_(owner).get(address).status_code == 200
    assert as_(stranger).get(address).status_code == (200 if is_open else 404)
    assert client.get(address).status_code == (200 if is_open else 404)
    assert "Tables" not in as_(stranger).get("/query/saved/").content.decode().partition("<tbody>")[2]


@pytest.mark.parametrize("leaf", ["edit/", "delete/"])
def test_only_its_owner_changes_a_saved_query(as_, saved, owner, stranger, leaf):
    SavedQuery.objects.update(is_open=True)
    address, change = f"/query/saved/{saved.key}/{leaf}", {"name": "Other", "text": "SELECT 2"}

    assert as_(stranger).post(address, change).status_code == 404
    assert SavedQuery.objects.get().name == "Tables"
    assert as_(owner).post(address, change).status_code == 302
    assert list(SavedQuery.objects.values_list("name", flat=True)) == ([] if leaf == "delete/" else ["Other"])


@pytest.mark.django_db(transaction=True)
def test_a_saved_query_finds_what_its_reader_may_see(as_, sources, publish, owner, stranger):
    publish(sources, "project")
    saved = SavedQuery.objects.create(
        owner=owner, name="Ours", text="SELECT name FROM virgo.sources", is_open=True
    )

    mine, theirs = (as_(who).get(f"/query/saved/{saved.key}/") for who in (owner, stranger))

    assert "4 rows" in mine.content.decode()
    assert theirs.status_code == 400
    assert "There is no table" in theirs.content.decode()
