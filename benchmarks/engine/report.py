"""From what each round measured to the tables in the documentation."""

from __future__ import annotations

import json
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import comparison

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"
BEGIN, END = "<!-- measured: python -m benchmarks.engine -->", "<!-- end of what was measured -->"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Figure:
    """One line of the table: a measured number, in which unit it is shown, and the bar at the largest size."""

    key: str
    title: str
    factor: float
    digits: int
    bars: dict[str, float]


MS, US = 1e3, 1e6
FIGURES = [
    Figure("computing, CPU per step", "CPU per step, ms", MS, 3, {"sqlite": 0.06, "postgresql": 0.15}),
    Figure("adding, CPU per step", "and for adding its row, ms", MS, 3, {}),
    Figure("all, rows per second", "rows added and computed per second", 1, 0, {}),
    Figure("edit, fresh p50", "edit → 3 fresh, p50, ms", MS, 0, {"sqlite": 25, "postgresql": 50}),
    Figure("edit, fresh p95", "edit → 3 fresh, p95, ms", MS, 0, {}),
    Figure("edit, marked p50", "of this the edit itself, p50, ms", MS, 0, {}),
    Figure("nothing changed", "nothing changed, ms", MS, 1, {"sqlite": 5, "postgresql": 5}),
    Figure(
        "parent, marked", "shared parent edited: all rows marked, s", 1, 2, {"sqlite": 2, "postgresql": 2}
    ),
    Figure("parent, recomputed", "… all recomputed, s", 1, 1, {"sqlite": 20, "postgresql": 20}),
    Figure("parent, undone", "… undone, nothing run, s", 1, 1, {"sqlite": 15, "postgresql": 15}),
]


def write_report(output, checkout):
    """Write the tables of one edition, alone and against the peers, into the documentation; answer them.

    Parameters
    ----------
    output : pathlib.Path
        Folder of ``rounds.jsonl``.
    checkout : str
        Name of the folder of the edition.
    """
    rounds = [json.loads(line) for line in (output / "rounds.jsonl").read_text().splitlines()]
    own = [one for one in rounds if one.get("checkout") == checkout]
    others = [one for one in rounds if "peer" in one]
    text, tables = PAGE.read_text(), []
    if own:
        tables.append("\n".join(lines_of(own)))
        text = put_between(text, BEGIN, END, tables[-1])
    if others:
        tables.append("\n".join(comparison.lines_of(own, others)))
        text = put_between(text, comparison.BEGIN, comparison.END, tables[-1])
    PAGE.write_text(text)
    return "\n\n".join(tables)


def put_between(text, begin, end, table):
    """Return the text with the table in place of what stood between two marks, if it has them."""
    before, mark, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}" if mark else text


def lines_of(rounds):
    """Return the table in Markdown: medians, a figure to a line, a database and size to a column."""
    columns = [
        (database, rows)
        for database in NAMES
        for rows in sorted({one["rows"] for one in rounds if one["database"] == database})
    ]
    found = {
        column: [one for one in rounds if (one["database"], one["rows"]) == column] for column in columns
    }
    heads = [f"{NAMES[database]}, {rows:,}" for database, rows in columns]
    lines = [f"| rows | {' | '.join(heads)} | goal |", f"| --- |{' ---: |' * len(columns)} --- |"]
    for figure in FIGURES:
        cells = [shown(figure, column, found[column], columns) for column in columns]
        bars = sorted({f"≤ {bar:g}" for bar in figure.bars.values()})
        if len(bars) > 1:
            bars = [f"≤ {figure.bars['sqlite']:g} and ≤ {figure.bars['postgresql']:g}"]
        lines.append(f"| {figure.title} | {' | '.join(cells)} | {''.join(bars)} |")
    n = min(map(len, found.values()))
    load = statistics.median(one["load"][0] for one in rounds)
    lines += [
        "",
        f"Medians of {n} {'round' if n == 1 else 'rounds'}, two worker processes, Python {platform.python_version()}, "
        f"{rounds[0]['cores']} cores at a load average of {load:.0f}.",
    ]
    return lines


def shown(figure, column, rounds, columns):
    """Return a median as text; in bold where it misses the bar, which is for the largest size."""
    value = statistics.median(one[figure.key] for one in rounds) * figure.factor
    text = f"{value:,.{figure.digits}f}"
    database, rows = column
    largest = max(rows for other, rows in columns if other == database)
    bar = figure.bars.get(database)
    return f"**{text}**" if bar is not None and rows == largest and value > bar else text
