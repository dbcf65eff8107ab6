"""More than points in one channel: what a chain asks of Gaussian sources, and of several channels at once.

A Gaussian source shows the beam convolved with itself, and sees the map convolved with itself. Both are means over
the Gaussian, and a mean of what has no structure finer than the beam is a sum over a lattice that converges as the
exponential of a square (the trapezium rule for Gaussians), so there is no table per shape, and none of its errors.

In several channels of the same field, ln L is the sum of Eq. (1) of `basc` over them, and a source has a spectral
index. The columns of a state then have further rows: the standard deviation of the Gaussian along its major axis
(pixels; 0 for a point), minor over major axis, direction of the major axis (radians from x to y), spectral index, and
how strongly the source sees itself (1 for a point in one channel).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from basc.compiling import part
from basc.splines import MARGIN, beam_at, beam_with_slope, map_with_slope, spline

X, Y, FLUX = range(3)
MAJOR, RATIO, ANGLE, INDEX, OWN = range(6, 11)
ROWS = 11  # of a state
FURTHER = 4  # uniform random numbers per proposal, beyond those for points
TAIL = 4.8  # standard deviations at which a Gaussian ends; the lattice is as good: 1e-5
ROUND_OFF = (
    0.3  # probability with which a Gaussian source is tried as a point, among the changes of its shape
)


class Detail(NamedTuple):
    """What a chain knows beyond `kernels.Field`.

    `maps`, `beams`: coefficients per channel, shape (channels, ...); the maps reach `apron` pixels beyond the box.
    `relative`: primary beam of each channel over that of the field, shape (channels, box). `weights`: of the channels,
    inverse variances with sum 1. `ln_frequency`: log of their frequencies over the reference. `finest`: largest angular
    frequency of any beam, in radians per pixel. `shape_prior`: probability that a source is extended; log of the
    least and of the largest standard deviation of its major axis, in pixels, uniform between; least axis ratio,
    uniform up to 1. `index_prior`: mean and standard deviation of the spectral index.
    """

    maps: np.ndarray
    beams: np.ndarray
    relative: np.ndarray
    weights: np.ndarray
    ln_frequency: np.ndarray
    apron: float
    finest: float
    shape_prior: np.ndarray
    index_prior: np.ndarray


@part
def covariance_of(points, k):
    """Of a source's Gaussian in pixels²: xx, xy, yy; zeros for a point."""
    major = points[MAJOR, k]
    if major <= 0.0:
        return 0.0, 0.0, 0.0
    cosine, sine = math.cos(points[ANGLE, k]), math.sin(points[ANGLE, k])
    along = major * major
    across = along * points[RATIO, k] * points[RATIO, k]
    return (
        along * cosine * cosine + across * sine * sine,
        (along - across) * cosine * sine,
        along * sine * sine + across * cosine * cosine,
    )


@part
def between(value, least, largest):
    """The nearest value within limits."""
    return min(max(value, least), largest)


@part
def map_mean(detail, channel, x, y, xx, xy, yy):
    """Mean of a channel's map over a Gaussian about a point of the box (Jy/beam)."""
    return gaussian_mean(
        detail.maps[channel],
        False,
        detail.finest,
        2.0 * (x + MARGIN + detail.apron),
        2.0 * (y + MARGIN + detail.apron),
        xx,
        xy,
        yy,
    )


@part
def beam_mean(detail, channel, dx, dy, xx, xy, yy):
    """Mean of a channel's beam over a Gaussian about an offset in pixels."""
    return gaussian_mean(detail.beams[channel], True, detail.finest, dx, dy, xx, xy, yy)


@part
def gaussian_mean(table, is_beam, finest, x, y, xx, xy, yy):
    """Mean of a spline over a Gaussian of this covariance (pixels²), by a lattice sum in its Cholesky axes.

    `x`, `y`: node coordinates of a map, or pixels of offset of a beam.
    """
    if xx + yy <= 0.0:
        return value_at(table, is_beam, x, y)
    scale = 1.0 if is_beam else 2.0
    a = math.sqrt(max(xx, 1e-12))
    b = xy / a
    c = math.sqrt(max(yy - b * b, 1e-12))
    first = 2.0 * math.pi / (finest * math.sqrt(a * a + b * b) + TAIL)
    second = 2.0 * math.pi / (finest * c + TAIL)
    rows, columns = int(TAIL / second), int(TAIL / first)
    total, weight_of_all = 0.0, 0.0
    for j in range(-rows, rows + 1):
        t = j * second
        weight_of_row = math.exp(-0.5 * t * t)
        for i in range(-columns, columns + 1):
            s = i * first
            if s * s + t * t < TAIL * TAIL:
                weight = weight_of_row * math.exp(-0.5 * s * s)
                weight_of_all += weight
                total += weight * value_at(table, is_beam, x + scale * a * s, y + scale * (b * s + c * t))
    return total / weight_of_all


@part
def value_at(table, is_beam, x, y):
    """Value of a beam at an offset, or of a map at a node; what lies beyond the table is as its edge."""
    if is_beam:
        reach_x, reach_y = 0.25 * table.shape[1] - 2.0, 0.5 * table.shape[0] - 4.5
        return beam_at(table, between(x, -reach_x, reach_x), between(y, -reach_y, reach_y))
    return spline(table, between(x, 2.0, table.shape[1] - 4.0), between(y, 2.0, table.shape[0] - 4.0))


