"""The operator's page: who works, at what, who was lost, and what waits."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from archive.keeping import keep_product
from pipelines.models import Memo
from worktables.models import Todo, Worker
from worktables.operating import how_long, present_operation
from worktables.queue import recovery
from worktables.queue.claiming import claim
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db
PAGES = ("workers", "workers-parts", "api-workers")


@pytest.fixture
def operating(client, curator):
    client.force_login(curator)
    return client


def test_a_worker_says_where_it_is_what_it_takes_and_which_code_it_runs(operating, curator):
    recovery.register_worker("vesta", takes=["light", "network"])

    (worker,) = present_operation(curator).workers

    assert worker.takes == ["light", "network"]
    assert worker.cores >= 1
    assert worker.load >= 0
    assert worker.code.split()[0] == "0.1.0"
    text = operating.get(reverse("workers")).content.decode()
    assert all(said in text for said in ("vesta", worker.host, worker.code, "network", "idle"))


def test_what_a_worker_has_in_hand_is_shown_with_table_row_and_step(operating, curator, worktable):
    worker = recovery.register_worker("vesta")
    batch = claim(worker.token, lambda node: 2)

    (shown,) = present_operation(curator).workers
    (hand,) = shown.in_hand

    assert (hand.table, hand.step, hand.row, hand.n) == ("fields", batch.node.name, min(batch.claims), 2)
    assert hand.since == Todo.objects.filter(owner=worker.token).earliest("claimed_at").claimed_at
    assert "fields row 1</a> and 1 more" in operating.get(reverse("workers-parts")).content.decode()


def test_the_queue_is_counted_by_class_and_by_project(operating, curator, worktable):
    worker = recovery.register_worker("vesta", takes=["light"])
    claim(worker.token, lambda node: 2)

    operation = present_operation(curator)

    light, heavy, network = operation.classes
    assert (light.name, light.waiting, light.running, light.takers) == ("light", 4, 2, 1)
    assert (heavy.waiting, heavy.running, heavy.takers, network.takers) == (0, 0, 0, 0)
    (project,) = operation.projects
    assert (project.name, project.waiting, project.running) == ("virgo", 4, 2)
    assert project.oldest == Todo.objects.filter(owner=None).earliest("queued_at").queued_at


def test_a_unit_that_is_marked_again_has_waited_since_it_was_queued_first(worktable, owner):
    from worktables.editing import edit_cell

    before = Todo.objects.get(row_id=1, step__name="add")
    edit_cell(worktable, 1, worktable.column("x"), 9.0, seen=1.0, editor=owner)
    after = Todo.objects.get(row_id=1, step__name="add")

    assert after.generation > before.generation
    assert after.queued_at == before.queued_at


def test_a_process_at_work_is_shown_with_the_worker_it_belongs_to(curator, worktable):
    parent = recovery.register_worker("celery@vesta")
    process = recovery.register_worker("vesta:7")
    Worker.objects.filter(pk=process.pk).update(parent=parent.token)
    claim(process.token, lambda node: 1)

    (worker,) = present_operation(curator).workers

    assert (worker.name, worker.busy, len(worker.in_hand)) == ("celery@vesta", 1, 1)


def test_which_code_a_worker_lacks_is_shown_also_if_one_of_its_processes_found_it(operating, curator):
    parent = recovery.register_worker("vesta")
    child = recovery.register_worker("vesta 1")
    said = "has another “toy_add” than the tables ask for; update this host"
    Worker.objects.filter(pk=child.pk).update(parent=parent.token, lacks=said)

    (shown,) = present_operation(curator).workers

    assert shown.lacks == said
    assert f"It {said}." in operating.get(reverse("workers-parts")).content.decode()
    assert [one["lacks"] for one in operating.get(reverse("api-workers")).json()["workers"]] == [said]


def test_a_worker_that_fell_silent_is_lost_and_one_that_left_is_not(operating, curator):
    for name in ("silent", "gone"):
        worker = recovery.register_worker(name)
        if name == "gone":
            recovery.retire_worker(worker)
    Worker.objects.filter(name="silent").update(seen_at=recovery.database_time() - timedelta(minutes=5))
    (late,) = present_operation(curator).workers
    assert (late.name, late.silent) == ("silent", True)

    recovery.sweep()

    operation = present_operation(curator)
    assert [worker.name for worker in operation.lost] == ["silent"]
    assert operation.workers == []
    assert "Lost lately" in operating.get(reverse("workers")).content.decode()


def test_a_lost_worker_that_comes_back_is_not_lost_any_more(curator):
    worker = recovery.register_worker("asleep")
    Worker.objects.update(seen_at=recovery.database_time() - timedelta(minutes=5))
    recovery.sweep()

    recovery.beat(worker)

    operation = present_operation(curator)
    assert ([each.name for each in operation.workers], operation.lost) == (["asleep"], [])
    recovery.retire_worker(worker)
    assert present_operation(curator).lost == [], "it left in order in the end"


def test_who_was_lost_long_ago_is_not_news(curator):
    recovery.register_worker("old")
    Worker.objects.update(lost=True, stopped_at=recovery.database_time() - timedelta(days=2))

    assert present_operation(curator).lost == []


@pytest.mark.parametrize(
    ("broker", "says"), [("", "stoa up --workers"), ("redis://x", "celery -A portal worker")]
)
def test_where_nobody_works_the_page_says_how_to_start_one(operating, settings, broker, says):
    settings.REDIS_URL = broker

    text = operating.get(reverse("workers")).content.decode()

    assert "Nobody works" in text
    assert says in text


def test_work_that_no_worker_takes_and_workers_that_differ_are_warned_of(operating, worktable):
    recovery.register_worker("far", takes=["network"])
    recovery.register_worker("old", takes=["network"])
    Worker.objects.filter(name="old").update(code="0.0.1 12345678")

    text = operating.get(reverse("workers")).content.decode()

    assert "Work waits that no worker takes: light" in text
    assert "Workers run different code (0.0.1 12345678" in text


@pytest.mark.parametrize("name", PAGES)
def test_only_staff_look_after_workers(client, owner, curator, name):
    asked = client.get(reverse(name))
    assert asked.status_code == (401 if name.startswith("api") else 302)

    client.force_login(owner)
    assert client.get(reverse(name)).status_code == 403
    assert "Workers</a>" not in client.get("/").content.decode()

    client.force_login(curator)
    assert client.get(reverse(name)).status_code == 200
    assert "Workers</a>" in client.get("/").content.decode()


def test_staff_to_whom_a_table_is_not_shared_get_no_link_to_it(client, make_user, worktable):
    claim(recovery.register_worker("vesta").token, lambda node: 1)
    client.force_login(make_user("operator", is_staff=True))

    text = client.get(reverse("workers")).content.decode()

    assert "fields row 1" in text
    assert f"/worktables/{worktable.pk}/" not in text
    assert "/projects/virgo/" not in text


def test_programs_get_the_same(operating, worktable):
    claim(recovery.register_worker("vesta").token, lambda node: 1)

    told = operating.get(reverse("api-workers")).json()

    assert told["workers"][0]["in_hand"][0]["table"] == "fields"
    assert [each["waiting"] for each in told["classes"]] == [5, 0, 0]
    assert told["lost"] == []


def test_what_is_kept_is_counted_by_project(operating, worktable, work):
    work()
    keep_product(worktable.project, b"SIMPLE", "map.fits")
    size = sum(Memo.objects.values_list("size", flat=True))

    (store,) = operating.get(reverse("api-workers")).json()["stores"]

    assert store == {
        "name": "virgo",
        "results": 5,
        "result_bytes": size,
        "files": 1,
        "file_bytes": 6,
        "evicted": 0,
        "evicted_bytes": 0,
    }
    assert "What is kept" in operating.get(reverse("workers")).content.decode()


def test_more_workers_and_more_work_take_no_more_statements(curator, worktable, owner):
    recovery.register_worker("first")
    with CaptureQueriesContext(connection) as few:
        present_operation(curator)
    for number in range(5):
        claim(recovery.register_worker(str(number)).token, lambda node: 1)
    add_rows(worktable, [{"x": float(number)} for number in range(50)], by=owner)
    Worker.objects.filter(name="first").update(lost=True, stopped_at=recovery.database_time(), parent="gone")

    with CaptureQueriesContext(connection) as many:
        present_operation(curator)

    assert len(many) <= len(few) + 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (99, "99 s"), (100, "1 min"), (5999, "99 min"), (6000, "1 h 40 min"), (200_000, "2 d")],
)
def test_times_are_said_as_one_says_them(seconds, said):
    assert how_long(seconds) == said
