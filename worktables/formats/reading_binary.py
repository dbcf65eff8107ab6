"""Reading FITS tables and, where pyarrow is installed, Parquet."""

import io
import warnings
from datetime import UTC, date, datetime

import numpy as np

from worktables.formats.errors import BadValue, FormatError, MissingLibrary, NotATable, TruncatedFile
from worktables.formats.raw import RawColumn

TIME_SCALES = {"TAI", "TT", "UT", "UTC", "GPS", "TCG", "TCB", "TDB"}
MJD_OF_JD_ZERO = 2400000.5
SIGNS_OF_TRUNCATION = (  # in what astropy says
    "truncated",
    "buffer is too small",
    "Header missing END card",
    "Header size is not multiple of 2880",
    "Empty or corrupt FITS file",
)


def read_fits(data, name):
    """Read the first table of a FITS file; returns raw columns and what is known about the table."""
    from astropy.io import fits
    from astropy.io.fits.verify import VerifyError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with fits.open(io.BytesIO(data), checksum=True, logical_as_bytes=True) as hdus:
                found = [hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))]
                _refuse_damaged(caught, name)
                if not found:
                    end = hdus[-1].fileinfo()
                    if end["datLoc"] + end["datSpan"] < len(data):
                        raise TruncatedFile(name, "it ends in the header of its second part")
                    what = "only images" if any(hdu.header.get("NAXIS", 0) for hdu in hdus) else "no table"
                    raise NotATable(name, f"the FITS file has {what}")
                hdu = found[0]
                columns = [_fits_column(hdu, number) for number in range(1, len(hdu.columns) + 1)]
                _refuse_damaged(caught, name)
                title = str(hdu.header.get("EXTNAME", ""))
                comments = " ".join(str(line) for line in hdu.header.get("COMMENT", []))
        except (OSError, ValueError, TypeError, KeyError, IndexError, VerifyError) as error:
            if isinstance(error, FormatError):
                raise
            _refuse_damaged(caught, name)
            if any(sign in str(error) for sign in SIGNS_OF_TRUNCATION):
                raise TruncatedFile(name, f"its {len(data)} bytes end before its table does") from None
            raise NotATable(name, f"its FITS table cannot be read ({error})") from None
    return columns, {"format": "fits", "title": title, "description": comments}


def _refuse_damaged(caught, name):
    for warning in caught:
        text = str(warning.message)
        if any(sign in text for sign in SIGNS_OF_TRUNCATION):
            raise TruncatedFile(name, "it ends before its table does")
        if "Datasum verification failed" in text or "Checksum verification failed" in text:
            raise TruncatedFile(name, "its checksum does not fit its data, so they were damaged on the way")


def _fits_column(hdu, number):
    header, declared = hdu.header, hdu.columns[number - 1]
    values = hdu.data[declared.name] if hdu.data is not None else np.zeros(0)
    column = RawColumn(
        declared.name,
        "text",
        [],
        unit=str(declared.unit or ""),
        ucd=str(header.get(f"TUCD{number}", "")),
        description=str(header.get(f"TCOMM{number}", "") or header.comments[f"TTYPE{number}"]),
    )
    if values.dtype == object:
        items = [np.asarray(value) for value in values]
        first = next((value for value in items if value.size), np.zeros(0))
        column.kind, column.shape, column.element = "array", "*", _kind_of(first.dtype, declared)
        column.cells = [_list(value, column.element) if value.size else None for value in items]
        return column
    kind = _kind_of(values.dtype, declared)
    null = _null_of(np.asarray(values), kind, declared)
    if values.ndim > 1:
        column.kind, column.element = "array", kind
        column.shape = "x".join(map(str, values.shape[1:]))
        null = null.all(axis=tuple(range(1, null.ndim)))
        column.cells = [None if n else _list(v, kind) for v, n in zip(values, null.tolist(), strict=True)]
        return column
    column.kind = kind
    column.cells = [
        None if n else v for v, n in zip(_list(values, kind, declared.name), null.tolist(), strict=True)
    ]
    scale = str(header.get(f"TCTYP{number}", "")).upper()
    if kind == "float" and (scale in TIME_SCALES or _is_epoch(column)):
        _make_time(column, scale, header)
    return column


