"""Cells as text, exactly: floats by their shortest exact digits, arrays in brackets."""

import json
import re

import numpy as np

from worktables.formats.errors import BadValue
from worktables.formats.fields import as_array, as_fixed_arrays, as_floats, as_integers, listed

NEEDS_QUOTES = re.compile('[",\r\n]|^[ \t#]|[ \t]$|^$')
LARGEST_JSON_INTEGER = 2**53


def csv_texts(column, cells, *, true="true", false="false"):
    """Cells of a column for CSV: null is an empty field, empty text is `""`."""
    return plain_texts(column, cells, true=true, false=false, quote=quoted)


def plain_texts(column, cells, *, true="true", false="false", quote=str):
    """Cells of a column as texts, null as an empty one; `quote` is done to what could hold a separator."""
    kind = column.kind
    if kind in ("float", "time"):
        return ["" if value != value else repr(value) for value in as_floats(column, cells).tolist()]
    if kind == "int":
        as_integers(column, cells)
        return ["" if cell is None else str(int(cell)) for cell in listed(cells)]
    if kind == "bool":
        return ["" if cell is None else true if cell else false for cell in listed(cells)]
    if kind == "array":
        return ["" if text is None else quote(text) for text in array_texts(column, cells)]
    return ["" if cell is None else quote(_text(column, cell)) for cell in cells]


def quoted(text):
    """The text as a CSV field, in quotes where it needs them."""
    if NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def array_texts(column, cells):
    """Arrays as `[1.0, nan, inf]`, or as JSON where they hold texts; None stays."""
    if column.element == "text":
        return [None if cell is None else array_as_json_text(cell) for cell in cells]
    return [None if array is None else bracketed(array) for array in checked_arrays(column, cells)]


def bracketed(value):
    """A nested list as text, numbers exactly."""
    if isinstance(value, list):
        return "[" + ", ".join(map(bracketed, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def array_as_json_text(cell):
    """A list of texts as one JSON text."""
    return json.dumps(np.asarray(cell, dtype=object).tolist(), ensure_ascii=False)


def json_array_texts(column, cells, literal):
    """Arrays as JSON, each number by `literal`; None stays."""

    def text(value):
        return "[" + ",".join(map(text, value)) + "]" if isinstance(value, list) else literal(value)

    if column.element == "text":
        return [None if cell is None else array_as_json_text(cell) for cell in cells]
    return [None if array is None else text(array) for array in checked_arrays(column, cells)]


def json_number(value):
    """A number that every JSON parser reads exactly: beyond 2^53, and where not finite, a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -LARGEST_JSON_INTEGER <= value <= LARGEST_JSON_INTEGER else f'"{value}"'
    if value != value:
        return '"NaN"'
    if value in (np.inf, -np.inf):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    return repr(value)


def checked_arrays(column, cells):
    """Array cells as nested lists, in the shape their column has; None stays."""
    if column.has_any_length:
        return [None if cell is None else as_array(column, cell).tolist() for cell in cells]
    stacked = as_fixed_arrays(column, cells, 0).reshape(len(cells), *column.shape).tolist()
    return [None if cell is None else array for cell, array in zip(cells, stacked, strict=True)]


def _text(column, cell):
    if not isinstance(cell, str):
        raise BadValue(column.name, cell, column.kind)
    return cell
