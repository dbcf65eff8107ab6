"""Writing JSON: what the columns are, and an array of one object a row.

Strict JSON, safe for browsers: integers beyond 2^53 and `"Infinity"`, `"-Infinity"`, `"NaN"` (only inside
arrays) are strings; a column's `type` says what they are. `Number(…)` and `float(…)` read the latter back.
"""

import json

from worktables.formats.fields import as_floats, as_integers, cells_by_column, listed
from worktables.formats.text import json_array_texts, json_number


def write_json(table, batches):
    """Yield the table as one JSON document."""
    columns = table.columns
    about = {
        "name": table.name,
        "description": table.description,
        "columns": [_about(column) for column in columns],
    }
    yield (json.dumps(about)[:-1] + ', "rows": [').encode()
    names = ", ".join(json.dumps(column.name).replace("%", "%%") + ": %s" for column in columns)
    template = "\n{" + names + "}"
    separator = ""
    for rows in batches:
        if not rows:
            continue
        cells = cells_by_column(columns, len(table.fields), rows)
        texts = [_literals(column, values) for column, values in zip(columns, cells, strict=True)]
        yield (separator + ",".join([template % row for row in zip(*texts, strict=True)])).encode()
        separator = ","
    yield b"\n]}\n"


def _about(column):
    about = {"name": column.name, "type": column.kind, "unit": column.unit, "ucd": column.ucd}
    about["description"] = column.description
    if column.kind == "array":
        about["element"] = column.element
        about["shape"] = None if column.shape is None else list(column.shape)
    if column.kind == "time":
        about |= {"xtype": "mjd", "time_scale": column.time_scale}
    return about


def _literals(column, cells):
    kind = column.kind
    if kind in ("float", "time"):
        values = as_floats(column, cells).tolist()
        return ["null" if value != value else json_number(value) for value in values]
    if kind == "int":
        as_integers(column, cells)
        return ["null" if cell is None else json_number(int(cell)) for cell in listed(cells)]
    if kind == "bool":
        return ["null" if cell is None else "true" if cell else "false" for cell in listed(cells)]
    if kind == "array":
        return [text or "null" for text in json_array_texts(column, cells, json_number)]
    return [json.dumps(cell) for cell in cells]
