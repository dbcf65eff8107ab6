"""Writing FITS binary tables, row by row, with checksums that stand before the data they sum up.

`DATASUM` belongs into the header, which leaves before the first row is read. The sum is therefore fixed
beforehand (`PROMISED_SUM`), and the last four bytes of the table's supplemental area (counted in `PCOUNT`,
pointed to by nothing) are chosen so that the promise comes true. Every reader verifies it as it would any
other; a flipped bit breaks it.

A FITS file has no null for text (null and empty are both blank), nor for an array of any length (both of
length 0); a null array of fixed shape is all NaN, all TNULL or all 0. Text is UTF-8: FITS defines ASCII only,
so that fitsverify objects to other letters, but astropy reads them. Lists of text are JSON.

The header needs the number of rows, the widths of texts and the size of the heap. Where the caller does not
know them, the rows are measured first, by way of a temporary file.
"""

import pickle
import tempfile
import unicodedata
from dataclasses import replace

import numpy as np

from worktables.formats.errors import NoNull, NullInData, RowCountDiffers, TextTooLong
from worktables.formats.fields import (
    as_array,
    as_booleans,
    as_bytes,
    as_fixed_arrays,
    as_floats,
    as_integers,
    cells_by_column,
)
from worktables.formats.text import array_as_json_text
from worktables.formats.units import unit_as

BLOCK = 2880
SMALLEST = -(2**63)
PROMISED_SUM = int.from_bytes(b"STOA")
ITEM_CODES = {"bool": "L", "int": "K", "float": "D", "time": "D"}
ITEM_SIZES = {"L": 1, "K": 8, "D": 8}
TIME_SCALES = {"TAI", "TT", "UT", "UTC", "GPS", "TCG", "TCB", "TDB"}


def write_fits(table, batches):
    """Yield the table as FITS: an empty primary HDU and one BINTABLE."""
    columns = table.columns
    heap = _Heap()
    if _must_measure(table, columns):
        with tempfile.TemporaryFile() as spool:
            table, heap = _measured(table, columns, batches, spool)
            yield from _hdus(table, columns, heap, lambda: _replayed(spool))
    else:
        yield from _hdus(table, columns, heap, lambda: batches)


def _hdus(table, columns, heap, replay):
    formats = [_format(table, column, heap) for column in columns]
    row_bytes = sum(size for _, size in formats)
    data_bytes = row_bytes * table.n_rows + heap.size
    gap = -data_bytes % 4
    yield _primary_header(table)
    yield _table_header(table, columns, formats, row_bytes, heap.size + gap + 4)

    total = _RunningSum()
    for data in _table_data(table, columns, formats, replay()):
        total.add(data)
        yield data
    if heap.size:
        for data in _heap_data(table, columns, replay()):
            total.add(data)
            yield data
    total.add(bytes(gap))
    last = ((PROMISED_SUM - total.value) % 0xFFFFFFFF).to_bytes(4)
    yield bytes(gap) + last + bytes(-(data_bytes + gap + 4) % BLOCK)


# Measuring, where the caller could not


class _Heap:
    """How much room arrays of any length need."""

    def __init__(self):
        self.size, self.longest = 0, {}


def _must_measure(table, columns):
    return table.n_rows is None or any(
        column.has_any_length or (_is_text(column) and column.field_name not in table.widths)
        for column in columns
    )


def _is_text(column):
    return column.kind in ("text", "product", "catalogue") or column.element == "text"


def _measured(table, columns, batches, spool):
    n_rows, heap = 0, _Heap()
    widths = {column.field_name: 0 for column in columns if _is_text(column)}
    for rows in batches:
        if not rows:
            continue
        n_rows += len(rows)
        for column, cells in zip(columns, cells_by_column(columns, len(table.fields), rows), strict=True):
            if _is_text(column):
                longest = max(map(len, _encoded(column, cells)))
                widths[column.field_name] = max(widths[column.field_name], longest)
            elif column.has_any_length:
                lengths = [as_array(column, cell).size for cell in cells if cell is not None] or [0]
                heap.longest[column.name] = max(heap.longest.get(column.name, 0), *lengths)
                heap.size += sum(lengths) * ITEM_SIZES[ITEM_CODES[column.element]]
        pickle.dump(rows, spool, pickle.HIGHEST_PROTOCOL)
    return replace(table, n_rows=n_rows, widths=widths), heap


def _replayed(spool):
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return


# Headers


