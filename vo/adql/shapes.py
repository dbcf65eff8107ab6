"""Shapes on the sphere: points, circles, and polygons.

The edges of a polygon are great circles, and its inside is the smaller side. It has to fit into half the sky, and is
looked at from its middle, where great circles are straight lines (the gnomonic projection), so that which way round it
is written and whether it is convex makes no difference. The functions of PostgreSQL in `postgresql_shapes` do the
same, step by step.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from vo.adql.backends import shortest
from vo.adql.searching import unit_vector

Vector = tuple[float, float, float]
TOUCHING = 1e-11  # radians: what is nearer to an edge is on it
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})(?:[eE][+-]?[0-9]{1,2})?")


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def unit(a: Vector) -> Vector:
    length = math.sqrt(dot(a, a)) or 1.0
    return a[0] / length, a[1] / length, a[2] / length


def separation(a: Vector, b: Vector) -> float:
    """Return the angle between two unit vectors in radians, right for small and for large ones."""
    across = cross(a, b)
    return math.atan2(math.sqrt(dot(across, across)), dot(a, b))


@dataclass(frozen=True)
class Shape:
    """A point, a circle or a polygon.

    Attributes
    ----------
    kind : str
    numbers : tuple of float
        As they are written, in degrees.
    vertices : tuple of Vector
        The corners of a polygon; else the centre alone.
    radius : float
        Of a circle, in radians.
    middle, east, north : Vector
        From where a polygon is looked at, and the axes of that view.
    flat : tuple of (float, float)
        Its corners in that view.
    """

    kind: str
    numbers: tuple[float, ...]
    vertices: tuple[Vector, ...]
    radius: float = 0.0
    middle: Vector = (0.0, 0.0, 0.0)
    east: Vector = (0.0, 0.0, 0.0)
    north: Vector = (0.0, 0.0, 0.0)
    flat: tuple[tuple[float, float], ...] = ()

    @property
    def edges(self) -> list[tuple[Vector, Vector]]:
        return [(self.vertices[i - 1], vertex) for i, vertex in enumerate(self.vertices)]

    def holds(self, place: Vector) -> bool:
        """Say whether a unit vector is inside or on the edge."""
        if self.kind != "polygon":
            return separation(self.vertices[0], place) <= self.radius + TOUCHING
        depth = dot(self.middle, place)
        if depth < 1e-4:  # the corners are all nearer to the middle than that
            return False
        x, y = dot(self.east, place) / depth, dot(self.north, place) / depth
        inside = False
        touching = TOUCHING * (1 + x * x + y * y)
        x0, y0 = self.flat[-1]
        for x1, y1 in self.flat:
            dx, dy = x1 - x0, y1 - y0
            across = dx * (y - y0) - dy * (x - x0)
            length = math.sqrt(dx * dx + dy * dy)
            along = dx * (x - x0) + dy * (y - y0)
            if abs(across) <= touching * length and -touching * length <= along <= length * (
                length + touching
            ):
                return True
            if (y0 > y) != (y1 > y) and (across > 0) == (dy > 0):
                inside = not inside
            x0, y0 = x1, y1
        return inside


@lru_cache(maxsize=4096)
def read(region: str) -> Shape | None:
    """Return the shape that a text like ``circle 10 20 0.5`` writes; None if it writes none."""
    words = region.split()
    numbers = [float(word) for word in words[1:] if NUMBER.fullmatch(word)]
    if not words or len(numbers) != len(words) - 1 or not all(map(math.isfinite, numbers)):
        return None
    return shape_of(words[0].lower(), tuple(numbers))


def shape_of(kind: str, numbers: tuple[float, ...]) -> Shape | None:
    """Return the shape of that kind; None if its numbers make none."""
    count = len(numbers)
    places = numbers[:2] if kind == "circle" else numbers
    if (
        not places
        or any(not abs(ra) < 1e9 for ra in places[::2])
        or any(not abs(dec) <= 90 for dec in places[1::2])
    ):
        return None
    vertices = tuple(
        unit_vector(places[i], places[i + 1]) for i in range(0, len(places) - len(places) % 2, 2)
    )
    if kind == "point" and count == 2:
        return Shape(kind, numbers, vertices)
    if kind == "circle" and count == 3 and 0 <= numbers[2] <= 180:
        return Shape(kind, numbers, vertices, math.radians(numbers[2]))
    if kind == "polygon" and count >= 6 and count % 2 == 0:
        middle = middle_of(vertices)
        if middle is None:
            return None
        east = unit(cross((0.0, 0.0, 1.0) if abs(middle[2]) < 0.9 else (1.0, 0.0, 0.0), middle))
        north = cross(middle, east)
        flat = tuple(
            (dot(east, each) / dot(middle, each), dot(north, each) / dot(middle, each)) for each in vertices
        )
        return Shape(kind, numbers, vertices, 0.0, middle, east, north, flat)
    return None


def middle_of(vertices: tuple[Vector, ...]) -> Vector | None:
    """Return a place from which all vertices are in the same half of the sky; None if there is none.

    The mean is one nearly always; where it is not, it is pulled towards whatever is farthest (a perceptron).
    """
    total = (sum(v[0] for v in vertices), sum(v[1] for v in vertices), sum(v[2] for v in vertices))
    for _ in range(100):
        middle = unit(total)
        worst = min(vertices, key=lambda vertex: dot(middle, vertex))
        if dot(middle, worst) > 1e-3:
            return middle
        scale = math.sqrt(dot(total, total)) or 1.0
        total = (
            total[0] / scale + worst[0] * 0.5,
            total[1] / scale + worst[1] * 0.5,
            total[2] / scale + worst[2] * 0.5,
        )
    return None


def distance_to_edge(place: Vector, start: Vector, end: Vector) -> float:
    """Return how far a place is from an arc, in radians."""
    pole = cross(start, end)
    if dot(cross(pole, start), place) > 0 and dot(cross(end, pole), place) > 0:
        return abs(math.asin(max(-1.0, min(1.0, dot(unit(pole), place)))))
    return min(separation(place, start), separation(place, end))


def edges_cross(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Say whether two arcs cross, not merely touch."""
    ab, cd = cross(a, b), cross(c, d)
    signs = -dot(ab, c), dot(ab, d), -dot(cd, b), dot(cd, a)
    return min(signs) > 0 or max(signs) < 0


