"""What people try who mean no good: each test is an attack, and says what it gets."""

import base64
import json
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.urls import reverse
from rest_framework.test import APIClient

from archive.catalogues import write_catalogue
from archive.keeping import keep_product
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.errors import UnfitValue
from worktables.rows import add_rows
from worktables.viewing import page_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _apart(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    cache.clear()


@pytest.fixture
def api(owner):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(owner)
    return client


@pytest.fixture
def notes(project, owner):
    """A plain table of texts and numbers, with one row."""
    columns = [NewColumn("note"), NewColumn("flux", "float", unit="Jy"), NewColumn("n", "int")]
    table = create_worktable(project, "notes", creator=owner, columns=columns)
    add_rows(table, [{"note": "a%b", "flux": 1.0, "n": 1}], by=owner)
    return table


# ------------------------------------------------------------------ large and deep requests


def test_nobody_makes_the_portal_read_without_end(client):
    body = b'{"username": "' + b"x" * (3 << 20) + b'", "password": "y"}'

    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        answer = client.post("/api/tokens/login/", body, content_type=content_type)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large"), content_type


@pytest.mark.parametrize("depth", [50, 900, 200_000])
def test_deep_json_is_refused_in_words(api, notes, depth):
    body = b'{"note": ' + b"[" * depth + b"]" * depth + b"}"

    answer = api.generic("POST", f"/api/worktables/{notes.pk}/rows/", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse-error")
    assert "deep" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "_parent=²",
        "_parent=" + "9" * 5000,
        "_id=" + "9" * 30,
        "_id=²",
        "_flag=a%00b",
        "note=a%00*",
        "note=*%00*",
        "_size=²",
        "_sort=flux&_after=" + base64.urlsafe_b64encode(b"[1.0, Infinity]").decode(),
        "_sort=flux&_after=" + base64.urlsafe_b64encode(b"[[1], 1]").decode(),
        "_sort=n&_after=" + base64.urlsafe_b64encode(b'[{"a": 1}, 1]').decode(),
        "_sort=note&_after=" + base64.urlsafe_b64encode(b'["\\u0000", 1]').decode(),
        "_after=" + base64.urlsafe_b64encode(b"[1, " + b"9" * 40 + b"]").decode(),
        "_after=" + base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
def test_no_address_breaks_the_list_of_rows(api, notes, query):
    answer = api.get(f"/api/worktables/{notes.pk}/rows/?{query}")

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] != "server-error"


def test_rows_that_cannot_be_are_no_server_error(api, client, owner, notes):
    beyond = api.post(f"/api/worktables/{notes.pk}/rows/delete/", {"rows": [10**30]}, format="json")
    assert beyond.status_code == 400

    client.force_login(owner)
    for row in ("²", "9" * 5000, "9" * 30):
        assert client.get(reverse("worktable-history", args=[notes.pk]), {"row": row}).status_code == 200
    many = ",".join(map(str, range(1, 300_000)))
    ticked = client.post(
        reverse("worktable-selection", args=[notes.pk]), {"action": "flag", "text": "x", "rows": many}
    )
    assert ticked.status_code == 400


# ------------------------------------------------------------------ filters


def test_a_filter_of_many_stars_costs_no_more_than_one(project, owner):
    """With backtracking this pattern would take longer than the universe is old."""
    table = create_worktable(project, "long", creator=owner, columns=[NewColumn("note")])
    add_rows(table, [{"note": "a" * 3000}], by=owner)

    assert page_of(table, {"note": "*a" * 40 + "*b"}).count == 0
    assert page_of(table, {"note": "*a" * 40 + "*"}).count == 1


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a*", 3),
        ("A%*", 1),
        ("*_b", 1),
        ("*\\*", 1),
        ("*b", 3),
        ("*B*", 4),
        ("a*n", 1),
        (".*", 0),
        ("*b*b*", 0),
    ],
)
def test_stars_are_the_only_letters_with_a_meaning(project, owner, pattern, found):
    table = create_worktable(project, "texts", creator=owner, columns=[NewColumn("note")])
    add_rows(table, [{"note": text} for text in ("a%b", "a_b", "x\\b", "a\nb\nn", "x")], by=owner)

    assert page_of(table, {"note": pattern}).count == found


# ------------------------------------------------------------------ names


