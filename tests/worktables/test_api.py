"""The door of programs: everything the pages do, and every refusal with a code and a remedy."""

import base64
import io
import json

import pytest
from asgiref.sync import async_to_sync
from astropy.table import Table
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from archive.keeping import keep_product
from pipelines.models import Run
from projects.editing import create_project
from projects.sharing import share_with
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable, delete_worktable, restore_worktable
from worktables.models import Annotation, Change, Worktable
from worktables.rows import add_rows
from worktables.storage import layout_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(owner):
    """The owner's client."""
    return client_of(owner)


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def at(worktable, rest=""):
    return f"/api/worktables/{worktable.pk}/{rest}"


# Who may come in


def test_nobody_comes_in_unnamed(db, worktable):
    for address in ("/api/", "/api/worktables/", at(worktable), at(worktable, "rows/")):
        answer = Client().get(address)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), address
        assert answer["WWW-Authenticate"] == "Token"


def test_session_token_and_basic_sign_in_all_work(owner, worktable):
    session = Client()
    session.login(username="owner", password="owner")
    basic = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"owner:owner").decode()}
    made = Client().post("/api/tokens/", {"name": "script"}, content_type="application/json", **basic)
    token = {"HTTP_AUTHORIZATION": f"Token {made.json()['token']}"}

    for client, headers in ((session, {}), (Client(), basic), (Client(), token)):
        (listed,) = client.get("/api/worktables/", **headers).json()["results"]
        assert listed["name"] == "fields"


def test_a_session_needs_the_token_of_its_page_to_write(owner, worktable):
    client = Client(enforce_csrf_checks=True)
    client.login(username="owner", password="owner")

    answer = client.post(at(worktable, "rows/"), {"x": 1.0}, content_type="application/json")

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_a_token_is_given_for_a_password_listed_and_revoked(owner):
    refused = Client().post(
        "/api/tokens/login/", {"username": "owner", "password": "wrong"}, content_type="application/json"
    )
    given = Client().post(
        "/api/tokens/login/",
        {"username": "owner", "password": "owner", "name": "laptop", "days": 30},
        content_type="application/json",
    )
    headers = {"HTTP_AUTHORIZATION": f"Token {given.json()['token']}"}
    listed = Client().get("/api/tokens/", **headers)

    assert (refused.status_code, refused.json()["code"]) == (401, "authentication-failed")
    assert given["Cache-Control"] == "no-store"
    assert [(one["name"], "token" in one) for one in listed.json()] == [("laptop", False)]

    revoked = Client().delete(f"/api/tokens/{listed.json()[0]['digest']}/", **headers)
    assert revoked.status_code == 204
    assert Client().get("/api/tokens/", **headers).status_code == 401


def test_the_root_names_places_that_exist(api):
    for place, address in api.get("/api/").json().items():
        assert api.get(address).status_code == 200, place