def contains(inner: Shape, outer: Shape) -> bool:
    """Say whether all of a shape is inside of another one, edges included."""
    if inner.kind == "point":
        return outer.holds(inner.vertices[0])
    if outer.kind == "point":
        return inner.kind == "circle" and inner.radius == 0 and outer.holds(inner.vertices[0])
    if inner.kind == "circle" and outer.kind == "circle":
        return separation(inner.vertices[0], outer.vertices[0]) + inner.radius <= outer.radius + TOUCHING
    if inner.kind == "circle":
        centre = inner.vertices[0]
        return outer.holds(centre) and all(
            distance_to_edge(centre, *edge) >= inner.radius - TOUCHING for edge in outer.edges
        )
    if not all(outer.holds(vertex) for vertex in inner.vertices):
        return False
    if outer.kind == "circle":
        return True
    return not any(edges_cross(*one, *other) for one in inner.edges for other in outer.edges)


def intersects(one: Shape, other: Shape) -> bool:
    """Say whether two shapes have a place in common."""
    if one.kind == "point":
        return other.holds(one.vertices[0])
    if other.kind == "point":
        return one.holds(other.vertices[0])
    if one.kind == "circle" and other.kind == "circle":
        return separation(one.vertices[0], other.vertices[0]) <= one.radius + other.radius + TOUCHING
    if one.kind == "circle" or other.kind == "circle":
        circle, polygon = (one, other) if one.kind == "circle" else (other, one)
        centre = circle.vertices[0]
        return polygon.holds(centre) or any(
            distance_to_edge(centre, *edge) <= circle.radius + TOUCHING for edge in polygon.edges
        )
    return (
        any(other.holds(vertex) for vertex in one.vertices)
        or any(one.holds(vertex) for vertex in other.vertices)
        or any(edges_cross(*edge, *another) for edge in one.edges for another in other.edges)
    )


def area(shape: Shape) -> float:
    """Return the area in square degrees."""
    if shape.kind == "point":
        return 0.0
    if shape.kind == "circle":
        # 1 - cos r, without the cancellation
        return 4 * math.pi * math.sin(shape.radius / 2) ** 2 * math.degrees(1) ** 2
    total = 0.0
    for a, b in shape.edges:
        c = shape.middle
        total += 2 * math.atan2(dot(c, cross(a, b)), 1 + dot(a, b) + dot(b, c) + dot(c, a))
    return abs(total) * math.degrees(1) ** 2


def centroid(shape: Shape) -> tuple[float, float]:
    """Return right ascension and declination of the middle of the area."""
    if shape.kind != "polygon":
        return shape.numbers[0], shape.numbers[1]
    x = y = z = 0.0
    for a, b in shape.edges:
        pole, angle = unit(cross(a, b)), separation(a, b)
        x, y, z = x + pole[0] * angle, y + pole[1] * angle, z + pole[2] * angle
    if dot((x, y, z), shape.middle) < 0:
        x, y, z = -x, -y, -z
    if x == y == z == 0:
        x, y, z = shape.middle
    ra = math.degrees(math.atan2(y, x)) % 360
    return ra, math.degrees(math.atan2(z, math.sqrt(x * x + y * y)))


def written(kind: str, numbers: tuple[float, ...]) -> str:
    """Return the text of a shape."""
    return " ".join([kind, *map(shortest, numbers)])


def bounds(shape: Shape) -> tuple[float, float, float] | None:
    """Return a circle (ra, dec, radius) in degrees around a polygon; None if it is as large as half the sky."""
    middle = unit(shape.middle)
    radius = math.degrees(max(separation(middle, vertex) for vertex in shape.vertices))
    if radius >= 89:
        return None
    ra = math.degrees(math.atan2(middle[1], middle[0]))
    dec = math.degrees(math.asin(max(-1.0, min(1.0, middle[2]))))
    return ra, dec, radius + 1e-6
