"""Shapes on the sky, in degrees, ICRS: the points of their edges, and which places they have."""

import math
from dataclasses import dataclass

import numpy as np

from archive.obscore import separations, unit_vectors

OUTLINE = 720  # points on the edge of a shape


@dataclass(frozen=True)
class Circle:
    """A circle on the sky; degrees, ICRS."""

    ra: float
    dec: float
    radius: float

    def outline(self) -> np.ndarray:
        """Return unit vectors of points on its edge, and of its middle."""
        centre = unit_vectors(self.ra, self.dec)
        east, north = _axes(centre)
        angle = np.linspace(0, 2 * np.pi, OUTLINE, endpoint=False)[:, None]
        radius = math.radians(self.radius)
        edge = math.cos(radius) * centre + math.sin(radius) * (np.cos(angle) * north + np.sin(angle) * east)
        return np.vstack([edge, centre])

    def has(self, vectors: np.ndarray) -> np.ndarray:
        """Say which places are inside."""
        return separations(vectors, unit_vectors(self.ra, self.dec)) <= math.radians(self.radius)


@dataclass(frozen=True)
class Polygon:
    """A polygon on the sky: its edges are great circles, its inside is the smaller side; degrees, ICRS."""

    ra: tuple[float, ...]
    dec: tuple[float, ...]

    def outline(self) -> np.ndarray:
        """Return unit vectors of points on its edge, its corners among them."""
        corners = unit_vectors(self.ra, self.dec)
        steps = np.linspace(0, 1, max(2, OUTLINE // len(corners)), endpoint=False)[:, None]
        edges = []
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            angle = float(separations(start, end))
            if angle < 1e-12:
                edges.append(start[None])
                continue
            edges.append(
                (np.sin((1 - steps) * angle) * start + np.sin(steps * angle) * end) / math.sin(angle)
            )
        return np.vstack(edges)

    def has(self, vectors: np.ndarray) -> np.ndarray:
        """Say which places are inside: those around which the corners wind, as seen from the middle of the polygon."""
        corners = unit_vectors(self.ra, self.dec)
        middle = corners.sum(axis=0)
        middle = middle / np.linalg.norm(middle)
        east, north = _axes(middle)
        depth = vectors @ middle
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = (vectors @ east) / depth, (vectors @ north) / depth  # great circles are straight lines so
            corner_x, corner_y = (corners @ east) / (corners @ middle), (corners @ north) / (corners @ middle)
        inside = np.zeros(depth.shape, bool)
        for i in range(len(corners)):
            x0, y0, x1, y1 = corner_x[i - 1], corner_y[i - 1], corner_x[i], corner_y[i]
            if y0 != y1:
                crosses = (y0 > y) != (y1 > y)
                inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        return inside & (depth > 0)


@dataclass(frozen=True)
class Range:
    """Places between two meridians and two parallels; degrees, ICRS."""

    west: float
    east: float
    south: float
    north: float

    def outline(self) -> np.ndarray:
        """Return unit vectors of points on its edge."""
        west, east = (0.0, 360.0) if self._all_around else (self.west, self.east)
        south, north = max(self.south, -90.0), min(self.north, 90.0)
        across, up = np.linspace(west, east, OUTLINE), np.linspace(south, north, OUTLINE)
        ra = np.concatenate([across, across, np.full(OUTLINE, west), np.full(OUTLINE, east)])
        dec = np.concatenate([np.full(OUTLINE, south), np.full(OUTLINE, north), up, up])
        return unit_vectors(ra, dec)

    def has(self, vectors: np.ndarray) -> np.ndarray:
        """Say which places are inside."""
        dec = np.degrees(np.arcsin(np.clip(vectors[..., 2], -1, 1)))
        inside = (dec >= self.south) & (dec <= self.north)
        if self._all_around:
            return inside
        ra = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0]))
        return inside & ((ra - self.west) % 360 <= self.east - self.west)

    @property
    def _all_around(self) -> bool:
        return not (math.isfinite(self.west) and math.isfinite(self.east)) or self.east - self.west >= 360


def _axes(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two directions at right angles to a unit vector: east and north, or any two at a pole."""
    helper = np.array([0.0, 0.0, 1.0]) if abs(centre[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(helper, centre)
    east /= np.linalg.norm(east)
    return east, np.cross(centre, east)
