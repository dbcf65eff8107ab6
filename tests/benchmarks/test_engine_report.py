"""The tables in the documentation are made from what the rounds measured, without any peer installed."""

import json

import pytest

from benchmarks.engine import report
from benchmarks.engine.__main__ import ROOT, main

STOA = {figure.key: 0.001 for figure in report.FIGURES} | {
    "all, CPU per step": 0.00012,
    "all, rows per second": 1000,
    "edit, ran": 3.0,
}
PAGE = f"""before
{report.BEGIN} old {report.END}
between
{report.comparison.BEGIN} old {report.comparison.END}
after
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    page = tmp_path / "engine.md"
    page.write_text(PAGE)
    monkeypatch.setattr(report, "PAGE", page)
    return page


def summarise(tmp_path, *rounds):
    common = {"load": [1.0, 1.0, 1.0], "cores": 2, "processor": "abacus"}
    (tmp_path / "rounds.jsonl").write_text("\n".join(json.dumps(common | one) for one in rounds))
    main(["--summarise", "--output", str(tmp_path)])


def stoa(rows, database="sqlite", **facts):
    return STOA | {"rows": rows, "database": database, "checkout": ROOT.name} | facts


def peer(name, rows, cpu, **facts):
    return {"peer": name, "rows": rows, "versions": {name: "1.2"}, "all, CPU per step": cpu} | facts


def test_each_engine_gets_its_medians(page, tmp_path):
    summarise(
        tmp_path,
        stoa(10),
        *[peer("doit", 10, cpu, **{"nothing changed": 2.5, "edit, ran": 3.0}) for cpu in (0.1, 0.5, 0.2)],
    )

    text = page.read_text()
    assert "| 10 | **Stoa, SQLite** | 0.12 | 0.33 | 1 | 1 | 3 / 3 |" in text
    assert "| 10 | doit, SQLite | 200 |" in text
    assert "2,500" in text
    assert "Medians of 3 rounds, Stoa and the others in turn, with doit 1.2; 2 cores (abacus)" in text


def test_a_slow_peer_is_said_to_be_slow_at_that_size_and_all_larger(page, tmp_path):
    summarise(tmp_path, stoa(10), stoa(100), peer("redun", 10, 0.1, ended="over 5 min"))

    lines = [line for line in page.read_text().splitlines() if "redun, SQLite" in line]
    assert lines == [
        "| 10 | redun, SQLite | 100 | over 5 min | over 5 min | over 5 min | over 5 min |",
        "| 100 | redun, SQLite | over 5 min | over 5 min | over 5 min | over 5 min | over 5 min |",
    ]


def test_a_peer_without_memory_cannot_tell_that_nothing_changed(page, tmp_path):
    facts = {"all, wall per step": 0.002, "edit, fresh p50": 0.009, "edit, ran": 3.0}
    summarise(tmp_path, stoa(10), peer("celery", 10, 0.002, **facts))

    assert "| 10 | Celery chains, Redis | 2 | 2 | cannot tell | 9 | 3 / 3 (told which) |" in page.read_text()


def test_without_peers_their_last_table_stays(page, tmp_path):
    summarise(tmp_path, stoa(10))

    text = page.read_text()
    assert f"{report.comparison.BEGIN} old {report.comparison.END}\nafter" in text
    assert f"{report.BEGIN} old" not in text
    assert text.startswith("before")
