"""Positions of what has a name: read as coordinates, else looked up in the table that is asked."""

from django.conf import settings

from vo.adql.names import adql_name
from vo.errors import VoError
from vo.querying.conditions import places_of
from vo.querying.forming import quoted
from vo.querying.previewing import preview
from vo.tap.schema import table_name
from worktables.formats.parsing import parse_cell


class NoSuchPlace(ValueError):
    """A text is no position, and not the name of one row either."""


def place_in(table, user, schemas):
    """Return a function that makes of a text right ascension and declination, in degrees.

    A name is looked up among those of the table, whatever its capitals.
    """

    def place(text):
        try:
            return parse_cell("position", text)
        except ValueError as error:
            no_position = str(error)
        name = name_column(table)
        found = named(text, name, table, user, schemas) if name else []
        if len(found) != 1:
            rows = "several rows are" if found else "no row is"
            raise NoSuchPlace(f"{no_position}; {rows} called so here" if name else no_position)
        return found[0]

    return place


def name_column(table):
    """Return the column in which the rows of a table have their names; None if there is none."""
    texts = [
        column
        for column in table.columns
        if column.kind == "text" and column.ucd.lower().startswith("meta.id")
    ]
    return max(texts, key=lambda column: "meta.main" in column.ucd.lower(), default=None)


def named(text, name, table, user, schemas):
    """Return the different positions of rows of that name, two at most."""
    ra, dec = map(adql_name, places_of(table)[0])
    asked = (
        f"SELECT DISTINCT TOP 2 {ra}, {dec} FROM {table_name(table)} "
        f"WHERE LOWER({adql_name(name.name)}) = LOWER({quoted(text)}) AND {ra} IS NOT NULL AND {dec} IS NOT NULL"
    )
    try:
        return preview(asked, user, schemas, most=2, seconds=settings.VO["PREVIEW_SECONDS"]).rows
    except VoError as error:
        raise NoSuchPlace(f"“{text}” could not be looked up: {error}") from None
