"""Every address of the Virtual Observatory, asked by those who may not see a table: it is as if there were none.

Whoever adds an address to `vo` adds a line to `ASKED`; until then `test_every_address_is_asked` fails and names it.
Pages of the rest of the site are opened without that.
"""

import re
import threading
from urllib.parse import quote

import pytest
from django.urls import reverse
from django.utils import timezone

from archive.keeping import keep_product
from tests.portal.test_permission_walk import ROUTES, STREAMS, declared_methods
from tests.vo.conftest import FACTS
from tests.vo.observations import skies
from vo.models import Job, SavedQuery, Scope
from vo.publishing.deciding import refuse
from vo.publishing.proposing import propose
from vo.rows.urls import LEAVES as ROW_LEAVES
from vo.uws.creating import create_job
from vo.uws.urls import LEAVES
from vo.uws.working import JobErrand
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

# Downloads read through a connection of their own.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "streaming"])

# All that is secret begins with this; what is asked for by name is also asked for by the other, which names nothing.
SECRET, ABSENT = "qhidden", "qabsent"
N_ROWS = 4711
TRACES = re.compile(rf"{SECRET}|(?<![0-9A-Za-z])4[,. ]?711(?![0-9A-Za-z])", re.IGNORECASE)
# Nearly the names of what is hidden: hints must not tell the rest.
NEARLY = ("qhidde", "qhidden_tabl")
PRIVATE, WAITING, REFUSED = "qhidden_table", "qhidden_waiting", "qhidden_refused"
DID = "ivo://stoa.invalid/qhidden_project.qhidden_table?v1/1/qhidden_map"
QUERIES = (
    "SELECT * FROM tap_schema.schemas",
    "SELECT * FROM tap_schema.tables",
    "SELECT * FROM tap_schema.columns",
    "SELECT * FROM tap_schema.keys",
    "SELECT * FROM tap_schema.key_columns",
    "SELECT * FROM ivoa.obscore",
    "SELECT COUNT(*) AS n FROM ivoa.obscore",
    "SELECT * FROM nothing",
    "SELECT qhidde_column FROM virgo.sources",
    "SELECT s.qhidde_colum FROM virgo.sources AS s",
    "SELECT TOP 1 * FROM qhidde_project.qhidde_table",
    "SELECT TOP 1 * FROM qhidde_project.sources",
    "SELECT 1 / 0",
)
NAMED = (
    "SELECT * FROM qhidden_project.qhidden_table",
    "SELECT * FROM qhidden_project.qhidden_table_v1",
    "SELECT COUNT(*) AS n FROM qhidden_table",
    "SELECT qhidden_column FROM virgo.sources",
    "SELECT * FROM ivoa.obscore WHERE obs_collection LIKE 'qhidden%'",
    "SELECT * FROM tap_schema.columns WHERE table_name = 'qhidden_project.qhidden_table'",
    "SELECT * FROM virgo.sources WHERE CAST(name AS INTEGER) > 0 OR name = 'qhidden'",
)


def tap(query, **more):
    """Return the parameters of a query."""
    parameters = {"LANG": "ADQL", "QUERY": query, **more}
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in parameters.items())


