"""Rows as jobs for real: a portal and its worker in processes of their own, and whoever speaks UWS."""

import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest
import pyvo
import requests
from pyvo.dal.exceptions import DALQueryError

from tests.vo.rows.conftest import HREF, UWS
from tests.vo.uws.conftest import wait_for

ENDED = ("COMPLETED", "ERROR", "ABORTED")


@pytest.fixture
def team(counts):
    """Vera's programs."""
    with requests.Session() as session:
        session.headers.update(counts.signed)
        yield session


def run(team, jobs, **said):
    """Make a job that runs, and return its document when it has ended, as a client that waits does."""
    job = team.post(jobs, data=said | {"PHASE": "RUN"}).url
    while True:
        document = ElementTree.fromstring(team.get(job, params={"WAIT": "30"}).content)
        if document.findtext(f"{UWS}phase") in ENDED:
            return document


def test_a_job_is_computed_by_the_worker(team, counts):
    document = run(team, counts.jobs, band="3", flux_min="0.025")

    assert document.findtext(f"{UWS}phase") == "COMPLETED"
    values = {one.get("id"): team.get(one.get(HREF)).text for one in document.find(f"{UWS}results")}
    assert values["n"] == "2"
    assert float(values["area"]) == pytest.approx(4 * 1800 / 3600)
    assert float(values["n_per_deg2"]) == pytest.approx(1.0)


def test_the_reason_of_a_failure_comes_to_who_asked(team, counts):
    document = run(team, counts.jobs, band="9", flux_min="1")

    assert document.findtext(f"{UWS}phase") == "ERROR"
    sentence = document.findtext(f"{UWS}errorSummary/{UWS}message")
    assert sentence == "count: no area was searched: no row with a searched area is collected here"
    address = f"{counts.jobs}/{document.findtext(f'{UWS}jobId')}"
    assert team.get(f"{address}/error").text.strip() == sentence


def test_waiting_ends_when_the_row_moves_and_not_before(team, counts):
    job = team.post(counts.jobs, data={"band": "3", "flux_min": "0.015"}).url
    came = {}

    def ask():
        began = time.monotonic()
        answer = requests.get(job, params={"WAIT": "30", "PHASE": "PENDING"}, headers=counts.signed)
        came.update(text=answer.text, after=time.monotonic() - began)

    waiting = threading.Thread(target=ask)
    waiting.start()
    time.sleep(1.5)
    assert waiting.is_alive()
    team.post(f"{job}/phase", data={"PHASE": "RUN"})
    waiting.join()

    assert ">PENDING<" not in came["text"]
    assert 1.4 < came["after"] < 5
    wait_for(lambda: team.get(f"{job}/phase").text == "COMPLETED")
    assert team.get(f"{job}/results/n").text == "3"


def test_pyvo_meets_a_row_as_any_other_job(team, counts):
    url = team.post(counts.jobs, data={"band": "3", "flux_min": "0.035"}).url
    job = pyvo.dal.AsyncTAPJob(url, session=team)
    assert (job.phase, job.owner, job.execution_duration.sec, job.result_uris) == ("PENDING", "vera", 0, [])

    job.run().wait(timeout=60)

    job.raise_if_error()
    assert job.phase == "COMPLETED"
    assert f"{url}/results/n" in job.result_uris
    assert team.get(f"{url}/results/n").text == "1"
    failing = pyvo.dal.AsyncTAPJob(
        team.post(counts.jobs, data={"band": "9", "flux_min": "1"}).url, session=team
    )
    failing.run().wait(timeout=60)
    with pytest.raises(DALQueryError, match="no area was searched"):
        failing.raise_if_error()
    job.delete()
    assert team.get(url).status_code == 404


def test_every_way_to_sign_in_opens_the_list_and_none_does_not(counts, live):
    ways = {
        "token": {"headers": {"Authorization": f"Token {live.token}"}},
        "password": {"auth": ("vera", "rubin")},
        "token as password": {"auth": ("vera", live.token)},
    }

    assert {
        name: requests.get(counts.jobs, **way).status_code for name, way in ways.items()
    } == dict.fromkeys(ways, 200)
    refused = requests.get(counts.jobs)
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert requests.get(counts.jobs, auth=("vera", "wrong")).status_code == 401
    assert requests.get(f"{counts.jobs[:-6]}9/jobs", headers=counts.signed).status_code == 404
