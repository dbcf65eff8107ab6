"""Every address that writes, and who may write there: nothing is left out, because the addresses are walked.

Whoever adds a page or a door that writes adds a line to `WRITES`; until then `test_every_writing_address_is_listed`
fails and names it. A line says what the five of the cast get, and what the request brings.
"""

import json
import re
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from archive.keeping import keep_product
from pipelines.models import Pipeline, Run
from portal.accounts.tokens import create_token
from projects.editing import delete_project
from tests.worktables import toys
from vo.handing import hand_over
from vo.models import SavedQuery
from vo.publishing.proposing import propose
from vo.uws.creating import create_job
from vo.uws.urls import LEAVES as JOB_LEAVES
from worktables.annotating import flag_rows
from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable, delete_worktable
from worktables.editing import edit_cell
from worktables.linking import nearest
from worktables.models import Change, Worktable
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows, delete_rows

pytestmark = pytest.mark.django_db

SIGN_IN = "sign in"  # a redirection to the page that asks who one is
CAST = ("owner", "collaborator", "reader", "stranger", "anonymous")
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


@dataclass(frozen=True)
class Expected:
    """What the cast gets, and what the request brings."""

    owner: object
    collaborator: object
    reader: object
    stranger: object
    anonymous: object
    body: object = None
    given: str = ""
    csrf: bool = True
    to: tuple = ()

    def of(self, who):
        """Return the status that one of the cast gets."""
        return getattr(self, who)


def api(owner, body=None, *, collaborator=403, reader=403, stranger=404, anonymous=401, **options):
    """Return what an address under /api/ answers, where only owners may write unless said."""
    return Expected(owner, collaborator, reader, stranger, anonymous, body=body, **options)


def page(owner, body=None, *, collaborator=403, reader=403, stranger=404, anonymous=SIGN_IN, **options):
    """Return what a page answers, where only owners may write unless said."""
    return Expected(owner, collaborator, reader, stranger, anonymous, body=body, **options)


def own(status, body=None, *, anonymous=SIGN_IN, **options):
    """Return what an address of one's own answers: the same to everybody who is signed in."""
    return Expected(status, status, status, status, anonymous, body=body, **options)


def job(owner, body=None):
    """Return what an address of a job answers: to everybody else it is not there."""
    return Expected(owner, 404, 404, 404, 404, body=body, csrf=False)


def row_job(owner, body=None, **options):
    """Return what an address of a row as a job answers, where only owners may write."""
    return Expected(owner, 403, 403, 404, 401, body=body, csrf=False, **options)


def a_file():
    """Return a small table to upload."""
    return SimpleUploadedFile("sources.csv", b"name,flux\nA,1.5\n")


