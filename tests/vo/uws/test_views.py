"""Every address of a job, as clients of UWS 1.1 use them."""

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.vo.uws.conftest import fresh
from vo.models import Job
from vo.uws.changing import abort_job
from vo.uws.claiming import claim_job, fail_job, finish_job
from vo.uws.keeping import keep, name_in, remove_all_of
from vo.uws.phases import Phase

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.vo.uws.toys")]

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
HREF = "{http://www.w3.org/1999/xlink}href"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
LEAVES = ["phase", "executionduration", "destruction", "quote", "owner", "parameters", "results", "error"]


@pytest.fixture
def signed(owner):
    """The owner, in a browser."""
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def complete(make_job):
    """Bring a job to its end, as a worker does."""

    def complete(job):
        taken = claim_job(["toy"])
        assert taken.pk == job.pk
        name = name_in(job.pk, "result-x")
        size = keep(name, [b"1\n", b"2\n"], 100)
        finish_job(taken, name=name, media_type="text/csv", suffix=".csv", size=size)

    return complete


def parsed(answer):
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/xml"
    return ElementTree.fromstring(answer.content)


def listed(client, query=""):
    return [entry.get("id") for entry in parsed(client.get(f"/toys{query}"))]


def said(answer):
    """Return what an answer says that refuses."""
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.content.decode().strip()


# ------------------------------------------------------------------ making


def test_a_job_is_made_by_a_post_that_leads_to_it(client):
    answer = client.post("/toys", {"N": "3", "n": "4", "RunId": "my run"})

    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"http://testserver/toys/{job.pk}")
    assert (job.phase, job.run_id, job.owner) == ("PENDING", "my run", None)
    assert job.parameters == {"N": ["3", "4"]}
    assert len(job.pk) == 32


def test_a_job_may_run_as_it_is_made(client):
    client.post("/toys", {"N": "3", "phase": "RUN"})

    assert Job.objects.get().phase == "QUEUED"
    assert "PHASE" not in Job.objects.get().parameters


def test_what_is_said_in_the_address_counts_as_well(client):
    client.post("/toys?N=3&PHASE=RUN")

    assert (Job.objects.get().phase, Job.objects.get().parameters) == ("QUEUED", {"N": ["3"]})


def test_files_come_inline(client):
    client.post("/toys", {"UPLOAD": "t,param:mine", "mine": SimpleUploadedFile("t.vot", b"<VOTABLE/>")})

    job = Job.objects.get()
    assert list(job.files) == ["mine"]
    assert job.parameters == {"UPLOAD": ["t,param:mine"]}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"PHASE": "ABORT"}, "PHASE is “ABORT”; give RUN to start the job at once, or leave it out"),
        ({"RUNID": "x" * 256}, "RUNID is"),
        ({"RUNID": "a\0b"}, "RUNID is “a?b”"),
        ({"DESTRUCTION": "soon"}, "DESTRUCTION is “soon”; give a time such as 2026-03-01T12:00:00Z"),
        ({"EXECUTIONDURATION": "1.5"}, "EXECUTIONDURATION is “1.5”; give a whole number"),
        ({"N": "a\0b"}, "N is “NUL”; give a value without NUL"),
    ],
)
def test_a_form_that_makes_no_sense_makes_no_job(client, form, sentence):
    status, text = said(client.post("/toys", form))

    assert status == 400
    assert text.startswith(sentence)
    assert not Job.objects.exists()


def test_a_request_that_is_too_large_is_refused_before_it_is_kept(client, settings):
    settings.VO = settings.VO | {"UPLOAD_BYTES": 10}

    status, text = said(client.post("/toys", {"mine": SimpleUploadedFile("t", b"x" * 11)}))

    assert (status, text) == (
        413,
        "the files of the job are larger than they may be, in bytes: 11; at most 10 are taken, so send less",
    )
    assert not Job.objects.exists()


# ------------------------------------------------------------------ showing


