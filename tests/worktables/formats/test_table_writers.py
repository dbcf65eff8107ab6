"""What is written is read back by others, to the last bit; what a format cannot hold is said."""

import io
import json
import math
import tracemalloc
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from tests.worktables.formats.table_of_everything import (
    FIELDS,
    ROWS,
    SHA,
    SURVEY,
    everything,
    same,
    survey_batches,
    written,
)
from worktables.formats import FORMATS, Field, TableInfo, UnknownFormat, flat_columns, format_named
from worktables.formats.errors import (
    BadValue,
    CellsDiffer,
    DuplicateColumns,
    MissingLibrary,
    NoNull,
    NullInData,
    RowCountDiffers,
    TextTooLong,
)

ALWAYS = [entry for entry in FORMATS.values() if entry.name != "parquet"]
SCALARS = ("n", "big", "flux", "observed")
ASCII_ROWS = [("plain ascii", *ROWS[0][1:]), *ROWS[1:]]


def flat_cells(name):
    """The cells of a flat column, as they went in."""
    column = next(column for column in flat_columns(FIELDS) if column.name == name)
    cells = [row[column.index] for row in ROWS]
    return cells if column.part is None else [None if c is None else c[column.part] for c in cells]


def unmasked(column):
    """A column of astropy as Python values, None where masked."""
    mask = np.ma.getmaskarray(column)
    values = np.ma.getdata(column).tolist()
    return [None if m else v for v, m in zip(values, mask.tolist(), strict=True)]


def read_by_astropy(name, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Column .* contains NULL")  # FITS logicals: see below
        return Table.read(io.BytesIO(written(FORMATS[name])), **options)


ASTROPY = [
    ("votable", {"format": "votable"}),
    ("votable-tabledata", {"format": "votable"}),
    ("fits", {"format": "fits"}),
    ("ecsv", {"format": "ascii.ecsv"}),
]


@pytest.mark.parametrize(("format", "options"), ASTROPY)
@pytest.mark.parametrize("name", [*SCALARS, "position_ra", "position_dec", "target_ra", "target_dec"])
def test_astropy_reads_numbers_back_exactly_with_nulls_and_infinities(format, options, name):
    table = read_by_astropy(format, **options)

    assert same(unmasked(table[name]), flat_cells(name))


@pytest.mark.parametrize(("format", "options"), ASTROPY)
def test_astropy_reads_units_back(format, options):
    table = read_by_astropy(format, **options)

    assert str(table["flux"].unit) == "Jy / beam"
    assert str(table["position_ra"].unit) == "deg"
    assert str(table["spectrum"].unit) == "mJy"


@pytest.mark.parametrize("format", ["votable", "votable-tabledata"])
def test_votable_keeps_texts_booleans_and_arrays(format):
    table = read_by_astropy(format, format="votable")

    assert [str(text) for text in table["name"]] == ['a<b>&\r\n"q", é𝄞', "", "", "plain"]
    assert unmasked(table["ok"]) == [True, None, False, None]
    for i in (0, 3):
        assert same(np.ma.getdata(table["spectrum"][i]), ROWS[i][8])
        assert same(np.ma.getdata(table["moments"][i]), ROWS[i][9])
        assert same(np.ma.getdata(table["matrix"][i]), ROWS[i][10])
        assert same(np.ma.getdata(table["flags"][i]), ROWS[i][11])
        assert json.loads(table["words"][i]) == ROWS[i][12]
    assert same(np.ma.getdata(table["moments"][2]), ROWS[2][9])


def test_fits_keeps_texts_and_arrays_with_nan():
    table = read_by_astropy("fits", format="fits")

    assert table["name"][0] == 'a<b>&\r\n"q", é𝄞'
    for i in (0, 3):
        assert same(table["spectrum"][i], ROWS[i][8])
        assert same(np.ma.getdata(table["moments"][i]), ROWS[i][9])
        assert same(np.ma.getdata(table["matrix"][i]), ROWS[i][10])
        assert same(table["flags"][i], ROWS[i][11])
    assert table["matrix"].mask[1].all()


def test_a_null_logical_in_fits_is_neither_true_nor_false():
    with fits.open(io.BytesIO(written(FORMATS["fits"])), logical_as_bytes=True) as hdus:
        assert hdus[1].data["ok"].tolist() == [b"T", b"", b"F", b""]


def test_ecsv_keeps_arrays_and_ucds():
    table = read_by_astropy("ecsv", format="ascii.ecsv")

    assert same(table["spectrum"][0], ROWS[0][8])
    assert same(np.ma.getdata(table["matrix"][3]), ROWS[3][10])
    assert table["flux"].meta["ucd"] == "phot.flux.density"
    assert table["position_ra"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_csv_writes_null_as_nothing_and_empty_text_as_quotes():
    rows = [(None, None), ("", 0), ("a", 1)]
    fields = (Field("name", "text"), Field("n", "int"))

    assert written(FORMATS["csv"], rows, fields).decode().splitlines() == ["name,n", ",", '"",0', "a,1"]


def test_json_is_strict_and_sends_what_browsers_would_round_as_text():
    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    document = json.loads(written(FORMATS["json"]), parse_constant=refuse)

    first, null, third, _ = document["rows"]
    assert (first["n"], first["big"], third["flux"]) == (1, str(2**53 + 1), "-Infinity")
    assert first["spectrum"] == [1.0, "NaN", "Infinity"]
    assert set(null.values()) == {None}
    assert third["name"] == ""
    flux = next(column for column in document["columns"] if column["name"] == "flux")
    assert (flux["unit"], flux["ucd"]) == ("Jy/beam", "phot.flux.density")


def test_parquet_keeps_everything_but_the_difference_of_shapes(pyarrow):
    import pyarrow.parquet as pq

    table = pq.read_table(pyarrow.BufferReader(written(FORMATS["parquet"])))

    for column in flat_columns(FIELDS):
        assert same(table[column.name].to_pylist(), flat_cells(column.name)), column.name
    assert table.schema.field("flux").metadata[b"unit"] == b"Jy/beam"


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(MissingLibrary, match=r"pip install 'stoa\[parquet\]'"):
        written(FORMATS["parquet"])


# Judges from outside


@pytest.mark.parametrize("format", ["votable", "votable-tabledata"])
@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "no rows"])
def test_votlint_has_nothing_to_say(tmp_path, run_tool, format, rows):
    path = tmp_path / "table.vot"
    path.write_bytes(written(FORMATS[format], rows))

    assert run_tool("stilts", "votlint", path) == (0, "")