CELL = {"value": 4.0, "seen": 1.0}
FACTS = {
    "title": "Fields",
    "description": "toys",
    "creator": "O. Wner",
    "rights": "CC BY 4.0",
    "contact": "owner",
}
QUERY = {"LANG": "ADQL", "QUERY": "SELECT table_name FROM tap_schema.tables"}
WRITES = {
    # ---------------------------------------------------------------- one's own account
    ("login", "POST"): own(302, {"username": "x", "password": "x"}, anonymous=200),
    ("login", "PUT"): own(302, anonymous=200),
    ("logout", "POST"): own(SIGN_IN),
    ("password_change", "POST"): own(200, {"old_password": "x"}),
    ("password_change", "PUT"): own(200),
    ("profile", "POST"): own(302, {"first_name": "Vera"}),
    ("new-token", "POST"): own(200, {"name": "laptop", "lifetime": "30"}),
    ("revoke-token", "POST"): page(302, collaborator=404, reader=404),
    ("api-tokens", "POST"): own(201, {"name": "laptop"}, anonymous=401),
    ("api-token", "DELETE"): api(204, collaborator=404, reader=404),
    ("api-login", "POST"): Expected(
        201, 201, 201, 201, 201, body={"username": "owner", "password": "owner"}, csrf=False
    ),
    # ---------------------------------------------------------------- projects
    ("new-project", "POST"): own(302, {"slug": "coma", "title": "Coma"}),
    ("project-settings", "POST"): page(302, {"title": "Another"}),
    ("project-share", "POST"): page(302, {"kind": "user", "name": "stranger", "role": "reader"}),
    ("project-withdraw", "POST"): page(302, {"kind": "user", "name": "collaborator"}, collaborator=302),
    ("project-delete", "POST"): page(302),
    ("project-restore", "POST"): page(302, collaborator=404, reader=404, given="project in the trash"),
    ("api-projects", "POST"): own(201, {"slug": "coma", "title": "Coma"}, anonymous=401),
    ("api-project", "PATCH"): api(200, {"title": "Another"}),
    ("api-project", "DELETE"): api(204),
    ("api-project-restore", "POST"): api(200, given="project in the trash"),
    ("api-project-members", "POST"): api(200, {"name": "stranger", "role": "reader"}),
    ("api-project-member", "DELETE"): api(204, collaborator=204),
    ("api-project-parameters", "PUT"): api(200, {"add.factor": 2.0}),
    ("api-import", "POST"): api(201, lambda: {"name": "sources", "file": a_file()}),
    # ---------------------------------------------------------------- worktables: pages
    ("new-worktable", "POST"): page(302, {"name": "more", "columns": "a", "update": "auto"}),
    ("worktable-add", "POST"): page(302, {"x": "1"}),
    ("worktable-paste", "POST"): page(302, {"text": "x\n1\n", "add": "1"}),
    ("worktable-update", "POST"): page(302),
    ("worktable-make", "POST"): page(302, {"rows": "1", "step": "add"}),
    ("worktable-keep", "POST"): page(302, {"rows": "1", "step": "add"}),
    ("worktable-control", "POST"): page(302, {"action": "rerun-failed"}),
    ("worktable-cancel", "POST"): page(302),
    ("worktable-selection", "POST"): page(302, {"rows": "1", "action": "duplicate"}),
    ("worktable-undo", "POST"): page(302, {"change": "{change}"}),
    ("worktable-restore-rows", "POST"): page(302, {"rows": "3"}, given="row in the trash"),
    ("worktable-settings", "POST"): page(302, {"name": "fields", "title": "Fields", "update": "auto"}),
    ("worktable-parameters", "POST"): page(302, {"add.factor": "2"}),
    ("worktable-columns", "POST"): page(302, {"name": "z", "kind": "float", "role": "input"}),
    ("worktable-column", "POST"): page(302, {"name": "remark"}),
    ("worktable-drop-column", "POST"): page(302, {"sure": "note"}),
    ("worktable-delete", "POST"): page(302),
    ("worktable-pin", "POST"): page(302, {"step": "add"}),
    ("worktable-beside", "POST"): page(302, {"step": "add", "name": "beside", "version": "{version}"}),
    # The form is answered with a preview: nothing is saved that was not shown.
    ("worktable-new-link", "POST"): page(400),
    ("worktable-link", "POST"): page(200, {"of": "place", "position": "place", "radius": "9"}),
    ("worktable-remove-link", "POST"): page(302),
    ("worktable-restore", "POST"): page(302, collaborator=404, reader=404, given="table in the trash"),
    ("row-edit", "POST"): page(302, {"x": "4", "seen.x": "1.0"}),
    ("row-rerun", "POST"): page(302),
    ("row-cancel", "POST"): page(302),
    ("row-say", "POST"): page(302, {"kind": "comment", "text": "odd"}, collaborator=302),
    ("withdraw-annotation", "POST"): page(302, collaborator=302),
    # ---------------------------------------------------------------- worktables: programs
    ("api-worktables", "POST"): api(201, {"project": "virgo", "name": "more"}),
    ("api-worktable", "PATCH"): api(200, {"title": "Fields"}),
    ("api-worktable", "DELETE"): api(204),
    ("api-worktable-restore", "POST"): api(200, given="table in the trash"),
    ("api-worktable-members", "POST"): api(200, {"name": "stranger", "role": "reader"}),
    ("api-worktable-member", "DELETE"): api(404, collaborator=404),
    ("api-columns", "POST"): api(201, {"name": "z", "kind": "float"}),
    ("api-column", "PATCH"): api(200, {"description": "remarks"}),
    ("api-column", "DELETE"): api(204),
    ("api-parameters", "PUT"): api(200, {"add.factor": 2.0}),
    ("api-links", "POST"): api(
        201,
        {"kind": "nearest", "name": "near", "source": "{stars}", "of": "place", "position": "place", "radius": 9,
         "lookup": {}},
    ),
    ("api-links-preview", "POST"): api(200, {"kind": "nearest", "name": "near", "source": "{stars}", "of": "place",
         "position": "place", "radius": 9, "lookup": {}}),
    ("api-link", "PATCH"): api(200, {"radius": 9}),
    ("api-link", "DELETE"): api(204),
    ("api-link-preview", "POST"): api(200, {"radius": 9}),
    ("api-link-preview-removal", "POST"): api(200),
    ("api-update", "POST"): api(202),
    ("api-plan", "POST"): api(200, {"rows": [1]}, collaborator=200, reader=200),
    ("api-make", "POST"): api(202, {"rows": [1], "step": "add"}),
    ("api-keep", "POST"): api(200, {"rows": [1], "step": "add"}),
    ("api-stop-keeping", "POST"): api(200, {"rows": [1], "step": "add"}),
    ("api-pin", "PUT"): api(200, {"version": None}, to=(("name", "add"),)),
    ("api-beside", "POST"): api(201, {"name": "beside"}),
    ("api-rows", "POST"): api(201, {"x": 1.0}),
    ("api-paste", "POST"): api(201, "x\n1\n"),
    ("api-delete-rows", "POST"): api(200, {"rows": [1]}),
    ("api-restore-rows", "POST"): api(200, {"rows": [3]}, given="row in the trash"),
    ("api-duplicate-rows", "POST"): api(201, {"rows": [1]}),
    ("api-rerun", "POST"): api(202, {"rows": [1]}),
    ("api-rerun-failed", "POST"): api(202),
    ("api-rerun-flagged", "POST"): api(202),
    ("api-holds", "POST"): api(201, {"rows": [1], "why": "the archive is down"}),
    ("api-release", "POST"): api(202),
    ("api-rows-first", "POST"): api(202, {"rows": [1]}),
    ("api-cancel", "POST"): api(200, {"rows": [1]}),
    ("api-row", "DELETE"): api(204),
    ("api-cell", "PATCH"): api(200, CELL, to=(("column", "x"),)),
    ("api-annotations", "POST"): api(201, {"kind": "flag", "rows": [1], "text": "odd"}, collaborator=201),
    ("api-annotation", "DELETE"): api(200, collaborator=200),
    ("api-undo", "POST"): api(200),
    # ---------------------------------------------------------------- what is published
    ("worktable-publications", "POST"): page(
        302, {**FACTS, "asked": "project", "changes": "all"}, given="all computed"
    ),
    ("published-version", "POST"): page(200, {"scope": "project"}, collaborator=200, reader=200, anonymous=404),
    ("query", "POST"): own(302, {"query": "SELECT 1"}, anonymous=302),
    ("query-form", "POST"): own(302, {"table": "tap_schema.tables"}, anonymous=302),
    ("query-history", "POST"): own(302, {"all": "1"}),
    ("query-save", "POST"): own(302, {"name": "Tables", "text": "SELECT 1"}),
    ("query-edit-saved", "POST"): page(302, {"name": "More", "text": "SELECT 1"}, collaborator=404, reader=404),
    ("query-delete-saved", "POST"): page(302, collaborator=404, reader=404),
    ("query-jobs", "POST"): own(302, {"query": QUERY["QUERY"], "format": "csv"}, anonymous=302),
    # Nobody's job is there for whoever knows its id; this one is somebody's.
    ("query-change-job", "POST"): page(302, {"action": "abort"}, collaborator=404, reader=404, anonymous=404),
    ("query-keep", "POST"): own(200, {"query": "SELECT 1"}),
    # Asks, and writes nothing.
    ("tap-sync", "POST"): Expected(200, 200, 200, 200, 200, csrf=False, body=QUERY),
    ("sia-query", "POST"): Expected(200, 200, 200, 200, 200, csrf=False),
    ("datalink-links", "POST"): Expected(200, 200, 200, 200, 200, csrf=False),
    ("soda-sync", "POST"): Expected(400, 400, 400, 400, 400, csrf=False),
    ("oai", "POST"): Expected(200, 200, 200, 200, 200, csrf=False),
    # A session without proof is nobody there, and to nobody the job of somebody is not there.
    ("tap-jobs", "POST"): Expected(303, 303, 303, 303, 303, csrf=False, body=QUERY),
    ("tap-job", "POST"): job(303, {"ACTION": "DELETE"}),
    ("tap-job", "DELETE"): job(303),
    ("tap-job-phase", "POST"): job(303, {"PHASE": "RUN"}),
    ("tap-job-executionduration", "POST"): job(303, {"EXECUTIONDURATION": "60"}),
    ("tap-job-destruction", "POST"): job(303, {"DESTRUCTION": "2026-03-01T12:00:00Z"}),
    ("tap-job-parameters", "POST"): job(303, QUERY),
    ("row-jobs", "POST"): row_job(303, {"x": "4", "PHASE": "RUN"}),
    ("row-job", "POST"): row_job(303, {"ACTION": "DELETE"}),
    ("row-job", "DELETE"): row_job(303),
    ("row-job-phase", "POST"): row_job(303, {"PHASE": "ABORT"}),
    ("row-job-parameters", "POST"): row_job(303, {"x": "4"}, given="all computed"),
}  # fmt: skip

