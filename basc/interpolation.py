"""Between the pixels: quintic splines of map and beam on a grid twice as fine.

An error eps of the beam changes ln L by about SNR^2 eps, so a bright source would be split in two by a poor
interpolation. A Kaiser-windowed sinc doubles the sampling, then quintic B-splines pass through the result; both
steps are one linear filter, applied along each axis.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit

MARGIN = (
    3  # pixels of coefficients beyond the outermost position: a quintic spline reaches 3 nodes, 1.5 pixels
)
MIDDLE = 4  # row of the beam's coefficients in which it peaks
SINC_TAPS = 24
KAISER_BETA = 14.0  # errors of 2e-7 for beams of at least 2.5 pixels FWHM
REACH = 16  # pixels; beyond, the filter is below 1e-10


def map_coefficients(data, box):
    """Spline coefficients of a map in a box.

    Parameters
    ----------
    data : float64 array, shape (rows, columns)
        NaN counts as 0.
    box : pair of slices

    Returns
    -------
    float64 array, shape (2 * (box_rows + 2 * MARGIN) - 1, 2 * (box_columns + 2 * MARGIN) - 1)
        Position (x, y) of the box is at index (2 * (x + MARGIN), 2 * (y + MARGIN)).
    """
    wide = MARGIN + REACH
    near = tuple(slice(max(s.start - wide, 0), s.stop + wide) for s in box)
    ranges = [(s.start - wide - n.start, s.stop + wide - n.start) for s, n in zip(box, near, strict=True)]
    return refined(_cut(np.nan_to_num(data[near]), ranges))


def beam_coefficients(beam, box_shape):
    """Spline coefficients of a beam at all differences within a box.

    Parameters
    ----------
    beam : float64 array, shape (beam_rows, beam_columns)
        Peak at its centre; made point-symmetric here, as a dirty beam must be.
    box_shape : pair of int

    Returns
    -------
    float64 array, shape (2 * (box_rows + MARGIN) + MIDDLE + 1, 4 * (box_columns + MARGIN) + 1)
        Difference 0 is in row MIDDLE at the central column; steps of half a pixel. The other half is the same
        turned round.
    """
    symmetric = _symmetric(beam)
    rows, columns = (size // 2 for size in symmetric.shape)
    beyond = MARGIN + REACH
    below = rows - MIDDLE // 2 - REACH, rows + box_shape[0] + beyond + 1
    across = columns - box_shape[1] - beyond, columns + box_shape[1] + beyond + 1
    return refined(_cut(symmetric, [below, across]))


def interpolation_error(beam):
    """Largest error of the interpolated beam in its core, against the exact Fourier shift.

    Compared a quarter pixel off the nodes on both axes, where a spline on half pixels is worst, within 8 pixels
    of the peak. The beam is faded out smoothly before the Fourier transform, so that it need not be periodic.
    """
    reach, core = 32, 8
    near = tuple(slice(max(size // 2 - reach - 1, 0), size // 2 + reach + 2) for size in beam.shape)
    symmetric = _symmetric(beam[near])
    faded = _cut(symmetric, [(size // 2 - reach, size // 2 + reach) for size in symmetric.shape])
    distance = np.clip((np.abs(np.arange(-reach, reach)) - 10.0) / 20.0, 2e-3, 1.0 - 2e-3)
    fade = 1.0 / (1.0 + np.exp(1.0 / (1.0 - distance) - 1.0 / distance))
    faded = faded * fade * fade[:, None]

    frequency = np.fft.fftfreq(2 * reach)
    shift = np.exp(2j * np.pi * 0.25 * frequency)
    exact = np.fft.ifft2(np.fft.fft2(faded) * shift * shift[:, None]).real
    weights = np.array([1.0, 237.0, 1682.0, 1682.0, 237.0, 1.0]) / 3840.0  # the spline half-way between nodes
    coefficients = refined(np.pad(faded, REACH))
    nodes = np.arange(2 * (reach - core), 2 * (reach + core), 2)
    along = sum(w * coefficients[nodes + k - 2] for k, w in enumerate(weights))
    spline = sum(w * along[:, nodes + k - 2] for k, w in enumerate(weights))
    inner = slice(reach - core, reach + core)
    return float(np.abs(spline - exact[inner, inner]).max())


def refined(data):
    """Spline coefficients at half-pixel steps, without the outer `REACH` pixels.

    Parameters
    ----------
    data : float64 array, shape (rows, columns)

    Returns
    -------
    float64 array, shape (2 * (rows - 2 * REACH) - 1, 2 * (columns - 2 * REACH) - 1)
    """
    taps = _taps()
    return filter_columns(filter_rows(np.ascontiguousarray(data), taps), taps)


@njit(cache=True, nogil=True, fastmath={"contract"})
def filter_rows(data, taps):
    """Filter the first axis of an image to twice the sampling.

    Parameters
    ----------
    data : float64 array, shape (rows, columns)
    taps : float64 array, shape (2, 2 * REACH + 1)
        Weights of the neighbours of a pixel, and of the point half a pixel after it.

    Returns
    -------
    float64 array, shape (2 * (rows - 2 * REACH) - 1, columns)
    """
    n_taps = taps.shape[1]
    n_rows, n_columns = 2 * (data.shape[0] - n_taps + 1) - 1, data.shape[1]
    result = np.zeros((n_rows, n_columns))
    for i in range(n_rows):
        for k in range(n_taps):
            weight, source = taps[i % 2, k], i // 2 + k
            for j in range(n_columns):
                result[i, j] += weight * data[source, j]
    return result


@njit(cache=True, nogil=True, fastmath={"contract"})
def filter_columns(data, taps):
    """The same along the second axis.

    Parameters
    ----------
    data : float64 array, shape (rows, columns)
    taps : float64 array, shape (2, 2 * REACH + 1)

    Returns
    -------
    float64 array, shape (rows, 2 * (columns - 2 * REACH) - 1)
    """
    n_taps = taps.shape[1]
    n_pixels = data.shape[1] - n_taps + 1
    result = np.empty((data.shape[0], 2 * n_pixels - 1))
    on, between = np.empty(n_pixels), np.empty(n_pixels)
    for i in range(data.shape[0]):
        on[:], between[:] = 0.0, 0.0
        for k in range(n_taps):
            for j in range(n_pixels):
                on[j] += taps[0, k] * data[i, j + k]
                between[j] += taps[1, k] * data[i, j + k]
        for j in range(n_pixels - 1):
            result[i, 2 * j], result[i, 2 * j + 1] = on[j], between[j]
        result[i, 2 * n_pixels - 2] = on[n_pixels - 1]
    return result


@cache
def _taps():
    """The sinc and the inverse of the spline's own smoothing, as one filter."""
    steps = np.arange(-(SINC_TAPS - 1), SINC_TAPS)
    window = np.i0(KAISER_BETA * np.sqrt(1.0 - (steps / SINC_TAPS) ** 2)) / np.i0(KAISER_BETA)
    sinc = np.sinc(steps / 2.0) * window
    sinc[steps % 2 == 1] /= sinc[steps % 2 == 1].sum()
    angle = 2.0 * np.pi * np.fft.fftfreq(256)
    smoothing = (66.0 + 52.0 * np.cos(angle) + 2.0 * np.cos(2.0 * angle)) / 120.0
    inverse = np.fft.fftshift(np.fft.ifft(1.0 / smoothing).real)
    both = np.convolve(sinc, inverse)
    middle = SINC_TAPS - 1 + len(angle) // 2
    neighbours = np.arange(-REACH, REACH + 1)
    return np.stack([both[middle - 2 * neighbours], both[middle + 1 - 2 * neighbours]])


def _odd(shape):
    return tuple(n + 1 - n % 2 for n in shape)


def _symmetric(beam):
    """A beam of odd shape with its peak in the middle and B(-x) = B(x)."""
    rows, columns = beam.shape
    first = 1 - rows % 2, 1 - columns % 2  # an even axis has one pixel, its first, without a partner
    wide = np.zeros(_odd(beam.shape))  # of a beam of even axes, two corners are known to neither half
    wide[:rows, :columns] = beam
    if first[0]:
        wide[-1] = wide[0, ::-1]
    if first[1]:
        wide[:, -1] = wide[::-1, 0]
    known = beam[first[0] :, first[1] :]
    wide[first[0] : rows, first[1] : columns] = 0.5 * (known + known[::-1, ::-1])
    return wide


def _cut(image, ranges):
    """A part of an image that may reach beyond its edges, where it is continued by odd reflection."""
    inner, pad = [], []
    for (start, stop), size in zip(ranges, image.shape, strict=True):
        inner.append(slice(max(start, 0), min(stop, size)))
        pad.append((max(-start, 0), max(stop - size, 0)))
    part = image[tuple(inner)]
    return np.pad(part, pad, mode="reflect", reflect_type="odd") if np.any(pad) else part
