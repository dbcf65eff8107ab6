"""Who asks at the addresses of the Virtual Observatory: by token, by password, by session, or nobody."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from portal.accounts.tokens import create_token
from vo.models import Job

pytestmark = pytest.mark.django_db

CHALLENGE = "Basic realm="


@pytest.fixture(autouse=True)
def _wrong_passwords_are_forgotten():
    """The wrong passwords of these tests are nobody's, before and after."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def job(owner):
    """A job of the owner's, which nobody else can see."""
    from django.utils import timezone

    from vo.uws.creating import create_job

    return create_job("tap", {}, owner=owner, now=timezone.now())


@pytest.fixture
def token(owner):
    return create_token(owner, "laptop")[1]


def basic(name, password):
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def as_header(token):
    """Return the ways in which the owner's programs sign in."""
    return {
        "Bearer": f"Bearer {token}",
        "bearer": f"bearer {token}",
        "Token": f"Token {token}",
        "token as password": basic("owner", token),
        "token as password of anybody": basic("whoever", token),
        "token as password of nobody": basic("", token),
        "password": basic("owner", "owner"),
    }


@pytest.mark.parametrize(
    "way",
    [
        "Bearer",
        "bearer",
        "Token",
        "token as password",
        "token as password of anybody",
        "token as password of nobody",
        "password",
    ],
)
def test_programs_sign_in_in_any_of_these_ways(client, job, as_header, way):
    signed = {"HTTP_AUTHORIZATION": as_header[way]}

    assert client.get(f"/tap/async/{job.pk}/owner", **signed).content == b"owner"
    client.post("/tap/async", {"QUERY": "SELECT 1"}, **signed)
    assert Job.objects.exclude(pk=job.pk).get().owner.username == "owner"


def test_without_credentials_one_is_nobody(client, job):
    assert client.get(f"/tap/async/{job.pk}").status_code == 404
    assert client.get("/tap/async").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer nonsense",
        "Bearer “quoted”",
        "Token " + "x" * 5000,
        basic("owner", "wrong"),
        basic("nobody", "owner"),
        basic("ow\0ner", "owner"),
        "Basic !!!",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Digest username=owner",
    ],
)
def test_wrong_credentials_are_refused_and_not_taken_for_nobodys(client, header):
    answer = client.get("/tap/async", HTTP_AUTHORIZATION=header)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith(CHALLENGE)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_a_token_that_is_revoked_or_old_or_of_a_closed_account_opens_nothing(client, owner, token):
    _, old = create_token(owner, "old", timedelta(seconds=-1))
    for secret in (old,):
        assert client.get("/tap/async", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 401
    owner.is_active = False
    owner.save()

    assert client.get("/tap/async", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    owner.auth_token_set.all().delete()
    assert client.get("/tap/async", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


def test_who_insists_is_asked_who_they_are(client, owner):
    answer = client.get("/tap/async?auth=required")
    assert (answer.status_code, answer["WWW-Authenticate"][:12]) == (401, CHALLENGE)

    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/tap/async?auth=required").status_code == 200


def test_a_wrong_password_is_counted_like_everywhere(client, owner):
    for _ in range(20):
        client.get("/tap/async", HTTP_AUTHORIZATION=basic("owner", "wrong"))

    assert client.get("/tap/async", HTTP_AUTHORIZATION=basic("owner", "owner")).status_code == 401


@pytest.fixture
def browser(owner):
    """The owner's browser, which proves nothing by itself."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    return client


def test_a_session_reads(browser, job):
    assert browser.get(f"/tap/async/{job.pk}/owner").content == b"owner"


def test_another_sites_form_acts_as_nobody(browser, job):
    answers = [
        browser.post(f"/tap/async/{job.pk}/phase", {"PHASE": "ABORT"}, HTTP_ORIGIN="https://evil.example"),
        browser.delete(f"/tap/async/{job.pk}"),
        browser.post(f"/tap/async/{job.pk}", {"ACTION": "DELETE"}),
        browser.post("/tap/async", {"QUERY": "SELECT 1"}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 303]
    job.refresh_from_db()
    assert job.phase == "PENDING"
    assert Job.objects.exclude(pk=job.pk).get().owner is None


def test_our_own_page_acts_as_whoever_is_signed_in(browser, job):
    browser.get("/accounts/profile/")
    secret = browser.cookies["csrftoken"].value

    answer = browser.post(f"/tap/async/{job.pk}/phase", {"PHASE": "RUN"}, HTTP_X_CSRFTOKEN=secret)
    assert answer.status_code == 303
    job.refresh_from_db()
    assert job.phase == "QUEUED"
    assert browser.delete(f"/tap/async/{job.pk}", HTTP_X_CSRFTOKEN=secret).status_code == 303


def test_a_token_needs_no_proof_and_wins_over_a_session(browser, make_user, job):
    _, theirs = create_token(make_user("other"), "laptop")

    browser.post("/tap/async", {"QUERY": "SELECT 1"}, HTTP_AUTHORIZATION=f"Bearer {theirs}")

    assert Job.objects.exclude(pk=job.pk).get().owner.username == "other"


@pytest.mark.parametrize("method", ["get", "post", "options", "put"])
def test_pages_of_other_sites_may_read_every_answer_but_not_with_cookies(client, method):
    answer = getattr(client, method)("/tap/async", HTTP_ORIGIN="https://elsewhere.example")

    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert {"Authorization", "Cookie"} <= {part.strip() for part in answer["Vary"].split(",")}


def test_a_browser_may_ask_before_it_sends_a_token(client):
    answer = client.options(
        "/tap/async",
        HTTP_ORIGIN="https://elsewhere.example",
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization",
    )

    assert answer.status_code == 204
    assert "POST" in answer["Access-Control-Allow-Methods"]
    assert "Authorization" in answer["Access-Control-Allow-Headers"]
