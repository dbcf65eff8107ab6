"""A portal of its own for a test that kills: its folder, its database, and the processes that work for it."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds; only a failing test waits so long
BUSY = """
    SELECT w.pid, w.token FROM worktables_worker w WHERE w.stopped_at IS NULL
    AND EXISTS (SELECT 1 FROM worktables_todo t WHERE t.owner = w.token) ORDER BY w.started_at
"""


class ScratchPortal:
    """A portal beside the one of the tests.

    Parameters
    ----------
    home : pathlib.Path
        Made by whoever makes the portal.
    archive : pathlib.Path
        Where its projects read from; may be shared.
    server : str
        URL of the test session's PostgreSQL database, beside which this one gets its own; empty for SQLite.
    redis : str
        URL of a broker; empty for none.
    """

    def __init__(self, home, archive, server="", redis=""):
        self.home, self.server = home, server
        base = server.rpartition("/")[0]
        self.name = (
            f"{server.rpartition('/')[2]}_{home.name}_{os.getpid()}".replace("-", "_") if server else ""
        )
        self.url = f"{base}/{self.name}" if server else ""
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
        self.environment |= {
            "STOA_HOME": str(home),
            "STOA_ARCHIVE_ROOT": str(archive),
            "STOA_DATABASE_URL": self.url,
            "STOA_REDIS_URL": redis,
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.processes, self.killed = [], set()

    def create(self, like=None):
        """Make folder and database: empty, or as those of another portal."""
        if like is None:
            self.home.mkdir()
        else:
            shutil.copytree(like.home, self.home)
        if self.server:
            self._administer(f'CREATE DATABASE "{self.name}"' + (f' TEMPLATE "{like.name}"' if like else ""))
        return self

    def _administer(self, sql):
        with closing(psycopg2.connect(self.server.rpartition("/")[0] + "/postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute(sql)

    def remove(self):
        """Stop what still runs, and leave nothing behind."""
        self.stop()
        if self.server:
            self._administer(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        shutil.rmtree(self.home, ignore_errors=True)

    def do(self, module, *arguments):
        """Run a module in this portal and return what it wrote."""
        command = [sys.executable, "-m", module, *arguments]
        facts = {"env": self.environment, "cwd": ROOT, "capture_output": True, "text": True}
        done = subprocess.run(command, timeout=PATIENCE, **facts)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def told(self, module):
        """Return what a module tells of this portal."""
        return json.loads(self.do(module, "tell"))

    def start(self, *arguments):
        """Start a process that works for this portal, in a session of its own; what it says goes into a file."""
        log = open(self.home / f"process{len(self.processes)}.log", "w")  # noqa: SIM115 - the child keeps it
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        return process

    def said(self):
        """Return the last that the processes said, for the message of a failing test."""
        return "\n".join(path.read_text()[-2000:] for path in sorted(self.home.glob("process*.log")))

    def stop(self):
        """End all processes: politely, then not."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            kill_group(process.pid)
            process.wait()
        self.processes.clear()

    @contextmanager
    def _connection(self):
        if self.server:
            connection = psycopg2.connect(self.url)
        else:
            connection = sqlite3.connect(f"file:{self.home / 'stoa.sqlite3'}?mode=ro", uri=True, timeout=30)
        with closing(connection):
            yield connection

    def ask(self, sql):
        """Return the rows of a query, from a connection that is closed again."""
        with self._connection() as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()

    def count(self, what):
        [(number,)] = self.ask(f"SELECT COUNT(*) FROM {what}")
        return number

    def wait_until(self, question, patience=PATIENCE):
        """Ask until the answer is yes."""
        deadline = time.monotonic() + patience
        while not (answer := question()):
            assert time.monotonic() < deadline, f"waited in vain; the processes said:\n{self.said()}"
            time.sleep(0.1)
        return answer

    def wait_until_settled(self):
        self.wait_until(lambda: not self.count("worktables_todo"))

    def kill_one_at_work(self, rng):
        """Kill a worker that has units in hand, by SIGKILL; return its process number.

        It is stopped before it is looked at, so that what it had in hand it had when it died.
        """
        while True:
            busy = self.wait_until(lambda: [each for each in self.ask(BUSY) if each[1] not in self.killed])
            pid, token = rng.choice(busy)
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                continue
            if self.count(f"worktables_todo WHERE owner = '{token}'"):
                os.kill(pid, signal.SIGKILL)
                self.killed.add(token)  # what it held is given back a moment later
                return pid
            os.kill(pid, signal.SIGCONT)


def kill_group(leader):
    """Kill a process group by its leader's number, if there still is one."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
