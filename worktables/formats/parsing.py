"""One cell as text and back, exactly: what people type, paste and see."""

import json
import math
import re

from worktables.formats.errors import BadCell, ForbiddenCharacter
from worktables.formats.fields import parse_shape
from worktables.formats.text import bracketed

BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
INTEGER = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITY = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]*)?))?(Z?))?"
)
DEGREES = re.compile(rf"({NUMBER.pattern})(?:\s*,\s*|\s+)({NUMBER.pattern})")
SEXAGESIMAL = re.compile(
    r"([0-9]{1,2})(?:\s*[h:]\s*|\s+)([0-9]{1,2})(?:\s*[m:]\s*|\s+)([0-9]{1,2}(?:\.[0-9]*)?)\s*s?"
    r"(?:\s*,\s*|\s+|(?=[+-]))"
    r"([+-]?)([0-9]{1,2})(?:\s*[d°:]\s*|\s+)([0-9]{1,2})(?:\s*[m'′:]\s*|\s+)([0-9]{1,2}(?:\.[0-9]*)?)\s*[s\"″]?"
)
SHA256 = re.compile(r"[0-9a-f]{64}")
FORBIDDEN = re.compile("[\0\ud800-\udfff]")
MJD_OF_JD_ZERO = 2400000.5
DEEPEST = 8


def parse_cell(kind, text, *, element="float", shape="", time_scale=""):
    """Read a cell of a column of that kind; empty text is None.

    Parameters
    ----------
    kind : str
        Kind of the column.
    text : str
        As typed. Numbers with a point; ±inf is a number, a scalar NaN is None. Positions in degrees or as
        “12:30:49.4 +12:23:28”; times as MJD or ISO 8601; arrays as “[1, 2, nan]”.
    element, shape, time_scale : str
        As declared on the column, where its kind has them.

    Raises
    ------
    BadCell
        If the text does not say such a value; names the value and the remedy.
    ForbiddenCharacter
        If it has a NUL or half a surrogate pair.
    """
    if text == "":
        return None
    if match := FORBIDDEN.search(text):
        raise ForbiddenCharacter("the cell", match[0])
    if kind == "text":
        return text
    words = text.strip().replace("−", "-")
    if not words:
        return None
    if kind == "array":
        return _parse_array(words, element or "float", shape)
    if kind == "time":
        return _parse_time(words, time_scale)
    return PARSERS[kind](words)


def format_cell(kind, value, *, element="float"):
    """Say a cell as text, so that `parse_cell` gives the same value back; None is empty text."""
    if value is None:
        return ""
    if kind == "bool":
        return "true" if value else "false"
    if kind == "int":
        return str(int(value))
    if kind in ("float", "time"):
        return repr(float(value))
    if kind == "position":
        return f"{float(value[0])!r} {float(value[1])!r}"
    if kind == "array":
        values = value.tolist() if hasattr(value, "tolist") else list(value)
        return json.dumps(values, ensure_ascii=False) if element == "text" else bracketed(values)
    return str(value)


def mjd_as_iso(mjd, digits=3, time_scale=""):
    """Show an MJD as ISO 8601, in its own scale."""
    import erfa

    scale = time_scale.upper() or "UTC"
    year, month, day, clock, _ = erfa.ufunc.d2dtf(scale, digits, MJD_OF_JD_ZERO, float(mjd))
    hours, minutes, seconds, fraction = clock.item()
    decimals = f".{fraction:0{digits}d}" if digits > 0 else ""
    return f"{year:04d}-{month:02d}-{day:02d}T{hours:02d}:{minutes:02d}:{seconds:02d}{decimals}"


def _parse_bool(text):
    try:
        return BOOLEANS[text.lower()]
    except KeyError:
        raise BadCell("bool", text, "write true or false") from None


def _parse_int(text):
    if not INTEGER.fullmatch(text):
        raise BadCell("int", text, "write digits only, as in 42 or -7")
    if len(text) > 25 or not -(2**63) <= (value := int(text)) < 2**63:
        raise BadCell("int", text, "it must lie between -9223372036854775808 and 9223372036854775807")
    return value


def _parse_float(text, kind="float"):
    if match := INFINITY.fullmatch(text):
        return -math.inf if match[1] == "-" else math.inf
    if text.lower() == "nan":
        return None
    if not NUMBER.fullmatch(text):
        remedy = "write it as in 1.5 or 2e-3"
        if NUMBER.fullmatch(text.replace(",", ".")):
            remedy = f"write {text.replace(',', '.')}, with a decimal point"
        raise BadCell(kind, text, remedy)
    value = float(text)
    if math.isinf(value):
        raise BadCell(
            kind, text, "it is beyond the largest number, about 1.8e308; write inf if that is meant"
        )
    return value


def _parse_time(text, time_scale):
    remedy = "write an MJD as in 59000.5, or a date as in 2020-05-31T12:00:00"
    if match := ISO.fullmatch(text):
        return _mjd_of(match, text, time_scale.upper() or "UTC")
    if not NUMBER.fullmatch(text):
        raise BadCell("time", text, remedy)
    value = _parse_float(text, "time")
    if abs(value) > 2_000_000:
        raise BadCell("time", text, "MJD is expected; subtract 2400000.5 from a Julian date")
    return value


