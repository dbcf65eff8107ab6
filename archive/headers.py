"""FITS files and what their headers say: is the file whole, and the keys of a product manifest."""

import math
import warnings
from io import BytesIO
from typing import Any, BinaryIO

from astropy.io import fits

from archive.errors import NotFits, TruncatedFits

MANIFEST_KEYS = (
    "NAXIS1", "NAXIS2", "NAXIS3", "BMAJ", "BMIN", "BPA", "BTYPE", "BUNIT", "OBJECT", "DATE-OBS",
    *(f"{key}{axis}" for axis in (1, 2, 3) for key in ("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT")),
)  # fmt: skip
BLOCK = 2880


def check_fits(data: bytes, name: str) -> fits.Header:
    """Return the header of the first image of a FITS file that is whole.

    Raises
    ------
    NotFits
        If it is something else, or damaged.
    TruncatedFits
        If it ends before its data do.
    """
    if not data.startswith(b"SIMPLE  ="):
        raise NotFits(name, "empty" if not data else "it does not begin with SIMPLE")
    first: fits.Header | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of truncation: it is measured below
            with fits.open(BytesIO(data), memmap=False) as hdus:
                for hdu in hdus:
                    place = hdu.fileinfo()
                    # Writers may leave out the padding of the last block; the data themselves must be there.
                    needed = place["datLoc"] + hdu.size
                    if needed > len(data):
                        raise TruncatedFits(name, len(data), needed)
                    if first is None and hdu.is_image and hdu.header["NAXIS"] >= 2:
                        first = hdu.header.copy()
    except TruncatedFits:
        raise
    except Exception as reason:  # astropy raises many kinds for a damaged file; all mean the same here
        raise NotFits(name, str(reason).splitlines()[0] if str(reason) else type(reason).__name__) from reason
    if first is None:
        raise NotFits(name, "it holds no image")
    return first


def manifest_of(header: fits.Header) -> dict[str, Any]:
    """Return the manifest's keys that a header has, as plain JSON; what it lacks is left out."""
    found = {}
    for key in MANIFEST_KEYS:
        value = header.get(key)
        if isinstance(value, str):
            value = value.strip()
        if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
            found[key] = value
    return found


def frequency_of(header: fits.Header) -> float | None:
    """Return the frequency of an image in GHz: of its frequency axis, else its rest frequency."""
    for axis in range(1, int(header.get("NAXIS", 0)) + 1):
        if str(header.get(f"CTYPE{axis}", "")).startswith("FREQ"):
            middle = (float(header[f"NAXIS{axis}"]) + 1) / 2
            step = float(header.get(f"CDELT{axis}", 0.0))
            value = float(header[f"CRVAL{axis}"]) + (middle - float(header.get(f"CRPIX{axis}", 1.0))) * step
            scale = {"": 1e-9, "hz": 1e-9, "khz": 1e-6, "mhz": 1e-3, "ghz": 1.0}
            unit = str(header.get(f"CUNIT{axis}", "")).strip().lower()
            return value * scale[unit] if unit in scale and value > 0 else None
    rest = header.get("RESTFRQ", header.get("RESTFREQ"))
    return float(rest) * 1e-9 if rest else None


def image_header(file: BinaryIO) -> fits.Header | None:
    """Return the header of the first image of an open file without reading its data; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(file, memmap=False, lazy_load_hdus=True) as hdus:
                number = first_image(hdus)
                return None if number is None else hdus[number].header.copy()
    except Exception:  # astropy raises many kinds for what is not FITS
        return None


def first_image(hdus: fits.HDUList) -> int | None:
    """Return which part of a file is its first image."""
    number = 0
    while True:
        try:
            hdu = hdus[number]
        except IndexError:
            return None
        if hdu.is_image and hdu.header.get("NAXIS", 0) >= 2:
            return number
        number += 1
