"""Many at once, and nobody: a hundred people on linked tables, and a portal that has nothing to do."""

import random
import time

from benchmarks.engine.machine import cpu_seconds
from tests.faults.conftest import LONG, SERVER, note
from tests.faults.oracle import judge
from tests.faults.visiting import Visitor, at_once

CLIENTS, EDITS = (100, 10) if LONG else (10, 6)
IDLE_SECONDS = 30 if LONG else 8
COLUMNS = {"fields": ("x", "y", "band"), "stars": ("name",), "sums": ("least", "band")}


def test_row_23_a_hundred_people_on_linked_tables_meet_no_deadlock(make_portal, request):
    """Each edits now one table, now another, in an order of their own; a few are told that somebody was faster."""
    # A hundred take more connections than a server has as it comes.
    portal = make_portal(server=request.getfixturevalue("cluster").url) if SERVER else make_portal()
    visitor = Visitor(portal)
    answers = []

    def edit(number):
        rng = random.Random(number)
        for _ in range(EDITS):
            table = rng.choice(list(COLUMNS))
            column, row_id = rng.choice(COLUMNS[table]), rng.randrange(1, 4)
            value = rng.choice("abc") if column in ("band", "name") else float(rng.randrange(5))
            seen = visitor.cell(table, row_id, column)
            answers.append(visitor.edit(table, row_id, column, value, seen))

    began = time.monotonic()
    at_once(*(lambda number=number: edit(number) for number in range(CLIENTS)))
    seconds = time.monotonic() - began

    assert len(answers) == CLIENTS * EDITS
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 409}, [text for status, text in answers if status not in (200, 409)]
    assert statuses.count(200) > len(statuses) / 4
    assert "deadlock" not in portal.said()
    note(
        "crowd", clients=CLIENTS, edits=len(answers), conflicts=statuses.count(409), seconds=f"{seconds:.1f}"
    )
    assert judge(portal) == []


def test_a_portal_with_nothing_to_do_does_next_to_nothing(make_portal):
    """At most one per cent of a core, all its processes together."""
    portal = make_portal()
    visitor = Visitor(portal)
    portal.wait_until_settled()
    time.sleep(5)

    before, began = cpu_seconds([visitor.process.pid]), time.monotonic()
    time.sleep(IDLE_SECONDS)
    spent, seconds = cpu_seconds([visitor.process.pid]) - before, time.monotonic() - began

    note("idle", where="PostgreSQL" if SERVER else "SQLite", cpu=f"{100 * spent / seconds:.2f} % of a core")
    assert spent <= 0.01 * seconds + (0 if LONG else 0.05), f"{spent:.2f} s in {seconds:.1f} s"
