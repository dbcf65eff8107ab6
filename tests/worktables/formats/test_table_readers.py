"""What people bring is read as they meant it, or refused with a line, a name and a remedy."""

import io

import numpy as np
import pytest
from astropy.io import fits

from tests.worktables.formats.table_of_everything import FIELDS, ROWS, same, written
from worktables.formats import FORMATS, Field
from worktables.formats.errors import (
    BadCells,
    DuplicateColumns,
    ForbiddenCharacter,
    FormatError,
    NoColumns,
    NotATable,
    TruncatedFile,
    UnclosedQuote,
    UnknownUnit,
    WrongNumberOfCells,
)
from worktables.formats.reading import read_table

LOST = {  # (column, row) whose null and empty cannot be told apart in a format
    "votable": set(),
    "ecsv": set(),
    "csv": set(),
    "parquet": set(),
    "votable-tabledata": {("name", 2), ("spectrum", 2), ("flags", 2)},
    "fits": {("name", 2), ("spectrum", 2), ("flags", 2)},
}


@pytest.mark.parametrize("format", LOST)
def test_our_own_files_come_back_as_they_were(format, request):
    if format == "parquet":
        request.getfixturevalue("pyarrow")

    table = read_table(written(FORMATS[format]), f"everything{FORMATS[format].suffix}")

    assert [field.name for field in table.fields] == [field.name for field in FIELDS]
    for i, field in enumerate(FIELDS):
        if field.name == "words" and format == "fits":
            continue  # lists of text are JSON text there
        for j, (before, after) in enumerate(zip(ROWS, table.rows, strict=True)):
            expected = None if (field.name, j) in LOST[format] else before[i]
            assert same(expected, after[i]), (field.name, j)


@pytest.mark.parametrize("format", ["votable", "votable-tabledata", "fits", "ecsv"])
def test_units_ucds_descriptions_and_kinds_come_back(format):
    table = read_table(written(FORMATS[format]))
    found = {field.name: field for field in table.fields}

    flux, observed, position, moments = (found[n] for n in ("flux", "observed", "position", "moments"))
    assert (flux.unit, flux.ucd, flux.description) == ("Jy/beam", "phot.flux.density", "peak")
    assert (observed.kind, observed.time_scale) == ("time", "UTC")
    assert (position.kind, position.ucd, position.description) == ("position", "pos.eq;meta.main", "where")
    assert (moments.kind, moments.shape, moments.element) == ("array", "3", "float")
    assert (table.title, table.description) == ("everything", "One of each & more")


@pytest.mark.parametrize("format", LOST)
def test_a_table_without_rows_is_read(format, request):
    if format == "parquet":
        request.getfixturevalue("pyarrow")

    table = read_table(written(FORMATS[format], []))

    assert table.rows == []
    assert len(table.fields) >= len(FIELDS)


# Guessing CSV


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["true", "", "FALSE"], "bool", [True, None, False]),
        (["1", "", "-7"], "int", [1, None, -7]),
        ([str(2**53 + 1)], "int", [2**53 + 1]),
        ([str(2**63)], "text", [str(2**63)]),
        (["007", "012"], "text", ["007", "012"]),
        (["1", "2.5"], "float", [1.0, 2.5]),
        (["1", "nan", "-inf"], "float", [1.0, None, -float("inf")]),
        (["2020-05-31T12:00:00"], "time", [59000.5]),
        (["1", "x"], "text", ["1", "x"]),
        (["", ""], "text", [None, None]),
        (['""', "x"], "text", ["", "x"]),
        (['"[1, 2]"', '"[]"'], "array", [[1, 2], []]),
    ],
)
def test_the_kind_of_a_csv_column_is_guessed_from_all_its_cells(texts, kind, values):
    text = "a,b\n" + "".join(f"{cell},z\n" for cell in texts)

    table = read_table(text.encode(), "guess.csv")

    assert table.fields[0].kind == kind
    assert same([row[0] for row in table.rows], values)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_line_ends_comments_and_quotes_are_understood(separator, end):
    lines = ["# made by hand", "", separator.join(["a", "b", "c"]), separator.join(["1", "", '"x ""y"" z"'])]

    table = read_table(("\ufeff" + end.join(lines) + end).encode(), "hand.csv")

    assert table.rows == [(1, None, 'x "y" z')]


def test_names_are_made_valid_and_the_originals_kept():
    table = read_table(b"Name,Flux (mJy),flux-mjy,1st,,select;drop\na,1,2,3,4,5\n", "names.csv")

    assert [field.name for field in table.fields] == [
        "name", "flux_mjy", "flux_mjy_2", "c_1st", "column_5", "select_drop",
    ]  # fmt: skip
    assert "“Flux (mJy)” in the file" in table.fields[1].description


def test_ra_and_dec_become_one_position():
    table = read_table(b"name,ra,dec,core_ra,core_dec\na,10.5,-3,1,2\nb,,,3,4\n", "sky.csv")

    assert [(field.name, field.kind) for field in table.fields] == [
        ("name", "text"), ("position", "position"), ("core", "position"),
    ]  # fmt: skip
    assert table.rows == [("a", (10.5, -3.0), (1.0, 2.0)), ("b", None, (3.0, 4.0))]


@pytest.mark.parametrize("row", ["400,1", "1,95", "1,"])
def test_what_cannot_be_a_position_stays_two_numbers(row):
    table = read_table(f"ra,dec\n{row}\n1,2\n".encode(), "sky.csv")

    assert [field.kind for field in table.fields] != ["position"]


def test_another_reference_frame_is_not_taken_for_icrs():
    data = written(FORMATS["votable"]).replace(b'system="ICRS"', b'system="eq_FK4"')

    table = read_table(data, "old.vot")

    assert "position" not in {field.kind for field in table.fields}