# Left out, each with the reason.
LEFT_OUT = {
    "admin": "Django's own, open to staff only and tested by Django; what we add to it is tested with each admin",
}
# Views that take any method and only read; a test holds them to it.
READ_WHATEVER_THE_METHOD = {"home", "row-lineage", "cell-lineage"}
# What everybody may read without signing in.
PUBLIC = {
    "login": "how else would one sign in",
    "api-schema": "describes the doors, not what is behind them",
    "query": "answers from what is published, and of that from what one may see",
    "query-form": "shows the columns of a table, if one may see it",
    "query-tables": "lists what is published, and of that what one may see",
    "query-words": "names what is published, and of that what one may see",
    "query-jobs": "lists one's own jobs, and nobody has any",
    "query-jobs-now": "lists one's own jobs, and nobody has any",
    **dict.fromkeys(
        ("query-job", "query-job-now"),
        "is there for its owner only, as tests/vo/querying/test_jobs.py has it",
    ),
    "query-saved-query": "is there for whoever may read it, as tests/vo/querying/test_saving.py has it",
    "published": "lists what is published, and of that what one may see",
    "published-version": "shows what is published, to whom may see it",
    "published-file": "gives a file of what is published, to whom may see that",
    "published-preview": "shows a picture of it",
    "cone-search": "searches what is published, and of that what one may see",
    "tap": "leads to what the service can do",
    "tap-sync": "answers from what is published, and of that from what one may see",
    "tap-availability": "the VO asks whether a service is up before anybody signs in",
    "tap-capabilities": "the VO registers what a service can do",
    "tap-tables": "lists what is published, and of that what one may see",
    "tap-table": "describes what is published, and of that what one may see",
    "tap-examples": "made of the tables one may see",
    "sia-query": "finds what is published, and of that what one may see",
    "sia-capabilities": "the VO registers what a service can do",
    "sia-availability": "the VO asks whether a service is up before anybody signs in",
    "datalink-links": "leads to what is published, and of that to what one may see",
    "soda-sync": "cuts what is published, and of that what one may see",
    "soda-capabilities": "the VO registers what a service can do",
    "soda-availability": "the VO asks whether a service is up before anybody signs in",
    "oai": "registries harvest what everybody may see, and nobody is told of more",
    "oai-capabilities": "the VO registers what a service can do",
    "oai-availability": "the VO asks whether a service is up before anybody signs in",
    "tap-jobs": "lists one's own jobs, and nobody has any",
    "handed": "opens one download as whoever signed the address, as tests/vo/test_handing.py has it",
    **dict.fromkeys(
        ("published-file", "published-preview"),
        "is there for whoever may see the version, as tests/vo/observations/test_files.py has it",
    ),
    **{
        name: "is not there for anybody but its owner, as tests/vo/uws/test_views.py has it"
        for name in ("tap-job", "tap-job-result", *(f"tap-job-{leaf}" for leaf in JOB_LEAVES))
    },
}
# Open streams read through a thread of their own, which sees nothing of what a test has not committed; who may listen
# is tested in test_events.py. A download does so once it has begun.
STREAMS = {"project-events", "worktable-events"}
STREAMED = STREAMS | {"api-download"}


