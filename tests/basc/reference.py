"""Slow, obvious versions of what `basc` computes; they share no code with it."""

import numpy as np


def chi2(visibilities, weights, cells_u, cells_v, pixels, sources):
    """Sum of w |V - M|^2 with M a direct Fourier sum; sources (x, y, flux) in pixels of the map.

    A Gaussian source has, besides, the standard deviations along its axes and the direction of the first (from x to y).
    """
    model = np.zeros(len(weights), complex)
    for x, y, flux, *shape in sources:
        major, minor, turn = shape or (0.0, 0.0, 0.0)
        for cell, (u, v) in enumerate(zip(cells_u, cells_v, strict=True)):
            angle = 2.0 * np.pi * (u * (x - pixels // 2) + v * (y - pixels // 2)) / pixels
            along, across = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
            left = np.exp(-2.0 * (np.pi / pixels) ** 2 * ((along * major) ** 2 + (across * minor) ** 2))
            model[cell] += flux * left * (np.cos(angle) - 1j * np.sin(angle))
    return float(np.sum(weights * np.abs(visibilities - model) ** 2))


def beam_at(cells_u, cells_v, weights, pixels, dx, dy):
    """The dirty beam at any difference, by direct sum."""
    return float(np.sum(weights * np.cos(2 * np.pi * (cells_u * dx + cells_v * dy) / pixels)) / weights.sum())


def ln_evidence_of_one(dirty_map, *, median_flux, faintest):
    """Log of the mean over the prior of one source's likelihood ratio, by quadrature; the map must be flat-fielded.

    Places on a grid of a quarter of a pixel, by zero-padding the map's Fourier transform; fluxes by the trapezium.
    """
    oversampling, noise = 4, dirty_map.noise
    rows, columns = dirty_map.data.shape
    spectrum = np.fft.fftshift(np.fft.fft2(dirty_map.data))
    padding = [((oversampling - 1) * n // 2,) * 2 for n in (rows, columns)]
    fine = np.fft.ifft2(np.fft.ifftshift(np.pad(spectrum, padding))).real * oversampling**2
    part = tuple(slice(s.start * oversampling, s.stop * oversampling) for s in dirty_map.search)
    heights = fine[part].ravel()[:, None] / noise
    least, median = faintest * median_flux / noise, median_flux / noise
    span = np.linspace(0.0, 1.0, 500)
    fluxes = least + (np.maximum(heights, least) + 8.0 - least) * span
    ln = fluxes * heights - fluxes**2 / 2 + np.log((median - least) / (fluxes - 2 * least + median) ** 2)
    top = ln.max()
    return float(top + np.log(np.mean(np.trapezoid(np.exp(ln - top), fluxes, axis=1))))
