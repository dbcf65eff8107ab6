"""Slow and obvious geometry to compare with."""

from datetime import datetime

import numpy as np


def vector(ra, dec):
    ra, dec = np.radians([ra, dec])
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def in_triangle(ra, dec, corners):
    """Say whether a place is on the same side of all three sides as the opposite corner."""
    place = vector(ra, dec)
    a, b, c = (vector(*corner) for corner in corners)
    for p, q, r in ((a, b, c), (b, c, a), (c, a, b)):
        pole = np.cross(p, q) / np.linalg.norm(np.cross(p, q))
        if np.dot(pole, place) * np.sign(np.dot(pole, r)) < -1e-13:
            return False
    return True


def outline_holds(outline, ra, dec):
    """Say whether a place is in an outline of the small sky."""
    words = (outline or "").split()
    if not words or words[0] == "nonsense":
        return False
    numbers = [float(word) for word in words[1:]]
    if words[0] == "circle":
        return np.dot(vector(ra, dec), vector(*numbers[:2])) >= np.cos(np.radians(numbers[2]))
    corners = list(zip(numbers[::2], numbers[1::2], strict=True))
    return in_triangle(ra, dec, corners[:3]) or in_triangle(ra, dec, [corners[0], *corners[2:]])


def mjd(year, month, day, hour):
    return (datetime(year, month, day, hour) - datetime(1858, 11, 17)).total_seconds() / 86400
