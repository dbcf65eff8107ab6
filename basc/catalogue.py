"""From many sets of sources to one catalogue, with probabilities and errors.

Condensed catalogue after Portillo et al. 2017, AJ 154, 132, Sect. 2.4: each sample gives each reference source at
most one of its own, so close neighbours stay two, and a source's probability is how often it got one.
"""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.table import QTable

REACH = 1.6  # sigma of the beam: farthest that a sample's source may lie from its reference
ROUNDS = 4
RAREST = 0.03  # references seen less often are dropped
MOST_EXTRA = 40

COLUMNS = {
    "x": (u.pix, "pos.cartesian.x;instr.det", "Column of the source, first pixel 0"),
    "y": (u.pix, "pos.cartesian.y;instr.det", "Row of the source, first pixel 0"),
    "ra": (u.deg, "pos.eq.ra;meta.main", "Right ascension"),
    "dec": (u.deg, "pos.eq.dec;meta.main", "Declination"),
    "flux": (u.Jy, "phot.flux.density;em.radio", "Apparent flux density, as seen through the primary beam"),
    "flux_intrinsic": (
        u.Jy,
        "phot.flux.density;em.radio;meta.main",
        "Flux density over primary beam response",
    ),
    "sigma_x": (u.pix, "stat.error;pos.cartesian.x", "Standard deviation of x"),
    "sigma_y": (u.pix, "stat.error;pos.cartesian.y", "Standard deviation of y"),
    "sigma_flux": (u.Jy, "stat.error;phot.flux.density", "Standard deviation of the apparent flux density"),
    "probability": (u.dimensionless_unscaled, "stat.probability", "Probability that the source exists"),
}


def condense(samples, sizes, energies, inverse_axes, noise):
    """Sources common to many samples of a posterior.

    Parameters
    ----------
    samples : float64 array, shape (n_samples, 3, max_sources)
        x, y (pixels) and flux (Jy).
    sizes : int array, shape (n_samples,)
    energies : float64 array, shape (n_samples,)
        To choose the sample that gives the first references: the likeliest of the commonest size.
    inverse_axes : float64 array, shape (2, 2)
        Beam sigmas per pixel.
    noise : float

    Returns
    -------
    means : float64 array, shape (n, 3)
    covariances : float64 array, shape (n, 3, 3)
    probabilities : float64 array, shape (n,)
    """
    used = max(int(sizes.max(initial=0)), 1)
    atoms = samples[:, :, :used].transpose(0, 2, 1)
    present = np.arange(used) < sizes[:, None]
    whitened = atoms[..., :2] @ inverse_axes.T
    commonest = np.bincount(sizes).argmax()
    best = np.flatnonzero(sizes == commonest)
    best = best[energies[best].argmax()]
    references = atoms[best, :commonest]
    spread = np.maximum(noise / np.maximum(references[:, 2], noise), 0.02)
    errors = np.stack([spread, np.full(len(spread), noise)], axis=1)

    for round_ in range(ROUNDS):
        taken, left = _assign(atoms, whitened, present, references, errors, inverse_axes)
        if round_ < ROUNDS - 1:
            extra = _clusters(atoms, whitened, left)
        references, errors = _means(atoms, whitened, taken, RAREST)
        if round_ < ROUNDS - 1 and len(extra):
            references = np.concatenate([references, extra])
            faint = np.stack([np.full(len(extra), 0.5), np.maximum(extra[:, 2], noise)], axis=1)
            errors = np.concatenate([errors, faint])
    means, covariances, probabilities = [], [], []
    for row in taken:
        found = np.flatnonzero(row >= 0)
        if len(found) <= max(RAREST * len(row), 2):
            continue
        members = atoms[found, row[found]]
        means.append(members.mean(axis=0))
        covariances.append(np.cov(members.T))
        probabilities.append(len(found) / len(row))
    order = np.argsort([-m[2] for m in means], kind="stable")
    return (
        np.array(means).reshape(-1, 3)[order],
        np.array(covariances).reshape(-1, 3, 3)[order],
        np.array(probabilities)[order],
    )


def _assign(atoms, whitened, present, references, errors, inverse_axes):
    """For each reference, brightest first, the nearest free source of every sample, or -1.

    Nearness counts position and flux, each in units of how far that reference spreads.
    """
    free = present.copy()
    taken = np.full((len(references), len(atoms)), -1)
    everyone = np.arange(len(atoms))
    across, up, flux = (np.ascontiguousarray(part) for part in (*np.moveaxis(whitened, -1, 0), atoms[..., 2]))
    for k in np.argsort(-references[:, 2], kind="stable"):
        at_x, at_y = inverse_axes @ references[k, :2]
        distance2 = np.square(across - at_x) + np.square(up - at_y)
        cost = distance2 / errors[k, 0] ** 2
        cost += np.square((flux - references[k, 2]) / errors[k, 1])
        cost[~free | (distance2 > REACH**2)] = np.inf
        nearest = cost.argmin(axis=1)
        found = np.isfinite(cost[everyone, nearest])
        taken[k, found] = nearest[found]
        free[everyone[found], nearest[found]] = False
    return taken, free


def _means(atoms, whitened, taken, rarest):
    """References and their spreads (beam sigmas, Jy) after an assignment."""
    references, errors = [], []
    for row in taken:
        found = np.flatnonzero(row >= 0)
        if len(found) > rarest * len(row):
            members, places = atoms[found, row[found]], whitened[found, row[found]]
            references.append(members.mean(axis=0))
            errors.append([np.sqrt(places.var(axis=0).mean()) + 0.01, members[:, 2].std() + 1e-12])
    return np.array(references).reshape(-1, 3), np.array(errors).reshape(-1, 2)


def _clusters(atoms, whitened, left):
    """Places where sources that belong to no reference gather, densest first."""
    places, members = whitened[left], atoms[left]
    extra: list[np.ndarray] = []
    while len(places) > RAREST * len(atoms) and len(extra) < MOST_EXTRA:
        cells = np.floor(places * 1.5).astype(int)
        _, which, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
        middle = np.median(places[which.ravel() == counts.argmax()], axis=0)
        near = np.square(places - middle).sum(axis=1) < 1.0
        if near.sum() <= RAREST * len(atoms):
            break
        extra.append(members[near].mean(axis=0))
        far = np.square(places - middle).sum(axis=1) > REACH**2
        places, members = places[far], members[far]
    return np.array(extra).reshape(-1, 3)


def as_table(means, covariances, probabilities, response, wcs, meta):
    """A catalogue with units, descriptions and UCDs.

    Parameters
    ----------
    means, covariances, probabilities : arrays, shapes (n, 3), (n, 3, 3), (n,)
        x, y in pixels of the full map, apparent flux in Jy.
    response : float64 array, shape (n,)
        Primary beam at the sources.
    wcs : `astropy.wcs.WCS` or None
    meta : dict

    Returns
    -------
    `astropy.table.QTable`
    """
    x, y, flux = means.T
    ra, dec = (np.full(len(x), np.nan),) * 2
    if wcs is not None and len(x):
        ra, dec = wcs.pixel_to_world_values(x, y)
    sigma = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)).T
    values = (x, y, ra, dec, flux, flux / response, *sigma, probabilities)
    table = QTable(meta=meta)
    for (name, (unit, ucd, description)), value in zip(COLUMNS.items(), values, strict=True):
        table[name] = u.Quantity(value, unit)
        table[name].info.description, table[name].info.meta = description, {"ucd": ucd}
    return table