# What each address of `vo` is asked, by its name. Where the question, or the address, names what is hidden, the answer
# must be that to the same question about what there is not.
ASKED = {
    "published": ["", "?q=qhidd", "?q=table", "?page=2", "?q=qhidden_title"],
    "published-version": [""],
    "published-file": [""],
    "published-preview": [""],
    "worktable-publications": [""],
    "cone-search": ["", "?RA=187.7&DEC=12.4&SR=1"],
    "datalink-links": ["", "?ID=x", f"?ID={quote(DID)}", f"?ID={quote(DID)[:-2]}"],
    "sia-query": [
        "",
        "?MAXREC=0",
        "?POS=CIRCLE 187.7 12.4 1",
        "?POS=nonsense",
        "?COLLECTION=qhidden_project.qhidden_table",
        f"?ID={quote(DID)}",
    ],
    "sia-capabilities": [""],
    "sia-availability": [""],
    "soda-sync": ["", "?ID=x", f"?ID={quote(DID)}", f"?ID={quote(DID)}&CIRCLE=187.7 12.4 0.001"],
    "soda-capabilities": [""],
    "soda-availability": [""],
    "tap": [""],
    "tap-sync": [
        "",
        *map(tap, (*QUERIES, *NAMED)),
        tap("SELECT * FROM tap_schema.tables", RESPONSEFORMAT="csv"),
    ],
    "tap-availability": [""],
    "tap-capabilities": [""],
    "tap-tables": ["", "?detail=min"],
    "tap-table": [""],
    "tap-examples": [""],
    "tap-jobs": ["", "?PHASE=COMPLETED", "?LAST=5"],
    **{f"tap-job{leaf}": [""] for leaf in ("", "-result", *(f"-{leaf}" for leaf in LEAVES))},
    "row-jobs": ["", "?PHASE=COMPLETED", "?LAST=5"],
    **{
        f"row-job{leaf}": [""] for leaf in ("", "-parameter", "-result", *(f"-{leaf}" for leaf in ROW_LEAVES))
    },
    "oai": [
        "",
        "?verb=Identify",
        "?verb=ListSets",
        "?verb=ListIdentifiers&metadataPrefix=ivo_vor",
        "?verb=ListRecords&metadataPrefix=ivo_vor",
        "?verb=ListRecords&metadataPrefix=oai_dc",
        "?verb=GetRecord&metadataPrefix=ivo_vor&identifier=ivo://stoa.invalid/qhidden_project.qhidden_table",
    ],
    "oai-capabilities": [""],
    "oai-availability": [""],
    "handed": [""],
    "hand-over": ["", f"?address=/published/qhidden_project/{PRIVATE}/v1/rows/1/qhidden_map"],
    "query": ["", *(f"?query={quote(query)}" for query in (*QUERIES, *NAMED))],
    "query-form": ["", "?table=virgo.sources", f"?table=qhidden_project.{PRIVATE}"],
    "query-tables": ["", "?q=qhidd", "?q=qhidden_table"],
    "query-words": ["", "?query=SELECT%20qhidd", "?q=qhidd"],
    "query-keep": ["", "?query=SELECT%201"],
    "query-jobs": [""],
    "query-jobs-now": [""],
    "query-history": ["", "?q=qhidden"],
    "query-save": ["", "?query=SELECT%201"],
    "query-saved": ["", "?q=qhidden"],
    **{
        f"query-{one}": [""]
        for one in ("job", "job-now", "change-job", "past", "saved-query", "edit-saved", "delete-saved")
    },
}
# Where the owner of the table is told of it: if there is no trace for them, the walk looks at nothing.
TOLD_TO_THE_OWNER = {
    "published", "published-version", "published-file", "worktable-publications", "cone-search", "datalink-links",
    "sia-query", "tap-sync", "tap-tables", "tap-table", "tap-jobs", "tap-job", "tap-job-parameters", "home",
    "query-jobs", "query-saved", "query-saved-query",
}  # fmt: skip


@pytest.fixture
def hidden(make_project, owner, judge, sources, publish, settings, tmp_path):
    """Tables that only their owners see: private, waiting for a curator, refused; beside one for the world."""
    settings.MEDIA_ROOT = tmp_path / "files"
    publish(sources)
    project = make_project("qhidden_project", owner, "qhidden description of a project")
    columns = [
        NewColumn("qhidden_column", description="qhidden description of a column"),
        NewColumn("qhidden_place", "position"),
        NewColumn("qhidden_map", "product"),
    ]
    facts = {name: f"qhidden {name}" for name in FACTS}
    made = {}
    for name in (PRIVATE, WAITING, REFUSED):
        table = create_worktable(
            project, name, creator=owner, columns=columns, title="qhidden title", description="qhidden note"
        )
        kept = keep_product(project, skies.image(OBJECT="qhidden target"), "qhidden.fits", by=owner)
        row = {"qhidden_column": "qhidden value", "qhidden_place": (187.7, 12.4), "qhidden_map": kept.sha256}
        rest = [{"qhidden_place": (187.7, 12.4)}] * (N_ROWS - 1) if name == PRIVATE else []
        add_rows(table, [row, *rest], by=owner)
        made[name] = propose(table, facts, Scope.PRIVATE if name == PRIVATE else Scope.WORLD, by=owner)
    refuse(made[REFUSED], "qhidden reason", by=judge)
    return made[PRIVATE]


