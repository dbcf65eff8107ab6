"""What the columns of a table are, and the flat columns they become in a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from worktables.formats.errors import BadValue, CellsDiffer, DuplicateColumns

KINDS = ("bool", "int", "float", "text", "time", "position", "array", "product", "catalogue")
ELEMENTS = ("float", "int", "bool", "text")


@dataclass(frozen=True, slots=True)
class Field:
    """A column as a worktable declares it. A position is one field; a product or catalogue is a sha256.

    `element` is what an array holds; of anything else, a narrower datatype of VOTable that is wide enough for it.
    """

    name: str
    kind: str
    unit: str = ""
    ucd: str = ""
    description: str = ""
    shape: str = ""
    element: str = ""
    time_scale: str = ""
    utype: str = ""
    xtype: str = ""


@dataclass(frozen=True)
class TableInfo:
    """What a writer must know of a table before its first row.

    Attributes
    ----------
    name, description : str
    fields : sequence of Field
        In the order of the cells of a row.
    n_rows : int or None
        How many rows will come, where known. FITS without it measures first, on disk.
    widths : mapping of field name to int
        Length of the longest text of the field, in bytes of UTF-8. FITS without it measures first.
    null_for : mapping of field name to int or None
        FITS only: which integer stands for null (default: the smallest int64); None where there are no nulls.
    infos : sequence of (name, value, text)
        VOTable only: what is said before the table.
    infos_after : callable
        VOTable only: returns what is said after its last row, when that is known.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    n_rows: int | None = None
    widths: Mapping[str, int] = field(default_factory=dict)
    null_for: Mapping[str, int | None] = field(default_factory=dict)
    infos: tuple[tuple[str, str, str], ...] = ()
    infos_after: Callable = tuple

    @property
    def columns(self):
        """The flat columns of the file."""
        return flat_columns(self.fields)


@dataclass(frozen=True, slots=True)
class FlatColumn:
    """A column of a file: a field, or the right ascension or declination of a position."""

    name: str
    kind: str
    unit: str
    ucd: str
    description: str
    element: str
    shape: tuple[int, ...] | None
    time_scale: str
    field_name: str
    index: int
    part: int | None = None
    utype: str = ""
    xtype: str = ""

    @property
    def has_any_length(self):
        """An array whose cells differ in length."""
        return self.kind == "array" and self.shape is None

    @property
    def is_sky(self):
        """One of the two coordinates of a position."""
        return self.part is not None


def flat_columns(fields):
    """Flatten fields to the columns of a file: a position `p` becomes `p_ra` and `p_dec`, in degrees.

    The first position (or the one whose UCD says `meta.main`) is the main one.
    """
    positions = [f for f in fields if f.kind == "position"]
    main = next((f for f in positions if "meta.main" in f.ucd), positions[0] if positions else None)

    columns = []
    for index, f in enumerate(fields):
        if f.kind == "position":
            for part, (axis, words) in enumerate((("ra", "right ascension"), ("dec", "declination"))):
                ucd = f"pos.eq.{axis}" + (";meta.main" if f is main else "")
                about = f"{f.description} ({words}, ICRS)" if f.description else f"{words} (ICRS)"
                columns.append(
                    FlatColumn(
                        f"{f.name}_{axis}", "float", "deg", ucd, about, "", (), "", f.name, index, part
                    )
                )
            continue
        if f.kind not in KINDS:
            raise BadValue(f.name, f.kind, "kind of column")
        is_array = f.kind == "array"
        columns.append(
            FlatColumn(
                f.name,
                f.kind,
                f.unit or ("d" if f.kind == "time" else ""),
                f.ucd or ("time.epoch" if f.kind == "time" else ""),
                f.description,
                (f.element or "float") if is_array else f.element,
                parse_shape(f.shape) if is_array else (),
                f.time_scale,
                f.name,
                index,
                utype=f.utype,
                xtype=f.xtype,
            )
        )

    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise DuplicateColumns(sorted({name for name in names if names.count(name) > 1}))
    return tuple(columns)


def parse_shape(text):
    """Read a shape: “3” or “2x3” (slowest first, as numpy has it); None for “*”, any length."""
    sizes = re.findall(r"\d+|\*", text)
    if not sizes or "*" in sizes:
        return None
    return tuple(int(size) for size in sizes)


# Batches of rows → columns of cells


@dataclass(frozen=True)
class Packed:
    """A batch of rows that comes by column: an array for each field, masked where it is null.

    Of floats NaN is null, and of a text there is a list. Writers take it wherever they take a list of rows.
    """

    columns: tuple

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, part):
        return Packed(tuple(cells[part] for cells in self.columns))


@dataclass(frozen=True)
class Written:
    """A batch of rows that the database wrote itself, as lines of the format that is asked for."""

    lines: bytes

    def __len__(self):
        return self.lines.count(b"\n")

    def __getitem__(self, part):
        """Return the first rows, as many as `part` ends with."""
        end = 0
        for _ in range(min(part.stop, len(self))):
            end = self.lines.index(b"\n", end) + 1
        return Written(self.lines[:end])


