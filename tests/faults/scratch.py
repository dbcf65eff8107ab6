"""A portal of its own for a test that kills: its folder, its database, and the processes that work for it."""

import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2

from tests.faults.servers import programs_of_postgresql

ROOT = Path(__file__).parents[2]
numbers = itertools.count()
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
    **faults
        What is done to its processes, as `tests.faults.disturbing` has it.
    """

    def __init__(self, home, archive, server="", redis="", **faults):
        self.home, self.server = home, server
        base = server.rpartition("/")[0]
        unique = f"{home.name}_{os.getpid()}_{next(numbers)}"
        self.name = f"{server.rpartition('/')[2]}_{unique}".replace("-", "_") if server else ""
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
        self.environment |= {f"STOA_FAULTS_{name.upper()}": str(value) for name, value in faults.items()}
        self.processes, self.killed, self.started = [], set(), 0

    def create(self, like=None):
        """Make folder and database: empty, or as those of another portal."""
        if like is None:
            self.home.mkdir()
        else:
            shutil.copytree(like.home, self.home)
        if self.server:
            self._administer(f'CREATE DATABASE "{self.name}"' + (f' TEMPLATE "{like.name}"' if like else ""))
            # The copy's sequences believe that their next numbers are safe; those of the original are. Without this a
            # crash of the server would make them give out the same numbers again.
            with suppress(psycopg2.errors.InsufficientPrivilege):
                self._administer("CHECKPOINT")
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

    def do(self, module, *arguments, patience=PATIENCE):
        """Run a module in this portal and return what it wrote."""
        command = [sys.executable, "-m", module, *arguments]
        facts = {"env": self.environment, "cwd": ROOT, "capture_output": True, "text": True}
        done = subprocess.run(command, timeout=patience, **facts)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def told(self, module):
        """Return what a module tells of this portal."""
        return json.loads(self.do(module, "tell"))

    def start(self, *arguments):
        """Start a process that works for this portal, in a session of its own; what it says goes into a file."""
        self.started += 1
        log = open(self.home / f"process{self.started}.log", "w")  # noqa: SIM115 - the child keeps it
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

    def backup(self, home):
        """Take a backup while all goes on, as docs/deploy.md says, and return the portal restored from it."""
        restored = ScratchPortal(home, self.home.parent / "archive", self.server)
        restored.create()
        faults = {name: said for name, said in self.environment.items() if name.startswith("STOA_FAULTS_")}
        restored.environment |= faults
        if self.server:
            programs = programs_of_postgresql()
            dump = home / "dump"
            subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, self.url], check=True)
            subprocess.run([programs / "pg_restore", "-d", restored.url, dump], check=True)
        else:
            with closing(sqlite3.connect(home / "stoa.sqlite3")) as copy, self._connection() as connection:
                connection.backup(copy)
        shutil.copytree(self.home / "files", home / "files", ignore=shutil.ignore_patterns("incoming"))
        return restored

    def tables(self):
        """Return the physical tables of the worktables, by name."""
        return {name: f"wt_{pk}" for pk, name in self.ask("SELECT id, name FROM worktables_worktable")}

    def wait_until(self, question, patience=PATIENCE):
        """Ask until the answer is yes."""
        deadline = time.monotonic() + patience
        while not (answer := question()):
            assert time.monotonic() < deadline, f"waited in vain; the processes said:\n{self.said()}"
            time.sleep(0.1)
        return answer

    def wait_until_settled(self):
        self.wait_until(lambda: not self.count("worktables_todo"))

    def stop_at(self, point):
        """Ask the next process that comes to a point of `disturbing.POINTS` to stop there."""
        (self.home / f"stop-at-{point}").touch()

    def stopped_at(self, point):
        """Wait until one has stopped there; return its number."""
        stopped = self.home / f"stopped-at-{point}"
        return int(self.wait_until(lambda: stopped.exists() and stopped.read_text()))

    def go_on(self, point):
        """Let it go on."""
        (self.home / f"stopped-at-{point}").unlink()

    def everybody(self):
        """Return the numbers of all processes that live for this portal, whoever started them."""
        mark, found = f"STOA_HOME={self.home}".encode(), []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found += [int(entry.name)] if is_alive(entry.name) else []
            except OSError:
                continue
        return found

    def kill_everybody(self):
        """Kill all processes of this portal at once, as a power cut does."""
        self._kill(self.everybody())

    def kill_started(self):
        """Kill all that were started here, and their children, at once; who edits meanwhile is spared."""
        started = {process.pid for process in self.processes}
        self._kill([pid for pid in self.everybody() if started & set(ancestors(pid))])

    def _kill(self, killed):
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.wait_until(lambda: not any(map(is_alive, killed)))
        self.processes.clear()

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


def is_alive(pid):
    """Say whether a process of this number runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ancestors(pid):
    """Return a process and all above it, as far as they live."""
    found = []
    while pid > 1:
        found.append(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return found


def kill_group(leader):
    """Kill a process group by its leader's number, if there still is one."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
