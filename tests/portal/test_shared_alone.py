"""Somebody to whom a single table of a project is shared: whatever they open, it tells nothing of the other tables.

Every address that answers to GET is opened, for each table of a family shared alone, after things happened in the
tables they may not see. What those are called, what is in them and who works there must be in no answer.
"""

import os
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.urls import reverse

from pipelines.models import Run
from portal import events
from projects.editing import create_project
from projects.sharing import share_with
from tests.portal.test_permission_walk import ROUTES, declared_methods
from tests.worktables.families import make_family
from worktables.columns import NewColumn, add_column, describe_column, rename_column
from worktables.creating import delete_worktable, rename_worktable
from worktables.editing import edit_cell
from worktables.linking import remove_link
from worktables.models import Change, Link, State, Unit, Worktable
from worktables.parameters import set_parameters, set_project_parameters
from worktables.queue.draining import drain
from worktables.queue.recovery import register_worker
from worktables.rows import add_rows, delete_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows

# Streams read through connections of their own.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "streaming"])

TABLES = ("fields", "items", "stars", "sums")
# Not opened: it describes the doors, not what is behind them, and takes as long as all the others together.
LEFT_OUT = {"api-schema"}


@pytest.fixture(autouse=True)
def _files_in_a_folder_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture(autouse=True)
def _closed_connections(transactional_db):
    yield
    for pool in (events.watching, events.asking):
        pool.submit(connections.close_all).result()


@pytest.fixture
def family(owner):
    """A linked family, computed once, in which every table has a column and a value like no other."""
    family = make_family(create_project("confidential", "Title in confidence", creator=owner), owner)
    for name in TABLES:
        add_column(getattr(family, name), NewColumn(f"{name}_remark"), by=owner)
    stars = [{"name": "Zero", "place": (0.001, 5.0)}, {"name": "Ten", "place": (10.0, 5.001)}]
    add_rows(family.stars, [{**star, "stars_remark": "stars-said"} for star in stars], by=owner)
    add_rows(family.sums, [{"band": "a", "least": 0.5, "sums_remark": "sums-said"}], by=owner)
    add_rows(family.fields, [{"x": 2.0, "band": "a", "fields_remark": "fields-said"}], by=owner)
    drain(register_worker("tester"))
    return family


@pytest.fixture
def somebody(make_user, family, owner):
    """Whoever works in the hidden tables."""
    user = make_user("somebody-hidden")
    share_with(family.fields.project, user, "owner", by=owner)
    return user


# ------------------------------------------------------------------ what happens in the hidden tables


def work():
    drain(register_worker("tester"))


def named(table, name):
    """Return what a column is called now."""
    names = set(table.columns.values_list("name", flat=True))
    (found,) = names & {name, hidden_name(table, name)}
    return found


def hidden_name(table, name):
    return f"{table.name.removesuffix('_hidden')}_{name}_hidden"


def edit(table, name, value, by):
    table.refresh_from_db()
    column = table.column(named(table, name))
    row = layout_of(table).rows.get(id=1)
    edit_cell(table, 1, column, value, seen=layout_of(table).value(column, row), editor=by)


def an_edit(family, hidden, by):
    """Inputs are edited, and what follows waits to be computed."""
    changes = {"fields": ("x", 3.14159), "stars": ("place", (0.00271828, 5.0)), "sums": ("least", 0.57721)}
    for name in hidden & changes.keys():
        edit(getattr(family, name), *changes[name], by)


def an_edit_and_its_runs(family, hidden, by):
    """Inputs are edited, and everything is computed."""
    an_edit(family, hidden, by)
    work()


def a_failure(family, hidden, by):
    """A step of a hidden table fails, and blocks what is below."""
    if "fields" in hidden:
        edit(family.fields, "x", 13.0, by)
    work()


def emptiness(family, hidden, by):
    """A hidden input becomes empty."""
    for name, column in (("fields", "x"), ("sums", "least")):
        if name in hidden:
            edit(getattr(family, name), column, None, by)
    work()


def coming_and_going(family, hidden, by):
    """Rows are added and deleted."""
    if "fields" in hidden:
        values = {"x": 1.61803, "band": "a"}
        add_rows(family.fields, [{named(family.fields, key): value for key, value in values.items()}], by=by)
        work()
        delete_rows(family.fields, [1], by=by)
    if "stars" in hidden:
        delete_rows(family.stars, [1], by=by)


