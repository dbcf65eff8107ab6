"""What is in the database is what arrives on somebody's disk, in every format, under every server."""

import asyncio
import io
import math
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from django.core.exceptions import PermissionDenied
from django.db import connection, connections

from worktables.columns import NewColumn, add_column
from worktables.creating import create_worktable
from worktables.errors import NoSuchColumn, UnfitFilter
from worktables.exporting import export
from worktables.formats import FORMATS
from worktables.formats.errors import DuplicateColumns, MissingLibrary, UnknownFormat
from worktables.formats.reading import read_table
from worktables.rows import add_rows
from worktables.storage import layout_of
from worktables.streaming import FromAThread, file_pieces

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "streaming"])

COLUMNS = [
    NewColumn("good", "bool"),
    NewColumn("number", "int", description="beyond what a double holds"),
    NewColumn("flux", "float", unit="Jy", ucd="phot.flux.density"),
    NewColumn("label", "text"),
    NewColumn("observed", "time", unit="d", time_scale="TDB"),
    NewColumn("place", "position", ucd="pos.eq;meta.main"),
    NewColumn("beam", "array", shape="3", element="float", unit="arcsec"),
    NewColumn("spectrum", "array", shape="*", element="float", unit="mJy"),
    NewColumn("channels", "array", shape="*", element="int"),
    NewColumn("tags", "array", shape="*", element="text"),
]
ROWS = [
    {
        "good": True, "number": 2**53 + 1, "flux": math.inf, "label": "3C 273 “quasar”", "observed": 59000.123456789,
        "place": (187.27791, 2.05239), "beam": [1.0, math.nan, -math.inf], "spectrum": [0.1, math.nan],
        "channels": [1, -(2**63), 2**63 - 1], "tags": ["a", "", 'q"uote'],
    },
    {
        "good": False, "number": -(2**63), "flux": -math.inf, "label": "", "observed": 0.0, "place": (0.0, -90.0),
        "beam": [0.0, -0.0, 5e-324], "spectrum": [], "channels": [], "tags": [],
    },
    {},
    {
        "good": True, "number": 0, "flux": 0.0, "label": "a,b\nc", "observed": 51544.5, "place": (359.999999, 89.9),
        "beam": [1.0, 2.0, 3.0], "spectrum": [1.0], "channels": [7], "tags": ["β"],
    },
    {"number": 2**63 - 1, "flux": 0.1 + 0.2, "label": " spaces "},
]  # fmt: skip
# What a format cannot tell from null, as its documentation says.
EMPTY = {"label": "''", "spectrum": "[]", "channels": "[]", "tags": "[]"}
TAKEN_FOR_NULL = {"votable-tabledata": EMPTY, "fits": EMPTY}
# CSV has neither units nor types, and FITS no lists of texts: these come back as what they look like.
UNTYPED = {("csv", "channels"), ("csv", "tags"), ("fits", "tags")}
AS_NUMBERS = {
    ("csv", "observed"): ("float", ""),
    ("csv", "flux"): ("float", ""),
    **{("csv", name): ("array", "") for name in ("beam", "spectrum", "channels", "tags")},
}


@pytest.fixture
def everything(project, owner):
    """A plain table with every kind of column and every awkward value."""
    table = create_worktable(
        project, "everything", creator=owner, description="Awkward values.", columns=COLUMNS
    )
    add_rows(table, ROWS, by=owner)
    return table


def downloaded(worktable, format, user, wanted=None, **options):
    return b"".join(export(worktable, format, wanted or {}, by=user, **options).pieces)


def cells_of(worktable):
    layout = layout_of(worktable)
    return [
        tuple(layout.value(column, row) for column in layout.columns) for row in layout.rows.order_by("id")
    ]


def comparable(format, name, value):
    """Return a value in a form in which NaN equals NaN, and -0.0 is not 0.0."""
    if isinstance(value, str) and format in ("fits", "votable-tabledata"):
        value = value.strip(" ")  # FITS fills texts up with blanks, and in XML those at the ends mean nothing
    text = repr(value.tolist() if hasattr(value, "tolist") else value)
    return "None" if TAKEN_FOR_NULL.get(format, {}).get(name) == text else text


# What we do not read, and TSV, which has one way to say null and empty.
ONE_WAY = ("json", "parquet", "tsv")


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ONE_WAY])
def test_every_value_survives_the_way_out_and_back_in(everything, owner, format):
    read = read_table(downloaded(everything, format, owner), f"everything{FORMATS[format].suffix}")

    assert [field.name for field in read.fields] == [column.name for column in COLUMNS]
    for number, (column, field) in enumerate(zip(COLUMNS, read.fields, strict=True)):
        if column.kind == "array" and field.kind == "text":
            assert (format, column.name) in UNTYPED
            continue
        assert (field.kind, field.unit) == AS_NUMBERS.get((format, column.name), (column.kind, column.unit))
        for row, kept in zip(read.rows, cells_of(everything), strict=True):
            assert comparable(format, column.name, row[number]) == comparable(
                format, column.name, kept[number]
            )


