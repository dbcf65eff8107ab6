"""From a dirty map to a catalogue: the question BaSC answers."""

from __future__ import annotations

import astropy
import numba
import numpy as np

from basc import condensing, kernels
from basc.catalogue import as_table
from basc.channels import combine, detail_of
from basc.errors import SettingInvalid
from basc.evidence import ln_evidence_of
from basc.images import DirtyMap
from basc.interpolation import interpolation_error
from basc.nature import natures_of, with_nature
from basc.prior import Prior
from basc.result import Characterisation
from basc.sampling import NATURE, Chain, Samples, Team, effective_size, joined, r_hat
from basc.starting import birth_map, first_look, rank

MEDIAN_FLUX = 5.0  # prior median of the intrinsic flux, in units of the noise
TOLERATED = 0.1  # nats that interpolation may cost at the brightest source
AGREED = 1.1  # R-hat
ENOUGH = 50  # independent samples of a source
LEAST_LISTED = 0.005  # probability below which nothing is listed, however low the threshold
SURE = 0.05  # standard error of a probability


def characterise(
    dirty_map,
    *,
    seed=0,
    expected_sources=0.6,
    companions=0.2,
    median_flux=None,
    extended=0.0,
    spectral_index=(-0.7, 1.0),
    threshold=0.5,
    max_sources=60,
    chains=4,
    proposals=None,
    max_proposals=100_000,
    evidence=False,
    threads=1,
    progress=None,
):
    """Find the sources of a dirty map, or of several channels of it, with probabilities and errors.

    Draws sets of sources from their posterior, Eq. (1) of `basc` times the prior of `basc.prior`, in chains that
    run until they agree: potential scale reduction at most 1.1 for the number of sources, their total flux and
    ln L; and for every source with probability above one half, 50 independent samples of place and flux, and a
    standard error of its probability, and of that of its alternative, of at most 0.05.

    Parameters
    ----------
    dirty_map : DirtyMap or sequence of DirtyMap
        Several are channels (or bands) of one field, of the same pixels and searched area, each with its frequency;
        they are looked at together, and every source has a spectral index.
    seed : int
        Same seed, same answer, to the last bit, on any number of threads.
    expected_sources : float
        Mean of the prior, in the whole searched area.
    companions : float
        Prior fraction of sources that lie within a beam of a brighter one.
    median_flux : float, optional
        The prior's median intrinsic flux, in Jy. Default: five times the noise.
    extended : float
        Prior probability that a source is an elliptical Gaussian rather than a point. Of 0, all are points, which
        takes a fraction of the time.
    spectral_index : pair of float
        Mean and standard deviation of its prior; of use with several channels only.
    threshold : float
        Least probability of the sources returned.
    max_sources : int
        No set has more than these.
    chains : int
        Independent chains, at least 2, whose agreement is reported.
    proposals : int, optional
        Per chain, in the first run; the burn-in takes half as many before it. Default: by the number of sources
        that stand out. Each further run is as long as all before: it joins what agreed, and replaces what did not.
    max_proposals : int
        Per chain in all; chains that do not agree by then are reported in `not_converged`.
    evidence : bool
        Whether to compute the evidence where the chains never empty the map. It takes several times as long.
    threads : int
        Chains run at the same time.
    progress : callable, optional
        Called with the fraction done, from 0 to 1.

    Returns
    -------
    Characterisation

    Raises
    ------
    SettingInvalid
        If a parameter makes no sense.
    ChannelsMismatch
        If channels do not show the same pixels, or not at known frequencies.
    """
    settings = {
        "seed": seed,
        "expected_sources": expected_sources,
        "companions": companions,
        "median_flux": median_flux,
        "extended": extended,
        "spectral_index": spectral_index,
        "threshold": threshold,
        "max_sources": max_sources,
        "chains": chains,
        "proposals": proposals,
        "max_proposals": max_proposals,
        "evidence": evidence,
        "threads": threads,
    }
    for name, (wanted, right) in _WANTED.items():
        if not (name in _OPTIONAL and settings[name] is None) and not right(settings[name]):
            raise SettingInvalid(name, settings[name], wanted)
    tell = progress or (lambda fraction: None)
    tell(0.0)

    channels = [dirty_map] if isinstance(dirty_map, DirtyMap) else list(dirty_map)
    if not channels:
        raise SettingInvalid("dirty_map", channels, "at least one map")
    detail, noise = None, None
    if extended > 0 or len(channels) > 1:
        dirty_map, weights, ln_frequency, noise = combine(channels, spectral_index[0], max_sources)
        detail = detail_of(channels, dirty_map, weights, ln_frequency, extended, spectral_index)
    else:
        (dirty_map,) = channels
    seen, start, n_start, noise, effective, epsilon, prior = _prepare(
        dirty_map, expected_sources, companions, median_flux, max_sources, detail, noise, channels
    )
    streams = np.random.SeedSequence(seed).spawn(chains)
    team = Team(
        [Chain(seen, effective, start, n_start, np.random.default_rng(stream), detail) for stream in streams],
        threads,
    )
    length = min(proposals or 1500 + 190 * n_start, max_proposals)
    burn_in = length // 3
    clock = _Clock(tell, chains * (burn_in + length))
    for chain in team.chains:
        chain.tick = clock.tick
    team.each(lambda chain: chain.cool(burn_in))
    draws: tuple[np.ndarray, ...] = ()  # samples, sizes and ln L, chain by chain
    spent, runs, agreed = burn_in, 0, False
    while True:
        fresh = team.run(length)
        # What agreed, but was too little, counts with what is as long again.
        draws = joined(draws, fresh) if agreed else fresh
        spent, runs = spent + length, runs + 1
        condensed, settled, doubts, checks = _agreement((draws[0][:, :, :3], *draws[1:]), seen, noise)
        agreed = max(checks["r_hat"].values()) <= AGREED
        if runs > 1:
            length *= 2
        if not doubts or spent + length > max_proposals:
            break
        clock.more(chains * length)

    samples, sizes, energies = (part.reshape(-1, *part.shape[2:]) for part in draws)
    samples, natures = samples[:, :3], samples[:, 3:]
    if sizes.max() == max_sources:
        doubts.append(f"there may be more than {max_sources} sources: raise max_sources")
    ln_evidence, temperatures = ln_evidence_of(team, sizes, seen.ln_number, wanted=evidence)
    # What is listed must not change what is said of it.
    if threshold < condensing.RAREST:
        condensed = condensing.with_rarer(
            condensed, samples, sizes, seen.inverse_axes, noise, max(0.5 * threshold, LEAST_LISTED)
        )
    known = condensed.above(min(threshold, condensing.LIKELY))
    if known.size > settled[0].size:
        settled = condensing.settle(known, samples, sizes, seen.inverse_axes)
    known, *alternatives = settled
    found, alternatives = (
        known.above(threshold),
        [each[known.probabilities >= threshold] for each in alternatives],
    )
    neighbour = condensing.nearest_neighbours(found.means, seen.inverse_axes)
    response = _bilinear(dirty_map.response, found.means[:, 0], found.means[:, 1])
    corner = np.array([dirty_map.search[1].start, dirty_map.search[0].start])
    found.means[:, :2] += corner
    moves = sum(chain.moves for chain in team.chains)
    nature: dict[str, np.ndarray] = {}
    if detail is not None:
        nature = natures_of(found.members, natures, extended=extended > 0, spectral=len(channels) > 1)
    result = Characterisation(
        sources=as_table(
            found, response, noise, neighbour, alternatives, dirty_map.wcs, dict(dirty_map.meta), nature
        ),
        covariances=found.covariances,
        samples=_as_samples(samples, natures, sizes, energies, corner, chains),
        noise=noise,
        effective_noise=effective,
        searched=dirty_map.search,
        n_posterior=np.bincount(sizes) / len(sizes),
        ln_evidence=ln_evidence,
        not_converged=tuple(doubts),
        seed=seed,
        settings=settings | {"median_flux": prior.median_flux},
        versions=_versions(),
        diagnostics=checks
        | {
            "acceptance": {
                name: int(accepted) / max(int(tried), 1)
                for name, (tried, accepted) in zip(kernels.MOVES, moves, strict=True)
            },
            "proposals": spent,
            "runs": runs,
            "temperatures": temperatures,
            "interpolation_error": epsilon,
            "start": n_start,
        },
        _data=dirty_map.searched_data,
        _beam=seen.beam_coefficients,
        _axes=seen.axes,
        _wcs=dirty_map.wcs,
        _detail=detail,
        _nature=nature,
    )
    tell(1.0)
    return result


