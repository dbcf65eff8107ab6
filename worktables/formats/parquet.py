"""Writing Parquet, where pyarrow is installed (`stoa[parquet]`).

Units, UCDs and descriptions go into the schema.
"""

import numpy as np

from worktables.formats.errors import MissingLibrary
from worktables.formats.fields import Packed, as_floats, as_integers, cells_by_column, listed
from worktables.formats.text import checked_arrays

ROWS_A_GROUP = 50_000


def write_parquet(table, batches):
    """Yield the table as Parquet, in row groups of some 50,000 rows."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingLibrary("Parquet", "pyarrow", "parquet") from None

    columns = table.columns
    metadata = {"name": table.name, "description": table.description}
    schema = pa.schema([_arrow_field(pa, column) for column in columns], metadata=metadata)
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
        for rows in _grouped(batches, ROWS_A_GROUP):
            cells = cells_by_column(columns, len(table.fields), rows)
            arrays = [
                _arrow_array(pa, column, values, schema.field(i).type)
                for i, (column, values) in enumerate(zip(columns, cells, strict=True))
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _arrow_field(pa, column):
    types = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "time": pa.float64()}
    arrow = types.get(column.kind, pa.string())
    if column.kind == "array":
        arrow = pa.list_(types.get(column.element, pa.string()))
        for _ in (column.shape or (0,))[1:]:
            arrow = pa.list_(arrow)
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    if column.kind == "time":
        about |= {"xtype": "mjd", "time_scale": column.time_scale}
    return pa.field(column.name, arrow, metadata={key: text for key, text in about.items() if text})


def _arrow_array(pa, column, cells, arrow):
    if column.kind in ("float", "time"):
        values = as_floats(column, cells).astype(np.float64)
        return pa.array(values, arrow, mask=np.isnan(values))
    if column.kind == "int":
        values, null = as_integers(column, cells)
        return pa.array(values.astype(np.int64), arrow, mask=null)
    if column.kind == "array" and column.element != "text":
        cells = checked_arrays(column, cells)
    return pa.array(listed(cells), arrow)


def _grouped(batches, size):
    group = []
    for rows in batches:
        if isinstance(rows, Packed):
            yield rows
            continue
        group += rows
        if len(group) >= size:
            yield group
            group = []
    if group:
        yield group


class _Sink:
    """A file that forgets what has been taken from it."""

    closed = False

    def __init__(self):
        self._pieces, self._position = [], 0

    def write(self, data):
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def taken(self):
        data, self._pieces = b"".join(self._pieces), []
        return data

    def tell(self):
        return self._position

    def flush(self):
        pass

    def close(self):
        pass

    def writable(self):
        return True

    def readable(self):
        return False

    def seekable(self):
        return False