def test_a_votable_is_what_astropy_understands_it_to_be(everything, owner):
    table = Table.read(io.BytesIO(downloaded(everything, "votable", owner)), format="votable")

    assert table["flux"].unit == "Jy"
    assert table["flux"].meta["ucd"] == "phot.flux.density"
    assert table["number"].dtype == np.int64
    assert table["number"].tolist() == [2**53 + 1, -(2**63), None, 0, 2**63 - 1]
    assert table["flux"].tolist() == [math.inf, -math.inf, None, 0.0, 0.1 + 0.2]
    assert [str(label) for label in table["label"][[0, 3]]] == ["3C 273 “quasar”", "a,b\nc"]
    assert table["place_ra"].tolist()[:2] == [187.27791, 0.0]
    assert table["place_ra"].unit == "deg"
    np.testing.assert_array_equal(table["beam"][0], [1.0, math.nan, -math.inf])


def test_a_fits_file_is_what_astropy_understands_it_to_be(everything, owner):
    with fits.open(io.BytesIO(downloaded(everything, "fits", owner)), checksum=True) as hdus:
        data, header = hdus[1].data, hdus[1].header

        null = header[f"TNULL{data.names.index('number') + 1}"]
        assert data["number"].tolist() == [2**53 + 1, -(2**63), null, 0, 2**63 - 1]
        assert null not in (2**53 + 1, -(2**63), 0, 2**63 - 1)
        assert header[f"TUNIT{data.names.index('flux') + 1}"] == "Jy"
        np.testing.assert_array_equal(data["flux"], [math.inf, -math.inf, math.nan, 0.0, 0.1 + 0.2])
        np.testing.assert_array_equal(data["channels"][0], [1, -(2**63), 2**63 - 1])


def test_an_integer_column_without_nulls_needs_no_number_for_them(project, owner):
    table = create_worktable(project, "whole", creator=owner, columns=[NewColumn("number", "int")])
    add_rows(table, [{"number": -(2**63)}, {"number": 2**63 - 1}], by=owner)

    with fits.open(io.BytesIO(downloaded(table, "fits", owner))) as hdus:
        assert "TNULL1" not in hdus[1].header
        assert hdus[1].data["number"].tolist() == [-(2**63), 2**63 - 1]