def test_the_schema_is_made_without_a_warning(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


# Worktables


def test_the_list_says_how_each_table_fares(api, worktable, project, work):
    work()

    answer = api.get("/api/worktables/").json()

    assert answer["count"] == 1
    assert answer["results"] == [
        {
            "id": worktable.pk,
            "name": "fields",
            "title": "",
            "project": "virgo",
            "pipeline": "toy",
            "update": "auto",
            "n_rows": 3,
            "states": {"fresh": 3},
        }
    ]


def test_states_count_rows_that_wait(api, worktable):
    assert api.get("/api/worktables/").json()["results"][0]["states"] == {"queued": 3}


def test_a_long_list_asks_no_more_than_a_short_one(
    api, project, owner, worktable, django_assert_max_num_queries
):
    for n in range(12):
        create_worktable(project, f"plain_{n}", creator=owner, columns=[NewColumn("x")])

    with django_assert_max_num_queries(6):
        assert api.get("/api/worktables/").json()["count"] == 13


def test_a_page_of_rows_asks_the_same_however_long_it_is(
    api, worktable, owner, work, django_assert_max_num_queries
):
    add_rows(worktable, [{"x": float(n)} for n in range(60)], by=owner)
    work()

    with django_assert_max_num_queries(8):
        assert len(api.get(at(worktable, "rows/")).json()["results"]) == 63


def test_the_project_of_a_table_is_named_only_to_who_may_see_it(worktable, owner, stranger):
    share_with(worktable, stranger, "reader", by=owner)
    (listed,) = client_of(stranger).get("/api/worktables/").json()["results"]

    assert (listed["name"], listed["project"]) == ("fields", None)
    assert client_of(stranger).get("/api/worktables/?project=virgo").json()["count"] == 0


def test_what_one_may_not_see_is_not_found_and_not_counted(worktable, stranger):
    client = client_of(stranger)

    assert client.get("/api/worktables/").json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }
    for address in (
        at(worktable),
        at(worktable, "rows/"),
        at(worktable, "download/"),
        "/api/projects/virgo/",
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_table_is_made_with_a_pipeline_and_columns(api, worktable):
    answer = api.post(
        "/api/worktables/",
        {
            "project": "virgo",
            "name": "more_fields",
            "title": "More fields",
            "pipeline": "toy",
            "columns": [{"name": "note", "kind": "text", "description": "what we think"}],
        },
        format="json",
    )

    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert {"note", "x", "y", "total", "sign", "factor"} == {column["name"] for column in made["columns"]}
    assert [step["name"] for step in made["steps"]] == ["add", "sign"]
    assert made["plan"] == "there are no rows yet"
    assert made["role"] == "owner"


@pytest.mark.parametrize(
    ("column", "code", "said"),
    [
        ({"name": "drop table wt_1"}, "unfit-name", "cannot be used as a name"),
        ({"name": "z", "unit": "Jansky_per_potato"}, "unknown-unit", "Jansky_per_potato"),
        ({"name": "z", "kind": "number"}, "unfit-value", "choose one of bool"),
        ({"name": "z", "minimum": "nan"}, "invalid", "minimum"),
        ({}, "invalid", "name: This field is required"),
    ],
)
def test_a_column_that_cannot_be_is_refused_with_its_name_and_the_remedy(api, worktable, column, code, said):
    answer = api.post(at(worktable, "columns/"), column, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert said in answer.json()["detail"]
    assert worktable.columns.count() == 5


def test_columns_come_change_and_go(api, worktable):
    added = api.post(
        at(worktable, "columns/"), {"name": "flux", "kind": "float", "unit": "Jy"}, format="json"
    )
    renamed = api.patch(
        at(worktable, "columns/flux/"), {"name": "flux_density", "description": "peak"}, format="json"
    )
    kept = api.delete(at(worktable, "columns/total/"))
    dropped = api.delete(at(worktable, "columns/flux_density/"))

    assert (added.status_code, added.json()["unit"]) == (201, "Jy")
    assert (renamed.json()["name"], renamed.json()["description"]) == ("flux_density", "peak")
    assert (kept.status_code, kept.json()["code"]) == (409, "column-in-use")
    assert dropped.status_code == 204


def test_a_table_is_renamed_described_thrown_away_and_brought_back(api, worktable):
    changed = api.patch(
        at(worktable), {"name": "pointings", "title": "Pointings", "update": "manual"}, format="json"
    )
    refused = api.patch(at(worktable), {"title": "lost", "name": "No Name"}, format="json")
    gone = api.delete(at(worktable))
    absent = api.get(at(worktable))
    listed = api.get("/api/worktables/in-trash/").json()["results"]
    back = api.post(at(worktable, "restore/"))

    assert (changed.json()["name"], changed.json()["update"]) == ("pointings", "manual")
    assert (refused.status_code, refused.json()["code"]) == (400, "unfit-name")
    assert (gone.status_code, absent.status_code) == (204, 404)
    assert [table["id"] for table in listed] == [worktable.pk]
    assert (back.status_code, back.json()["title"]) == (200, "Pointings")


# Rows and cells


def test_a_row_says_its_values_its_state_and_why(api, worktable, owner, work):
    add_rows(worktable, [{"x": 13.0}], by=owner)
    work()

    first, failed = (api.get(at(worktable, f"rows/{row}/")).json() for row in (1, 4))

    assert first["cells"] == {"x": 1.0, "y": 2.0, "factor": None, "total": 3.0, "sign": "positive"}
    assert (first["state"], first["reason"]) == ("fresh", "")
    assert failed["state"] == "failed"
    assert "13 is unlucky" in failed["reason"]
    assert failed["steps"]["sign"]["state"] == "blocked"


def test_rows_are_paged_filtered_and_sorted(api, worktable, owner, work):
    add_rows(worktable, [{"x": float(n)} for n in range(10, 13)], by=owner)
    work()

    first = api.get(at(worktable, "rows/?_size=2&_sort=-x&x=>0")).json()
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()
    back = api.get(second["previous"]).json()

    def numbers(page):
        return [row["cells"]["x"] for row in page["results"]]

    assert first["count"] == 5
    assert (first["previous"], third["next"]) == (None, None)
    assert numbers(first) + numbers(second) + numbers(third) == [12.0, 11.0, 10.0, 3.0, 1.0]
    assert numbers(back) == numbers(first)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("nonsense=1", "no-such-column"),
        ("x=bright", "unfit-filter"),
        ("_sort=nonsense", "no-such-column"),
        ("_after=nonsense", "unfit-filter"),
        ("_size=0", "unfit-filter"),
        ("_size=99999999999999999999", "unfit-filter"),
        ("_state=happy", "unfit-filter"),
    ],
)
def test_a_question_that_means_nothing_is_refused(api, worktable, query, code):
    answer = api.get(at(worktable, f"rows/?{query}"))

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_column_may_be_called_format(api, project, owner):
    table = create_worktable(project, "files", creator=owner, columns=[NewColumn("format")])
    add_rows(table, [{"format": "fits"}, {"format": "csv"}], by=owner)

    answer = api.get(at(table, "rows/?format=fits"))

    assert [row["cells"]["format"] for row in answer.json()["results"]] == ["fits"]


