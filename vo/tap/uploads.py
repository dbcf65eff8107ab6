"""Uploaded tables: read, checked, and named as TAP_UPLOAD has them."""

import re

from django.conf import settings

from vo.adql.tables import Column, Table
from vo.tap.errors import UploadRefused
from vo.tap.fetching import fetch
from worktables.formats import FormatError
from worktables.formats.reading_votable import read_votable
from worktables.formats.units import unit_as

SCHEMA = "tap_upload"
PLAIN = re.compile(r"[^A-Za-z0-9_]")


# What comes back has the datatype it came with, where a kind has more than one.
NARROWER = {
    "int": {name: name for name in ("unsignedByte", "short", "int")},
    "float": {"float": "float"},
    "time": {"float": "float"},
    "text": {"char": "char"},
}


def read_upload(name, data):
    """Return an uploaded VOTable as a table of TAP_UPLOAD, and its rows.

    Parameters
    ----------
    name : str
    data : bytes or str
        The VOTable, or the address where it is.

    Raises
    ------
    UploadRefused
        Saying what is wrong with it; arrays and tables that are too large are, too.
    """
    if isinstance(data, str):
        data = fetch(name, data)
    try:
        columns, about = read_votable(data, name, most=4 * settings.VO["UPLOAD_BYTES"])
    except FormatError as error:
        raise UploadRefused(name, str(error)) from None
    if not columns:
        raise UploadRefused(name, "it has no columns")
    limits = settings.VO
    if len(columns) > limits["UPLOAD_COLUMNS"]:
        raise UploadRefused(
            name, f"it has {len(columns)} columns; at most {limits['UPLOAD_COLUMNS']} are taken"
        )
    count = len(columns[0].cells)
    if count > limits["UPLOAD_ROWS"]:
        raise UploadRefused(name, f"it has {count:,} rows; at most {limits['UPLOAD_ROWS']:,} are taken")
    described, cells, taken = [], [], set()
    for number, column in enumerate(columns, start=1):
        if column.kind == "array":
            raise UploadRefused(
                name,
                f"its column “{column.name}” holds arrays; leave it out, or give its elements columns of their own",
            )
        own = _name(column.name.strip(), number, taken)
        kind = column.kind if column.kind in ("bool", "int", "float", "time") else "text"
        described.append(
            Column(
                own,
                kind,
                unit_as("vounit", column.unit),
                column.ucd,
                column.description,
                xtype=column.xtype,
                element=_narrower(kind, column),
                time_scale=column.time_scale,
            )
        )
        cells.append(_plain(kind, column.cells))
    rows = list(zip(*cells, strict=True))
    return Table(
        SCHEMA, name, "", tuple(described), description=about.get("description", ""), size=count
    ), rows


def _narrower(kind, column):
    """Return the datatype it came in, if its values can be given back in it: a char is an ASCII character."""
    found = NARROWER.get(kind, {}).get(column.datatype, "")
    if found == "char" and not all(cell.isascii() for cell in column.cells if cell):
        return ""
    return found


def _name(text, number, taken):
    """Return a name that can stand in a query; two that differ in nothing but case would be one."""
    name = PLAIN.sub("_", text) or f"column_{number}"
    if not name[0].isalpha():
        name = f"c_{name}"
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def _plain(kind, cells):
    if kind == "bool":
        return [None if cell is None else bool(cell) for cell in cells]
    if kind == "int":
        return [None if cell is None else int(cell) for cell in cells]
    if kind in ("float", "time"):
        return [None if cell is None or cell != cell else float(cell) for cell in cells]
    return [None if cell is None else str(cell) for cell in cells]