def test_a_job_shows_all_there_is_to_say(signed, make_job, owner, complete):
    job = make_job(owner=owner, N=3)
    complete(job)

    root = parsed(signed.get(f"/toys/{job.pk}"))

    assert root.get("version") == "1.1"
    assert [child.tag.removeprefix(UWS) for child in root] == [
        "jobId",
        "ownerId",
        "phase",
        "quote",
        "creationTime",
        "startTime",
        "endTime",
        "executionDuration",
        "destruction",
        "parameters",
        "results",
    ]
    assert root.findtext(f"{UWS}ownerId") == "owner"
    assert root.findtext(f"{UWS}phase") == "COMPLETED"
    assert root.find(f"{UWS}quote").get(NIL) == "true"
    created = datetime.fromisoformat(root.findtext(f"{UWS}creationTime"))
    assert abs(created - datetime.now(UTC)) < timedelta(minutes=5)
    assert root.findtext(f"{UWS}creationTime").endswith("Z")
    (result,) = root.find(f"{UWS}results")
    assert (result.get("id"), result.get("mime-type"), result.get("size")) == ("result", "text/csv", "4")
    answer = signed.get(result.get(HREF))
    assert (b"".join(answer.streaming_content), answer["Content-Type"]) == (b"1\n2\n", "text/csv")


def test_the_error_of_a_job_is_shown_and_is_a_votable(client, make_job):
    job = make_job()
    fail_job(claim_job(["toy"]), "there is no column “fluks” \x01 <b>; did you mean “flux”?")

    root = parsed(client.get(f"/toys/{job.pk}"))
    detail = client.get(f"/toys/{job.pk}/error")

    summary = root.find(f"{UWS}errorSummary")
    assert (summary.get("type"), summary.get("hasDetail")) == ("fatal", "true")
    assert "did you mean “flux”?" in summary.findtext(f"{UWS}message")
    assert detail["Content-Type"] == "application/x-votable+xml"
    (info,) = ElementTree.fromstring(detail.content).iter("{http://www.ivoa.net/xml/VOTable/v1.3}INFO")
    assert (info.get("name"), info.get("value")) == ("QUERY_STATUS", "ERROR")
    assert "<b>; did you mean" in info.text


def test_the_leaves_say_one_thing_each(signed, make_job, owner):
    job = make_job(owner=owner, N=3)
    leaves = {leaf: signed.get(f"/toys/{job.pk}/{leaf}") for leaf in LEAVES}

    plain = {
        name: leaf.content.decode() for name, leaf in leaves.items() if name not in ("parameters", "results")
    }
    assert {leaves[name]["Content-Type"] for name in plain} == {"text/plain; charset=utf-8"}
    assert plain["phase"] == "QUEUED"
    assert plain["owner"] == "owner"
    assert plain["quote"] == ""
    assert plain["executionduration"] == "3600"
    assert datetime.fromisoformat(plain["destruction"]) > timezone.now() + timedelta(days=6)
    assert leaves["error"].status_code == 404
    assert plain["error"].strip() == "the job has no error; it is QUEUED"
    (parameter,) = parsed(leaves["parameters"])
    assert (parameter.get("id"), parameter.text) == ("N", "3")
    assert list(parsed(leaves["results"])) == []
    assert said(signed.get(f"/toys/{job.pk}/results/result")) == (404, "the job has no result; it is QUEUED")


def test_a_result_that_is_gone_from_the_disk_is_not_there(client, make_job, complete):
    job = make_job()
    complete(job)
    assert client.head(f"/toys/{job.pk}/results/result")["Content-Length"] == "4"

    remove_all_of(job.pk)

    status, text = said(client.get(f"/toys/{job.pk}/results/result"))
    assert (status, text.partition(";")[0]) == (404, "the result of the job is gone from the disk")


# ------------------------------------------------------------------ changing


def test_phases_are_changed_by_posts_that_lead_back(client, make_job):
    job = make_job(run=False)
    address = f"/toys/{job.pk}/phase"

    answers = [client.post(address, {"PHASE": "RUN"}), client.post(address, {"phase": "abort"})]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer["Location"] for answer in answers} == {f"http://testserver/toys/{job.pk}"}
    assert client.get(address).content == b"ABORTED"
    assert client.post(address, {"PHASE": "ARCHIVE"}).status_code == 303
    assert client.get(address).content == b"ARCHIVED"


