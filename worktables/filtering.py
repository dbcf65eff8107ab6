"""Filters and sorting as they stand in an address: `?flux=>0.5&object=*J04*&_state=failed&_sort=-flux`.

A filter is written as people write it: `5`, `>5`, `<=5`, `3..7`, `text*`, `=text`, `!=x`, `null`,
`!null`, several with commas between for “one of”, and for a position `187.7 12.39 r=60` (degrees or
sexagesimal, radius in arcsec). Names that start with an underscore are not columns.
"""

import re

from django.db.models import Exists, F, Lookup, OuterRef, Q
from django.db.models.functions import ASin, Cos, Power, Radians, Sin, Sqrt
from django.db.models.lookups import IContains

from worktables.errors import NoSuchColumn, UnfitFilter
from worktables.formats.parsing import parse_cell
from worktables.models import Annotation, Kind, State, Todo

COMPARED = re.compile(r"^(>=|<=|!=|>|<|=)\s*(.*)$", re.DOTALL)
OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
ORDERED = (Kind.INT, Kind.FLOAT, Kind.TIME)
BUSY = ("queued", "running")
MOST_IDS = 10_000


def filter_rows(layout, rows, wanted):
    """Narrow a queryset of rows by {name: filter text}.

    Raises
    ------
    NoSuchColumn, UnfitFilter
    """
    for name, text in wanted.items():
        text = text.strip()
        if not text or (name.startswith("_") and name not in SPECIAL):
            continue
        if name in SPECIAL:
            rows = SPECIAL[name](layout, rows, text)
            continue
        column = layout.by_name.get(name)
        if column is None:
            raise NoSuchColumn(name, layout.by_name)
        if column.kind == Kind.POSITION:
            rows = _cone(layout, rows, column, text)
        else:
            rows = rows.filter(_condition(layout, column, text))
    return rows


def _condition(layout, column, text):
    (field,) = layout.physical[column.pk]
    if text in ("null", "!null"):
        return Q(**{f"{field}__isnull": text == "null"})
    if column.kind == Kind.ARRAY:
        raise UnfitFilter(column.name, text, "an array can only be asked for “null” or “!null”")
    if column.kind in ORDERED and ".." in text:
        low, _, high = text.partition("..")
        bounds = {f"{field}__gte": low, f"{field}__lte": high}
        return Q(**{key: _value(column, bound, text) for key, bound in bounds.items() if bound.strip()})
    compared = COMPARED.match(text)
    if compared:
        sign, rest = compared.groups()
        if sign in OPERATORS:
            if column.kind not in (*ORDERED, Kind.TEXT):
                raise UnfitFilter(column.name, text, f"a {column.get_kind_display()} has no order")
            return Q(**{f"{field}__{OPERATORS[sign]}": _value(column, rest, text)})
        equal = _any_of(column, field, rest, text)
        return equal if sign == "=" else ~equal & Q(**{f"{field}__isnull": False})
    if column.kind == Kind.TEXT and "*" in text:
        return Q(WithStars(F(field), _value(column, text, text)))
    if column.kind == Kind.TEXT and "," not in text:
        return Q(**{f"{field}__icontains": _value(column, text, text)})
    return _any_of(column, field, text, text)


class WithStars(IContains):
    """A whole text, in which each star stands for anything: LIKE never tries a way twice, as expressions do."""

    def process_rhs(self, compiler, connection):
        """Write the pattern as LIKE has it."""
        sql, parameters = Lookup.process_rhs(self, compiler, connection)
        pattern = re.sub(r"\*+", "*", parameters[0])
        return sql, [connection.ops.prep_for_like_query(pattern).replace("*", "%")]


def _any_of(column, field, listed, text):
    values = [_value(column, item, text) for item in listed.split(",")]
    return Q(**{f"{field}__in": values}) if len(values) > 1 else Q(**{field: values[0]})


def _value(column, item, text):
    try:
        value = parse_cell(column.kind, item.strip())
    except ValueError as problem:
        raise UnfitFilter(column.name, text, f"{problem}; write for example >5, 3..7, null") from None
    if value is None:
        raise UnfitFilter(column.name, text, "there is nothing to compare with; write null for empty cells")
    return value


def _cone(layout, rows, column, text):
    ra, dec = layout.physical[column.pk]
    if text in ("null", "!null"):
        return rows.filter(**{f"{ra}__isnull": text == "null"})
    place, _, radius = text.partition("r=")
    try:
        centre, radius = parse_cell("position", place.strip()), float(radius)
        if centre is None or not 0 < radius <= 648000:
            raise ValueError
    except ValueError:
        raise UnfitFilter(
            column.name, text, "write a position and a radius in arcsec: 187.7059 12.3911 r=60"
        ) from None
    half = radius / 3600
    near = rows.filter(**{f"{dec}__gte": centre[1] - half, f"{dec}__lte": centre[1] + half})
    h = Power(Sin((Radians(dec) - Radians(centre[1])) / 2), 2) + Cos(Radians(dec)) * Cos(
        Radians(centre[1])
    ) * Power(Sin((Radians(ra) - Radians(centre[0])) / 2), 2)
    return near.annotate(separation_rad=2 * ASin(Sqrt(h))).filter(separation_rad__lte=_radians(half))


def _radians(degrees):
    return degrees * 0.017453292519943295


def _by_state(layout, rows, text):
    names = {name.strip() for name in text.split(",")}
    unknown = names - {state.label for state in State} - set(BUSY)
    if unknown:
        known = ", ".join([*(state.label for state in State), *BUSY])
        raise UnfitFilter("_state", text, f"states are {known}")
    todo = Todo.objects.filter(worktable=layout.worktable_id, row_id=OuterRef("id"))
    queued, running = Exists(todo), Exists(todo.exclude(owner=None))
    wanted = Q()
    settled = [state.value for state in State if state.label in names]
    if settled:
        wanted |= Q(state__in=settled) & ~queued
    if "running" in names:
        wanted |= Q(running)
    if "queued" in names:
        wanted |= Q(queued) & ~Q(running)
    return rows.filter(wanted)


def _by_annotation(kind):
    def narrow(layout, rows, text):
        said = Annotation.objects.filter(
            worktable=layout.worktable_id, row_id=OuterRef("id"), kind=kind, withdrawn_at=None
        )
        if text in ("no", "none", "0"):
            return rows.filter(~Exists(said))
        if "\0" in text:
            raise UnfitFilter(f"_{kind}", text, "has a NUL character")
        if text not in ("yes", "any", "1"):
            said = said.filter(Q(text__icontains=text) | Q(author__username=text))
        return rows.filter(Exists(said))

    return narrow


def _by_parent(layout, rows, text):
    if not is_id(text):
        raise UnfitFilter("_parent", text, "is the id of a row of the parent table")
    return rows.filter(parent_id=int(text))


def is_id(text):
    """Say whether a text is the id of a row, or could be."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _by_id(layout, rows, text):
    ids = [item.strip() for item in text.split(",")]
    if not all(map(is_id, ids)) or len(ids) > MOST_IDS:
        raise UnfitFilter("_id", text[:200], f"is a list of at most {MOST_IDS} row ids, such as 3,7,12")
    return rows.filter(id__in=[int(item) for item in ids])


SPECIAL = {
    "_state": _by_state,
    "_flag": _by_annotation("flag"),
    "_comment": _by_annotation("comment"),
    "_parent": _by_parent,
    "_id": _by_id,
}
