"""Workers are killed with SIGKILL while a tree of two hundred fields is computed; the tables never show it."""

import os
import random
import time

import pytest

from tests.faults.scratch import PATIENCE, ScratchPortal, kill_group

SCENE = "tests.faults.scene"
KILLS = 10
UNITS = 750  # of 1318, after which the last kill comes: later on it may all be done before we look


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The survey, nothing computed: what the others are copies of."""
    folder = tmp_path_factory.mktemp("faults")
    portal = ScratchPortal(folder / "built", folder / "archive", os.environ.get("STOA_DATABASE_URL", ""))
    try:
        portal.create().do(SCENE, "build")
        yield portal
    finally:
        portal.remove()


@pytest.fixture
def like_built(built):
    """Make portals in which everything is still to do."""
    made = []

    def make(name, **facts):
        portal = ScratchPortal(built.home.parent / name, built.home.parent / "archive", built.server, **facts)
        made.append(portal)
        return portal.create(like=built)

    yield make
    for portal in made:
        portal.remove()


@pytest.fixture(scope="module")
def undisturbed(built):
    """What the tables say when nobody is killed."""
    portal = ScratchPortal(built.home.parent / "calm", built.home.parent / "archive", built.server)
    try:
        portal.create(like=built).start(SCENE, "work")
        portal.wait_until_settled()
        yield portal.told(SCENE)
    finally:
        portal.remove()


def at_random_moments(portal, rng):
    """Yield, as often as we kill, spread over the work but for its end, where nobody might be left to be killed."""
    for moment in sorted(rng.uniform(0, 0.9 * UNITS) for _ in range(KILLS)):
        portal.wait_until(lambda moment=moment: portal.count("worktables_unit WHERE state = 0") >= moment)
        time.sleep(rng.uniform(0, 0.3))
        yield


def assert_same(told, undisturbed):
    """Nothing is wrong, missing, doubled or left behind."""
    assert told["todo"] == told["owned"] == told["accepted twice"] == 0
    assert told["units"] == undisturbed["units"]
    assert [state for state, _ in told["units"]] == ["fresh"]
    assert told["tables"].keys() == undisturbed["tables"].keys()
    for name, rows in undisturbed["tables"].items():
        assert told["tables"][name].keys() == rows.keys(), f"other rows in {name}"
        for key, cells in rows.items():
            assert told["tables"][name][key] == cells, f"other cells in {name}, {key}"


def test_the_undisturbed_run_is_worth_comparing_with(undisturbed):
    tables = undisturbed["tables"]

    assert tables["observations"]["n_rows"] == 200
    assert tables["sources"]["n_rows"] >= 200
    assert all(cells["n"] > 0 for key, cells in tables["counts"].items() if key != "n_rows")
    assert_same(undisturbed, undisturbed)


def test_embedded_workers_killed_ten_times_change_nothing(like_built, undisturbed):
    rng, portal = random.Random(1), like_built("embedded")
    portal.start(SCENE, "work")

    for _ in at_random_moments(portal, rng):
        portal.kill_one_at_work(rng)
    portal.wait_until_settled()
    told = portal.told(SCENE)

    assert len(portal.killed) == KILLS
    assert_same(told, undisturbed)


def test_celery_workers_killed_ten_times_change_nothing(like_built, undisturbed, broker):
    """Processes of the pool, and once, in the middle, everything at once."""
    rng, portal = random.Random(2), like_built("celery", redis=broker.url)
    celery = ["celery", "-A", "portal", "worker", "--concurrency", "2", "--pool", "prefork"]
    whole = portal.start(*celery)

    for _ in at_random_moments(portal, rng):
        killed = portal.kill_one_at_work(rng)
        # The main process works, too, where its pool is slow; it has nobody who brings it back.
        if len(portal.killed) == KILLS // 2 or killed == whole.pid:
            kill_group(whole.pid)
            whole.wait(PATIENCE)
            whole = portal.start(*celery)
    portal.wait_until_settled()
    told = portal.told(SCENE)

    assert len(portal.killed) == KILLS
    assert_same(told, undisturbed)
