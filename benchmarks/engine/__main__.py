"""``python -m benchmarks.engine``: measure what is missing, then write the tables."""

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
HERE = Path(__file__).parent
DATABASES = "sqlite", "postgresql"
SIZES = 1_000, 10_000, 100_000
PEERS = "doit", "datajoint", "redun", "celery"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        "python -m benchmarks.engine",
        description="What the engine costs, and how soon an edit is fresh again, at several sizes, on both databases; "
        "and what others cost with the same rows.",
        epilog="Rounds are added to those measured before; delete rounds.jsonl in the output to begin anew.",
    )
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES, metavar="DATABASE")
    parser.add_argument("--rows", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument(
        "--checkouts",
        nargs="+",
        type=Path,
        default=[ROOT],
        metavar="FOLDER",
        help="other editions of the code (with this benchmark in them), to be measured in turn with each other",
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=PEERS,
        default=PEERS,
        metavar="PEER",
        help=f"what to measure in turn with Stoa, all unless named: {', '.join(PEERS)}",
    )
    parser.add_argument("--alone", action="store_true", help="measure Stoa without the peers")
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="FOLDER")
    parser.add_argument("--summarise", action="store_true", help="only write the tables again")
    asked = parser.parse_args(arguments)
    asked.peers = [] if asked.alone else asked.peers or PEERS

    asked.output.mkdir(parents=True, exist_ok=True)
    if not asked.summarise:
        run(asked)
    from benchmarks.engine.report import write_report

    print(write_report(asked.output, ROOT.name))


def run(asked):
    from benchmarks.engine.machine import own_postgresql

    with ExitStack() as stack:
        server = ("", 0)
        if "postgresql" in asked.databases or "datajoint" in asked.peers:
            server = stack.enter_context(own_postgresql())
        peers = None
        if asked.peers:
            from benchmarks.engine.peers.running import Peers

            peers = Peers(asked.peers, asked.output, server)
        for _ in range(asked.rounds):
            for rows in asked.rows:
                for database in asked.databases:
                    for checkout in asked.checkouts:
                        facts = run_once(checkout, rows, *(server if database == "postgresql" else ("", 0)))
                        keep(asked.output, facts | {"checkout": checkout.name})
                for facts in peers.measure(rows) if peers else ():
                    keep(asked.output, facts)


def keep(output, facts):
    from benchmarks.engine.machine import processor

    facts = facts | {"load": os.getloadavg(), "cores": os.cpu_count(), "processor": processor()}
    with (output / "rounds.jsonl").open("a") as file:
        file.write(json.dumps(facts) + "\n")
    print(json.dumps(facts), flush=True)


def run_once(checkout, rows, server, postmaster):
    """Measure one size in a fresh portal; return what it says."""
    from benchmarks.engine.machine import fresh_database

    with tempfile.TemporaryDirectory(prefix="stoa-benchmark-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}
        environment |= {
            "STOA_HOME": home,
            "STOA_DATABASE_URL": fresh_database(server, "stoa") if server else "",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": str(checkout),
        }
        environment |= {k: v for k, v in os.environ.items() if k.startswith("STOA_BENCHMARK")}
        command = [sys.executable, "-m", "benchmarks.engine.scene", "measure", str(rows), str(postmaster)]
        done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


if __name__ == "__main__":
    main()
