"""``python -m benchmarks.vo``: answers of a million rows, cones and cross-matches, on both databases."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        "python -m benchmarks.vo",
        description="Processor time of answers beside that of draining a bare COPY, growth of memory, first byte, "
        "cones and cross-matches. Each measurement is printed as a line of JSON.",
    )
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql")
    )
    parser.add_argument("--rows", nargs="+", type=int, default=(1_000_000,), metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    asked = parser.parse_args(arguments)

    from benchmarks.engine.machine import own_postgresql

    with ExitStack() as stack:
        server = stack.enter_context(own_postgresql())[0] if "postgresql" in asked.databases else ""
        for rows in asked.rows:
            for database in asked.databases:
                for facts in run_once(rows, asked.rounds, server if database == "postgresql" else ""):
                    print(
                        json.dumps(facts | {"rows": rows, "database": database, "load": os.getloadavg()[0]}),
                        flush=True,
                    )


def run_once(rows, rounds, server):
    """Measure one size in a fresh portal, and yield what it says, line by line."""
    from benchmarks.engine.machine import fresh_database

    with tempfile.TemporaryDirectory(prefix="stoa-benchmark-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
        environment |= {
            "STOA_HOME": home,
            "STOA_DATABASE_URL": fresh_database(server, "stoa") if server else "",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "benchmarks.vo.scene", str(rows), str(rounds)]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as running:
            for line in running.stdout:
                yield json.loads(line)
        if running.returncode:
            raise SystemExit(f"the measurement ended with {running.returncode}")


if __name__ == "__main__":
    main()
