"""The table of Stoa against its peers: an engine to a line, a figure to a column."""

from __future__ import annotations

import statistics
from collections import Counter

BEGIN, END = "<!-- measured: against peers -->", "<!-- end of what peers were measured -->"
NEEDED = 3
STOA = {"sqlite": "**Stoa, SQLite**", "postgresql": "**Stoa, PostgreSQL**"}
PEERS = {
    "doit": "doit, SQLite",
    "datajoint": "DataJoint, PostgreSQL",
    "redun": "redun, SQLite",
    "celery": "Celery chains, Redis",
}
KEYS = ["all, CPU per step", "all, wall per step", "nothing changed", "edit, fresh p50"]
HEADS = [
    "CPU per step, ms",
    "wall per step, ms",
    "nothing changed, ms",
    "one input changed, ms",
    "ran / needed",
]
FORGETFUL = {"celery"}  # keep no state: cannot tell whether anything has changed, and must be told what


def lines_of(stoa, peers):
    """Return the table in Markdown.

    Parameters
    ----------
    stoa, peers : list of dict
        What the rounds measured of Stoa, and of the others.
    """
    lines = [f"| rows | engine | {' | '.join(HEADS)} |", f"| ---: | --- |{' ---: |' * len(HEADS)}"]
    for rows in sorted({one["rows"] for one in stoa + peers}):
        for database, title in STOA.items():
            found = [
                one | {"all, wall per step": 1 / (NEEDED * one["all, rows per second"])}
                for one in stoa
                if (one["database"], one["rows"]) == (database, rows)
            ]
            if found:
                lines.append(line_of(rows, title, cells_of(found)))
        for name, title in PEERS.items():
            of_peer = [one for one in peers if one["peer"] == name and one["rows"] <= rows]
            if of_peer:
                lines.append(line_of(rows, title, cells_of_peer(name, rows, of_peer)))
    return [*lines, "", footnote(stoa, peers)]


def line_of(rows, title, cells):
    return f"| {rows:,} | {title} | {' | '.join(cells)} |"


def cells_of_peer(name, rows, of_peer):
    """Return what a peer reached; where it was too slow already with fewer rows, that."""
    found = [one for one in of_peer if one["rows"] == rows]
    ended = [one["ended"] for one in of_peer if "ended" in one]
    if not found and not ended:
        return ["not measured"] * len(HEADS)
    cells = cells_of(found, missing=ended[-1] if ended else "")
    if name in FORGETFUL:
        cells[KEYS.index("nothing changed")] = "cannot tell"
        cells[-1] += " (told which)" if "/" in cells[-1] else ""
    return cells


def cells_of(found, missing=""):
    """Return the medians as text."""
    cells = [shown([one[key] for one in found if key in one]) or missing for key in KEYS]
    ran = [one["edit, ran"] for one in found if "edit, ran" in one]
    return [*cells, f"{statistics.median(ran):g} / {NEEDED}" if ran else missing]


def shown(seconds):
    """Return a median in milliseconds, to two or three figures; nothing of nothing."""
    if not seconds:
        return ""
    value = statistics.median(seconds) * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def footnote(stoa, peers):
    versions = {name: version for one in peers for name, version in one.get("versions", {}).items()}
    used = ", ".join(f"{name} {versions[name]}" for name in sorted(versions, key=str.lower))
    latest = peers[-1]
    load = statistics.median(one["load"][0] for one in stoa + peers)
    finished = Counter((one["peer"], one["rows"]) for one in peers if "ended" not in one)
    rounds = min(finished.values(), default=1)
    return (
        f"Medians of {rounds} {'round' if rounds == 1 else 'rounds'}, Stoa and the others in turn, with {used}; "
        f"{latest['cores']} cores ({latest['processor']}) at a load average of {load:.0f}."
    )
