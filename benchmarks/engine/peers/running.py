"""Measuring the peers, one after the other, each in a process of its own, with an end to patience."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.engine.machine import fresh_database
from benchmarks.engine.peers.environment import make_environment

ROOT = Path(__file__).parents[3]
PATIENCE = 300  # seconds for a single measurement


class Peers:
    """Those to be measured, and from which size on one of them is too slow."""

    def __init__(self, names, output, server):
        self.names, self.server, self.postmaster = names, *server
        self.python = make_environment(output)
        self.log = output / "peers.log"
        self.too_many = {}

    def measure(self, rows):
        """Yield what each peer tells of so many rows."""
        for name in self.names:
            if rows < self.too_many.get(name, rows + 1):
                facts = self.measure_one(name, rows)
                if "ended" in facts:
                    self.too_many[name] = rows
                yield facts

    def measure_one(self, name, rows):
        """Return what one peer tells, and in ``ended`` why it tells no more."""
        facts, late = {"peer": name, "rows": rows}, threading.Event()
        with (
            tempfile.TemporaryDirectory(prefix="stoa-benchmark-") as folder,
            self.log.open("a") as log,
            self.start(name, rows, folder, log) as process,
        ):
            while True:
                clock = threading.Timer(PATIENCE, give_up, [process, late])
                clock.start()
                line = process.stdout.readline()
                clock.cancel()
                if not line:
                    break
                facts |= json.loads(line)
            if process.wait():
                facts["ended"] = f"over {PATIENCE / 60:g} min" if late.is_set() else "failed"
        return facts

    @contextmanager
    def start(self, name, rows, folder, log):
        server = fresh_database(self.server, "peers") if name == "datajoint" else ""
        postmaster = self.postmaster if server else 0
        command = [self.python, "-m", f"benchmarks.engine.peers.{name}_chain"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("STOA_", "DJ_"))}
        process = subprocess.Popen(
            [*command, str(rows), folder, server, str(postmaster)],
            cwd=ROOT,
            env=clean | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)
            process.wait()
            process.stdout.close()


def give_up(process, late):
    late.set()
    end(process)


def end(process):
    """End a process and all it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
