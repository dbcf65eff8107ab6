"""Jobs as clients meet them: a real server, a real worker, pyvo."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import pyvo
import requests
from astropy.table import Table
from pyvo.dal.exceptions import DALQueryError

from tests.vo.uws.conftest import wait_for

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # pyvo leaves sockets to the collector

ENDLESS = (
    "SELECT COUNT(*) FROM tap_schema.columns a, tap_schema.columns b, tap_schema.columns c, "
    "tap_schema.columns d, tap_schema.columns e, tap_schema.columns f WHERE a.column_name > b.column_name"
)
TABLES = {
    "tap_schema.schemas",
    "tap_schema.tables",
    "tap_schema.columns",
    "tap_schema.keys",
    "tap_schema.key_columns",
}
QUERY = "SELECT table_name FROM tap_schema.tables WHERE schema_name = 'tap_schema'"


@pytest.fixture
def service(live, session):
    return pyvo.dal.TAPService(live.tap, session=session)


@pytest.fixture
def ours(live):
    """The service, as vera's programs reach it."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {live.token}"
        yield pyvo.dal.TAPService(live.tap, session=session)


def run(job, patience=60):
    job.run()
    job.wait(timeout=patience)
    return job


def test_pyvo_gets_the_result_of_a_job(service):
    job = run(service.submit_job(QUERY))

    assert job.phase == "COMPLETED"
    assert {str(row["table_name"]).lower() for row in job.fetch_result()} == TABLES
    assert job.result_uris == [f"{job.url}/results/result"]
    url = job.url
    job.delete()
    assert requests.get(url).status_code == 404


def test_a_job_begins_within_a_second(service):
    run(service.submit_job(QUERY))  # the first one finds the worker awake, or not yet there
    time.sleep(4)  # by now it dozes

    job = service.submit_job(QUERY)
    asked = time.time()
    run(job)

    assert job._job.starttime.unix - asked < 1


def test_pyvo_brings_a_table(service):
    mine = Table({"n": [1, 2, 30], "name": ["a", "b", "c"]})

    job = run(service.submit_job("SELECT SUM(n) AS total FROM tap_upload.mine", uploads={"mine": mine}))

    assert job.fetch_result()["total"][0] == 33


def test_a_form_that_comes_in_chunks_is_read(service, live):
    form = requests.Request(
        "POST", live.tap, files={"QUERY": (None, QUERY), "mine": ("m", b"x" * 100_000)}
    ).prepare()
    pieces = (form.body[at : at + 5000] for at in range(0, len(form.body), 5000))

    made = requests.post(
        f"{live.tap}/async", data=pieces, headers={"Content-Type": form.headers["Content-Type"]}
    )

    assert made.url.startswith(f"{live.tap}/async/")
    assert "tap_schema.tables" in requests.get(f"{made.url}/parameters").text


def test_pyvo_shows_what_is_wrong_with_a_query(service):
    job = run(service.submit_job("SELECT fluks FROM tap_schema.tables"))

    assert job.phase == "ERROR"
    with pytest.raises(DALQueryError, match="fluks"):
        job.raise_if_error()
    assert "fluks" in requests.get(f"{job.url}/error").text


def test_pyvo_runs_and_fetches_in_one_call(ours, session):
    assert len(ours.run_async(QUERY)) == len(TABLES)


def test_only_the_owner_has_a_job(ours, service, live):
    job = ours.submit_job(QUERY)

    assert requests.get(job.url).status_code == 404
    assert requests.get(job.url, auth=("vera", live.token)).status_code == 200
    assert requests.get(job.url, auth=("vera", "rubin")).status_code == 200
    assert job.job_id in [entry.jobid for entry in ours.get_job_list()]
    assert list(service.get_job_list()) == []


def test_waiting_ends_when_the_phase_changes_and_not_before(service):
    job = service.submit_job(QUERY)
    came = {}

    def ask():
        began = time.monotonic()
        came["text"] = requests.get(job.url, params={"WAIT": "30", "PHASE": "PENDING"}).text
        came["after"] = time.monotonic() - began

    waiting = threading.Thread(target=ask)
    waiting.start()
    time.sleep(2)
    assert waiting.is_alive()
    job.abort()
    waiting.join()

    assert ">ABORTED<" in came["text"]
    assert 1.9 < came["after"] < 4


@pytest.mark.parametrize("wait", [{"WAIT": "5", "PHASE": "EXECUTING"}, {"WAIT": "0"}, {}])
def test_nobody_waits_for_a_phase_that_is_not_or_for_no_time(service, wait):
    job = service.submit_job(QUERY)

    began = time.monotonic()
    text = requests.get(job.url, params=wait).text

    assert ">PENDING<" in text
    assert time.monotonic() - began < 3


def test_time_is_up_for_who_waits_in_vain(service):
    job = service.submit_job(QUERY)

    began = time.monotonic()
    assert ">PENDING<" in requests.get(job.url, params={"WAIT": "1"}).text

    assert time.monotonic() - began >= 1


def test_a_wait_that_is_no_number_is_refused(service):
    answer = requests.get(service.submit_job(QUERY).url, params={"WAIT": "long"})

    assert (answer.status_code, answer.text.strip()) == (400, "WAIT is “long”; give a whole number from -1")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_many_may_wait_and_others_are_answered(service):
    job = service.submit_job(QUERY)
    with ThreadPoolExecutor(60) as crowd:
        waiting = [crowd.submit(requests.get, job.url, params={"WAIT": "-1"}) for _ in range(60)]
        time.sleep(3)

        began = time.monotonic()
        assert requests.get(f"{job.url}/phase").text == "PENDING"
        took = time.monotonic() - began
        job.abort()
        texts = [one.result().text for one in waiting]

    assert took < 2
    assert all(">ABORTED<" in text for text in texts)


def test_an_aborted_query_leaves_its_worker_to_others(service):
    endless = [service.submit_job(ENDLESS) for _ in range(2)]
    for job in endless:
        job.run()
    for job in endless:
        wait_for(lambda job=job: job.phase == "EXECUTING")

    for job in endless:
        job.abort()
    after = run(service.submit_job(QUERY))

    assert [job.phase for job in endless] == ["ABORTED", "ABORTED"]
    assert after.phase == "COMPLETED"


def test_a_query_ends_when_its_time_is_up(service):
    job = service.submit_job(ENDLESS)
    job.execution_duration = 1

    run(job)

    assert job.phase == "ERROR"
    with pytest.raises(DALQueryError, match="longer"):
        job.raise_if_error()