def owner_of(family):
    return family.fields.created_by


def another_run(family, hidden, by):
    """Somebody has rows computed anew, and changes parameters."""
    for name in hidden & {"fields", "sums"}:
        rerun_rows(getattr(family, name), [1], by=by)
    set_project_parameters(
        family.fields.project, {"add.factor": 2.71}, by=by if "fields" in hidden else owner_of(family)
    )
    if "fields" in hidden:
        set_parameters(family.fields, {"add.factor": 1.41421}, by=by)


def units_that_do_not_fit(family, hidden, by):
    """What is linked cannot be read any more, because of a unit."""
    for name, column in (("stars", "name"), ("items", "flux")):
        if name in hidden:
            table = getattr(family, name)
            describe_column(table, named(table, column), unit="K", by=by)
    if "fields" in hidden:
        edit(family.fields, "x", 3.14159, by)
    work()


def a_deletion(family, hidden, by):
    """Hidden tables go to the trash."""
    for name in sorted(hidden):
        delete_worktable(getattr(family, name), by=by)
    work()


def links_that_go(family, hidden, by):
    """Links from or to hidden tables are removed: rows retire, and say why; who collected has no input."""
    secret = {getattr(family, name).pk for name in hidden}
    for link in Link.objects.all():
        if secret & {link.source_id, link.target_id}:
            # The history of a table says who has changed its links.
            remove_link(link, by=by if link.target_id in secret else owner_of(family))
    work()


EVENTS = (
    an_edit,
    an_edit_and_its_runs,
    a_failure,
    emptiness,
    coming_and_going,
    another_run,
    units_that_do_not_fit,
    a_deletion,
    links_that_go,
)


def hide(family, hidden, by):
    """Give the hidden tables and their columns names that occur nowhere else."""
    for name in hidden:
        table = getattr(family, name)
        for column in list(table.columns.values_list("name", flat=True)):
            rename_column(table, column, hidden_name(table, column), by=by)
        rename_worktable(table, f"{name}_hidden", by=by)


def secrets_of(hidden):
    """Return what must be in no answer."""
    said = {f"{name}-said" for name in hidden}
    return {*said, "_hidden", "somebody-hidden", "confidential", "Title in confidence", *SECRET_VALUES}


SECRET_VALUES = ("3.14159", "0.00271828", "0.57721", "13 is unlucky", "1.61803", "1.41421")


# ------------------------------------------------------------------ everything there is to open


def addresses(table):
    """Yield every address of the site that answers to GET, for each row, column, run and change of a table."""
    layout = layout_of(table)
    rows = list(layout.model.objects.values_list("id", flat=True)) or [1]
    runs = list(Run.objects.values_list("pk", flat=True))
    changes = list(Change.objects.filter(worktable=table).values_list("pk", flat=True)) or [1]
    values = {
        "slug": [table.project.slug],
        "schema": [table.project.slug],
        "number": [1],
        "job_id": ["nothing"],
        "key": ["nothing"],
        "token": ["nothing"],
        "pk": [table.pk],
        "worktable_id": [table.pk],
        "row_id": rows,
        "column": [column.name for column in layout.columns],
        "name": [column.name for column in layout.columns],
        "kind": ["user"],
        "digest": ["0" * 16],
        "change_id": changes[:1],
        "annotation_id": [1],
        "batch_id": list(table.batches.values_list("pk", flat=True)) or [1],
        "run_id": runs,
        "link_id": list(Link.objects.filter(target__project=table.project_id).values_list("pk", flat=True)),
        "version": [1],
        "other": list(Worktable.objects.filter(project=table.project_id).values_list("pk", flat=True)),
    }
    special = {
        "run": {"pk": runs},
        "api-run": {"pk": runs},
        "api-pipeline": {"name": ["toy_list", "toy_sum"]},
        "api-step": {"name": ["toy_add", "toy_list", "toy_sum"]},
    }
    for name, route in ROUTES.items():
        methods = declared_methods(route.view)
        if name in LEFT_OUT or (methods is not None and "GET" not in methods):
            continue
        places = [{}]
        for parameter in route.parameters:
            each = special.get(name, {}).get(parameter, values[parameter])
            places = [{**place, parameter: value} for place in places for value in each]
        for place in places:
            yield from asked_in_all_ways(name, reverse(name, kwargs=place))