def test_one_row_or_many_are_added(api, worktable):
    one = api.post(at(worktable, "rows/"), {"x": 7.0, "y": None}, format="json")
    many = api.post(at(worktable, "rows/"), [{"x": 8.0}, {"cells": {"x": 9.0}}], format="json")
    none = api.post(at(worktable, "rows/"), [{"x": 1.0}, {"x": "bright"}], format="json")
    computed = api.post(at(worktable, "rows/"), {"total": 1.0}, format="json")

    assert (one.status_code, one.json()["id"], one.json()["cells"]["x"]) == (201, 4, 7.0)
    assert many.json() == {"n": 2, "rows": [5, 6]}
    assert (none.status_code, none.json()["code"], none.json()["line"]) == (400, "unfit-value", 2)
    assert computed.json()["code"] == "not-editable"
    worktable.refresh_from_db()
    assert worktable.n_rows == 6


def test_rows_are_pasted_whole_or_not_at_all(api, worktable):
    added = api.post(at(worktable, "rows/paste/"), "x,y\n1,2\n3,\n", content_type="text/csv")
    short = api.post(at(worktable, "rows/paste/"), "x,y\n1,2\n3\n", content_type="text/csv")
    wrong = api.post(at(worktable, "rows/paste/"), {"text": "x\n1\nbright\n"}, format="json")
    latin = api.post(at(worktable, "rows/paste/"), "x\n1\né\n".encode("latin-1"), content_type="text/plain")

    assert added.json() == {"n": 2, "rows": [4, 5]}
    assert (short.status_code, short.json()["code"], short.json()["line"]) == (
        400,
        "wrong-number-of-cells",
        3,
    )
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad-cells")
    (problem,) = wrong.json()["problems"]
    assert (problem["line"], problem["column"], problem["value"]) == (3, "x", "bright")
    assert latin.status_code == 400
    worktable.refresh_from_db()
    assert worktable.n_rows == 5


def test_rows_are_deleted_restored_duplicated_and_run_again(api, worktable, work):
    work()
    gone = api.delete(at(worktable, "rows/2/"))
    twice = api.delete(at(worktable, "rows/2/"))
    trash = api.get(at(worktable, "rows/in-trash/")).json()
    back = api.post(at(worktable, "rows/restore/"), {"rows": [2]}, format="json")
    copied = api.post(at(worktable, "rows/duplicate/"), {"rows": [1, 2]}, format="json")
    deleted = api.post(at(worktable, "rows/delete/"), {"rows": [4, 99]}, format="json")
    work()
    again = api.post(at(worktable, "rows/rerun/"), {"rows": [1], "step": "add"}, format="json")

    assert (gone.status_code, twice.status_code, twice.json()["code"]) == (204, 404, "no-such-row")
    assert [(row["id"], row["cells"]["x"]) for row in trash] == [(2, -5.0)]
    assert (back.json(), copied.json()["rows"], deleted.json()) == ({"n": 1}, [4, 5], {"n": 1})
    assert (again.status_code, again.json()) == (202, {"n": 1})
    assert work() == [("add", 1.0)]


