"""The first rows of an answer, for people: asked at once, within a short time."""

import time
from dataclasses import dataclass

from vo.adql.tables import Column, Table
from vo.asking import ask
from vo.tap.answering import Counted, as_values, prepare
from vo.tap.asking import TapQuery
from worktables.formats.fields import Packed, listed

UNSORTABLE = ("array", "point", "circle", "polygon")


@dataclass(frozen=True)
class Preview:
    """The first rows of an answer.

    `more` says whether there are others; `tables` are those that were read.
    """

    columns: tuple[Column, ...]
    rows: list[tuple]
    more: bool
    seconds: float
    tables: frozenset[Table]


def preview(text, user, schemas, *, most, seconds, base=""):
    """Ask a query, and return its first rows.

    Parameters
    ----------
    text : str
        ADQL.
    user : User or AnonymousUser
    schemas : list of Schema
        What this user may ask, as `vo.catalogue.schemas_for` has it.
    most : int
        Rows.
    seconds : float
        After which it is given up.
    base : str
        Address of the portal as this person reaches it.

    Raises
    ------
    vo.adql.AdqlError, VoError
    """
    began = time.monotonic()
    translation, brought = prepare(TapQuery(text, None, "", most, {}, base), user, schemas)
    counted = Counted(ask(translation, brought, seconds=seconds), most)
    rows = [row for batch in as_values(translation.columns, counted) for row in rows_in(batch)]
    return Preview(translation.columns, rows, counted.more, time.monotonic() - began, translation.tables)


def rows_in(batch):
    """Return the rows of a batch, as tuples of plain values."""
    if not isinstance(batch, Packed):
        return batch
    by_column = [[None if cell != cell else cell for cell in listed(cells)] for cells in batch.columns]
    return list(zip(*by_column, strict=True))


def sort_rows(found, wanted):
    """Return the rows of a preview sorted by a column, `-name` from the largest; what has no value comes last."""
    places = {
        column.name: place for place, column in enumerate(found.columns) if column.kind not in UNSORTABLE
    }
    place = places.get(wanted.removeprefix("-"))
    if place is None:
        return found.rows
    with_value = [row for row in found.rows if row[place] is not None]
    without = [row for row in found.rows if row[place] is None]
    return sorted(with_value, key=lambda row: row[place], reverse=wanted.startswith("-")) + without