def asked_in_all_ways(name, address):
    """Yield an address with each of the questions that change what it tells."""
    questions = {
        "api-download": [f"?hidden=1&format={one}" for one in ("csv", "ecsv", "json", "votable", "fits")],
        "api-row-lineage": [
            f"?direction={way}&format={one}" for way in ("back", "forth") for one in ("json", "prov-json")
        ],
        "cell-lineage": ["", "?direction=forth"],
        "worktable-events": ["?after=0"],
        "project-events": ["?after=0"],
        "api-rows": ["", "?_state=retired,stale,failed,blocked,empty,fresh,held"],
        "worktable": ["", "?_state=retired,stale,failed,blocked,empty,fresh,held"],
    }
    for question in questions.get(name, [""]):
        yield address + question


def told(client, address):
    """Return everything an answer tells: status, headers and body."""
    answer = client.get(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, f"{answer.headers}\n{body.decode('utf-8', 'replace')}"


EVERY = [(shared, happened) for shared in TABLES for happened in EVENTS]
if os.environ.get(
    "STOA_DATABASE_URL"
):  # what is told hardly depends on the database: each once with some other
    EVERY = [(TABLES[number % len(TABLES)], happened) for number, happened in enumerate(EVENTS)]


@pytest.mark.parametrize(("shared", "happened"), EVERY, ids=lambda value: getattr(value, "__name__", value))
def test_a_table_shared_alone_tells_nothing_of_the_others(
    client, make_user, owner, family, somebody, shared, happened
):
    hidden, table = set(TABLES) - {shared}, getattr(family, shared)
    hide(family, hidden, owner)
    happened(family, hidden, somebody)
    table.refresh_from_db()
    alone = make_user("alone")
    share_with(table, alone, "reader", by=owner)
    client.force_login(alone, "django.contrib.auth.backends.ModelBackend")

    secrets = re.compile("|".join(map(re.escape, sorted(secrets_of(hidden)))))
    leaks, seen = {}, {}
    for address in addresses(table):
        status, text = told(client, address)
        # What an address has in it, whoever asks knows.
        text = text.replace(table.project.slug, "") if table.project.slug in address else text
        if found := set(secrets.findall(text)):
            leaks[address] = (status, found)
        seen[status] = seen.get(status, 0) + 1

    assert not leaks, "\n".join(f"{address}: {found}" for address, found in leaks.items())
    assert seen[200] > 20
    assert not any(status >= 500 for status in seen)


def test_why_a_row_is_stale_is_said_without_the_other_table(client, make_user, owner, family, somebody):
    share_with(family.items, alone := make_user("alone"), "reader", by=owner)
    an_edit(family, {"fields", "stars"}, somebody)

    reasons = {}
    for user in (alone, somebody):
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        rows = client.get(f"/api/worktables/{family.items.pk}/rows/").json()["results"]
        reasons[user] = {row["steps"]["star_near"]["reason"] for row in rows}

    assert reasons[alone] == {"something changed in a table that is not shared with you"}
    assert all("somebody-hidden" in reason for reason in reasons[somebody])


def test_every_reason_is_kept_with_the_tables_it_speaks_of(family, owner):
    edit(family.fields, "x", 13.0, owner)
    work()

    blocked = Unit.objects.get(worktable=family.sums, state=State.BLOCKED)
    assert blocked.about == [family.fields.pk]
    assert Unit.objects.filter(worktable=family.fields, state=State.FAILED).get().about == []
    assert not Unit.objects.filter(about=None).exists()
    assert not Run.objects.filter(about=None).exists()


def test_words_of_unknown_origin_are_for_those_who_see_the_project(client, make_user, owner, family):
    share_with(family.items, alone := make_user("alone"), "reader", by=owner)
    an_edit(family, {"stars"}, owner)
    Unit.objects.update(about=None)
    address = f"/api/worktables/{family.items.pk}/rows/"

    client.force_login(alone, "django.contrib.auth.backends.ModelBackend")
    assert "stars" not in client.get(address).json()["results"][0]["reason"]
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert "stars" in client.get(address).json()["results"][0]["reason"]


def test_a_table_shared_alone_is_not_a_way_into_its_project(client, make_user, owner, family):
    share_with(family.items, alone := make_user("alone"), "owner", by=owner)

    with pytest.raises(PermissionDenied):
        set_project_parameters(family.items.project, {"add.factor": 2.0}, by=alone)
    client.force_login(alone, "django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse("worktable-delete", args=[family.items.pk])).url == reverse("home")
