"""A characterisation in words, as the command line and the figure say it."""

from __future__ import annotations

import math

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from basc.catalogue import BLENDED

SCALES = ((1.0, "Jy"), (1e-3, "mJy"), (1e-6, "µJy"), (1e-9, "nJy"))
MOST_DECIMALS = 8


def scale_of(value):
    """The unit in which a flux is said: (Jy per unit, its name)."""
    return next((scale for scale in SCALES if abs(value) >= scale[0]), SCALES[-1])


def with_error(value, error, sign="±"):
    """A number and its error, to two digits of the error."""
    if not (math.isfinite(error) and error > 0):
        return f"{value:.4g}"
    decimals = min(max(1 - math.floor(math.log10(error)), 0), MOST_DECIMALS)
    return f"{value:.{decimals}f} {sign} {error:.{decimals}f}"


def places_of(result):
    """Where each source is: right ascension and declination, or pixels where the map has no coordinates.

    Returns
    -------
    list of (str, str)
        To about a tenth of the error of the place.
    """
    table = result.sources
    if result.wcs is None:
        return [(f"x {x:.3f}", f"y {y:.3f}") for x, y in zip(table["x"].value, table["y"].value, strict=True)]
    cell = math.sqrt(abs(np.linalg.det(result.wcs.pixel_scale_matrix))) * 3600  # arcsec
    errors = np.hypot(table["sigma_x"].value, table["sigma_y"].value) * cell
    places = []
    for ra, dec, error in zip(table["ra"], table["dec"], errors, strict=True):
        digits = min(max(1 - math.floor(math.log10(error)), 0), MOST_DECIMALS) if error > 0 else 3
        hours = Angle(ra).to_string(u.hourangle, sep=":", precision=digits + 1, pad=True)
        degrees = Angle(dec).to_string(u.deg, sep=":", precision=digits, pad=True, alwayssign=True)
        places.append((hours, degrees))
    return places


def doubt_about(source):
    """What else there may be at a catalogued source, or nothing."""
    near = f"{source['neighbour']:.2f} beams from the next" if source["neighbour"] < 1.0 else ""
    return ", ".join(filter(None, [near, other_number(source)]))


def nature_of(source):
    """Shape and spectrum of a catalogued source, where they were asked for."""
    said = []
    if "probability_extended" in source.colnames and source["probability_extended"] >= BLENDED:
        axes = (
            with_error(source[name].value, source[f"sigma_{name}"].value, "+-") for name in ("major", "minor")
        )
        unit = source["major"].unit
        angle = with_error(source["position_angle"].value, source["sigma_position_angle"].value, "+-")
        said.append(
            f"extended (p {source['probability_extended']:.2f}), {' x '.join(axes)} {unit} at {angle} deg"
        )
    if "spectral_index" in source.colnames:
        index = with_error(source["spectral_index"].value, source["sigma_spectral_index"].value, "+-")
        said.append(f"spectral index {index}")
    return ", ".join(said)


def other_number(source):
    """Which other number of sources is likely at a catalogued one and its neighbours, or nothing."""
    number, probability = int(source["alternative"]), float(source["probability_alternative"])
    if probability < BLENDED:
        return ""
    where = "in its group" if source["neighbour"] < 1.0 else "here"
    return f"perhaps {number or 'none'} {where} (p {probability:.2f})"


def headline(result):
    """How many sources, and how much noise, where more than a hundredth was added to it."""
    count = len(result.sources)
    scale, unit = scale_of(result.noise)
    line = f"{count} source{'' if count == 1 else 's'}; noise {result.noise / scale:.4g} {unit}/beam"
    if result.effective_noise > 1.01 * result.noise:
        line += f", raised to {result.effective_noise / scale:.4g} {unit}/beam by the precision of the beam"
    return line


def unconverged(result):
    """Why the chains do not agree and what to do, a line each; empty where they do."""
    if result.converged:
        return []
    most = result.settings.get("max_proposals", 0)
    return [
        "NOT CONVERGED: " + "; ".join(result.not_converged),
        f"  numbers and errors may be off; let the chains run longer (max_proposals, now {most}), "
        + (
            "and check for extended emission (extended)"
            if not result.settings.get("extended")
            else "and check the map"
        ),
    ]


def evidence(result):
    """The evidence in a line, where it is known."""
    if not math.isfinite(result.ln_evidence):
        return ""
    return f"ln evidence {result.ln_evidence:.2f}, sources over an empty map"
