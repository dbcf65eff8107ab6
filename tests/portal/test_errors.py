"""What goes wrong is said to people on a page, to programs as JSON, and in the same words."""

import json

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from django.urls import path
from django.views.generic import TemplateView
from rest_framework import exceptions
from rest_framework.views import APIView

from portal import errors, urls
from projects.errors import LastOwner


class Refusal(Exception):
    """An error as any floor may have it."""

    code = "too-bright"
    status = 422

    def __init__(self, flux):
        self.flux, self.limits, self.map, self._secret = flux, (0.0, float("inf")), object(), "x"
        super().__init__("flux <12> is too bright; lower it")


class ToldFacts(Refusal):
    """An error that tells its facts itself."""

    def facts(self):
        return {"row": 2**53 + 1, "code": "mine"}


def view_that_raises(error):
    def view(request):
        raise error

    return view


def api_that_raises(error):
    class View(APIView):
        permission_classes = ()
        authentication_classes = ()

        def get(self, request):
            raise error

    return View.as_view()


@pytest.fixture
def raising(monkeypatch, client):
    """Ask for a page whose view raises this error."""
    client.raise_request_exception = False

    def ask(error, *, api=False, **headers):
        view = api_that_raises(error) if api else view_that_raises(error)
        address = "api/raise/" if api else "raise/"

        class Urls:
            urlpatterns = [path(address, view), *urls.urlpatterns]
            handler400, handler403 = urls.handler400, urls.handler403
            handler404, handler500 = urls.handler404, urls.handler500

        monkeypatch.setattr("django.conf.settings.ROOT_URLCONF", Urls)
        return client.get(f"/{address}", headers=headers)

    yield ask
    monkeypatch.undo()
    from django.urls import clear_url_caches

    clear_url_caches()


def test_people_get_a_page_with_the_remedy(raising):
    answer = raising(Refusal(12), accept="text/html")

    assert answer.status_code == 422
    assert "flux &lt;12&gt; is too bright; lower it" in answer.content.decode()
    assert "portal/error.html" in [template.name for template in answer.templates]


@pytest.mark.parametrize("asked", [{"api": True}, {"accept": "application/json"}])
def test_programs_get_code_detail_and_facts(raising, asked):
    answer = raising(Refusal(12), **asked)

    assert answer.status_code == 422
    assert answer.json() == {
        "code": "too-bright",
        "detail": "flux <12> is too bright; lower it",
        "flux": 12,
        "limits": [0.0, "inf"],
    }


def test_a_page_that_breaks_is_answered_in_words_and_with_the_policy(raising):
    answer = raising(RuntimeError("of no concern to visitors"), accept="text/html")

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "Sign in" not in answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_an_address_that_only_takes_forms_says_so(client, reader):
    client.force_login(reader)

    page = client.get("/accounts/tokens/", headers={"accept": "text/html"})
    program = client.get("/accounts/tokens/", headers={"accept": "application/json"})

    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "There is no page at this address" in page.content.decode()
    assert (program.status_code, program.content) == (405, b"")


def test_who_is_not_signed_in_is_offered_to_where_something_is_not_found(client, db):
    page = client.get("/nothing/?a=1&b=2", headers={"accept": "text/html"}).content.decode()

    assert 'href="/accounts/login/?next=/nothing/%3Fa%3D1%26b%3D2"' in page


def test_an_error_may_choose_its_facts_but_not_its_code(raising):
    assert raising(ToldFacts(1), api=True).json() == {
        "code": "too-bright",
        "detail": "flux <12> is too bright; lower it",
        "row": "9007199254740993",
    }


def test_names_in_place_of_records(raising):
    answer = raising(LastOwner("anna", "Virgo"), api=True)

    assert (answer.status_code, answer.json()["code"], answer.json()["who"]) == (409, "last-owner", "anna")


@pytest.mark.parametrize("api", [True, False])
def test_a_refusal_keeps_its_sentence(raising, api):
    answer = raising(PermissionDenied("reader may not run “Virgo”"), api=api, accept="application/json")

    assert answer.status_code == 403
    assert answer.json() == {"code": "permission-denied", "detail": "reader may not run “Virgo”"}


@pytest.mark.parametrize("api", [True, False])
def test_what_is_not_there_is_404_for_programs_too(raising, api):
    answer = raising(Http404(), api=api, accept="application/json")

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "error",
    [exceptions.ValidationError({"slug": ["is no name"]}), ValidationError({"slug": "is no name"})],
)
def test_complaints_name_the_field(raising, error):
    answer = raising(error, api=True)

    assert answer.status_code == 400
    assert answer.json() == {
        "code": "invalid",
        "detail": "slug: is no name",
        "fields": {"slug": ["is no name"]},
    }


def test_an_api_says_who_is_not_signed_in(raising):
    answer = raising(exceptions.NotAuthenticated(), api=True)

    assert answer.status_code in (401, 403)
    assert answer.json()["code"] == "not-authenticated"


def test_an_address_that_leads_nowhere_is_a_page(client, db):
    answer = client.get("/no/such/page/", headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_an_api_address_that_leads_nowhere_is_json(client, db):
    assert client.get("/api/no/such/thing/").json()["code"] == "not-found"


def test_a_server_error_asks_nothing_of_the_database():
    answer = errors.broken(RequestFactory().get("/", headers={"accept": "text/html"}))

    assert answer.status_code == 500
    assert "broke on our side" in answer.content.decode()
    assert json.loads(errors.broken(RequestFactory().get("/api/x/")).content)["code"] == "server-error"


def test_a_form_from_elsewhere_is_refused_with_the_remedy(db):
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", headers={"accept": "text/html"})

    assert answer.status_code == 403
    assert "Load the page again" in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/projects/virgo/settings/?x=1", "/projects/virgo/settings/?x=1"),
        ("http://evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_the_way_back_stays_on_our_site(referer, back):
    request = RequestFactory().post("/somewhere/", headers={"referer": referer})

    assert errors.page_before(request) == back


def test_the_style_page_renders(client):
    assert TemplateView.as_view(template_name="portal/style.html")(RequestFactory().get("/")).render()


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_said_with_the_remedy(raising, kind):
    page = raising(kind("connection refused at 10.0.0.7"), accept="text/html")
    answer = raising(kind("refused"), api=True)

    assert page.status_code == answer.status_code == 503
    assert page["Retry-After"] == "5"
    assert "The database does not answer" in page.content.decode()
    assert "10.0.0.7" not in page.content.decode()
    assert answer.json()["code"] == "database-silent"
    assert "look whether the change is there already" in answer.json()["detail"]


def test_a_database_that_is_away_before_the_view_is_asked_is_said_too():
    try:
        raise OperationalError("gone")
    except OperationalError:
        answer = errors.broken(RequestFactory().get("/api/x/"))

    assert answer.status_code == 503
