"""Which pixels of an image or a cube a place on the sky, or an interval of wavelengths, has.

It is the smallest box of pixels around the shape asked for, as SODA 1.0 (section 3.3) allows.
"""

import math
import warnings
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from archive.errors import CannotBeCut, NothingThere
from archive.obscore import celestial_of, icrs, sizes_of, stokes_of, unit_vectors, wcs_of
from archive.spectra import spectrum_of

LOOKED_AT = 1_000_000  # pixels whose places are computed to see which of them a shape has
ZENITHAL = ("AZP", "SZP", "TAN", "STG", "SIN", "NCP", "ARC", "ZPN", "ZEA", "AIR", "TPV")


def box_of(header: fits.Header, shape: Any = None, band: Any = None, pol: str = "") -> tuple[slice, ...]:
    """Return which pixels of an image are wanted, as slices in the order of numpy.

    Parameters
    ----------
    header : Header
    shape : Circle, Polygon or Range, optional
    band : (float, float), optional
        Wavelengths in m.
    pol : str, optional
        A polarization.

    Raises
    ------
    NothingThere, CannotBeCut
    """
    sizes, wcs = sizes_of(header), wcs_of(header)
    box = [slice(0, size) for size in sizes]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if shape is not None:
            if wcs is None or not wcs.has_celestial:
                raise CannotBeCut("the image does not know where on the sky it is")
            axes = (wcs.wcs.lng, wcs.wcs.lat)
            box[axes[0]], box[axes[1]] = sky_box(celestial_of(wcs), sizes[axes[0]], sizes[axes[1]], shape)
        if band is not None:
            _cut_band(box, spectrum_of(header, wcs, sizes), band)
        if pol:
            _cut_pol(box, header, sizes, pol)
    return tuple(reversed(box))


def sky_box(celestial: WCS, nx: int, ny: int, shape: Any) -> tuple[slice, slice]:
    """Return the smallest box of pixels around a shape, in the order of FITS, or raise `NothingThere`."""
    x, y = _pixels_of(celestial, shape.outline())
    if np.isfinite(x).all() and np.isfinite(y).all() and not _around_a_pole(celestial, shape):
        left, right = _within(x.min(), x.max(), nx)
        bottom, top = _within(y.min(), y.max(), ny)
        if left >= right or bottom >= top:
            raise NothingThere("the shape has nothing in common with the image")
        on_it = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
        if on_it.all():
            return slice(left, right), slice(bottom, top)
    else:  # its inside is not where its edge lets expect
        left, right, bottom, top = 0, nx, 0, ny
        on_it = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
    return _shrunk(
        celestial, (left, right, bottom, top), shape, (x[on_it], y[on_it]) if on_it.any() else None
    )


def _around_a_pole(celestial: WCS, shape: Any) -> bool:
    """Say whether a projection that draws a pole as a line has to draw it inside of a shape."""
    projection = str(celestial.wcs.ctype[0])[5:8]
    return projection not in ZENITHAL and bool(shape.has(unit_vectors([0.0, 0.0], [90.0, -90.0])).any())


def _pixels_of(celestial: WCS, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ra = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
    dec = np.degrees(np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1])))
    if celestial.wcs.radesys == "ICRS" and celestial.wcs.lngtyp.strip() == "RA":
        longitude, latitude = ra, dec
    else:
        there = SkyCoord(ra, dec, unit="deg").transform_to(wcs_to_celestial_frame(celestial))
        longitude, latitude = there.spherical.lon.deg, there.spherical.lat.deg
    if celestial.has_distortion:
        x, y = celestial.all_world2pix(longitude, latitude, 0, quiet=True)
    else:
        x, y = celestial.wcs_world2pix(longitude, latitude, 0)
    return _seen(celestial, x, y, ra, dec)


def _seen(
    celestial: WCS, x: np.ndarray, y: np.ndarray, ra: np.ndarray, dec: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, NaN for places on the far side of the sky, which some projections show on the near one."""
    back = unit_vectors(*icrs(celestial, x, y))
    far = np.linalg.norm(back - unit_vectors(ra, dec), axis=-1) > 1e-4
    far |= ~np.isfinite(back).all(axis=-1)
    return np.where(far, np.nan, x), np.where(far, np.nan, y)


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    """Return the pixels, first and last but one, that an interval of pixel coordinates touches."""
    first, last = math.floor(max(low, -1.0) + 0.5), math.floor(min(high, size + 1.0) + 0.5)
    return max(0, first), min(size, last + 1)


def _shrunk(celestial: WCS, box: tuple[int, ...], shape: Any, edge: Any) -> tuple[slice, slice]:
    """Look at pixels of a box, every nth where there are many, and return the box of those in the shape."""
    left, right, bottom, top = box
    step = max(1, math.ceil(math.sqrt((right - left) * (top - bottom) / LOOKED_AT)))
    xs = np.unique(np.append(np.arange(left, right, step), right - 1))
    ys = np.unique(np.append(np.arange(bottom, top, step), top - 1))
    grid_x, grid_y = np.meshgrid(xs, ys)
    vectors = unit_vectors(*icrs(celestial, grid_x.ravel(), grid_y.ravel()))
    inside = shape.has(vectors) & np.isfinite(vectors).all(axis=-1)
    x, y = grid_x.ravel()[inside].astype(float), grid_y.ravel()[inside].astype(float)
    margin = step - 1
    low_x, high_x = (x - margin, x + margin)
    low_y, high_y = (y - margin, y + margin)
    if edge is not None:  # where the edge is known exactly it says more than the pixels
        low_x, high_x = np.append(low_x, edge[0]), np.append(high_x, edge[0])
        low_y, high_y = np.append(low_y, edge[1]), np.append(high_y, edge[1])
    if not len(low_x):
        raise NothingThere("the shape has nothing in common with the image")
    first_x, last_x = _within(low_x.min(), high_x.max(), right)
    first_y, last_y = _within(low_y.min(), high_y.max(), top)
    return slice(max(left, first_x), last_x), slice(max(bottom, first_y), last_y)


def _cut_band(box: list, spectrum: Any, band: tuple[float, float]) -> None:
    if spectrum is None:
        raise CannotBeCut("the image does not know at which wavelength it is")
    low = np.minimum(spectrum.edges[:-1], spectrum.edges[1:])
    high = np.maximum(spectrum.edges[:-1], spectrum.edges[1:])
    channels = np.flatnonzero((low <= band[1]) & (high >= band[0]))
    if not len(channels):
        raise NothingThere("the image has no channel at these wavelengths")
    if spectrum.axis is not None:
        box[spectrum.axis] = slice(int(channels[0]), int(channels[-1]) + 1)


def _cut_pol(box: list, header: fits.Header, sizes: tuple[int, ...], pol: str) -> None:
    for axis in range(len(sizes)):
        if str(header.get(f"CTYPE{axis + 1}", "")).strip().upper() == "STOKES":
            states = stokes_of(header, axis, sizes[axis])
            if pol not in states:
                raise NothingThere(f"the image has no polarization {pol}, only {', '.join(states)}")
            box[axis] = slice(states.index(pol), states.index(pol) + 1)
            return
    raise CannotBeCut("the image does not know which polarization it shows")
