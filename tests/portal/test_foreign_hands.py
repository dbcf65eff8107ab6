"""Hands where they do not belong: ids of other projects, fields nobody offered, addresses of other sites, NULs.

Each test takes a whole class of attacks and goes through every address with it.
"""

import html
import json
import re

import numpy as np
import pytest
from astropy.io import fits
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from archive.keeping import keep_product
from pipelines.models import Pipeline, Run
from projects.editing import create_project
from projects.models import Project
from projects.sharing import share_with
from tests.portal.test_permission_walk import (
    PUBLIC,
    ROUTES,
    STREAMS,
    WRITES,
    World,
    declared_methods,
    methods_of,
    outcome,
    refused,
)
from tests.worktables import toys
from vo.models import SavedQuery
from vo.uws.creating import create_job
from worktables.annotating import comment_on, flag_rows
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.linking import each
from worktables.models import Change, Worktable
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows
from worktables.updating import rerun_rows

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _apart(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STOA_HOME = tmp_path


@pytest.fixture
def world(project, owner, collaborator, reader, stranger):
    return World(
        project, {"owner": owner, "collaborator": collaborator, "reader": reader, "stranger": stranger}
    )


@pytest.fixture
def intruder(stranger):
    """Somebody with a project of their own, in which they may do everything; and their table."""
    own = create_project("intrusion", "Intrusion", creator=stranger)
    table = create_worktable(
        own, "own", creator=stranger, columns=[NewColumn("image", "product"), NewColumn("note")]
    )
    add_rows(table, [{"note": "mine"}], by=stranger)
    return table


# ------------------------------------------------------------------ somebody with whom one table is shared


def test_who_sees_a_single_table_writes_nothing_anywhere(world, make_user, owner):
    guest = world.cast["guest"] = make_user("guest")
    share_with(world.table, guest, "reader", by=owner)
    wrong = {}
    for (name, method), expected in WRITES.items():
        if not refused(expected.reader):
            continue
        answer, changes = world.ask("guest", ROUTES[name], method, expected)
        if not refused(outcome(answer)) or changes:
            wrong[name, method] = (outcome(answer), changes)

    assert wrong == {}


def test_who_owns_a_single_table_writes_nothing_elsewhere(world, make_user, owner):
    guest = world.cast["guest"] = make_user("guest")
    share_with(world.stars, guest, "owner", by=owner)
    wrong = {}
    for (name, method), expected in WRITES.items():
        if not refused(expected.stranger):
            continue
        answer, changes = world.ask("guest", ROUTES[name], method, expected)
        if not refused(outcome(answer)) or changes:
            wrong[name, method] = (outcome(answer), changes)

    assert wrong == {}


# ------------------------------------------------------------------ ids of another project


def test_ids_of_another_project_open_nothing_through_a_table_of_ones_own(world, intruder, stranger):
    """Their table, row and column are the intruder's own; what else is named is somebody else's."""
    world.values |= {"pk": intruder.pk, "worktable_id": intruder.pk, "slug": "intrusion"}
    foreign = {"annotation_id", "batch_id", "change_id", "run_id"}
    wrong = {}
    for name, route in ROUTES.items():
        if not foreign & set(route.parameters):
            continue
        for method in methods_of(route, world):
            answer, changes = world.ask("stranger", route, method, WRITES.get((name, method)))
            if method not in ("OPTIONS", "HEAD") and (outcome(answer) not in (404, 405) or changes):
                wrong[name, method] = (outcome(answer), changes)
    client = Client()
    client.force_login(stranger, BACKEND)
    change = Change.objects.filter(worktable=world.table).latest("id")
    undone = client.post(reverse("worktable-undo", args=[intruder.pk]), {"change": change.pk})

    assert wrong == {}
    assert undone.status_code == 404


def test_what_a_body_names_is_looked_for_among_ones_own(world, intruder, stranger):
    client = Client()
    client.force_login(stranger, BACKEND)

    def post(path, **body):
        answer = client.post(f"/api/worktables/{intruder.pk}/{path}", json.dumps(body), "application/json")
        return answer.status_code

    run = Run.objects.earliest("id").pk
    link = {"kind": "nearest", "name": "near", "source": world.stars.pk, "of": "place", "position": "place"}
    assert post("links/", **link, radius=9, lookup={}) == 400
    assert post("annotations/", kind="comment", rows=[1], text="x", run=run) == 400
    assert (
        client.post("/api/worktables/", {"project": "virgo", "name": "mine"}, "application/json").status_code
        == 404
    )


# ------------------------------------------------------------------ fields that nobody offered


def test_no_door_takes_more_than_it_offers(world, owner, stranger, client):
    extra = {
        "id": 10**6,
        "pk": 10**6,
        "slug": "stolen",
        "created_by": "stranger",
        "created_by_id": stranger.pk,
        "deleted_at": "2020-01-01",
        "n_rows": 99,
        "next_row": 99,
        "version": 7,
        "graph_version": 7,
        "project_id": 10**6,
        "worktable": world.stars.pk,
        "worktable_id": world.stars.pk,
        "parameters": {"add.factor": 9.0},
        "position": 999,
        "kind": "int",
        "role": "owner",
        "is_staff": True,
        "is_superuser": True,
        "author": "stranger",
        "by": "stranger",
        "state": "fresh",
    }
    client.force_login(owner, BACKEND)

    def kept(thing, *but):
        thing.refresh_from_db()
        volatile = {"_state", "version", "graph_version", *but}
        return {name: value for name, value in vars(thing).items() if name not in volatile}

    table, column, project = (
        Worktable.objects.get(pk=world.table.pk),
        world.table.column("note"),
        world.project,
    )
    before = (
        kept(table, "title"),
        kept(column, "description"),
        kept(project, "title", "description"),
        kept(owner),
    )
    for method, address, facts in (
        ("patch", reverse("api-worktable", args=[table.pk]), {"title": "T"}),
        ("patch", reverse("api-column", args=[table.pk, "note"]), {"description": "D"}),
        ("patch", reverse("api-project", args=["virgo"]), {"title": "T"}),
        ("post", reverse("api-tokens"), {"name": "n"}),
    ):
        answer = getattr(client, method)(address, json.dumps({**extra, **facts}), "application/json")
        assert answer.status_code in (200, 201), answer.content
    client.post(reverse("profile"), {"first_name": owner.first_name, **extra, "username": "root"})
    client.post(reverse("project-settings", args=["virgo"]), {**extra, "parameters": "{}", "title": "T"})

    assert kept(table, "title") == before[0]
    assert kept(column, "description") == before[1]
    assert kept(project, "title", "description") == before[2]
    assert kept(owner) == before[3]
    annotated = client.post(
        reverse("api-annotations", args=[table.pk]),
        json.dumps({**extra, "kind": "flag", "rows": [1], "text": "odd"}),
        "application/json",
    ).json()
    assert annotated[0]["author"] == "owner"
    made = client.post(
        "/api/projects/", json.dumps({**extra, "slug": "coma", "title": "Coma"}), "application/json"
    ).json()
    assert (made["created_by"], made["parameters"]) == ("owner", {})
    added = client.post(
        reverse("api-rows", args=[table.pk]), json.dumps({"x": 1.0, "id": 77}), "application/json"
    )
    assert added.json()["code"] == "no-such-column"


def test_the_admin_changes_parameters_by_no_other_way_than_the_one_that_marks_what_they_reach(
    client, curator, project
):
    client.force_login(curator, BACKEND)
    address = reverse("admin:projects_project_change", args=[project.pk])

    client.post(address, {"title": "Virgo", "description": "", "parameters": '{"add.factor": 2}'})

    assert Project.objects.get(pk=project.pk).parameters == {}
    assert b'name="parameters"' not in client.get(address).content


# ------------------------------------------------------------------ the admin site


def test_nobody_but_staff_sees_a_page_of_the_admin_site(client, world):
    from django.contrib import admin

    names = [f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist" for m in admin.site._registry]
    addresses = [reverse(name) for name in ("admin:index", *names)]
    addresses.append(reverse("admin:worktables_worktable_units", args=[world.table.pk]))
    for who in (*world.cast.values(), None):
        client.logout()
        if who:
            client.force_login(who, BACKEND)
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 302, address
            assert answer.url.startswith("/admin/login/")


# ------------------------------------------------------------------ other sites


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
        "/%09/evil.example",
        "http://testserver@evil.example/",
    ],
)
def test_signing_in_and_out_leads_to_no_other_site(client, owner, next):
    places = []
    answer = client.post(reverse("login"), {"username": "owner", "password": "owner", "next": next})
    places.append(answer["Location"])
    places.append(client.get(reverse("login"), {"next": next})["Location"])
    places.append(client.post(reverse("logout"), {"next": next})["Location"])

    for place in places:
        assert place.startswith("/")
        assert not place.startswith(("//", "/\\"))
        assert place == "/%09/evil.example" or "evil" not in place


