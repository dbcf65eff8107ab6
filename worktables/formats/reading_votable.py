"""Reading VOTable: astropy knows its dialects; we look first that it is whole and asks for nothing elsewhere."""

import io
import json
import re
import struct
import warnings
from base64 import b64decode
from xml.parsers import expat

import numpy as np

from worktables.formats.errors import NotATable, TruncatedFile
from worktables.formats.raw import RawColumn
from worktables.formats.votable import TEXT_ARRAY

ITEM_BYTES = {
    "boolean": 1, "unsignedByte": 1, "char": 1, "unicodeChar": 2, "short": 2, "int": 4, "long": 8,
    "float": 4, "double": 8, "floatComplex": 8, "doubleComplex": 16,
}  # fmt: skip
JD_ORIGINS = {"MJD-origin": 2400000.5, "JD-origin": 0.0}
MJD_ORIGIN = 2400000.5
MOST_BYTES = 4_000_000_000


def read_votable(data, name, most=MOST_BYTES):
    """Read the first table of a VOTable; returns raw columns and what is known about the table.

    Cells of a fixed size take it whether anything is in them or not; where that were more than `most` bytes in all, it
    is refused.
    """
    stream = _scanned(data, name, most)
    from astropy.io.votable import parse
    from astropy.io.votable.exceptions import VOTableSpecError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = parse(io.BytesIO(data), verify="ignore")
            table = tree.get_first_table()
        except IndexError:
            raise NotATable(name, _status(tree) or "its VOTable has no TABLE") from None
        except (
            VOTableSpecError,
            ValueError,
            TypeError,
            KeyError,
            EOFError,
            struct.error,
            MemoryError,
        ) as error:
            raise NotATable(name, f"its VOTable cannot be read ({error})") from None
        systems = _systems(tree)
        columns = [_column(table, field, *systems) for field in table.fields]
    if stream is not None:
        _set_null_texts(columns, table.fields, stream, name)
    else:
        _make_empty_null(columns)
    expected = getattr(table, "_nrows", None)
    if expected and columns and len(columns[0].cells) < expected:
        raise TruncatedFile(name, f"{expected} rows are announced, {len(columns[0].cells)} are there")
    return columns, {
        "format": "votable",
        "title": str(table.name or ""),
        "description": str(table.description or ""),
    }


# Before astropy sees it: well-formed, whole, no entities, nothing fetched from elsewhere


def _scanned(data, name, most):
    """The base64 text of the first BINARY2 stream, after checking the document; None if there is none."""
    open_elements: list[str] = []
    pieces: list[str] = []
    found = {"stream": False, "done": False}
    size = {"row": 0, "rows": 0}

    def start(tag, attributes):
        tag = tag.rpartition(":")[2]
        if not open_elements and tag != "VOTABLE":
            raise NotATable(name, f"it is XML, but its first element is {tag}, not VOTABLE")
        open_elements.append(tag)
        if tag == "STREAM" and "href" in attributes:
            raise NotATable(name, "its data are at another address; fetch them, and give the whole table")
        if tag == "FIELD":
            size["row"] += _reserved(attributes)
        elif tag == "TR":
            size["rows"] += 1
            if size["rows"] * size["row"] > most:
                raise NotATable(
                    name, f"its cells are declared so large that it would take over {most / 1e6:g} MB"
                )
        if tag == "STREAM" and "BINARY2" in open_elements and not found["done"]:
            found["stream"] = True

    def end(tag):
        open_elements.pop()
        if found["stream"]:
            found["stream"], found["done"] = False, True

    def refuse(*_):
        raise NotATable(name, "it declares entities or a document type, which VOTable does without")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.CharacterDataHandler = lambda text: pieces.append(text) if found["stream"] else None
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        if open_elements and error.code in CUT_OFF:
            raise TruncatedFile(name, f"it ends in line {error.lineno}, inside {open_elements[-1]}") from None
        raise NotATable(name, f"it is not well-formed XML ({reason}, line {error.lineno})") from None
    return "".join(pieces) if found["done"] else None


def _reserved(attributes):
    """Return how many bytes a cell of a field takes, whatever is in it."""
    count = 1
    for number in re.findall(r"\d+(?!\*)(?=x|$)", attributes.get("arraysize", "")):
        count *= int(number[:12])
    return count * 4 if attributes.get("datatype") in ("char", "unicodeChar") else count * 8


CUT_OFF = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}


def _status(tree):
    for resource in tree.resources:
        for info in resource.infos:
            if info.name == "QUERY_STATUS" and info.value == "ERROR":
                return f"the service that wrote it says: {info.content}"
    return None


# Columns


def _systems(tree):
    times, skies = {}, {}
    for holder in [tree, *_resources(tree)]:
        for system in getattr(holder, "time_systems", ()):
            times[system.ID] = system
        for system in getattr(holder, "coordinate_systems", ()):
            skies[system.ID] = system.system or ""
    return times, skies


