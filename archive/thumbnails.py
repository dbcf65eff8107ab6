"""A product as a small picture: asinh stretch, north up as the pixels lie, kept by the hash of the file."""

import dataclasses
import json
import os
import tempfile
import warnings
from io import BytesIO

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from django.conf import settings
from PIL import Image

from archive.errors import ArchiveError
from archive.storage import name_of, open_blob

LARGEST = 1024  # pixels on a side; a larger map is binned
TILE = 96  # pixels on a side of one of many pictures
MOST_TILES = 64
VERSION = 1  # of the looks; raised when they change
# From empty sky to the brightest pixel: the dark of the panels, blue, sand, white.
COLOURS = ((5, 9, 14), (16, 42, 66), (46, 98, 128), (140, 164, 160), (240, 206, 130), (255, 250, 236))
SOFTENING = 4.0  # standard deviations below which brightness is shown linearly


class NoPicture(ArchiveError):
    """A file of which no picture can be made."""

    code = "no-picture"
    status = 404

    def __init__(self, name, reason):
        self.name, self.reason = name, reason
        super().__init__(f"there is no picture of “{name}”: {reason}; download the file instead")


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Where the picture lies: its size in pixels of the map, and of the sky where the header knows it.

    Attributes
    ----------
    width, height : int
        Of the map, in its own pixels (the picture may be binned).
    cell : float or None
        Side of a pixel in arcsec.
    centre : (float, float) or None
        Right ascension and declination of the middle of the map, in degrees (ICRS).
    unit : str
        Of the brightness.
    peak : float or None
        Brightest pixel.
    tiles : int
        How many pictures the file has, 1 for a map.
    """

    width: int
    height: int
    cell: float | None = None
    centre: tuple[float, float] | None = None
    unit: str = ""
    peak: float | None = None
    tiles: int = 1


def picture_of(sha256, name="the file"):
    """Return the PNG of a kept FITS image as bytes, made once.

    Raises
    ------
    NoPicture
        If it holds no image.
    """
    return _made(sha256, name)[0].read_bytes()


def geometry_of(sha256, name="the file"):
    """Return the `Geometry` of a kept FITS image, or raise `NoPicture`."""
    facts = json.loads(_made(sha256, name)[1].read_text())
    centre = facts.pop("centre")
    return Geometry(**facts, centre=tuple(centre) if centre else None)


def _made(sha256, name):
    """Return where picture and geometry of a file are kept, making them where they are not."""
    folder = settings.STOA_HOME / "pictures" / f"v{VERSION}" / name_of(sha256)
    picture, geometry = folder / "picture.png", folder / "geometry.json"
    if not geometry.exists():
        with open_blob(sha256) as file:
            image, facts = draw(file.read(), name)
        folder.mkdir(parents=True, exist_ok=True)
        _write(picture, image)
        _write(geometry, json.dumps(dataclasses.asdict(facts)).encode())
    return picture, geometry


def _write(path, data):
    """Write a file that appears whole or not at all: two requests may make the same picture at once."""
    descriptor, written = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.replace(written, path)


def draw(data, name="the file"):
    """Return the picture of a FITS file (PNG, bytes) and its `Geometry`; several images become a sheet of tiles."""
    planes = _planes(data, name)
    first, header = planes[0]
    if len(planes) > 1:
        sheet = _sheet([plane for plane, _ in planes[:MOST_TILES]])
        height, width = sheet.shape[:2]
        return _png(sheet), Geometry(width, height, unit=_unit(header), tiles=len(planes))
    height, width = first.shape
    cell, centre = _sky(header, width, height)
    finite = first[np.isfinite(first)]
    peak = float(finite.max()) if finite.size else None
    return _png(colour(binned(first))), Geometry(width, height, cell, centre, _unit(header), peak)


def _planes(data, name):
    """Return the first plane of every image of a file, with its header."""
    found = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(BytesIO(data), memmap=False) as hdus:
                for hdu in hdus:
                    if hdu.is_image and hdu.header.get("NAXIS", 0) >= 2 and hdu.data is not None:
                        plane = np.asarray(hdu.data, dtype=np.float64)
                        found.append((plane[(0,) * (plane.ndim - 2)], hdu.header.copy()))
    except Exception as reason:  # astropy raises many kinds for a damaged file; all mean the same here
        first_line = (str(reason).splitlines() or [type(reason).__name__])[0]
        raise NoPicture(name, f"it is not a readable FITS file ({first_line})") from reason
    if not found:
        raise NoPicture(name, "it holds no image")
    return found


def _unit(header):
    return str(header.get("BUNIT", "")).strip()


def _sky(header, width, height):
    """Return side of a pixel (arcsec) and centre of the map (degrees, ICRS); None where there is no sky."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            wcs = WCS(header).celestial
            middle = wcs.pixel_to_world((width - 1) / 2, (height - 1) / 2).icrs
        cell = float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))) * 3600
        return cell, (float(middle.ra.deg), float(middle.dec.deg))
    except Exception:  # a header without a sky costs the scale, not the picture
        return None, None


def binned(plane, largest=LARGEST):
    """Return a plane whose sides are at most `largest`: means of squares of pixels, what is empty left out."""
    factor = -(-max(plane.shape) // largest)
    if factor == 1:
        return plane
    rows, columns = (size // factor * factor for size in plane.shape)
    squares = plane[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    present = np.isfinite(squares)
    number = present.sum(axis=(1, 3))
    total = np.where(present, squares, 0.0).sum(axis=(1, 3))
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def colour(plane, like=None):
    """Return a plane as colours (uint8, rows from the top), stretched by asinh above its noise.

    Parameters
    ----------
    plane : array, shape (rows, columns)
        The first row is at the bottom, as FITS has it.
    like : array, optional
        Whose noise and brightest pixel set the scale; default the plane itself.
    """
    scale = plane if like is None else like
    finite = scale[np.isfinite(scale)]
    middle = float(np.median(finite)) if finite.size else 0.0
    noise = 1.4826 * float(np.median(np.abs(finite - middle))) if finite.size else 0.0
    top = float(finite.max()) - middle if finite.size else 0.0
    soft = SOFTENING * noise or top or 1.0
    low, high = np.arcsinh(-2.0 * noise / soft), np.arcsinh(max(top, soft) / soft)
    with np.errstate(invalid="ignore", over="ignore"):
        level = (np.arcsinh((np.clip(plane, -1e300, 1e300) - middle) / soft) - low) / (high - low)
    level = np.clip(np.nan_to_num(level, nan=0.0), 0.0, 1.0)[::-1]
    stops = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(level, stops, [one[channel] for one in COLOURS]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _sheet(planes):
    """Return many small pictures side by side."""
    per_row = min(len(planes), 8)
    n_rows = -(-len(planes) // per_row)
    sheet = np.zeros((n_rows * (TILE + 2) - 2, per_row * (TILE + 2) - 2, 3), np.uint8)
    sheet[:] = COLOURS[0]
    for number, plane in enumerate(planes):
        image = Image.fromarray(colour(plane)).resize((TILE, TILE), Image.Resampling.NEAREST)
        top, left = (number // per_row) * (TILE + 2), (number % per_row) * (TILE + 2)
        sheet[top : top + TILE, left : left + TILE] = np.asarray(image)
    return sheet


def _png(colours):
    file = BytesIO()
    Image.fromarray(colours).save(file, "PNG", optimize=True)
    return file.getvalue()
