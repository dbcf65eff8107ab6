"""A table beside another: the same rows computed by another version, and compared column by column."""

import statistics

import pytest
from django.core.exceptions import PermissionDenied

from pipelines.registry import get_step
from pipelines.versions import version_of
from tests.worktables.test_adopting import second  # noqa: F401 - a fixture
from tests.worktables.test_any_order_valid import nights  # noqa: F401 - a fixture
from worktables.comparing import compare_tables
from worktables.copying import copy_table
from worktables.editing import edit_cell
from worktables.errors import NoSuchVersion, UnfitName
from worktables.models import State, Unit
from worktables.rows import add_rows, delete_rows
from worktables.storage import layout_of


def fresh(table):
    return not Unit.objects.filter(worktable=table).exclude(state=State.FRESH).exists()


def test_a_copy_has_the_same_rows_and_takes_its_results_from_the_memo(worktable, owner, work, cells):
    work()

    copy = copy_table(worktable, "beside", by=owner)
    ran = work()

    assert ran == []
    assert cells(copy, "x", "y", "total", "sign") == cells(worktable, "x", "y", "total", "sign")
    assert copy.n_rows == 3
    assert add_rows(copy, [{"x": 9.0}], by=owner) == range(4, 5)


def test_a_copy_computes_by_its_version_and_the_original_by_its_own(worktable, owner, work, cells, second):  # noqa: F811
    work()
    newer = version_of(second(100.0))

    copy = copy_table(worktable, "beside", versions={"add": newer}, by=owner)
    work()

    assert cells(copy, "total") == {1: (103.0,), 2: (95.0,), 3: (103.0,)}
    assert cells(worktable, "total") == {1: (3.0,), 2: (-5.0,), 3: (3.0,)}
    assert copy.steps.get(name="add").pinned


def test_links_into_a_table_lead_into_its_copy(family, owner, work, cells):
    work()

    sums = copy_table(family.sums, "sums_beside", by=owner)
    items = copy_table(family.items, "items_beside", by=owner)
    work()

    names = [column.name for column in layout_of(family.items).columns]
    assert cells(items, *names) == cells(family.items, *names)
    assert cells(sums, "n", "total") == cells(family.sums, "n", "total")
    assert fresh(items)
    edit_cell(family.fields, 1, family.fields.column("x"), 4.0, seen=2.0, editor=owner)
    work()
    assert cells(items, *names) == cells(family.items, *names)
    assert cells(sums, "n", "total") == cells(family.sums, "n", "total")


@pytest.mark.parametrize("name", ["exposures", "reports"])
def test_links_by_date_and_one_for_one_lead_into_a_copy(nights, owner, work, cells, name):  # noqa: F811
    work()
    original = getattr(nights, name)
    names = [column.name for column in original.columns.all()]
    before = cells(original, *names)

    copy = copy_table(original, "beside", by=owner)
    work()
    assert cells(copy, *names) == before

    edit_cell(nights.calibrations, 4, nights.calibrations.column("x"), 40.0, seen=3.0, editor=owner)
    work()
    after = cells(original, *names)
    assert cells(copy, *names) == after != before


def test_tables_are_compared_column_by_column(worktable, owner, work, second):  # noqa: F811
    add_rows(worktable, [{"x": float(n), "y": 0.0} for n in (0, 4, 13)], by=owner)
    work()
    copy = copy_table(worktable, "beside", by=owner)
    edit_cell(copy, 1, copy.column("y"), 5.0, seen=2.0, editor=owner)
    edit_cell(copy, 2, copy.column("x"), 7.0, seen=-5.0, editor=owner)
    edit_cell(copy, 4, copy.column("x"), None, seen=0.0, editor=owner)
    delete_rows(copy, [5], by=owner)
    add_rows(copy, [{"x": 1.0}], by=owner)
    work()

    found = compare_tables(worktable, copy)

    total = next(column for column in found.columns if column.name == "total")
    assert (found.n_rows, found.n_only_one, found.n_only_other, found.n_differ) == (5, 1, 1, 3)
    assert (total.n_equal, total.n_different, total.n_only_one, total.n_only_other) == (1, 2, 1, 0)
    assert (total.n_empty, total.n_failed) == (1, 1)  # row 6: 13 is unlucky in both
    assert (total.largest, total.median) == (12.0, statistics.median([3.0, 12.0]))
    sign = next(column for column in found.columns if column.name == "sign")
    assert (sign.n_different, sign.largest) == (1, None)
    assert [row for row, _ in found.rows] == [1, 2, 4]
    differing = {column.name: (mine, its) for column, mine, its in found.rows[0][1]}
    assert differing == {"y": (2.0, 5.0), "total": (3.0, 6.0)}
    assert found.missing == []


def test_positions_differ_by_arcseconds(family, owner, work):
    work()
    copy = copy_table(family.stars, "stars_beside", by=owner)
    edit_cell(copy, 1, copy.column("place"), (359.999, 5.0), seen=(0.001, 5.0), editor=owner)

    place = next(column for column in compare_tables(family.stars, copy).columns if column.name == "place")

    assert place.largest == pytest.approx(0.002 * 3600 * 0.99619469809, rel=1e-6)


def test_rows_that_differ_come_in_pages(worktable, owner, work):
    work()
    copy = copy_table(worktable, "beside", by=owner)
    for row, seen in ((1, 1.0), (2, -5.0), (3, 3.0)):
        edit_cell(copy, row, copy.column("x"), 50.0, seen=seen, editor=owner)

    first = compare_tables(worktable, copy, size=2)
    second_page = compare_tables(worktable, copy, size=2, after=first.after)

    assert ([row for row, _ in first.rows], first.after) == ([1, 2], 2)
    assert ([row for row, _ in second_page.rows], second_page.after) == ([3], None)


def test_comparing_costs_the_same_for_any_number_of_rows(
    worktable, owner, work, django_assert_max_num_queries
):
    add_rows(worktable, [{"x": float(n), "y": 1.0} for n in range(20, 220)], by=owner)
    copy = copy_table(worktable, "beside", by=owner)

    with django_assert_max_num_queries(30):
        compare_tables(worktable, copy)


def test_who_may_not_make_tables_copies_none(worktable, collaborator, owner):
    with pytest.raises(PermissionDenied):
        copy_table(worktable, "beside", by=collaborator)
    with pytest.raises(UnfitName, match="already a table"):
        copy_table(worktable, "fields", by=owner)
    with pytest.raises(NoSuchVersion):
        copy_table(worktable, "beside", versions={"add": version_of(get_step("toy_sign"))}, by=owner)