@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "no rows"])
@pytest.mark.parametrize("fields", [FIELDS, FIELDS[:8]], ids=["with a heap", "without"])
def test_fitscheck_finds_compliance_and_checksums(tmp_path, run_tool, rows, fields):
    path = tmp_path / "table.fits"
    path.write_bytes(written(FORMATS["fits"], [row[: len(fields)] for row in rows], fields))

    assert run_tool("fitscheck", "--compliance", path) == (0, "")


def test_fitsverify_has_nothing_to_say_of_plain_text(tmp_path, run_tool):
    path = tmp_path / "table.fits"
    path.write_bytes(written(FORMATS["fits"], ASCII_ROWS))

    code, said = run_tool("fitsverify", path)

    assert "0 warning(s) and 0 error(s)" in said
    assert code == 0


def test_stilts_sees_the_null_bits_of_binary2(tmp_path, run_tool):
    path = tmp_path / "table.vot"
    path.write_bytes(written(FORMATS["votable"]))

    _, said = run_tool(
        "stilts",
        "tpipe",
        f"in={path}",
        "cmd=select NULL_n&&NULL_ok&&NULL_position_ra&&NULL_spectrum",
        "omode=count",
    )

    assert "rows: 1" in said


# The checksum that stands before its data


@pytest.mark.parametrize("known", [{"widths": {"name": 40, "image": 64}}, {}], ids=["at once", "measured"])
def test_a_flipped_bit_in_a_fits_row_breaks_its_checksum(known):
    fields, rows = FIELDS[:8], [row[:8] for row in ROWS]
    data = bytearray(written(FORMATS["fits"], rows, fields, **known))
    with fits.open(io.BytesIO(data), checksum=True) as hdus:
        assert hdus[1].header["DATASUM"] == "1398034241"
        first_byte_of_data = hdus[1].fileinfo()["datLoc"]

    data[first_byte_of_data + 20] ^= 1

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with fits.open(io.BytesIO(data), checksum=True) as hdus:
            _ = hdus[1].data
    assert "Datasum verification failed" in " ".join(str(warning.message) for warning in caught)


def test_fits_is_the_same_measured_or_told():
    fields, rows = FIELDS[:8], [row[:8] for row in ROWS]
    width = len(ROWS[0][0].encode())

    told = written(FORMATS["fits"], rows, fields, widths={"name": width})

    assert told == written(FORMATS["fits"], rows, fields, n_rows=None)


# What cannot be written is refused by name


def test_the_smallest_integer_is_refused_as_a_value_where_it_means_null():
    with pytest.raises(NullInData, match="column “n” holds -9223372036854775808"):
        written(FORMATS["fits"], [(-(2**63),)], (Field("n", "int"),))


def test_another_number_may_stand_for_null():
    data = written(FORMATS["fits"], [(-(2**63),), (None,)], (Field("n", "int"),), null_for={"n": -1})

    assert unmasked(Table.read(io.BytesIO(data), format="fits")["n"]) == [-(2**63), None]