@pytest.mark.parametrize("format", ["votable", "votable-tabledata"])
def test_stilts_has_nothing_to_say_against_the_votable(everything, owner, format, tmp_path):
    stilts = needed("stilts")
    path = tmp_path / "everything.vot"
    path.write_bytes(downloaded(everything, format, owner))

    done = subprocess.run([stilts, "votlint", f"votable={path}"], capture_output=True, text=True)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_fitscheck_has_nothing_to_say_against_the_fits_file(everything, owner, tmp_path):
    fitscheck = needed("fitscheck")
    path = tmp_path / "everything.fits"
    path.write_bytes(downloaded(everything, "fits", owner))

    done = subprocess.run([fitscheck, "--compliance", str(path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def needed(program):
    """Return the path of a program; without it the test is skipped, in CI it fails."""
    beside_python = os.path.dirname(sys.executable)
    found = shutil.which(program) or shutil.which(program, path=beside_python)
    if found is None:
        assert os.environ.get("CI") != "true", f"{program} is not installed"
        pytest.skip(f"{program} is not installed")
    return found


def numbers(worktable, user, wanted=None, sort=""):
    read = read_table(downloaded(worktable, "ecsv", user, wanted, sort=sort))
    return [row[1] for row in read.rows]


def test_a_download_is_of_the_filtered_view_in_its_order(everything, owner):
    assert numbers(everything, owner, {"number": ">=0"}, "-number") == [2**63 - 1, 2**53 + 1, 0]
    assert numbers(everything, owner, {"good": "true", "place": "187.27 2.05 r=60"}) == [2**53 + 1]


def test_empty_cells_come_last_whichever_way_it_is_sorted(everything, owner):
    rising = [-(2**63), 0, 2**53 + 1, 2**63 - 1]

    assert numbers(everything, owner, sort="number") == [*rising, None]
    assert numbers(everything, owner, sort="-number") == [*rising[::-1], None]


def test_what_the_system_knows_of_a_row_comes_only_if_asked_for(everything, owner):
    plain = read_table(downloaded(everything, "ecsv", owner))
    for format in ("ecsv", "fits", "votable"):
        full = read_table(downloaded(everything, format, owner, hidden=True))
        row = dict(zip([field.name for field in full.fields], full.rows[0], strict=True))
        assert (row["id"], row["state"], row["created_by"], row["edited_by"]) == (1, "fresh", "owner", None)
        assert 60000 < row["created"] < 100000

    assert [field.name for field in plain.fields] == [column.name for column in COLUMNS]


@pytest.mark.parametrize("format", ["json", "csv", "fits", "votable"])
def test_an_empty_table_is_a_table(project, owner, format):
    table = create_worktable(project, "nothing", creator=owner, columns=COLUMNS)

    assert downloaded(table, format, owner)


def test_what_cannot_be_downloaded_is_refused_before_the_first_byte(everything, owner, stranger, monkeypatch):
    with pytest.raises(UnknownFormat, match="did you mean “votable”"):
        export(everything, "votabel", {}, by=owner)
    with pytest.raises(NoSuchColumn):
        export(everything, "csv", {"nonsense": "1"}, by=owner)
    with pytest.raises(UnfitFilter):
        export(everything, "csv", {"flux": "bright"}, by=owner)
    with pytest.raises(NoSuchColumn):
        export(everything, "csv", {}, "nonsense", by=owner)
    with pytest.raises(PermissionDenied):
        export(everything, "csv", {}, by=stranger)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="pyarrow"):
        export(everything, "parquet", {}, by=owner)


def test_two_columns_of_one_name_in_the_file_are_refused(everything, owner):
    add_column(everything, NewColumn("place_ra", "float"), by=owner)

    with pytest.raises(DuplicateColumns, match="place_ra"):
        export(everything, "csv", {}, by=owner)


def test_a_download_sees_one_moment(everything, owner):
    pieces = export(everything, "csv", {}, by=owner).pieces
    header = next(pieces)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worktables.exporting.BATCH", 1)
        fits_pieces = from_another_thread(export(everything, "fits", {}, by=owner).pieces)
        begun = next(fits_pieces)
        add_rows(everything, [{"number": 99}] * 3, by=owner)
        whole = begun + b"".join(fits_pieces)
    pieces.close()

    assert header.startswith(b"good,")
    with fits.open(io.BytesIO(whole), checksum=True) as hdus:
        assert len(hdus[1].data) == 5


def from_another_thread(pieces):
    """Run the asynchronous door in an event loop of its own."""
    loop = asyncio.new_event_loop()
    source = FromAThread(pieces)
    try:
        while (piece := loop.run_until_complete(anext(source, None))) is not None:
            yield piece
    finally:
        source.close()
        loop.close()


def test_a_client_that_leaves_gives_the_connection_back(everything, owner):
    pieces = export(everything, "csv", {}, by=owner).pieces
    next(pieces)
    next(pieces)
    held = connections["streaming"].connection

    pieces.close()

    assert held is not None
    assert connections["streaming"].connection is None


def test_under_an_asynchronous_server_a_thread_reads_and_closes(everything, owner):
    seen = {}

    def watched(pieces):
        try:
            for piece in pieces:
                seen["reader"], seen["open"] = threading.get_ident(), connections["streaming"].connection
                yield piece
        finally:
            pieces.close()
            seen["closer"], seen["closed"] = threading.get_ident(), connections["streaming"].connection
            done.set()

    pieces = export(everything, "csv", {}, by=owner).pieces

    async def leave_early():
        source = FromAThread(watched(pieces))
        await anext(source)
        await anext(source)
        source.close()

    done = threading.Event()
    asyncio.run(leave_early())
    done.wait(10)

    assert seen["open"] is not None
    assert seen["closed"] is None
    assert seen["reader"] == seen["closer"] != threading.get_ident()


def test_a_client_who_hangs_up_in_the_middle_is_noticed(everything, owner):
    done = threading.Event()

    def endless():
        try:
            while True:
                yield b"more"
        finally:
            done.set()

    async def read_for_ever():
        async for _ in FromAThread(endless()):
            await asyncio.sleep(0)

    async def hang_up():
        task = asyncio.create_task(read_for_ever())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(hang_up())

    assert done.wait(10)


@pytest.mark.parametrize("format", ["votable", "fits", "csv"])
def test_a_long_table_takes_no_more_memory_than_a_short_one(project, owner, format):
    table = create_worktable(
        project, "long", creator=owner, columns=[NewColumn("x", "float"), NewColumn("name", "text")]
    )

    def most_memory():
        tracemalloc.start()
        size = sum(len(piece) for piece in export(table, format, {}, by=owner).pieces)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, size

    add_rows(table, [{"x": float(n), "name": f"source {n}"} for n in range(6_000)], by=owner)
    short, _ = most_memory()
    add_rows(table, [{"x": float(n), "name": f"source {n}"} for n in range(34_000)], by=owner)
    long, size = most_memory()

    assert size > 600_000
    assert long < 1.3 * short + 200_000


def test_a_file_is_sent_in_pieces_and_closed(tmp_path):
    path = tmp_path / "map.fits"
    path.write_bytes(b"x" * 1000)
    opened = []

    def open_it():
        opened.append(path.open("rb"))
        return opened[0]

    pieces = file_pieces(open_it, size=400)
    before = list(opened)

    assert before == [], "a client that never reads leaves nothing open"
    assert [len(piece) for piece in pieces] == [400, 400, 200]
    assert opened[0].closed


def test_downloads_do_not_lock_editors_out(everything, owner):
    pieces = export(everything, "csv", {}, by=owner).pieces
    next(pieces)
    next(pieces)

    add_rows(everything, [{"number": 5}], by=owner)

    assert connection.in_atomic_block is False
    pieces.close()
