"""The one boundary that values cross on their way into a table, and their form in JSON (pure).

Scalar NaN becomes NULL, ±inf is kept, integers are exact 64-bit, text has neither NUL nor lone
surrogates. Zero, empty text, null, and NaN inside arrays are four different things and stay so.
"""

import math
import numbers
import re

INT64 = (-(2**63), 2**63 - 1)
EXACT_IN_A_BROWSER = 2**53
HASH = re.compile(r"^[0-9a-f]{64}$")


class Unfit(ValueError):
    """Why a value does not fit; the caller knows the column and says so."""


def fit(kind, value, *, element="float", shape=""):
    """Return `value` in the one form in which a cell of this kind is kept.

    Parameters
    ----------
    kind : str
        One of the kinds of `worktables.models.Kind`.
    value : object
        Python or numpy value; None is null in every kind.
    element, shape : str
        Of an array: what its elements are, and its length (“3”, or “” and “*” for any).

    Raises
    ------
    Unfit
        With the problem in words, starting where “column: value” ends.
    """
    if value is None:
        return None
    return FITTERS[kind](value) if kind != "array" else _fit_array(value, element or "float", shape)


def _fit_bool(value):
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise Unfit("is not true or false")


def _fit_int(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Unfit("is not an integer")
    if isinstance(value, numbers.Integral):
        value = int(value)
    elif math.isnan(value):
        raise Unfit("is not a number; an integer column has no NaN, leave the cell empty")
    elif math.isinf(value) or value != int(value):
        raise Unfit("is not a whole number")
    else:
        value = int(value)
    if not INT64[0] <= value <= INT64[1]:
        raise Unfit("is outside the 64-bit integers")
    return value


def _fit_float(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Unfit("is not a number")
    value = float(value)
    return None if math.isnan(value) else value


def _fit_text(value):
    if not isinstance(value, str):
        raise Unfit("is not text")
    if "\0" in value:
        raise Unfit("contains a NUL character; remove it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unfit("contains half of a surrogate pair; it is not text") from None
    return str(value)


def _fit_position(value):
    try:
        ra, dec = value
    except (TypeError, ValueError):
        raise Unfit("is not a position; it takes right ascension and declination in degrees") from None
    ra, dec = _fit_float(ra), _fit_float(dec)
    if ra is None or dec is None:
        return None
    if ra == 360.0:
        ra = 0.0
    if not 0 <= ra < 360:
        raise Unfit("has a right ascension outside 0 to 360 degrees")
    if not -90 <= dec <= 90:
        raise Unfit("has a declination outside -90 to 90 degrees")
    return ra, dec


def _fit_hash(value):
    if not isinstance(value, str) or not HASH.fullmatch(value):
        raise Unfit("is not the sha256 of a stored file")
    return value


def _fit_array(value, element, shape):
    if isinstance(value, str) or not hasattr(value, "__len__"):
        raise Unfit("is not an array")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if shape not in ("", "*") and len(value) != int(shape):
        raise Unfit(f"has {len(value)} elements; the column takes {shape}")
    if element == "float":
        return [math.nan if item is None else _number(item) for item in value]
    fitted = [FITTERS[element](item) for item in value]
    if None in fitted:
        raise Unfit(f"has an empty element; arrays of {element} cannot")
    return fitted


def _number(item):
    if isinstance(item, bool) or not isinstance(item, numbers.Real):
        raise Unfit("has an element that is not a number")
    return float(item)


FITTERS = {
    "bool": _fit_bool,
    "int": _fit_int,
    "float": _fit_float,
    "time": _fit_float,
    "text": _fit_text,
    "position": _fit_position,
    "product": _fit_hash,
    "catalogue": _fit_hash,
}


def as_json(kind, value):
    """Return `value` as strict JSON can carry it to a browser: big integers, ±inf and NaN become strings."""
    if value is None or kind in ("bool", "text", "product", "catalogue"):
        return value
    if kind == "int":
        return value if -EXACT_IN_A_BROWSER <= value <= EXACT_IN_A_BROWSER else str(value)
    if kind in ("float", "time"):
        return _number_as_json(value)
    return [_number_as_json(item) if isinstance(item, float) else item for item in value]


def _number_as_json(value):
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def from_json(kind, value):
    """Return the value that `as_json` wrote; also takes numbers written as strings.

    Raises
    ------
    Unfit
        If the text of a number is not one.
    """
    if value is None:
        return None
    try:
        if kind == "int" and isinstance(value, str):
            return int(value)
        if kind in ("float", "time") and isinstance(value, int | str) and not isinstance(value, bool):
            return float(value)
        if kind == "position" and not isinstance(value, str):
            ra, dec = value
            return float(ra), float(dec)
        if kind == "array" and isinstance(value, list):
            specials = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
            return [specials.get(item, item) if isinstance(item, str) else item for item in value]
    except (TypeError, ValueError, OverflowError):
        raise Unfit(f"is not {'an integer' if kind == 'int' else 'a number'}") from None
    return value
