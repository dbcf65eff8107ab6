"""Slow, obvious versions of what `basc` computes; they share no code with it."""

import numpy as np


def chi2(visibilities, weights, cells_u, cells_v, pixels, sources):
    """Sum of w |V - M|^2 with M a direct Fourier sum; sources (x, y, flux) in pixels of the map."""
    model = np.zeros(len(weights), complex)
    for x, y, flux in sources:
        for cell, (u, v) in enumerate(zip(cells_u, cells_v, strict=True)):
            angle = 2.0 * np.pi * (u * (x - pixels // 2) + v * (y - pixels // 2)) / pixels
            model[cell] += flux * (np.cos(angle) - 1j * np.sin(angle))
    return float(np.sum(weights * np.abs(visibilities - model) ** 2))


def beam_at(cells_u, cells_v, weights, pixels, dx, dy):
    """The dirty beam at any difference, by direct sum."""
    return float(np.sum(weights * np.cos(2 * np.pi * (cells_u * dx + cells_v * dy) / pixels)) / weights.sum())
