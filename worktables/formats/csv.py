"""Writing CSV: one header line with the names, UTF-8, a comma between cells.

Null is an empty field, empty text is `""`; Python's csv module and spreadsheets read both as empty, our own
reader tells them apart. Arrays are written as `[1.0, nan]`.
"""

from worktables.formats.fields import cells_by_column
from worktables.formats.text import csv_texts


def write_csv(table, batches):
    """Yield the table as CSV."""
    yield (",".join(column.name for column in table.columns) + "\n").encode()
    yield from csv_rows(table, batches, csv_texts)


def csv_rows(table, batches, texts_of):
    """Yield the rows as lines of comma-separated text."""
    columns = table.columns
    for rows in batches:
        if not rows:
            continue
        cells = cells_by_column(columns, len(table.fields), rows)
        texts = [texts_of(column, values) for column, values in zip(columns, cells, strict=True)]
        lines = map(",".join, zip(*texts, strict=True))
        yield ("\n".join(lines) + "\n").encode()