def test_a_column_without_nulls_refuses_one():
    with pytest.raises(NoNull, match="column “n” has an empty cell"):
        written(FORMATS["fits"], [(1,), (None,)], (Field("n", "int"),), null_for={"n": None})


@pytest.mark.parametrize("promised", [1, 3])
def test_another_number_of_rows_than_promised_breaks_the_download(promised):
    with pytest.raises(RowCountDiffers, match=f"{promised} rows were promised"):
        written(FORMATS["fits"], [(1,), (2,)], (Field("n", "int"),), n_rows=promised, batch=1)


def test_a_text_wider_than_promised_breaks_the_download():
    with pytest.raises(TextTooLong, match="2 bytes wide, but has a text of 3"):
        written(FORMATS["fits"], [("abc",)], (Field("name", "text"),), widths={"name": 2})


@pytest.mark.parametrize("entry", ALWAYS, ids=lambda entry: entry.name)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("c", "int"), 1.5),
        (Field("c", "int"), 2**63),
        (Field("c", "float"), "many"),
        (Field("c", "array", shape="3"), [1, 2]),
        (Field("c", "array", shape="*", element="int"), [1.5]),
    ],
)
def test_a_value_of_another_kind_is_refused_by_every_writer(entry, field, value):
    with pytest.raises(BadValue, match="column “c”"):
        written(entry, [(value,)], (field,))


@pytest.mark.parametrize("entry", ALWAYS, ids=lambda entry: entry.name)
def test_a_row_of_another_length_is_refused(entry):
    with pytest.raises(CellsDiffer, match="1 cells, but the table has 2 columns"):
        written(entry, [(1,)], (Field("a", "int"), Field("b", "int")), widths={})


def test_a_position_claims_the_names_of_its_coordinates():
    with pytest.raises(DuplicateColumns, match="x_ra"):
        flat_columns([Field("x", "position"), Field("x_ra", "float")])


def test_only_one_position_is_the_main_one():
    columns = flat_columns([Field("a", "position"), Field("b", "position", ucd="pos.eq;meta.main")])

    assert [column.ucd for column in columns] == [
        "pos.eq.ra",
        "pos.eq.dec",
        "pos.eq.ra;meta.main",
        "pos.eq.dec;meta.main",
    ]


def test_an_unknown_format_is_refused_with_those_there_are():
    with pytest.raises(UnknownFormat, match="did you mean “votable”"):
        format_named("votabel")


@pytest.mark.parametrize("entry", ALWAYS, ids=lambda entry: entry.name)
def test_a_scalar_nan_is_null(entry):
    fields = (Field("name", "text"), Field("x", "float"))

    assert written(entry, [("a", math.nan)], fields) == written(entry, [("a", None)], fields)


@pytest.mark.parametrize("entry", ALWAYS, ids=lambda entry: entry.name)
def test_numpy_values_are_as_good_as_python_values(entry):
    fields = (Field("n", "int"), Field("x", "float"), Field("a", "array", shape="2"), Field("ok", "bool"))
    numpy_row = (np.int64(3), np.float64(0.1), np.array([1.0, math.nan]), np.bool_(True))

    assert written(entry, [numpy_row], fields) == written(entry, [(3, 0.1, [1.0, math.nan], True)], fields)


# Constant memory


@pytest.mark.parametrize(
    ("entry", "told"),
    [(entry, True) for entry in FORMATS.values()] + [(FORMATS["fits"], False)],
    ids=lambda value: getattr(value, "name", "told" if value is True else "measured"),
)
def test_ten_times_the_rows_take_no_more_memory(entry, told, request):
    if entry.name == "parquet":
        request.getfixturevalue("pyarrow")

    def peak(n_rows):
        known = {"n_rows": n_rows, "widths": {"name": 30, "note": 30}} if told else {}
        table = TableInfo("survey", "", SURVEY, **known)
        tracemalloc.start()
        try:
            size = sum(map(len, entry.writer(table, survey_batches(n_rows, 500))))
            return tracemalloc.get_traced_memory()[1], size
        finally:
            tracemalloc.stop()

    peak(500)
    (small, small_size), (large, large_size) = peak(2_000), peak(20_000)

    assert large_size > (5 if entry.name != "parquet" else 2) * small_size
    if entry.name != "parquet":  # whose row groups hold up to 50,000 rows
        assert large < 1.5 * small


def test_the_table_of_everything_has_every_kind():
    assert {field.kind for field in FIELDS} == {
        "bool", "int", "float", "text", "time", "position", "array", "product",
    }  # fmt: skip
    assert everything().columns[6].name == "position_ra"
    assert len(SHA) == 64
