"""Everything at once, at random: edits while workers are killed, the database crashes and the broker forgets.

The short form belongs to every run of the suite; `make faults` runs the long one and shows what it counted.
"""

import itertools
import json
import random
import threading
import time

import pytest

from tests.faults.conftest import LONG, SERVER, make_broker, note
from tests.faults.oracle import FAMILY, differences, judge, lost
from tests.faults.scratch import PATIENCE, kill_group

EDITORS = 2
EDITS = 600 if LONG else 40  # of each editor, and more until the last blow has fallen
KILLS = 100 if LONG else 6
CRASHES = 6 if LONG else 1
CELERY = ("celery", "-A", "portal", "worker", "--concurrency", "2", "--include", "tests.faults.disturbing")


class Editors:
    """Programs that change things at random, one after the other, until told that it is enough."""

    def __init__(self, portal):
        self.portal, self.told, self.seeds, self.enough = portal, [], itertools.count(), threading.Event()
        self.threads = [threading.Thread(target=self.keep_editing) for _ in range(EDITORS)]
        self.broken = []

    def keep_editing(self):
        """Make EDITS changes and more."""
        try:
            while True:
                told = self.portal.do(
                    FAMILY, "edit", str(next(self.seeds)), str(EDITS), patience=EDITS * PATIENCE
                )
                self.told.append(json.loads(told))
                if self.enough.is_set():
                    return
        except BaseException as error:
            self.broken.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.enough.set()
        if kind is not None:  # the test has failed: nobody waits for the rest
            self.portal.kill_everybody()
        for thread in self.threads:
            thread.join()
        if self.broken and kind is None:
            raise self.broken[0]

    def count(self, what):
        """Return how often that happened to all of them."""
        return sum(told[what] for told in self.told)


def assert_nothing_is_lost(portal, editors):
    missing = [cell for told in editors.told for cell in lost(portal, told)]
    assert missing == [], "of these it was said that they were written"


def moments():
    """Return the blows in the order in which they fall."""
    blows = ["kill"] * KILLS
    for number in range(CRASHES):
        blows.insert((2 * number + 1) * KILLS // (2 * CRASHES) + number, "crash")
    return blows


@pytest.mark.skipif(bool(SERVER), reason="SQLite has no server that could crash")
def test_edits_kills_and_the_machine_switched_off_leave_no_wrong_cell(make_portal):
    """What is switched off here is every process at once: the file system forgets nothing, as it might."""
    portal, rng = make_portal(), random.Random(3)
    portal.start(FAMILY, "work")

    with Editors(portal) as editors:
        for blow in moments():
            time.sleep(rng.uniform(0.05, 0.4))
            if blow == "kill":
                portal.kill_one_at_work(rng)
            else:
                portal.kill_started()
                portal.start(FAMILY, "work")
    wrong = judge(portal)

    assert wrong == []
    assert_nothing_is_lost(portal, editors)
    show("SQLite", portal, editors)


def test_edits_kills_crashes_and_a_forgetful_broker_leave_no_wrong_cell(make_portal, cluster, tmp_path):
    """Celery's workers and two that need no broker; now a worker is killed, now the database server crashes."""
    broker = make_broker(tmp_path).start()
    portal = make_portal(server=cluster.url, redis=broker.url, celery=1)
    rng, crashes = random.Random(4), cluster.crashes
    celery = portal.start(*CELERY)
    portal.start(FAMILY, "work")

    try:
        with Editors(portal) as editors:
            for number, blow in enumerate(moments()):
                time.sleep(rng.uniform(0.05, 0.4))
                if blow == "kill":
                    killed = portal.kill_one_at_work(rng)
                    if killed == celery.pid:  # the main process has nobody who brings it back
                        kill_group(celery.pid)
                        celery.wait(PATIENCE)
                        celery = portal.start(*CELERY)
                else:
                    cluster.kill() if number % 2 else cluster.stop_at_once()
                    disturb_broker(broker, number)
                    time.sleep(rng.uniform(0, 1))
                    cluster.start()
        wrong = judge(portal)
    finally:
        broker.kill()

    assert wrong == []
    assert_nothing_is_lost(portal, editors)
    assert cluster.crashes - crashes == CRASHES
    show("PostgreSQL", portal, editors, crashes=CRASHES)


def disturb_broker(broker, number):
    """Let it forget, or die and come back knowing nothing."""
    if number % 3:
        broker.forget_everything()
    else:
        broker.kill()
        broker.start()


def show(where, portal, editors, **more):
    told = {"edits": editors.count("done"), "refused": editors.count("refused")}
    told |= {"unanswered": editors.count("silent"), "kills": len(portal.killed), **more}
    told |= {
        "runs": portal.count("pipelines_run"),
        "refused_runs": portal.count("pipelines_run WHERE NOT accepted"),
    }
    note(f"storm on {where}", **told, wrong=0, lost=0, accepted_twice=0)
    assert told["edits"] >= EDITORS * EDITS
    assert told["kills"] >= KILLS


def test_row_27_without_the_fence_the_storm_leaves_wrong_cells(make_portal):
    """The control: what the oracle is worth."""
    portal, rng = make_portal(fence="off", dawdle=0.3), random.Random(5)
    portal.start(FAMILY, "work")

    for seed in range(10):
        editing = threading.Thread(target=portal.do, args=(FAMILY, "edit", str(seed), "15"))
        editing.start()
        portal.kill_one_at_work(rng)
        editing.join()
        portal.wait_until_settled()
        if wrong := differences(portal.told(FAMILY)):
            note("storm without the fence", wrong=len(wrong), for_example=wrong[0])
            break

    assert wrong