def _mjd_of(match, text, scale):
    import erfa

    year, month, day = int(match[1]), int(match[2]), int(match[3])
    hours, minutes, seconds = int(match[4] or 0), int(match[5] or 0), float(match[6] or 0)
    if match[7] and scale != "UTC":
        raise BadCell("time", text, f"Z means UTC, but the column's scale is {scale}; leave it out")
    known = scale if scale in ("UTC", "TAI", "TT", "TDB", "TCB", "TCG", "UT1") else "TT"
    first, second, status = erfa.ufunc.dtf2d(known, year, month, day, hours, minutes, seconds)
    if status < 0 or status >= 2:  # 1: a year whose leap seconds are not known
        raise BadCell("time", text, "there is no such date or time of day")
    return float(first - MJD_OF_JD_ZERO + second)


def _parse_position(text):
    if match := DEGREES.fullmatch(text):
        ra, dec = float(match[1]), float(match[2])
    elif match := SEXAGESIMAL.fullmatch(text):
        hours, ra_minutes, sign, degrees, dec_minutes = (
            int(match[1]),
            int(match[2]),
            match[4],
            int(match[5]),
            int(match[6]),
        )
        ra_seconds, dec_seconds = float(match[3]), float(match[7])
        if hours > 23 or max(ra_minutes, dec_minutes) > 59 or max(ra_seconds, dec_seconds) >= 60:
            raise BadCell("position", text, "hours go to 23, minutes and seconds to 59")
        ra = (3600 * hours + 60 * ra_minutes + ra_seconds) / 240
        dec = math.copysign(
            (3600 * degrees + 60 * dec_minutes + dec_seconds) / 3600, -1 if sign == "-" else 1
        )
    else:
        raise BadCell(
            "position", text, "write degrees as in “187.7 12.39”, or hours as in “12:30:49.4 +12:23:28”"
        )
    if not 0 <= ra < 360:
        raise BadCell("position", text, "right ascension lies between 0 and 360 degrees")
    if not -90 <= dec <= 90:
        raise BadCell("position", text, "declination lies between -90 and 90 degrees")
    return ra, dec


def _parse_sha256(text):
    if not SHA256.fullmatch(text):
        raise BadCell("product", text, "it has 64 characters from 0-9 and a-f")
    return text


PARSERS = {
    "bool": _parse_bool,
    "int": _parse_int,
    "float": _parse_float,
    "position": _parse_position,
    "product": _parse_sha256,
    "catalogue": _parse_sha256,
}


# Arrays


def _parse_array(text, element, shape):
    if not (text.startswith("[") and text.endswith("]")):
        raise BadCell("array", text, "write it in brackets, as in [1, 2, nan]")
    values = _parse_texts(text) if element == "text" else _parse_numbers(text, element)
    sizes = _shape_of(values, text)
    expected = parse_shape(shape)
    if expected is not None and sizes != expected:
        found, wanted = ("×".join(map(str, size)) for size in (sizes, expected))
        raise BadCell("array", text, f"it has {found} elements, the column has {wanted}")
    return values


def _parse_texts(text):
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not _all_texts(values):
        raise BadCell("array", text, 'write texts in double quotes, as in ["a", "b"]')
    if FORBIDDEN.search(json.dumps(values, ensure_ascii=False)) or "\\u0000" in json.dumps(values):
        raise ForbiddenCharacter("the array")
    return values


def _all_texts(values):
    return isinstance(values, list) and all(isinstance(v, str) or _all_texts(v) for v in values)


def _parse_numbers(text, element):
    """Nested lists from text, without recursion: brackets come from people."""
    root: list = []
    open_lists, expects_value, after_comma = [root], True, False
    for token in re.findall(r"[\[\],]|[^\[\],\s]+(?:\s+[^\[\],\s]+)*", text):
        if token == "[" and expects_value and len(open_lists) <= DEEPEST:
            inner: list = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
            after_comma = False
        elif token == "]" and len(open_lists) > 1 and not after_comma:
            open_lists.pop()
            expects_value = False
        elif token == "," and not expects_value and len(open_lists) > 1:
            expects_value = after_comma = True
        elif token not in ("[", "]", ",") and expects_value and len(open_lists) > 1:
            open_lists[-1].append(_parse_element(token, element))
            expects_value = after_comma = False
        else:
            raise BadCell("array", text, "its brackets and commas do not match; write as in [1, 2, nan]")
    if len(open_lists) != 1 or len(root) != 1:
        raise BadCell("array", text, "its brackets do not match; write as in [1, 2, nan]")
    return root[0]


def _parse_element(token, element):
    value = PARSERS[element](token)
    return math.nan if value is None else value


def _shape_of(values, text):
    """The sizes of nested lists, which must be regular."""
    sizes, level = [], [values]
    while level and all(isinstance(item, list) for item in level):
        lengths = {len(item) for item in level}
        if len(lengths) > 1:
            raise BadCell("array", text, "its rows have different lengths")
        sizes.append(lengths.pop())
        level = [inner for item in level for inner in item]
    if any(isinstance(item, list) for item in level):
        raise BadCell("array", text, "it mixes numbers and lists")
    return tuple(sizes)
