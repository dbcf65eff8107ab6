"""Queries as jobs: begun from the page, watched in a list, stopped and fetched; each for its owner alone."""

import threading

import pytest
from django.test import Client

from vo.models import Job
from vo.uws.claiming import claim_job
from vo.uws.creating import create_job
from vo.uws.kinds import answerers
from vo.uws.working import work_on

pytestmark = pytest.mark.django_db

TEXT = "SELECT COUNT(*) AS n FROM tap_schema.tables"


@pytest.fixture(autouse=True)
def files_apart(settings, tmp_path):
    """Keep results in a folder of their own."""
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def mine(owner):
    """The browser of the owner."""
    browser = Client()
    browser.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def job(mine):
    """A job that waits."""
    mine.post("/query/jobs/", {"query": TEXT, "format": "csv"})
    return Job.objects.get()


def test_a_query_becomes_a_job_that_waits(mine, owner):
    answer = mine.post("/query/jobs/", {"query": f"{TEXT}\r\n", "format": "fits"})

    job = Job.objects.get()
    assert answer["Location"] == f"/query/jobs/{job.pk}/"
    assert (job.owner, job.phase, job.kind) == (owner, "QUEUED", "tap")
    assert job.parameters == {"LANG": ["ADQL"], "QUERY": [f"{TEXT}\n"], "RESPONSEFORMAT": ["fits"]}


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        ("SELECT nothing", "csv", "There is no column"),
        ("", "csv", "there is no query"),
        (TEXT, "pdf", "RESPONSEFORMAT"),
    ],
)
def test_what_cannot_be_answered_is_no_job(mine, text, format, words):
    answer = mine.post("/query/jobs/", {"query": text, "format": format})

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_done_can_be_fetched_from_the_list(mine, job):
    before = mine.get("/query/jobs/now/").content.decode()

    work_on(claim_job(answerers), threading.Event())

    after = mine.get("/query/jobs/").content.decode()
    assert 'data-phase="queued"' in before
    assert 'data-phase="completed"' in after
    assert f'href="/tap/async/{job.pk}/results/result"' in after
    result = mine.get(f"/tap/async/{job.pk}/results/result")
    assert b"".join(result.streaming_content).splitlines() == [b"n", b"6"]


@pytest.mark.django_db(transaction=True)
def test_why_a_job_failed_is_said_in_the_list(mine, job):
    Job.objects.update(parameters={"LANG": ["ADQL"], "QUERY": ["SELECT nothing"]})

    work_on(claim_job(answerers), threading.Event())

    assert "There is no column" in mine.get("/query/jobs/").content.decode()
    assert "There is no column" in mine.get(f"/query/jobs/{job.pk}/now/").content.decode()


def test_a_job_is_aborted_and_deleted(mine, job):
    aborted = mine.post(f"/query/jobs/{job.pk}/change/", {"action": "abort", "from": "list"})
    job.refresh_from_db()
    deleted = mine.post(f"/query/jobs/{job.pk}/change/", {"action": "delete"})

    assert (aborted["Location"], job.phase) == ("/query/jobs/", "ABORTED")
    assert deleted["Location"] == "/query/jobs/"
    assert not Job.objects.exists()


@pytest.mark.parametrize("leaf", ["", "now/", "change/"])
def test_to_others_a_job_is_not_there(client, job, stranger, leaf):
    address = f"/query/jobs/{job.pk}/{leaf}"
    ask = client.post if leaf == "change/" else client.get

    assert ask(address, {"action": "delete"}).status_code == 404
    client.force_login(stranger)
    assert ask(address, {"action": "delete"}).status_code == 404
    assert Job.objects.exists()
    assert job.pk not in client.get("/query/jobs/").content.decode()


def test_a_job_of_nobody_is_found_by_its_address_only(client):
    answer = client.post("/query/jobs/", {"query": TEXT, "format": "csv"})

    assert "keep the address of this page" in client.get(answer["Location"]).content.decode()
    assert Job.objects.get().pk not in client.get("/query/jobs/").content.decode()


def test_many_jobs_cost_as_much_as_one(mine, owner, job, django_assert_max_num_queries):
    from django.utils import timezone

    for _ in range(10):
        create_job("tap", {"QUERY": [TEXT]}, owner=owner, now=timezone.now())

    with django_assert_max_num_queries(4):
        mine.get("/query/jobs/")
