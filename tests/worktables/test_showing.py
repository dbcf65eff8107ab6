"""What people read in a cell: enough digits, never a wrong one, and the whole value behind it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worktables.formats.parsing import parse_cell
from worktables.models import Column
from worktables.showing import digits_for, number, sexagesimal, shown, view_cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (97.5, "97.5"),
        (0.0311234567, "0.031123"),
        (-3.14159265, "-3.1416"),
        (123456.789, "123457"),
        (1.23456e-9, "1.2346e-9"),
        (1e300, "1e+300"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_a_number_has_a_few_significant_digits(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_shown_number_is_the_number_within_its_digits(value):
    assert float(number(value)) == pytest.approx(value, rel=1e-4, abs=0)


@given(st.floats(0, 360, exclude_max=True), st.floats(-90, 90))
def test_a_position_reads_back_within_its_last_digit(ra, dec):
    found = parse_cell("position", sexagesimal(ra, dec))

    assert abs((found[0] - ra + 180) % 360 - 180) * 3600 <= 0.0151 / 2 + 1e-6
    assert abs(found[1] - dec) * 3600 <= 0.0051


def test_a_position_never_has_sixty_seconds():
    assert sexagesimal(15 - 1e-9, -1e-9) == "01:00:00.000 -00:00:00.00"
    assert sexagesimal(359.9999999, 12 - 1e-9) == "00:00:00.000 +12:00:00.00"


def test_positions_get_the_digits_that_tell_them_apart():
    survey = [(10.0, 5.0), (10.1, 5.0), None]
    jet = [(187.70593, 12.3911232), (187.70593, 12.3911233)]

    assert digits_for(survey) == 3
    assert digits_for(jet) == 5


@pytest.mark.parametrize(
    ("kind", "value", "text", "title"),
    [
        ("int", 2**53 + 1, "9007199254740993", ""),
        ("text", "", "“”", "empty text"),
        ("bool", False, "no", ""),
        ("time", 59000.5, "2020-05-31 12:00:00", "MJD 59000.5"),
        ("array", [1.0, math.nan, 3.0, 4.0, 5.0], "[1.0, nan, 3.0, 4.0, … 5]", "[1.0, nan, 3.0, 4.0, 5.0]"),
        ("float", 0.1234567890123, "0.12346", "0.1234567890123"),
    ],
)
def test_each_kind_in_words_and_in_full(kind, value, text, title):
    assert shown(kind, value) == (text, title)


def test_what_was_typed_is_shown_as_typed_and_goes_back_as_seen():
    cell = view_cell(Column(name="x", kind="float", role="input"), 0.1234567890123, editable=True)

    assert (cell.text, cell.value, cell.typed) == ("0.1234567890123",) * 3
    assert cell.css == "num editable"


def test_an_empty_cell_is_marked_and_an_old_one_dimmed():
    column = Column(name="x", kind="float", role="output")

    assert view_cell(column, None, old=True).css == "num null"
    assert view_cell(column, 1.0, old=True).css == "num old"
    assert view_cell(column, 1.0).value is None
