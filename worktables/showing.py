"""How a cell looks on a page: its text, what hovering says, where it leads, and whether it is of today."""

import dataclasses
import json
import math

from worktables.formats.parsing import format_cell, mjd_as_iso
from worktables.storage.values import as_json

NUMERIC = ("int", "float", "time", "position", "array")
SIGNIFICANT = 5
SHORT = 8  # characters: a number this short is shown as it is
SHOWN_ELEMENTS = 4
DIGITS, MOST_DIGITS = 3, 6  # of the seconds of a right ascension
BLANK = "“”"  # how text without a letter looks; no value at all is a dash
NOT_OF_TODAY = ("stale", "held", "blocked", "queued", "running")


@dataclasses.dataclass(slots=True)
class CellView:
    """A cell as a template writes it.

    Attributes
    ----------
    text, title : str
        What one sees, and what hovering says.
    css : str
    href, icon : str
        Where it leads, and the sign before the text; empty for most.
    value : str or None
        Of an editable cell: its value as JSON, which goes back as `seen`.
    typed : str
        Of an editable cell: the text with which editing starts.
    """

    text: str
    title: str = ""
    css: str = ""
    href: str = ""
    icon: str = ""
    value: str | None = None
    typed: str = ""


def view_cell(column, value, *, editable=False, old=False, digits=DIGITS):
    """Return a cell as a page shows it.

    Parameters
    ----------
    column : Column
    value : object
        As the table keeps it.
    editable : bool
        Whether whoever looks may type here.
    old : bool
        Whether it was computed from what is not there any more.
    digits : int
        Of the seconds of a position.
    """
    css = ["num"] if column.kind in NUMERIC else []
    if value is None:
        css.append("null")
    elif value == "":
        css.append("blank")
    if old and value is not None:
        css.append("old")
    text, title = shown(
        column.kind, value, exact=column.editable_by_people, element=column.element, digits=digits
    )
    cell = CellView(text, title or ("null" if value is None and column.kind == "text" else ""))
    if editable:
        css.append("editable")
        cell.value = json.dumps(as_json(column.kind, value), ensure_ascii=False)
        cell.typed = format_cell(column.kind, value, element=column.element or "float")
    cell.css = " ".join(css)
    return cell


def shown(kind, value, *, exact=False, element="", digits=DIGITS):
    """Return the text of a value, and in full what the text leaves out (or nothing).

    What people typed is `exact`; a computed number is cut to a few significant digits.
    """
    if value is None:
        return "", ""
    if value == "" and kind == "text":
        return BLANK, "empty text"
    if kind == "float":
        whole = repr(value)
        text = whole if exact else number(value)
        return text, whole if text != whole else ""
    if kind == "time":
        return mjd_as_iso(value, 0).replace("T", " ") if math.isfinite(value) else repr(
            value
        ), f"MJD {value!r}"
    if kind == "position":
        return sexagesimal(*value, digits), f"{value[0]!r} {value[1]!r} degrees (ICRS)"
    if kind == "array":
        parts = [number(item) if isinstance(item, float) else str(item) for item in value[:SHOWN_ELEMENTS]]
        more = f", … {len(value)}" if len(value) > SHOWN_ELEMENTS else ""
        whole = format_cell(kind, value, element=element or "float")
        return f"[{', '.join(parts)}{more}]", whole if len(whole) < 500 else f"{len(value)} elements"
    if kind == "bool":
        return ("yes" if value else "no"), ""
    if kind in ("product", "catalogue"):
        return value[:8], value
    return str(value), ""


def number(value):
    """Return a number with a few significant digits, or all of it where that is as short."""
    whole = repr(value)
    if len(whole.lstrip("-")) <= SHORT or not math.isfinite(value):
        return whole
    if 1e-4 <= abs(value) < 1e7:
        before = math.floor(math.log10(abs(value))) + 1
        return f"{value:.{max(SIGNIFICANT - before, 0)}f}"
    mantissa, _, exponent = f"{value:.{SIGNIFICANT - 1}e}".partition("e")
    text = f"{mantissa}e{int(exponent)}"
    return text if math.isfinite(float(text)) else whole


def sexagesimal(ra, dec, digits=DIGITS):
    """Return a position as people read it: 12:30:49.423 +12:23:28.04; half a last digit is rounded up, 24h is 0h."""
    seconds = round(ra / 15 * 3600, digits) % 86400
    hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
    arcsec = round(abs(dec) * 3600, digits - 1)
    degrees, arcmin = int(arcsec // 3600), int(arcsec % 3600 // 60)
    sign = "-" if dec < 0 else "+"
    return (
        f"{hours:02d}:{minutes:02d}:{seconds % 60:0{digits + 3}.{digits}f} "
        f"{sign}{degrees:02d}:{arcmin:02d}:{arcsec % 60:0{digits + 2}.{digits - 1}f}"
    )


def digits_for(positions):
    """Return with how many digits different positions look different: a map of a jet needs more than a survey."""
    different = set(positions) - {None}
    for digits in range(DIGITS, MOST_DIGITS):
        if len({sexagesimal(*position, digits) for position in different}) == len(different):
            return digits
    return MOST_DIGITS
