"""Where a chain starts: how noisy the map is, which sources stand out, where births are worth trying."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from basc import kernels
from basc.images import core_axes
from basc.interpolation import beam_coefficients, map_coefficients

STANDING_OUT = 4.5  # sigma: peaks taken for sources at first; the chain decides
PUT_BACK = 7.0  # sigma: fainter starting sources may be born again anywhere on their peak
MOST_ROUNDS = 40
BESIDE = 1.3  # sigma of the beam: how far from a source births of companions are tried
HIGHEST, LIKELY = (
    3.7,
    2.0,
)  # sigma: where births are worth as much as anywhere, and from where they are worth it


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


class FirstLook(NamedTuple):
    """A map made ready, and the peaks that stand out of it.

    `field` (`basc.kernels.Field`) knows neither prior nor births yet; `state` (6, max_sources), `n`, `noise` (Jy/beam)
    and `residual` (Jy/beam, of the box): see `find_start`.
    """

    field: kernels.Field
    state: np.ndarray
    n: int
    noise: float
    residual: np.ndarray


def first_look(dirty_map, max_sources):
    """Make a map ready for chains, and find where they start.

    Parameters
    ----------
    dirty_map : DirtyMap
        Its noise is measured if it has none.
    max_sources : int

    Returns
    -------
    FirstLook
    """
    searchable, data = dirty_map.searchable, np.nan_to_num(dirty_map.searched_data)
    axes = core_axes(dirty_map.beam)
    field = kernels.Field(
        map_coefficients(dirty_map.data, dirty_map.search),
        beam_coefficients(dirty_map.beam, data.shape),
        dirty_map.response,
        np.zeros(0),
        np.zeros((0, 0)),
        axes,
        np.ascontiguousarray(np.linalg.inv(axes)),
        np.zeros(0),
        np.zeros(4),
    )
    independent = np.count_nonzero(searchable) / _correlated_pixels(dirty_map.beam, data.shape)
    return FirstLook(field, *find_start(field, data, searchable, dirty_map.noise, max_sources, independent))


def find_start(field, data, searchable, noise, max_sources, independent):
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
    independent : float
        How many independent values of noise the searched area has; each source fits three of them away.

    Returns
    -------
    state : float64 array, shape (6, max_sources)
        See `basc.kernels`.
    n : int
    noise : float
        As given or as measured.
    residual : float64 array, shape (box_rows, box_columns)
        What is left, in Jy/beam.
    """
    state, n = np.zeros((6, max_sources)), 0
    given, residual = noise, data
    for _ in range(MOST_ROUNDS):
        noise = given or measure_noise(residual[searchable]) / np.sqrt(max(1.0 - 3.0 * n / independent, 0.5))
        peaks = _peaks(np.where(searchable, residual, 0.0), STANDING_OUT * noise, field.inverse_axes)
        peaks = peaks[: max_sources - n]
        if not len(peaks):
            break
        state[0, n : n + len(peaks)], state[1, n : n + len(peaks)] = peaks[:, 1], peaks[:, 0]
        state[2, n : n + len(peaks)] = residual[peaks[:, 0], peaks[:, 1]]
        n += len(peaks)
        polish(field, state, n, 3)
        bright = state[2, :n] > 2.0 * noise
        state[:, : bright.sum()] = state[:, :n][:, bright]
        dropped, n = n - int(bright.sum()), int(bright.sum())
        residual = data.copy()
        kernels.subtract_sources(residual, field.beam_coefficients, state, n)
        if dropped >= len(peaks):
            break
    return state, n, noise, residual


def polish(field, state, n, rounds):
    """Move each source, in turn, to where it explains most, and give it the flux it finds there, in place.

    Parameters
    ----------
    field : `basc.kernels.Field`
    state : float64 array, shape (6, max_sources)
    n, rounds : int
        One Newton step of at most a beam's sigma per source and round.
    """
    searched, axes = field.median, field.axes
    for _ in range(rounds):
        for k in range(n):
            value, by_x, by_y = kernels.look(field, None, state, n, k, k)
            if value > 0.0:
                step = axes.T @ [by_x, by_y] / value
                x, y = state[:2, k] + axes @ (step / max(float(np.hypot(*step)), 1.0))
                i, j = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
                inside = 0 <= i < searched.shape[1] and 0 <= j < searched.shape[0]
                if inside and searched[j, i] > 0.0:
                    state[:2, k] = x, y
                    value, _, _ = kernels.look(field, None, state, n, k, k)
            state[kernels.FLUX, k] = max(value, 0.0)


def rank(field, state, n):
    """Fill the last three rows of a state, in place: what the prior asks of a source.

    Parameters
    ----------
    field : `basc.kernels.Field`
    state : float64 array, shape (6, max_sources)
    n : int
    """
    x, y, flux = state[:3, :n]
    columns, rows = np.floor(x + 0.5).astype(int), np.floor(y + 0.5).astype(int)
    state[kernels.BRIGHTNESS, :n] = brightness = flux / field.median[rows, columns]
    brighter = brightness[:, None] < brightness
    places = state[:2, :n].T @ field.inverse_axes.T
    near = np.square(places[:, None] - places).sum(axis=-1) < field.places[3]
    state[kernels.BRIGHTER, :n] = brighter.sum(axis=1)
    state[kernels.NEAR_BRIGHTER, :n] = (brighter & near).sum(axis=1)


def birth_map(field, residual, searchable, state, n, noise):
    """Density of proposed births, per pixel of the box: where the residual is high, at the start, and anywhere.

    It is frozen before the chain begins, so the chain stays exact whatever its shape.
    """
    faint = state[:, :n][:, state[2, :n] < PUT_BACK * noise].copy()
    faint[2] *= -1.0
    towards = residual.copy()
    kernels.subtract_sources(towards, field.beam_coefficients, faint, faint.shape[1])
    sigmas = np.clip(towards / noise, 0.0, HIGHEST)
    # What a source explains there; the higher ones have one already.
    wanted = np.exp(0.5 * sigmas**2) / (1.0 + np.exp(-1.7 * (sigmas - LIKELY))) * searchable
    known = _beside(state[:2, :n], wanted.shape, field.inverse_axes)
    anywhere = searchable / searchable.sum()
    known *= searchable
    known = known / known.sum() if known.any() else anywhere
    return 0.7 * wanted / wanted.sum() + 0.15 * known + 0.15 * anywhere


def _beside(places, shape, inverse_axes):
    """Density of companions: Gaussians of `BESIDE` sigma of the beam about places (x, y), on the pixels of the box."""
    density = np.zeros(shape)
    reach = int(np.ceil(3.0 * BESIDE * np.linalg.norm(np.linalg.inv(inverse_axes), 2)))
    for x, y in places.T:
        rows, columns = (
            np.arange(max(round(at) - reach, 0), min(round(at) + reach + 1, size))
            for at, size in ((y, shape[0]), (x, shape[1]))
        )
        across = inverse_axes[:, 0, None] * (columns - x)
        up = inverse_axes[:, 1, None] * (rows - y)
        distance2 = np.square(across[:, None, :] + up[:, :, None]).sum(axis=0)
        density[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += np.exp(-0.5 * distance2 / BESIDE**2)
    return density


def _correlated_pixels(beam, box_shape):
    """In how many pixels the noise repeats itself: the sum of its squared correlation over all pairs of the box."""
    rows, columns = (np.arange(n) - n // 2 for n in beam.shape)
    down, across = (
        np.maximum(1.0 - np.abs(lag) / n, 0.0) for lag, n in zip((rows, columns), box_shape, strict=True)
    )
    return float(down @ np.square(beam) @ across)


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
