"""Running finders over groups of fields: one line of JSON per field, and never the same field twice.

Lines are kept under ``fields/<finder>/<group>.jsonl``. Those of another edition of the finder (`finders.edition`) are
thrown away when the group is run again.
"""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np

CHUNK = 125  # fields per process; each process is new, so that its memory is that of its finder and group
DIGITS = 7


def run_groups(groups, finders, output, *, most_fields=None, jobs=1, tell=print):
    """Fill in what is missing.

    Parameters
    ----------
    groups : list of `fields.Group`
    finders : list of str
    output : `pathlib.Path`
    most_fields : int, optional
        No more than so many fields per group.
    jobs : int
        Processes at a time.
    tell : callable

    Returns
    -------
    dict of str to str
        Finders that are missing here, and why.
    """
    from benchmarks.basc.finders import FinderMissing, edition

    missing, chunks = {}, []
    for finder in finders:
        try:
            now = edition(finder)
        except FinderMissing as error:
            missing[finder] = str(error)
            tell(f"SKIPPED {finder}: {error}")
            continue
        for group in groups:
            path = path_of(output, finder, group.name)
            done = keep_edition(path, now)
            wanted = range(wanted_fields(group, finder, most_fields))
            left = [number for number in wanted if number not in done]
            chunks += [
                (finder, group.name, left[start : start + CHUNK], path, now)
                for start in range(0, len(left), CHUNK)
            ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        running = {
            pool.submit(run_chunk, finder, name, numbers): (finder, name, path, now)
            for finder, name, numbers, path, now in chunks
        }
        for number, chunk in enumerate(as_completed(running), start=1):
            finder, name, path, now = running[chunk]
            records = chunk.result()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.writelines(json.dumps(record | {"edition": now}) + "\n" for record in records)
            cpu = np.mean([record["cpu"] for record in records if record["cpu"] is not None] or [np.nan])
            tell(
                f"[{number}/{len(running)}] {finder} {name}: {len(records)} runs, {1e3 * cpu:.1f} ms of CPU each"
            )
    return missing


def wanted_fields(group, finder, most_fields):
    n_fields = group.n_fields if finder == "basc" else group.n_peer_fields
    if finder == "pybdsf":
        n_fields = min(n_fields, 50)  # two seconds for every field
    return n_fields if most_fields is None else min(n_fields, most_fields)


def run_chunk(finder, group_name, numbers):
    """Run one finder on some fields of a group, warm: what it compiles or imports is not counted."""
    from benchmarks.basc.fields import all_groups, make_field
    from benchmarks.basc.finders import find

    groups = {group.name: group for group in all_groups()}
    group = groups[group_name]
    for name in ("pair-40to1-1", "empty-64"):
        find(finder, make_field(groups[name], 1_000_000))
    records = []
    for number in numbers:
        simulated = make_field(group, number)
        for repeat in range(group.seeds):
            options = {"seed": simulated.seed + repeat} if group.seeds > 1 else {}
            record = {"number": number, "repeat": repeat, "truth": rounded(simulated.truth)}
            try:
                found = find(finder, simulated, **options)
            except Exception as error:  # a finder that fails has found nothing, and the report says so
                record |= {"found": [], "cpu": None, "memory": None, "notes": {}, "error": repr(error)[:300]}
            else:
                columns = (found.x, found.y, found.flux, found.sigma_x, found.sigma_y, found.sigma_flux)
                record |= {
                    "found": rounded(np.stack([*columns, found.probability], axis=1)),
                    "cpu": found.cpu,
                    "memory": found.memory,
                    "notes": found.notes,
                }
            records.append(record)
    return records


def path_of(output, finder, group_name):
    return output / "fields" / finder / f"{group_name}.jsonl"


def read_records(path):
    """The lines of a group; an unfinished last one is left out."""
    records = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return records


def keep_edition(path, edition):
    """Throw away what another edition of the finder wrote; answers the numbers of the fields that stay."""
    records = read_records(path)
    kept = [record for record in records if record["edition"] == edition]
    if len(kept) < len(records):
        path.write_text("".join(json.dumps(record) + "\n" for record in kept))
    return {record["number"] for record in kept}


def rounded(array):
    """As lists, with enough digits; NaN becomes null."""
    return [
        [None if not np.isfinite(value) else float(f"{value:.{DIGITS}g}") for value in row]
        for row in np.asarray(array, dtype=float)
    ]
