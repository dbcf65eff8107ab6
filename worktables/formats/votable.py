"""Writing VOTable 1.4, row by row: as BINARY2, which keeps everything, or as TABLEDATA, for people to read.

In BINARY2 a null is a bit of its own, so that zero, empty text, an empty array and null all differ. In
TABLEDATA null and empty text are both an empty cell, a null array of fixed shape is all NaN (or all `?`), and
characters XML cannot hold become U+FFFD.
"""

import re
import struct
from binascii import b2a_base64
from itertools import chain
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from worktables.formats.fields import (
    Written,
    as_array,
    as_booleans,
    as_bytes,
    as_fixed_arrays,
    as_floats,
    as_integers,
    cells_by_column,
    listed,
)
from worktables.formats.text import array_as_json_text, checked_arrays
from worktables.formats.units import unit_as

DATATYPES = {"bool": "boolean", "int": "long", "float": "double", "time": "double", "text": "unicodeChar"}
NARROW = {"unsignedByte": "u1", "short": ">i2", "int": ">i4", "float": ">f4"}
BIG_ENDIAN = {"float": ">f8", "int": ">i8"}
LENGTH = struct.Struct(">I").pack
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MARKUP = re.compile("[&<>\r]")
XML_NAME = re.compile(r"[a-z][a-z0-9_]*")  # no identifier of ours: those begin with a capital letter
TEXT_ARRAY = "stoa:text-array.json"
TIME_SCALES = {"TAI", "TT", "UT", "UTC", "GPS", "TCG", "TCB", "TDB"}


def write_votable(table, batches):
    """Yield a VOTable with a BINARY2 stream."""
    columns = table.columns
    yield _opening(table, columns) + b'<BINARY2>\n<STREAM encoding="base64">\n'
    yield from _as_base64(
        _binary_rows(columns, cells_by_column(columns, len(table.fields), rows), len(rows))
        for rows in batches
        if rows
    )
    yield b"</STREAM>\n</BINARY2>\n" + _closing(table)


def _as_base64(blocks):
    """Yield blocks of bytes in base64: three bytes are four letters, so up to two wait for the next block."""
    rest = b""
    for block in map(memoryview, blocks):
        if rest:
            missing = 3 - len(rest)
            rest += block[:missing]
            block = block[missing:]
            if len(rest) == 3:
                yield b2a_base64(rest)
                rest = b""
        whole = len(block) - len(block) % 3
        yield b2a_base64(block[:whole])
        rest = rest or bytes(block[whole:])
    if rest:
        yield b2a_base64(rest)


def write_tabledata(table, batches):
    """Yield a VOTable whose cells are readable text."""
    columns = table.columns
    row_template = "<TR>" + "<TD>%s</TD>" * len(columns) + "</TR>"
    yield _opening(table, columns, empty_arrays=True) + b"<TABLEDATA>\n"
    for rows in batches:
        if not rows:
            continue
        if isinstance(rows, Written):
            yield rows.lines
            continue
        cells = cells_by_column(columns, len(table.fields), rows)
        texts = [_as_xml_texts(column, values) for column, values in zip(columns, cells, strict=True)]
        lines = [row_template % row for row in zip(*texts, strict=True)]
        yield ("\n".join(lines) + "\n").encode()
    yield b"</TABLEDATA>\n" + _closing(table)


def write_error(message, name=""):
    """Return a VOTable that says only that something failed, and why (DALI 1.1, section 4.4).

    Parameters
    ----------
    message : str
    name : str, optional
        Of another INFO that says so too, as older protocols want it.
    """
    infos = [_info("QUERY_STATUS", "ERROR", message)] + ([_info(name, message)] if name else [])
    return "\n".join([*OPENING, *infos, "</RESOURCE>", "</VOTABLE>\n"]).encode()


# What stands before and after the data

OPENING = (
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    '<RESOURCE type="results">',
)


