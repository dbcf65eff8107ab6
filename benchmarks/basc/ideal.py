"""What any finder could reach: how often a lone faint source can be told from the noise.

Two detectors are run on very many simulated maps of the 128-pixel area, each at the threshold that gives a wanted
number of false sources in an empty map.

*Peak*: every local maximum of the map (read between the pixels) above a threshold. It is what a perfect CLEAN and a
perfect threshold finder would do, and needs to know nothing about the source.

*Told*: the Neyman-Pearson detector, told the exact SNR of the only source there can be, and where sources are never
put. Eq. (1) of `basc` makes the likelihood ratio of "a source at x" to "nothing"

    r(x) = exp(rho R(x) / s - rho^2 / 2)

with the dirty map R, its noise s and the SNR rho. A report at y is right if the source is within half a beam, so
what it earns is the integral L(y) of r over that disc, and what it costs is one false source if the map is empty:
report where L is above a threshold, best first, each taking its disc out. *Bound* gives up on places: it
credits every map in which the integral of r over the whole area is above its threshold. By the Neyman-Pearson lemma no
finder says more often "there is a source" at the same rate of empty maps with false ones, wherever it puts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.signal import fftconvolve

from basc.simulate import observe

AREA = 128  # pixels along the searched square
BEAM = 6.0  # FWHM in pixels
FINE = 2  # samples per pixel: twelve per beam, between which a parabola is exact to 1e-3 of the noise
MARGIN = 6.0  # sources keep this far from the edge, as in the groups of the benchmark
SNRS = (4.0, 5.0, 6.0)
FALSE_RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
LEAST = 3.0  # maxima below are not kept
SEED = 20_260_101


def measure_limits(n_empty=20_000, n_sources=10_000, seed=SEED, tell=lambda text: None):
    """Completeness of the detectors at given false sources per empty field.

    Parameters
    ----------
    n_empty, n_sources : int
        Simulated maps without and with a source.
    seed : int
    tell : callable
        Hears how it goes.

    Returns
    -------
    dict
        "false" (the rates), "threshold" (of the peak), "expected_threshold" (`analytic_threshold`), and per detector
        a dictionary from SNR to an array of completeness, one per rate.
    """
    rng = np.random.default_rng(seed)
    sky = Sky.of_the_benchmark()
    heights = [[] for _ in range(n_empty)]
    told = {snr: [] for snr in SNRS}
    whole = {snr: np.empty(n_empty) for snr in SNRS}
    for number in range(n_empty):
        noise_map = sky.image(sky.noise(rng))
        heights[number] = local_maxima(noise_map)[2]
        for snr in SNRS:
            ratio = sky.likelihood_ratio(noise_map, snr)
            whole[snr][number] = ratio.sum()
            told[snr] += [gain for gain, *_ in sky.reports(ratio, 1)]
        if number % 2000 == 0:
            tell(f"empty {number}")
    heights = np.sort(np.concatenate(heights))[::-1]
    rank = (np.array(FALSE_RATES) * n_empty).astype(int)
    peak_threshold = heights[rank]
    told_threshold = {snr: np.sort(told[snr])[::-1][np.minimum(rank, len(told[snr]) - 1)] for snr in SNRS}
    whole_threshold = {snr: np.sort(whole[snr])[::-1][rank] for snr in SNRS}

    names = "peak", "told", "bound"
    found = {name: {snr: np.zeros(len(rank)) for snr in SNRS} for name in names}
    for number in range(n_sources):
        noise_grid = sky.noise(rng)
        x, y = rng.uniform(MARGIN, AREA - 1 - MARGIN, size=2)
        source_grid = sky.source(x, y)
        for snr in SNRS:
            seen = sky.image(noise_grid + snr * source_grid)
            peak_x, peak_y, height = local_maxima(seen)
            near = np.hypot(peak_x - x, peak_y - y) <= BEAM / 2
            found["peak"][snr] += height[near].max(initial=0.0) > peak_threshold

            ratio = sky.likelihood_ratio(seen, snr)
            found["bound"][snr] += ratio.sum() > whole_threshold[snr]
            right = [
                gain for gain, at_x, at_y in sky.reports(ratio, 3) if np.hypot(at_x - x, at_y - y) <= BEAM / 2
            ]
            found["told"][snr] += max(right, default=0.0) > told_threshold[snr]
        if number % 2000 == 0:
            tell(f"sources {number}")
    return {
        "n_empty": n_empty,
        "n_sources": n_sources,
        "false": np.array(FALSE_RATES),
        "threshold": peak_threshold,
        "expected_threshold": np.array([analytic_threshold(rate) for rate in FALSE_RATES]),
        **{name: {snr: found[name][snr] / n_sources for snr in SNRS} for name in names},
    }


@dataclass(frozen=True)
class Sky:
    """The searched area of the benchmark, made from the cells of its uv grid; noise 1 per pixel.

    Attributes
    ----------
    share : float64 array, shape (n_v, n_u)
        Fraction of the visibilities in each cell of the occupied rectangle.
    u, v : int arrays
        Cycles per `pixels` along the axes of `share`.
    to_rows, to_columns : complex arrays
        Fourier sums from the cells to the fine grid, a sample wider than the area on each side.
    pixels : int
        Side of the file, of which the area is the inner half.
    """

    share: np.ndarray
    u: np.ndarray
    v: np.ndarray
    to_rows: np.ndarray
    to_columns: np.ndarray
    pixels: int

    @classmethod
    def of_the_benchmark(cls):
        pixels = 2 * AREA
        made = observe([], rng=np.random.default_rng(0), pixels=pixels, beam_fwhm=BEAM, noise=1.0)
        u, v = (np.arange(cells.min(), cells.max() + 1) for cells in (made.cells_u, made.cells_v))
        share = np.zeros((len(v), len(u)))
        share[made.cells_v - v[0], made.cells_u - u[0]] = made.weights
        place = fine_places()
        turn = 2j * np.pi / pixels
        return cls(share, u, v, np.exp(turn * np.outer(place, v)), np.exp(turn * np.outer(u, place)), pixels)

    def noise(self, rng):
        """Noise of a map of rms 1, on the cells."""
        return np.sqrt(self.share) * (
            rng.standard_normal(self.share.shape) + 1j * rng.standard_normal(self.share.shape)
        )

    def source(self, x, y):
        """A source of flux 1 at x, y (pixels of the area), on the cells."""
        turn = -2j * np.pi / self.pixels
        return self.share * np.multiply.outer(np.exp(turn * self.v * y), np.exp(turn * self.u * x))

    def image(self, cells):
        """The map on the fine grid, a sample wider than the area on each side."""
        return (self.to_rows @ cells @ self.to_columns).real

    def likelihood_ratio(self, seen, snr):
        """Likelihood ratio where there can be sources, in the fine samples of the area without its margin."""
        place = fine_places()
        inside = (place >= MARGIN) & (place <= AREA - 1 - MARGIN)
        return np.exp(snr * seen[np.ix_(inside, inside)] - snr**2 / 2)

    def reports(self, ratio, most):
        """The best places to report: gain (integral of the ratio over the disc), x, y; each takes its disc out."""
        ratio, reports = ratio.copy(), []
        first = MARGIN  # the first sample inside, as MARGIN is a whole number
        reach = int(np.ceil(FINE * BEAM / 2))
        for _ in range(most):
            gains = in_discs(ratio)
            row, column = np.unravel_index(np.argmax(gains), gains.shape)
            if gains[row, column] <= 0:
                break
            reports.append((gains[row, column], first + column / FINE, first + row / FINE))
            rows = slice(max(row - reach, 0), row + reach + 1)
            columns = slice(max(column - reach, 0), column + reach + 1)
            offset_y = np.arange(len(ratio))[rows, None] - row
            offset_x = np.arange(ratio.shape[1])[None, columns] - column
            ratio[rows, columns][np.hypot(offset_y, offset_x) <= FINE * BEAM / 2] = 0.0
        return reports


def fine_places():
    """Coordinates of the fine samples, in pixels of the area; one more on each side."""
    return np.arange(-1, FINE * (AREA - 1) + 2) / FINE


def in_discs(ratio):
    """Sums over the disc of half a beam about each sample."""
    reach = int(FINE * BEAM / 2)
    offset = np.arange(-reach, reach + 1)
    disc = (np.hypot(offset, offset[:, None]) <= FINE * BEAM / 2).astype(float)
    return fftconvolve(ratio, disc, mode="same")


def local_maxima(seen):
    """Local maxima above `LEAST` on the fine grid, refined by parabolas: x, y (pixels of the area), height."""
    top = (maximum_filter(seen, size=3) == seen)[1:-1, 1:-1] & (seen[1:-1, 1:-1] > LEAST)
    row, column = np.nonzero(top)
    row, column = row + 1, column + 1
    height = seen[row, column]
    place = []
    for before, after in (
        (seen[row, column - 1], seen[row, column + 1]),
        (seen[row - 1, column], seen[row + 1, column]),
    ):
        slope, curvature = (after - before) / 2, before + after - 2 * seen[row, column]
        shift = np.clip(-slope / np.minimum(curvature, -1e-12), -1, 1)
        height = height + slope * shift / 2
        place.append(shift)
    return (column - 1 + place[0]) / FINE, (row - 1 + place[1]) / FINE, height


def expected_maxima(threshold):
    """Expected maxima above a threshold in the area: a Gaussian field whose covariance has a core of width `BEAM`.

    Adler 1981, *The Geometry of Random Fields*, Ch. 6: A det(Lambda)^(1/2) (2 pi)^(-3/2) u exp(-u^2/2).
    """
    return AREA**2 * (8 * np.log(2) / BEAM**2) * (2 * np.pi) ** -1.5 * threshold * np.exp(-(threshold**2) / 2)


def analytic_threshold(rate):
    """Threshold above which `rate` maxima are expected in an empty field."""
    low, high = 1.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_maxima(middle) > rate else (low, middle)
    return low
