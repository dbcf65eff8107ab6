"""Writing ECSV: CSV with a header that keeps types, units, UCDs and descriptions (astropy's APE 6).

astropy reads empty text as masked, and a null array of any length as an empty one; our own reader tells them
apart.
"""

import json

from worktables.formats.csv import csv_rows
from worktables.formats.text import csv_texts, json_array_texts, quoted
from worktables.formats.units import unit_as

DATATYPES = {"bool": "bool", "int": "int64", "float": "float64", "time": "float64"}


def write_ecsv(table, batches):
    """Yield the table as ECSV."""
    lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    lines += ["- " + json.dumps(_datatype(column)) for column in table.columns]
    lines += ["meta: " + json.dumps({"name": table.name, "description": table.description})]
    lines += ["schema: astropy-2.0"]
    header = "".join(f"# {line}\n" for line in lines)
    yield (header + ",".join(column.name for column in table.columns) + "\n").encode()
    yield from csv_rows(table, batches, _texts)


def _datatype(column):
    entry = {"name": column.name}
    if column.unit:
        entry["unit"] = unit_as("vounit", column.unit)
    entry["datatype"] = DATATYPES.get(column.kind, "string")
    if column.kind == "array":
        size = json.dumps([None] if column.shape is None else list(column.shape), separators=(",", ":"))
        entry["subtype"] = "json" if column.element == "text" else DATATYPES[column.element] + size
    if column.description:
        entry["description"] = column.description
    meta = {"ucd": column.ucd} if column.ucd else {}
    if column.kind == "time":
        meta |= {"xtype": "mjd", "time_scale": column.time_scale}
    if meta:
        entry["meta"] = meta
    return entry


def _texts(column, cells):
    if column.kind == "array":
        return ["" if text is None else quoted(text) for text in json_array_texts(column, cells, json.dumps)]
    return csv_texts(column, cells, true="True", false="False")