def _opening(table, columns, empty_arrays=False):
    count = "" if table.n_rows is None else f' nrows="{table.n_rows}"'
    scales = sorted({_scale(column) for column in columns if column.kind == "time"})
    systems = []
    if any(column.is_sky for column in columns):
        systems.append('<COOSYS ID="ICRS" system="ICRS"/>')
    systems += [
        f'<TIMESYS ID="MJD_{scale}" timeorigin="MJD-origin" timescale="{scale}" refposition="UNKNOWN"/>'
        for scale in scales
    ]
    lines = [
        *OPENING,
        *(_info(*info) for info in table.infos),
        *systems,
        f"<TABLE name={_attribute(table.name)}{count}>",
    ]
    if table.description:
        lines.append(f"<DESCRIPTION>{_xml_text(table.description)}</DESCRIPTION>")
    lines += [_field(column, empty_arrays) for column in columns]
    lines.append("<DATA>\n")
    return "\n".join(lines).encode()


def _closing(table):
    after = "".join(_info(*info) + "\n" for info in table.infos_after())
    return f"</DATA>\n</TABLE>\n{after}</RESOURCE>\n</VOTABLE>\n".encode()


def _info(name, value, text=""):
    start = f"<INFO name={_attribute(name)} value={_attribute(value)}"
    return f"{start}>{_xml_text(text)}</INFO>" if text else f"{start}/>"


def type_of(column):
    """Return the attributes of VOTable that say what a column holds: datatype, and arraysize where it has one.

    Parameters
    ----------
    column : FlatColumn
    """
    if column.kind == "array" and column.element != "text":
        size = "*" if column.shape is None else "x".join(str(n) for n in reversed(column.shape))
        return {"datatype": DATATYPES[column.element], "arraysize": size}
    if column.kind in ("array", "text"):
        return {"datatype": "char" if column.element == "char" else "unicodeChar", "arraysize": "*"}
    if column.kind in ("product", "catalogue"):
        return {"datatype": "char", "arraysize": "*"}
    return {"datatype": column.element or DATATYPES[column.kind]}


def _field(column, empty_arrays):
    attributes = {"name": column.name, **type_of(column)}
    if XML_NAME.fullmatch(column.name):
        attributes["ID"] = column.name
    if empty_arrays and column.kind == "array" and column.element == "int" and column.shape:
        attributes["arraysize"] += "*"  # or an empty cell would have too few elements
    if column.xtype:
        attributes["xtype"] = column.xtype
    if utype := column.utype or (TEXT_ARRAY if column.kind == "array" and column.element == "text" else ""):
        attributes["utype"] = utype
    if column.unit:
        attributes["unit"] = unit_as("vounit", column.unit)
    if column.ucd:
        attributes["ucd"] = column.ucd
    if column.kind == "time":
        attributes["ref"] = f"MJD_{_scale(column)}"
    if column.is_sky:
        attributes["ref"] = "ICRS"
    text = " ".join(f"{key}={_attribute(value)}" for key, value in attributes.items())
    if not column.description:
        return f"<FIELD {text}/>"
    return f"<FIELD {text}><DESCRIPTION>{_xml_text(column.description)}</DESCRIPTION></FIELD>"


def _scale(column):
    scale = column.time_scale.upper()
    return scale if scale in TIME_SCALES else "UNKNOWN"


def _attribute(text):
    return quoteattr(NOT_XML.sub("\ufffd", text))


def _xml_text(text):
    return escape(NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})


# BINARY2: fixed-size neighbours are laid side by side by numpy; what varies in length is put between them


def _binary_rows(columns, cells, n_rows):
    nulls = np.zeros((n_rows, len(columns)), bool)
    runs: list[list] = []
    fixed: list[np.ndarray] = []
    for i, (column, values) in enumerate(zip(columns, cells, strict=True)):
        data, null = _binary_column(column, values)
        if null is not None:
            nulls[:, i] = null
        if isinstance(data, list):
            runs += [fixed, data]
            fixed = []
        else:
            fixed.append(data)
    runs.append(fixed)
    runs[0].insert(0, np.packbits(nulls, axis=1))

    if len(runs) == 1:
        return memoryview(_side_by_side(runs[0]).reshape(-1))
    pieces = []
    for position, run in enumerate(runs):
        if position % 2:
            pieces.append(run)
        elif run:
            block = _side_by_side(run)
            width, data = block.shape[1], block.tobytes()
            pieces.append([data[start : start + width] for start in range(0, len(data), width)])
    return b"".join(chain.from_iterable(zip(*pieces, strict=True)))