def _resources(holder):
    for resource in holder.resources:
        yield resource
        yield from _resources(resource)


def _column(table, field, times, skies):
    values = table.array[field.ID]
    column = RawColumn(
        field.name or field.ID,
        "text",
        [],
        unit=_unit(field),
        ucd=str(field.ucd or ""),
        description=" ".join(str(field.description or "").split()),
        may_be_icrs="FK4" not in (sky := skies.get(field.ref, "ICRS"))
        and "FK5" not in sky
        and "gal" not in sky,
        datatype=field.datatype,
        xtype=str(field.xtype or ""),
    )
    is_text = field.datatype in ("char", "unicodeChar")
    data: np.ndarray = np.asarray(np.ma.getdata(values))
    mask: np.ndarray = np.asarray(np.ma.getmaskarray(values))
    if is_text and data.ndim == 1:
        column.cells = [None if m else _text(v) for v, m in zip(data.tolist(), mask.tolist(), strict=True)]
        if field.utype == TEXT_ARRAY:
            column.kind, column.element, column.shape = "array", "text", "*"
            column.cells = [json.loads(text) if text else None for text in column.cells]
    elif data.dtype == object:
        column.kind, column.shape, column.element = "array", "*", _element(field.datatype)
        column.cells = [
            None if m else _plain(np.ma.getdata(v), column.element) for v, m in zip(data, mask, strict=True)
        ]
    elif data.ndim > 1:
        column.kind, column.element = "array", _element(field.datatype)
        column.shape = "x".join(map(str, data.shape[1:]))
        null: np.ndarray = np.asarray(mask.all(axis=tuple(range(1, mask.ndim))))
        column.cells = [None if m else _plain(v, column.element) for v, m in zip(data, null, strict=True)]
    else:
        column.kind = _element(field.datatype)
        if column.kind == "float":
            mask = mask | np.isnan(data)
        column.cells = [None if m else v for v, m in zip(data.tolist(), mask.tolist(), strict=True)]
        _set_time(column, field, times)
    return column


def _unit(field):
    if field.unit is None:
        return ""
    from astropy.units import UnrecognizedUnit

    if isinstance(field.unit, UnrecognizedUnit):
        return str(field.unit)
    return field.unit.to_string()


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _element(datatype):
    if datatype in ("boolean", "bit"):
        return "bool"
    if datatype in ("unsignedByte", "short", "int", "long"):
        return "int"
    return "float" if datatype in ("float", "double") else "text"


def _plain(values, element):
    if element == "text":
        return [_text(value) if isinstance(value, (bytes, str)) else str(value) for value in np.ravel(values)]
    return values.tolist()


def _set_time(column, field, times):
    system = times.get(field.ref)
    if column.kind != "float" or (system is None and field.xtype != "mjd") or column.unit not in ("d", ""):
        return
    column.kind, column.unit = "time", "d"
    if system is None:
        return
    column.time_scale = "" if system.timescale in (None, "UNKNOWN") else system.timescale
    origin = JD_ORIGINS.get(str(system.timeorigin))
    shift = (float(system.timeorigin or 0) if origin is None else origin) - MJD_ORIGIN
    if shift:
        column.cells = [None if cell is None else cell + shift for cell in column.cells]


# Null texts: astropy ignores their null bits, so that null and empty text would be one


def _set_null_texts(columns, fields, stream, name):
    texts = [i for i, field in enumerate(fields) if field.datatype in ("char", "unicodeChar")]
    if not texts:
        return
    widths = [_width(field) for field in fields]
    data, position = b64decode(stream), 0
    mask_bytes = (len(fields) + 7) // 8
    for row in range(len(columns[0].cells)):
        bits = data[position : position + mask_bytes]
        position += mask_bytes
        if len(bits) < mask_bytes:
            raise TruncatedFile(name, f"its data end in row {row + 1}")
        for i in texts:
            if bits[i // 8] >> (7 - i % 8) & 1:
                columns[i].cells[row] = None
        for fixed, item in widths:
            if fixed is None:
                (count,) = struct.unpack_from(">I", data, position)
                position += 4 + count * item
            else:
                position += fixed


def _make_empty_null(columns):
    """In TABLEDATA and BINARY, an empty cell is all there is to say null."""
    for column in columns:
        if column.kind == "text" or (column.kind == "array" and column.element != "text"):
            column.cells = [None if cell is not None and len(cell) == 0 else cell for cell in column.cells]


def _width(field):
    """Bytes of a cell in BINARY2 (None if it says so itself), and of one item."""
    item = ITEM_BYTES.get(field.datatype, 1)
    size = field.arraysize or "1"
    if size.endswith("*"):
        return None, item
    count = int(np.prod([int(n) for n in re.findall(r"\d+", size)]))
    return ((count + 7) // 8 if field.datatype == "bit" else count * item), item
