"""What the header of an image says in the words of ObsCore 1.1: where, when, how wide, at which wavelengths.

Nothing here fails because of a header: what it does not say, or says so that nobody can make sense of it, is None.
"""

import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite, sqrt
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, WCSSUB_LATITUDE, WCSSUB_LONGITUDE

from archive.spectra import spectrum_of

NAMES = (
    "dataproduct_type", "calib_level", "target_name", "s_ra", "s_dec", "s_fov", "s_region", "s_resolution",
    "s_pixel_scale", "s_xel1", "s_xel2", "t_min", "t_max", "t_exptime", "t_resolution", "t_xel", "em_min", "em_max",
    "em_res_power", "em_xel", "o_ucd", "pol_states", "pol_xel", "facility_name", "instrument_name",
)  # fmt: skip
CALIBRATED = 2  # ObsCore 1.1, section 4.2: data in physical units, without the instrument's signature
# FITS 4.0, table 29; and the order in which ObsCore 1.1, section B.6.6 lists them.
STOKES = {
    1: "I", 2: "Q", 3: "U", 4: "V",
    -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX",
}  # fmt: skip
ORDER = ("I", "Q", "U", "V", "RR", "LL", "RL", "LR", "XX", "YY", "XY", "YX")
EPOCH = datetime(1858, 11, 17, tzinfo=UTC)  # of the modified Julian date
EARLIEST, LATEST = -21_550.0, 100_000.0  # MJD: from 1800 to 2132; what else stands in headers means nothing
EXPOSURES = ("XPOSURE", "EXPTIME", "EXPOSURE", "TEXPTIME", "ONTIME")
DAY = 86_400.0
LARGEST = 2**31  # pixels along an axis


def observed(header: fits.Header | dict[str, Any]) -> dict[str, Any]:
    """Return what a header says, by the names of ObsCore; None where it says nothing.

    Parameters
    ----------
    header : Header or dict
        Of an image, or the manifest that was kept of it.
    """
    header = whole_header(header)
    sizes = sizes_of(header)
    wcs = wcs_of(header)
    facts: dict[str, Any] = dict.fromkeys(NAMES)
    facts["dataproduct_type"] = product_type(sizes)
    facts["calib_level"] = CALIBRATED
    facts["target_name"] = text_of(header, "OBJECT")
    facts["facility_name"] = text_of(header, "TELESCOP", "OBSERVAT")
    facts["instrument_name"] = text_of(header, "INSTRUME")
    facts["o_ucd"] = meaning_of(text_of(header, "BUNIT"))
    for part in (_sky, _resolution, _spectrum, _time, _polarization):
        facts |= _said(part, header, wcs, sizes)
    return facts


def whole_header(header: Any) -> fits.Header:
    """Return a header with the keys that a manifest leaves out because they can be counted."""
    if isinstance(header, fits.Header):
        return header
    made = fits.Header()
    for key, value in header.items():
        if isinstance(value, str | bool | int) or (isinstance(value, float) and isfinite(value)):
            made[key] = value
    made.setdefault("NAXIS", max((n for n in range(1, 10) if f"NAXIS{n}" in made), default=0))
    return made


