"""Positions of an answer as a plot: around their middle, or on the whole sky."""

import math
from collections.abc import Iterable

from vo.querying.plotting import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MARGIN,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    NothingToDraw,
    Plot,
    Tick,
    can_be_drawn,
    dots,
)

WIDE = 25.0  # degrees from the middle: what lies farther out is drawn on the whole sky
UNITS = ((1.0, "deg"), (60.0, "arcmin"), (3600.0, "arcsec"))


def sky(pairs: Iterable, describe=lambda ra, dec: f"{ra:.5f} {dec:+.5f}") -> Plot:
    """Plot positions: around their middle, or on the whole sky if they lie far from it.

    Parameters
    ----------
    pairs : iterable of (number or None, number or None)
        Right ascension and declination, in degrees.
    describe : callable
        How a position is written.

    Raises
    ------
    NothingToDraw
    """
    pairs = list(pairs)
    drawn = [
        (float(ra) % 360, float(dec))
        for ra, dec in pairs
        if can_be_drawn(ra, False) and can_be_drawn(dec, False) and abs(dec) <= 90
    ]
    if not drawn:
        raise NothingToDraw("No row has a position.")
    middle = middle_of(drawn)
    n_left_out = len(pairs) - len(drawn)
    if middle is None or max(separation(middle, one) for one in drawn) > WIDE:
        return whole_sky(drawn, n_left_out)
    offsets = [tangent(middle, one) for one in drawn]
    size = max(max(abs(x), abs(y)) for x, y in offsets) or 1 / 3600
    factor, unit = next(((factor, unit) for factor, unit in UNITS if size * factor >= 1), UNITS[-1])
    inner = HEIGHT - TOP - BOTTOM
    half = size * factor * (1 + 2 * MARGIN)
    centre = LEFT + (WIDTH - LEFT - RIGHT) / 2
    x_axis, y_axis = (
        Axis([-half, half], centre + inner / 2, centre - inner / 2),
        Axis([-half, half], HEIGHT - BOTTOM, TOP),
    )
    where = describe(*middle)
    return Plot(
        dots((x_axis.place(x * factor), y_axis.place(y * factor)) for x, y in offsets),
        len(drawn),
        n_left_out,
        f"east of {where} [{unit}]",
        f"north [{unit}]",
        f"positions around {where}, none farther than {size * factor:.3g} {unit} in either direction",
        x_axis.ticks(),
        y_axis.ticks(),
        frame=(centre - inner / 2, TOP, inner, inner),
    )


def middle_of(positions: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Return the middle of positions; None if they lie all around the sky."""
    vectors = [
        (math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b))
        for a, b in ((math.radians(ra), math.radians(dec)) for ra, dec in positions)
    ]
    x, y, z = (math.fsum(axis) / len(vectors) for axis in zip(*vectors, strict=True))
    if math.sqrt(x * x + y * y + z * z) < 0.1:
        return None
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def separation(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle between two positions, in degrees (haversine)."""
    (a1, b1), (a2, b2) = (tuple(map(math.radians, position)) for position in (one, other))
    h = math.sin((b2 - b1) / 2) ** 2 + math.cos(b1) * math.cos(b2) * math.sin((a2 - a1) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, h))))


def tangent(middle: tuple[float, float], position: tuple[float, float]) -> tuple[float, float]:
    """Return how far east and north of the middle a position lies, on a plane there, in degrees (gnomonic)."""
    (a0, b0), (a, b) = (tuple(map(math.radians, one)) for one in (middle, position))
    depth = math.sin(b0) * math.sin(b) + math.cos(b0) * math.cos(b) * math.cos(a - a0)
    east = math.cos(b) * math.sin(a - a0) / depth
    north = (math.cos(b0) * math.sin(b) - math.sin(b0) * math.cos(b) * math.cos(a - a0)) / depth
    return math.degrees(east), math.degrees(north)


def whole_sky(positions: list[tuple[float, float]], n_left_out: int) -> Plot:
    """Plot positions on the whole sky, by Hammer's projection, 12h in the middle and east to the left."""

    height = WIDTH // 2 + 10

    def place(ra, dec):
        x, y = hammer(ra, dec)
        scale = (WIDTH - 20) / (4 * math.sqrt(2))
        return WIDTH / 2 + x * scale, height / 2 - y * scale

    def path(points):
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (place(*one) for one in points))

    # 360 is the left end and 0 the right one.
    meridians = [path([(ra, dec) for dec in range(-90, 91, 5)]) for ra in range(0, 361, 30)]
    parallels = [path([(ra, dec) for ra in range(0, 361, 5)]) for dec in range(-60, 61, 30)]
    hours = tuple(Tick(place(15 * hour, 0)[0], f"{hour}h") for hour in (4, 8, 12, 16, 20))
    return Plot(
        dots(place(ra, dec) for ra, dec in positions),
        len(positions),
        n_left_out,
        "right ascension, east to the left",
        "",
        "positions on the whole sky",
        hours,
        lines=(*meridians, *parallels),
        frame=None,
        height=height,
    )


def hammer(ra: float, dec: float) -> tuple[float, float]:
    """Return where a position lies on the plane; 180 degrees in the middle, x from -2√2 to 2√2 (Hammer 1892)."""
    longitude, latitude = math.radians(180 - ra) / 2, math.radians(dec)
    scale = math.sqrt(1 + math.cos(latitude) * math.cos(longitude))
    x = 2 * math.sqrt(2) * math.cos(latitude) * math.sin(longitude) / scale
    return x, math.sqrt(2) * math.sin(latitude) / scale
