"""Who may do what with the jobs of a table: every address, every method, and everybody."""

import pytest
from django.test import Client

from projects.sharing import share_with
from tests.vo.rows.conftest import Program, said
from vo.rows.urls import LEAVES
from worktables.models import Change

pytestmark = pytest.mark.django_db

CAST = ("owner", "collaborator", "reader", "stranger", "anonymous")
READ = [
    ("", 200),
    ("/1", 200),
    *((f"/1/{leaf}", 404 if leaf == "error" else 200) for leaf in LEAVES),
    ("/1/parameters/x", 200),
    ("/1/results/total", 200),
]
# What is sent, in this order: the job that is deleted is another one.
WRITE = [
    ("post", "", {"x": "4"}),
    ("post", "/1/parameters", {"x": "7"}),
    ("post", "/1/phase", {"PHASE": "ABORT"}),
    ("post", "/1/phase", {"PHASE": "RUN"}),
    ("post", "/2", {"ACTION": "DELETE"}),
    ("delete", "/3", {}),
]
WRONG = [("post", f"/1/{leaf}") for leaf in LEAVES if leaf not in ("phase", "parameters")]


@pytest.fixture
def programs(base, owner, collaborator, reader, stranger, work):
    work()
    people = {"owner": owner, "collaborator": collaborator, "reader": reader, "stranger": stranger}
    return {name: Program(base, people.get(name)) for name in CAST}


def test_who_reads_what(programs):
    seen = {
        name: {place: program.get(place).status_code for place, _ in READ}
        for name, program in programs.items()
    }

    assert seen == {
        **{name: dict(READ) for name in ("owner", "collaborator", "reader")},
        "stranger": dict.fromkeys(dict(READ), 404),
        "anonymous": dict.fromkeys(dict(READ), 401),
    }


def test_only_owners_write(programs):
    before, got = Change.objects.count(), {}
    for name in reversed(CAST):
        program = programs[name]
        answers = [getattr(program, how)(place, **sent) for how, place, sent in WRITE]
        got[name] = [answer.status_code for answer in answers]
        if name != "owner":
            assert Change.objects.count() == before

    assert got == {
        "owner": [303] * len(WRITE),
        **{name: [403] * len(WRITE) for name in ("collaborator", "reader")},
        "stranger": [404] * len(WRITE),
        "anonymous": [401] * len(WRITE),
    }


def test_what_only_reads_takes_nothing_from_anybody(programs):
    got = {getattr(program, how)(place).status_code for how, place in WRONG for program in programs.values()}

    assert got == {405}


def test_a_stranger_is_told_the_same_of_a_table_that_is_there_and_of_one_that_is_not(programs, stranger):
    nowhere = Program("/worktables/999999/jobs", stranger)

    assert {said(programs["stranger"].get(place)) for place, _ in READ} == {said(nowhere.get())}
    for asked in ({"PHASE": "DONE"}, {"LAST": "0"}):
        assert programs["stranger"].get(**asked).status_code == 404


def test_the_sentence_says_who_can_help(programs):
    assert said(programs["reader"].post("/1/phase", PHASE="RUN")) == (
        403,
        "reader may not change or run “fields”; an owner can grant that.",
    )


def test_a_session_reads_but_changes_nothing_without_proof(base, owner, worktable, work):
    work()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, "django.contrib.auth.backends.ModelBackend")

    assert browser.get(base).status_code == 200
    assert browser.post(base, {"x": "1"}).status_code == 401
    assert browser.delete(f"{base}/1").status_code == 401
    worktable.refresh_from_db()
    assert worktable.n_rows == 3


def test_one_table_shared_alone_is_a_list_of_its_own(family, owner, make_user, work):
    work()
    alone = make_user("alone")
    share_with(family.sums, alone, "owner", by=owner)

    jobs = {name: Program(f"/worktables/{table.pk}/jobs", alone) for name, table in vars(family).items()}
    assert {name: program.get().status_code for name, program in jobs.items()} == {
        "fields": 404,
        "items": 404,
        "stars": 404,
        "sums": 200,
    }
    assert jobs["sums"].make(band="a", least="1", PHASE="RUN") == "/3"
    assert family.fields.project.slug not in jobs["sums"].get("/3").content.decode()
