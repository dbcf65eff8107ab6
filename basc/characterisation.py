"""From a dirty map to a catalogue: the question BaSC answers, and its answer."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field

import numpy as np
from astropy.table import QTable

from basc import kernels
from basc.catalogue import as_table, condense
from basc.errors import SettingInvalid
from basc.images import DirtyMap, core_axes
from basc.interpolation import beam_coefficients, interpolation_error, map_coefficients
from basc.starting import birth_map, find_start

MEDIAN_FLUX = 5.0  # prior median of the intrinsic flux, in units of the noise
TOLERATED = 0.1  # nats that interpolation may cost at the brightest source
BURN_IN = 1.0 / 3.0
WARM_STEPS = 12  # temperatures on the way down
SAMPLES = 250  # kept per chain


@dataclass(frozen=True, eq=False)
class Characterisation:
    """What `characterise` found, and how.

    Attributes
    ----------
    sources : `astropy.table.QTable`
        One row per source, brightest first: x, y (0-based pixels of the full map), ra, dec, flux (apparent),
        flux_intrinsic, sigma_x, sigma_y, sigma_flux, probability; units, descriptions and UCDs with them.
    covariances : float64 array, shape (n, 3, 3)
        Of x, y (pixels) and apparent flux (Jy), row by row.
    noise : float
        Of a pixel, in Jy/beam: as given, or as measured.
    effective_noise : float
        What the chain used: larger than `noise` where the beam is not known well enough for the brightest source
        (`dynamic_range_limited`).
    searched : pair of slices (rows, columns)
        The area in which sources were looked for.
    n_posterior : float64 array
        Probability that the area holds 0, 1, 2, ... sources.
    seed : int
    settings, versions, diagnostics : dict
        What went in; the software; how the chains went (acceptance per move, R-hat of the number of sources, of
        the total flux and of ln L, interpolation error).
    """

    sources: QTable
    covariances: np.ndarray
    noise: float
    effective_noise: float
    searched: tuple[slice, slice]
    n_posterior: np.ndarray
    seed: int
    settings: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    diagnostics: dict = field(default_factory=dict)
    _data: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    _beam: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False)

    @property
    def dynamic_range_limited(self):
        """Whether the beam's precision, not the noise, limits what can be said beside the brightest source."""
        return self.effective_noise > self.noise

    def model(self):
        """What the catalogued sources look like through the beam, in Jy/beam; shape of the searched area."""
        state = np.stack([self.sources[name].value for name in ("x", "y", "flux")])
        state[0] -= self.searched[1].start
        state[1] -= self.searched[0].start
        image = np.zeros(self._data.shape)
        kernels.subtract_sources(image, self._beam, np.ascontiguousarray(state), state.shape[1])
        return -image

    def residual(self):
        """Searched map minus `model`, in Jy/beam."""
        return self._data - self.model()