def _format(table, column, heap):
    """A column's TFORM, and the bytes it takes in a row."""
    if _is_text(column):
        width = max(1, table.widths[column.field_name])
        return f"{width}A", width
    code = ITEM_CODES[column.element if column.kind == "array" else column.kind]
    if column.has_any_length:
        return f"1Q{code}({heap.longest.get(column.name, 0)})", 16
    count = int(np.prod(column.shape)) if column.kind == "array" else 1
    return (f"{count}{code}" if column.kind == "array" else code), count * ITEM_SIZES[code]


def _primary_header(table):
    cards = [("SIMPLE", True, "FITS"), ("BITPIX", 8, ""), ("NAXIS", 0, "the table is in the extension")]
    cards += [("EXTEND", True, "")]
    return _sealed(cards, 0)


def _table_header(table, columns, formats, row_bytes, supplement):
    cards = [
        ("XTENSION", "BINTABLE", "binary table"),
        ("BITPIX", 8, "bytes"),
        ("NAXIS", 2, ""),
        ("NAXIS1", row_bytes, "bytes in a row"),
        ("NAXIS2", table.n_rows, "rows"),
        ("PCOUNT", supplement, "heap; its last 4 bytes fulfil DATASUM"),
        ("GCOUNT", 1, ""),
        ("TFIELDS", len(columns), "columns"),
        ("EXTNAME", _ascii(table.name), ""),
    ]
    if any(column.kind == "time" for column in columns):
        cards.append(("MJDREF", 0.0, "times are MJD"))
    for number, (column, (form, _)) in enumerate(zip(columns, formats, strict=True), start=1):
        cards += [(f"TTYPE{number}", column.name, ""), (f"TFORM{number}", form, "")]
        if column.kind == "array" and column.element != "text" and len(column.shape or ()) > 1:
            sizes = ",".join(str(size) for size in reversed(column.shape))
            cards.append((f"TDIM{number}", f"({sizes})", ""))
        if column.unit:
            cards.append((f"TUNIT{number}", _ascii(unit_as("fits", column.unit)), ""))
        null = _null_of(table, column)
        if null is not None:
            cards.append((f"TNULL{number}", null, "no value"))
        if column.ucd:
            cards.append((f"TUCD{number}", _ascii(column.ucd), ""))
        if column.description:
            cards.append((f"TCOMM{number}", _ascii(column.description), ""))
        if column.kind == "time" and column.time_scale.upper() in TIME_SCALES:
            cards.append((f"TCTYP{number}", column.time_scale.upper(), "time scale"))
    if table.description:
        cards.append(("COMMENT", _ascii(table.description), ""))
    return _sealed(cards, PROMISED_SUM)


def _sealed(cards, data_sum):
    """The header's bytes, with CHECKSUM and DATASUM."""
    from astropy.io import fits

    header = fits.Header()
    for keyword, value, comment in cards:
        if keyword == "COMMENT":
            header.add_comment(value)
        else:
            header.append(fits.Card(keyword, value, comment), end=True)
    header.append(fits.Card("DATASUM", str(data_sum), "data unit checksum"), end=True)
    header.append(fits.Card("CHECKSUM", "0" * 16, "HDU checksum"), end=True)
    data = header.tostring().encode("ascii")
    total = _RunningSum()
    total.add(data)
    total.add(data_sum.to_bytes(4))
    return data.replace(b"'" + b"0" * 16 + b"'", b"'" + encoded_checksum(total.value).encode() + b"'", 1)


def _ascii(text):
    """The text in characters a FITS header may hold."""
    plain = unicodedata.normalize("NFKD", text.replace("µ", "u").replace("μ", "u"))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return "".join(character if " " <= character <= "~" else "?" for character in plain)


# Rows


def _null_of(table, column):
    if "int" in (column.kind, column.element) and not column.is_sky:
        return table.null_for.get(column.field_name, SMALLEST)
    return None


def _table_data(table, columns, formats, batches):
    row_bytes = sum(size for _, size in formats)
    written, heap_offset = 0, _HeapOffset()
    for rows in batches:
        if not rows:
            continue
        written += len(rows)
        if written > table.n_rows:
            raise RowCountDiffers(table.n_rows, written)
        block = np.empty((len(rows), row_bytes), np.uint8)
        start = 0
        cells = cells_by_column(columns, len(table.fields), rows)
        for column, values, (_, size) in zip(columns, cells, formats, strict=True):
            if column.has_any_length and not _is_text(column):
                data = heap_offset.descriptors(column, values)
            else:
                data = _column_data(table, column, values, size)
            place = block[:, start : start + size]
            if data.ndim == 1 and data.itemsize == size:
                place.view(f"V{size}")[:, 0] = data.view(f"V{size}")
            else:
                place[:] = data.view(np.uint8).reshape(len(rows), size)
            start += size
        yield block.tobytes()
    if written != table.n_rows:
        raise RowCountDiffers(table.n_rows, written)


