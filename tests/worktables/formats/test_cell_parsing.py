"""What people type into a cell or paste is understood, or the answer names line, column, value and remedy."""

import math

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from tests.worktables.formats.table_of_everything import same
from worktables.formats import Field
from worktables.formats.errors import (
    BadCell,
    BadCells,
    DuplicateColumns,
    ForbiddenCharacter,
    NothingPasted,
    UnknownColumn,
    WrongNumberOfCells,
)
from worktables.formats.parsing import format_cell, mjd_as_iso, parse_cell
from worktables.formats.paste import parse_pasted

FINITE = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
VALUES = {
    "bool": st.booleans(),
    "int": INT64,
    "float": st.floats(allow_nan=False),
    "text": TEXT,
    "time": st.floats(-1e6, 1e6),
    "position": st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)),
    "product": st.text("0123456789abcdef", min_size=64, max_size=64),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_a_cell_shown_and_typed_again_is_the_same(kind, data):
    value = data.draw(VALUES[kind])

    assert same(parse_cell(kind, format_cell(kind, value)), value)


@pytest.mark.parametrize(
    ("element", "elements"),
    [("float", st.floats()), ("int", INT64), ("bool", st.booleans()), ("text", TEXT | st.just(""))],
)
@given(data=st.data())
def test_an_array_shown_and_typed_again_is_the_same(element, elements, data):
    value = data.draw(st.lists(elements) | st.lists(st.lists(elements, min_size=2, max_size=2), min_size=1))

    assert same(parse_cell("array", format_cell("array", value, element=element), element=element), value)


@pytest.mark.parametrize("kind", [*VALUES, "array", "catalogue"])
def test_an_empty_cell_is_none_of_any_kind(kind):
    assert parse_cell(kind, "") is None
    assert format_cell(kind, None) == ""


@pytest.mark.parametrize(
    "text",
    [
        "12:30:49.4 +12:23:28",
        "12h30m49.4s +12d23m28s",
        "12 30 49.4 +12 23 28",
        "12:30:49.4, -00:23:28.25",
        "23:59:59.999 -89:59:59.9",
        "00:00:00 −00:00:01",
    ],
)
def test_sexagesimal_positions_agree_with_astropy(text):
    expected = SkyCoord(text.replace("−", "-").replace(",", ""), unit=(u.hourangle, u.deg))

    ra, dec = parse_cell("position", text)

    assert ra == pytest.approx(expected.ra.deg, abs=1e-12)
    assert dec == pytest.approx(expected.dec.deg, abs=1e-12)


@pytest.mark.parametrize(
    "text", ["2020-05-31", "2020-05-31T12:34:56.789", "2016-12-31 23:59:60.5", "1999-01-01T00:00:00Z"]
)
def test_dates_agree_with_astropy(text):
    expected = Time(text.rstrip("Z"), scale="utc").mjd

    assert parse_cell("time", text) == pytest.approx(expected, abs=1e-10)


def test_a_time_is_shown_as_a_date():
    assert mjd_as_iso(59000.5) == "2020-05-31T12:00:00.000"
    assert mjd_as_iso(59000.5, digits=0) == "2020-05-31T12:00:00"


