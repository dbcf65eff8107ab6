"""The small tables of the engine's tests serve here, too; and servers and portals that may be killed."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from tests.faults.oracle import FAMILY
from tests.faults.scratch import ScratchPortal
from tests.faults.servers import Broker, Cluster, programs_of_postgresql
from tests.worktables.conftest import _files_in_a_folder_of_their_own, cells, family, work, worktable

__all__ = ["_files_in_a_folder_of_their_own", "cells", "family", "work", "worktable"]

LONG = os.environ.get("STOA_FAULTS") == "long"
in_the_long_form = pytest.mark.skipif(not LONG, reason="in the long form: make faults")
SERVER = os.environ.get("STOA_DATABASE_URL", "")
seen = []  # what the long form measured


def some(first, *others):
    """Return all of these in the long form, in the short one the first."""
    return [first, *others] if LONG else [first]


def pytest_terminal_summary(terminalreporter):
    """Write what was counted, where there is something to be shown."""
    if LONG and seen:
        terminalreporter.section("faults: what was seen")
        for line in seen:
            terminalreporter.write_line(line)


def note(what, **figures):
    """Keep figures for the table at the end of the long form."""
    seen.append(
        f"{what}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    )


def lacking(reason):
    """Skip visibly; where everything is to be tried, fail."""
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture
def broker(tmp_path):
    """A broker that runs, where the suite has one."""
    broker = make_broker(tmp_path)
    yield broker.start()
    broker.kill()


def make_broker(folder, **facts):
    """Return a broker that does not run yet, where the suite has one."""
    if not os.environ.get("STOA_REDIS_URL"):
        pytest.skip("STOA_REDIS_URL is not set: Celery is tried where there is Redis")
    if shutil.which("redis-server") is None:
        lacking("no redis-server in PATH, and Celery is tried with one of its own")
    return Broker(folder, **facts)


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of our own that runs; whoever crashes it starts it again."""
    if not SERVER:
        pytest.skip("STOA_DATABASE_URL is not set: a database server is crashed where there is PostgreSQL")
    if programs_of_postgresql() is None:
        lacking("no initdb: the PostgreSQL that is crashed is one of the suite's own")
    home = Path(tempfile.mkdtemp(prefix="stoa-faults-"))
    home.chmod(0o755)
    cluster = Cluster(home / "cluster")
    try:
        yield cluster.start()
    finally:
        cluster.remove()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Return the portal, with the family in it, of which all others beside a database are copies."""
    made = {}

    def of(server):
        if server not in made:
            folder = tmp_path_factory.mktemp("built")
            made[server] = ScratchPortal(folder / "family", folder / "archive", server)
            made[server].create().do(FAMILY, "build")
        return made[server]

    yield of
    for portal in made.values():
        with suppress(psycopg2.OperationalError):  # a server of our own may be gone, with all that was in it
            portal.remove()


@pytest.fixture
def make_portal(tmp_path, built):
    """Make portals of their own with the toy family in them: beside the tests' database unless another is named."""
    made = []

    def make(name="family", server=SERVER, home=None, **facts):
        portal = ScratchPortal(home or tmp_path / name, tmp_path / "archive", server, **facts)
        made.append(portal)
        return portal.create(like=built(server))

    yield make
    for portal in made:
        portal.remove()


@pytest.fixture
def portal(make_portal):
    """The family in a portal of its own."""
    return make_portal()
