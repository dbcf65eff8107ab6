"""What is believed before the map is looked at: how many sources, where, how bright."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from basc.kernels import APART, FAINTEST

SMALLEST, LARGEST = 0.2, 1.5  # beams (FWHM): major axes of extended sources, of which the log is uniform
FLATTEST = 0.2  # least ratio of their axes, uniform up to 1
REACH = 1.8  # sigma of the beam: how far from its host a companion may lie


@dataclass(frozen=True)
class Prior:
    """The prior of `characterise`.

    The number of sources follows Poisson. Intrinsic fluxes have a least one, F0 = `FAINTEST` of the median, and
    above it follow Lomax, p(F) = q / (q + F - F0)^2: what is fainter is not called a source. The brightest lies
    anywhere; each fainter one either anywhere or, with probability `companions`, within `REACH` of a brighter one;
    none within `APART` of another, for two so close are not told apart.

    A rate that is itself uncertain (a negative binomial number) was tried: where many sources are found, it lets
    fainter ones in, 0.97 instead of 0.96 of thirty that lie anywhere, but then so many are doubtful that the chains
    take four times as long, or do not agree.

    Parameters
    ----------
    expected_sources : float
        Mean number of sources in the searched area.
    companions : float
        Fraction of sources, in [0, 1), that are companions of a brighter one. Of 0, sources ignore each other.
    median_flux : float
        Median F0 + q of the intrinsic fluxes, in Jy.
    """

    expected_sources: float
    companions: float
    median_flux: float

    def ln_number(self, max_sources):
        """Log of p(n) n!, for n from 0 to `max_sources`: shape (max_sources + 1,)."""
        # p(n) = exp(-m) m^n / n!
        return np.arange(max_sources + 1) * math.log(self.expected_sources) - self.expected_sources

    def places(self, area, axes):
        """Densities per square pixel of the first source, of one that stands alone, of one companion; REACH².

        Parameters
        ----------
        area : float
            In which sources may be, in pixels.
        axes : float64 array, shape (2, 2)
            Pixels per sigma of the beam.

        Returns
        -------
        float64 array, shape (4,)
        """
        disc = math.pi * (REACH**2 - APART**2) * abs(float(np.linalg.det(axes)))
        return np.array([1.0 / area, (1.0 - self.companions) / area, self.companions / disc, REACH**2])

    def draw(self, rng, searchable, axes):
        """A set of sources from the prior.

        Parameters
        ----------
        rng : `numpy.random.Generator`
        searchable : bool array, shape (rows, columns)
        axes : float64 array, shape (2, 2)

        Returns
        -------
        float64 array, shape (n, 3)
            x, y (pixels of the box) and intrinsic flux (Jy), brightest first.
        """
        n = rng.poisson(self.expected_sources)
        uniform = rng.random(n)
        fluxes = self.median_flux * (FAINTEST + (1.0 - FAINTEST) * uniform / (1.0 - uniform))
        fluxes = np.sort(fluxes)[::-1]
        free = np.argwhere(searchable)[:, ::-1]
        places = np.zeros((n, 2))
        for k in range(n):
            while True:
                if k and rng.random() < self.companions:
                    radius = math.sqrt(APART**2 + (REACH**2 - APART**2) * rng.random())
                    angle = 2.0 * math.pi * rng.random()
                    offset = axes @ [radius * math.cos(angle), radius * math.sin(angle)]
                    places[k] = places[rng.integers(k)] + offset
                else:
                    places[k] = free[rng.integers(len(free))] + rng.random(2) - 0.5
                column, row = np.floor(places[k] + 0.5).astype(int)
                inside = 0 <= row < searchable.shape[0] and 0 <= column < searchable.shape[1]
                apart = np.square((places[:k] - places[k]) @ np.linalg.inv(axes).T).sum(axis=1) >= APART**2
                if inside and searchable[row, column] and apart.all():
                    break
        return np.column_stack([places, fluxes])


def draw_shapes(rng, n, extended, beam):
    """Shapes of sources from the prior.

    Parameters
    ----------
    rng : `numpy.random.Generator`
    n : int
    extended : float
        Probability that a source is a Gaussian and no point.
    beam : float
        FWHM in pixels, geometric mean of the axes.

    Returns
    -------
    float64 array, shape (n, 3)
        Major and minor axis (FWHM, pixels; 0 for a point), position angle (degrees), as `basc.simulate.observe` takes
        them.
    """
    major = beam * SMALLEST * (LARGEST / SMALLEST) ** rng.random(n) * (rng.random(n) < extended)
    return np.stack([major, major * rng.uniform(FLATTEST, 1.0, n), rng.uniform(0.0, 180.0, n)], axis=1)
