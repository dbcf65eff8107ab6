"""Shapes on the sky as SIA and SODA write them: CIRCLE, RANGE and POLYGON with their numbers, in degrees, ICRS."""

import math
from dataclasses import dataclass

import numpy as np

from archive.obscore import separations, unit_vectors
from vo.tap.errors import BadParameter

STRIP = 30.0  # degrees of longitude; a RANGE is searched in strips that are narrower than half the sky
ALONG = 1.0  # degrees between two corners on a parallel, which no edge of a polygon follows by itself
MARGIN = 0.01  # degrees
MOST_CORNERS = 1000
FORMS = {
    "CIRCLE": "CIRCLE and longitude, latitude and radius",
    "RANGE": "RANGE and least and greatest longitude, least and greatest latitude",
    "POLYGON": "POLYGON and longitude and latitude of three or more corners",
}


@dataclass(frozen=True)
class Shape:
    """A shape and its numbers."""

    kind: str
    numbers: tuple[float, ...]


def read_shape(name, text):
    """Read the value of a parameter such as POS, or raise `BadParameter`."""
    words = text.split()
    kind = words[0].upper() if words else ""
    if kind not in FORMS:
        raise BadParameter(name, f"“{text[:100]}” is no shape; give {', or '.join(FORMS.values())}")
    return shape_of(name, kind, words[1:])


def shape_of(name, kind, words):
    """Return the shape of a kind with these numbers, given as texts, or raise `BadParameter`."""
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        raise BadParameter(name, f"“{' '.join(words)[:100]}” are not numbers; give {FORMS[kind]}") from None
    CHECKS[kind](name, numbers)
    return Shape(kind, numbers)


def _check_circle(name, numbers):
    _check_form(name, "CIRCLE", len(numbers) == 3 and all(map(math.isfinite, numbers)))
    _check_places(name, numbers[:1], numbers[1:2])
    if not 0 < numbers[2] <= 180:
        raise BadParameter(name, f"the radius {numbers[2]:g} is not between 0 and 180 degrees")


def _check_polygon(name, numbers):
    right = len(numbers) >= 6 and len(numbers) % 2 == 0 and all(map(math.isfinite, numbers))
    _check_form(name, "POLYGON", right)
    if len(numbers) > 2 * MOST_CORNERS:
        raise BadParameter(name, f"it has {len(numbers) // 2} corners; at most {MOST_CORNERS} are taken")
    _check_places(name, numbers[0::2], numbers[1::2])


def _check_range(name, numbers):
    _check_form(name, "RANGE", len(numbers) == 4 and not any(map(math.isnan, numbers)))
    west, east, south, north = numbers
    if west > east or south > north or math.inf in (west, south) or -math.inf in (east, north):
        raise BadParameter(name, "a range ends before it begins; give the smaller number first")
    finite = [number for number in (west, east) if math.isfinite(number)]
    _check_places(name, finite, [number for number in (south, north) if math.isfinite(number)])


CHECKS = {"CIRCLE": _check_circle, "RANGE": _check_range, "POLYGON": _check_polygon}


def _check_form(name, kind, right):
    if not right:
        raise BadParameter(name, f"these are not the numbers of the shape; give {FORMS[kind]}, in degrees")


def _check_places(name, longitudes, latitudes):
    for longitude in longitudes:
        if not -360 <= longitude <= 360:
            raise BadParameter(name, f"the longitude {longitude:g} is not between 0 and 360 degrees")
    for latitude in latitudes:
        if not -90 <= latitude <= 90:
            raise BadParameter(name, f"the latitude {latitude:g} is not between -90 and 90 degrees")


def shapes_of(shape):
    """Return a shape as ADQL writes it: as one shape or, where ADQL has none for it, as several that cover it."""
    if shape.kind != "RANGE":
        numbers = ", ".join(map(repr, shape.numbers))
        return [f"{shape.kind}({numbers})"]
    return [
        f"POLYGON({', '.join(repr(number) for corner in corners for number in corner)})"
        for corners in strips_of(*shape.numbers)
    ]


def latitudes_of(shape):
    """Return between which latitudes all of a shape is; None where that is not easily said."""
    if shape.kind == "CIRCLE":
        _, latitude, radius = shape.numbers
        return latitude - radius - MARGIN, latitude + radius + MARGIN
    if shape.kind == "RANGE":
        return max(shape.numbers[2], -90.0) - MARGIN, min(shape.numbers[3], 90.0) + MARGIN
    return _cap_of(shape.numbers[0::2], shape.numbers[1::2])


def _cap_of(longitudes, latitudes):
    """Return the latitudes of a circle around the corners of a polygon, in which its edges are too."""
    corners = unit_vectors(longitudes, latitudes)
    middle = corners.sum(axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-6:
        return None
    middle /= length
    radius = math.degrees(float(separations(corners, middle).max()))
    if radius >= 90:
        return None
    latitude = math.degrees(math.asin(max(-1.0, min(1.0, float(middle[2])))))
    return latitude - radius - MARGIN, latitude + radius + MARGIN


def strips_of(west, east, south, north):
    """Return the corners of polygons that cover a range of longitude and latitude.

    Parallels are followed with a corner each degree, beyond which a great circle swerves by less than 4 arc seconds.
    """
    south, north = max(south, -90.0), min(north, 90.0)
    if math.isinf(west) or math.isinf(east) or east - west >= 360:
        west, east = 0.0, 360.0
    west, east = _widened(west, east, -math.inf, math.inf)
    south, north = _widened(south, north, -90.0, 90.0)
    n_strips = max(1, math.ceil((east - west) / STRIP))
    bands = [(south, 0.0), (0.0, north)] if south < 0 < north else [(south, north)]
    width = (east - west) / n_strips
    for strip in range(n_strips):
        for low, high in bands:
            yield _strip(west + strip * width, west + (strip + 1) * width, low, high)


def _widened(low, high, least, most):
    """Make an interval of no width one of a milliarcsecond, which a polygon can enclose."""
    if high - low >= 1e-6:
        return low, high
    middle = (low + high) / 2
    low, high = max(least, middle - 5e-7), min(most, middle + 5e-7)
    return low, high


def _strip(west, east, south, north):
    steps = max(1, math.ceil((east - west) / ALONG))
    along = [west + (east - west) * step / steps for step in range(steps + 1)]
    corners = [(west, south)] if south == -90 else [(longitude, south) for longitude in along]
    corners += [(west, north)] if north == 90 else [(longitude, north) for longitude in reversed(along)]
    return [(longitude % 360, latitude) for longitude, latitude in corners]
