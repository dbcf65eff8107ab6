"""CLEAN, which the other finders need: a map without the beam's sidelobes.

Högbom 1974, A&AS 15, 417: take a tenth of the beam out at the highest peak again and again; put Gaussians back.
"""

import numpy as np
from numba import njit

from basc.images import core_axes

GAIN = 0.1
DEPTH = 2.5  # times the noise
MOST = 1_000_000  # components; a map that needs more is not converging


def clean(dirty, beam, noise, depth=DEPTH):
    """Clean a searched area.

    Parameters
    ----------
    dirty : float64 array, shape (ny, nx)
    beam : float64 array, shape (2 * ny, 2 * nx) or more
        1 at its central pixel ``shape // 2``.
    noise : float
    depth : float
        Stop when no peak of either sign is above so many times the noise.

    Returns
    -------
    components, residual : float64 arrays, shape (ny, nx)
    """
    ny, nx = dirty.shape
    row, column = beam.shape[0] // 2, beam.shape[1] // 2
    reach = np.ascontiguousarray(beam[row - ny + 1 : row + ny, column - nx + 1 : column + nx])
    components, residual = np.zeros_like(dirty), dirty.copy()
    take_out_peaks(components, residual, reach, depth * noise, GAIN, MOST)
    return components, residual


def restore(components, residual, beam):
    """Residual map plus the components as Gaussians of the beam's core."""
    ny, nx = components.shape
    sharpness = np.linalg.inv(core_axes(beam))
    offset = np.arange(-ny, ny)[:, None], np.arange(-nx, nx)
    x, y = np.broadcast_to(offset[1], (2 * ny, 2 * nx)), np.broadcast_to(offset[0], (2 * ny, 2 * nx))
    core = np.exp(
        -0.5
        * (
            (sharpness[0, 0] * x + sharpness[0, 1] * y) ** 2
            + (sharpness[1, 0] * x + sharpness[1, 1] * y) ** 2
        )
    )
    padded = np.fft.rfft2(components, (2 * ny, 2 * nx)) * np.fft.rfft2(np.fft.ifftshift(core))
    return residual + np.fft.irfft2(padded, (2 * ny, 2 * nx))[:ny, :nx]


@njit(cache=True, nogil=True)
def take_out_peaks(components, residual, beam, least, gain, most):
    """Subtract the beam, in place, until the residual has no peak of `least`; returns how often.

    Parameters
    ----------
    components, residual : float64 arrays, shape (ny, nx)
    beam : float64 array, shape (2 * ny - 1, 2 * nx - 1)
        1 at its central pixel.
    least, gain : float
    most : int
    """
    ny, nx = residual.shape
    row, column, highest = 0, 0, 0.0
    for j in range(ny):
        for i in range(nx):
            if abs(residual[j, i]) > highest:
                row, column, highest = j, i, abs(residual[j, i])
    for number in range(most):
        if highest <= least:
            return number
        flux = gain * residual[row, column]
        components[row, column] += flux
        next_row, next_column, highest = 0, 0, 0.0
        for j in range(ny):
            for i in range(nx):
                value = residual[j, i] - flux * beam[ny - 1 + j - row, nx - 1 + i - column]
                residual[j, i] = value
                if abs(value) > highest:
                    next_row, next_column, highest = j, i, abs(value)
        row, column = next_row, next_column
    return most