def test_rows_that_a_link_makes_are_neither_added_nor_copied(api, client, family, owner, work):
    work()
    family.items.refresh_from_db()
    add_column(family.items, NewColumn("remark"), by=owner)
    before = family.items.n_rows
    client.force_login(owner)

    answers = [
        api.post(at(family.items, "rows/"), {"remark": "mine"}, format="json"),
        api.post(at(family.items, "rows/paste/"), {"text": "remark\nmine\n"}, format="json"),
        api.post(at(family.items, "rows/duplicate/"), {"rows": [1]}, format="json"),
    ]

    said = "the rows of “items” are made by the link “items_of”"
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "rows-of-a-link")
        assert said in answer.json()["detail"]
    family.items.refresh_from_db()
    assert family.items.n_rows == before > 0
    page = client.post(f"/worktables/{family.items.pk}/add/", {"cell-remark": "mine"}).content.decode()
    assert said in page
    assert 'value="mine"' in page
    assert 'value="duplicate"' not in client.get(f"/worktables/{family.items.pk}/").content.decode()


def test_a_cell_is_edited_by_value_or_as_typed(api, worktable):
    by_value = api.patch(at(worktable, "rows/1/cells/x/"), {"value": 4.0, "seen": 1.0}, format="json")
    as_typed = api.patch(at(worktable, "rows/1/cells/x/"), {"text": " 2.5e1 ", "seen": 4.0}, format="json")
    emptied = api.patch(at(worktable, "rows/1/cells/y/"), {"text": "", "seen": 2.0}, format="json")

    assert by_value.json()["cells"]["x"] == 4.0
    assert by_value.json()["state"] == "queued"
    assert as_typed.json()["cells"]["x"] == 25.0
    assert emptied.json()["cells"]["y"] is None
    assert Change.objects.filter(action="edit", by__username="owner").count() == 3


def test_the_second_of_two_edits_sees_both_values(api, worktable):
    api.patch(at(worktable, "rows/1/cells/x/"), {"value": 4.0, "seen": 1.0}, format="json")
    answer = api.patch(at(worktable, "rows/1/cells/x/"), {"value": 9.0, "seen": 1.0}, format="json")

    assert answer.status_code == 409
    assert {key: answer.json()[key] for key in ("code", "column", "row_id", "seen", "present")} == {
        "code": "edit-conflict",
        "column": "x",
        "row_id": 1,
        "seen": 1.0,
        "present": 4.0,
    }


@pytest.mark.parametrize(
    ("column", "edit", "status", "code"),
    [
        ("x", {"value": "bright", "seen": 1.0}, 400, "unfit-value"),
        ("x", {"text": "1,5", "seen": 1.0}, 400, "unfit-value"),
        ("x", {"value": 2.0}, 400, "invalid"),
        ("x", {"seen": 1.0}, 400, "invalid"),
        ("x", {"value": 2.0, "text": "2", "seen": 1.0}, 400, "invalid"),
        ("x", {"value": {"a": 1}, "seen": 1.0}, 400, "unfit-value"),
        ("total", {"value": 2.0, "seen": None}, 400, "not-editable"),
        ("nonsense", {"value": 2.0, "seen": None}, 400, "no-such-column"),
        ("x; DROP TABLE wt_1", {"value": 2.0, "seen": None}, 400, "no-such-column"),
    ],
)
def test_an_edit_that_cannot_be_names_the_column_and_the_remedy(api, worktable, column, edit, status, code):
    answer = api.patch(at(worktable, f"rows/1/cells/{column}/"), edit, format="json")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Change.objects.filter(action="edit").exists()