def characterise(
    dirty_map,
    *,
    seed=0,
    expected_sources=1.0,
    threshold=0.5,
    median_flux=None,
    max_sources=60,
    chains=4,
    proposals=None,
    progress=None,
):
    """Find the point sources of a dirty map, with probabilities and errors.

    Draws sets of sources from their posterior, Eq. (1) of `basc` times a prior: a Poisson number of sources,
    anywhere in the searched area, with intrinsic fluxes after Lomax, p(F) = q / (q + F)^2.

    Parameters
    ----------
    dirty_map : DirtyMap
    seed : int
        Same seed, same answer, to the last bit.
    expected_sources : float
        Mean of the Poisson prior, in the whole searched area.
    threshold : float
        Least probability of the sources returned.
    median_flux : float, optional
        The prior's median intrinsic flux q, in Jy. Default: five times the noise.
    max_sources : int
        No set has more than these.
    chains : int
        Independent chains, at least 2, whose agreement is reported.
    proposals : int, optional
        Per chain, the burn-in included. Default: enough for the number of sources that stand out.
    progress : callable, optional
        Called with the fraction done, from 0 to 1.

    Returns
    -------
    Characterisation

    Raises
    ------
    SettingInvalid
        If a parameter makes no sense.
    """
    _check(seed, expected_sources, threshold, median_flux, max_sources, chains, proposals)
    tell = progress or (lambda fraction: None)
    tell(0.0)
    response, searchable = dirty_map.response, dirty_map.searchable
    data = np.nan_to_num(dirty_map.searched_data)
    beam = beam_coefficients(dirty_map.beam, data.shape)
    axes = core_axes(dirty_map.beam)
    flat = np.ones_like(data)
    seen = kernels.Field(
        map_coefficients(dirty_map.data, dirty_map.search),
        beam,
        np.where(searchable, 1.0, 0.0),
        np.cumsum(flat.ravel()),
        flat,
        axes,
        np.ascontiguousarray(np.linalg.inv(axes)),
    )
    start, n_start, noise, residual = find_start(seen, data, searchable, dirty_map.noise, max_sources)
    epsilon = max(interpolation_error(dirty_map.beam), dirty_map.precision)
    brightest = float(start[2, :n_start].max(initial=0.0))
    limited = epsilon * (brightest / noise) ** 2 >= TOLERATED
    effective = float(np.hypot(noise, epsilon * brightest)) if limited else noise

    births = birth_map(seen, residual, searchable, start, n_start, effective)
    seen = seen._replace(
        median=(median_flux or MEDIAN_FLUX * noise) * response,
        birth_cdf=np.cumsum(births.ravel()),
        birth_density=births,
    )
    proposals = proposals or 8000 + 1000 * n_start
    intensity = expected_sources / searchable.sum()
    runs, moves = [], np.zeros((len(kernels.MOVES), 2), np.int64)
    for number, stream in enumerate(np.random.SeedSequence(seed).spawn(chains)):
        rng = np.random.default_rng(stream)
        runs.append(_sample(seen, effective, intensity, start, n_start, brightest, proposals, rng, moves))
        tell((number + 1) / (chains + 1))
    samples, sizes, energies = (np.concatenate(parts) for parts in zip(*runs, strict=True))

    means, covariances, probabilities = condense(samples, sizes, energies, seen.inverse_axes, noise)
    kept = probabilities >= threshold
    means, covariances, probabilities = means[kept], covariances[kept], probabilities[kept]
    at_sources = _bilinear(dirty_map, means[:, 0], means[:, 1])
    means[:, 0] += dirty_map.search[1].start
    means[:, 1] += dirty_map.search[0].start
    settings = {
        "seed": seed,
        "expected_sources": expected_sources,
        "threshold": threshold,
        "median_flux": float(median_flux or MEDIAN_FLUX * noise),
        "max_sources": max_sources,
        "chains": chains,
        "proposals": proposals,
    }
    result = Characterisation(
        sources=as_table(means, covariances, probabilities, at_sources, dirty_map.wcs, dict(dirty_map.meta)),
        covariances=covariances,
        noise=noise,
        effective_noise=effective,
        searched=dirty_map.search,
        n_posterior=np.bincount(sizes) / len(sizes),
        seed=seed,
        settings=settings,
        versions=_versions(),
        diagnostics={
            "acceptance": {
                name: int(accepted) / max(int(tried), 1)
                for name, (tried, accepted) in zip(kernels.MOVES, moves, strict=True)
            },
            "r_hat": {
                "n": _r_hat([run[1] for run in runs]),
                "flux": _r_hat([_total_flux(run[0], run[1]) for run in runs]),
                "ln_likelihood": _r_hat([run[2] for run in runs]),
            },
            "interpolation_error": epsilon,
            "start": n_start,
        },
        _data=dirty_map.searched_data,
        _beam=beam,
    )
    tell(1.0)
    return result


