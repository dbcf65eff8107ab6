"""What the machine lends: a PostgreSQL of our own, and the clock of processor time."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")

# Those of docs/deploy.md; the rest is as PostgreSQL comes, with every commit of a result or an edit on the disk.
SETTINGS = "-c shared_buffers=1GB -c work_mem=32MB -c max_wal_size=4GB -c checkpoint_timeout=15min"


class NoServer(Exception):
    """There is no PostgreSQL to start."""


@contextmanager
def own_postgresql():
    """Start a PostgreSQL set up as `docs/deploy.md` says; yield its URL, without a database, and its process number."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/local/bin"), Path("/usr/bin")]
    programs = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if programs is None:
        raise NoServer("no initdb: install the PostgreSQL server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="stoa-benchmark-"))
    home.chmod(0o755)
    data = home / "data"
    data.mkdir()
    prefix = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(data, "postgres")
        prefix = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]

    def run(program, *arguments):
        command = [*prefix, str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, cwd=data, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 {SETTINGS}"
        run("pg_ctl", "-w", "-l", str(data / "log"), "-o", options, "start")
        try:
            pid = int((data / "postmaster.pid").read_text().split()[0])
            yield f"postgresql://postgres@127.0.0.1:{port}", pid
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fresh_database(server, name):
    """Make an empty database of that name, whatever it held; return its URL."""
    import psycopg2

    with closing(psycopg2.connect(f"{server}/postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def cpu_seconds(pids):
    """Return the processor time of these processes and of all they started, as far as they still know of it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            facts = read_facts(entry.name)
            if facts:
                children.setdefault(facts[0], []).append((int(entry.name), facts))
    known = {pid: facts for found in children.values() for pid, facts in found}
    total, waiting = 0, [pid for pid in pids if pid in known]
    while waiting:
        pid = waiting.pop()
        total += sum(known[pid][1:])
        waiting += [child for child, _ in children.get(pid, [])]
    return total / TICK


def read_facts(pid):
    """Return parent, and user and system time of a process and of its ended children; None if it is gone."""
    try:
        text = Path("/proc", pid, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), *map(int, fields[11:15])


def processor():
    """Return what the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
