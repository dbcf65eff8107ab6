"""PostgreSQL's binary COPY, as columns: what every row has in the same places need not be looked at row by row.

The server puts values in the place of nulls and says in one number per row where it did. What is then left of each
row has the same length as of any other, and numpy reads a megabyte of them at once (PostgreSQL, documentation of
COPY, "Binary Format").
"""

import contextlib
import io
import queue
import threading

import numpy as np

from vo.asking.errors import QueryFailed
from worktables.formats.fields import Packed, Written

FLOATS = ("float", "time")
FIXED = {
    "float": (">f8", "'NaN'::float8"),
    "time": (">f8", "'NaN'::float8"),
    "int": (">i8", "0"),
    "bool": ("u1", "false"),
}
HEADER = 11 + 4 + 4  # signature, flags, length of the extension
PIECE = 1 << 20
AHEAD = 4  # pieces that may wait to be read
MOST_MASKED = 62  # nulls that one number can tell of


def can_copy(columns):
    """Say whether every row of an answer with these columns has the same length."""
    masked = sum(column.kind in ("int", "bool") for column in columns)
    return all(column.kind in FIXED for column in columns) and masked <= MOST_MASKED


def copy_statement(sql, columns):
    """Return the statement that copies what a query finds, without nulls, and says where they were."""
    values, masked = [], []
    for number, column in enumerate(columns):
        name = f"q.c{number}"
        values.append(f"coalesce({name}{'::int8' if column.kind == 'int' else ''}, {FIXED[column.kind][1]})")
        if column.kind not in FLOATS:
            masked.append(f"({name} IS NULL)::int4::int8 << {len(masked)}")
    if masked:
        values.append(" | ".join(f"({one})" for one in masked))
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    return f"COPY (SELECT {', '.join(values)} FROM ({sql}) AS q ({names})) TO STDOUT (FORMAT BINARY)"


def copied(cursor, sql, columns):
    """Yield what a query finds, as `Packed` batches."""
    record = _record(columns)
    with Pieces(cursor, copy_statement(sql, columns)) as pieces:
        rest, begun = b"", False
        for piece in pieces:
            data = rest + piece
            if not begun:
                if len(data) < HEADER:
                    rest = data
                    continue
                data, begun = data[HEADER:], True
            whole = len(data) - len(data) % record.itemsize
            rows, rest = np.frombuffer(data[:whole], record), data[whole:]
            if len(rows):
                yield _packed(rows, columns)
        if rest != b"\xff\xff":
            raise QueryFailed("the answer was cut off")


# Lines that the database writes itself


def _tabledata(name, column):
    """Return SQL of a cell as VOTable's TABLEDATA has it."""
    if column.kind in FLOATS:
        return (
            f"CASE WHEN {name} = 'NaN' THEN '' WHEN {name} = 'Infinity' THEN '+Inf' "
            f"WHEN {name} = '-Infinity' THEN '-Inf' ELSE {name}::text END"
        )
    return f"{name}::text"


def _csv(name, column):
    """Return SQL of a cell as CSV has it here."""
    if column.kind in FLOATS:
        return (
            f"CASE WHEN {name} = 'NaN' THEN '' WHEN {name} = 'Infinity' THEN 'inf' "
            f"WHEN {name} = '-Infinity' THEN '-inf' ELSE {name}::text END"
        )
    return f"{name}::text"


# Before the first cell, between two, after the last; and how a cell is said.
LINES = {
    "votable-tabledata": ("<TR><TD>", "</TD><TD>", "</TD></TR>", _tabledata),
    "csv": ("", ",", "", _csv),
}


def written(cursor, sql, columns, format):
    """Yield what a query finds as lines of a format, as `Written` batches."""
    names = [f"c{number}" for number in range(len(columns))]
    begin, between, end, cell = LINES[format]
    cells = f", '{between}', ".join(
        cell(f"q.{name}", column) for name, column in zip(names, columns, strict=True)
    )
    line = f"SELECT concat('{begin}', {cells}, '{end}') FROM ({sql}) AS q ({', '.join(names)})"
    with Pieces(cursor, f"COPY ({line}) TO STDOUT") as pieces:
        rest = b""
        for piece in pieces:
            whole = piece.rfind(b"\n") + 1
            if whole:
                yield Written(rest + piece[:whole])
                rest = piece[whole:]
            else:
                rest += piece


def _record(columns):
    """Return how a row lies in the stream: the number of its fields, then each with its length before it."""
    fields = [("fields", ">i2")]
    kinds = [FIXED[column.kind][0] for column in columns]
    if any(column.kind not in FLOATS for column in columns):
        kinds.append(">i8")
    for number, kind in enumerate(kinds):
        fields += [(f"length{number}", ">i4"), (f"value{number}", kind)]
    return np.dtype(fields)


def _packed(rows, columns):
    sizes = [rows.dtype[name].itemsize for name in rows.dtype.names if name.startswith("value")]
    for number, size in enumerate(sizes):
        if (rows[f"length{number}"] != size).any():
            raise QueryFailed("the database answered with values of another type than expected")
    found, bit = [], 0
    nulls = rows[f"value{len(columns)}"].astype(np.int64) if len(sizes) > len(columns) else None
    for number, column in enumerate(columns):
        values = rows[f"value{number}"]
        if column.kind in FLOATS:
            found.append(values)
            continue
        values = values.astype(bool) if column.kind == "bool" else values
        null = (nulls >> bit) & 1 != 0
        bit += 1
        found.append(np.ma.MaskedArray(values, null) if null.any() else values)
    return Packed(tuple(found))


class Pieces(io.RawIOBase):
    """What a COPY writes, to be read piece by piece: it runs in a thread that never gets far ahead."""

    def __init__(self, cursor, statement):
        self.cursor, self.statement = cursor, statement
        self.waiting, self.error, self.left = queue.Queue(AHEAD), None, False

    def __enter__(self):
        self.thread = threading.Thread(target=self._run, name="copy", daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.left = True
        while self.thread.is_alive():
            self.cursor.connection.cancel()  # in vain if the statement has not begun yet: hence again
            with contextlib.suppress(queue.Empty):  # it may wait for room
                self.waiting.get(timeout=0.05)
        self.thread.join()

    def __iter__(self):
        while (piece := self.waiting.get()) is not None:
            yield piece
        if self.error:
            raise self.error

    def writable(self):
        """Take what is written."""
        return True

    def write(self, data):
        """Take a piece."""
        if not self.left:
            self.waiting.put(bytes(data))
        return len(data)

    def _run(self):
        try:
            # The database sends row by row; a buffer gathers them without a word of Python.
            gathered = io.BufferedWriter(self, PIECE)
            self.cursor.copy_expert(self.statement, gathered)
            gathered.flush()
            gathered.detach()
        except Exception as error:
            self.error = error
        finally:
            if not self.left:
                self.waiting.put(None)
