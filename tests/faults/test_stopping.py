"""Steps that do not end by themselves: cancelled or over their limit they are gone, whatever they do, and others go on.

Workers are real: the embedded ones of “stoa up”, and those of Celery where there is a broker.
"""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from pipelines.processes import all_processes
from tests.faults.conftest import in_the_long_form
from tests.faults.lingering import WAYS
from tests.faults.scratch import ScratchPortal

STOPPERS = "tests.faults.stoppers"
CELERY = ("celery", "-A", "portal", "worker", "--concurrency", "2", "--include", "tests.faults.lingering")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux lists them")


@pytest.fixture
def portal_of(tmp_path):
    """Make a portal with a table for each of these ways."""
    made = []

    def make(*ways, redis=""):
        server = os.environ.get("STOA_DATABASE_URL", "")
        portal = ScratchPortal(tmp_path / "stoppers", tmp_path / "archive", server, redis=redis)
        made.append(portal)
        portal.create().do(STOPPERS, "build", *ways)
        (tmp_path / "archive" / "virgo").mkdir(parents=True)
        return portal

    yield make
    for portal in made:
        portal.remove()


def processes_with(text):
    """Return the numbers of the processes that run and have a text in their command."""
    found = []
    for process in all_processes():
        try:
            command = Path(f"/proc/{process.pid}/cmdline").read_text()
        except OSError:
            continue
        if text in command and process.state not in "ZX":
            found.append(process.pid)
    return found


def begun(portal, way):
    """Return the files that say that the step of this way has begun: one for each process that did."""
    return list((Path(portal.environment["STOA_ARCHIVE_ROOT"]) / "virgo").glob(f"{way}-*"))


def wait_until_it_lingers(portal, way):
    (mark,) = portal.wait_until(lambda: begun(portal, way))
    return mark, int(mark.name.rpartition("-")[2])


def cancel(portal, way):
    """Cancel it, as a page would from another process; return when, and what it was told."""
    said = json.loads(portal.do(STOPPERS, "cancel", way))
    assert said["n"] >= 1
    return said["at"]


def gone(portal, way, mark, pid):
    """Say whether nothing of the step runs: no process of it, and its worker has nothing of its table in hand."""
    return not processes_with(str(mark)) and not portal.ask(
        "SELECT 1 FROM worktables_worker w JOIN worktables_todo t ON t.owner = w.token "
        f"JOIN worktables_worktable b ON b.id = t.worktable_id WHERE w.pid = {pid} AND b.name = 't_{way}'"
    )


def check(table):
    """Assert that the row that was cancelled is held, and the others of its batch are computed."""
    assert table["y"] == [2.0, None, 4.0]
    assert [state for state, _ in table["units"]] == ["fresh", "held", "fresh"]
    assert table["units"][1][1].startswith("cancelled by owner")
    assert not [run for run in table["runs"] if run[0] == 2 and run[1]], "nothing of it was accepted"


def cancel_each(portal, ways):
    """Cancel each way as soon as it lingers, whichever comes first; return {way: seconds until nothing of it ran}."""
    took = {}
    while len(took) < len(ways):
        way = portal.wait_until(lambda: next((w for w in ways if w not in took and begun(portal, w)), None))
        mark, pid = wait_until_it_lingers(portal, way)
        at = cancel(portal, way)
        portal.wait_until(lambda way=way, mark=mark, pid=pid: gone(portal, way, mark, pid))
        took[way] = round(time.time() - at, 2)
    return took


def test_cancelled_steps_are_gone_and_their_batches_complete(portal_of):
    """Only what is deep in a library costs a worker; nobody else is charged an attempt."""
    portal = portal_of(*WAYS)
    portal.start(STOPPERS, "work", "1")

    print(cancel_each(portal, WAYS))  # seconds; how busy the machine is decides
    portal.wait_until_settled()

    told = portal.told(STOPPERS)
    for way in WAYS:
        check(told[f"t_{way}"])
        assert len(begun(portal, way)) == 1, f"“{way}” was begun again"
    assert portal.said().count("starting it again") == 1


def test_celery_goes_on_too(broker, portal_of):
    ways = ("sleep", "c", "daemon")
    portal = portal_of(*ways, redis=broker.url)
    portal.start(*CELERY)

    print(cancel_each(portal, ways))
    portal.wait_until_settled()

    told = portal.told(STOPPERS)
    for way in ways:
        check(told[f"t_{way}"])
        assert len(begun(portal, way)) == 1, f"“{way}” was begun again"


def test_steps_over_their_limits_fail_with_that_sentence(portal_of):
    ways = ("sleep", "c", "stubborn", "bare", "greedy")
    portal = portal_of(*(f"limited-{way}" for way in ways))
    portal.start(STOPPERS, "work", "1")
    portal.wait_until_settled()

    told = portal.told(STOPPERS)
    for way in ways:
        table = told[f"t_limited_{way}"]
        assert table["y"] == [2.0, None, 4.0]
        state, reason = table["units"][1]
        assert state == "failed"
        assert reason.endswith(
            "needs more memory than 300 MB, its limit"
            if way == "greedy"
            else "ran longer than 1 s, its limit"
        )
        assert [run[1:] for run in table["runs"] if run[0] == 2] == [[True, reason]]
        [mark] = begun(portal, way)
        assert not processes_with(str(mark))
    assert portal.said().count("starting it again") == 1


@in_the_long_form
def test_a_portal_that_is_stopped_leaves_no_program_and_counts_no_attempt(portal_of):
    portal = portal_of("stubborn")
    supervisor = portal.start(STOPPERS, "work", "1")
    mark, _ = wait_until_it_lingers(portal, "stubborn")

    supervisor.terminate()
    supervisor.wait()

    assert not processes_with(str(mark))
    assert portal.ask("SELECT owner, attempts FROM worktables_todo WHERE row_id = 2") == [(None, 0)]


@in_the_long_form
def test_a_worker_that_is_killed_leaves_no_program(portal_of):
    """The next one ends it before it does anything else."""
    portal = portal_of("stubborn")
    portal.start(STOPPERS, "work", "12")
    mark, pid = wait_until_it_lingers(portal, "stubborn")

    os.kill(pid, 9)

    portal.wait_until(lambda: not processes_with(str(mark)))
    portal.wait_until(lambda: len(begun(portal, "stubborn")) == 2)