# ------------------------------------------------------------------ markup


PAYLOAD = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>{{ 7|add:7 }}"


def test_what_somebody_typed_is_nowhere_markup(client, owner, make_user, project):
    """Titles, descriptions, cells, units of speech, headers of files, logs, errors: all of them carry the payload."""
    Project.objects.filter(pk=project.pk).update(title=PAYLOAD, description=PAYLOAD)
    project.refresh_from_db()
    pipeline = Pipeline.objects.create(name="toy", title=PAYLOAD, description=PAYLOAD, graph=toys.FIELD)
    declared = [
        NewColumn("note", description=PAYLOAD),
        NewColumn("image", "product", description=PAYLOAD),
        NewColumn("words", "array", element="text", shape="*"),
    ]
    table = create_worktable(
        project,
        "fields",
        title=PAYLOAD,
        description=PAYLOAD,
        creator=owner,
        pipeline=pipeline,
        columns=declared,
    )
    add_column(table, NewColumn("late", ucd=PAYLOAD, description=PAYLOAD), by=owner)
    hdu = fits.PrimaryHDU(np.arange(64.0).reshape(8, 8))
    hdu.header["OBJECT"] = "<script>alert(1)</script>"
    hdu.header["BUNIT"] = "<script>alert(1)</script>"
    data = b"".join(part.tobytes() if hasattr(part, "tobytes") else part for part in fits_bytes(hdu))
    image = keep_product(
        project, data, PAYLOAD[:255], header={"OBJECT": PAYLOAD, "NITEMS": PAYLOAD}, by=owner
    )
    cells = {"x": 1.0, "note": PAYLOAD, "late": PAYLOAD, "image": image.sha256, "words": [PAYLOAD]}
    add_rows(table, [cells, {"x": 13.0, "note": PAYLOAD}], by=owner)
    lookup = [NewColumn("note", role="lookup", description=PAYLOAD)]
    second = create_worktable(project, "second", title=PAYLOAD, creator=owner, columns=lookup)
    link = each(table, second, name="again", carry={"note": "note"}, by=owner)
    drain(register_worker(PAYLOAD[:64]))
    Run.objects.update(log=PAYLOAD, error=PAYLOAD, worker=PAYLOAD[:64], host=PAYLOAD)
    edit_cell(table, 1, table.column("note"), PAYLOAD + "!", seen=PAYLOAD, editor=owner)
    flag_rows(table, [1], PAYLOAD, author=owner)
    comment_on(table, 1, PAYLOAD, author=owner)
    rerun_rows(table, [1], by=owner)
    table.steps.first().units.update(reason=PAYLOAD)
    saved = SavedQuery.objects.create(owner=owner, name=PAYLOAD[:100], about=PAYLOAD, text=PAYLOAD)
    job = create_job("tap", {"QUERY": [PAYLOAD]}, owner=owner, now=timezone.now(), run_id="<script>")
    client.force_login(owner, BACKEND)
    pages = shown = 0
    for name, route in ROUTES.items():
        methods = declared_methods(route.view)
        if name in STREAMS or name in PUBLIC or (methods is not None and "GET" not in methods):
            continue
        for row_id, run in zip((1, 2), Run.objects.values_list("pk", flat=True), strict=False):
            values = {
                "slug": project.slug, "pk": run if name in ("run", "api-run") else table.pk, "row_id": row_id,
                "worktable_id": table.pk, "column": "image" if name != "cell-lineage" else "total", "name": "note",
                "kind": "user", "digest": "0" * 16, "change_id": 1, "annotation_id": 1, "run_id": run, "version": 1,
                "batch_id": 1, "link_id": link.pk,
                "other": table.pk, "job_id": job.pk, "key": saved.key, "token": "nothing",
            }  # fmt: skip
            address = reverse(name, kwargs={one: values[one] for one in route.parameters})
            for query in (
                "",
                f"?{'note'}={PAYLOAD}&query={PAYLOAD}&q={PAYLOAD}&_flag={PAYLOAD}&row={PAYLOAD}&image={PAYLOAD}&next={PAYLOAD}",
            ):
                answer = client.get(address + query)
                if answer.streaming or not answer["Content-Type"].startswith(("text/html", "image/svg")):
                    continue
                text = answer.content.decode()
                assert "<script>" not in text, address + query
                assert "<img" not in text, address + query
                assert "14}" not in text
                assert not re.search(r'="[^"]*"[^\s>/]', text), (
                    f"an attribute is left open at {address}{query}"
                )
                pages += 1
                shown += html.escape(PAYLOAD[:25]) in text
    assert pages > 40
    assert shown > 15


