"""From lines per field to what stands in the documentation: tables (Markdown, CSV) and figures (SVG)."""

from __future__ import annotations

import csv
import importlib.metadata
import json
import platform
from dataclasses import dataclass

from benchmarks.basc import calibration, figures, tables
from benchmarks.basc.fields import all_groups
from benchmarks.basc.finders import FINDERS, TITLES
from benchmarks.basc.running import path_of, read_records
from benchmarks.basc.scoring import score

LIBRARIES = "numpy", "scipy", "numba", "astropy", "matplotlib", "sep", "AegeanTools", "bdsf"


@dataclass
class Results:
    """All that has been measured so far.

    Attributes
    ----------
    groups : list of `fields.Group`
    scores : dict
        From (finder, group name) to `scoring.score`; only what has been run.
    records : dict
        From group name to BaSC's own records.
    editions : dict
        From finder to the edition its numbers are of.
    parts : dict
        What is not a group: ideal, proposals, m87, natures, missing; None where it has not been run.
    ranks : list
        Records of `calibration.rank_fields`.
    """

    groups: list
    scores: dict
    records: dict
    editions: dict
    parts: dict
    ranks: list

    @classmethod
    def of(cls, output):
        """Read what is in the output folder."""
        groups, scores, kept, editions = all_groups(), {}, {}, {}
        for finder in FINDERS:
            for group in groups:
                records = read_records(path_of(output, finder, group.name))
                if not records:
                    continue
                scores[finder, group.name] = score(records)
                editions[finder] = records[-1]["edition"]
                if finder == "basc":
                    kept[group.name] = records
        parts = {}
        for name in ("ideal", "proposals", "m87", "natures", "missing"):
            path = output / f"{name}.json"
            parts[name] = json.loads(path.read_text()) if path.exists() else None
        ranks = read_records(output / "fields" / "basc" / "ranks.jsonl")
        return cls(groups, scores, kept, editions, parts, ranks)

    def score(self, finder, group_name):
        """`scoring.score` of a finder in a group; an empty dictionary if it has not been run."""
        return self.scores.get((finder, group_name), {})

    def family(self, *families):
        return [group for group in self.groups if group.family in families]

    def finders(self):
        return [finder for finder in FINDERS if finder in self.editions]

    def candidates(self):
        """BaSC's records of all groups with sources to find or to invent, each once."""
        families = "empty", "single", "pair", "crowd", "bright"
        return [record for group in self.family(*families) for record in self.records.get(group.name, [])]


def write_report(output):
    """Write every table and figure that the results allow; answers the path of the page that holds them all."""
    results = Results.of(output)
    page = ["# BaSC measured", "", *introduction(results)]
    for name, title, write in tables.TABLES:
        lines = write(results)
        if not lines:
            continue
        (output / f"{name}.md").write_text("\n".join(lines) + "\n")
        page += ["", f"## {title}", "", *lines]
        for picture, caption in figures.FIGURES.get(name, {}).items():
            if figures.draw(picture, results, output / f"{picture}.svg"):
                page += ["", f"![{caption}]({picture}.svg)"]
    write_scores(results, output / "scores.csv")
    facts = {
        "ranks": calibration.compare_ranks(results.ranks) if results.ranks else None,
        "bins": calibration.probability_bins(results.candidates()),
        "bins_of_prior_fields": calibration.probability_bins(results.ranks),
    }
    (output / "calibration.json").write_text(json.dumps(facts, indent=1) + "\n")
    path = output / "results.md"
    path.write_text("\n".join(page) + "\n")
    return path


def introduction(results):
    """What was run, with which versions."""
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} is not installed")
    lines = [
        "Beam 6 pixels wide, noise known unless said, fields of `benchmarks/basc/fields.py`. BaSC has its default "
        "settings and counts sources of probability 0.5 and more; a source is found within half a beam, one to one. "
        "Errors are one sigma of the counting.",
        "",
        f"Python {platform.python_version()}, {', '.join(versions)}. "
        + " ".join(f"{TITLES[finder]}: {results.editions[finder]}." for finder in results.finders()),
    ]
    for finder, why in (results.parts["missing"] or {}).items():
        lines += ["", f"**Left out: {TITLES[finder]}.** {why}"]
    failed = [
        f"{TITLES[finder]} in {numbers['n_failed']} of {numbers['n_fields']} fields of {group}"
        for (finder, group), numbers in results.scores.items()
        if numbers["n_failed"]
    ]
    if failed:
        lines += ["", f"**Failed**, and counted as finding nothing: {'; '.join(failed)}."]
    return lines


def write_scores(results, path):
    """Every number of every finder and group, for whoever wants another table."""
    rows = [
        {"finder": finder, "group": group, **numbers} for (finder, group), numbers in results.scores.items()
    ]
    if rows:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
