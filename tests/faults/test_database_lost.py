"""The database crashes, or cuts its connections, in the worst moments: an edit is taken, or says that it was not."""

import os
import signal
import threading
import time

import pytest

from tests.faults.conftest import LONG, SERVER, in_the_long_form, note, some
from tests.faults.oracle import FAMILY, judge
from tests.faults.visiting import LOST, Visitor, at_once, edit_without_loss

SECONDS = 30 if LONG else 5  # of cutting connections
IN_WORK = ["claim", "settle"]  # in the middle of whose transactions a worker stops


@pytest.mark.parametrize(
    ("point", "how"),
    some(("settle", "kill"), ("settle", "stop_at_once"), ("claim", "kill"), ("claim", "stop_at_once")),
)
def test_row_7_the_database_crashes_while_a_worker_claims_or_writes(make_portal, cluster, point, how):
    portal = make_portal(server=cluster.url)
    portal.stop_at(point)
    portal.start(FAMILY, "work")
    portal.stopped_at(point)

    getattr(cluster, how)()
    portal.go_on(point)
    cluster.start()

    assert judge(portal) == []


@in_the_long_form
def test_row_7_an_edit_that_the_database_crashes_in_says_so_and_may_be_sent_again(make_portal, cluster):
    """It has marked what it changes, and has not committed."""
    portal = make_portal(server=cluster.url)
    visitor = Visitor(portal)
    portal.wait_until_settled()
    seen = visitor.cell("fields", 2, "y")
    portal.stop_at("mark")
    answers = []
    editing = threading.Thread(target=lambda: answers.append(visitor.edit("fields", 2, "y", 7.5, seen)))
    editing.start()
    portal.stopped_at("mark")

    cluster.stop_at_once()
    portal.go_on("mark")
    editing.join()
    page = visitor.ask("GET", "/api/worktables/")
    cluster.start()

    assert [status for status, _ in answers] == [503]
    assert "database-silent" in answers[0][1]
    assert "look whether the change is there already" in answers[0][1]
    assert page[0] == 503
    assert visitor.cell("fields", 2, "y") == seen, "the first request after it is answered"
    assert visitor.edit("fields", 2, "y", 7.5, seen)[0] == 200
    assert visitor.edit("fields", 2, "y", 7.5, seen)[0] == 200, "sent once more, it changes nothing"
    assert portal.count("worktables_change WHERE action = 'edit'") == 1
    assert judge(portal) == []


def test_row_8_connections_are_cut_every_half_second(make_portal, cluster):
    """Two people edit, each their own cells; what was answered well is there in the end."""
    portal = make_portal(server=cluster.url, step=0.01)
    visitor = Visitor(portal)
    over, cuts = threading.Event(), []

    def cut():
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(0.5)
            cuts.append(cluster.cut(portal.name))
        over.set()

    def edit(row_id):
        values = (float(n % 7) for n in range(10**6))
        return edit_without_loss(visitor, "fields", row_id, "x", values, over.is_set)

    _, (first, one), (second, other) = at_once(cut, lambda: edit(1), lambda: edit(2))

    assert visitor.cell("fields", 1, "x") == first
    assert visitor.cell("fields", 2, "x") == second
    portal.wait_until_settled()
    assert portal.count("worktables_unit WHERE reason LIKE 'could not be completed%'") == 0
    answers = one + other
    figures = {str(status or "lost"): answers.count(status) for status in (200, 503, LOST)}
    note("connections cut", cuts=sum(cuts), **{f"answers_{name}": n for name, n in figures.items()})
    assert judge(portal) == []


@pytest.mark.skipif(bool(SERVER), reason="with SQLite the processes are the database")
@pytest.mark.parametrize("point", [*IN_WORK, "mark"])
def test_row_7_on_sqlite_everything_is_killed_in_the_middle_of_a_transaction(make_portal, point):
    portal = make_portal()
    portal.stop_at(point)
    if point == "mark":
        editing = portal.start(FAMILY, "edit", "1", "30")
        portal.stopped_at(point)
        os.kill(editing.pid, signal.SIGKILL)
    else:
        portal.start(FAMILY, "work")
        portal.stopped_at(point)
    portal.kill_everybody()
    portal.go_on(point)

    portal.start(FAMILY, "work")
    portal.do(FAMILY, "edit", "2", "5")

    assert judge(portal) == []


# ------------------------------------------------------------------ a backup is taken while all work


@in_the_long_form
def test_row_26_a_backup_taken_under_load_is_whole(make_portal, tmp_path):
    """What ran when it was taken is computed once it is restored."""
    portal = make_portal(step=0.02, lease=3)
    portal.start(FAMILY, "work")
    editing = threading.Thread(target=portal.do, args=(FAMILY, "edit", "1", "60"))
    editing.start()
    portal.wait_until(lambda: portal.count("worktables_todo WHERE owner IS NOT NULL"))

    restored = portal.backup(tmp_path / "restored")
    try:
        unfinished = restored.count("worktables_todo")
        editing.join()
        restored.start(FAMILY, "work")
        wrong = judge(restored)
    finally:
        restored.remove()

    assert unfinished, "it was taken while there was work"
    assert wrong == []
    assert judge(portal) == []