# ------------------------------------------------------------------ walking


@dataclass(frozen=True)
class Route:
    """An address, by its name."""

    name: str
    path: str
    parameters: tuple
    view: object


def routes():
    """Find every address of the site, through all that is included."""

    def walk(resolver, path="", parameters=(), spaces=()):
        for pattern in resolver.url_patterns:
            here = path + str(pattern.pattern)
            names = (*parameters, *pattern.pattern.regex.groupindex)
            if isinstance(pattern, URLResolver):
                within = (*spaces, pattern.namespace) if pattern.namespace else spaces
                if not set(within) & set(LEFT_OUT):
                    yield from walk(pattern, here, names, within)
            else:
                yield Route(":".join([*spaces, pattern.name or ""]), here, names, pattern.callback)

    return list(walk(get_resolver()))


def declared_methods(view):
    """Return the methods of a view that is a class; None for a function, which has to be asked."""
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        return None
    return {name.upper() for name in cls.http_method_names if hasattr(cls, name)}


def methods_of(route, world):
    """Return the methods an address takes; a function that takes any takes POST."""
    declared = declared_methods(route.view)
    if declared is not None:
        return declared
    answer, _ = world.ask("owner", route, "PROBE")
    if answer.status_code == 405:
        return {method.strip() for method in answer["Allow"].split(",")}
    return {"GET", "POST"}


