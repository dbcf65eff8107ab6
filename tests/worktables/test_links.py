"""The links that give every row a row, and those that find what is valid at a date."""

import random

import pytest

from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.annotating import judge_rows, withdraw
from worktables.columns import NewColumn, describe_column, drop_column
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.errors import ColumnInUse, LinkRefused, RowsOfALink, UnfitName, UnfitValue
from worktables.linking import collect, each, latest_valid_at, nearest
from worktables.models import Annotation, State, Unit
from worktables.rows import add_rows, delete_rows, restore_rows
from worktables.storage import layout_of

SUM_OF_TOTALS = {
    "steps": [
        toys.SUM["steps"][0]
        | {"inputs": {"least": "least", "fluxes": "members.total"}, "outputs": {"n": "n"}}
    ]
}
VALID = {"valid_from": "begins", "valid_to": "ends"}


def change(table, row_id, name, value, by):
    """Give a cell a value, whatever it said."""
    table.refresh_from_db()
    layout, column = layout_of(table), table.column(name)
    seen = layout.value(column, layout.model.objects.get(id=row_id))
    return edit_cell(table, row_id, column, value, seen=seen, editor=by)


def stale(table):
    """Return the rows of which a unit is stale."""
    return sorted(
        set(Unit.objects.filter(worktable=table, state=State.STALE).values_list("row_id", flat=True))
    )


def states(table):
    """Return the state of each present row."""
    return {row.id: State(row.state).label for row in layout_of(table).rows.exclude(state=State.RETIRED)}


# ------------------------------------------------------------------ each


@pytest.fixture
def reviews(project, owner, worktable):
    """A second table on the rows of the first: total and sign carried over, a note typed beside them."""
    columns = [
        NewColumn("total", "float", "lookup"),
        NewColumn("sign", "text", "lookup"),
        NewColumn("note", "text"),
    ]
    table = create_worktable(project, "reviews", creator=owner, columns=columns)
    each(worktable, table, name="reviewed", carry={"total": "total", "sign": "sign"}, by=owner)
    return table


def test_each_row_has_one_row_that_follows_it(worktable, reviews, owner, work, cells):
    work()
    assert cells(reviews, "total", "sign") == {
        1: (3.0, "positive"),
        2: (-5.0, "negative"),
        3: (3.0, "positive"),
    }
    change(reviews, 2, "note", "odd", owner)

    change(worktable, 2, "x", 7.0, owner)
    add_rows(worktable, [{"x": 4.0}], by=owner)
    work()

    assert cells(reviews, "total", "sign", "note") == {
        1: (3.0, "positive", None),
        2: (7.0, "positive", "odd"),
        3: (3.0, "positive", None),
        4: (4.0, "positive", None),
    }
    assert set(states(reviews).values()) == {"fresh"}
    reviews.refresh_from_db()
    assert reviews.n_rows == 4


def test_a_row_goes_and_comes_back_with_the_one_it_hangs_on(worktable, reviews, owner, work, cells):
    work()
    change(reviews, 2, "note", "odd", owner)

    delete_rows(worktable, [2], by=owner)
    work()
    assert list(cells(reviews, "note")) == [1, 3]

    restore_rows(worktable, [2], by=owner)
    work()
    assert cells(reviews, "total", "note")[2] == (-5.0, "odd")
    assert set(states(reviews).values()) == {"fresh"}


def test_the_row_is_there_also_where_there_is_nothing_to_carry(worktable, reviews, owner, work, cells):
    add_rows(worktable, [{"x": None}, {"x": 13.0}], by=owner)
    work()

    assert list(cells(reviews, "total").values())[3:] == [(None,), (None,)]
    assert sorted(states(reviews).values()) == ["blocked", "fresh", "fresh", "fresh", "fresh"]

    change(worktable, 5, "x", 1.0, owner)
    work()
    assert sorted(total for (total,) in cells(reviews, "total").values() if total) == [-5.0, 1.0, 3.0, 3.0]


def test_rows_of_each_are_not_typed_and_come_from_one_link(worktable, reviews, owner):
    with pytest.raises(RowsOfALink):
        add_rows(reviews, [{"note": "mine"}], by=owner)
    with pytest.raises(LinkRefused, match="already come from another link"):
        each(worktable, reviews, name="again", by=owner)
    with pytest.raises(ColumnInUse, match="link “reviewed”"):
        drop_column(reviews, "total", by=owner)


def test_a_cycle_through_each_is_refused_naming_its_tables(project, owner):
    one = create_worktable(project, "one", creator=owner, columns=[NewColumn("a", "text", "lookup")])
    other = create_worktable(project, "other", creator=owner, columns=[NewColumn("b", "text", "lookup")])
    each(one, other, name="forth", carry={"a": "b"}, by=owner)

    with pytest.raises(LinkRefused, match=r"depend on itself: .*(one.*other|other.*one)"):
        each(other, one, name="back", carry={"b": "a"}, by=owner)


