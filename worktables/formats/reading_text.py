"""Reading CSV, whose types must be guessed, and ECSV, which says them."""

import json
import math

from worktables.formats.errors import (
    BadCell,
    BadCells,
    ForbiddenCharacter,
    FormatError,
    NotATable,
    WrongNumberOfCells,
)
from worktables.formats.parsing import FORBIDDEN, INFINITY, INTEGER, ISO, NUMBER, parse_cell
from worktables.formats.paste import Problem
from worktables.formats.raw import RawColumn
from worktables.formats.separated import records, separator_of

LARGEST = 2**63
JSON_TYPES: dict[str, tuple] = {"float": (int, float), "int": (int,), "bool": (bool,), "text": (str,)}


def read_csv(data, name):
    """Read separated text with a header line; returns raw columns and what is known about the table."""
    text = _decoded(data, name)
    lines = text.splitlines()
    comments = 0
    while comments < len(lines) and (not lines[comments].strip() or lines[comments].startswith("#")):
        comments += 1
    if comments == len(lines):
        return [], {}
    text = _after_lines(text, comments)
    header, rows = _header_and_rows(text, separator_of(lines[comments]), name, comments + 1)
    columns = [_guessed(heading or "", [cells[i] for _, cells in rows]) for i, heading in enumerate(header)]
    return columns, {"format": "csv"}


def _after_lines(text, count):
    """The text without its first lines, line ends untouched."""
    return "".join(text.splitlines(keepends=True)[count:])


def _decoded(data, name):
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotATable(
            name, f"line {line} has the byte 0x{data[error.start]:02x}, which is not UTF-8 text"
        ) from None


def _header_and_rows(text, separator, name, first_line):
    found = records(text, separator, name, first_line)
    _, header = next(found)
    rows = []
    for line, cells in found:
        if not cells:
            if len(header) > 1:
                continue
            cells = [None]
        if len(cells) != len(header):
            raise WrongNumberOfCells(line, len(cells), len(header))
        rows.append((line, cells))
    return header, rows


# Guessing the kind of a CSV column


def _guessed(name, texts):
    present = [text for text in texts if text]
    kind = next((kind for fits, kind in GUESSES if present and all(map(fits, present))), "text")
    if kind == "text":
        return RawColumn(name, "text", [None if text is None else _allowed(name, text) for text in texts])
    if kind == "array":
        return _guessed_array(name, texts)
    cells = [parse_cell(kind, text) if text else None for text in texts]
    return RawColumn(name, kind, cells, time_scale="UTC" if kind == "time" else "")


def _is_integer(text):
    digits = text.lstrip("+-")
    return (
        INTEGER.fullmatch(text) is not None
        and not (len(digits) > 1 and digits[0] == "0")
        and len(digits) < 20
        and -LARGEST <= int(text) < LARGEST
    )


def _is_number(text):
    if NUMBER.fullmatch(text):
        digits = text.lstrip("+-")
        whole = INTEGER.fullmatch(text)
        return not (whole and (len(digits) > 17 or (len(digits) > 1 and digits[0] == "0"))) and math.isfinite(
            float(text)
        )
    return INFINITY.fullmatch(text) is not None or text.lower() == "nan"


GUESSES = (
    (lambda text: text.lower() in ("true", "false"), "bool"),
    (_is_integer, "int"),
    (_is_number, "float"),
    (lambda text: ISO.fullmatch(text) is not None, "time"),
    (lambda text: text.startswith("[") and text.endswith("]"), "array"),
)


def _guessed_array(name, texts):
    for element in ("int", "float", "bool", "text"):
        try:
            cells = [parse_cell("array", text, element=element) if text else None for text in texts]
        except BadCell:
            continue
        return RawColumn(name, "array", cells, shape="*", element=element)
    return RawColumn(name, "text", texts)


def _allowed(name, text):
    if match := FORBIDDEN.search(text):
        raise ForbiddenCharacter(f"column “{name}”", match[0])
    return text


# ECSV