def warm_up():
    """Compile every kernel, by characterising a small simulated field."""
    from basc.simulate import observe

    field_ = observe([(32.2, 31.7, 1.0)], rng=np.random.default_rng(0), pixels=64, noise=0.02)
    characterise(DirtyMap(field_.dirty, field_.beam), proposals=300).model()


def _sample(seen, noise, intensity, start, n, brightest, proposals, rng, moves):
    """One chain: cooled down from where only the brightest source stands out, then sampled."""
    state, energy = start.copy(), 0.0
    shape = state.shape[1]
    nothing = np.empty((0, 3, shape)), np.empty(0, np.int64), np.empty(0)
    warm = int(BURN_IN * proposals)
    hottest = min(max(brightest / (6.0 * noise), 1.0), 30.0)
    for step in range(WARM_STEPS):
        heat = hottest ** (1.0 - (step + 1) / WARM_STEPS)
        length = warm // WARM_STEPS + 1
        numbers = rng.random((length, kernels.N_UNIFORM)), rng.standard_normal((length, kernels.N_NORMAL))
        spent = np.zeros_like(moves)
        n, energy = kernels.run_chain(
            seen, noise * heat, intensity, state, n, energy, *numbers, *nothing, spent
        )
    length = proposals - warm
    kept = min(SAMPLES, length)
    samples, sizes, energies = np.zeros((kept, 3, shape)), np.zeros(kept, np.int64), np.zeros(kept)
    numbers = rng.random((length, kernels.N_UNIFORM)), rng.standard_normal((length, kernels.N_NORMAL))
    kernels.run_chain(seen, noise, intensity, state, n, energy, *numbers, samples, sizes, energies, moves)
    return samples, sizes, energies


def _check(seed, expected_sources, threshold, median_flux, max_sources, chains, proposals):
    for name, value, wanted, right in (
        ("seed", seed, "a whole number, 0 or more", seed >= 0),
        ("expected_sources", expected_sources, "a positive number", 0 < expected_sources < np.inf),
        ("threshold", threshold, "between 0 and 1", 0 <= threshold <= 1),
        (
            "median_flux",
            median_flux,
            "a positive number (Jy)",
            median_flux is None or 0 < median_flux < np.inf,
        ),
        ("max_sources", max_sources, "between 1 and 1000", 1 <= max_sources <= 1000),
        ("chains", chains, "at least 2", chains >= 2),
        ("proposals", proposals, "at least 100", proposals is None or proposals >= 100),
    ):
        if not right:
            raise SettingInvalid(name, value, wanted)


def _bilinear(dirty_map, x, y):
    """Primary beam at positions of the box, between the pixels."""
    response = dirty_map.response
    x, y = np.clip(x, 0, response.shape[1] - 1.001), np.clip(y, 0, response.shape[0] - 1.001)
    i, j = x.astype(int), y.astype(int)
    corners = [
        ((1 - (x - i)) * (1 - (y - j)), response[j, i]),
        ((x - i) * (1 - (y - j)), response[j, i + 1]),
        ((1 - (x - i)) * (y - j), response[j + 1, i]),
        ((x - i) * (y - j), response[j + 1, i + 1]),
    ]
    total = sum(weight * (value > 0) for weight, value in corners)
    return sum(weight * value for weight, value in corners) / np.where(total > 0, total, 1.0)


def _total_flux(samples, sizes):
    return np.where(np.arange(samples.shape[2]) < sizes[:, None], samples[:, 2], 0.0).sum(axis=1)


def _r_hat(chains):
    """Potential scale reduction (Gelman & Rubin 1992), near 1 when chains agree."""
    chains = np.array(chains, float)
    within, between = chains.var(axis=1, ddof=1).mean(), chains.mean(axis=1).var(ddof=1)
    length = chains.shape[1]
    return float(np.sqrt((length - 1) / length + between / within)) if within > 0 else 1.0


def _versions():
    from basc import __version__

    return {"basc": __version__} | {
        name: importlib.metadata.version(name) for name in ("numpy", "numba", "astropy")
    }
