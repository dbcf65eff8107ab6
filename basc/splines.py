"""Map and beam between the nodes of their splines: compiled parts that kernels call."""

from __future__ import annotations

import math

from basc.compiling import part

MARGIN, MIDDLE = 3, 4  # as in `interpolation`


@part
def spline_weights(t):
    """Weights of the six nodes round a point a fraction `t` after the third (quintic cardinal B-spline)."""
    s = 1.0 - t
    t2, s2 = t * t, s * s
    first, last = s2 * s2 * s, t2 * t2 * t
    second = 26.0 + t * (-50.0 + t * (20.0 + t * (20.0 + t * (-20.0 + 5.0 * t))))
    third = 66.0 + t2 * (-60.0 + t2 * (30.0 - 10.0 * t))
    fourth = 66.0 + s2 * (-60.0 + s2 * (30.0 - 10.0 * s))
    unit = 1.0 / 120.0
    return (
        unit * first,
        unit * second,
        unit * third,
        unit * fourth,
        unit * (120.0 - first - second - third - fourth - last),
        unit * last,
    )


@part
def spline_slopes(t):
    """Derivatives of `spline_weights`."""
    s = 1.0 - t
    t2, s2 = t * t, s * s
    return (
        -s2 * s2 / 24.0,
        (-10.0 + 8.0 * t + 12.0 * t2 - 16.0 * t2 * t + 5.0 * t2 * t2) / 24.0,
        (-12.0 * t + 12.0 * t2 * t - 5.0 * t2 * t2) / 12.0,
        (12.0 * s - 12.0 * s2 * s + 5.0 * s2 * s2) / 12.0,
        (10.0 - 8.0 * s - 12.0 * s2 + 16.0 * s2 * s - 5.0 * s2 * s2) / 24.0,
        t2 * t2 / 24.0,
    )


@part
def spline(coefficients, x, y):
    """Value of a spline at node coordinates (x, y)."""
    i, j = int(x), int(y)
    w0, w1, w2, w3, w4, w5 = spline_weights(x - i)
    across = spline_weights(y - j)
    total = 0.0
    for k in range(6):
        row = j - 2 + k
        total += across[k] * (
            w0 * coefficients[row, i - 2]
            + w1 * coefficients[row, i - 1]
            + w2 * coefficients[row, i]
            + w3 * coefficients[row, i + 1]
            + w4 * coefficients[row, i + 2]
            + w5 * coefficients[row, i + 3]
        )
    return total


@part
def spline_with_slope(coefficients, x, y):
    """Value of a spline at node coordinates (x, y), and its derivatives per node."""
    i, j = int(x), int(y)
    w0, w1, w2, w3, w4, w5 = spline_weights(x - i)
    v0, v1, v2, v3, v4, v5 = spline_slopes(x - i)
    across, along = spline_weights(y - j), spline_slopes(y - j)
    value, by_x, by_y = 0.0, 0.0, 0.0
    for k in range(6):
        row = j - 2 + k
        c0, c1, c2 = coefficients[row, i - 2], coefficients[row, i - 1], coefficients[row, i]
        c3, c4, c5 = coefficients[row, i + 1], coefficients[row, i + 2], coefficients[row, i + 3]
        here = w0 * c0 + w1 * c1 + w2 * c2 + w3 * c3 + w4 * c4 + w5 * c5
        value += across[k] * here
        by_y += along[k] * here
        by_x += across[k] * (v0 * c0 + v1 * c1 + v2 * c2 + v3 * c3 + v4 * c4 + v5 * c5)
    return value, by_x, by_y


@part
def beam_at(beam, dx, dy):
    """The beam at an offset in pixels: half of it is kept, as B(-x) = B(x)."""
    turn = math.copysign(2.0, dy)
    return spline(beam, beam.shape[1] // 2 + turn * dx, MIDDLE + turn * dy)


@part
def beam_with_slope(beam, dx, dy):
    """As `beam_at`, with its slopes per pixel."""
    turn = math.copysign(2.0, dy)
    value, by_x, by_y = spline_with_slope(beam, beam.shape[1] // 2 + turn * dx, MIDDLE + turn * dy)
    return value, turn * by_x, turn * by_y


@part
def map_with_slope(dirty, x, y):
    """The map at a point of the box (Jy/beam), with its slopes per pixel."""
    value, by_x, by_y = spline_with_slope(dirty, 2.0 * (x + MARGIN), 2.0 * (y + MARGIN))
    return value, 2.0 * by_x, 2.0 * by_y