def test_an_edit_of_an_absent_row_finds_no_row(api, worktable):
    answer = api.patch(at(worktable, "rows/99/cells/x/"), {"value": 2.0, "seen": None}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-row")


def test_numbers_that_no_browser_can_hold_travel_as_text(api, project, owner):
    table = create_worktable(
        project,
        "numbers",
        creator=owner,
        columns=[NewColumn("n", "int"), NewColumn("f", "float"), NewColumn("a", "array", shape="*")],
    )
    sent = {"n": str(2**53 + 1), "f": "-Infinity", "a": [1.5, "NaN", "Infinity"]}

    made = api.post(at(table, "rows/"), sent, format="json")
    edited = api.patch(
        at(table, "rows/1/cells/n/"), {"value": str(2**63 - 1), "seen": str(2**53 + 1)}, format="json"
    )

    assert made.json()["cells"] == sent
    assert edited.json()["cells"]["n"] == str(2**63 - 1)
    json.loads(made.content, parse_constant=pytest.fail)


# Parameters, links, updates


def test_parameters_are_set_for_a_table_and_for_a_project(api, worktable, work):
    work()
    listed = api.get(at(worktable, "parameters/")).json()
    put = api.put(at(worktable, "parameters/"), {"add.factor": 2.0}, format="json")
    beyond = api.put(at(worktable, "parameters/"), {"add.factor": 1e9}, format="json")
    unknown = api.put(at(worktable, "parameters/"), {"add.nonsense": 1}, format="json")
    listless = api.put(at(worktable, "parameters/"), [1], format="json")
    project = api.put("/api/projects/virgo/parameters/", {"add.factor": 3.0}, format="json")

    assert [(one["name"], one["value"], one["default"], one["maximum"]) for one in listed] == [
        ("add.factor", None, 1.0, 100)
    ]
    assert put.json()[0]["value"] == 2.0
    assert (beyond.status_code, beyond.json()["code"]) == (400, "bad-parameter")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unfit-value")
    assert listless.status_code == 400
    assert project.json() == {"add.factor": 3.0}


def test_links_are_listed_by_the_names_of_their_columns(api, family):
    links = {link["name"]: link for link in api.get(at(family.items, "links/")).json()}

    assert links["items_of"]["options"]["fields"] == {"position": "place", "flux": "flux"}
    assert links["star_near"]["options"] == {
        "of": "place",
        "position": "place",
        "separation": "separation",
        "lookup": {"name": "star"},
        "radius": 60.0,
    }
    assert links["members"]["options"] == {"match": {"band": "band"}, "policy": "block"}


def test_a_link_is_made_and_a_wrong_one_refused(api, family, project, owner):
    target = create_worktable(
        project,
        "pointings",
        creator=owner,
        columns=[NewColumn("place", "position"), NewColumn("star", "text", "lookup"), NewColumn("note")],
    )
    new = {
        "kind": "nearest",
        "name": "star_of",
        "source": family.stars.pk,
        "of": "place",
        "position": "place",
        "radius": 30,
        "lookup": {"name": "star"},
    }
    wrong = {
        "“join” is not a kind of link": {"kind": "join"},
        "has no key": {"key": ["star"]},
        "there is no worktable 99999": {"source": 99999},
        "“note” of pointings is input": {"lookup": {"name": "note"}},
        "-1": {"radius": -1},
    }

    made = api.post(at(target, "links/"), new, format="json")

    assert made.status_code == 201, made.json()
    assert made.json()["options"]["lookup"] == {"name": "star"}
    for said, change in wrong.items():
        answer = api.post(at(target, "links/"), {**new, "name": "other", **change}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "link-refused")
        assert said in answer.json()["detail"]


def test_an_update_is_planned_before_it_is_run(api, worktable, work):
    api.patch(at(worktable), {"update": "manual"}, format="json")
    work()
    api.patch(at(worktable, "rows/1/cells/x/"), {"value": 4.0, "seen": 1.0}, format="json")

    plan = api.get(at(worktable, "update/")).json()
    before = work()
    run = api.post(at(worktable, "update/"))

    assert (plan["sentence"], plan["n_rows_to_do"]) == ("1 of 3 rows needs work", 1)
    assert plan["units_per_step"] == {"add": 1, "sign": 1}
    assert before == []
    assert run.status_code == 202
    assert work() == [("add", 4.0), ("sign", 6.0)]


def test_the_runs_of_a_row_say_who_ran_what_where(api, worktable, work):
    work()

    runs = api.get(at(worktable, "rows/1/runs/")).json()
    run = api.get(at(worktable, f"runs/{runs[-1]['id']}/")).json()
    everywhere = api.get(f"/api/runs/?worktable={worktable.pk}&row=1").json()

    assert [one["step"] for one in runs] == ["sign", "add"]
    assert (run["worker"], run["outcome"], run["project"]) == ("tester", "ok", "virgo")
    assert run["inputs"]
    assert "adding to 1.0" in run["log"]
    assert [one["id"] for one in everywhere["results"]] == [one["id"] for one in runs]
    assert api.get(f"/api/runs/{run['id']}/").json() == run


def test_runs_of_others_are_not_found(worktable, work, stranger):
    work()
    run = Run.objects.first()

    assert client_of(stranger).get("/api/runs/").json()["count"] == 0
    assert client_of(stranger).get(f"/api/runs/{run.pk}/").status_code == 404


def test_the_runs_of_a_table_in_the_trash_are_hidden_until_it_is_back(api, client, worktable, owner, work):
    work()
    run = Run.objects.first()
    client.force_login(owner)

    delete_worktable(worktable, by=owner)
    hidden = [api.get("/api/runs/").json()["count"], api.get(f"/api/runs/{run.pk}/").status_code]
    page = client.get(f"/runs/{run.pk}/").status_code
    restore_worktable(worktable, by=owner)

    assert (hidden, page) == ([0, 404], 404)
    assert api.get(f"/api/runs/{run.pk}/").status_code == 200


def test_steps_and_pipelines_can_be_read(api, worktable):
    assert api.get("/api/pipelines/").json()["results"][0]["name"] == "toy"
    assert api.get("/api/pipelines/toy/1/").json()["graph"]["steps"][0]["step"] == "toy_add"
    step = api.get("/api/steps/toy_add/").json()
    assert [port["name"] for port in step["inputs"]] == ["x", "y"]
    assert len(step["code_fingerprint"]) >= 32
    assert "toy_add" in [one["name"] for one in api.get("/api/steps/").json()]
    assert api.get("/api/steps/nonsense/").json()["code"] == "unknown-step"


# Talk and history


def test_flags_and_comments_are_said_listed_and_withdrawn(collaborator, reader, api, worktable):
    theirs = client_of(collaborator)
    flag = theirs.post(
        at(worktable, "annotations/"), {"kind": "flag", "rows": [1, 2], "text": "artefact"}, format="json"
    )
    comment = theirs.post(
        at(worktable, "annotations/"), {"kind": "comment", "rows": [1], "text": "look again"}, format="json"
    )
    silent = theirs.post(
        at(worktable, "annotations/"), {"kind": "flag", "rows": [1], "text": " "}, format="json"
    )
    absent = theirs.post(
        at(worktable, "annotations/"), {"kind": "flag", "rows": [99], "text": "x"}, format="json"
    )
    flagged = api.get(at(worktable, "rows/?_flag=artefact")).json()
    listed = client_of(reader).get(at(worktable, "annotations/?row=1")).json()
    withdrawn = theirs.delete(at(worktable, f"annotations/{flag.json()[0]['id']}/"))

    assert (flag.status_code, len(flag.json()), comment.status_code) == (201, 2, 201)
    assert (silent.status_code, silent.json()["code"]) == (400, "unfit-value")
    assert (absent.status_code, absent.json()["code"]) == (404, "no-such-row")
    assert [row["id"] for row in flagged["results"]] == [1, 2]
    assert [(one["kind"], one["author"]) for one in listed["results"]] == [
        ("comment", "collaborator"),
        ("flag", "collaborator"),
    ]
    assert withdrawn.json()["withdrawn_by"] == "collaborator"
    assert Annotation.objects.count() == 3


def test_a_comment_may_be_about_a_run_of_its_row(collaborator, worktable, work):
    work()
    run = Run.objects.get(row_id=1, step_name="add")
    client = client_of(collaborator)

    right = client.post(
        at(worktable, "annotations/"),
        {"kind": "comment", "rows": [1], "text": "odd", "run": run.pk},
        format="json",
    )
    wrong = client.post(
        at(worktable, "annotations/"),
        {"kind": "comment", "rows": [2], "text": "odd", "run": run.pk},
        format="json",
    )

    assert right.json()[0]["run"] == run.pk
    assert (wrong.status_code, "there is no run" in wrong.json()["detail"]) == (400, True)


def test_the_history_is_listed_and_a_change_taken_back(api, worktable):
    api.patch(at(worktable, "rows/1/cells/x/"), {"value": 4.0, "seen": 1.0}, format="json")
    latest = api.get(at(worktable, "history/")).json()["results"][0]

    undone = api.post(at(worktable, f"history/{latest['id']}/undo/"))
    again = api.post(at(worktable, f"history/{latest['id']}/undo/"))

    assert (latest["action"], latest["column"], latest["old"], latest["new"], latest["by"]) == (
        "edit", "x", 1.0, 4.0, "owner",
    )  # fmt: skip
    assert (undone.json()["undoes"], undone.json()["new"]) == (latest["id"], 1.0)
    assert (again.status_code, again.json()["code"]) == (409, "cannot-undo")
    assert api.get(at(worktable, "rows/1/")).json()["cells"]["x"] == 1.0


def test_the_history_asks_no_more_for_more(api, worktable, django_assert_max_num_queries):
    for value in range(2, 8):
        api.patch(
            at(worktable, "rows/1/cells/y/"), {"value": value + 1.0, "seen": float(value)}, format="json"
        )

    with django_assert_max_num_queries(4):
        assert api.get(at(worktable, "history/")).json()["count"] == 8


# Projects


def test_projects_are_made_changed_thrown_away_and_brought_back(api, project):
    made = api.post("/api/projects/", {"slug": "coma", "title": "Coma"}, format="json")
    taken = api.post("/api/projects/", {"slug": "coma", "title": "Coma"}, format="json")
    unfit = api.post("/api/projects/", {"slug": "../coma", "title": "Coma"}, format="json")
    listed = api.get("/api/projects/").json()["results"]
    changed = api.patch("/api/projects/coma/", {"title": "Coma cluster"}, format="json")
    gone = api.delete("/api/projects/coma/")
    trash = api.get("/api/projects/in-trash/").json()["results"]
    back = api.post("/api/projects/coma/restore/")

    assert (made.status_code, made.json()["role"]) == (201, "owner")
    assert (taken.status_code, taken.json()["code"]) == (409, "project-name-taken")
    assert (unfit.status_code, "cannot be used as a name" in unfit.json()["detail"]) == (400, True)
    assert [one["slug"] for one in listed] == ["coma", "virgo"]
    assert changed.json()["title"] == "Coma cluster"
    assert (gone.status_code, [one["slug"] for one in trash], back.status_code) == (204, ["coma"], 200)


def test_the_list_of_projects_asks_no_more_for_more(api, owner, project, django_assert_max_num_queries):
    for n in range(8):
        create_project(f"project_{n}", "Project", creator=owner)

    with django_assert_max_num_queries(4):
        assert api.get("/api/projects/").json()["count"] == 9


def test_people_are_given_roles_and_lose_them(api, project, stranger, worktable):
    given = api.post("/api/projects/virgo/members/", {"name": "stranger", "role": "reader"}, format="json")
    unknown = api.post("/api/projects/virgo/members/", {"name": "nobody", "role": "reader"}, format="json")
    king = api.post("/api/projects/virgo/members/", {"name": "stranger", "role": "king"}, format="json")
    seen = client_of(stranger).get("/api/projects/virgo/").json()["role"]
    left = client_of(stranger).delete("/api/projects/virgo/members/user/stranger/")
    last = api.delete("/api/projects/virgo/members/user/owner/")
    alone = api.post(at(worktable, "members/"), {"name": "stranger", "role": "reader"}, format="json")

    assert [(one["name"], one["role"]) for one in given.json()] == [
        ("owner", "owner"),
        ("stranger", "reader"),
    ]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-member")
    assert (king.status_code, king.json()["code"]) == (400, "unknown-role")
    assert (seen, left.status_code) == ("reader", 204)
    assert (last.status_code, last.json()["code"]) == (409, "last-owner")
    assert [(one["name"], one["role"]) for one in alone.json()] == [("stranger", "reader")]
    assert api.delete(at(worktable, "members/user/stranger/")).status_code == 204


# Files


def test_a_file_is_imported_as_a_worktable(api, project):
    file = SimpleUploadedFile("../../etc/sources.csv", b"name,flux\nA,1.5\nB,\n")

    answer = api.post("/api/projects/virgo/import/", {"file": file, "name": "sources"}, format="multipart")

    assert answer.status_code == 201, answer.json()
    assert (answer.json()["n_rows"], answer.json()["states"]) == (2, {"fresh": 2})
    worktable = Worktable.objects.get(name="sources")
    assert api.get(at(worktable, "rows/2/")).json()["cells"] == {"name": "B", "flux": None}


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"a,b\n1\n", "cut", "wrong-number-of-cells"),
        (b"", "empty", "no-columns"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture", "not-a-table"),
        (b"SIMPLE  =                    T", "truncated", None),
        (b"a\n1\n", "drop table x", "unfit-name"),
        (b"a\n1\n", "../x", "unfit-name"),
    ],
)
def test_a_file_that_is_no_table_leaves_nothing(api, project, content, name, code):
    file = SimpleUploadedFile("table.dat", content)

    answer = api.post("/api/projects/virgo/import/", {"file": file, "name": name}, format="multipart")

    assert answer.status_code == 400
    assert code is None or answer.json()["code"] == code
    assert not Worktable.objects.exists()


