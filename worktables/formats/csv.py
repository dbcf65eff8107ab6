"""Writing CSV: one header line with the names, UTF-8, a comma between cells.

Null is an empty field, empty text is `""`; Python's csv module and spreadsheets read both as empty, our own
reader tells them apart. Arrays are written as `[1.0, nan]`.
"""

import re

from worktables.formats.fields import Written, cells_by_column
from worktables.formats.text import csv_texts, plain_texts

BLANKS = re.compile("[\t\r\n]")


def write_csv(table, batches):
    """Yield the table as CSV."""
    yield (",".join(column.name for column in table.columns) + "\n").encode()
    yield from csv_rows(table, batches, csv_texts)


def write_tsv(table, batches):
    """Yield the table with a tab between cells; tabs and line ends in texts become blanks, and nulls are empty."""
    columns = table.columns
    yield ("\t".join(column.name for column in columns) + "\n").encode()
    for rows in batches:
        if not rows:
            continue
        cells = cells_by_column(columns, len(table.fields), rows)
        texts = [
            [BLANKS.sub(" ", text) for text in plain_texts(*one)] for one in zip(columns, cells, strict=True)
        ]
        yield ("\n".join(map("\t".join, zip(*texts, strict=True))) + "\n").encode()


def csv_rows(table, batches, texts_of):
    """Yield the rows as lines of comma-separated text."""
    columns = table.columns
    for rows in batches:
        if not rows:
            continue
        if isinstance(rows, Written):
            yield rows.lines
            continue
        cells = cells_by_column(columns, len(table.fields), rows)
        texts = [texts_of(column, values) for column, values in zip(columns, cells, strict=True)]
        lines = map(",".join, zip(*texts, strict=True))
        yield ("\n".join(lines) + "\n").encode()
