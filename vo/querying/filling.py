"""Between the fields of a form, as people fill them in, and what it asks."""

import re
from collections.abc import Mapping

from vo.adql.tables import Column, Table
from vo.adql.times import mjd_of
from vo.querying.conditions import places_of
from vo.querying.forming import NUMBER, Cone, Constraint, Form, Range, Truth, Words

UNITS = {"arcsec": 3600, "arcmin": 60, "deg": 1}
BOUND = re.compile(r"(?P<sign>[<>]?)\s*(?P<text>.*)", re.DOTALL)
TRUTHS = {"yes": True, "no": False}


class Unfit(ValueError):
    """A field says what cannot be; `field` is its name."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def fields_of(form: Form) -> dict[str, object]:
    """Return what stands in the fields of a form."""
    filled: dict[str, object] = {
        "show": list(form.columns),
        "order": form.order,
        "descending": form.descending,
        "top": "" if form.top is None else str(form.top),
    }
    for one in form.constraints:
        if isinstance(one, Cone):
            radius, unit = in_a_short_unit(one.radius)
            filled |= {
                "place": f"{one.ra} {one.dec}",
                "radius": radius,
                "unit": unit,
                "of": " ".join(one.columns),
            }
        elif isinstance(one, Words):
            filled[f"is.{one.column}"] = ", ".join(one.texts)
        elif isinstance(one, Truth):
            filled[f"is.{one.column}"] = "yes" if one.wanted else "no"
        else:
            filled[f"from.{one.column}"] = f"{'>' if one.above else ''}{one.low}"
            filled[f"to.{one.column}"] = f"{'<' if one.below else ''}{one.high}"
    return filled


def form_from(table: Table, said: Mapping[str, object], parse_place) -> tuple[Form | None, list[Unfit]]:
    """Return the form that the fields say, or what is wrong with them.

    Parameters
    ----------
    table : Table
    said : mapping of str to str
        What stands in the fields; `show` is a list.
    parse_place : callable
        Makes of a text right ascension and declination in degrees; raises ValueError.
    """
    problems: list[Unfit] = []
    constraints: list[Constraint] = []

    def take(made):
        try:
            if (one := made()) is not None:
                constraints.append(one)
        except Unfit as problem:
            problems.append(problem)

    take(lambda: cone_from(table, said, parse_place))
    for column in table.columns:
        take(lambda column=column: constraint_from(column, said))
    names = [column.name for column in table.columns]
    wanted = said.get("show")
    show = tuple(name for name in names if isinstance(wanted, list) and name in wanted)
    top = text_of(said, "top")
    if top and not (top.isascii() and top.isdigit() and len(top) < 10):
        problems.append(Unfit("top", "Write a whole number of rows, such as 1000, or nothing for all."))
        top = ""
    order = text_of(said, "order")
    form = Form(
        table.schema,
        table.name,
        show,
        tuple(constraints),
        order if order in names else "",
        order in names and bool(said.get("descending")),
        int(top) if top else None,
    )
    return (None if problems else form), problems


def constraint_from(column: Column, said: Mapping[str, object]) -> Constraint | None:
    """Return what the fields of a column say; None if they are empty."""
    if column.kind in ("int", "float", "time"):
        low, above = bound_from(column, f"from.{column.name}", text_of(said, f"from.{column.name}"), ">")
        high, below = bound_from(column, f"to.{column.name}", text_of(said, f"to.{column.name}"), "<")
        return Range(column.name, low, high, above, below) if low or high else None
    field = f"is.{column.name}"
    text = text_of(said, field)
    if not text:
        return None
    if column.kind == "bool":
        return Truth(column.name, TRUTHS[text]) if text in TRUTHS else None
    if column.kind != "text":
        return None
    return Words(column.name, words_from(field, text))


def words_from(field: str, text: str) -> tuple[str, ...]:
    """Return the texts of a field, between commas."""
    if not text.isprintable():
        raise Unfit(field, "Write it in one line of plain letters.")
    texts = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if not texts:
        raise Unfit(field, "Write a text; a comma parts several.")
    if any("*" in one for one in texts):
        if len(texts) > 1:
            raise Unfit(field, "Write one text with *, or several without.")
        if "%" in texts[0]:
            raise Unfit(field, "Leave out the %, or the *: both mean any letters here.")
    return texts


def bound_from(column: Column, field: str, text: str, sign: str) -> tuple[str, bool]:
    """Return a bound, and whether it is itself left out (`>5`, `<5`)."""
    if not text:
        return "", False
    match = BOUND.fullmatch(text)
    assert match is not None
    if match["sign"] not in ("", sign):
        raise Unfit(field, f"Write a number, or {sign} before one that is not meant itself.")
    bare = match["text"].strip().removeprefix("+")
    if NUMBER.fullmatch(bare) and len(bare) < 40:
        return bare, bool(match["sign"])
    mjd = mjd_of(bare)
    if mjd is not None and column.kind == "time":
        return bare, bool(match["sign"])
    if mjd is not None and column.ucd.lower().startswith("time") and column.unit == "d":
        return repr(mjd), bool(match["sign"])
    dated = column.kind == "time" or (column.ucd.lower().startswith("time.") and column.unit == "d")
    what = (
        "a date such as 2015-12-31, 2015-12-31T12:00:00, or an MJD"
        if dated
        else "a number such as 1.5 or 2e-3"
    )
    raise Unfit(field, f"Write {what}.")


def cone_from(table: Table, said: Mapping[str, object], parse_place) -> Cone | None:
    """Return the circle that the fields say; None if there is none."""
    place, radius = text_of(said, "place"), text_of(said, "radius")
    if not place:
        return None
    pairs = {" ".join(pair): pair for pair in places_of(table)}
    columns = pairs.get(text_of(said, "of")) or next(iter(pairs.values()), None)
    if columns is None:
        return None
    try:
        ra, dec = parse_place(place)
    except ValueError as error:
        raise Unfit("place", str(error)) from None
    unit = text_of(said, "unit")
    factor = UNITS.get(unit, 60)
    if not NUMBER.fullmatch(radius) or not 0 < (degrees := float(radius) / factor) <= 180:
        raise Unfit("radius", "Write how far from it: a number above 0, and 180 degrees at most.")
    return Cone(columns, repr(float(ra)), repr(float(dec)), repr(degrees))


def in_a_short_unit(radius: str) -> tuple[str, str]:
    """Return a radius in degrees in the unit in which it is written shortest, without changing it."""
    degrees = float(radius)
    found = [(radius, "deg")]
    for unit, factor in UNITS.items():
        text = f"{degrees * factor:.10g}"
        if float(text) / factor == degrees:
            found.append((text, unit))
    return min(found, key=lambda one: (len(one[0]), one[1] != "arcmin"))


def text_of(said: Mapping[str, object], name: str) -> str:
    """Return what stands in a field, without spaces around it."""
    return str(said.get(name) or "").replace("\0", "").strip()