def test_a_phase_that_cannot_be_is_refused_with_a_sentence(client, make_job):
    job = make_job()
    abort_job(job, now=timezone.now())

    assert said(client.post(f"/toys/{job.pk}/phase", {"PHASE": "RUN"})) == (
        400,
        "the job is ABORTED, and can be started only while it is PENDING",
    )
    assert said(client.post(f"/toys/{job.pk}/phase", {"PHASE": "SUSPEND"})) == (
        400,
        "PHASE is “SUSPEND”; give RUN, ABORT or ARCHIVE",
    )
    assert said(client.post(f"/toys/{job.pk}/phase")) == (400, "PHASE is “”; give RUN, ABORT or ARCHIVE")


def test_duration_and_destruction_are_changed_within_limits(client, make_job):
    job = make_job(run=False)
    tomorrow = timezone.now() + timedelta(days=1)

    client.post(f"/toys/{job.pk}/executionduration", {"EXECUTIONDURATION": "60"})
    client.post(f"/toys/{job.pk}/destruction", {"DESTRUCTION": tomorrow.isoformat()})
    assert fresh(job).execution_duration == 60
    assert fresh(job).destruction == tomorrow

    client.post(f"/toys/{job.pk}/executionduration", {"EXECUTIONDURATION": "999999999999999999"})
    client.post(f"/toys/{job.pk}/destruction", {"DESTRUCTION": "2999-01-01T00:00:00"})
    assert fresh(job).execution_duration == (3600 if job.owner is None else 86_400)
    assert fresh(job).destruction < timezone.now() + timedelta(days=31)


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        ("executionduration", "-1"),
        ("executionduration", "NaN"),
        ("executionduration", "٣"),
        ("destruction", "yesterday"),
        ("destruction", "0001-01-01T00:00:00+23:59"),
        ("destruction", ""),
    ],
)
def test_nonsense_is_refused_and_named(client, make_job, leaf, value):
    job = make_job(run=False)

    status, text = said(client.post(f"/toys/{job.pk}/{leaf}", {leaf: value}))

    assert status == 400
    assert text.startswith(f"{leaf.upper()} is “{value}”; give ")
    assert fresh(job).version == job.version


def test_more_can_be_said_only_while_a_job_waits(client, make_job):
    job = make_job(run=False, N=3)
    address = f"/toys/{job.pk}/parameters"

    assert client.post(address, {"n": "5", "SECONDS": "0", "runid": "mine"}).status_code == 303
    assert client.post(address, {"mine": SimpleUploadedFile("x", b"abc")}).status_code == 303
    client.post(f"/toys/{job.pk}/phase", {"PHASE": "RUN"})

    assert fresh(job).parameters == {"N": ["5"], "SECONDS": ["0"]}
    assert list(fresh(job).files) == ["mine"]
    assert fresh(job).run_id == "mine"
    assert said(client.post(address, {"N": "6"})) == (
        400,
        "the job is QUEUED, and can be told more only while it is PENDING",
    )


@pytest.mark.parametrize("how", ["delete", "post"])
def test_a_job_is_destroyed(client, make_job, how):
    job = make_job()

    address = f"/toys/{job.pk}"
    answer = client.delete(address) if how == "delete" else client.post(address, {"ACTION": "DELETE"})

    assert (answer.status_code, answer["Location"]) == (303, "http://testserver/toys")
    assert client.get(address).status_code == 404


def test_a_post_to_a_job_without_an_action_destroys_nothing(client, make_job):
    job = make_job()

    assert said(client.post(f"/toys/{job.pk}"))[0] == 400
    assert Job.objects.filter(pk=job.pk).exists()


def test_other_methods_are_refused_with_those_there_are(client, make_job):
    job = make_job()

    answer = client.put(f"/toys/{job.pk}/owner")

    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    assert said(answer) == (405, "PUT is not for this address; GET, HEAD, OPTIONS are")


# ------------------------------------------------------------------ listing


def test_only_ones_own_jobs_are_listed(signed, client, make_job, owner, stranger):
    own = make_job(owner=owner)
    make_job(owner=stranger)
    make_job()

    assert listed(signed) == [own.pk]
    assert listed(client) == []


