"""Catalogues as files: a table of items written to FITS so that the same table gives the same bytes.

A position is two columns, ``<name>_ra`` and ``<name>_dec``. Units, UCDs (``TUCDn``) and descriptions
(``TCOMMn``) survive. A missing number is NaN, a missing integer the value of ``TNULLn``.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from archive.errors import CannotBeCatalogue, NotFits

NULL_INT = np.iinfo(np.int64).min
DTYPES = {"bool": bool, "int": np.int64, "float": np.float64, "time": np.float64, "text": str}


def catalogue_table(schema: Sequence[Any], columns: Mapping[str, Any]) -> Table:
    """Return a table of items with the units, UCDs and descriptions of a schema.

    Parameters
    ----------
    schema : sequence
        Fields with name, kind, unit, ucd and description; as objects or as mappings.
    columns : mapping
        A sequence for every field; pairs (ra, dec) for a position. Quantities are converted.
    """
    table = Table()
    for item in schema:
        name, kind = fact(item, "name"), fact(item, "kind")
        unit, ucd, description = fact(item, "unit"), fact(item, "ucd"), fact(item, "description")
        values = columns[name]
        if kind == "position":
            pairs = np.array(list(values), dtype=float).reshape(-1, 2)
            for axis, (part, said) in enumerate((("ra", "right ascension"), ("dec", "declination"))):
                add_column(
                    table,
                    f"{name}_{part}",
                    pairs[:, axis],
                    "deg",
                    part_ucd(ucd, part),
                    f"{description}: {said}",
                )
        else:
            if isinstance(values, u.Quantity):
                values = values.to_value(unit or u.dimensionless_unscaled)
            add_column(table, name, column_values(values, kind), unit, ucd, description)
    return table


def column_values(values: Any, kind: str) -> Any:
    """Return the values of a field as a column; ``None`` in numbers becomes what stands for nothing."""
    if kind == "int":
        values = list(values)
        missing = [value is None or value is np.ma.masked for value in values]
        if any(missing):
            filled = [0 if gone else value for value, gone in zip(values, missing, strict=True)]
            return MaskedColumn(np.array(filled, dtype=np.int64), mask=missing)
    if kind in ("float", "time") and isinstance(values, list | tuple):
        values = [np.nan if value is None else value for value in values]
    return np.asarray(values, dtype=DTYPES[kind])


def items_of(catalogue: Table | str, schema: Sequence[Any] | None = None) -> list[dict[str, Any]]:
    """Return the items of a catalogue as plain Python, by field; what is missing is ``None``.

    Parameters
    ----------
    catalogue : Table or str
        A table, or the sha256 of a kept catalogue.
    schema : sequence, optional
        The fields wanted. Default: all there are, with ``<name>_ra`` and ``<name>_dec`` as the position ``<name>``.
    """
    table = kept_catalogue(catalogue) if isinstance(catalogue, str) else catalogue
    wanted = (
        fields_of(table) if schema is None else [(fact(item, "name"), fact(item, "kind")) for item in schema]
    )
    columns = {}
    for name, kind in wanted:
        if kind == "position":
            ra, dec = plain(table[f"{name}_ra"]), plain(table[f"{name}_dec"])
            pairs = zip(ra, dec, strict=True)
            columns[name] = [None if one is None or other is None else (one, other) for one, other in pairs]
        else:
            columns[name] = plain(table[name])
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def field_names(schema: Sequence[Any]) -> list[str]:
    """Return the names of the fields of a schema, as `items_of` gives them."""
    return [fact(item, "name") for item in schema]


def fields_of(table: Table) -> list[tuple[str, str]]:
    """Return the fields of a catalogue as (name, kind); of those that are no position, the kind is left open."""
    fields = []
    for name in table.colnames:
        stem = name.removesuffix("_ra")
        if stem != name and f"{stem}_dec" in table.colnames:
            fields.append((stem, "position"))
        elif not (name.endswith("_dec") and f"{name.removesuffix('_dec')}_ra" in table.colnames):
            fields.append((name, ""))
    return fields


def kept_catalogue(sha256: str) -> Table:
    """Return a catalogue from the file store."""
    from archive.storage import open_blob  # the rest of this file runs without Django

    with open_blob(sha256) as file:
        return read_catalogue(file)


def plain(column: Any) -> list:
    """Return a column as a list of plain Python values."""
    return [None if value is None or value != value else value for value in column.tolist()]


def write_catalogue(table: Table) -> bytes:
    """Return a table as the bytes of a FITS file; the same table gives the same bytes on every day.

    Raises
    ------
    CannotBeCatalogue
        If a column would not come back as it is.
    """
    columns, facts = [], []
    for name in table.colnames:
        column = table[name]
        values, fits_format, null = encoded(name, column)
        unit = "" if column.unit is None else unit_text(column.unit)
        columns.append(fits.Column(name=name, format=fits_format, unit=unit or None, null=null, array=values))
        facts.append((column.info.meta or {}).get("ucd", ""))
    body = fits.BinTableHDU.from_columns(columns, nrows=len(table), name="CATALOGUE")
    for number, (name, ucd) in enumerate(zip(table.colnames, facts, strict=True), start=1):
        if ucd:
            body.header[f"TUCD{number}"] = ucd
        description = table[name].info.description
        if description:
            body.header[f"TCOMM{number}"] = ascii_text(name, description, "its description")
    file = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), body]).writeto(file)
    return file.getvalue()


def read_catalogue(source: bytes | BinaryIO) -> Table:
    """Return a written catalogue as a table, with its units, UCDs and descriptions."""
    data = source if isinstance(source, bytes) else source.read()
    try:
        with fits.open(BytesIO(data), memmap=False) as hdus:
            body = hdus["CATALOGUE"]
            table = Table()
            for number, column in enumerate(body.columns, start=1):
                values = np.array(body.data[column.name])
                values = values.astype(values.dtype.newbyteorder("="))
                if column.null is not None and (values == column.null).any():
                    values = MaskedColumn(values, mask=values == column.null)
                if values.dtype.kind == "S":
                    values = np.char.decode(values, "ascii")
                described = body.header.get(f"TCOMM{number}", "")
                add_column(
                    table, column.name, values, column.unit, body.header.get(f"TUCD{number}", ""), described
                )
    except (OSError, KeyError, ValueError) as reason:
        raise NotFits("catalogue", str(reason).splitlines()[0]) from reason
    return table


def encoded(name: str, column: Any) -> tuple[np.ndarray, str, int | None]:
    """Return the values of a column as FITS keeps them, their format, and what stands for nothing."""
    mask = np.ma.getmaskarray(column) if hasattr(column, "mask") else None
    masked = mask is not None and bool(mask.any())
    values = np.asarray(column.value if isinstance(column, u.Quantity) else np.ma.getdata(column))
    if values.ndim != 1:
        raise CannotBeCatalogue(name, "its cells are arrays; give each element a column of its own")
    kind = values.dtype.kind
    if kind == "f":
        values = values.astype(np.float64)
        return (np.where(mask, np.nan, values) if masked else values), "D", None
    if kind in "iu":
        if kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
            raise CannotBeCatalogue(name, "it holds integers beyond 64 bits with sign")
        values = values.astype(np.int64)
        if NULL_INT in (values[~mask] if masked else values):
            raise CannotBeCatalogue(name, f"the integer {NULL_INT} stands for a missing value")
        return (np.where(mask, NULL_INT, values) if masked else values), "K", NULL_INT if masked else None
    if masked:
        raise CannotBeCatalogue(
            name, "FITS has no missing text or truth value; use an integer, or a text for it"
        )
    if kind == "b":
        return values, "L", None
    if kind in "US":
        texts = [ascii_text(name, str(text), "a text") for text in values.tolist()]
        width = max([len(text) for text in texts], default=1) or 1
        return np.array(texts, dtype=f"S{width}"), f"{width}A", None
    raise CannotBeCatalogue(name, f"numpy type {values.dtype} has no place in it")


def ascii_text(name: str, text: str, what: str) -> str:
    """Return the text, which must be plain ASCII without trailing blanks: FITS keeps nothing else."""
    if not text.isascii() or "\0" in text or text != text.rstrip():
        raise CannotBeCatalogue(name, f"{what} is {text!r}; FITS keeps only ASCII without trailing blanks")
    return text


def add_column(table: Table, name: str, values: Any, unit: Any, ucd: str, description: str) -> None:
    """Add a column with what is known about it."""
    table[name] = values
    if unit:
        table[name].unit = unit
    table[name].info.description = description or None
    if ucd:
        table[name].info.meta = {"ucd": ucd}


def part_ucd(ucd: str, part: str) -> str:
    """Return the UCD of one coordinate of a position."""
    first, _, rest = (ucd or "pos.eq").partition(";")
    return ";".join(filter(None, [f"{first}.{part}" if first == "pos.eq" else first, rest]))


def unit_text(unit: Any) -> str:
    """Return a unit as FITS writes it, or as it is called where FITS does not know it."""
    try:
        return unit.to_string("fits")
    except ValueError:
        return unit.to_string()


def fact(item: Any, key: str) -> str:
    """Return what a field says about itself, whether it is an object or a mapping."""
    value = item.get(key) if isinstance(item, Mapping) else getattr(item, key, "")
    return value or ""
