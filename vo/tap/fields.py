"""Columns of the catalogue and of answers, as files have them."""

from worktables.formats import Field, flat_columns
from worktables.formats.votable import type_of

SHAPES = {"point": "2", "circle": "3", "polygon": "*"}  # DALI 1.1, section 3.3: as arrays of numbers


def field_of(column):
    """Return a column of an answer as the formats know it."""
    if column.kind in SHAPES:
        kind, shape, element = "array", SHAPES[column.kind], "float"
    else:
        kind, shape, element = (
            ("text" if column.kind == "region" else column.kind),
            column.shape,
            column.element,
        )
    return Field(
        column.name,
        kind,
        column.unit,
        column.ucd,
        column.description,
        shape,
        element,
        column.time_scale,
        utype=column.utype,
        xtype=column.xtype,
    )


def column_type(column):
    """Return datatype, and arraysize where there is one, as the answers of queries have them."""
    return type_of(flat_columns([field_of(column)])[0])
