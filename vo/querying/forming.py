"""What can be asked by filling in a form, and the ADQL of it."""

import re
from dataclasses import dataclass

from vo.adql.names import adql_name

NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MOST_ROWS = 1000  # of a form that says nothing of it


@dataclass(frozen=True)
class Cone:
    """A circle on the sky around a place; all numbers in degrees, as they are written.

    `columns` are right ascension and declination in the table.
    """

    columns: tuple[str, str]
    ra: str
    dec: str
    radius: str


@dataclass(frozen=True)
class Range:
    """A number, or a time, between two bounds, of which one may be missing.

    Bounds are numbers as they are written, or dates as ISO 8601 has them.
    """

    column: str
    low: str = ""
    high: str = ""
    above: bool = False  # more than low; else at least low
    below: bool = False  # less than high; else at most high


@dataclass(frozen=True)
class Words:
    """A text that is one of these, or is like one; `*` stands for any letters, and capitals count only without it."""

    column: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """Something that is so, or not."""

    column: str
    wanted: bool


Constraint = Cone | Range | Words | Truth


@dataclass(frozen=True)
class Form:
    """What is asked of one table.

    `columns` are those to be shown, none of them are all. `order` is a column, with `-` before it from the largest.
    """

    schema: str
    table: str
    columns: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    order: str = ""
    descending: bool = False
    top: int | None = MOST_ROWS


def adql_of(form: Form) -> str:
    """Write a form as ADQL."""
    top = "" if form.top is None else f"TOP {form.top} "
    listed = ", ".join(map(adql_name, form.columns)) or "*"
    lines = [f"SELECT {top}{listed}", f"FROM {adql_name(form.schema)}.{adql_name(form.table)}"]
    conditions = [text for constraint in form.constraints for text in conditions_of(constraint)]
    if conditions:
        lines.append("WHERE " + "\n  AND ".join(conditions))
    if form.order:
        lines.append(f"ORDER BY {adql_name(form.order)}{' DESC' if form.descending else ''}")
    return "\n".join(lines)


def conditions_of(constraint: Constraint) -> list[str]:
    """Write a constraint as conditions, all of which must hold."""
    if isinstance(constraint, Cone):
        ra, dec = map(adql_name, constraint.columns)
        circle = f"CIRCLE({constraint.ra}, {constraint.dec}, {constraint.radius})"
        return [f"1 = CONTAINS(POINT({ra}, {dec}), {circle})"]
    name = adql_name(constraint.column)
    if isinstance(constraint, Truth):
        return [f"{name} = {'TRUE' if constraint.wanted else 'FALSE'}"]
    if isinstance(constraint, Words):
        return [_words(name, constraint.texts)]
    return _range(name, constraint)


def _words(name: str, texts: tuple[str, ...]) -> str:
    if len(texts) > 1:
        return f"{name} IN ({', '.join(map(quoted, texts))})"
    if "*" in texts[0]:
        return f"{name} ILIKE {quoted(texts[0].replace('*', '%'))}"
    return f"{name} = {quoted(texts[0])}"


def _range(name: str, asked: Range) -> list[str]:
    low, high = bound(asked.low), bound(asked.high)
    if low and high and not (asked.above or asked.below):
        return [f"{name} BETWEEN {low} AND {high}"]
    found = []
    if low:
        found.append(f"{name} {'>' if asked.above else '>='} {low}")
    if high:
        found.append(f"{name} {'<' if asked.below else '<='} {high}")
    return found


def bound(text: str) -> str:
    """Write a bound: a number as it is, a date as a text."""
    return text if not text or NUMBER.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """Write a text as ADQL has it."""
    return "'" + text.replace("'", "''") + "'"