def listed(cells):
    """Return cells as a list of plain Python values."""
    return cells.tolist() if isinstance(cells, np.ndarray) else cells


def cells_by_column(columns, n_fields, rows):
    """Turn a batch of rows into one sequence of cells for each flat column."""
    if isinstance(rows, Packed):
        if len(rows.columns) != n_fields:
            raise CellsDiffer(len(rows.columns), n_fields)
        return [rows.columns[column.index] for column in columns]
    for row in rows:
        if len(row) != n_fields:
            raise CellsDiffer(len(row), n_fields)
    by_field = list(zip(*rows, strict=True))
    cells = []
    for column in columns:
        values = by_field[column.index]
        if column.part is not None:
            part = column.part
            values = [None if value is None else value[part] for value in values]
        cells.append(values)
    return cells


def as_floats(column, cells):
    """Cells as float64, with NaN for null; a scalar NaN *is* null."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
        return cells  # whichever byte comes first
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadValue(column.name, _culprit(cells, float), column.kind) from None


def as_integers(column, cells, fill=0):
    """Cells as int64 with `fill` for null, and where they are null (None: nowhere)."""
    if isinstance(cells, np.ma.MaskedArray):
        return cells.filled(fill), np.ma.getmaskarray(cells)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "i":
        return cells, None
    null = None
    if None in cells:
        null = np.fromiter((cell is None for cell in cells), bool, len(cells))
        cells = [fill if cell is None else cell for cell in cells]
    values = np.array(cells)
    if values.dtype.kind not in "bi":  # floats would be cut, and what is beyond int64 becomes one
        raise BadValue(column.name, _culprit(cells, _int64), column.kind)
    return values.astype(np.int64, copy=False), null


def as_booleans(cells):
    """Cells as `T`, `F` and 0 for null: the bytes FITS has, and VOTable nearly."""
    if isinstance(cells, np.ndarray):
        return np.where(np.ma.getmaskarray(cells), 0, np.where(np.ma.getdata(cells), 84, 70)).astype(np.uint8)
    letters = {True: 84, False: 70, None: 0}
    return np.fromiter((letters[cell] for cell in cells), np.uint8, len(cells))


def as_bytes(column, cells, encoding):
    """Texts as bytes; None stays."""
    try:
        return [None if cell is None else cell.encode(encoding) for cell in cells]
    except (AttributeError, UnicodeEncodeError):
        raise BadValue(column.name, _culprit(cells, lambda c: c.encode(encoding)), column.kind) from None


ELEMENT_TYPES = {"float": np.float64, "int": np.int64, "bool": np.bool_}


def as_array(column, cell):
    """One array cell as numpy array of the element's type; nulls among floats are NaN."""
    try:
        values = np.asarray(cell) if column.element != "float" else np.asarray(cell, dtype=np.float64)
        if values.size == 0:
            return np.zeros(values.shape, ELEMENT_TYPES[column.element])
        if column.element == "int" and values.dtype.kind not in "biu":
            raise ValueError
        if column.element == "bool" and values.dtype.kind != "b":
            raise ValueError
        if values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max:
            raise ValueError
        return values.astype(ELEMENT_TYPES[column.element], copy=False)
    except (TypeError, ValueError, OverflowError):
        raise BadValue(column.name, cell, f"array of {column.element}") from None


def as_fixed_arrays(column, cells, fill):
    """Array cells of one shape stacked to one array of shape (rows, elements), `fill` where null."""
    size = int(np.prod(column.shape))
    stacked: np.ndarray = np.full((len(cells), size), fill, ELEMENT_TYPES[column.element])
    present = [i for i, cell in enumerate(cells) if cell is not None]
    if not present:
        return stacked
    try:  # all at once: much faster, but says nothing about which cell does not fit
        values = as_array(column, [cells[i] for i in present])
        stacked[present] = values.reshape(len(present), size)
        if values.shape[1:] in (column.shape, (size,)):
            return stacked
    except ValueError:
        pass
    for i, cell in enumerate(cells):
        if cell is None:
            continue
        values = as_array(column, cell)
        if values.shape != column.shape and values.shape != (size,):
            shape = "×".join(map(str, column.shape))
            raise BadValue(column.name, cell, f"array of shape {shape}")
        stacked[i] = values.reshape(size)
    return stacked


def _int64(cell):
    if not isinstance(cell, (int, np.integer)) or not -(2**63) <= cell < 2**63:
        raise ValueError


def _culprit(cells, convert):
    """Find the cell that would not be converted, for the message."""
    for cell in cells:
        if cell is None:
            continue
        try:
            convert(cell)
        except (TypeError, ValueError, OverflowError, AttributeError):
            return cell
    return cells[0]
