"""``python -m benchmarks.basc``: run what is missing, then write the tables and figures."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
from pathlib import Path

# Before numpy is imported, here and in the processes started: one thread each, so that CPU time compares.
for _library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

RANKED_FIELDS = 1000
PARTS = "ideal", "proposals", "m87", "ranks", "natures"
FINDERS = "basc", "sep", "aegean", "pybdsf", "sep-dirty"
HERE = Path(__file__).parent


def main(arguments=None):
    parser = argparse.ArgumentParser(
        "python -m benchmarks.basc",
        description="BaSC against fields of known truth and against other finders.",
        epilog="What has been run is not run again; delete files of the output to begin anew.",
    )
    parser.add_argument(
        "--groups",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help="groups or families of them (patterns like 'single-*', 'pair'), "
        f"and the parts without groups: {', '.join(PARTS)}; default all",
    )
    parser.add_argument("--finders", nargs="+", choices=FINDERS, default=FINDERS, metavar="FINDER")
    parser.add_argument("--fields", type=int, metavar="N", help="at most so many fields per group")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="FOLDER")
    parser.add_argument("--summarise", action="store_true", help="only write tables and figures again")
    asked = parser.parse_args(arguments)

    asked.output.mkdir(parents=True, exist_ok=True)
    if not asked.summarise:
        run(asked)
    from benchmarks.basc.report import write_report

    print(write_report(asked.output))


def run(asked):
    from benchmarks.basc.fields import all_groups
    from benchmarks.basc.running import run_groups

    groups = [g for g in all_groups() if chosen(g.name, asked.groups) or chosen(g.family, asked.groups)]
    unknown = [
        pattern
        for pattern in asked.groups
        if not any(fnmatch.fnmatch(name, pattern) for g in all_groups() for name in (g.name, g.family))
        and not fnmatch.filter(PARTS, pattern)
    ]
    if unknown:
        sys.exit(f"There is no group, family or part {', '.join(unknown)}.")
    missing = run_groups(groups, asked.finders, asked.output, most_fields=asked.fields, jobs=asked.jobs)
    keep(asked.output / "missing.json", missing)
    for part in PARTS:
        if chosen(part, asked.groups) and (part == "ideal" or "basc" in asked.finders):
            print(f"{part} ...", flush=True)
            globals()[f"run_{part}"](asked)


def run_ideal(asked):
    """It has nothing of BaSC in it, and is run once."""
    from benchmarks.basc.ideal import measure_limits

    if not (asked.output / "ideal.json").exists():
        numbers = (asked.fields * 20, asked.fields * 10) if asked.fields else ()
        keep(asked.output / "ideal.json", measure_limits(*numbers, tell=print))


def run_proposals(asked):
    from benchmarks.basc.cost import cost_per_proposal

    keep(asked.output / "proposals.json", cost_per_proposal())


def run_m87(asked):
    from benchmarks.basc.m87 import NoTestData, measure_m87

    try:
        keep(asked.output / "m87.json", measure_m87())
    except NoTestData as error:
        print(f"SKIPPED m87: {error}")


def run_ranks(asked):
    from benchmarks.basc.calibration import prior_of_basc, rank_fields

    try:
        draw, options = prior_of_basc()
    except (ImportError, KeyError) as error:
        print(f"SKIPPED ranks: this edition of basc cannot draw from its prior ({error})")
        return
    rank_fields(draw, min(RANKED_FIELDS, asked.fields or RANKED_FIELDS), asked.output, **options)


def run_natures(asked):
    from benchmarks.basc.natures import measure_natures

    numbers = (asked.fields, asked.fields) if asked.fields else ()
    keep(asked.output / "natures.json", measure_natures(*numbers, tell=print))


def chosen(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def keep(path, facts):
    path.write_text(json.dumps(facts, indent=1, default=lambda array: array.tolist()) + "\n")


if __name__ == "__main__":
    main()
