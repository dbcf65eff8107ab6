"""The spectral axis of an image as wavelengths, whether it counts in frequency, wavelength or velocity."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

SPEED_OF_LIGHT = 299_792_458.0  # m/s
PLANCK = 6.62607015e-34  # J s
MOST_CHANNELS = 10_000_000  # what has more is no spectrum


@dataclass(frozen=True)
class Spectrum:
    """Wavelengths between the channels.

    Attributes
    ----------
    edges : float64 array, shape (channels + 1,)
        In metres, in the order of the pixels.
    axis : int or None
        Which axis of the image it is, counted from 0 in the order of FITS; None where the header speaks of one
        frequency only.
    """

    edges: np.ndarray
    axis: int | None


def spectrum_of(header: Any, wcs: Any, sizes: tuple[int, ...]) -> Spectrum | None:
    """Return the spectrum of an image; None where its header makes no sense of it."""
    axis = -1 if wcs is None else wcs.wcs.spec
    if axis < 0 or axis >= len(sizes):
        return _single(header)
    channels = sizes[axis]
    if channels > MOST_CHANNELS:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        line = wcs.spectral
        places = np.arange(channels + 1) - 0.5
        values = line.all_pix2world(places, 0)[0]
        edges = wavelengths(values, str(line.wcs.ctype[0])[:4], line.wcs.restfrq, line.wcs.restwav)
    if edges is None or not np.isfinite(edges).all() or (edges <= 0).any():
        return None
    return Spectrum(edges, axis)


def wavelengths(values: np.ndarray, kind: str, rest_frequency: float, rest_wavelength: float) -> Any:
    """Return values of a spectral axis (FITS paper III, in SI units) as vacuum wavelengths in m, or None.

    The difference between wavelengths in air and in vacuum, 3e-4, is left out.
    """
    if kind == "FREQ":
        return SPEED_OF_LIGHT / values
    if kind in ("WAVE", "AWAV"):
        return values
    if kind == "WAVN":
        return 1 / values
    if kind == "ENER":
        return PLANCK * SPEED_OF_LIGHT / values
    rest = rest_wavelength or (SPEED_OF_LIGHT / rest_frequency if rest_frequency else 0.0)
    if not rest > 0:
        return None
    if kind in ("VRAD", "BETA", "VELO", "ZOPT", "VOPT"):
        return _shifted(values, kind, rest)
    return None


def _shifted(values: np.ndarray, kind: str, rest: float) -> np.ndarray:
    beta = values if kind in ("BETA", "ZOPT") else values / SPEED_OF_LIGHT
    if kind == "VRAD":
        return rest / (1 - beta)
    if kind in ("VOPT", "ZOPT"):
        return rest * (1 + beta)
    return rest * np.sqrt((1 + beta) / (1 - beta))


def _single(header: Any) -> Spectrum | None:
    for keys, turn in (
        (("RESTFRQ", "RESTFREQ"), lambda hertz: SPEED_OF_LIGHT / hertz),
        (("RESTWAV",), float),
    ):
        for key in keys:
            value = header.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < np.inf:
                return Spectrum(np.array([turn(value)] * 2), None)
    return None