@pytest.mark.parametrize("name", ["items", "keys", "values", "pk", "csrfmiddlewaretoken", "errors"])
def test_any_name_of_a_column_has_its_row_page(client, project, owner, name):
    table = create_worktable(project, "names", creator=owner, columns=[NewColumn(name), NewColumn("other")])
    (row_id,) = add_rows(table, [{name: "kept", "other": "<script>"}], by=owner)
    client.force_login(owner)

    page = client.get(reverse("row", args=[table.pk, row_id])).content.decode()

    assert f'name="seen.{name}" value="&quot;kept&quot;"' in page
    assert 'name="seen.other"' in page
    assert "<script>" not in page.replace('<script type="module"', "").replace("<script src", "")


# ------------------------------------------------------------------ files of others


@pytest.fixture
def secret(make_user, make_project):
    """The hash of a catalogue of a project the owner does not work on."""
    from astropy.table import Table

    theirs = make_project("theirs", make_user("other"))
    items = write_catalogue(Table({"name": ["hidden source"]}))
    return keep_product(theirs, items, "hidden.fits").sha256


@pytest.fixture
def lists(project, owner):
    """A table in which people type hashes of catalogues."""
    field = {"name": "name", "kind": "text", "unit": "", "ucd": "", "description": ""}
    column = NewColumn("items", "catalogue", schema=(field,))
    return create_worktable(project, "lists", creator=owner, columns=[column])


def test_knowing_its_hash_does_not_open_a_file_of_another_project(api, client, owner, lists, secret):
    rows = f"/api/worktables/{lists.pk}/rows/"
    assert api.post(rows, {"items": secret}, format="json").json()["code"] == "unfit-value"
    assert api.post(rows + "paste/", {"text": f"items\n{secret}\n"}, format="json").status_code == 400

    (row_id,) = add_rows(lists, [{}], by=owner)
    typed = api.patch(f"{rows}{row_id}/cells/items/", {"value": secret, "seen": None}, format="json")
    assert typed.json()["code"] == "unfit-value"

    client.force_login(owner)
    client.post(reverse("row-edit", args=[lists.pk, row_id]), {"items": secret, "seen.items": "null"})
    assert b"hidden source" not in client.get(reverse("row", args=[lists.pk, row_id])).content


def test_whether_others_keep_a_file_is_not_told(owner, lists, secret):
    refusals = []
    for sha256 in (secret, "0" * 64):
        with pytest.raises(UnfitValue) as refused:
            add_rows(lists, [{"items": sha256}], by=owner)
        refusals.append(refused.value.problem)

    assert refusals[0] == refusals[1]


def test_a_file_of_ones_own_project_may_be_typed(project, owner, lists):
    sha256 = keep_product(project, b"mine", "mine.fits").sha256

    assert len(add_rows(lists, [{"items": sha256}], by=owner)) == 1


# ------------------------------------------------------------------ passwords and addresses


def test_trying_passwords_is_slowed_down_whatever_address_one_claims(client, reader):
    for number in range(40):
        answer = client.post(
            "/api/tokens/login/",
            json.dumps({"username": "reader", "password": f"guess {number}"}),
            content_type="application/json",
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )

    assert answer.status_code == 429


@pytest.mark.parametrize("door", ["page", "basic", "api"])
def test_every_door_counts_wrong_passwords(client, reader, door):
    def knock(password):
        if door == "basic":
            secret = base64.b64encode(f"reader:{password}".encode()).decode()
            return client.get("/api/account/", headers={"Authorization": f"Basic {secret}"})
        address = reverse("login") if door == "page" else "/api/tokens/login/"
        typed = urlencode({"username": "reader", "password": password})
        return client.post(address, typed, content_type="application/x-www-form-urlencoded")

    let_in = {"page": 302, "basic": 200, "api": 201}[door]
    assert knock("reader").status_code == let_in
    client.logout()
    for number in range(25):
        knock(f"guess {number}")
    # Now right, but too late to be believed.
    assert knock("reader").status_code != let_in


def test_others_sign_in_while_somebody_tries_passwords(client, reader, make_user):
    make_user("somebody")
    for number in range(35):
        client.post(reverse("login"), {"username": "reader", "password": f"guess {number}"})

    answer = client.post(reverse("login"), {"username": "somebody", "password": "somebody"})

    assert answer.status_code == 302


@pytest.mark.parametrize(
    "next", ["worktable", "//evil.example/", "https://evil.example/", "javascript:alert(1)"]
)
def test_a_form_leads_back_to_a_page_of_ours_or_to_the_table(client, owner, notes, next):
    client.force_login(owner)

    answer = client.post(reverse("worktable-update", args=[notes.pk]), {"next": next})

    assert answer.status_code == 302
    assert "evil" not in answer.url
    assert "javascript" not in answer.url
