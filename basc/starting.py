"""Where a chain starts: how noisy the map is, which sources stand out, where births are worth trying."""

from __future__ import annotations

import math

import numpy as np

from basc import kernels

STANDING_OUT = 4.5  # sigma: peaks taken for sources at first; the chain decides
PUT_BACK = 8.0  # sigma: fainter starting sources may be born again anywhere on their peak
MOST_ROUNDS = 40


def measure_noise(values):
    """Standard deviation of a map in which a few pixels may hold sources.

    Median deviation from zero (a dirty map has no mean), then the rms within 3 sigma, corrected for the cut, so
    that it is unbiased for pure Gaussian noise.

    Parameters
    ----------
    values : float64 array
        Finite pixels, in Jy/beam.

    Returns
    -------
    float
        In Jy/beam.
    """
    squares = np.square(values)
    noise = 1.4826 * np.sqrt(np.median(squares))
    for _ in range(3):
        kept = squares[squares < (3.0 * noise) ** 2]
        if not kept.size or not noise > 0:
            break
        noise = np.sqrt(kept.mean()) / 0.98658  # rms of a Gaussian cut at 3 sigma
    return float(noise)


def find_start(field, data, searchable, noise, max_sources):
    """Take out the peaks of a map, brightest first, and refine all of them together.

    Parameters
    ----------
    field : `basc.kernels.Field`
    data : float64 array, shape (box_rows, box_columns)
        The searched map in Jy/beam.
    searchable : bool array, same shape
    noise : float or None
        None: measured on what is left, again in each round, because sidelobes of sources look like noise.
    max_sources : int

    Returns
    -------
    state : float64 array, shape (3, max_sources)
    n : int
    noise : float
        As given or as measured.
    residual : float64 array, shape (box_rows, box_columns)
        What is left, in Jy/beam.
    """
    state, n = np.zeros((3, max_sources)), 0
    given, residual = noise, data
    for _ in range(MOST_ROUNDS):
        noise = given or measure_noise(residual[searchable])
        peaks = _peaks(np.where(searchable, residual, 0.0), STANDING_OUT * noise, field.inverse_axes)
        peaks = peaks[: max_sources - n]
        if not len(peaks):
            break
        state[0, n : n + len(peaks)], state[1, n : n + len(peaks)] = peaks[:, 1], peaks[:, 0]
        state[2, n : n + len(peaks)] = residual[peaks[:, 0], peaks[:, 1]]
        n += len(peaks)
        polish(field, state, n, rounds=3)
        bright = state[2, :n] > 2.0 * noise
        state[:, : bright.sum()] = state[:, :n][:, bright]
        dropped, n = n - int(bright.sum()), int(bright.sum())
        residual = data.copy()
        kernels.subtract_sources(residual, field.beam_coefficients, state, n)
        if dropped >= len(peaks):
            break
    return state, n, noise, residual


def polish(field, state, n, *, rounds):
    """Move each source, in turn, to where it explains most, and give it the flux it finds there (in place).

    A Newton step on the residual without the source, of at most two pixels; its flux is the height of the
    parabola there.
    """
    step, near, chosen = 0.25, np.empty((3, 3)), np.full(2, -1)
    dirty, beam = field.map_coefficients, field.beam_coefficients
    for _ in range(rounds):
        for chosen[0] in range(n):
            k = chosen[0]
            kernels.residuals_near(dirty, beam, state, n, chosen, step, near)
            (a, b, c), (d, e, f), (g, h, i) = near.tolist()
            gx, gy = 0.5 * (f - d), 0.5 * (h - b)
            xx, yy, xy = f + d - 2.0 * e, h + b - 2.0 * e, 0.25 * (i + a - c - g)
            determinant, flux = xx * yy - xy * xy, e
            if xx < 0.0 and determinant > 0.0:
                dx, dy = (xy * gy - yy * gx) / determinant, (xy * gx - xx * gy) / determinant
                shrink = min(1.0, 2.0 / max(step * math.hypot(dx, dy), 1e-9))
                dx, dy = shrink * dx, shrink * dy
                x, y = float(state[0, k] + step * dx), float(state[1, k] + step * dy)
                if kernels.pixel_of.py_func(field.median, x, y) > 0.0:
                    state[0, k], state[1, k] = x, y
                    flux += (gx * dx + gy * dy) * (1.0 - 0.5 * shrink)
            state[2, k] = max(flux, 0.0)


def birth_map(field, residual, searchable, state, n, noise):
    """Density of proposed births, per pixel of the box: where the residual is high, at the start, and anywhere.

    It is frozen before the chain begins, so the chain stays exact whatever its shape.
    """
    faint = state[:, :n][:, state[2, :n] < PUT_BACK * noise].copy()
    faint[2] *= -1.0
    towards = residual.copy()
    kernels.subtract_sources(towards, field.beam_coefficients, faint, faint.shape[1])
    towards = np.exp(np.minimum(np.square(np.maximum(towards, 0.0) / noise) / 2.0, 9.0)) * searchable
    density = 0.6 * towards / towards.sum() + 0.3 * searchable / searchable.sum()
    known = np.zeros_like(density)
    rows, columns = density.shape
    for x, y, _ in state[:, :n].T:
        i, j = round(x), round(y)
        known[max(j - 1, 0) : min(j + 2, rows), max(i - 1, 0) : min(i + 2, columns)] += 1.0
    known *= searchable
    density += 0.1 * (known / known.sum() if known.any() else searchable / searchable.sum())
    return density / density.sum()


def _peaks(image, threshold, inverse_axes):
    """Pixels (row, column) higher than their neighbours, a threshold and a third of the highest, and apart."""
    top = image.max()
    threshold = max(threshold, top / 3.0)
    if not top > threshold * 0.999999 or top <= 0:
        return np.empty((0, 2), int)
    padded = np.pad(image, 1, constant_values=-np.inf)
    rows, columns = image.shape
    highest = image >= threshold
    for down in (0, 1, 2):
        for right in (0, 1, 2):
            if (down, right) != (1, 1):
                highest &= image >= padded[down : down + rows, right : right + columns]
    found = np.argwhere(highest)
    found = found[np.argsort(-image[highest], kind="stable")]
    kept: list[np.ndarray] = []
    for peak in found:
        offsets = np.array([inverse_axes @ (peak - other)[::-1] for other in kept]).reshape(-1, 2)
        if np.all((offsets**2).sum(axis=1) > 9.0):
            kept.append(peak)
    return np.array(kept, int).reshape(-1, 2)
