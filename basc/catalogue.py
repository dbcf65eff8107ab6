"""The catalogue as a table: units, descriptions and UCDs."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.table import QTable

BLENDED = 0.2  # probability of another number of sources from which a source is called blended
ONE = u.dimensionless_unscaled

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
    "probability": (ONE, "stat.probability", "Probability that the source exists"),
    "corr_x_y": (ONE, "stat.correlation;pos.cartesian", "Correlation of x and y"),
    "corr_x_flux": (ONE, "stat.correlation;pos.cartesian.x", "Correlation of x and flux"),
    "corr_y_flux": (ONE, "stat.correlation;pos.cartesian.y", "Correlation of y and flux"),
    "snr": (ONE, "stat.snr;phot.flux.density", "Apparent flux density over the noise of a pixel"),
    "neighbour": (ONE, "pos.angDistance", "Distance to the nearest other source, in beams (FWHM); NaN: none"),
    "blended": (None, "meta.code.qual", "Within a beam of another source, or perhaps itself several"),
    "alternative": (None, "meta.number;src", "Most probable other number of sources here"),
    "probability_alternative": (ONE, "stat.probability;meta.number", "Probability of that other number"),
}


NATURE = {
    "probability_extended": (ONE, "stat.probability", "Probability that the source is extended"),
    "major": (u.pix, "phys.angSize.smajAxis", "Major axis (FWHM, without the beam), if it is extended"),
    "sigma_major": (u.pix, "stat.error;phys.angSize.smajAxis", "Standard deviation of the major axis"),
    "minor": (u.pix, "phys.angSize.sminAxis", "Minor axis (FWHM, without the beam), if it is extended"),
    "sigma_minor": (u.pix, "stat.error;phys.angSize.sminAxis", "Standard deviation of the minor axis"),
    "position_angle": (
        u.deg,
        "pos.posAng",
        "Position angle of the major axis, from north through east (without coordinates: from up through left)",
    ),
    "sigma_position_angle": (u.deg, "stat.error;pos.posAng", "Standard deviation of the position angle"),
    "spectral_index": (ONE, "spect.index", "Flux density is proportional to frequency to this power"),
    "sigma_spectral_index": (ONE, "stat.error;spect.index", "Standard deviation of the spectral index"),
}


def as_table(condensed, response, noise, neighbour, alternatives, wcs, meta, nature=None):
    """A catalogue with units, descriptions and UCDs.

    Parameters
    ----------
    condensed : `basc.condensing.Condensed`
        x, y in pixels of the full map, apparent flux in Jy.
    response : float64 array, shape (n,)
        Primary beam at the sources.
    noise : float
        In Jy/beam.
    neighbour : float64 array, shape (n,)
        See `basc.condensing.nearest_neighbours`.
    alternatives : pair of arrays, shape (n,)
        See `basc.condensing.alternatives`.
    wcs : `astropy.wcs.WCS` or None
    meta : dict
    nature : dict, optional
        See `basc.nature.natures_of`; gives the columns of `NATURE`. With coordinates, sizes are in arcsec.

    Returns
    -------
    `astropy.table.QTable`
    """
    x, y, flux = condensed.means.T
    ra, dec = (np.full(len(x), np.nan),) * 2
    if wcs is not None and len(x):
        ra, dec = wcs.pixel_to_world_values(x, y)
    sigma = np.sqrt(np.diagonal(condensed.covariances, axis1=1, axis2=2)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(condensed.covariances / (sigma.T[:, :, None] * sigma.T[:, None, :]))
    number, probability = alternatives
    blended = (neighbour < 1.0) | ((probability >= BLENDED) & (number > 0))
    values = (
        x, y, ra, dec, flux, flux / response, *sigma, condensed.probabilities,
        correlation[:, 0, 1], correlation[:, 0, 2], correlation[:, 1, 2],
        flux / noise, neighbour, blended, number, probability,
    )  # fmt: skip
    table = QTable(meta=meta)
    for (name, (unit, ucd, description)), value in zip(COLUMNS.items(), values, strict=True):
        table[name] = value if unit is None else u.Quantity(value, unit)
        table[name].info.description, table[name].info.meta = description, {"ucd": ucd}
    if nature:
        _add_nature(table, nature, x, y, wcs)
    return table


def _add_nature(table, nature, x, y, wcs):
    """Further columns: shape and spectrum."""
    values = dict(nature)
    size = u.Quantity(1.0, u.pix)
    if "angle" in values:
        direction = np.stack([np.cos(values["angle"]), np.sin(values["angle"])])
        if wcs is not None:
            matrix = wcs.pixel_scale_matrix
            size = u.Quantity(3600.0 * np.sqrt(abs(np.linalg.det(matrix))), u.arcsec)
            east, north = matrix @ direction
        else:
            east, north = -direction[0], direction[1]
        values["position_angle"] = np.degrees(np.arctan2(east, north)) % 180.0
        values["sigma_position_angle"] = np.degrees(values["sigma_angle"])
    for name, (unit, ucd, description) in NATURE.items():
        if name in values:
            column = u.Quantity(values[name], unit)
            table[name] = column.value * size if unit is u.pix else column
            table[name].info.description, table[name].info.meta = description, {"ucd": ucd}
