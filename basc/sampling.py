"""Chains: annealed, run until they agree, and their samples."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from basc import kernels, shapes

COOLING = 4  # temperatures on the way down
HOTTEST = 1.5
SAMPLES = 250  # kept per chain
NATURE = ("major", "ratio", "angle", "index")  # what a sample says of a source besides place and flux
BLOCK = 8192  # proposals whose random numbers are drawn at once


@dataclass(frozen=True)
class Samples:
    """Sets of sources drawn from the posterior.

    Attributes
    ----------
    size : int64 array, shape (n_samples,)
        Number of sources of each.
    x, y, flux : float64 arrays, shape (n_samples, max_sources)
        Pixels and apparent flux (Jy); of row i, the first ``size[i]`` count, the others are 0.
    ln_likelihood : float64 array, shape (n_samples,)
        Relative to no source.
    chain : int64 array, shape (n_samples,)
        From which chain.
    nature : dict of str to float64 array, shape (n_samples, max_sources)
        Empty where all sources are points seen in one channel; else under the names of `NATURE`: the standard deviation
        of a Gaussian source along its major axis (pixels; 0 for a point), its minor over its major axis, the
        direction of the major axis (radians from x to y), and the spectral index.
    """

    size: np.ndarray
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    ln_likelihood: np.ndarray
    chain: np.ndarray
    nature: dict[str, np.ndarray] = field(default_factory=dict)


class Chain:
    """One chain of reversible jumps: where it stands, and its own random numbers."""

    def __init__(self, field, noise, start, n, rng, detail=None):
        self.field, self.detail, self.noise, self.rng = field, detail, noise, rng
        self.state, self.n = start.copy(), n
        self.energy = energy_of(field, self.state, n, detail)
        self.moves = np.zeros((len(kernels.MOVES), 2), np.int64)
        self.tick = lambda proposals: None  # told of every block that is done

    def cool(self, proposals):
        """Come down from where only the brightest source stands out."""
        brightest = float(self.state[kernels.FLUX, : self.n].max(initial=0.0))
        hottest = min(max(brightest / (6.0 * self.noise), 1.0), HOTTEST)
        steps = COOLING if hottest > 1.0 else 1
        for step in range(steps):
            self.run(proposals // steps + 1, 0, heat=hottest ** (1.0 - (step + 1) / steps))
        self.moves[:] = 0

    def run(self, proposals, kept, *, heat=1.0):
        """Advance; returns samples (kept, 3 or 7, max_sources), sizes (kept,) and ln L (kept,), at equal intervals.

        `heat` multiplies the noise: the chain then follows the prior times L^(1 / heat²).
        """
        kept = min(kept, proposals)
        rows, further = (3, 0) if self.detail is None else (3 + len(NATURE), shapes.FURTHER)
        samples = np.zeros((kept, rows, self.state.shape[1]))
        sizes, energies = np.zeros(kept, np.int64), np.zeros(kept)
        done = 0
        while done < proposals:
            steps = min(BLOCK, proposals - done)
            # A block holds a whole number of intervals between samples, as far as one can.
            wanted = slice(kept * done // proposals, kept * (done + steps) // proposals)
            numbers = (
                self.rng.random((steps, kernels.N_UNIFORM + further)),
                self.rng.standard_normal((steps, kernels.N_NORMAL)),
            )
            self.n, self.energy = kernels.run_chain(
                self.field, self.detail, self.noise * heat, self.state, self.n, self.energy, *numbers,
                samples[wanted], sizes[wanted], energies[wanted], self.moves,
            )  # fmt: skip
            done += steps
            self.tick(steps)
        return samples, sizes, energies / self.noise**2


class Team:
    """Several chains side by side; the same answer on any number of threads."""

    def __init__(self, chains, threads=1):
        self.chains, self.threads = chains, threads

    def each(self, work):
        """What `work(chain)` returns for every chain, in their order."""
        if self.threads == 1:
            return [work(chain) for chain in self.chains]
        with ThreadPoolExecutor(min(self.threads, len(self.chains))) as pool:
            return list(pool.map(work, self.chains))

    def run(self, proposals, kept=SAMPLES, *, heat=1.0):
        """Advance all: samples, sizes and ln L of all chains, shapes (chains, kept, ...).

        Of samples, only as many sources as the largest set has.
        """
        runs = self.each(lambda chain: chain.run(proposals, kept, heat=heat))
        samples, sizes, energies = zip(*runs, strict=True)
        used = max(int(each.max(initial=1)) for each in sizes)
        return np.stack([each[:, :, :used] for each in samples]), np.stack(sizes), np.stack(energies)


def joined(old, new):
    """Every other sample of two runs of a team that are of one length, chain by chain.

    Parameters
    ----------
    old, new : tuples of arrays
        As `Team.run` returns them.
    """
    used = max(old[0].shape[-1], new[0].shape[-1])
    wide = [np.pad(run[0], [(0, 0)] * 3 + [(0, used - run[0].shape[-1])]) for run in (old, new)]
    pairs = zip((wide[0], *old[1:]), (wide[1], *new[1:]), strict=True)
    return tuple(np.concatenate([one[:, ::2], other[:, ::2]], axis=1) for one, other in pairs)


def energy_of(field, state, n, detail=None):
    """f.d - f'Gf/2 of a state, in Jy^2: ln L times the variance of the noise, 0 for no source.

    Parameters
    ----------
    field : `basc.kernels.Field`
    state : float64 array, shape (6, max_sources), or more rows with detail, of which OWN is filled in
    n : int
    detail : `basc.shapes.Detail`, optional
    """
    fluxes = state[kernels.FLUX, :n]
    # What each source finds after those before it.
    found = [kernels.look(field, detail, state, k, k, -1)[0] for k in range(n)]
    itself = 1.0 if detail is None else state[kernels.OWN, :n]
    return float(np.sum(fluxes * (found - 0.5 * itself * fluxes))) if n else 0.0


def r_hat(series):
    """Potential scale reduction (Gelman & Rubin 1992), near 1 when chains agree.

    Parameters
    ----------
    series : array_like, shape (chains, samples)

    Returns
    -------
    float
    """
    series = np.asarray(series, float)
    within, between = series.var(axis=1, ddof=1).mean(), series.mean(axis=1).var(ddof=1)
    length = series.shape[1]
    if within > 0:
        return float(np.sqrt((length - 1) / length + between / within))
    return 1.0 if between == 0 else float("inf")


def effective_size(series):
    """How many independent samples tell as much about the mean (Geyer 1992, initial positive sequence).

    Parameters
    ----------
    series : float64 array, shape (..., chains, samples)

    Returns
    -------
    float64 array, shape (...)
        Over all chains; of a constant series, the number of samples.
    """
    chains, length = series.shape[-2:]
    deviation = series - series.mean(axis=(-2, -1), keepdims=True)
    spectrum = np.fft.rfft(deviation, 2 * length)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(axis=-2)
    correlation = np.fft.irfft(power, 2 * length)[..., :length] / length
    variance = correlation[..., :1]
    correlation = np.divide(correlation, variance, out=np.zeros_like(correlation), where=variance > 0)
    pairs = correlation[..., 0 : length - length % 2 : 2] + correlation[..., 1::2][..., : length // 2]
    positive = np.logical_and.accumulate(pairs > 0, axis=-1)
    time = np.maximum(2.0 * np.sum(pairs * positive, axis=-1) - 1.0, 1.0)
    return np.minimum(chains * length / time, chains * length)
