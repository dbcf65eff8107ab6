"""Units as people write them, and as each format wants them."""

import warnings
from difflib import get_close_matches
from functools import lru_cache

from worktables.formats.errors import UnknownUnit

COMMON = """
Jy mJy uJy Jy/beam mJy/beam uJy/beam MJy/sr deg arcmin arcsec mas rad sr deg2 arcsec2 Hz kHz MHz GHz THz
m cm mm um nm Angstrom km pc kpc Mpc AU lyr s ms min h d yr K eV keV MeV m/s km/s km/s/Mpc
mag W/m2 erg/s erg/s/cm2 solMass solLum solRad pix beam ct adu dB percent 1/deg2 1/sr
"""


@lru_cache(maxsize=1000)
def parse_unit(text):
    """Return the astropy unit of a text in any of the usual notations, or None."""
    from astropy import units as u

    text = text.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for notation in ("vounit", "fits", "cds", None):
            try:
                unit = u.Unit(text, format=notation, parse_strict="raise")
            except (ValueError, TypeError):
                continue
            return unit
    return None


def check_unit(column, text):
    """Return the unit's text without blanks around it, or raise `UnknownUnit` with what was perhaps meant."""
    text = (text or "").strip()
    if text in ("", "-", "---", "unitless", "none", "None"):
        return ""
    if parse_unit(text) is None:
        lower = {name.lower(): name for name in COMMON.split()}
        near = get_close_matches(text.lower(), lower, 2, 0.6)
        raise UnknownUnit(column, text, [lower[name] for name in near])
    return text


@lru_cache(maxsize=1000)
def unit_as(notation, text):
    """The unit in the notation of a format (`vounit`, `fits`), or as it is where that has no word for it."""
    if not text:
        return ""
    unit = parse_unit(text)
    if unit is None:
        return text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return unit.to_string(notation)
        except (ValueError, TypeError):
            return text


def plain_unit(column, text):
    """The unit of a file in the notation we show people (“Jy/beam”), or `UnknownUnit`."""
    text = check_unit(column, text)
    if not text:
        return ""
    plain = parse_unit(text).to_string().replace(" / ", "/")
    return plain if parse_unit(plain) is not None else text
