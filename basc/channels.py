"""Several channels of one field as one: how they are added up for a first look, and what the chain knows of each."""

from __future__ import annotations

import math

import numpy as np

from basc.errors import ChannelsMismatch
from basc.images import DirtyMap, core_axes
from basc.interpolation import beam_coefficients, map_coefficients
from basc.prior import FLATTEST, LARGEST, SMALLEST
from basc.shapes import TAIL, Detail
from basc.starting import first_look

UNSEEN = 1e-5  # part of a beam's power that may lie beyond its largest frequency


def combine(channels, index, max_sources):
    """Channels as one map at a reference frequency, for sources of one spectral index.

    With weights w (inverse variances, their sum 1) and r = (frequency / reference)^index, map and beam are
    sum w r D / g and sum w r² B / g, where g = sum w r²: what is best for sources of that index. At the reference
    frequency, the mean of their logarithms so weighted, an index and a flux are known independently of each other.

    Parameters
    ----------
    channels : sequence of DirtyMap
        One is returned as it is.
    index : float
    max_sources : int
        No more are looked for where the noise of a channel has to be measured.

    Returns
    -------
    combined : DirtyMap
        Its primary beam is the weighted mean.
    weights, ln_frequency : float64 arrays, shape (channels,)
    noise : float or None
        Of a sum with weights w, in Jy/beam; None for one channel whose noise is not known.

    Raises
    ------
    ChannelsMismatch
        If shapes, searched areas or coordinates differ, or a frequency is not known.
    """
    first = channels[0]
    if len(channels) == 1:
        return first, np.ones(1), np.zeros(1), first.noise
    for number, each in enumerate(channels, start=1):
        if each.data.shape != first.data.shape or each.beam.shape != first.beam.shape:
            raise ChannelsMismatch(number, f"has shape {each.data.shape}, its beam {each.beam.shape}")
        if each.search != first.search:
            raise ChannelsMismatch(number, "has another searched area")
        if not _same_coordinates(each.wcs, first.wcs):
            raise ChannelsMismatch(number, "has other coordinates")
        if not (each.frequency and each.frequency > 0):
            raise ChannelsMismatch(number, "has no frequency")
    variances = np.square([each.noise or first_look(each, max_sources).noise for each in channels])
    noise = float(np.sum(1.0 / variances) ** -0.5)
    weights = noise**2 / variances
    ln_frequency = np.log([each.frequency for each in channels])
    reference = float(weights @ ln_frequency)
    ln_frequency -= reference
    rising = np.exp(index * ln_frequency)
    gain = float(weights @ rising**2)
    primary = None
    if any(each.primary_beam is not None for each in channels):
        primary = sum(
            weight * (np.ones(first.data.shape) if each.primary_beam is None else each.primary_beam)
            for weight, each in zip(weights, channels, strict=True)
        )
    combined = DirtyMap(
        data=_sum(weights * rising / gain, [each.data for each in channels]),
        beam=_sum(weights * rising**2 / gain, [each.beam for each in channels]),
        primary_beam=primary,
        noise=noise / math.sqrt(gain),
        wcs=first.wcs,
        search=first.search,
        meta=first.meta | {"RESTFRQ": math.exp(reference)},
        mask=~np.logical_and.reduce([_on_the_map(each) for each in channels]),
        frequency=math.exp(reference),
    )
    object.__setattr__(combined, "precision", max(each.precision for each in channels))
    return combined, weights, ln_frequency, noise


def detail_of(channels, combined, weights, ln_frequency, extended, spectral_index):
    """What the chain knows of every channel, and believes of shapes and spectra.

    Parameters
    ----------
    channels : sequence of DirtyMap
    combined : DirtyMap
    weights, ln_frequency : float64 arrays, shape (channels,)
        As `combine` returns them.
    extended : float
        Prior probability that a source is extended.
    spectral_index : pair of float
        Mean and standard deviation of its prior.

    Returns
    -------
    `basc.shapes.Detail`
    """
    width = math.sqrt(abs(float(np.linalg.det(core_axes(combined.beam)))))
    largest = LARGEST * width if extended > 0 else 0.0
    apron = math.ceil(1.5 * TAIL * largest)
    wide = tuple(slice(part.start - apron, part.stop + apron) for part in combined.search)
    shape = tuple(part.stop - part.start for part in wide)
    response = combined.response
    return Detail(
        np.stack([map_coefficients(np.nan_to_num(each.data), wide) for each in channels]),
        np.stack([beam_coefficients(each.beam, shape) for each in channels]),
        np.stack([_relative(each.response, response) for each in channels]),
        weights,
        np.ascontiguousarray(ln_frequency),
        float(apron),
        max(finest_of(each.beam) for each in channels),
        np.array([extended, math.log(SMALLEST * width), math.log(LARGEST * width), FLATTEST]),
        np.array(spectral_index, dtype=float),
    )


def finest_of(beam):
    """Largest angular frequency in a beam, in radians per pixel: what lies beyond it has no power to speak of.

    Parameters
    ----------
    beam : float64 array, shape (rows, columns)

    Returns
    -------
    float
    """
    power = np.square(np.abs(np.fft.fft2(beam)))
    down, across = (2.0 * np.pi * np.fft.fftfreq(size) for size in beam.shape)
    frequency = np.hypot(down[:, None], across).ravel()
    order = np.argsort(frequency)
    inside = np.cumsum(power.ravel()[order])
    return float(frequency[order][np.searchsorted(inside, (1.0 - UNSEEN) * inside[-1])])


def _sum(weights, images):
    return sum(weight * image for weight, image in zip(weights, images, strict=True))


def _relative(response, reference):
    return np.divide(response, reference, out=np.zeros_like(response), where=reference > 0)


def _on_the_map(channel):
    """Where a channel may be searched; True outside of the box, which is not searched anyhow."""
    inside = np.ones(channel.data.shape, bool)
    inside[channel.search] = channel.searchable
    return inside


def _same_coordinates(one, other):
    if one is None or other is None:
        return one is other
    at = np.zeros((1, 2)), np.full((1, 2), 100.0)
    # To a hundredth of a pixel.
    return all(
        np.allclose(one.wcs_world2pix(other.wcs_pix2world(place, 0), 0), place, atol=0.01) for place in at
    )