def warm_up():
    """Compile every kernel, by characterising a small simulated field."""
    from basc.simulate import observe

    field = observe([(32.2, 31.7, 1.0)], rng=np.random.default_rng(0), pixels=64, noise=0.02)
    characterise(DirtyMap(field.dirty, field.beam), proposals=300, max_proposals=300).model()


def _prepare(dirty_map, expected_sources, companions, median_flux, max_sources, detail, noise, channels):
    """All that a chain needs to know of a map, and where it starts.

    Of `noise`, if given, is the sum of the channels; the first look has its own.
    """
    searchable, response = dirty_map.searchable, dirty_map.response
    seen, start, n_start, first_noise, residual = first_look(dirty_map, max_sources)
    noise = noise or first_noise
    epsilon = max(max(interpolation_error(each.beam) for each in channels), dirty_map.precision)
    brightest = float(start[kernels.FLUX, :n_start].max(initial=0.0))
    limited = epsilon * (brightest / first_noise) ** 2 >= TOLERATED
    effective = float(np.hypot(noise, epsilon * brightest)) if limited else noise

    prior = Prior(expected_sources, companions, float(median_flux or MEDIAN_FLUX * noise))
    births = birth_map(seen, residual, searchable, start, n_start, effective * first_noise / noise)
    seen = seen._replace(
        median=prior.median_flux * response,
        birth_cdf=np.cumsum(births.ravel()),
        birth_density=births,
        ln_number=prior.ln_number(max_sources),
        places=prior.places(float(np.count_nonzero(searchable)), seen.axes),
    )
    if detail is not None:
        start, n_start = with_nature(seen, detail, start, n_start, effective)
    rank(seen, start, n_start)
    return seen, start, n_start, noise, effective, epsilon, prior