def test_a_list_is_filtered_by_phase_time_and_number(signed, make_job, owner):
    now = timezone.now()
    jobs = [make_job(owner=owner, run=False) for _ in range(5)]
    phases = [Phase.PENDING, Phase.QUEUED, Phase.ERROR, Phase.ARCHIVED, Phase.QUEUED]
    for age, (job, phase) in enumerate(zip(jobs, phases, strict=True)):
        Job.objects.filter(pk=job.pk).update(phase=phase, created_at=now - timedelta(hours=age))
    pending, queued, error, archived, old = [job.pk for job in jobs]

    assert listed(signed) == [pending, queued, error, old]
    assert listed(signed, "?PHASE=QUEUED&PHASE=error") == [queued, error, old]
    assert listed(signed, "?phase=ARCHIVED") == [archived]
    assert listed(signed, "?LAST=2") == [pending, queued]
    after = (now - timedelta(hours=1, minutes=30)).replace(tzinfo=None).isoformat()
    assert listed(signed, f"?AFTER={after}") == [pending, queued]
    assert listed(signed, f"?AFTER={after}Z&LAST=1&PHASE=QUEUED") == [queued]


def test_a_list_says_of_each_job_where_it_is(signed, make_job, owner):
    job = make_job(owner=owner)

    root = parsed(signed.get("/toys"))

    (entry,) = root
    assert root.get("version") == "1.1"
    assert entry.get(HREF) == f"http://testserver/toys/{job.pk}"
    assert [child.tag.removeprefix(UWS) for child in entry] == ["phase", "ownerId", "creationTime"]


@pytest.mark.parametrize("query", ["PHASE=DONE", "AFTER=x", "LAST=0", "LAST=-3", "LAST=many"])
def test_a_filter_that_makes_no_sense_is_refused(signed, query):
    name, value = query.split("=")
    status, text = said(signed.get(f"/toys?{query}"))

    assert status == 400
    assert text.startswith(f"{name} is “{value}”; give ")


# ------------------------------------------------------------------ whose it is


@pytest.mark.parametrize("leaf", ["", *(f"/{leaf}" for leaf in LEAVES), "/results/result"])
def test_a_strangers_job_is_not_there(client, make_job, owner, stranger, leaf):
    job = make_job(owner=owner)
    other = Client()
    other.force_login(stranger, "django.contrib.auth.backends.ModelBackend")

    for visitor in (client, other):
        seen = said(visitor.get(f"/toys/{job.pk}{leaf}"))
        assert seen == said(visitor.get(f"/toys/{'0' * 32}{leaf}"))
        assert seen[0] == 404


@pytest.mark.parametrize(
    ("leaf", "form"),
    [
        ("", {"ACTION": "DELETE"}),
        ("/phase", {"PHASE": "ABORT"}),
        ("/parameters", {"N": "1"}),
        ("/destruction", {"DESTRUCTION": "2026-01-01T00:00:00Z"}),
        ("/executionduration", {"EXECUTIONDURATION": "1"}),
    ],
)
def test_a_stranger_changes_nothing(client, make_job, owner, leaf, form):
    job = make_job(owner=owner, run=False)

    assert client.post(f"/toys/{job.pk}{leaf}", form).status_code == 404
    assert client.delete(f"/toys/{job.pk}").status_code == 404
    assert fresh(job).version == job.version


def test_an_anonymous_job_is_for_whoever_knows_its_id(client, signed, make_job):
    job = make_job()

    assert parsed(client.get(f"/toys/{job.pk}")).find(f"{UWS}ownerId").get(NIL) == "true"
    assert signed.get(f"/toys/{job.pk}/owner").content == b""


def test_jobs_of_another_kind_are_elsewhere(client, make_job):
    job = make_job()

    assert client.get(f"/tap/async/{job.pk}").status_code == 404


def test_listing_asks_as_much_of_the_database_for_many_jobs(
    signed, make_job, owner, django_assert_max_num_queries
):
    for _ in range(20):
        make_job(owner=owner)

    with django_assert_max_num_queries(4):
        assert len(listed(signed)) == 20