# ------------------------------------------------------------------ latest-valid-at


@pytest.fixture
def nights(project, owner):
    """exposures, which find their calibration by date and chip."""
    times = [NewColumn("begins", "time", time_scale="UTC"), NewColumn("ends", "time", time_scale="UTC")]
    calibrations = create_worktable(
        project, "calibrations", creator=owner,
        columns=[NewColumn("label"), NewColumn("chip"), *times, NewColumn("breadth", "int")],
    )  # fmt: skip
    exposures = create_worktable(
        project, "exposures", creator=owner,
        columns=[NewColumn("taken", "time"), NewColumn("chip"), NewColumn("calibration", "text", "lookup"),
                 NewColumn("second", "text", "lookup")],
    )  # fmt: skip
    latest_valid_at(
        calibrations, exposures, name="calibrated", date="taken", **VALID, match={"chip": "chip"},
        lookup={"label": "calibration"}, by=owner,
    )  # fmt: skip
    return calibrations, exposures


def calibration(label, begins, ends, chip="a", **more):
    return {"label": label, "begins": begins, "ends": ends, "chip": chip, **more}


def test_what_is_valid_at_the_date_is_found_and_its_end_is_open_where_empty(nights, owner, work, cells):
    calibrations, exposures = nights
    rows = [
        calibration("first", 10.0, 20.0),
        calibration("second", 20.0, None),
        calibration("draft", None, 90.0),
    ]
    add_rows(calibrations, rows, by=owner)
    add_rows(exposures, [{"taken": t, "chip": "a"} for t in (9.9, 10.0, 19.9, 20.0, 5000.0, None)], by=owner)
    add_rows(exposures, [{"taken": 15.0, "chip": chip} for chip in ("b", None)], by=owner)
    work()

    found = [label for (label,) in cells(exposures, "calibration").values()]
    assert found == [None, "first", "first", "second", "second", None, None, None]
    assert set(states(exposures).values()) == {"fresh"}


def test_ties_go_to_the_narrowest_then_the_verdict_then_the_newest(nights, owner, work, cells):
    calibrations, exposures = nights
    add_rows(exposures, [{"taken": 15.0, "chip": "a"}], by=owner)
    add_rows(calibrations, [calibration("wide", 0.0, 100.0), calibration("open", 14.0, None)], by=owner)

    def winner():
        work()
        return cells(exposures, "calibration")[1][0]

    assert winner() == "wide"
    add_rows(calibrations, [calibration("narrow", 10.0, 20.0)], by=owner)
    assert winner() == "narrow"
    add_rows(calibrations, [calibration("newer", 11.0, 21.0)], by=owner)
    assert winner() == "newer"
    (good,) = judge_rows(calibrations, [3], "good", "checked by eye", author=owner)
    assert winner() == "narrow"
    (bad,) = judge_rows(calibrations, [3], "bad", "clouds", author=owner)
    assert winner() == "newer"
    withdraw(bad, by=owner)
    assert winner() == "narrow"
    withdraw(good, by=owner)
    assert winner() == "newer"
    judge_rows(calibrations, [1, 2, 3, 4], "bad", "all of them", author=owner)
    assert winner() is None


def test_a_scope_goes_before_the_length_of_the_interval(nights, owner, work, cells):
    calibrations, exposures = nights
    latest_valid_at(
        calibrations, exposures, name="scoped", date="taken", **VALID, scope="breadth",
        lookup={"label": "second"}, by=owner,
    )  # fmt: skip
    rows = [calibration("mine", 0.0, 100.0, breadth=1), calibration("ours", 10.0, 20.0, breadth=2),
            calibration("somebody's", 14.0, 16.0)]  # fmt: skip
    add_rows(calibrations, rows, by=owner)
    add_rows(exposures, [{"taken": 15.0, "chip": "a"}], by=owner)
    work()

    assert cells(exposures, "calibration", "second") == {1: ("somebody's", "mine")}


