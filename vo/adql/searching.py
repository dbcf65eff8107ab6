"""Asking an index first: what can only be near a place is looked up there, and measured exactly afterwards."""

import math
import re
from dataclasses import replace

from vo.adql.backends import quoted
from vo.adql.compiling import ALONE, Context
from vo.adql.tables import WITHIN, Position
from vo.adql.values import ATOM, NUMBERS, Near, Value

# An R*Tree keeps 32-bit floats, which it rounds outwards; the rest is rounding in the exact test.
CHORD_MARGIN = 3e-7
DEGREE_MARGIN = 1e-6
# Right ascensions are within these, whichever way a table counts them.
LOWEST_RA, HIGHEST_RA = -180.0, 360.0


def prefilter(context: Context, near: Near) -> str:
    """Return a condition that an index can answer and that holds wherever the point is near; empty if none can."""
    if near.radius.kind not in NUMBERS or "rand" in "".join(
        value.sql for value in (*near.centre, near.radius)
    ):
        return ""
    found: list[tuple[int, int, tuple[Value, Value], tuple[Value, Value], str]] = []
    for point, centre in ((near.point, near.centre), (near.centre, near.point)):
        position = position_at(context, point)
        if position is not None and position.index is not None:
            source = point[0].source
            if source is None or source.table is None:
                continue
            if WITHIN in source.table.sql and not can_be_within(context, centre, near.radius):
                continue
            if not any(mentions(value, source.alias) for value in (*centre, near.radius)):
                found.append((source.table.size or 0, len(found), point, centre, position.index))
    if not found:
        return ""
    _, _, point, centre, index = max(found, key=lambda each: each[:2])
    write = in_rtree if context.backend.name == "sqlite" else in_boxes
    source = point[0].source
    if source is None or source.table is None or WITHIN not in source.table.sql:
        return write(point, centre, near.radius, index)
    ra, dec = (replace(value, sql=quoted(value.column.name)) for value in point if value.column is not None)
    if first := write((ra, dec), centre, near.radius, index):
        source.within.append(first)
    return ""


def can_be_within(context: Context, centre: tuple[Value, Value], radius: Value) -> bool:
    """Say whether a condition can go into a subquery: it must hold for every row, and know of no other table."""
    return context.filtering == ALONE and known(*centre, radius) is not None


def position_at(context: Context, point: tuple[Value, Value]) -> Position | None:
    """Return the position of a table that two values are, if this SELECT reads it and an index may be asked."""
    ra, dec = point
    source = ra.source
    if (
        source is None
        or source is not dec.source
        or source.table is None
        or ra.column is None
        or dec.column is None
    ):
        return None
    searched = context.scope.sources if context.scope.searched is None else context.scope.searched
    if source not in searched:
        return None
    names = ra.column.name.lower(), dec.column.name.lower()
    for position in source.table.positions:
        if (position.ra.lower(), position.dec.lower()) == names:
            return position
    return None


def mentions(value: Value, alias: str) -> bool:
    """Say whether a value depends on a source."""
    return re.search(rf"\b{alias}\.", value.sql) is not None


def known(*values: Value) -> list[float] | None:
    """Return what values are, if they are constants."""
    if all(isinstance(value.constant, (int, float)) for value in values):
        return [float(value.constant) for value in values if isinstance(value.constant, (int, float))]
    return None


def in_rtree(point: tuple[Value, Value], centre: tuple[Value, Value], radius: Value, index: str) -> str:
    """Return the condition on SQLite: within a cube of unit vectors around the centre."""
    source = point[0].source
    assert source is not None
    width, place = known(radius), known(*centre)
    if width is not None and not 0 <= width[0] < 180:
        return ""
    half = repr(chord(width[0])) if width is not None else f"adql_chord({radius.sql})"
    if place is not None:
        axes = [repr(axis) for axis in unit_vector(*place)]
    else:
        ra, dec = (value.sql for value in centre)
        axes = [f"adql_{axis}({ra}, {dec})" for axis in "xyz"]
    bounds = " AND ".join(
        f"{axis}1 >= {at} - {half} AND {axis}0 <= {at} + {half}" for axis, at in zip("xyz", axes, strict=True)
    )
    assert source.table is not None
    row = "id" if WITHIN in source.table.sql else f"{source.alias}.rowid"
    return f"{row} IN (SELECT id FROM {quoted(index)} WHERE {bounds})"


def chord(radius: float) -> float:
    """Return the widest difference of unit vectors within a radius in degrees, and a little more."""
    return 2 * math.sin(math.radians(min(radius, 180.0)) / 2) + CHORD_MARGIN


def unit_vector(ra: float, dec: float) -> tuple[float, float, float]:
    """Return the unit vector of a place on the sky."""
    longitude, latitude = math.radians(ra), math.radians(dec)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def in_boxes(point: tuple[Value, Value], centre: tuple[Value, Value], radius: Value, index: str) -> str:
    """Return the condition on PostgreSQL: within boxes of right ascension and declination."""
    place = f"point({point[0].sql}, {point[1].sql})"
    width, middle = known(radius), known(*centre)
    if width is not None and not 0 <= width[0] < 180:
        return ""
    if width is None or middle is None:
        ra, dec, wide = centre[0].within(ATOM), centre[1].within(ATOM), radius.within(ATOM)
        tests = [f"{place} <@ adql.box_around({ra}, {dec}, {wide}, {shift})" for shift in (0, -360, 360)]
    else:
        tests = [
            f"{place} <@ box '(({low!r},{south!r}),({high!r},{north!r}))'"
            for low, south, high, north in boxes(middle[0], middle[1], width[0])
        ]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def boxes(ra: float, dec: float, radius: float) -> list[tuple[float, float, float, float]]:
    """Return the boxes (west, south, east, north) that hold a circle, for right ascensions counted either way."""
    south, north = dec - radius - DEGREE_MARGIN, dec + radius + DEGREE_MARGIN
    if south <= -90 or north >= 90:
        return [(-360.0, max(south, -91.0), 720.0, min(north, 91.0))]
    half = math.degrees(math.asin(min(1.0, math.sin(math.radians(radius)) / math.cos(math.radians(dec)))))
    half += DEGREE_MARGIN / math.cos(math.radians(max(-south, north)))
    ra %= 360.0
    sides = [(ra - half + turn, ra + half + turn) for turn in (0.0, -360.0, 360.0)]
    return [(low, south, high, north) for low, high in sides if high >= LOWEST_RA and low <= HIGHEST_RA]