def _is_epoch(column):
    return column.ucd.startswith("time.epoch") and column.unit == "d"


def _make_time(column, scale, header):
    column.kind, column.time_scale = "time", scale
    shift = float(header.get("MJDREF", header.get("MJDREFI", 0) + header.get("MJDREFF", 0.0)))
    if "JDREF" in header:
        shift = float(header["JDREF"]) - MJD_OF_JD_ZERO
    if shift:
        column.cells = [None if cell is None else cell + shift for cell in column.cells]


def _kind_of(dtype, declared):
    if "L" in declared.format and dtype.kind == "S":
        return "bool"
    return {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(dtype.kind, "text")


def _null_of(values, kind, declared):
    if kind == "bool" and values.dtype.kind == "S":
        return (values != b"T") & (values != b"F")
    if kind == "int" and declared.null is not None:
        return values == declared.null
    if kind == "float":
        return np.isnan(values)
    if kind == "text" and values.dtype.kind in "SU":
        return np.strings.str_len(values) == 0
    return np.zeros(values.shape, bool)


def _list(values, kind, name=""):
    values = np.asarray(values)
    if kind == "bool":
        return (values == b"T").tolist() if values.dtype.kind == "S" else values.tolist()
    if kind == "text":
        if values.dtype.kind == "S":
            values = np.strings.decode(values, "utf-8", "replace")
        return (
            np.strings.rstrip(values, " ").tolist()
            if values.dtype.kind == "U"
            else values.astype(str).tolist()
        )
    if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
        raise BadValue(name, int(values.max()), "int")
    return values.tolist()


# Parquet


def read_parquet(data, name):
    """Read a Parquet file; returns raw columns and what is known about the table."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingLibrary("Parquet", "pyarrow", "parquet") from None
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        if not data.endswith(b"PAR1"):
            raise TruncatedFile(name, "its last bytes, which describe the table, are missing") from None
        raise NotATable(name, f"its Parquet table cannot be read ({error})") from None
    about = _texts(table.schema.metadata)
    columns = [_arrow_column(pa, field, table.column(i)) for i, field in enumerate(table.schema)]
    return columns, {
        "format": "parquet",
        "title": about.get("name", ""),
        "description": about.get("description", ""),
    }


def _arrow_column(pa, field, chunks):
    about = _texts(field.metadata)
    column = RawColumn(
        field.name,
        _arrow_kind(pa, field.type),
        chunks.to_pylist(),
        unit=about.get("unit", ""),
        ucd=about.get("ucd", ""),
        description=about.get("description", ""),
    )
    if column.kind == "array":
        inner = field.type
        while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_fixed_size_list(inner):
            inner = inner.value_type
        column.element, column.shape = _arrow_kind(pa, inner), "*"
    elif column.kind == "float":
        column.cells = [None if cell is None or cell != cell else float(cell) for cell in column.cells]
        if about.get("xtype") == "mjd":
            column.kind, column.time_scale = "time", about.get("time_scale", "")
    elif column.kind == "time":
        column.cells = [None if cell is None else _mjd(cell) for cell in column.cells]
        column.unit, column.time_scale = "d", "UTC"
    elif column.kind == "text":
        column.cells = [None if cell is None else str(cell) for cell in column.cells]
    return column


def _arrow_kind(pa, arrow):
    tests = (
        (pa.types.is_boolean, "bool"),
        (pa.types.is_integer, "int"),
        (pa.types.is_floating, "float"),
        (pa.types.is_decimal, "float"),
        (pa.types.is_timestamp, "time"),
        (pa.types.is_date, "time"),
        (pa.types.is_list, "array"),
        (pa.types.is_large_list, "array"),
        (pa.types.is_fixed_size_list, "array"),
    )
    return next((kind for test, kind in tests if test(arrow)), "text")


def _mjd(moment):
    if not isinstance(moment, datetime):
        return float(date.toordinal(moment) - date(1858, 11, 17).toordinal())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds() / 86400


def _texts(metadata):
    return {key.decode(): text.decode() for key, text in (metadata or {}).items() if key != b"ARROW:schema"}
