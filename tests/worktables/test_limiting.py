"""At most so many workers at once for a user, a project, or a user in a project."""

import threading
import time
from contextlib import suppress

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from projects.sharing import share_with
from worktables.models import Limit, Todo
from worktables.operating import present_operation
from worktables.queue import limiting
from worktables.queue.claiming import claim
from worktables.queue.draining import drain, work_through
from worktables.queue.limiting import in_hand
from worktables.queue.recovery import register_worker, retire_worker
from worktables.queue.sharing import Shares
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db
SAID = "waits: “anna” has 1 of 1 running"


@pytest.fixture
def table(table_of, anna):
    """Forty rows of Anna's; everything is queued."""
    table = table_of(anna)
    add_rows(table, [{"x": float(number)} for number in range(40)], by=anna)
    return table


def take(n=5):
    """Let a new worker claim a batch; return that and the worker."""
    worker = register_worker()
    return claim(worker.token, lambda node: n), worker


def test_whose_limit_is_reached_waits_until_one_is_done(table, anna):
    Limit.objects.create(user=anna, most=2)
    first, worker = take()
    assert take()[0] is not None

    assert take()[0] is None

    work_through(first, worker)
    assert take()[0] is not None


def test_others_are_served_meanwhile(table, table_of, anna, bea):
    Limit.objects.create(user=anna, most=1)
    take()
    theirs = table_of(bea)
    add_rows(theirs, [{"x": 1.0}], by=bea)

    settled = drain(register_worker())

    assert settled == 2
    assert not theirs.todo.exists()
    assert table.todo.filter(owner=None).count() == 75


def test_a_limit_of_a_user_counts_all_projects(table, table_of, anna, bea):
    other = table_of(bea)
    share_with(other.project, anna, "owner", by=bea)
    add_rows(other, [{"x": 1.0}], by=anna)
    Limit.objects.create(user=anna, most=1)
    batch, _ = take()

    assert batch is not None
    assert take()[0] is None


def test_a_limit_of_a_project_counts_all_users(table, table_of, anna, bea):
    share_with(table.project, bea, "owner", by=anna)
    add_rows(table, [{"x": 1.0}], by=bea)
    add_rows(table_of(bea), [{"x": 2.0}], by=bea)
    Limit.objects.create(project=table.project, most=1)
    take()

    batch, _ = take()

    assert batch.worktable.project.slug == "bea"
    assert take()[0] is None


def test_a_limit_of_a_user_in_a_project_is_about_nothing_else(table, table_of, anna, bea):
    share_with(table.project, bea, "owner", by=anna)
    add_rows(table, [{"x": 1.0}], by=bea)
    Limit.objects.create(user=anna, project=table.project, most=1)
    other = table_of(bea)
    share_with(other.project, anna, "owner", by=bea)
    add_rows(other, [{"x": 2.0}], by=anna)

    taken = [take()[0] for _ in range(4)]

    found = sorted((batch.asked_by, batch.worktable.project.slug) for batch in taken if batch)
    assert found == [(anna.pk, "anna"), (anna.pk, "bea"), (bea.pk, "anna")]


def test_what_a_worker_left_behind_counts_no_more(table, anna):
    Limit.objects.create(user=anna, most=1)
    _, worker = take()

    retire_worker(worker)

    assert take()[0] is not None


def test_whoever_comes_in_vain_asks_twice_and_writes_nothing(table, anna):
    Limit.objects.create(user=anna, most=1)
    take()
    worker = register_worker()
    add_rows(table, [{"x": 7.0}] * 300, by=anna)

    with CaptureQueriesContext(connection) as queries:
        assert claim(worker.token, lambda node: 5) is None

    assert len(queries) == 3, "what waits, the limits, and what runs"


def test_without_limits_a_claim_asks_for_none(table):
    with CaptureQueriesContext(connection) as queries:
        take()

    assert not any("worktables_limit" in query["sql"] and "EXISTS" not in query["sql"] for query in queries)