class _Clock:
    """How far the chains are, told as a fraction that never falls."""

    def __init__(self, tell, expected):
        self.tell, self.expected, self.done, self.told = tell, expected, 0, 0.0

    def more(self, proposals):
        """They go on for longer than was expected."""
        self.expected += proposals

    def tick(self, proposals):
        """So many more are done."""
        self.done += proposals
        fraction = min(self.done / self.expected, 0.95)
        if fraction > self.told:
            self.told = fraction
            self.tell(fraction)


def _agreement(draws, seen, noise):
    """The sources that samples of several chains have in common; likely ones settled; and what the chains differ in."""
    samples, sizes, energies = draws
    chains, kept = sizes.shape
    flat = samples.reshape(-1, *samples.shape[2:]), sizes.ravel(), energies.ravel()
    condensed = condensing.condense(*flat, seen.inverse_axes, noise)
    scale = {"n": r_hat(sizes), "flux": r_hat(samples[:, :, 2].sum(axis=2)), "ln_likelihood": r_hat(energies)}
    doubts = [
        f"R-hat of {name} is {value:.3g} (at most {AGREED})"
        for name, value in scale.items()
        if not value <= AGREED
    ]
    settled = condensing.settle(condensed.above(condensing.LIKELY), flat[0], flat[1], seen.inverse_axes)
    certain = settled[0]
    sizes_ = np.array([])
    if certain.size:
        index = np.maximum(certain.members, 0)
        series = flat[0][np.arange(len(flat[1])), :, index]  # (sources, samples, 3)
        series = np.where(certain.members[..., None] >= 0, series, certain.means[:, None])
        series = np.moveaxis(series, -1, 1).reshape(len(index), 3, chains, kept)
        sizes_ = effective_size(series).min(axis=1)
        right = (certain.members >= 0).reshape(-1, chains, kept).astype(float)
        share = right.mean(axis=(1, 2))
        uncertainty = np.sqrt(share * (1.0 - share) / effective_size(right)).max()
        if uncertainty > SURE:
            doubts.append(f"a probability has a standard error of {uncertainty:.2f} (at most {SURE})")
        # Where few samples have a source, fewer of them are independent.
        wanted = min(ENOUGH, 0.8 * chains * kept) * np.mean(certain.members >= 0, axis=1)
        if (few := np.count_nonzero(sizes_ < wanted)) > 0:
            doubts.append(f"{few} sources have fewer than {ENOUGH} independent samples ({sizes_.min():.0f})")
    return condensed, settled, doubts, {"r_hat": scale, "effective_samples": sizes_.round().tolist()}