def wcs_of(header: fits.Header) -> WCS | None:
    """Return the coordinates of an image, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return WCS(header)
    except Exception:  # wcslib and astropy refuse nonsense in many ways
        return None


def sizes_of(header: fits.Header) -> tuple[int, ...]:
    """Return how many pixels an image has along each axis, in the order of FITS."""
    count = header.get("NAXIS", 0)
    if not isinstance(count, int) or not 0 <= count <= 999:
        return ()
    sizes = [header.get(f"NAXIS{axis}", 1) for axis in range(1, count + 1)]
    return tuple(size if isinstance(size, int) and 0 < size < LARGEST else 1 for size in sizes)


def product_type(sizes: tuple[int, ...]) -> str | None:
    """Return “image” or “cube”: by the axes that have more than one pixel."""
    long = sum(size > 1 for size in sizes)
    return "cube" if long > 2 else "image" if long == 2 else None


def text_of(header: fits.Header, *keys: str) -> str | None:
    """Return the first of these texts that is there."""
    for key in keys:
        value = header.get(key)
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if text and text.isprintable():
            return text
    return None


def number_of(header: fits.Header, *keys: str, above: float = -np.inf) -> float | None:
    """Return the first of these numbers that is there, finite, and above a limit."""
    for key in keys:
        value = header.get(key)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and isfinite(value)
            and value > above
        ):
            return float(value)
    return None


def _said(part: Callable, header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = part(header, wcs, sizes)
    except Exception:  # a part that makes no sense costs that part
        return {}
    return {name: _finite(value) for name, value in found.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


# ------------------------------------------------------------------ where


def _sky(header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    if wcs is None or not wcs.has_celestial:
        return {}
    celestial = celestial_of(wcs)
    nx, ny = sizes[wcs.wcs.lng], sizes[wcs.wcs.lat]
    scale = sqrt(abs(float(np.linalg.det(celestial.pixel_scale_matrix)))) * 3600
    found: dict[str, Any] = {"s_xel1": nx, "s_xel2": ny, "s_pixel_scale": scale or None}
    right, top = nx - 0.5, ny - 0.5
    ra, dec = icrs(celestial, [(nx - 1) / 2, -0.5, right, right, -0.5], [(ny - 1) / 2, -0.5, -0.5, top, top])
    if not (isfinite(ra[0]) and isfinite(dec[0])):
        return found
    found |= {"s_ra": float(ra[0]), "s_dec": float(dec[0])}
    corners = (ra[1:], dec[1:])
    if not np.isfinite(corners).all():  # an image of the whole sky has corners beyond it
        return found
    centre, outline = unit_vectors(ra[0], dec[0]), unit_vectors(*corners)
    widest = 2 * float(np.degrees(separations(outline, centre).max()))
    found["s_fov"] = min(widest, 360.0)
    if widest < 180:
        found["s_region"] = polygon_text(*corners, outline, centre)
    return found


def celestial_of(wcs: WCS) -> WCS:
    """Return the coordinates of the sky alone, longitude first whatever the order in the image."""
    return wcs.sub([WCSSUB_LONGITUDE, WCSSUB_LATITUDE])


def icrs(celestial: WCS, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension and declination (degrees, ICRS) of pixels counted from 0."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if (
        celestial.wcs.radesys == "ICRS" and celestial.wcs.lngtyp.strip() == "RA"
    ):  # most are, and it is much faster
        ra, dec = celestial.all_pix2world(x, y, 0)
        return ra % 360, dec
    places = celestial.pixel_to_world(x, y).icrs
    return places.ra.deg, places.dec.deg


def unit_vectors(ra: Any, dec: Any) -> np.ndarray:
    """Return unit vectors, of shape (n, 3)."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def separations(vectors: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return angles in radians between unit vectors and one of them, right for small ones too."""
    return np.arctan2(np.linalg.norm(np.cross(vectors, other), axis=-1), vectors @ other)


def polygon_text(ra: np.ndarray, dec: np.ndarray, outline: np.ndarray, centre: np.ndarray) -> str:
    """Return a polygon in the notation of DALI, anticlockwise as one sees it on the sky (DALI 1.1, section 3.3.7)."""
    turning = np.cross(outline, np.roll(outline, -1, axis=0)).sum(axis=0) @ centre
    order = range(len(ra)) if turning < 0 else reversed(range(len(ra)))  # we look from inside the sphere
    return "polygon " + " ".join(f"{ra[i]:.12g} {dec[i]:.12g}" for i in order)


