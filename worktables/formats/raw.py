"""Columns as a file has them, and how they become fields: names, units, positions."""

import re
import unicodedata
from dataclasses import dataclass, replace

from worktables.formats.errors import DuplicateColumns, ForbiddenCharacter, NoColumns
from worktables.formats.fields import Field
from worktables.formats.units import plain_unit

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
LONGEST_NAME = 63
COORDINATE = {
    "ra": re.compile(r"(?:^|_)ra$"),
    "dec": re.compile(r"(?:^|_)dec$"),
}
OWN_WORDS = re.compile(r" ?\(?(?:right ascension|declination)(?: \(|, )ICRS\)$")


@dataclass
class RawColumn:
    """A column read from a file, its cells as Python values or None."""

    name: str
    kind: str
    cells: list
    unit: str = ""
    ucd: str = ""
    description: str = ""
    shape: str = ""
    element: str = ""
    time_scale: str = ""
    may_be_icrs: bool = True
    datatype: str = ""
    xtype: str = ""


@dataclass
class ReadTable:
    """A table read from a file: rows are tuples of cells in the order of the fields.

    A position is one cell `(ra, dec)`, a time an MJD, an array a (nested) list.
    """

    fields: list
    rows: list
    title: str = ""
    description: str = ""
    format: str = ""


def as_read_table(columns, name, *, title="", description="", format=""):
    """Check and name the columns of a file, and fold right ascensions and declinations to positions."""
    if not columns:
        raise NoColumns(name)
    originals = [column.name.strip() for column in columns]
    if twice := sorted({n for n in originals if n and originals.count(n) > 1}):
        raise DuplicateColumns(twice)
    for column in columns:
        if column.kind == "text" and any("\0" in cell for cell in column.cells if cell):
            raise ForbiddenCharacter(f"column “{column.name}”")

    columns = [replace(column, unit=plain_unit(column.name, column.unit)) for column in columns]
    columns = _folded(columns)
    fields: list[Field] = []
    taken: set[str] = set()
    for number, column in enumerate(columns, start=1):
        new = _free_name(valid_name(column.name, number), taken)
        taken.add(new)
        about = column.description.strip()
        if new != column.name and column.kind != "position":
            called = f"“{column.name.strip()}” in the file" if column.name.strip() else "unnamed in the file"
            about = f"{about} ({called})" if about else called
        fields.append(
            Field(
                new,
                column.kind,
                column.unit,
                column.ucd,
                about,
                column.shape,
                column.element,
                column.time_scale,
            )
        )
    rows = list(zip(*(column.cells for column in columns), strict=True))
    return ReadTable(fields, rows, title.strip(), description.strip(), format)


def valid_name(text, number=1):
    """The nearest valid column name: lower case letters, digits and underscores, a letter first."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", plain)).strip("_")
    if NAME.fullmatch(text):
        return text
    if not plain:
        return f"column_{number}"
    return (plain if plain[0].isalpha() else f"c_{plain}")[:LONGEST_NAME]


def _free_name(name, taken):
    if name not in taken:
        return name
    for number in range(2, len(taken) + 3):
        candidate = f"{name[: LONGEST_NAME - len(str(number)) - 1]}_{number}"
        if candidate not in taken:
            return candidate
    raise AssertionError("more candidates than names taken")


# Positions


def _folded(columns):
    """Replace each pair of coordinates by one position, where the first of them stood."""
    names = {valid_name(column.name) for column in columns}
    pairs = {}
    for i, ra in enumerate(columns):
        if not _is_coordinate(ra, "ra"):
            continue
        for j, dec in enumerate(columns):
            if _is_coordinate(dec, "dec") and _belong_together(ra, dec) and _are_positions(ra, dec):
                pairs[i] = (j, dec)
                break
    if not pairs:
        return columns

    folded, gone = [], {j for j, _ in pairs.values()}
    for i, column in enumerate(columns):
        if i in gone:
            continue
        if i not in pairs:
            folded.append(column)
            continue
        stem = re.sub(r"_?ra$", "", valid_name(column.name))
        name = stem if NAME.fullmatch(stem) and stem not in names else "position"
        dec = pairs[i][1]
        folded.append(
            RawColumn(
                name,
                "position",
                [
                    None if a is None else (float(a), float(d))
                    for a, d in zip(column.cells, dec.cells, strict=True)
                ],
                ucd="pos.eq;meta.main" if "main" in column.ucd.lower() else "pos.eq",
                description=_about(column, dec),
            )
        )
    return folded


def _about(ra, dec):
    about = OWN_WORDS.sub("", ra.description.strip())
    if about != ra.description.strip():
        return about
    return "; ".join(text for text in (ra.description.strip(), dec.description.strip()) if text)


def _is_coordinate(column, axis):
    if column.kind not in ("float", "int") or not column.may_be_icrs:
        return False
    ucd = column.ucd.lower().replace("_", ".")
    if ucd:
        return ucd.startswith(f"pos.eq.{axis}") and column.unit == "deg"
    return bool(COORDINATE[axis].search(valid_name(column.name))) and column.unit in ("deg", "")


def _belong_together(ra, dec):
    main = "main" in ra.ucd.lower()
    if main or "main" in dec.ucd.lower():
        return main and "main" in dec.ucd.lower()
    return re.sub(r"ra$", "dec", valid_name(ra.name)) == valid_name(dec.name)


def _are_positions(ra, dec):
    return all(
        (a is None and d is None) or (a is not None and d is not None and 0 <= a < 360 and -90 <= d <= 90)
        for a, d in zip(ra.cells, dec.cells, strict=True)
    )
