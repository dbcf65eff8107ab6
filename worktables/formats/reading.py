"""Reading a table somebody gives us: CSV, ECSV, VOTable, FITS or Parquet, told apart by what is inside."""

import os
from pathlib import Path

from worktables.formats.errors import NoColumns, NotATable
from worktables.formats.raw import ReadTable, as_read_table
from worktables.formats.reading_binary import read_fits, read_parquet
from worktables.formats.reading_text import read_csv, read_ecsv
from worktables.formats.reading_votable import read_votable

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}

__all__ = ["ReadTable", "read_table"]


def read_table(file, name_hint=""):
    """Read one table.

    Parameters
    ----------
    file : path, binary file, or bytes
    name_hint : str
        What to call the file in messages; its own name by default.

    Returns
    -------
    ReadTable
        Column names are made valid (the original stays in the description); right ascension and declination
        in degrees become one position; masked, blank and NaN scalars are None.

    Raises
    ------
    FormatError
        One of its kinds, naming the file, line or column, and the remedy.
    """
    data, name = _bytes_of(file, name_hint)
    start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, packing in PACKED.items():
        if data.startswith(magic):
            raise NotATable(name, f"it is packed with {packing}; unpack it first")
    if not start:
        raise NoColumns(name)
    columns, about = _reader_of(start, name)(data, name)
    return as_read_table(columns, name, **about)


def _reader_of(start, name):
    lower = start.lower()
    if start.startswith(b"SIMPLE  ="):
        return read_fits
    if start.startswith(b"PAR1"):
        return read_parquet
    if start.startswith(b"# %ECSV"):
        return read_ecsv
    if lower.startswith((b"<!doctype html", b"<html")):
        raise NotATable(name, "it is a web page, perhaps a sign-in page or an error")
    if start.startswith(b"<") or start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return read_votable
    if b"\0" in start and not start.isascii():
        raise NotATable(name, "it is neither text nor a binary format we know")
    if lower.startswith((b"%pdf", b"\x89png", b"\xff\xd8\xff", b"{\\rtf")):
        raise NotATable(name, "it is a document or a picture")
    return read_csv


def _bytes_of(file, name_hint):
    if isinstance(file, bytes):
        return file, name_hint or "table"
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)
        return path.read_bytes(), name_hint or path.name
    return file.read(), name_hint or Path(str(getattr(file, "name", "table"))).name