_OPTIONAL = ("median_flux", "proposals")
_WANTED = {
    "seed": ("a whole number, 0 or more", lambda value: value >= 0),
    "expected_sources": ("a positive number", lambda value: 0 < value < np.inf),
    "companions": ("from 0 to below 1", lambda value: 0 <= value < 1),
    "median_flux": ("a positive number (Jy)", lambda value: 0 < value < np.inf),
    "extended": ("from 0 to below 1", lambda value: 0 <= value < 1),
    "spectral_index": (
        "two numbers, the second positive",
        lambda value: len(value) == 2 and all(np.isfinite(value)) and value[1] > 0,
    ),
    "threshold": ("between 0 and 1", lambda value: 0 <= value <= 1),
    "max_sources": ("between 1 and 1000", lambda value: 1 <= value <= 1000),
    "chains": ("between 2 and 64", lambda value: 2 <= value <= 64),
    "proposals": ("at least 100", lambda value: value >= 100),
    "max_proposals": ("at least 100", lambda value: value >= 100),
    "threads": ("at least 1", lambda value: value >= 1),
}


def _bilinear(image, x, y):
    """An image of the box between its pixels, of which those of 0 do not count."""
    x, y = np.clip(x, 0, image.shape[1] - 1.001), np.clip(y, 0, image.shape[0] - 1.001)
    i, j = x.astype(int), y.astype(int)
    corners = [
        ((1 - (x - i)) * (1 - (y - j)), image[j, i]),
        ((x - i) * (1 - (y - j)), image[j, i + 1]),
        ((1 - (x - i)) * (y - j), image[j + 1, i]),
        ((x - i) * (y - j), image[j + 1, i + 1]),
    ]
    total = sum(weight * (value > 0) for weight, value in corners)
    return sum(weight * value for weight, value in corners) / np.where(total > 0, total, 1.0)


def _as_samples(samples, natures, sizes, energies, corner, chains):
    most = max(int(sizes.max(initial=0)), 1)
    used = samples[:, :, :most]
    there = np.arange(used.shape[2]) < sizes[:, None]
    return Samples(
        size=sizes,
        x=np.where(there, used[:, 0] + corner[0], 0.0),
        y=np.where(there, used[:, 1] + corner[1], 0.0),
        flux=used[:, 2].copy(),
        ln_likelihood=energies,
        chain=np.repeat(np.arange(chains), len(sizes) // chains),
        nature={name: natures[:, row, :most].copy() for row, name in enumerate(NATURE[: natures.shape[1]])},
    )


def _versions():
    from basc import __version__

    return {
        "basc": __version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
        "astropy": astropy.__version__,
    }