def test_the_file_of_a_cell_is_fetched_through_its_row(api, project, owner, reader, stranger):
    table = create_worktable(project, "images", creator=owner, columns=[NewColumn("image", "product")])
    kept = keep_product(project, b"SIMPLE", "map “1”.fits", by=owner)
    elsewhere = keep_product(create_project("other", "Other", creator=stranger), b"SECRET", "secret.fits")
    add_rows(table, [{"image": kept.sha256}, {"image": kept.sha256}, {}], by=owner)
    (image,) = table.columns.all()
    layout = layout_of(table)
    layout.rows.filter(id=2).update(**layout.assignments(image, elsewhere.sha256))

    answer = client_of(reader).get(at(table, "rows/1/cells/image/file/"))

    assert b"".join(answer.streaming_content) == b"SIMPLE"
    assert answer["Content-Type"] == "application/fits"
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert api.get(at(table, "rows/2/cells/image/file/")).status_code == 404, "a file of another project"
    assert api.get(at(table, "rows/3/cells/image/file/")).status_code == 404
    assert client_of(stranger).get(at(table, "rows/1/cells/image/file/")).status_code == 404


@pytest.mark.django_db(transaction=True, databases=["default", "streaming"])
class TestDownloads:
    def test_a_download_is_the_filtered_view(self, api, worktable):
        answer = api.get(at(worktable, "download/?format=csv&x=>0&_sort=-x"))

        assert answer["Content-Disposition"] == 'attachment; filename="fields.csv"'
        assert answer["Content-Type"].startswith("text/csv")
        assert b"".join(answer.streaming_content).decode().splitlines() == [
            "x,y,factor,total,sign",
            "3.0,,,,",
            "1.0,2.0,,,",
        ]

    def test_an_accepted_media_type_changes_nothing(self, api, worktable):
        answer = api.get(at(worktable, "download/"), HTTP_ACCEPT="image/png")

        table = Table.read(io.BytesIO(b"".join(answer.streaming_content)), format="votable")
        assert list(table["x"]) == [1.0, -5.0, 3.0]

    @pytest.mark.parametrize(
        ("query", "code"), [("format=xls", "unknown-format"), ("nonsense=1", "no-such-column")]
    )
    def test_a_download_that_cannot_be_is_refused_before_it_starts(self, api, worktable, query, code):
        answer = api.get(at(worktable, f"download/?{query}"))

        assert (answer.status_code, answer.json()["code"]) == (400, code)

    def test_an_asynchronous_server_streams_it_too(self, owner, worktable):
        client = AsyncClient()
        client.login(username="owner", password="owner")

        async def fetch():
            answer = await client.get(at(worktable, "download/?format=csv"))
            assert answer.is_async
            return b"".join([piece async for piece in answer.streaming_content])

        assert async_to_sync(fetch)().decode().splitlines()[1] == "1.0,2.0,,,"


def test_what_was_sent_must_be_json(api, worktable):
    broken = api.post(at(worktable, "rows/"), b"{", content_type="application/json")
    unknown = api.post(at(worktable, "rows/"), b"x=1", content_type="application/x-nonsense")

    assert (broken.status_code, broken.json()["code"]) == (400, "parse-error")
    assert (unknown.status_code, unknown.json()["code"]) == (415, "unsupported-media-type")
