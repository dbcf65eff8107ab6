"""Back to natural weights: for maps made with uniform, robust or tapered ones.

Eq. (1) of `basc` holds for natural weights only, those of least noise. Weights that depend on the cell of the uv grid
alone (uniform, Briggs' robust, a taper) can be undone there: a map's Fourier transform over its beam's is the mean
visibility of each cell, whatever the weights were, and times the natural weights it is that of the natural map.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from basc import errors

EMPTY = 1e-6  # of the largest weight: cells with less were not measured
NEGATIVE = 1e-3  # of the largest weight: less than none, by which a beam is known to have been cut


def to_natural(dirty_map, natural_beam, *, noise=None):
    """The map that natural weights would have given.

    Parameters
    ----------
    dirty_map : DirtyMap
        Map and beam made with other weights: whole images of one uv grid, of equal shape, not cut.
    natural_beam : array_like, shape (rows, columns)
        The beam of the same visibilities under natural weights, on the same grid. Its peak is scaled to 1.
    noise : float, optional
        Standard deviation of a pixel of the natural map, in Jy/beam. Default: measured from it.

    Returns
    -------
    DirtyMap

    Raises
    ------
    WeightsUnknown
        If map and beams are no whole images of one grid, or the natural beam needs cells that were not measured.
    BascError
        Those of `DirtyMap`.
    """
    natural = np.asarray(natural_beam, dtype=np.float64)
    natural = natural.reshape(natural.shape[-2:])
    shapes = {
        "the map": dirty_map.data.shape,
        "its beam": dirty_map.beam.shape,
        "the natural beam": natural.shape,
    }
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise errors.WeightsUnknown(f"the shapes differ ({said}); give whole images of one grid")
    if not np.isfinite(dirty_map.data).all():
        raise errors.WeightsUnknown("the map has blank pixels; give it as it came from the imager")
    used, wanted = _weights(dirty_map.beam, "its beam"), _weights(natural, "the natural beam")
    measured = used > EMPTY * used.max()
    lost = float(wanted[~measured].sum() / wanted.sum())
    if lost > NEGATIVE:
        raise errors.WeightsUnknown(
            f"{lost:.1%} of the natural weight lies in uv cells to which the map gives none; "
            f"give the natural beam of the same visibilities"
        )
    ratio = np.divide(wanted, used, out=np.zeros_like(used), where=measured)
    data = np.fft.ifft2(np.fft.fft2(dirty_map.data) * ratio).real
    scale = wanted[measured].sum() / wanted.size  # the peak of the beam that these weights give
    beam = np.fft.fftshift(np.fft.ifft2(np.where(measured, wanted, 0.0)).real)
    return replace(dirty_map, data=data / scale, beam=beam / scale, noise=noise)


def _weights(beam, name):
    """Weight of each uv cell, in the order of `numpy.fft`."""
    transform = np.fft.fft2(np.fft.ifftshift(beam))
    weights = transform.real
    if weights.min() < -NEGATIVE * weights.max() or np.abs(transform.imag).max() > NEGATIVE * weights.max():
        raise errors.WeightsUnknown(
            f"{name} has negative weights in its uv plane, so it is no whole image of a grid; give it uncut"
        )
    return np.maximum(weights, 0.0)
