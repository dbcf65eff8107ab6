"""Tables as files: streamed out in constant memory, read with care. Pure Python, no framework.

Writers take a `TableInfo` and batches of rows and yield bytes. Cells are Python values or None; a position is
`(ra, dec)` in degrees, an array a list or a numpy array, a time an MJD. A scalar NaN is null.
"""

from collections.abc import Callable
from dataclasses import dataclass

from worktables.formats.csv import write_csv, write_tsv
from worktables.formats.ecsv import write_ecsv
from worktables.formats.errors import FormatError, UnknownFormat
from worktables.formats.fields import Field, TableInfo, flat_columns
from worktables.formats.fits import write_fits
from worktables.formats.json import write_json
from worktables.formats.parquet import write_parquet
from worktables.formats.votable import write_tabledata, write_votable


@dataclass(frozen=True)
class Format:
    """A kind of file a table can be downloaded as.

    A format that `needs_count` streams at once only when `TableInfo` has `n_rows` and `widths`; else it
    measures the rows first, by way of a temporary file.
    """

    name: str
    title: str
    media_type: str
    suffix: str
    writer: Callable
    needs_count: bool = False


VOTABLE = "application/x-votable+xml"

FORMATS = {
    entry.name: entry
    for entry in (
        Format("votable", "VOTable", f"{VOTABLE}; serialization=BINARY2", ".vot", write_votable),
        Format(
            "votable-tabledata",
            "VOTable (TABLEDATA)",
            f"{VOTABLE}; serialization=TABLEDATA",
            ".vot",
            write_tabledata,
        ),
        Format("fits", "FITS", "application/fits", ".fits", write_fits, needs_count=True),
        Format("csv", "CSV", "text/csv; charset=utf-8; header=present", ".csv", write_csv),
        Format("tsv", "TSV", "text/tab-separated-values; charset=utf-8", ".tsv", write_tsv),
        Format("ecsv", "ECSV", "text/ecsv; charset=utf-8", ".ecsv", write_ecsv),
        Format("json", "JSON", "application/json", ".json", write_json),
        Format("parquet", "Parquet", "application/vnd.apache.parquet", ".parquet", write_parquet),
    )
}


def format_named(name):
    """Return the format, or raise `UnknownFormat` with the names there are."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownFormat(name, FORMATS) from None


__all__ = [
    "FORMATS",
    "Field",
    "Format",
    "FormatError",
    "TableInfo",
    "UnknownFormat",
    "flat_columns",
    "format_named",
]