@part
def response_of(detail, channel, points, k):
    """Flux of a source in a channel over its flux at the reference frequency, both as they appear."""
    if detail.weights.size == 1:
        return 1.0
    image = detail.relative[channel]
    x = between(points[X, k], 0.0, image.shape[1] - 1.001)
    y = between(points[Y, k], 0.0, image.shape[0] - 1.001)
    i, j = int(x), int(y)
    across, up = x - i, y - j
    relative = (1.0 - up) * ((1.0 - across) * image[j, i] + across * image[j, i + 1])
    relative += up * ((1.0 - across) * image[j + 1, i] + across * image[j + 1, i + 1])
    return relative * math.exp(points[INDEX, k] * detail.ln_frequency[channel])


@part
def overlap_of(detail, points, k, others, other):
    """What a source sees of another one of unit flux."""
    xx, xy, yy = covariance_of(points, k)
    more_xx, more_xy, more_yy = covariance_of(others, other)
    dx, dy = points[X, k] - others[X, other], points[Y, k] - others[Y, other]
    total = 0.0
    for channel in range(detail.weights.size):
        seen = beam_mean(detail, channel, dx, dy, xx + more_xx, xy + more_xy, yy + more_yy)
        gain = response_of(detail, channel, points, k) * response_of(detail, channel, others, other)
        total += detail.weights[channel] * gain * seen
    return total


@part
def look_at_map(detail, points, k):
    """What a source of unit flux sees of the maps (Jy), with its slopes per pixel; 0 for a Gaussian.

    Slopes only shape proposals, which are exact whatever they are.
    """
    xx, xy, yy = covariance_of(points, k)
    value, by_x, by_y = 0.0, 0.0, 0.0
    for channel in range(detail.weights.size):
        gain = detail.weights[channel] * response_of(detail, channel, points, k)
        if points[MAJOR, k] > 0.0:
            value += gain * map_mean(detail, channel, points[X, k], points[Y, k], xx, xy, yy)
        else:
            there, there_x, there_y = map_with_slope(
                detail.maps[channel], points[X, k] + detail.apron, points[Y, k] + detail.apron
            )
            value, by_x, by_y = value + gain * there, by_x + gain * there_x, by_y + gain * there_y
    return value, by_x, by_y


@part
def look_at_source(detail, points, k, others, other):
    """What a source of unit flux sees of another one, with the slopes per pixel; 0 if either is a Gaussian."""
    if points[MAJOR, k] > 0.0 or others[MAJOR, other] > 0.0:
        return overlap_of(detail, points, k, others, other), 0.0, 0.0
    dx, dy = points[X, k] - others[X, other], points[Y, k] - others[Y, other]
    value, by_x, by_y = 0.0, 0.0, 0.0
    for channel in range(detail.weights.size):
        gain = response_of(detail, channel, points, k) * response_of(detail, channel, others, other)
        gain *= detail.weights[channel]
        there, there_x, there_y = beam_with_slope(detail.beams[channel], dx, dy)
        value, by_x, by_y = value + gain * there, by_x + gain * there_x, by_y + gain * there_y
    return value, by_x, by_y


@part
def settle_own(detail, points, k, changed):
    """Fill in what a source sees of itself where its nature changed, or where that depends on its place."""
    if changed or detail.weights.size > 1:
        points[OWN, k] = overlap_of(detail, points, k, points, k)


@part
def draw_nature(detail, u, z, points, k):
    """Shape and spectral index of a new source, from their prior."""
    shapes = detail.shape_prior
    points[INDEX, k] = 0.0
    if detail.weights.size > 1:
        points[INDEX, k] = detail.index_prior[0] + detail.index_prior[1] * z[0]
    points[MAJOR, k], points[RATIO, k], points[ANGLE, k] = 0.0, 1.0, 0.0
    if u[6] < shapes[0]:
        draw_shape(shapes, u, points, k)


@part
def draw_shape(shapes, u, points, k):
    """An extended shape from its prior."""
    points[MAJOR, k] = math.exp(shapes[1] + (shapes[2] - shapes[1]) * u[7])
    points[RATIO, k] = shapes[3] + (1.0 - shapes[3]) * u[8]
    points[ANGLE, k] = math.pi * u[9]


@part
def propose_nature(detail, u, z, points):
    """Another index or shape for source 2 of the points, a copy of source 0; its place stays.

    Returns the log of the ratio of priors times that of the proposals, reverse to forward; -inf outside the prior.
    """
    shapes, size = detail.shape_prior, 10.0 ** (-1.8 * u[4])
    if detail.weights.size > 1 and (shapes[0] <= 0.0 or u[3] < 0.5):
        mean, sigma = detail.index_prior[0], detail.index_prior[1]
        points[INDEX, 2] += 2.0 * sigma * size * z[0]
        before, after = (points[INDEX, 0] - mean) / sigma, (points[INDEX, 2] - mean) / sigma
        return 0.5 * (before * before - after * after)
    if shapes[0] <= 0.0:
        return -math.inf
    if points[MAJOR, 0] <= 0.0:
        draw_shape(shapes, u, points, 2)
        return math.log(shapes[0] / (1.0 - shapes[0]) * ROUND_OFF)
    if u[6] < ROUND_OFF:
        points[MAJOR, 2], points[RATIO, 2], points[ANGLE, 2] = 0.0, 1.0, 0.0
        return -math.log(shapes[0] / (1.0 - shapes[0]) * ROUND_OFF)
    ln_major = math.log(points[MAJOR, 0]) + size * z[0]
    ratio = points[RATIO, 0] + size * z[1]
    if ln_major < shapes[1] or ln_major > shapes[2] or ratio < shapes[3] or ratio > 1.0:
        return -math.inf
    points[MAJOR, 2], points[RATIO, 2] = math.exp(ln_major), ratio
    points[ANGLE, 2] = (points[ANGLE, 0] + 2.0 * size * (2.0 * u[7] - 1.0)) % math.pi
    return 0.0