def test_only_dates_in_an_old_or_new_interval_become_stale(nights, owner, work):
    calibrations, exposures = nights
    add_rows(calibrations, [calibration("one", 10.0, 20.0), calibration("two", 30.0, 40.0, "b")], by=owner)
    add_rows(exposures, [{"taken": 5.0 * n, "chip": "a"} for n in range(10)], by=owner)
    work()

    def marked(act):
        act()
        found = stale(exposures)
        work()
        return found

    assert marked(lambda: change(calibrations, 1, "begins", 14.0, owner)) == [3, 4]  # 10 and 15
    assert marked(lambda: change(calibrations, 1, "ends", 30.0, owner)) == [4, 5, 6]  # 15, 20, 25
    assert marked(lambda: change(calibrations, 1, "label", "uno", owner)) == [4, 5, 6]
    assert marked(lambda: change(calibrations, 1, "chip", "b", owner)) == [4, 5, 6]
    assert marked(lambda: change(calibrations, 2, "chip", "a", owner)) == [7, 8]  # 30, 35
    assert marked(lambda: judge_rows(calibrations, [2], "bad", "clouds", author=owner)) == [7, 8]
    assert marked(lambda: withdraw(Annotation.objects.get(), by=owner)) == [7, 8]
    assert marked(lambda: delete_rows(calibrations, [2], by=owner)) == [7, 8]
    assert marked(lambda: restore_rows(calibrations, [2], by=owner)) == [7, 8]
    assert marked(lambda: change(exposures, 1, "taken", 1.0, owner)) == [1]
    assert marked(lambda: change(calibrations, 1, "breadth", 4, owner)) == []


def reference(calibrations, exposures):
    """Say what each exposure should find, from the cells and verdicts alone."""
    judged = {}
    for one in Annotation.objects.filter(kind="verdict", withdrawn_at=None).order_by("id"):
        judged[one.row_id] = one.verdict
    layout = layout_of(calibrations)
    known = [[layout.value(layout.by_name[name], row) for name in ("label", "begins", "ends", "chip")] + [row]
             for row in layout.rows.all()]  # fmt: skip
    layout, found = layout_of(exposures), {}
    for row in layout.rows.all():
        taken, chip = (layout.value(layout.by_name[name], row) for name in ("taken", "chip"))
        usable = []
        for label, begins, ends, of, one in known:
            if None in (taken, chip, begins, of) or of != chip or judged.get(one.id) == "bad":
                continue
            if begins <= taken and (ends is None or taken < ends):
                width = float("inf") if ends is None else ends - begins
                good = judged.get(one.id) == "good"
                usable.append(
                    ((-width, begins if ends is None else 0.0, good, one.created_at, one.id), label)
                )
        found[row.id] = (max(usable)[1] if usable else None,)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_any_edits_end_in_what_python_finds(nights, owner, work, cells, seed):
    calibrations, exposures = nights
    dice, times, chips = random.Random(seed), [None, *map(float, range(0, 60, 5))], ["a", "b", None]
    add_rows(
        exposures, [{"taken": dice.choice(times), "chip": dice.choice(chips)} for _ in range(20)], by=owner
    )
    for _ in range(40):
        ids = list(layout_of(calibrations).rows.values_list("id", flat=True))
        row_id, begins = dice.choice(ids or [0]), dice.choice(times)
        match dice.choice(
            ["add", "add", "add", "edit", "edit", "edit", "judge", "withdraw", "delete", "restore", "date"]
        ):
            case "add":
                ends = dice.choice([None, (begins or 0.0) + dice.choice([5.0, 10.0, 30.0])])
                add_rows(
                    calibrations,
                    [calibration(f"c{dice.random()}", begins, ends, dice.choice(chips))],
                    by=owner,
                )
            case "edit" if ids:
                name = dice.choice(["begins", "ends", "chip", "label"])
                value = {"chip": dice.choice(chips), "label": f"c{dice.random()}"}.get(
                    name, dice.choice(times)
                )
                change(calibrations, row_id, name, value, owner)
            case "judge" if ids:
                judge_rows(calibrations, [row_id], dice.choice(["good", "bad"]), "seen", author=owner)
            case "withdraw":
                if given := Annotation.objects.filter(withdrawn_at=None).order_by("?").first():
                    withdraw(given, by=owner)
            case "delete" if ids:
                delete_rows(calibrations, [row_id], by=owner)
            case "restore":
                gone = layout_of(calibrations).model.objects.exclude(deleted_at=None)
                restore_rows(calibrations, gone.values_list("id", flat=True), by=owner)
            case "date":
                change(exposures, dice.randint(1, 20), "taken", dice.choice(times), owner)
        if dice.random() < 0.5:
            work()
    work()

    assert cells(exposures, "calibration") == reference(calibrations, exposures)


def test_what_cannot_be_compared_is_refused(nights, project, owner):
    calibrations, exposures = nights
    wanted = {"name": "n", "date": "taken", "lookup": {}, "by": owner}
    with pytest.raises(LinkRefused, match="“chip” of exposures is no time"):
        latest_valid_at(calibrations, exposures, **wanted | {"date": "chip"}, **VALID)
    with pytest.raises(LinkRefused, match="a scope is a number"):
        latest_valid_at(calibrations, exposures, **wanted, **VALID, scope="label")
    other = create_worktable(
        project, "barycentric", creator=owner, columns=[NewColumn("begins", "time", time_scale="TDB")]
    )
    with pytest.raises(LinkRefused, match=r"“begins” of barycentric is MJD TDB in d, .* MJD UTC in d"):
        latest_valid_at(other, exposures, **wanted, valid_from="begins")
    with pytest.raises(ColumnInUse, match="link “calibrated”"):
        drop_column(calibrations, "ends", by=owner)


