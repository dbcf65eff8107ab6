"""What is known of the columns of an answer."""

import pytest

from tests.vo.adql.sky import CATALOGUE
from vo.adql import AdqlError, translate

COLUMNS = {
    "ra": ("ra", "float", "deg", "pos.eq.ra;meta.main"),
    "ra AS x": ("x", "float", "deg", "pos.eq.ra;meta.main"),
    'ra AS "Right Ascension"': ("Right Ascension", "float", "deg", "pos.eq.ra;meta.main"),
    "id": ("id", "int", "", "meta.id;meta.main"),
    "name": ("name", "text", "", "meta.id"),
    "flag": ("flag", "bool", "", "meta.code"),
    "epoch": ("epoch", "time", "d", "time.epoch"),
    "footprint": ("footprint", "region", "", "pos.outline;obs.field"),
    "id + 1": ("col1", "int", "", ""),
    "(n - 10) * 6.0 / 3.0": ("col1", "float", "", ""),
    "n / 2": ("col1", "int", "", ""),
    "mag - 5": ("col1", "float", "mag", ""),
    "ra - dec": ("col1", "float", "deg", ""),
    "ra * dec": ("col1", "float", "", ""),
    "-mag": ("col1", "float", "mag", ""),
    "COUNT(*)": ("count", "int", "", "meta.number"),
    "MAX(mag)": ("max", "float", "mag", "stat.max;phot.mag;em.opt.V"),
    "MIN(name)": ("min", "text", "", "stat.min;meta.id"),
    "AVG(n)": ("avg", "float", "", "stat.mean;meta.number"),
    "SUM(n)": ("sum", "int", "", "meta.number"),
    "SUM(mag)": ("sum", "float", "mag", "phot.mag;em.opt.V"),
    "MAX(epoch)": ("max", "time", "d", "stat.max;time.epoch"),
    "epoch + 1": ("col1", "float", "d", ""),
    "IN_UNIT(ra, 'arcsec')": ("in_unit", "float", "arcsec", "pos.eq.ra;meta.main"),
    "DEGREES(n)": ("degrees", "float", "deg", ""),
    "SQRT(mag)": ("sqrt", "float", "", ""),
    "ROUND(mag, 1)": ("round", "float", "mag", "phot.mag;em.opt.V"),
    "DISTANCE(ra, dec, 0, 0)": ("distance", "float", "deg", "pos.angDistance"),
    "AREA(footprint)": ("area", "float", "deg**2", "phys.angArea"),
    "POINT(ra, dec)": ("point", "point", "deg", "pos.eq"),
    "CIRCLE(ra, dec, 1)": ("circle", "circle", "deg", "pos.outline;obs.field"),
    "BOX(ra, dec, 1, 1)": ("box", "polygon", "deg", "pos.outline;obs.field"),
    "COORD1(POINT(ra, dec))": ("coord1", "float", "deg", "pos.eq.ra"),
    "CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))": ("contains", "int", "", ""),
    "CAST(mag AS INTEGER)": ("cast", "int", "mag", "phot.mag;em.opt.V"),
    "CAST(n AS VARCHAR(3))": ("cast", "text", "", "meta.number"),
    "COALESCE(mag, 0)": ("coalesce", "float", "mag", "phot.mag;em.opt.V"),
    "CASE WHEN n > 1 THEN ra ELSE dec END": ("col1", "float", "deg", ""),
    "UPPER(name)": ("upper", "text", "", "meta.id"),
    "'text'": ("col1", "text", "", ""),
    "1": ("col1", "int", "", ""),
    "1e3": ("col1", "float", "", ""),
    "NULL": ("col1", "text", "", ""),
}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
@pytest.mark.parametrize("expression", COLUMNS)
def test_unit_kind_and_ucd_come_with_an_expression(expression, backend):
    (column,) = translate(f"SELECT {expression} FROM survey.stars", CATALOGUE, backend).columns

    assert (column.name, column.kind, column.unit, column.ucd) == COLUMNS[expression]


def test_a_plain_column_brings_all_that_is_known_of_it():
    epoch, footprint, star = translate(
        "SELECT epoch, footprint, id FROM survey.stars", CATALOGUE, "sqlite"
    ).columns

    assert epoch.time_scale == "tdb"
    assert footprint.xtype == "region"
    assert star.description == "Number of the star"


def test_it_does_so_through_subqueries_and_with_and_unions():
    query = (
        "WITH a AS (SELECT ra AS x FROM survey.stars) SELECT q.x FROM (SELECT x FROM a) AS q "
        "UNION SELECT ra FROM survey.galaxies"
    )

    (column,) = translate(query, CATALOGUE, "postgresql").columns

    assert (column.name, column.unit, column.ucd) == ("x", "deg", "pos.eq.ra;meta.main")


def test_names_of_an_answer_are_unique():
    columns = translate(
        "SELECT id, ra, id, ID AS id_2, 1, s.* FROM survey.stars s", CATALOGUE, "sqlite"
    ).columns

    names = [column.name.lower() for column in columns]
    assert names[:5] == ["id", "ra", "id_2", "id_2_2", "col5"]
    assert len(set(names)) == len(names)


def test_only_what_is_read_is_named():
    unused = "WITH unused AS (SELECT 1 AS x FROM other.stars)"
    query = f"{unused} SELECT id FROM survey.stars WHERE id IN (SELECT star_id FROM galaxies)"

    tables = translate(query, CATALOGUE, "sqlite").tables

    assert {table.full_name for table in tables} == {"survey.stars", "survey.galaxies", "other.stars"}


def test_units_that_do_not_convert_are_refused():
    for unit, sentence in (
        ("kg", "“deg” cannot be converted to “kg”"),
        ("furlong!", "“furlong!” is not a known unit"),
    ):
        with pytest.raises(AdqlError, match=sentence):
            translate(f"SELECT IN_UNIT(ra, '{unit}') FROM survey.stars", CATALOGUE, "sqlite")