def read_ecsv(data, name):
    """Read ECSV: the header says names, types, units and descriptions."""
    import yaml

    text = _decoded(data, name)
    lines = text.splitlines(keepends=True)
    n_header = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    document = "".join(line[2:] if line.startswith("# ") else line[1:] for line in lines[1:n_header])
    try:
        header = yaml.load(document, _LenientLoader)
        entries = [dict(entry) for entry in header["datatype"]]
        names = [str(entry["name"]) for entry in entries]
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        raise NotATable(name, "its ECSV header is not the YAML it should be") from None
    if not entries:
        return [], {}
    body = "".join(lines[n_header:])
    if not body.strip():
        raise NotATable(name, "it ends after the ECSV header, before the line with the column names")
    found, rows = _header_and_rows(body, header.get("delimiter") or " ", name, n_header + 1)
    if [heading or "" for heading in found] != names:
        raise NotATable(name, f"line {n_header + 1} does not name the columns its ECSV header declares")
    columns = [
        _declared(entry, [(line, cells[i]) for line, cells in rows]) for i, entry in enumerate(entries)
    ]
    meta = header.get("meta") if isinstance(header.get("meta"), dict) else {}
    return columns, {
        "format": "ecsv",
        "title": str(meta.get("name") or ""),
        "description": str(meta.get("description") or ""),
    }


def _declared(entry, texts):
    meta = entry.get("meta") if isinstance(entry.get("meta"), dict) else {}
    datatype, subtype = str(entry.get("datatype")), str(entry.get("subtype") or "")
    column = RawColumn(
        str(entry["name"]),
        "text",
        [],
        unit=str(entry.get("unit") or ""),
        ucd=str(meta.get("ucd") or ""),
        description=str(entry.get("description") or ""),
    )
    if datatype == "string" and subtype:
        base, _, sizes = subtype.partition("[")
        column.element = _kind_of(base) if base != "json" else "text"
        column.shape = "*" if base == "json" or "null" in sizes else sizes.rstrip("]").replace(",", "x")
        column.kind = "array"
        convert = _json_array(column)
    else:
        column.kind = _kind_of(datatype)
        if column.kind == "float" and meta.get("xtype") == "mjd":
            column.kind, column.time_scale = "time", str(meta.get("time_scale") or "")
        convert = _scalar(column.kind)
    problems = []
    for line, text in texts:
        try:
            blank = text is None or (text == "" and column.kind != "text")
            column.cells.append(None if blank else convert(text))
        except (FormatError, ValueError, TypeError) as error:
            detail = str(error) if isinstance(error, FormatError) else f"“{text}” is not {datatype} {subtype}"
            problems.append(Problem(line, column.name, text, detail))
    if problems:
        raise BadCells(problems)
    return column


def _kind_of(datatype):
    if datatype == "bool":
        return "bool"
    if datatype.startswith(("int", "uint")):
        return "int"
    return "float" if datatype.startswith("float") else "text"


def _scalar(kind):
    if kind == "text":
        return lambda text: text
    return lambda text: parse_cell(kind, text)


def _json_array(column):
    blank = {"float": math.nan}

    def convert(value):
        if isinstance(value, list):
            return [convert(item) for item in value]
        if value is None and column.element in blank:
            return blank[column.element]
        types = JSON_TYPES[column.element]
        if not isinstance(value, types) or (isinstance(value, bool) and column.element != "bool"):
            raise ValueError
        return float(value) if column.element == "float" else value

    return lambda text: convert(json.loads(text))


def _lenient_loader():
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe YAML in which astropy's own tags are plain values."""

    Loader.add_multi_constructor(
        "!",
        lambda loader, suffix, node: (
            loader.construct_mapping(node, deep=True)
            if isinstance(node, yaml.MappingNode)
            else loader.construct_sequence(node, deep=True)
            if isinstance(node, yaml.SequenceNode)
            else loader.construct_scalar(node)
        ),
    )
    return Loader


_LenientLoader = _lenient_loader()
