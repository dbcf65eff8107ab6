"""Catalogue files: what goes in comes out, and the same table gives the same bytes."""

import math
from io import BytesIO

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from hypothesis import given
from hypothesis import strategies as some

from archive.catalogues import catalogue_table, field_names, items_of, read_catalogue, write_catalogue
from archive.errors import CannotBeCatalogue, NotFits

SCHEMA = [
    {"name": "name", "kind": "text", "ucd": "meta.id"},
    {"name": "position", "kind": "position", "ucd": "pos.eq;meta.main", "description": "where"},
    {"name": "flux", "kind": "float", "unit": "Jy", "ucd": "phot.flux.density", "description": "how bright"},
    {"name": "n", "kind": "int"},
    {"name": "good", "kind": "bool"},
]
COLUMNS = {
    "name": ["a", "", "c"],
    "position": [(1.5, -2.5), (0.0, -0.0), (math.nan, math.nan)],
    "flux": [0.0, None, math.inf],
    "n": [2**53 + 1, None, -1],
    "good": [True, False, True],
}


def test_a_catalogue_comes_back_with_units_ucds_and_descriptions():
    table = read_catalogue(write_catalogue(catalogue_table(SCHEMA, COLUMNS)))

    assert table.colnames == ["name", "position_ra", "position_dec", "flux", "n", "good"]
    assert [str(table[name].unit) for name in ("position_ra", "flux")] == ["deg", "Jy"]
    assert table["position_ra"].info.meta["ucd"] == "pos.eq.ra;meta.main"
    assert table["flux"].info.description == "how bright"
    assert items_of(table, SCHEMA) == [
        {"name": "a", "position": (1.5, -2.5), "flux": 0.0, "n": 2**53 + 1, "good": True},
        {"name": "", "position": (0.0, -0.0), "flux": None, "n": None, "good": False},
        {"name": "c", "position": None, "flux": math.inf, "n": -1, "good": True},
    ]
    assert items_of(table) == items_of(table, SCHEMA)
    assert field_names(SCHEMA) == ["name", "position", "flux", "n", "good"]


def test_the_same_table_gives_the_same_bytes_and_no_date():
    data = write_catalogue(catalogue_table(SCHEMA, COLUMNS))

    assert write_catalogue(read_catalogue(data)) == data
    assert b"DATE" not in data
    with fits.open(BytesIO(data)) as hdus:
        hdus.verify("exception")


def test_another_value_gives_other_bytes():
    other = COLUMNS | {"flux": [-0.0, None, math.inf]}

    assert write_catalogue(catalogue_table(SCHEMA, COLUMNS)) != write_catalogue(
        catalogue_table(SCHEMA, other)
    )


def test_a_catalogue_without_items_keeps_its_columns():
    empty = catalogue_table(SCHEMA, {name: [] for name in COLUMNS})

    table = read_catalogue(write_catalogue(empty))

    assert len(table) == 0
    assert str(table["flux"].unit) == "Jy"
    assert items_of(table, SCHEMA) == []


def test_quantities_are_converted_to_the_unit_of_the_schema():
    schema = [{"name": "flux", "kind": "float", "unit": "Jy"}]

    assert list(catalogue_table(schema, {"flux": [1500.0] * u.mJy})["flux"]) == [1.5]


def test_a_table_with_quantities_can_be_written():
    table = read_catalogue(write_catalogue(QTable({"size": [1.0, 2.0] * u.arcsec})))

    assert str(table["size"].unit) == "arcsec"


@given(some.lists(some.tuples(some.floats(), some.integers(-(2**63) + 1, 2**63 - 1))))
def test_every_number_survives(pairs):
    table = Table()
    table["x"] = np.array([x for x, _ in pairs], dtype=np.float64)
    table["n"] = np.array([n for _, n in pairs], dtype=np.int64)

    back = read_catalogue(write_catalogue(table))

    assert np.array_equal(table["x"].view(np.int64), back["x"].view(np.int64))
    assert np.array_equal(table["n"], back["n"])


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (["é"], "FITS keeps only ASCII"),
        (["blank "], "FITS keeps only ASCII without trailing blanks"),
        (MaskedColumn(["a"], mask=[True]), "FITS has no missing text"),
        (MaskedColumn([True], mask=[True]), "FITS has no missing text or truth value"),
        ([[1.0, 2.0]], "its cells are arrays"),
        ([1j], "complex128 has no place"),
        ([-(2**63)], "stands for a missing value"),
        (np.array([2**63], dtype=np.uint64), "beyond 64 bits"),
    ],
)
def test_what_would_not_come_back_is_refused(column, reason):
    with pytest.raises(CannotBeCatalogue, match=reason):
        write_catalogue(Table({"odd": column}))


def test_bytes_that_are_no_catalogue_are_refused():
    with pytest.raises(NotFits):
        read_catalogue(b"nothing")
