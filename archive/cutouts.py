"""Cutting a part out of an image or a cube: a FITS file of it, written while it is read, a few megabytes at a time."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits

from archive.boxes import box_of
from archive.errors import CannotBeCut
from archive.headers import first_image

BLOCK = 2880
BYTES_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Cutout:
    """A FITS file that is made while it is read."""

    size: int
    pieces: Iterator[bytes]


def cut(path: Any, said: tuple[str, ...] = (), **wanted: Any) -> Cutout:
    """Cut a part out of a file.

    Nothing but the header is read before the first piece is asked for, and then some megabytes at a time.

    Parameters
    ----------
    path : path of a FITS file
    said : tuple of str
        Lines for the history of the cut-out.
    **wanted
        As `box_of` has it.

    Raises
    ------
    NothingThere, CannotBeCut
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
            number = first_image(hdus)
            if number is None:
                raise CannotBeCut("the file holds no image")
            source = hdus[number].header.copy()
    box = box_of(source, **wanted)
    header = header_of(source, box, said)
    text = header.tostring(sep="", endcard=True, padding=True).encode("ascii")
    data = math.prod(part.stop - part.start for part in box) * abs(header["BITPIX"]) // 8
    size = len(text) + data + -data % BLOCK
    # what has to be scaled cannot be looked at where it lies
    as_it_is = not any(key in source for key in ("BSCALE", "BZERO", "BLANK"))
    dtype = np.dtype(DTYPES[header["BITPIX"]])
    return Cutout(size, _pieces(path, number, box, dtype, text, as_it_is))


def header_of(source: fits.Header, box: tuple[slice, ...], said: tuple[str, ...]) -> fits.Header:
    """Return the header of a part of an image: as it was, with the reference pixel where it is now."""
    header = fits.PrimaryHDU(header=source).header.copy()
    for key in ("EXTNAME", "CHECKSUM", "DATASUM", "BLANK", "PCOUNT", "GCOUNT", "EXTEND"):
        header.remove(key, ignore_missing=True)
    scaled = source.get("BSCALE", 1) != 1 or source.get("BZERO", 0) != 0
    blank = source.get("BLANK") is not None and source["BITPIX"] > 0
    for key in ("BSCALE", "BZERO"):
        header.remove(key, ignore_missing=True)
    if scaled or blank:  # pixels are written as what they mean, so that a part needs no scale
        header["BITPIX"] = -64 if source["BITPIX"] in (-64, 32, 64) else -32
    else:
        header["BITPIX"] = source["BITPIX"]
    header["NAXIS"] = len(box)
    for axis, part in enumerate(reversed(box), start=1):
        before = f"NAXIS{axis - 1}" if axis > 1 else "NAXIS"
        header.set(f"NAXIS{axis}", part.stop - part.start, after=before)
        if part.start:
            for key in [f"CRPIX{axis}", *(f"CRPIX{axis}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]:
                if key in header or (key == f"CRPIX{axis}" and f"CTYPE{axis}" in header):
                    header[key] = float(header.get(key, 0.0)) - part.start
            if f"LTV{axis}" in header:
                header[f"LTV{axis}"] -= part.start
    for line in said:
        header["HISTORY"] = line
    return header


DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def _pieces(
    path: Any, number: int, box: tuple[slice, ...], dtype: np.dtype, text: bytes, as_it_is: bool
) -> Iterator[bytes]:
    yield text
    written = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdus = fits.open(path, memmap=as_it_is, lazy_load_hdus=True)
    with hdus:
        section = hdus[number].section
        for part in _parts(box, dtype.itemsize):
            piece = np.asarray(section[part]).astype(dtype).tobytes()
            written += len(piece)
            yield piece
    if rest := -written % BLOCK:
        yield b"\0" * rest


def _parts(box: tuple[slice, ...], itemsize: int) -> Iterator[tuple[slice, ...]]:
    """Yield parts of a box that follow each other in the file and are of a few megabytes each."""
    size = math.prod(part.stop - part.start for part in box) * itemsize
    along = next((axis for axis, part in enumerate(box) if part.stop - part.start > 1), None)
    if size <= BYTES_AT_ONCE or along is None:
        yield box
        return
    part = box[along]
    each = size // (part.stop - part.start)
    step = max(1, BYTES_AT_ONCE // each)
    for start in range(part.start, part.stop, step):
        before = (*box[:along], slice(start, min(start + step, part.stop)))
        rest = box[along + 1 :]
        for inner in _parts(rest, itemsize) if each > BYTES_AT_ONCE else [rest]:
            yield (*before, *inner)