# ------------------------------------------------------------------ collect


def test_what_is_made_without_a_failed_row_says_so(project, owner, worktable, work, cells):
    sums = Pipeline.objects.create(name="sums", title="Sums", graph=SUM_OF_TOTALS)
    totals = create_worktable(project, "totals", creator=owner, pipeline=sums)
    describe_column(worktable, "total", unit="Jy", by=owner)
    collect(worktable, totals, name="members", policy="skip", by=owner)
    add_rows(totals, [{"least": 0.0}], by=owner)
    add_rows(worktable, [{"x": 13.0}, {"x": 13.0}], by=owner)
    work()

    def reason():
        unit = Unit.objects.get(worktable=totals)
        return cells(totals, "n")[1][0], State(unit.state).label, unit.reason, unit.about

    assert reason() == (2, "fresh", "made without fields 4, 5, which failed", [worktable.pk])

    change(worktable, 4, "x", 1.0, owner)
    work()
    assert reason() == (3, "fresh", "made without fields 5, which failed", [worktable.pk])

    delete_rows(worktable, [5], by=owner)
    work()
    assert reason()[:2] == (3, "fresh")
    assert "without" not in reason()[2]
    assert reason()[3] == []


# ------------------------------------------------------------------ nearest, everywhere on the sky


def test_the_nearest_is_found_at_the_poles_and_over_the_wrap(project, owner, work, cells):
    import numpy as np
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    rng, radius = np.random.default_rng(4), 3600.0
    crowded = [
        (0.0, 0.0),
        (359.99, 10.0),
        (0.01, -60.0),
        (123.0, 90.0),
        (10.0, -90.0),
        (200.0, 89.9),
        (45.0, -89.7),
    ]

    def places(n):
        found = []
        for ra, dec in crowded:
            centre = SkyCoord(ra * u.deg, dec * u.deg)
            around = centre.directional_offset_by(
                rng.uniform(0, 360, n) * u.deg, rng.uniform(0, 2, n) * u.deg
            )
            found += [(float(one.ra.deg) % 360, float(one.dec.deg)) for one in around]
        return [*found, (0.0, 90.0), (0.0, -90.0)]

    stars = create_worktable(
        project, "stars", creator=owner, columns=[NewColumn("number", "int"), NewColumn("place", "position")]
    )
    seekers = create_worktable(
        project, "seekers", creator=owner,
        columns=[NewColumn("here", "position"), NewColumn("number", "int", "lookup"),
                 NewColumn("away", "float", "lookup", unit="arcsec")],
    )  # fmt: skip
    known, sought = places(12), places(15)
    add_rows(stars, [{"number": n, "place": place} for n, place in enumerate(known)], by=owner)
    add_rows(seekers, [{"here": place} for place in sought], by=owner)
    nearest(stars, seekers, name="near", of="place", position="here", radius=radius,
            lookup={"number": "number"}, separation="away", by=owner)  # fmt: skip
    work()

    apart = SkyCoord(sought, unit="deg")[:, None].separation(SkyCoord(known, unit="deg")[None, :]).arcsec
    found = list(cells(seekers, "number", "away").values())
    assert sum(number is not None for number, _ in found) > 20
    for row, (number, away) in zip(apart, found, strict=True):
        if row.min() > radius:
            assert number is None
        else:
            assert away == pytest.approx(row.min(), abs=1e-4)
            assert row[number] == pytest.approx(row.min(), abs=1e-4)


def test_a_pipeline_takes_from_a_lookup_column_what_a_link_brings(project, owner, worktable, work, cells):
    pipeline = worktable.pipeline
    second = create_worktable(
        project, "second", creator=owner, pipeline=pipeline, columns=[NewColumn("x", "float", "lookup")]
    )
    each(worktable, second, name="again", carry={"total": "x"}, by=owner)
    work()
    before = [total for (total,) in cells(worktable, "total").values()]
    assert [row[:2] for row in cells(second, "x", "total").values()] == [(total, total) for total in before]

    change(worktable, 1, "x", 50.0, owner)
    work()
    [changed, *others] = cells(worktable, "total").values()
    assert others == [(total,) for total in before[1:]]
    assert changed != (before[0],)
    assert next(iter(cells(second, "x", "total").values())) == 2 * changed
    with pytest.raises(UnfitValue, match="make it float"):
        create_worktable(
            project, "third", creator=owner, pipeline=pipeline, columns=[NewColumn("x", "text", "lookup")]
        )
    with pytest.raises(UnfitName, match="declared twice"):
        create_worktable(
            project, "third", creator=owner, pipeline=pipeline, columns=[NewColumn("x", "float")]
        )