@pytest.fixture
def values(hidden, owner):
    """What stands in addresses: of the hidden table, where they can name it."""
    table = hidden.publication.worktable
    parameters = {"QUERY": ["SELECT qhidden_column"]}
    job = create_job("tap", parameters, owner=owner, now=timezone.now(), run_id="qhidden run")
    saved = SavedQuery.objects.create(owner=owner, name="qhidden query", text=NAMED[0])
    return {
        "slug": "qhidden_project", "schema": "qhidden_project", "name": PRIVATE, "number": 1, "row_id": 1,
        "column": "qhidden_map", "pk": table.pk, "worktable_id": table.pk, "job_id": job.pk, "kind": "user",
        "digest": "0" * 16, "change_id": 1, "annotation_id": 1, "batch_id": 1, "run_id": 1, "link_id": 1,
        "version": 1, "other": table.pk, "key": saved.key, "token": "qhidden",
    }  # fmt: skip


SPECIAL = {"tap-table": {"name": f"qhidden_project.{PRIVATE}"}}


def is_ours(route):
    """Say whether an address belongs to the Virtual Observatory."""
    view = getattr(route.view, "cls", None) or getattr(route.view, "view_class", None) or route.view
    return view.__module__.split(".")[0] == "vo"


def test_every_address_is_asked():
    ours = {name for name, route in ROUTES.items() if is_ours(route)}

    assert ours - ASKED.keys() == set(), "say in ASKED what these are asked"
    assert ASKED.keys() - ours == set(), "these are no more"


def addresses(values):
    """Yield (name, address) of everything there is to open."""
    for name, route in ROUTES.items():
        methods = declared_methods(route.view)
        if name in STREAMS or name == "api-schema" or (methods is not None and "GET" not in methods):
            continue
        given = {one: {**values, **SPECIAL.get(name, {})}[one] for one in route.parameters}
        for question in ASKED.get(name, [""]):
            yield name, reverse(name, kwargs=given) + question


def told(client, address):
    """Return everything an answer tells, but for what is new each time."""
    answer = client.get(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = f"{answer.headers}\n{body.decode('utf-8', 'replace')}"
    text = re.sub(r"/handed/[^\"]+|in [0-9.]+ s\.|'Expires': '[^']+'", "", text)
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|csrftoken=\w+|expires=[^;]+;', "", text)
    return answer.status_code, text


@pytest.fixture(params=["anonymous", "stranger"])
def outsider(request, client, stranger):
    """Somebody who may see nothing of it."""
    if request.param == "stranger":
        client.force_login(stranger, "django.contrib.auth.backends.ModelBackend")
    return client


def test_no_address_tells_of_a_hidden_table(outsider, values):
    leaks, statuses = {}, set()
    for _, address in addresses(values):
        status, text = told(outsider, address)
        statuses.add(status)
        if SECRET in address:
            other = told(outsider, address.replace(SECRET, ABSENT))
            if (status, text.replace(SECRET, ABSENT)) != other:
                leaks[address] = "differs from what is said of what is not there"
        elif found := set(TRACES.findall(text)):
            leaks[address] = found

    assert leaks == {}
    assert {200, 404, 400} <= statuses
    assert not any(status >= 500 for status in statuses)


def test_no_job_tells_of_a_hidden_table(outsider, values):
    answers = {}
    for query in (*QUERIES, *NAMED, *(one.replace(SECRET, ABSENT) for one in NAMED)):
        posted = outsider.post(f"{reverse('tap-jobs')}", {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN"})
        job = Job.objects.get(pk=posted["Location"].rpartition("/")[2])
        answers[query] = job
    errand = JobErrand()
    while errand.look(threading.Event()):
        for thread in errand.threads:
            thread.join()

    for query, job in answers.items():
        text = "".join(
            told(outsider, reverse(f"tap-job-{leaf}", args=[job.pk]))[1].replace(job.pk, "")
            for leaf in ("error", "result")
        )
        job.refresh_from_db()
        assert job.phase in ("COMPLETED", "ERROR")
        text = re.sub("[0-9a-f]{32}", "", text)
        if SECRET in query:
            twin = answers[query.replace(SECRET, ABSENT)]
            twin.refresh_from_db()
            assert (job.phase, job.error.replace(SECRET, ABSENT)) == (twin.phase, twin.error)
            assert job.result_size == twin.result_size
        else:
            assert not TRACES.search(text), query


def test_the_owner_is_told(client, owner, values):
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    traces = {}
    for name, address in addresses(values):
        status, text = told(client, address)
        assert status < 500, address
        if status == 200 and TRACES.search(text):
            traces.setdefault(name, address)

    assert TOLD_TO_THE_OWNER - traces.keys() == set()