def test_a_fits_table_of_others_is_read_with_its_masks():
    columns = [
        fits.Column("ID", "J", array=[1, -99, 3], null=-99),
        fits.Column("RA (J2000)", "D", unit="deg", array=[1.0, 2.0, 3.0]),
        fits.Column("S", "E", unit="mJy", array=[0.5, np.nan, 2.0]),
        fits.Column("NAME", "8A", array=["a ", "", "c"]),
    ]
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(file)

    table = read_table(file.getvalue(), "others.fits")

    assert [(field.name, field.kind, field.unit) for field in table.fields] == [
        ("id", "int", ""), ("ra_j2000", "float", "deg"), ("s", "float", "mJy"), ("name", "text", ""),
    ]  # fmt: skip
    assert table.rows == [(1, 1.0, 0.5, "a"), (None, 2.0, None, None), (3, 3.0, 2.0, "c")]


# Refusals


def refusal(data, name="given"):
    with pytest.raises(FormatError) as caught:
        read_table(data, name)
    assert caught.value.status == 400
    assert caught.value.code
    return caught.value


@pytest.mark.parametrize("format", ["votable", "votable-tabledata", "fits"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.75, 0.9])
def test_a_truncated_file_is_called_so(format, part):
    data = written(FORMATS[format])

    error = refusal(data[: int(len(data) * part)], "half")

    assert isinstance(error, TruncatedFile)
    assert "“half” is cut off" in str(error)


def test_a_damaged_fits_file_is_refused_by_its_checksum():
    data = bytearray(written(FORMATS["fits"]))
    data[-2880 + 20] ^= 4

    assert "checksum does not fit" in str(refusal(bytes(data)))


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", NoColumns, "has no columns"),
        (b"# only a comment\n", NoColumns, "has no columns"),
        (b"a,b\n1,2\n3\n", WrongNumberOfCells, "line 3 has too few cells: 1 found, 2 expected"),
        (b'a,b\n"x\ny",2\n1,2,3\n', WrongNumberOfCells, "line 4 has too many cells: 3 found, 2 expected"),
        (b"a,b,a\n1,2,3\n", DuplicateColumns, "more than one column is called “a”"),
        (b"a,b\n1,\0\n", ForbiddenCharacter, "line 2 of “given” holds a NUL"),
        (b"a,b\n1,\xe9\n", NotATable, "line 2 has the byte 0xe9"),
        (b'a,b\n1,"x\n', UnclosedQuote, "opened in line 2"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", NotATable, "neither text nor"),
        (b"%PDF-1.4\n", NotATable, "a document or a picture"),
        (b"\x1f\x8b\x08\0", NotATable, "packed with gzip; unpack it"),
        (b"<!DOCTYPE html><html>", NotATable, "a web page"),
        (b"<?xml version='1.0'?><svg/>", NotATable, "its first element is svg"),
        (b"<VOTABLE><RESOURCE/></VOTABLE>", NotATable, "has no TABLE"),
        (b"<VOTABLE><RESOURCE><TABLE/></RESOURCE></VOTABLE>", NoColumns, "has no columns"),
        (b"<VOTABLE><RESOURCE></VOTABLE>", NotATable, "not well-formed XML"),
        (b"SIMPLE  = nonsense", NotATable, "FITS table cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_by_name(data, kind, words):
    error = refusal(data)

    assert type(error) is kind
    assert words in str(error)


def test_a_fits_image_is_not_a_table():
    file = io.BytesIO()
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(file)

    assert "only images" in str(refusal(file.getvalue()))


def test_the_error_of_a_service_is_passed_on():
    data = (
        b'<VOTABLE><RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">no such table</INFO>'
        b"</RESOURCE></VOTABLE>"
    )

    assert "no such table" in str(refusal(data))


@pytest.mark.parametrize("element", ["FITS", "BINARY"])
def test_a_votable_may_not_make_us_open_another_file(element, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    data = (
        f'<VOTABLE><RESOURCE><TABLE><FIELD name="a" datatype="char" arraysize="6"/><DATA><{element}>'
        f'<STREAM href="{secret.as_uri()}"/></{element}></DATA></TABLE></RESOURCE></VOTABLE>'
    )

    assert "at another address" in str(refusal(data.encode()))


def test_entities_are_refused():
    data = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><VOTABLE>&a;</VOTABLE>'

    assert "entities" in str(refusal(data))


@pytest.mark.parametrize(
    ("unit", "suggested"), [("mjy", "“mJy”"), ("Jy/baem", "“Jy/beam”"), ("furlongs", "write it as in")]
)
def test_an_unknown_unit_is_named_with_its_column_and_what_was_meant(unit, suggested):
    data = written(FORMATS["ecsv"]).replace(b"Jy.beam**-1", unit.encode())

    error = refusal(data)

    assert isinstance(error, UnknownUnit)
    assert f"column “flux” has the unknown unit “{unit}”" in str(error)
    assert suggested in str(error)


def test_a_cell_of_another_type_than_ecsv_declares_is_named():
    data = b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: n, datatype: int64}\n# delimiter: ','\nn\n1\nx\n"

    error = refusal(data)

    assert isinstance(error, BadCells)
    assert "line 8, column “n”: “x” is not an integer" in str(error)


def test_ecsv_as_astropy_writes_it_is_read():
    from astropy import units as u
    from astropy.table import QTable

    table = QTable({"flux": [1.0, 2.0] * u.mJy, "name": ["a b", ""], "n": [1, 2]})
    file = io.StringIO()
    table.write(file, format="ascii.ecsv")

    read = read_table(file.getvalue().encode(), "astropy.ecsv")

    assert read.fields[0] == Field("flux", "float", "mJy")
    assert read.rows == [(1.0, "a b", 1), (2.0, "", 2)]