# ------------------------------------------------------------------ the world they act in


class World:
    """A project with a computed table, something of everything in it, and the cast."""

    def __init__(self, project, cast):
        self.project, self.cast = project, cast
        owner = cast["owner"]
        pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
        self.table = create_worktable(
            project,
            "fields",
            creator=owner,
            pipeline=pipeline,
            columns=[NewColumn("image", "product"), NewColumn("place", "position")],
        )
        add_column(self.table, NewColumn("note"), by=owner)
        self.stars = create_worktable(
            project, "stars", creator=owner, columns=[NewColumn("place", "position")]
        )
        link = nearest(self.stars, self.table, name="known", of="place", position="place", radius=1.0, lookup={},
                       by=owner)  # fmt: skip
        kept = keep_product(project, b"SIMPLE", "map.fits", by=owner)
        add_rows(self.table, [{"x": 1.0, "image": kept.sha256}, {"x": 2.0}, {"x": 3.0}], by=owner)
        drain(register_worker("walker"))
        version = propose(self.table, FACTS, "project", by=owner)
        edit_cell(self.table, 1, self.table.column("y"), 1.0, seen=None, editor=owner)
        (annotation,) = flag_rows(self.table, [1], "odd", author=cast["collaborator"])
        token, _ = create_token(owner, "laptop")
        run = Run.objects.earliest("id")
        self.ids = SimpleNamespace(
            change=Change.objects.filter(action="edit").latest("id").pk,
            stars=self.stars.pk,
            version=self.table.steps.get(name="add").version_id,
        )
        self.values = {
            "slug": project.slug,
            "pk": self.table.pk,
            "worktable_id": self.table.pk,
            "row_id": 1,
            "column": "image",
            "name": "note",
            "kind": "user",
            "digest": token.short_digest,
            "change_id": self.ids.change,
            "annotation_id": annotation.pk,
            "batch_id": self.table.batches.latest("id").pk,
            "run_id": run.pk,
            "link_id": link.pk,
            "version": 1,
            "schema": project.slug,
            "number": version.number,
            "other": self.stars.pk,
            "key": SavedQuery.objects.create(owner=owner, name="Fields", text="SELECT 1").key,
            "token": hand_over(
                reverse("published-file", args=[project.slug, "fields", 1, 1, "image"]), owner
            ),
            "job_id": create_job("tap", {}, owner=owner, now=timezone.now()).pk,
        }
        self.exceptions = {
            "run": {"pk": run.pk},
            "api-run": {"pk": run.pk},
            "api-project-member": {"name": "collaborator"},
            "api-worktable-member": {"name": "collaborator"},
            "api-pipeline": {"name": "toy"},
            "api-step": {"name": "toy_add"},
            "published-version": {"name": "fields"},
            "published-file": {"name": "fields"},
            "published-preview": {"name": "fields"},
            "cone-search": {"name": "fields"},
            "tap-table": {"name": "tap_schema.tables"},
            "row-file": {"column": "image"},
        }

    def arrange(self, given):
        """Bring about what a request needs."""
        owner = self.cast["owner"]
        table = Worktable.objects.select_related("project").get(pk=self.table.pk)
        if given == "project in the trash":
            delete_project(table.project, by=owner)
        elif given == "table in the trash":
            delete_worktable(table, by=owner)
        elif given == "all computed":
            drain(register_worker("walker"))
        elif given == "row in the trash":
            delete_rows(table, [3], by=owner)

    def address(self, route, to=()):
        """Return the address of a route in this world."""
        values = {**self.values, **self.exceptions.get(route.name, {}), **dict(to)}
        return reverse(route.name, kwargs={name: values[name] for name in route.parameters})

    def ask(self, who, route, method, expected=None, *, csrf=False):
        """Send a request as one of the cast; return the answer and what it changed. Nothing of it stays."""
        client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
        expected = expected or own(None)
        with transaction.atomic():
            if expected.given:
                self.arrange(expected.given)
            if who != "anonymous":
                client.force_login(self.cast[who], "django.contrib.auth.backends.ModelBackend")
            address = self.address(route, expected.to)
            with CaptureQueriesContext(connection) as queries:
                answer = client.generic(method, address, *self.packed(expected.body, address))
            if answer.streaming and not answer.is_async:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        return answer, [query["sql"] for query in queries if CHANGES.match(query["sql"])]

    def packed(self, body, address):
        """Return the bytes and the media type of what a request brings."""
        body = self.filled(body() if callable(body) else body)
        if isinstance(body, str):
            return body.encode(), "text/csv"
        has_file = any(hasattr(value, "read") for value in (body or {}).values())
        if address.startswith("/api/") and not has_file:
            return json.dumps(body or {}).encode(), "application/json"
        return encode_multipart(BOUNDARY, body or {}), MULTIPART_CONTENT

    def filled(self, body):
        """Put ids that are known only now where the table has {names}."""
        if not isinstance(body, dict):
            return body
        return {
            key: re.sub(r"^\{(\w+)\}$", lambda match: str(getattr(self.ids, match[1])), value)
            if isinstance(value, str)
            else value
            for key, value in body.items()
        }


