"""Documents of jobs against the schema of UWS 1.1, as the validator of STILTS has it."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone

from vo.models import Job
from vo.uws.documents import (
    UWS,
    job_document,
    list_document,
    moment,
    parameters_document,
    read_moment,
    results_document,
)

STILTS = shutil.which("stilts")
JAR = Path("/usr/share/java/starlink-ttools.jar")
SCHEMA = "uk/ac/starlink/ttools/taplint/UWS-v1.1.xsd"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
ADDRESS = "http://here/tap/async/x"


@pytest.fixture
def xsdvalidate(tmp_path):
    """Return what the validator complains about."""
    if STILTS is None or not JAR.exists():
        assert not IN_CI, "no stilts in PATH: install Debian's package"
        pytest.skip("no stilts in PATH")
    schema = tmp_path / "UWS.xsd"
    with zipfile.ZipFile(JAR) as jar:
        schema.write_bytes(jar.read(SCHEMA))

    def validate(*documents):
        said = ""
        for number, document in enumerate(documents):
            path = tmp_path / f"{number}.xml"
            path.write_bytes(document)
            command = [STILTS, "xsdvalidate", f"schemaloc={UWS}={schema}", f"doc={path}"]
            done = subprocess.run(command, capture_output=True, text=True)
            said += done.stdout + done.stderr
        return said

    return validate


def a_job(owner=None, **facts):
    now = timezone.now()
    parameters = {"QUERY": ["SELECT 1 < 2 & \x00\x0b\ud800 “x”"], "UPLOAD": ["a,param:b", "c,param:d"]}
    return Job(
        owner=owner,
        kind="tap",
        parameters=parameters,
        execution_duration=9,
        destruction=now,
        created_at=now,
        **facts,
    )


def test_every_document_keeps_to_the_schema(xsdvalidate, owner):
    now = timezone.now()
    result = {"result": "x", "result_type": "text/csv", "result_size": 5_000_000_000}
    jobs = [
        a_job(),
        a_job(
            owner, run_id="mine \x01", phase="COMPLETED", started_at=now, ended_at=now, quote=now, **result
        ),
        a_job(phase="ERROR", error="no\x02 “such” <table>", error_type="fatal"),
    ]

    documents = [job_document(job, ADDRESS) for job in jobs]
    documents += [list_document(jobs, lambda job: ADDRESS), list_document([], None)]
    documents += [
        parameters_document(jobs[0], ADDRESS),
        results_document(jobs[1], ADDRESS),
        results_document(jobs[0], ""),
    ]

    assert xsdvalidate(*documents) == ""


def test_the_validator_would_complain(xsdvalidate):
    broken = job_document(a_job(), ADDRESS).replace(b"executionDuration", b"executionTime")

    assert "executionTime" in xsdvalidate(broken)


def test_a_time_is_read_as_it_was_written():
    now = timezone.now().replace(microsecond=123_000)

    assert read_moment(moment(now)) == now
    assert read_moment("2026-03-01T13:00:00+01:00") == read_moment(" 2026-03-01T12:00:00 ")
    assert moment(read_moment("2026-03-01")) == "2026-03-01T00:00:00.000Z"
