"""Pages of rows: filters as written in an address, sorting, keyset paging, states and their reasons."""

import random

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from worktables.annotating import flag_rows, withdraw
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.errors import NoSuchColumn, UnfitFilter
from worktables.rows import add_rows, delete_rows
from worktables.viewing import page_of


@pytest.fixture
def sky(project, owner):
    """Forty objects, some without flux or place."""
    table = create_worktable(
        project,
        "sky",
        creator=owner,
        columns=[
            NewColumn("name"),
            NewColumn("n", "int"),
            NewColumn("flux", "float"),
            NewColumn("good", "bool"),
            NewColumn("place", "position"),
        ],
    )
    rng = random.Random(4)
    rows = []
    for number in range(40):
        rows.append(
            {
                "name": f"J{number:02d}",
                "n": rng.randrange(5),
                "flux": rng.choice([None, 0.0, 1.5, 2.5, float("inf"), float("-inf")]),
                "good": rng.choice([True, False, None]),
                "place": None
                if number % 9 == 0
                else ((number * 0.01 - 0.1) % 360, 89.9 if number > 30 else 0.0),
            }
        )
    add_rows(table, rows, by=owner)
    table.refresh_from_db()
    return table, rows


def ids(page):
    return [row.id for row in page.rows]


@pytest.mark.parametrize(
    ("column", "text", "keeps"),
    [
        ("flux", ">1", lambda row: row["flux"] is not None and row["flux"] > 1),
        ("flux", "<=1.5", lambda row: row["flux"] is not None and row["flux"] <= 1.5),
        ("flux", "0..2", lambda row: row["flux"] is not None and 0 <= row["flux"] <= 2),
        ("flux", "2..", lambda row: row["flux"] is not None and row["flux"] >= 2),
        ("flux", "0", lambda row: row["flux"] == 0),
        ("flux", "inf", lambda row: row["flux"] == float("inf")),
        ("flux", "null", lambda row: row["flux"] is None),
        ("flux", "!null", lambda row: row["flux"] is not None),
        ("flux", "!=0", lambda row: row["flux"] not in (0, None)),
        ("n", "1,3", lambda row: row["n"] in (1, 3)),
        ("good", "true", lambda row: row["good"] is True),
        ("name", "J0*", lambda row: row["name"].startswith("J0")),
        ("name", "j*9", lambda row: row["name"].endswith("9")),
        ("name", "3", lambda row: "3" in row["name"]),
        ("name", "=J03", lambda row: row["name"] == "J03"),
    ],
)
def test_a_filter_keeps_what_it_says(sky, column, text, keeps):
    table, rows = sky
    page = page_of(table, {column: text})

    expected = [number for number, row in enumerate(rows, 1) if keeps(row)]
    assert ids(page) == expected
    assert page.count == len(expected)


def test_a_cone_wraps_and_holds_at_the_pole(sky):
    table, _ = sky
    near_zero = page_of(table, {"place": "0.0 0.0 r=72.1"})
    assert ids(near_zero) == [9, 11, 12, 13]  # 359.98 to 0.02; row 10 has no place

    at_the_pole = page_of(table, {"place": "180 90 r=361"})
    assert len(at_the_pole.rows) == 8


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("flux", "bright"),
        ("flux", ">"),
        ("good", ">true"),
        ("place", "12 13"),
        ("place", "0 0 r=nan"),
        ("_state", "odd"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(sky, column, text):
    with pytest.raises(UnfitFilter, match=column):
        page_of(sky[0], {column: text})


def test_a_filter_on_no_column_is_refused(sky):
    with pytest.raises(NoSuchColumn, match="there is no column “mass”"):
        page_of(sky[0], {"mass": ">3"})


@pytest.mark.parametrize("sort", ["", "-_id", "flux", "-flux", "n", "-n", "name", "place"])
def test_pages_follow_each_other_without_gap_or_repeat_and_back(sky, sort):
    table, _ = sky
    whole = ids(page_of(table, sort=sort, size=1000))
    assert sorted(whole) == list(range(1, 41))

    seen, after, pages = [], None, []
    while True:
        page = page_of(table, sort=sort, after=after, size=7)
        seen += ids(page)
        pages.append(page)
        if page.after is None:
            break
        after = page.after
    assert seen == whole

    page, back = pages[-1], ids(pages[-1])
    while page.before is not None:
        page = page_of(table, sort=sort, before=page.before, size=7)
        back = ids(page) + back
    assert back == whole


def test_sorting_puts_empty_cells_last_both_ways(sky):
    table, _ = sky
    for sort in ("flux", "-flux"):
        values = [row.cells[2] for row in page_of(table, sort=sort, size=100).rows]
        full = [value for value in values if value is not None]
        assert values == sorted(full, reverse=sort.startswith("-")) + [None] * (len(values) - len(full))


def test_a_broken_place_is_refused(sky):
    with pytest.raises(UnfitFilter, match="not a place"):
        page_of(sky[0], after="??")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=strategies.text(max_size=20),
    column=strategies.sampled_from(["name", "n", "flux", "good", "place", "_flag"]),
)
def test_nonsense_in_a_filter_is_an_answer_or_a_refusal(sky, text, column):
    problem = ""
    try:
        assert page_of(sky[0], {column: text}).count <= 40
    except UnfitFilter as refused:
        problem = str(refused)

    assert not problem or column in problem


def test_states_flags_and_deleted_rows_are_filters(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 13.0, seen=1.0, editor=owner)
    assert ids(page_of(worktable, {"_state": "queued"})) == [1]
    work()
    (flag, _) = flag_rows(worktable, [2, 3], "odd beam", author=owner)
    withdraw(flag, by=owner)

    assert ids(page_of(worktable, {"_state": "failed"})) == [1]
    assert ids(page_of(worktable, {"_state": "fresh,failed"})) == [1, 2, 3]
    assert ids(page_of(worktable, {"_flag": "yes"})) == [3]
    assert ids(page_of(worktable, {"_flag": "beam"})) == [3]
    assert ids(page_of(worktable, {"_flag": "no"})) == [1, 2]
    delete_rows(worktable, [2], by=owner)
    worktable.refresh_from_db()
    assert ids(page_of(worktable)) == [1, 3]
    assert page_of(worktable).count == 2


def test_a_row_says_why_it_is_not_fresh(worktable, work, owner):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 13.0, seen=1.0, editor=owner)
    (row,) = page_of(worktable, {"_id": "1"}).rows
    assert (row.state, row.reason) == ("queued", "“x” of fields 1: 1.0 → 13.0, by owner")
    work()
    (row,) = page_of(worktable, {"_id": "1"}).rows
    assert (row.state, row.reason) == ("failed", "add: 13 is unlucky; choose another number")


def test_a_page_costs_the_same_queries_for_any_number_of_rows(
    worktable, work, owner, django_assert_num_queries
):
    work()
    page_of(worktable)
    with django_assert_num_queries(5):
        page_of(worktable)
    add_rows(worktable, [{"x": float(k)} for k in range(50)], by=owner)
    work()
    worktable.refresh_from_db()
    with django_assert_num_queries(5):
        assert len(page_of(worktable).rows) == 53
