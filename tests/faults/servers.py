"""Servers of the suite's own, made to be crashed: a PostgreSQL cluster and a Redis that nobody else uses."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2

PATIENCE = 60  # seconds; only a failing test waits so long


def free_port():
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def programs_of_postgresql():
    """Return the folder of the server's programs; None where it is not installed."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), Path("/usr/local/bin"), Path("/usr/bin")]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Cluster:
    """A PostgreSQL of our own, so that a crash harms nobody else.

    Parameters
    ----------
    folder : pathlib.Path
        Not there yet. As root, another user must be able to reach it.
    fsync : bool
        Off it is many times faster; what a *process* crash loses is the same, for the kernel keeps what was written.
    """

    def __init__(self, folder, fsync=False):
        self.folder, self.port = folder, free_port()
        self.data = folder / "data"
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/stoa"
        self.programs = programs_of_postgresql()
        self.as_postgres = []
        self.crashes = 0
        folder.mkdir(mode=0o755)
        self.data.mkdir()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.data, "postgres")
            self.as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        settings = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": "''",  # a lock beside a socket would outlive a crash
            "fsync": "on" if fsync else "off",
            "max_connections": 300,
            "max_locks_per_transaction": 256,
            "restart_after_crash": "on",
        }
        with open(self.data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def _run(self, program, *arguments, check=True):
        command = [*self.as_postgres, str(self.programs / program), "-D", str(self.data), *arguments]
        done = subprocess.run(command, cwd=self.data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert not check or done.returncode == 0, done.stderr.decode()

    def start(self):
        """Start the server and wait until it takes connections, its crash recovered from."""
        self._run("pg_ctl", "-w", "-t", str(PATIENCE), "-l", str(self.data / "log"), "start")
        return self

    def stop_at_once(self):
        """Let every process of the server go without a word to its clients, nothing written: an immediate shutdown."""
        self.crashes += 1
        self._run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)

    def kill(self):
        """Kill the postmaster by SIGKILL; wait for its processes, which leave when they notice."""
        self.crashes += 1
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while processes_in(self.data) and time.monotonic() < deadline:
            for left in processes_in(self.data):  # a backend at work notices only when it is idle again
                with suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)
            time.sleep(0.05)
        # Where nobody buries the postmaster, its number would still look alive to the next one.
        (self.data / "postmaster.pid").unlink()

    def cut(self, database):
        """End all connections to a database, as an administrator would; return how many there were."""
        with closing(psycopg2.connect(f"{self.url.rpartition('/')[0]}/postgres")) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", [database]
            )
            return cursor.fetchone()[0]

    def remove(self):
        """Stop the server and leave nothing behind."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def processes_in(folder):
    """Return the numbers of the processes whose working folder this is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                here = os.readlink(entry / "cwd") == str(folder)
                dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if here and not dead:
                found.append(int(entry.name))
    return found


class Broker:
    """A Redis of our own, so that messages of others do not matter and nobody misses it.

    Parameters
    ----------
    folder : pathlib.Path
    kept : bool
        Whether it writes every message to disk, and knows it again after a crash.
    """

    def __init__(self, folder, kept=False):
        self.port, self.folder, self.kept = free_port(), folder, kept
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None

    def start(self):
        """Start it, and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        if self.kept:
            command += ["--appendonly", "yes", "--appendfsync", "always"]
        command += ["--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        import redis

        client, deadline = redis.Redis.from_url(self.url), time.monotonic() + PATIENCE
        while True:
            try:
                client.ping()
                return self
            except redis.RedisError:
                assert time.monotonic() < deadline, "redis-server does not start"
                time.sleep(0.05)
            finally:
                client.close()

    def forget_everything(self):
        """Lose all messages."""
        import redis

        with closing(redis.Redis.from_url(self.url)) as client:
            client.flushall()

    def kill(self):
        """Kill it by SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