@pytest.mark.parametrize(
    ("kind", "text", "remedy"),
    [
        ("bool", "maybe", "write true or false"),
        ("int", "1.0", "digits only"),
        ("int", str(2**63), "must lie between"),
        ("int", "9" * 5000, "must lie between"),
        ("int", "１２", "digits only"),
        ("int", "1_000", "digits only"),
        ("float", "1,5", "write 1.5"),
        ("float", "1e999", "beyond the largest number"),
        ("float", "0x10", "write it as in 1.5"),
        ("time", "2459000.5", "subtract 2400000.5"),
        ("time", "2020-02-30", "no such date"),
        ("time", "2020-02-03T25:00:00", "no such date"),
        ("time", "2020-02-03T12:00:60", "no such date"),
        ("time", "yesterday", "write an MJD"),
        ("position", "361 0", "between 0 and 360"),
        ("position", "10 91", "between -90 and 90"),
        ("position", "24:00:00 +00:00:00", "hours go to 23"),
        ("position", "M87", "write degrees"),
        ("position", "nan 2", "write degrees"),
        ("array", "1, 2", "in brackets"),
        ("array", "[1,,2]", "do not match"),
        ("array", "[1,2]]", "do not match"),
        ("array", "[[1,2],[3]]", "different lengths"),
        ("array", "[[1],2]", "mixes"),
        ("array", "[" * 5000 + "]" * 5000, "do not match"),
        ("array", "[1, x]", "write it as in 1.5"),
        ("product", "image.fits", "64 characters"),
    ],
)
def test_nonsense_is_refused_with_the_value_and_a_remedy(kind, text, remedy):
    with pytest.raises(BadCell) as caught:
        parse_cell(kind, text)

    assert remedy in str(caught.value)
    assert caught.value.status == 400


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_nul_and_half_characters_are_refused(text):
    with pytest.raises(ForbiddenCharacter):
        parse_cell("text", text)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(BadCell, match="it has 2 elements, the column has 3"):
        parse_cell("array", "[1, 2]", shape="3")


# Pasting

TABLE = [Field("name", "text"), Field("flux", "float"), Field("centre", "position"), Field("n", "int")]
ROW = ("M 87", 1.5, (187.7, 12.39), 3)


@pytest.mark.parametrize(
    "text",
    [
        "M 87,1.5,187.7 12.39,3",
        "M 87\t1.5\t187.7 12.39\t3\n",
        "M 87,1.5,187.7,12.39,3\r\n",
        "\ufeffname,flux,centre,n\nM 87,1.5,187.7 12.39,3",
        "n,flux,Centre_RA,centre_dec,name\n3,1.5,187.7,12.39,M 87\n\n",
        '"M 87"\t1.5\t"187.7, 12.39"\t3',
    ],
)
def test_rows_are_pasted_with_and_without_header(text):
    assert parse_pasted(text, TABLE) == [ROW]


def test_columns_left_out_and_empty_cells_are_none_and_quotes_are_empty_text():
    assert parse_pasted('name,n\n"",\n,4\n', TABLE) == [("", None, None, None), (None, None, None, 4)]


def test_every_cell_that_does_not_fit_is_named():
    with pytest.raises(BadCells) as caught:
        parse_pasted("name,flux,n\na,1.5,2\nb,1;5,2.0\nc,,\n", TABLE)

    assert [(p.line, p.column, p.value) for p in caught.value.problems] == [
        (3, "flux", "1;5"),
        (3, "n", "2.0"),
    ]
    assert "line 3, column “flux”: “1;5” is not a number" in str(caught.value)
    assert "(and 1 more cell)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("a,1,2 3,4\nb,1\n", WrongNumberOfCells, "line 2 has too few cells: 2 found, 4 expected"),
        ("a,1", WrongNumberOfCells, "line 1 has too few cells"),
        ("a,1,2,3,4,5,6", WrongNumberOfCells, "line 1 has too many cells"),
        ("name,fluks\na,1", UnknownColumn, "did you mean “flux”"),
        ("name,centre_ra\na,1", UnknownColumn, "without its other coordinate"),
        ("name,name\na,b", DuplicateColumns, "“name”"),
        ("", NothingPasted, "no row"),
        ("name,flux\n", NothingPasted, "no row"),
    ],
)
def test_a_paste_that_does_not_fit_is_refused(text, kind, words):
    with pytest.raises(kind, match=words):
        parse_pasted(text, TABLE)


def test_a_scalar_nan_is_no_value_but_stays_inside_arrays():
    assert parse_cell("float", "nan") is None
    assert math.isnan(parse_cell("array", "[1, nan]")[1])
