"""From a dirty map to a catalogue: the question BaSC answers, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable


@dataclass(frozen=True, eq=False)
class Characterisation:
    """What `characterise` found, and how.

    Attributes
    ----------
    sources : `astropy.table.QTable`
        One row per source, brightest first: x, y (0-based pixels of the full map), ra, dec, flux (apparent),
        flux_intrinsic, sigma_x, sigma_y, sigma_flux, probability.
    noise : float
        Of a pixel, in Jy/beam: as given, or as measured.
    searched : pair of slices (rows, columns)
        The area in which sources were looked for.
    n_posterior : float64 array
        Probability that the area holds 0, 1, 2, ... sources.
    settings : dict
        Everything that went in, the seed included.
    versions : dict
        Of basc, numpy, numba and astropy.
    diagnostics : dict
        How the chains went.
    """

    sources: QTable
    noise: float
    searched: tuple[slice, slice]
    n_posterior: np.ndarray
    seed: int
    settings: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    diagnostics: dict = field(default_factory=dict)


def characterise(dirty_map, *, seed=0, expected_sources=1.0, threshold=0.5, max_sources=60, progress=None):
    """Find the point sources of a dirty map, with probabilities and errors (not written yet)."""
    raise NotImplementedError


def warm_up():
    """Compile every kernel, by characterising a tiny simulated field."""