def _side_by_side(arrays):
    sizes = [array.itemsize * (array.size // len(array)) for array in arrays]
    block = np.empty((len(arrays[0]), sum(sizes)), np.uint8)
    start = 0
    for array, size in zip(arrays, sizes, strict=True):
        # Arrays may be fields of wider records: their bytes are taken from where they are.
        block[:, start : start + size].view(f"V{size}")[:, 0] = _whole(array, size)
        start += size
    return block


def _whole(array, size):
    """Return what an array has for each row as one item of so many bytes."""
    return array.view(f"V{size}") if array.ndim == 1 else np.ascontiguousarray(array).view(f"V{size}")[:, 0]


def _binary_column(column, cells):
    """A column's bytes (an array of fixed-size items, or a list of bytes), and where it is null (or None)."""
    kind = column.kind
    if kind in ("float", "time"):
        values = as_floats(column, cells)
        return values.astype(NARROW.get(column.element, ">f8"), copy=False), np.isnan(values)
    if kind == "int":
        values, null = as_integers(column, cells)
        return values.astype(NARROW.get(column.element, ">i8"), copy=False), null
    if kind == "bool":
        letters = as_booleans(cells)
        null = letters == 0
        letters[null] = ord("?")
        return letters, null
    if kind == "array" and column.element != "text":
        return _binary_arrays(column, cells)
    if kind == "array":
        cells = [None if cell is None else array_as_json_text(cell) for cell in cells]
    null = _null(cells)
    if kind in ("product", "catalogue") or column.element == "char":
        encoding = "utf-8" if kind == "text" else "ascii"
        return [LENGTH(len(text or b"")) + (text or b"") for text in as_bytes(column, cells, encoding)], null
    texts = as_bytes(column, cells, "utf-16-be")
    return [LENGTH(len(text) // 2) + text if text else b"\0\0\0\0" for text in texts], null


def _binary_arrays(column, cells):
    null = _null(cells)
    if not column.has_any_length:
        values = as_fixed_arrays(column, cells, np.nan if column.element == "float" else 0)
        return _binary_elements(column, values), null
    data = []
    for cell in cells:
        if cell is None:
            data.append(b"\0\0\0\0")
        else:
            values = as_array(column, cell)
            data.append(LENGTH(values.size) + _binary_elements(column, values).tobytes())
    return data, null


def _binary_elements(column, values):
    if column.element == "bool":
        return np.where(values, np.uint8(84), np.uint8(70))
    return values.astype(BIG_ENDIAN[column.element])


def _null(cells):
    return np.fromiter((cell is None for cell in cells), bool, len(cells))


# TABLEDATA


def _as_xml_texts(column, cells):
    kind = column.kind
    if kind in ("float", "time"):
        return [_float_text(value) for value in as_floats(column, cells).tolist()]
    if kind == "int":
        as_integers(column, cells)
        return ["" if cell is None else str(int(cell)) for cell in listed(cells)]
    if kind == "bool":
        return ["" if cell is None else "true" if cell else "false" for cell in listed(cells)]
    if kind == "array" and column.element != "text":
        null = _null_array_text(column)
        arrays = checked_arrays(column, cells)
        return [null if array is None else _array_text(column, array) for array in arrays]
    if kind == "array":
        cells = [None if cell is None else array_as_json_text(cell) for cell in cells]
    joined = "".join(cell for cell in cells if cell)
    if NOT_XML.search(joined) or MARKUP.search(joined):
        return [_xml_text(cell) if cell else "" for cell in cells]
    return [cell or "" for cell in cells]


def _float_text(value):
    if value != value:
        return ""
    if value in (np.inf, -np.inf):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _null_array_text(column):
    if column.has_any_length or column.element == "int":
        return ""
    return " ".join(["NaN" if column.element == "float" else "?"] * int(np.prod(column.shape)))


def _array_text(column, values):
    if column.shape is None or len(column.shape) > 1:
        values = np.ravel(values).tolist()
    if column.element == "float":
        return " ".join(_float_text(value) or "NaN" for value in values)
    if column.element == "bool":
        return " ".join("T" if value else "F" for value in values)
    return " ".join(map(str, values))
