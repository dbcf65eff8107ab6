"""From many sets of sources to those that they have in common.

Condensed catalogue after Portillo et al. 2017, AJ 154, 132, Sect. 2.4: each sample gives each reference source at
most one of its own, so close neighbours stay two, and a source's probability is how often it got one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

REACH = 1.6  # sigma of the beam: farthest that a sample's source may lie from its reference
ROUNDS = 3
MOST_EXTRA = 40
RAREST = 0.1  # fraction of samples that must have a source for it to take part in the assignment
BEAM = 2.355  # sigmas in a beam (FWHM)
LIKELY = 0.5  # probability from which a source counts as there
MOST_DOUBTFUL = 0.1  # fraction of samples that must have the catalogue's number in a group to be used alone


@dataclass(frozen=True)
class Condensed:
    """What many samples agree on, brightest first.

    Attributes
    ----------
    means : float64 array, shape (n, 3)
        x, y (pixels of the box) and flux (Jy).
    covariances : float64 array, shape (n, 3, 3)
    probabilities : float64 array, shape (n,)
    members : int64 array, shape (n, n_samples)
        Which source of each sample is this one; -1 for none.
    """

    @property
    def size(self):
        """How many sources there are."""
        return len(self.means)

    means: np.ndarray
    covariances: np.ndarray
    probabilities: np.ndarray
    members: np.ndarray

    def above(self, threshold):
        """Only what is at least so probable."""
        kept = self.probabilities >= threshold
        return Condensed(
            self.means[kept], self.covariances[kept], self.probabilities[kept], self.members[kept]
        )


def condense(samples, sizes, energies, inverse_axes, noise, rarest=RAREST):
    """Sources common to many samples of a posterior.

    Parameters
    ----------
    samples : float64 array, shape (n_samples, 3, max_sources)
        x, y (pixels) and flux (Jy).
    sizes : int64 array, shape (n_samples,)
    energies : float64 array, shape (n_samples,)
        To choose the sample that gives the first references: the likeliest of the commonest size.
    inverse_axes : float64 array, shape (2, 2)
        Beam sigmas per pixel.
    noise : float
    rarest : float
        Fraction of the samples that must have a source.

    Returns
    -------
    Condensed
    """
    rarest = max(rarest * len(sizes), 2.0)
    used = max(int(sizes.max(initial=0)), 1)
    atoms = np.ascontiguousarray(samples[:, :, :used].transpose(0, 2, 1))
    present = np.arange(used) < sizes[:, None]
    whitened = np.ascontiguousarray(atoms[..., :2] @ inverse_axes.T)
    commonest = np.bincount(sizes).argmax()
    best = np.flatnonzero(sizes == commonest)
    references = atoms[best[energies[best].argmax()], :commonest]
    spread = np.maximum(noise / np.maximum(references[:, 2], noise), 0.02)
    errors = np.stack([spread, np.full(len(spread), noise)], axis=1)

    for round_ in range(ROUNDS):
        order = np.argsort(-references[:, 2], kind="stable")
        references, errors = np.ascontiguousarray(references[order]), np.ascontiguousarray(errors[order])
        members = np.full((len(references), len(atoms)), -1)
        free = present.copy()
        assign(
            atoms,
            whitened,
            free,
            references[:, :2] @ inverse_axes.T,
            references[:, 2].copy(),
            errors,
            members,
        )
        if round_ == ROUNDS - 1:
            break
        references, errors = _references(atoms, members, inverse_axes, rarest)
        extra = _clusters(atoms, whitened, free, rarest)
        if len(extra):
            references = np.concatenate([references, extra])
            faint = np.stack([np.full(len(extra), 0.5), np.maximum(extra[:, 2], noise)], axis=1)
            errors = np.concatenate([errors, faint])
    counts, means, covariances = moments(atoms, members)
    order = np.argsort(-means[:, 2], kind="stable")
    order = order[counts[order] > rarest]
    return Condensed(means[order], covariances[order], counts[order] / len(atoms), members[order])


def with_rarer(found, samples, sizes, inverse_axes, noise, rarest):
    """The same sources, and what gathers among the sources of samples that belong to none of them.

    Parameters
    ----------
    found : Condensed
        Stays as it is, but for the order.
    samples, sizes, inverse_axes, noise
        As for `condense`.
    rarest : float
        Fraction of the samples that must have a source.

    Returns
    -------
    Condensed
    """
    rarest = max(rarest * len(sizes), 2.0)
    atoms = np.ascontiguousarray(samples.transpose(0, 2, 1))
    free = np.arange(atoms.shape[1]) < sizes[:, None]
    for members in found.members:
        free[members >= 0, members[members >= 0]] = False
    whitened = np.ascontiguousarray(atoms[..., :2] @ inverse_axes.T)
    references = _clusters(atoms, whitened, free, rarest)
    members = np.full((len(references), len(atoms)), -1)
    errors = np.stack([np.full(len(references), 0.5), np.maximum(references[:, 2], noise)], axis=1)
    places, fluxes = references[:, :2] @ inverse_axes.T, np.ascontiguousarray(references[:, 2])
    assign(atoms, whitened, free, places, fluxes, errors, members)
    counts, means, covariances = moments(atoms, members)
    more = counts > rarest
    probabilities = np.concatenate([found.probabilities, counts[more] / len(atoms)])
    means = np.concatenate([found.means, means[more]])
    order = np.argsort(-means[:, 2], kind="stable")
    return Condensed(
        means[order],
        np.concatenate([found.covariances, covariances[more]])[order],
        probabilities[order],
        np.concatenate([found.members, members[more]])[order],
    )


@njit(cache=True, nogil=True)
def assign(atoms, whitened, free, places, fluxes, errors, members):
    """Give each reference, brightest first, the nearest free source of every sample.

    Nearness counts position and flux, each in units of how far that reference spreads.

    Parameters
    ----------
    atoms : float64 array, shape (n_samples, most, 3)
        x, y, flux.
    whitened : float64 array, shape (n_samples, most, 2)
        x, y in sigmas of the beam.
    free : bool array, shape (n_samples, most)
        Sources that exist; those given away are cleared.
    places, fluxes, errors : float64 arrays, shapes (n, 2), (n,), (n, 2)
        References: place (sigmas of the beam), flux, and the spreads of both.
    members : int64 array, shape (n, n_samples)
        Filled with the index of the source, where there is one.
    """
    for sample in range(atoms.shape[0]):
        for k in range(places.shape[0]):
            best = np.inf
            for a in range(atoms.shape[1]):
                if free[sample, a]:
                    dx, dy = whitened[sample, a, 0] - places[k, 0], whitened[sample, a, 1] - places[k, 1]
                    distance2 = dx * dx + dy * dy
                    if distance2 < REACH * REACH:
                        df = (atoms[sample, a, 2] - fluxes[k]) / errors[k, 1]
                        cost = distance2 / (errors[k, 0] * errors[k, 0]) + df * df
                        if cost < best:
                            best = cost
                            members[k, sample] = a
            if members[k, sample] >= 0:
                free[sample, members[k, sample]] = False


@njit(cache=True, nogil=True, error_model="numpy")
def summarise(atoms, members, counts, means, covariances):
    """Mean and covariance of the sources of all samples that belong to each reference.

    Parameters
    ----------
    atoms : float64 array, shape (n_samples, most, 3)
    members : int64 array, shape (n, n_samples)
        -1 for none.
    counts, means, covariances : int64 and float64 arrays, shapes (n,), (n, 3), (n, 3, 3)
        Of zeros, to be filled; the covariances of fewer than two stay 0.
    """
    # Element by element: numba takes seconds to compile what assigns rows.
    for k in range(members.shape[0]):
        count = 0
        for sample in range(members.shape[1]):
            if members[k, sample] >= 0:
                count += 1
                for i in range(3):
                    means[k, i] += atoms[sample, members[k, sample], i]
        counts[k] = count
        for i in range(3):
            means[k, i] /= max(count, 1)
        for sample in range(members.shape[1]):
            if members[k, sample] >= 0:
                for i in range(3):
                    for j in range(3):
                        covariances[k, i, j] += (
                            (atoms[sample, members[k, sample], i] - means[k, i])
                            * (atoms[sample, members[k, sample], j] - means[k, j])
                            / max(count - 1, 1)
                        )


def moments(atoms, members):
    """Counts, means and covariances: see `summarise`."""
    n = len(members)
    counts, means, covariances = np.zeros(n, np.int64), np.zeros((n, 3)), np.zeros((n, 3, 3))
    summarise(atoms, members, counts, means, covariances)
    return counts, means, covariances


def _references(atoms, members, inverse_axes, rarest):
    """References and their spreads (beam sigmas, Jy) after an assignment."""
    counts, means, covariances = moments(atoms, members)
    places = inverse_axes @ covariances[:, :2, :2] @ inverse_axes.T
    spread = np.sqrt(np.trace(places, axis1=1, axis2=2) / 2.0) + 0.01
    errors = np.stack([spread, np.sqrt(covariances[:, 2, 2]) + 1e-12], axis=1)
    return means[counts > rarest], errors[counts > rarest]


def _clusters(atoms, whitened, left, rarest):
    """Places where sources that belong to no reference gather, densest first."""
    places, members = whitened[left], atoms[left]
    extra: list[np.ndarray] = []
    while len(places) > rarest and len(extra) < MOST_EXTRA:
        cells = np.floor(places * (2.0 / REACH)).astype(np.int64) @ [1 << 32, 1]
        known, counts = np.unique(cells, return_counts=True)
        middle = np.median(places[cells == known[counts.argmax()]], axis=0)
        distance2 = np.square(places - middle).sum(axis=1)
        near = distance2 < 1.0
        if np.count_nonzero(near) <= rarest:
            break
        extra.append(members[near].mean(axis=0))
        far = distance2 > REACH**2
        places, members = places[far], members[far]
    return np.array(extra).reshape(-1, 3)


def nearest_neighbours(means, inverse_axes):
    """Distance in beams (FWHM) from each source to the nearest other; NaN if there is none.

    Parameters
    ----------
    means : float64 array, shape (n, 3)
    inverse_axes : float64 array, shape (2, 2)

    Returns
    -------
    float64 array, shape (n,)
    """
    if len(means) < 2:
        return np.full(len(means), np.nan)
    return _distances(means, inverse_axes).min(axis=1)


def settle(found, samples, sizes, inverse_axes):
    """Means and covariances given that the likely sources, and no others, are there.

    Likely sources (`LIKELY` or more) within a beam of each other, and of those, and so on, are a group. Samples in
    which a group holds another number of sources say nothing of the likely ones, and how many there are is the
    probability of the alternative. Unlikely sources keep the means of all samples that have them; their
    alternative is not to be.

    Parameters
    ----------
    found : Condensed
        Its means and covariances are over all samples that have the source.
    samples : float64 array, shape (n_samples, 3, max_sources)
    sizes : int64 array, shape (n_samples,)
    inverse_axes : float64 array, shape (2, 2)

    Returns
    -------
    settled : Condensed
        `members` of likely sources is -1 also where a sample has another number of sources in the group.
    alternatives : int64 array, shape (n,)
        Most probable other number of sources in the place of the group.
    probabilities : float64 array, shape (n,)
        Of that number.
    """
    likely = np.flatnonzero(found.probabilities >= LIKELY)
    near = _distances(found.means, inverse_axes) < 1.0
    group = np.arange(found.size)
    for k in likely:
        for other in likely[near[k, likely]]:
            group[group == group[other]] = group[k]
    groups, group_of_likely = np.unique(group[likely], return_inverse=True)
    counts = np.zeros((len(groups), len(sizes)), np.int64)
    places = np.ascontiguousarray(found.means[likely, :2] @ inverse_axes.T)
    count_in_groups(samples, sizes, inverse_axes, places, group_of_likely, counts)
    number, probability = np.zeros(found.size, np.int64), 1.0 - found.probabilities
    members = found.members.copy()
    for g, count in enumerate(counts):
        share, inside = np.bincount(count) / len(sizes), likely[group_of_likely == g]
        right = count == len(inside)
        if len(inside) < len(share):
            share[len(inside)] = 0.0
        number[inside], probability[inside] = share.argmax(), share.max()
        number[near[:, inside].any(axis=1) & (found.probabilities < LIKELY)] = len(inside)
        for source in inside:
            there = members[source] >= 0
            if np.count_nonzero(there & right) > MOST_DOUBTFUL * np.count_nonzero(there):
                members[source, ~right] = -1
    _, means, covariances = moments(np.ascontiguousarray(samples.transpose(0, 2, 1)), members)
    return Condensed(means, covariances, found.probabilities, members), number, probability


@njit(cache=True, nogil=True)
def count_in_groups(samples, sizes, inverse_axes, places, group, counts):
    """Count the sources of each sample within a beam of a catalogued one, by the group of the nearest."""
    for sample in range(samples.shape[0]):
        for a in range(sizes[sample]):
            x, y = samples[sample, 0, a], samples[sample, 1, a]
            across = inverse_axes[0, 0] * x + inverse_axes[0, 1] * y
            along = inverse_axes[1, 0] * x + inverse_axes[1, 1] * y
            best, nearest = BEAM * BEAM, -1
            for k in range(places.shape[0]):
                distance2 = (across - places[k, 0]) ** 2 + (along - places[k, 1]) ** 2
                if distance2 < best:
                    best, nearest = distance2, k
            if nearest >= 0:
                counts[group[nearest], sample] += 1


def _distances(means, inverse_axes):
    """Distances between all sources in beams; infinite from each to itself."""
    places = means[:, :2] @ inverse_axes.T
    distances = np.sqrt(np.square(places[:, None] - places[None]).sum(axis=-1)) / BEAM
    np.fill_diagonal(distances, np.inf)
    return distances