def _column_data(table, column, cells, size):
    kind = column.kind
    if kind in ("float", "time"):
        return as_floats(column, cells).astype(">f8", copy=False)
    if kind == "int":
        return _integers(table, column, cells).astype(">i8", copy=False)
    if kind == "bool":
        return as_booleans(cells)
    if _is_text(column):
        texts = _encoded(column, cells)
        longest = max(map(len, texts))
        if longest > size:
            raise TextTooLong(column.name, size, longest)
        return np.array(texts, dtype=f"S{size}")
    return _fixed_arrays(table, column, cells)


def _integers(table, column, cells):
    sentinel = _null_of(table, column)
    values, null = as_integers(column, cells, sentinel or 0)
    if sentinel is None:
        if null is not None:
            raise NoNull(column.name)
        return values
    stands_for_null = values == sentinel
    if np.count_nonzero(stands_for_null) > (0 if null is None else np.count_nonzero(null)):
        raise NullInData(column.name, sentinel)
    return values


def _fixed_arrays(table, column, cells):
    if column.element == "float":
        return as_fixed_arrays(column, cells, np.nan).astype(">f8")
    if column.element == "int":
        sentinel = _null_of(table, column)
        present = [cell for cell in cells if cell is not None]
        if sentinel is None and len(present) < len(cells):
            raise NoNull(column.name)
        if sentinel is not None and present and (as_fixed_arrays(column, present, 0) == sentinel).any():
            raise NullInData(column.name, sentinel)
        return as_fixed_arrays(column, cells, sentinel or 0).astype(">i8")
    letters = np.where(as_fixed_arrays(column, cells, False), np.uint8(84), np.uint8(70))
    letters[[cell is None for cell in cells]] = 0
    return letters


def _encoded(column, cells):
    if column.element == "text":
        cells = [None if cell is None else array_as_json_text(cell) for cell in cells]
    return [text or b"" for text in as_bytes(column, cells, "utf-8")]


# The heap: arrays of any length, batch by batch, and in each batch column by column


class _HeapOffset:
    """Where the arrays of the next batch will lie in the heap."""

    def __init__(self):
        self._next = 0

    def descriptors(self, column, cells):
        """Length and offset of each cell's array, 64 bits each."""
        lengths = np.array([0 if cell is None else as_array(column, cell).size for cell in cells], np.int64)
        sizes = lengths * ITEM_SIZES[ITEM_CODES[column.element]]
        ends = np.cumsum(sizes)
        offsets = self._next + ends - sizes
        self._next += int(ends[-1])
        return np.stack([lengths, offsets], axis=1).astype(">i8")


def _heap_data(table, columns, batches):
    for rows in batches:
        pieces = []
        for column, cells in zip(columns, cells_by_column(columns, len(table.fields), rows), strict=True):
            if column.has_any_length and not _is_text(column):
                pieces += [_heap_bytes(column, as_array(column, cell)) for cell in cells if cell is not None]
        yield b"".join(pieces)


def _heap_bytes(column, values):
    if column.element == "bool":
        return np.where(values, np.uint8(84), np.uint8(70)).tobytes()
    return values.astype(">f8" if column.element == "float" else ">i8").tobytes()


# Checksums (FITS 4.0, section 4.4.2.7 and appendix J)


class _RunningSum:
    """The ones' complement sum of 32-bit words that arrive in pieces of any length."""

    def __init__(self):
        self._sum, self._rest = 0, b""

    def add(self, data):
        data = self._rest + data
        whole = len(data) - len(data) % 4
        self._rest = data[whole:]
        self._sum += int(np.frombuffer(data[:whole], ">u4").sum(dtype=np.uint64))

    @property
    def value(self):
        total = self._sum
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        return total


def encoded_checksum(value):
    """The complement of a checksum in 16 letters and digits, such that adding them makes the sum -0."""
    complement = 0xFFFFFFFF - value
    letters = [0] * 16
    for i, byte in enumerate(complement.to_bytes(4)):
        quarter, remainder = divmod(byte, 4)
        four = [quarter + 48] * 4
        four[0] += remainder
        while any(chr(code) in PUNCTUATION for code in four):
            for j in (0, 2):
                if chr(four[j]) in PUNCTUATION or chr(four[j + 1]) in PUNCTUATION:
                    four[j] += 1
                    four[j + 1] -= 1
        for j, code in enumerate(four):
            letters[4 * j + i] = code
    return bytes(letters[-1:] + letters[:-1]).decode()


PUNCTUATION = ":;<=>?@[\\]^_`"