def test_what_runs_is_found_by_its_index(table):
    take()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {limiting.IN_HAND}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {limiting.IN_HAND}")
        plan = "\n".join(str(line) for line in cursor.fetchall())

    queue = [line for line in plan.splitlines() if "todo" in line or "SCAN t" in line]
    assert queue
    assert all("todo_owned" in line for line in queue), plan


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_in_two_projects_do_not_both_pass(
    table, table_of, anna, bea, at_once, monkeypatch
):
    """Each has looked before the other has taken, unless the second waits for the first."""
    other = table_of(bea)
    share_with(other.project, anna, "owner", by=bea)
    add_rows(other, [{"x": 1.0}] * 40, by=anna)
    Limit.objects.create(user=anna, most=1)
    look, seen = limiting.standings, threading.Barrier(2)

    def look_and_be_slow():
        found = look()
        if connection.in_atomic_block:
            with suppress(threading.BrokenBarrierError):
                seen.wait(0.5)  # the other cannot be here too
        return found

    monkeypatch.setattr(limiting, "standings", look_and_be_slow)

    ends = at_once(
        *[
            lambda project_id=one.project_id: claim(
                register_worker().token, lambda node: 5, shares=SharesOf(project_id)
            )
            for one in (table, other)
        ]
    )

    assert sum(end is not None for end in ends) == 1, ends
    assert len(in_hand()) == 1


class SharesOf(Shares):
    """Shares of whoever looks at one project only."""

    def __init__(self, project_id):
        super().__init__()
        self.project_id = project_id

    def in_turn(self, waiting):
        return [one for one in super().in_turn(waiting) if one.project_id == self.project_id]


@pytest.mark.django_db(transaction=True)
def test_many_workers_never_pass_the_limits_and_nothing_is_left(table, table_of, anna, bea, at_once):
    theirs = table_of(bea)
    share_with(theirs.project, anna, "owner", by=bea)
    for by in (anna, bea):
        add_rows(theirs, [{"x": float(number)} for number in range(40)], by=by)
    Limit.objects.create(user=anna, most=2)
    Limit.objects.create(project=theirs.project, most=3)
    lock, running, most = threading.Lock(), [], []

    def work():
        worker = register_worker()
        while Todo.objects.exists():
            batch = claim(worker.token, lambda node: 5)
            if batch is None:
                time.sleep(0.01)
                continue
            mine = batch.asked_by, batch.worktable.project_id
            with lock:
                running.append(mine)
                by_user = sum(user == anna.pk for user, _ in running)
                by_project = sum(project == theirs.project_id for _, project in running)
                most.append((by_user, by_project))
            time.sleep(0.002)
            with lock:
                running.remove(mine)
            work_through(batch, worker)

    ends = at_once(*[work] * 5)

    assert ends == [None] * 5
    assert max(by_user for by_user, _ in most) <= 2
    assert max(by_project for _, by_project in most) <= 3
    assert not Todo.objects.exists()


def test_a_queued_step_says_which_limit_it_waits_for(client, table, anna):
    Limit.objects.create(user=anna, most=1)
    take()
    client.force_login(anna)

    running = client.get(reverse("row", args=[table.pk, 1])).content.decode()
    queued = client.get(reverse("row", args=[table.pk, 30])).content.decode()

    assert running.count(SAID) == 1, "of its second step"
    assert queued.count(SAID) == 2
    Limit.objects.update(most=2)
    assert "waits:" not in client.get(reverse("row", args=[table.pk, 30])).content.decode()


def test_to_whom_a_table_is_shared_alone_nobody_is_named(client, make_user, owner, family):
    """Who asked may have done so in another table."""
    reader = make_user("reader")
    share_with(family.items, reader, "reader", by=owner)
    worker = register_worker()
    while not family.items.todo.exists():
        work_through(claim(worker.token, lambda node: 1), worker)
    Limit.objects.create(user=owner, most=1)
    take(1)
    queued = family.items.todo.filter(owner=None).first()
    client.force_login(reader)

    text = client.get(reverse("row", args=[family.items.pk, queued.row_id])).content.decode()

    assert "waits: whoever asked for it has 1 of 1 running" in text
    assert "“owner”" not in text


