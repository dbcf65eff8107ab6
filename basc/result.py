"""What characterising a map gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable
from astropy.wcs import WCS

from basc import kernels
from basc.nature import as_points, shapes_of, spread_out
from basc.sampling import Samples
from basc.shapes import Detail

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True, eq=False)
class Characterisation:
    """What `characterise` found, and how.

    Attributes
    ----------
    sources : `astropy.table.QTable`
        One row per source, brightest first, with units, descriptions and UCDs: see `basc.catalogue.COLUMNS`.
    covariances : float64 array, shape (n, 3, 3)
        Of x, y (pixels) and apparent flux (Jy), row by row.
    samples : Samples
        Sets of sources from the posterior, in pixels of the full map.
    noise : float
        Of a pixel, in Jy/beam: as given, or as measured.
    effective_noise : float
        What the chain used: larger than `noise` where the beam is not known well enough for the brightest source
        (`dynamic_range_limited`).
    searched : pair of slices (rows, columns)
        The area in which sources were looked for.
    n_posterior : float64 array
        Probability that the area holds 0, 1, 2, ... sources.
    ln_evidence : float
        Log of the evidence of the prior's sources over that of an empty map. NaN where the chains never emptied
        the map and `evidence` was not asked for.
    not_converged : tuple of str
        What kept the chains from agreeing within their longest run, in words; empty where they agree.
    seed : int
    settings, versions, diagnostics : dict
        What went in; the software; how the chains went.
    """

    sources: QTable
    covariances: np.ndarray
    samples: Samples
    noise: float
    effective_noise: float
    searched: tuple[slice, slice]
    n_posterior: np.ndarray
    ln_evidence: float
    not_converged: tuple[str, ...]
    seed: int
    settings: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    diagnostics: dict = field(default_factory=dict)
    _data: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    _beam: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    _axes: np.ndarray = field(default_factory=lambda: np.eye(2), repr=False)
    _wcs: WCS | None = field(default=None, repr=False)
    _detail: Detail | None = field(default=None, repr=False)
    _nature: dict = field(default_factory=dict, repr=False)

    @property
    def converged(self):
        """Whether the chains agree."""
        return not self.not_converged

    @property
    def dynamic_range_limited(self):
        """Whether the beam's precision, not the noise, limits what can be said beside the brightest source."""
        return self.effective_noise > self.noise

    @property
    def wcs(self):
        """Celestial coordinates of the searched area, whose first pixel is 0, 0; None if the map has none."""
        return None if self._wcs is None else self._wcs[self.searched]

    @property
    def dirty(self):
        """The searched part of the map, in Jy/beam."""
        return self._data

    @property
    def beam_axes(self):
        """Axes of the beam's core, FWHM, in pixels: a 2x2 matrix with a column (x, y) for each."""
        return self._axes * FWHM_PER_SIGMA

    @property
    def shapes(self):
        """Axes (FWHM, pixels) of each source that is more likely extended, as `beam_axes`; zeros for points."""
        axes = []
        for major, minor, angle in shapes_of(self._nature, len(self.sources)):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            axes.append(turn * [major, minor] * FWHM_PER_SIGMA)
        return axes

    def model(self):
        """What the catalogued sources look like through the beam, in Jy/beam; shape of the searched area."""
        return self._through_beam(*(self.sources[name].value for name in ("x", "y", "flux")))

    def residual(self):
        """Searched map minus `model`, in Jy/beam."""
        return self._data - self.model()

    def posterior_mean(self):
        """Mean of all samples' sources in Jy/pixel, so that its sum is the mean total flux; shape of the searched area.

        Each source, or each part of an extended one, is shared among the four pixels round it (cloud in cell); what
        is outside of the area is put on the edge. Unlike `model`, it also holds what is not sure enough for the
        catalogue.
        """
        rows, columns = self._data.shape
        there = np.arange(self.samples.x.shape[1]) < self.samples.size[:, None]
        x = self.samples.x[there] - self.searched[1].start
        y = self.samples.y[there] - self.searched[0].start
        flux = self.samples.flux[there] / len(self.samples.size)
        if self.samples.nature:
            x, y, flux = spread_out(
                x, y, flux, {name: each[there] for name, each in self.samples.nature.items()}
            )
        x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
        i, j = np.minimum(x.astype(int), columns - 2), np.minimum(y.astype(int), rows - 2)
        x, y = x - i, y - j
        pixels = np.concatenate([(j + b) * columns + i + a for b in (0, 1) for a in (0, 1)])
        weights = np.concatenate([flux * v * w for v in (1 - y, y) for w in (1 - x, x)])
        return np.bincount(pixels, weights, minlength=rows * columns).reshape(rows, columns)

    def _through_beam(self, x, y, flux):
        """An image of the searched area with sources at places of the full map."""
        x, y = x - self.searched[1].start, y - self.searched[0].start
        if self._detail is None:
            return self._seen_through(self._beam, np.stack([x, y, flux]))
        # As the channels were added up for the map: see `basc.channels.combine`.
        rising = np.exp(self.settings["spectral_index"][0] * self._detail.ln_frequency)
        weights = self._detail.weights * rising / np.sum(self._detail.weights * rising**2)
        channels = as_points(self._detail, x, y, flux, self._nature)
        return sum(
            weight * self._seen_through(beam, points)
            for weight, beam, points in zip(weights, self._detail.beams, channels, strict=True)
        )

    def _seen_through(self, beam, points):
        image = np.zeros(self._data.shape)
        kernels.subtract_sources(image, beam, np.ascontiguousarray(points), points.shape[1])
        return -image