def _resolution(header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    major = number_of(header, "BMAJ", above=0)
    minor = number_of(header, "BMIN", above=0)
    if major is None:
        return {}
    return {"s_resolution": sqrt(major * (minor or major)) * 3600}


# ------------------------------------------------------------------ at which wavelengths, when, of which polarization


def _spectrum(header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    spectrum = spectrum_of(header, wcs, sizes)
    if spectrum is None:
        return {}
    edges = spectrum.edges
    low, high = float(edges.min()), float(edges.max())
    middle = len(edges) // 2
    width = abs(float(edges[middle] - edges[middle - 1]))
    power = float(edges[middle] + edges[middle - 1]) / 2 / width if width else None
    return {"em_min": low, "em_max": high, "em_xel": len(edges) - 1, "em_res_power": power}


def _time(header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    start = _moment(header, ("MJD-BEG", "MJD-OBS"), ("DATE-BEG", "DATE-OBS"))
    end = _moment(header, ("MJD-END",), ("DATE-END",))
    exposure = number_of(header, *EXPOSURES, above=0)
    if start is not None and end is None and exposure is not None:
        end = start + exposure / DAY
    if start is not None and end is not None and end < start:
        end = None
    found: dict[str, Any] = {"t_min": start, "t_max": end, "t_exptime": exposure}
    axis = _axis_of(header, sizes, "TIME", "UTC")
    if start is not None or axis is not None:
        found["t_xel"] = 1 if axis is None else sizes[axis]
    return found


def _moment(header: fits.Header, numbers: tuple[str, ...], dates: tuple[str, ...]) -> float | None:
    mjd = number_of(header, *numbers)
    for key in () if mjd is not None else dates:
        mjd = as_mjd(header.get(key))
        if mjd is not None:
            break
    return mjd if mjd is not None and EARLIEST < mjd < LATEST else None


def as_mjd(text: Any) -> float | None:
    """Return the MJD of a date as FITS writes it, also in the notation before 1999 (DD/MM/YY)."""
    if not isinstance(text, str):
        return None
    text = text.strip()
    if old := re.fullmatch(r"(\d\d)/(\d\d)/(\d\d)", text):
        text = f"19{old[3]}-{old[2]}-{old[1]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH).total_seconds() / DAY


def _polarization(header: fits.Header, wcs: WCS | None, sizes: tuple[int, ...]) -> dict[str, Any]:
    axis = _axis_of(header, sizes, "STOKES")
    if axis is None:
        return {}
    states = stokes_of(header, axis, sizes[axis])
    return {"pol_states": f"/{'/'.join(sorted(set(states), key=ORDER.index))}/", "pol_xel": sizes[axis]}


def stokes_of(header: fits.Header, axis: int, size: int) -> list[str]:
    """Return the polarization of each plane along an axis, counted from 0."""
    first = float(header.get(f"CRVAL{axis + 1}", 1.0))
    step, reference = float(header.get(f"CDELT{axis + 1}", 1.0)), float(header.get(f"CRPIX{axis + 1}", 1.0))
    return [STOKES[round(first + (plane + 1 - reference) * step)] for plane in range(size)]


def _axis_of(header: fits.Header, sizes: tuple[int, ...], *kinds: str) -> int | None:
    for axis in range(len(sizes)):
        if str(header.get(f"CTYPE{axis + 1}", "")).strip().upper().split("-")[0] in kinds:
            return axis
    return None


# ------------------------------------------------------------------ of what


FLUX = r"[munk]?jy"
UCDS = (
    (rf"{FLUX}((/|\.|\*)?beam(-1|\^-1|\*\*-1)?)?", "phot.flux.density"),
    (rf"{FLUX}((/|\.|\*)?(pix(el)?|sr|arcsec(\^|\*\*)?2)(-1|\^-1|\*\*-1|\(-1\))?)", "phot.flux.density.sb"),
    (r"m?k(elvin)?", "phot.antennaTemp"),
    (r"counts?|ct|adu|electrons?|dn", "phot.count"),
    (r"mag", "phot.mag"),
    (r"(k?m)(/s|\.s-1|s-1)", "spect.dopplerVeloc"),
)


def meaning_of(unit: str | None) -> str | None:
    """Return the UCD of what pixels of a unit measure (UCD1+ 1.5), or None."""
    plain = re.sub(r"\s+", "", unit or "").lower()
    if not plain:
        return None
    for pattern, ucd in UCDS:
        if re.fullmatch(pattern, plain):
            return ucd
    return None
