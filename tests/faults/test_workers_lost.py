"""Workers that fall asleep, are asked to leave, lose their parent, or are wrong about the time."""

import os
import signal
import time

import pytest

from tests.faults.conftest import in_the_long_form, some
from tests.faults.oracle import FAMILY, judge
from tests.faults.scratch import PATIENCE, is_alive
from tests.faults.visiting import Visitor

LEASE = 2.0


def asleep_past_its_lease(portal):
    """Let a worker fall asleep between computing and writing; wake it when another one has done its work."""
    portal.start(FAMILY, "work")
    portal.wait_until_settled()
    portal.stop_at("executed")
    portal.do(FAMILY, "put", "fields", "2", "x", "4.25")
    asleep = portal.stopped_at("executed")
    os.kill(asleep, signal.SIGSTOP)
    # The units it has in hand are done by another one, and then it writes what it has.
    portal.wait_until_settled()
    [(before,)] = portal.ask("SELECT COUNT(*) FROM pipelines_run")
    portal.go_on("executed")
    os.kill(asleep, signal.SIGCONT)
    portal.wait_until(lambda: portal.count("pipelines_run") > before)


def test_row_3_a_worker_asleep_for_longer_than_its_lease_is_refused(make_portal):
    portal = make_portal(lease=LEASE)

    asleep_past_its_lease(portal)

    assert portal.count("pipelines_run WHERE NOT accepted") > 0
    assert judge(portal) == []


def test_row_27_without_the_fence_a_worker_that_was_asleep_is_accepted(make_portal):
    portal = make_portal(lease=LEASE, fence="off")

    asleep_past_its_lease(portal)

    [wrong] = judge(portal)
    assert "have two accepted runs" in wrong


@pytest.mark.parametrize("seconds", some(2.0, 0.02))
def test_row_4_a_worker_asked_to_leave_gives_back_what_it_has_and_no_attempt_is_counted(make_portal, seconds):
    """As when a new version is put in its place; also when its step takes longer than anybody waits."""
    portal = make_portal(step=seconds)
    process = portal.start(FAMILY, "work")
    portal.wait_until(lambda: portal.count("worktables_todo WHERE owner IS NOT NULL"))

    process.terminate()
    process.wait(PATIENCE)

    assert portal.everybody() == []
    left = portal.ask("SELECT owner, attempts FROM worktables_todo")
    assert left
    assert set(left) == {(None, 0)}
    portal.environment["STOA_FAULTS_STEP"] = "0"
    portal.start(FAMILY, "work")
    assert judge(portal) == []


@in_the_long_form
@pytest.mark.parametrize("hours", some(-1, 1))
def test_row_22_a_worker_whose_clock_is_wrong_by_an_hour_neither_loses_nor_takes(make_portal, hours):
    """One is right and one is wrong: leases are by the clock of the database alone."""
    portal = make_portal(lease=LEASE, step=0.02)
    portal.start(FAMILY, "work")
    right = dict(portal.environment)
    portal.environment["STOA_FAULTS_CLOCK"] = str(3600 * hours)
    portal.start(FAMILY, "work")
    portal.environment = right
    portal.wait_until(lambda: portal.count("worktables_worker") == 4)
    time.sleep(2 * LEASE)

    assert portal.count("worktables_worker WHERE stopped_at IS NULL") == 4, "nobody was given up"
    portal.do(FAMILY, "edit", "1", "10")
    portal.wait_until_settled()
    assert portal.count("worktables_todo WHERE attempts > 0") == 0
    assert judge(portal) == []


def test_row_25_the_command_is_killed_its_processes_leave_and_the_next_start_recovers(make_portal):
    portal = make_portal(step=0.05)
    visitor = Visitor(portal)
    portal.wait_until(lambda: portal.count("worktables_todo WHERE owner IS NOT NULL"))
    started = portal.everybody()
    assert len(started) >= 3, "the command, the web server and a worker"

    os.kill(visitor.process.pid, signal.SIGKILL)
    visitor.process.wait(PATIENCE)
    portal.wait_until(lambda: not any(map(is_alive, started)))
    visitor.start()

    assert judge(portal) == []
