"""Any edits, in any order, of what is valid at a date and of rows made one for one: all ends as Python says."""

from types import SimpleNamespace

import pytest

from pipelines.models import Pipeline
from tests.worktables import toys
from tests.worktables.test_any_order import BUSY, KINDS, Play, check_states, play, rows_of, score_of
from worktables.annotating import judge_rows
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.linking import each, latest_valid_at
from worktables.models import Annotation, State, Todo, Unit
from worktables.rows import add_rows

ROUNDS, OPERATIONS = 10, 40
XS = [None, 1.0, 2.0, 3.0, 13.0]
TIMES = [None, 0.0, 10.0, 20.0, 30.0]
CHIPS = [None, "a", "b"]


@pytest.fixture
def nights(project, owner):
    """Make calibrations → (latest valid at) exposures → (each) reports, which are computed from what was found."""
    pipeline = Pipeline.objects.create(name="toy_field", title="Toy field", graph=toys.FIELD)
    calibrations = create_worktable(
        project,
        "calibrations",
        creator=owner,
        pipeline=pipeline,
        columns=[NewColumn("begins", "time"), NewColumn("ends", "time"), NewColumn("chip")],
    )
    exposures = create_worktable(
        project,
        "exposures",
        creator=owner,
        columns=[NewColumn("taken", "time"), NewColumn("chip"), NewColumn("gain", "float", "lookup")],
    )
    reports = create_worktable(
        project, "reports", creator=owner, pipeline=pipeline, columns=[NewColumn("x", "float", "lookup")]
    )
    latest_valid_at(
        calibrations, exposures, name="calibrated", date="taken", valid_from="begins", valid_to="ends",
        match={"chip": "chip"}, lookup={"total": "gain"}, by=owner,
    )  # fmt: skip
    each(exposures, reports, name="report", carry={"gain": "x"}, by=owner)
    times = [(0.0, 30.0), (10.0, None), (10.0, 20.0), (10.0, 20.0)]
    rows = [
        {"begins": begins, "ends": ends, "chip": "a", "x": float(n)} for n, (begins, ends) in enumerate(times)
    ]
    add_rows(calibrations, rows, by=owner)
    add_rows(exposures, [{"taken": 5.0 * n, "chip": "ab"[n > 4]} for n in range(1, 6)], by=owner)
    return SimpleNamespace(calibrations=calibrations, exposures=exposures, reports=reports)


class Nights(Play):
    """The observers of these nights."""

    cells = {
        "calibrations": [
            ("x", XS),
            ("y", [None, 1.0]),
            ("begins", TIMES),
            ("ends", TIMES),
            ("chip", CHIPS),
        ],
        "exposures": [("taken", [None, 5.0, 10.0, 15.0, 25.0, 35.0]), ("chip", CHIPS)],
        "reports": [("y", [None, 1.0, -2.0]), ("factor", [None, 2.0])],
    }
    first = {"calibrations": {}, "exposures": {}}
    computed = "calibrations", "exposures", "reports"
    made = ("reports",)
    parametrised = "reports"

    def judge(self):
        """Judge a calibration."""
        table = self.table("calibrations")
        row_id = table and self.pick(self.rows(table))
        if row_id is None:
            return None
        verdict = self.pick(["good", "bad"])
        judge_rows(table, [row_id], verdict, "looked at", author=self.by)
        return row_id, verdict


def computed(x, y, factor, otherwise):
    """Return the state and the total of the toy step."""
    if x is None:
        return "empty", None
    if x == 13:
        return "failed", None
    return "fresh", (x + (y or 0.0)) * (otherwise if factor is None else factor)


def valid(date, chip, calibrations, verdicts):
    """Return the calibration that is valid at a date, or None."""
    fitting = []
    for row, begins, ends, of, state, total in calibrations:
        if None in (date, chip, begins) or of != chip or not begins <= date or verdicts.get(row.id) == "bad":
            continue
        if ends is not None and date >= ends:
            continue
        narrow = (0, ends - begins, 0.0) if ends is not None else (1, 0.0, -begins)
        good = verdicts.get(row.id) != "good"
        fitting.append(((*narrow, good, -row.created_at.timestamp(), -row.id), state, total))
    return min(fitting)[1:] if fitting else None


def check(family):
    """Compare every cell and unit with what it should be."""
    assert not Todo.objects.exists()
    assert not Unit.objects.filter(state__in=BUSY).exists()
    calibrations = []
    found = rows_of(family.calibrations, "x", "y", "factor", "begins", "ends", "chip", "total")
    for row, x, y, factor, begins, ends, chip, total in found.values():
        state, expected = computed(x, y, factor, 1.0)
        assert (State(row.state).label, total) == (state, expected), f"calibration {row.id}"
        calibrations.append((row, begins, ends, chip, state, expected))
    said = Annotation.objects.filter(worktable=family.calibrations, kind="verdict").order_by("id")
    verdicts = dict(said.values_list("row_id", "verdict"))

    family.reports.refresh_from_db()
    table_factor = family.reports.parameters.get("add.factor", 1.0)
    exposures = rows_of(family.exposures, "taken", "chip", "gain")
    reports = {
        row.parent_id: (row, *cells)
        for row, *cells in rows_of(family.reports, "x", "y", "factor", "total").values()
    }
    assert reports.keys() == exposures.keys()
    for row, taken, chip, gain in exposures.values():
        winner = valid(taken, chip, calibrations, verdicts)
        report, x, y, factor, total = reports[row.id]
        if winner and winner[0] == "failed":
            assert State(row.state).label == State(report.state).label == "blocked", f"exposure {row.id}"
            continue
        expected = winner and winner[1]
        assert (State(row.state).label, gain) == ("fresh", expected), f"exposure {row.id}"
        state, made = computed(expected, y, factor, table_factor)
        assert (State(report.state).label, x, total) == (state, expected, made), f"report {report.id}"
    for table in vars(family).values():
        check_states(table)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_in_the_end_every_date_has_found_what_is_valid(seed, nights, owner):
    score = score_of(seed, OPERATIONS, {**KINDS, "judge": 6})
    play(nights, owner, score, Nights, check)
