"""Reading one plane of a FITS image, and saying plainly why it cannot be read."""

from __future__ import annotations

import os
import warnings
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from basc.errors import NotAnImage, UnreadableFile

META = ("OBJECT", "DATE-OBS", "TELESCOP", "RESTFRQ", "BMAJ", "BMIN", "BPA")


class Plane(NamedTuple):
    """One image plane: pixels as stored, unit, sides of a pixel (degrees, rows first), coordinates, frequency (Hz)."""

    name: str
    data: np.ndarray
    unit: str
    cell: tuple[float, float] | None
    wcs: WCS | None
    meta: dict[str, Any]
    frequency: float | None = None


def read_plane(file):
    """The first image in a FITS file, without its axes of length one.

    Parameters
    ----------
    file : path or file object

    Returns
    -------
    Plane

    Raises
    ------
    UnreadableFile
        If it is absent, not FITS, cut short, or without an image.
    NotAnImage
        If an axis other than the last two is longer than one.
    """
    name = str(file if isinstance(file, (str, os.PathLike)) else getattr(file, "name", "the file"))
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with fits.open(file, memmap=False) as hdus:
                image = next((hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS", 0) >= 2), None)
                if image is None:
                    raise UnreadableFile(name, "it holds no image")
                header, data = image.header.copy(), np.asarray(image.data)
                data = data.astype(data.dtype.newbyteorder("="))
        cut_short = [str(w.message) for w in said if "truncated" in str(w.message)]
    except UnreadableFile:
        raise
    except FileNotFoundError:
        raise UnreadableFile(name, "there is no such file") from None
    except Exception as reason:  # astropy raises many kinds for a damaged file; all mean the same here
        first_line = (str(reason).splitlines() or [type(reason).__name__])[0]
        raise UnreadableFile(name, f"it is damaged or not FITS ({first_line})") from reason
    if cut_short:
        raise UnreadableFile(name, f"it is cut short ({cut_short[0]}); copy it again")
    if any(n != 1 for n in data.shape[:-2]):
        raise NotAnImage(name, data.shape)
    wcs = celestial_of(header)
    cell = (float(wcs.wcs.cdelt[1]), float(wcs.wcs.cdelt[0])) if wcs is not None else None
    meta = {key: header[key] for key in META if key in header}
    plane = data.reshape(data.shape[-2:])
    unit = str(header.get("BUNIT", "")).strip()
    return Plane(name, plane, unit, cell, wcs, meta, frequency_of(header))


def frequency_of(header):
    """Frequency in Hz of a FITS image of one channel: that of its frequency axis, or RESTFRQ; None without either."""
    for axis in range(1, header.get("NAXIS", 0) + 1):
        if str(header.get(f"CTYPE{axis}", "")).upper().startswith("FREQ"):
            first = float(header.get(f"CRVAL{axis}", 0.0))
            step, pixel = float(header.get(f"CDELT{axis}", 0.0)), float(header.get(f"CRPIX{axis}", 1.0))
            if (frequency := first + (1.0 - pixel) * step) > 0:
                return frequency
    rest = header.get("RESTFRQ", header.get("RESTFREQ"))
    return float(rest) if rest else None


def celestial_of(header):
    """Coordinates of the two sky axes of a FITS header, a `~astropy.wcs.WCS`; None where it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            wcs = WCS(header).celestial
    except Exception:  # a broken header costs the coordinates, not the sources
        return None
    return wcs if wcs.naxis == 2 and wcs.has_celestial else None
