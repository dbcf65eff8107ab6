"""A team: three workers of Celery on three hosts, with different classes of work; one of them dies, all ends right."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.faults import hosts
from tests.faults.hosts import PATIENCE, ROOT, Machine, Namespaces, Servers, programs_of_postgresql
from tests.faults.team import ROWS

# What each takes; the first and the last between them take all, so the one in the middle may die.
TAKES = {"vesta": "light,heavy", "juno": "heavy,network", "pallas": "light,heavy,network"}
DIES = "juno"
BUSY = """
    SELECT 1 FROM worktables_todo t JOIN worktables_worker w ON w.token = t.owner
    JOIN worktables_worker p ON p.token = w.parent WHERE p.name = '{name}'
"""
BY_WORKER = """
    SELECT p.name, p.host, p.address, r.host, count(*) FROM pipelines_run r
    JOIN worktables_worker w ON w.name = r.worker AND w.host = r.host JOIN worktables_worker p ON p.token = w.parent
    WHERE r.accepted GROUP BY 1, 2, 3, 4
"""
TWICE = """
    SELECT worktable_id, row_id, step_id, generation FROM pipelines_run WHERE accepted
    GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
"""


class Team:
    """A portal's database and broker, and workers on hosts."""

    def __init__(self, where, home):
        self.hosts = where
        self.servers = Servers(where, *ports())
        self.home, self.workers = home, {}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
        self.environment |= {
            "STOA_HOME": str(home),
            "STOA_DATABASE_URL": self.servers.url,
            "STOA_REDIS_URL": self.servers.broker,
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }

    def build(self):
        """Make the table; nothing is computed yet."""
        self.servers.start()
        self.table, self.x, self.c = map(int, self.do("build").split())

    def do(self, what):
        """Run a function of the scene where the servers are, and return what it wrote."""
        command = [
            *self.hosts.inside(),
            sys.executable,
            "-c",
            f"from tests.faults.team import {what}; {what}()",
        ]
        return hosts.run(*command, env=self.environment, cwd=ROOT)

    def start(self, name):
        """Start a worker of Celery on a host, with two processes."""
        queues = ",".join(f"stoa-{each}" for each in TAKES[name].split(","))
        celery = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "portal",
            "worker",
            "-Q",
            queues,
            "-n",
            f"team@{name}",
        ]
        celery += ["--concurrency", "2", "--include", "tests.faults.team"]
        with open(self.home / f"{name}.log", "w") as log:
            self.workers[name] = subprocess.Popen(
                [*self.hosts.inside(name), *celery],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def count(self, what):
        [(number,)] = self.servers.ask(f"SELECT count(*) FROM {what}")
        return number

    def wait_until(self, question):
        """Ask until the answer is yes."""
        deadline = time.monotonic() + 2 * PATIENCE
        while not (answer := question()):
            said = "\n".join(path.read_text()[-2000:] for path in sorted(self.home.glob("*.log")))
            assert time.monotonic() < deadline, f"waited in vain; the workers said:\n{said}"
            time.sleep(0.1)
        return answer

    def kill_at_work(self, name):
        """Kill the worker of a host with all its processes, while it has units in hand; they are found there."""
        group = self.workers[name].pid
        while True:
            self.wait_until(lambda: self.servers.ask(BUSY.format(name=f"team@{name}")))
            os.killpg(group, signal.SIGSTOP)
            if self.servers.ask(BUSY.format(name=f"team@{name}")):
                os.killpg(group, signal.SIGKILL)
                self.workers.pop(name).wait()
                return
            os.killpg(group, signal.SIGCONT)

    def stop(self):
        """Let the workers leave in order."""
        for process in self.workers.values():
            process.terminate()
        for process in self.workers.values():
            process.wait(PATIENCE)

    def remove(self):
        for process in self.workers.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.servers.remove()
        self.hosts.remove()


def ports():
    """Return two ports nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(params=[Namespaces, Machine], ids=["hosts", "names"])
def team(request, tmp_path):
    """A team on three hosts; and, for where the kernel refuses those, on one, under three names."""
    if not os.environ.get("STOA_REDIS_URL"):
        pytest.skip("STOA_REDIS_URL is not set: a team is tried where there are PostgreSQL and Redis")
    if shutil.which("redis-server") is None or programs_of_postgresql() is None:
        missing = "no redis-server or no initdb here, and a team has servers of its own"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    refused = hosts.why_no_namespaces()
    if request.param is Namespaces and refused:
        pytest.skip(f"three hosts cannot be had: {refused}")
    if request.param is Machine and not refused:
        pytest.skip("tried on three hosts, so not on one under three names")
    made = Team(request.param(list(TAKES)), tmp_path)
    try:
        made.build()
        yield made
    finally:
        made.remove()


def test_three_hosts_share_the_work_and_the_death_of_one_changes_nothing(team):
    for name in TAKES:
        team.start(name)
    team.wait_until(lambda: team.count("worktables_worker WHERE parent = ''") == len(TAKES))
    team.do("fill")

    team.wait_until(lambda: f"team@{DIES}" in {name for name, *_ in team.servers.ask(BY_WORKER)})
    team.kill_at_work(DIES)
    team.wait_until(lambda: not team.count("worktables_todo"))

    cells = team.servers.ask(f"SELECT c{team.x}, c{team.c} FROM wt_{team.table} ORDER BY id")
    assert cells == [(float(x), 2.0 * (x + 1) - 3) for x in range(ROWS)]
    assert team.count("worktables_unit WHERE state <> 0") == 0
    assert team.servers.ask(TWICE) == []

    by_worker = team.servers.ask(BY_WORKER)
    assert {name for name, *_ in by_worker} == {f"team@{name}" for name in TAKES}
    assert sum(number for *_, number in by_worker) == 3 * ROWS
    if isinstance(team.hosts, Namespaces):
        assert sorted({run_host for *_, run_host, _ in by_worker}) == sorted(TAKES)
        assert {(name, host) for name, host, *_ in by_worker} == {(f"team@{name}", name) for name in TAKES}
        assert len({address for _, _, address, _, _ in by_worker} - {team.hosts.address, ""}) == len(TAKES)

    steps = "pipelines_run r JOIN worktables_worker w ON w.name = r.worker AND w.host = r.host"
    mine = f"{steps} JOIN worktables_worker p ON p.token = w.parent WHERE p.name = 'team@{{}}' AND r.step_name = '{{}}'"
    assert team.count(mine.format("vesta", "far")) == team.count(mine.format("juno", "near")) == 0

    # Its work is taken over as its lease ends; that it is lost is written by whoever sweeps next.
    team.wait_until(lambda: team.count("worktables_worker WHERE parent = '' AND lost"))
    team.stop()
    left = team.servers.ask(
        "SELECT name, lost, stopped_at IS NULL FROM worktables_worker WHERE parent = '' ORDER BY name"
    )
    assert left == [("team@juno", True, False), ("team@pallas", False, False), ("team@vesta", False, False)]
