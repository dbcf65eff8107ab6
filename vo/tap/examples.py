"""Queries that can be asked here, made from the tables there are."""

from dataclasses import dataclass

from vo.adql.names import adql_name
from vo.tap.schema import table_name

M87 = 187.70593, 12.39112


@dataclass(frozen=True)
class Example:
    """A query worth knowing, with a name and what it does."""

    id: str
    title: str
    about: str
    query: str


def examples_for(tables):
    """Return examples for somebody who may ask these tables; those of TAP_SCHEMA always work."""
    found = [
        Example(
            "tables",
            "Which tables there are",
            "Every table that you may ask, with what it is about.",
            "SELECT table_name, description\nFROM tap_schema.tables\nORDER BY table_name",
        ),
        Example(
            "columns",
            "Where to find a quantity",
            "All columns that hold a flux density, whatever they are called: UCDs say what a column means.",
            "SELECT table_name, column_name, unit, ucd\nFROM tap_schema.columns\nWHERE ucd LIKE 'phot.flux%'",
        ),
        Example(
            "sizes",
            "How many columns each table has",
            "Rows counted by groups.",
            "SELECT table_name, COUNT(*) AS n_columns\nFROM tap_schema.columns\nGROUP BY table_name\n"
            "ORDER BY n_columns DESC",
        ),
    ]
    with_sky = [table for table in tables if table.positions]
    if with_sky:
        found += _sky(max(with_sky, key=lambda table: table.somewhere is not None))
    return found


def _sky(table):
    place, name = table.positions[0], table_name(table)
    ra, dec = adql_name(place.ra), adql_name(place.dec)
    at = ", ".join(f"{angle:.5f}" for angle in table.somewhere or M87)
    return [
        Example(
            "cone",
            "What is near a place",
            "All rows within 0.1 degrees of a place on the sky.",
            f"SELECT TOP 100 *\nFROM {name}\n"
            f"WHERE 1 = CONTAINS(POINT('ICRS', {ra}, {dec}), CIRCLE('ICRS', {at}, 0.1))",
        ),
        Example(
            "pairs",
            "Close pairs",
            "Rows of one table that lie within 5 arc seconds of each other.",
            f"SELECT a.{ra}, a.{dec}, b.{ra} AS other_ra, b.{dec} AS other_dec\nFROM {name} AS a\nJOIN {name} AS b\n"
            f"  ON DISTANCE(POINT('ICRS', a.{ra}, a.{dec}), POINT('ICRS', b.{ra}, b.{dec})) < 5.0 / 3600.0\n"
            f"WHERE a.{dec} < b.{dec}",
        ),
    ]