@pytest.fixture
def world(project, owner, collaborator, reader, stranger, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    cast = {"owner": owner, "collaborator": collaborator, "reader": reader, "stranger": stranger}
    return World(project, cast)


def outcome(answer):
    """Return the status of an answer, or that it asks to sign in."""
    if answer.status_code == 302 and answer["Location"].startswith("/accounts/login/"):
        return SIGN_IN
    return answer.status_code


def refused(status):
    """Say whether a request got nothing."""
    return status == SIGN_IN or status >= 400


ROUTES = {route.name: route for route in routes()}
# A session that ends is no change of ours.
CHANGES = re.compile(r"\s*(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\b(?!.*django_session)", re.DOTALL)


# ------------------------------------------------------------------ the tests


def test_every_address_has_a_name_of_its_own():
    names = [route.name for route in routes()]

    assert [route.path for route in routes() if not route.name] == []
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_every_writing_address_is_listed(world):
    found = {
        (route.name, method)
        for route in ROUTES.values()
        if route.name not in READ_WHATEVER_THE_METHOD
        for method in methods_of(route, world) - SAFE
    }

    assert sorted(found - set(WRITES)) == [], "say in WRITES what the cast gets there"
    assert sorted(set(WRITES) - found) == [], "these addresses or methods are no more"


def test_who_may_write_where(world):
    got, changed = {}, []
    for (name, method), expected in WRITES.items():
        for who in CAST:
            answer, changes = world.ask(who, ROUTES[name], method, expected)
            got[name, method, who] = outcome(answer)
            if changes and refused(outcome(answer)) and name != "logout":
                changed.append((name, method, who, changes))

    wrong = {
        (name, method, who): f"{status} instead of {WRITES[name, method].of(who)}"
        for (name, method, who), status in got.items()
        if status != WRITES[name, method].of(who)
    }
    assert wrong == {}
    assert changed == [], "a refused request changes nothing"


def test_a_session_alone_is_not_enough_to_write(world):
    got = {}
    for (name, method), expected in WRITES.items():
        if expected.csrf:
            answer, changes = world.ask("owner", ROUTES[name], method, expected, csrf=True)
            got[name, method] = (answer.status_code, changes)

    assert {key: found for key, found in got.items() if found != (403, [])} == {}


def test_what_only_reads_changes_nothing_whatever_the_method(world):
    changed = [
        (name, method, changes)
        for name in READ_WHATEVER_THE_METHOD
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if (changes := world.ask("owner", ROUTES[name], method)[1])
    ]

    assert changed == []


def test_reading_changes_nothing(world):
    changed = [
        (name, changes)
        for name, route in ROUTES.items()
        if name not in STREAMED
        and "GET" in methods_of(route, world)
        and (changes := world.ask("owner", route, "GET")[1])
    ]

    assert changed == []


def test_what_one_may_not_see_is_not_there(world):
    wrong = []
    for name, route in ROUTES.items():
        if name in PUBLIC or name in STREAMS or "GET" not in methods_of(route, world):
            continue
        nobody, stranger = (world.ask(who, route, "GET")[0] for who in ("anonymous", "stranger"))
        for_programs = route.path.startswith("api/") or name.startswith("row-job")
        asked_to_sign_in = 401 if for_programs else SIGN_IN
        if outcome(nobody) != asked_to_sign_in:
            wrong.append((name, "anonymous", outcome(nobody)))
        if set(route.parameters) & {"slug", "pk", "worktable_id"} and outcome(stranger) != 404:
            wrong.append((name, "stranger", outcome(stranger)))
        shown = b"" if stranger.streaming else stranger.content
        if b"next door" in shown or b"projects/virgo/" in shown:
            wrong.append((name, "stranger", "sees the project"))

    assert wrong == []