def fits_bytes(hdu):
    from io import BytesIO

    buffer = BytesIO()
    hdu.writeto(buffer)
    return [buffer.getvalue()]


# ------------------------------------------------------------------ what no database takes


NUL = "a\0b"


def test_a_nul_in_an_address_is_no_server_error(world, owner):
    client = Client(raise_request_exception=False)
    client.force_login(owner, BACKEND)
    asked = {}
    for name, query in (
        ("api-worktables", "project"),
        ("api-worktables", "name"),
        ("api-runs", "project"),
        ("api-runs", "step"),
        ("api-runs", "outcome"),
        ("api-annotations", "kind"),
        ("worktable", "note"),
        ("login", "next"),
    ):
        answer = client.get(world.address(ROUTES[name]), {query: NUL})
        asked[name, query] = answer.status_code
    for address in (
        "/api/worktables/1/columns/a%00b/",
        "/projects/a%00b/",
        "/worktables/1/rows/1/files/a%00b/",
    ):
        asked[address] = client.get(address).status_code

    assert {key: status for key, status in asked.items() if status != 400} == {}


def test_a_nul_in_what_is_sent_is_no_server_error(world, owner):
    client = Client(raise_request_exception=False)
    client.force_login(owner, BACKEND)
    table = world.table.pk
    sent = {
        "rerun": client.post(reverse("row-rerun", args=[table, 1]), {"step": NUL}),
        "undo": client.post(reverse("worktable-undo", args=[table]), {"change": NUL}),
        "selection": client.post(reverse("worktable-selection", args=[table]), {"rows": "1", "action": NUL}),
        "withdraw": client.post(reverse("project-withdraw", args=["virgo"]), {"kind": "user", "name": NUL}),
        "share": client.post(
            reverse("project-share", args=["virgo"]), {"kind": "user", "name": NUL, "role": "reader"}
        ),
        "say": client.post(reverse("row-say", args=[table, 1]), {"kind": "comment", "text": NUL}),
    }
    for name, address, method, body in (
        ("new table", "/api/worktables/", "post", {"project": NUL, "name": "x"}),
        ("new table of", "/api/worktables/", "post", {"project": "virgo", "name": "x", "pipeline": NUL}),
        ("new project", "/api/projects/", "post", {"slug": "x", "title": NUL}),
        ("member", "/api/projects/virgo/members/", "post", {"name": NUL, "role": "reader"}),
        ("rerun by programs", f"/api/worktables/{table}/rows/rerun/", "post", {"rows": [1], "step": NUL}),
        ("parameters", f"/api/worktables/{table}/parameters/", "put", {"add.factor": NUL}),
        ("parameter", f"/api/worktables/{table}/parameters/", "put", {NUL: 1.0}),
        ("cell", f"/api/worktables/{table}/rows/1/cells/note/", "patch", {"value": NUL, "seen": None}),
        ("seen", f"/api/worktables/{table}/rows/1/cells/note/", "patch", {"value": "x", "seen": NUL}),
        ("filter", f"/api/worktables/{table}/rows/", "post", {NUL: 1.0}),
        ("description", f"/api/worktables/{table}/", "patch", {"description": NUL}),
        ("unit", f"/api/worktables/{table}/columns/note/", "patch", {"unit": NUL}),
        ("sign in", "/api/tokens/login/", "post", {"username": NUL, "password": NUL}),
    ):
        sent[name] = getattr(client, method)(address, json.dumps(body), "application/json")

    assert {name: answer.status_code for name, answer in sent.items() if answer.status_code >= 500} == {}


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**25])
def test_a_number_that_no_database_holds_is_not_found(world, owner, number):
    client = Client(raise_request_exception=False)
    client.force_login(owner, BACKEND)
    wrong = {}
    for name, route in ROUTES.items():
        for parameter in set(route.parameters) & {
            "pk",
            "row_id",
            "worktable_id",
            "run_id",
            "change_id",
            "version",
            "other",
        }:
            if "GET" in methods_of(route, world) and name not in STREAMS:
                answer = client.get(world.address(route, [(parameter, number)]))
                if answer.status_code not in (404, 405):
                    wrong[name, parameter] = answer.status_code

    assert wrong == {}