def test_the_page_of_workers_says_which_limits_are_reached(client, table, anna, curator):
    Limit.objects.create(user=anna, most=1)
    client.force_login(curator)
    address = reverse("workers-parts")
    assert "of 1 running" not in client.get(address).content.decode()

    take()

    text = client.get(address).content.decode()
    assert "“anna” has 1 of 1 running: 75 units wait until one of them is done." in text
    assert reverse("admin:worktables_limit_changelist") in text
    told = client.get(reverse("api-workers")).json()
    assert told["limits"] == [{"of": "“anna”", "running": 1, "most": 1, "waiting": 75}]
    assert [(each["name"], each["waiting"]) for each in told["users"]] == [("anna", 75)]


def test_who_waits_costs_the_page_nothing_more(client, table, table_of, make_user, anna, curator):
    Limit.objects.create(user=anna, most=1)
    take()
    with CaptureQueriesContext(connection) as before:
        present_operation(curator)
    for name in ("bea", "cleo"):
        user = make_user(name)
        add_rows(table_of(user), [{"x": 1.0}], by=user)
        Limit.objects.create(user=user, most=1)
        take()

    with CaptureQueriesContext(connection) as after:
        present_operation(curator)

    assert len(after) == len(before)


def test_a_curator_sets_limits_and_workers_hear_of_it(client, table, anna, curator):
    client.force_login(curator)
    add, facts = reverse("admin:worktables_limit_add"), {"user": anna.pk, "project": "", "most": 3}

    with CaptureQueriesContext(connection) as queries:
        assert client.post(add, facts).status_code == 302

    limit = Limit.objects.get()
    assert (limit.user, limit.project, limit.most) == (anna, None, 3)
    if connection.vendor == "postgresql":
        assert any("NOTIFY" in query["sql"] for query in queries)
    assert client.get(reverse("admin:worktables_limit_changelist"), {"q": "anna"}).status_code == 200
    refused = client.post(add, facts)
    assert refused.status_code == 200
    assert Limit.objects.count() == 1


@pytest.mark.parametrize(
    ("facts", "says"), [({"most": 2}, "Name a user, a project, or both."), ({"most": 0}, "greater than")]
)
def test_a_limit_is_of_somebody_and_leaves_something(client, anna, curator, facts, says):
    client.force_login(curator)
    whose = {} if facts["most"] else {"user": anna.pk}

    refused = client.post(reverse("admin:worktables_limit_add"), facts | whose)

    assert says in refused.content.decode()
    assert not Limit.objects.exists()


def test_the_database_too_refuses_a_limit_of_nothing(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        Limit.objects.create(most=2)


def test_who_is_no_curator_sets_no_limits(client, anna, make_user):
    for user in (anna, make_user("operator", is_staff=True)):
        client.force_login(user)
        asked = client.post(reverse("admin:worktables_limit_add"), {"user": anna.pk, "most": 3})
        assert asked.status_code in (302, 403)
    assert not Limit.objects.exists()


def test_to_whom_a_table_is_shared_alone_its_project_is_not_named(client, make_user, table, anna):
    share_with(table, reader := make_user("reader"), "reader", by=anna)
    client.force_login(reader)
    limit = Limit.objects.create(project=table.project, most=1)
    take()
    for user, said in ((None, "the project of this table"), (anna, "“anna”")):
        Limit.objects.filter(pk=limit.pk).update(user=user)
        text = client.get(reverse("row", args=[table.pk, 30])).content.decode()
        assert f"waits: {said} has 1 of 1 running" in text
        assert f"project “{table.project.slug}”" not in text
