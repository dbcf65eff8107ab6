"""Extended sources and several channels: whether they are told, and whether what is said of them is right."""

from __future__ import annotations

import math

import numpy as np

import basc
from basc.images import core_axes
from basc.prior import Prior, draw_shapes
from basc.simulate import FWHM_PER_SIGMA, observe, observe_channels
from benchmarks.basc.calibration import DRAWS, rank_among, uniformity
from benchmarks.basc.fields import BEAM, NOISE, SEED
from benchmarks.basc.scoring import rms

SIZES, SNRS = (0.0, 0.3, 0.5, 1.0, 1.4), (10.0, 30.0, 100.0)
ASPECT = 0.6
EXTENDED = 0.3
FREQUENCIES = 90e9, 105e9, 120e9
CHANNEL_SNRS = 3.0, 5.0, 20.0
INDEX, INDEX_PRIOR = -0.7, (-0.7, 1.0)
AREA, RANKED_AREA = 128, 64
EXPECTED = 2.0  # sources per field of the rank tests
STATISTICS = (
    "number", "total flux", "brightest flux", "brightest x", "brightest y",
    "number extended", "brightest size", "brightest angle", "brightest index",
)  # fmt: skip


def measure_natures(n_fields=100, n_ranked=500, tell=print):
    """All of it, as what JSON holds: shapes and spectra (lists of rows), ranks (per kind and statistic), n_ranked."""
    shapes = [of_shape(size, snr, n_fields) for snr in SNRS for size in SIZES]
    tell("natures: shapes measured")
    spectra = [of_spectrum(snr, n_fields) for snr in CHANNEL_SNRS]
    tell("natures: spectra measured")
    ranks = {kind: ranks_of(kind, n_ranked) for kind in ("extended sources", "three channels")}
    return {"shapes": shapes, "spectra": spectra, "ranks": ranks, "n_ranked": n_ranked}


def of_shape(size, snr, n_fields):
    """One size (FWHM of the major axis, in beams) and SNR of the total flux."""
    found, extended, fluxes, pulls, sizes, size_pulls = 0, [], [], [], [], []
    for number in range(n_fields):
        stream = np.random.SeedSequence([SEED, 888, round(100 * size), round(snr), number])
        rng = np.random.default_rng(stream)
        place = AREA // 2 + rng.uniform(2 * BEAM, AREA - 2 * BEAM, 2)
        shape = [(size * BEAM, size * BEAM * ASPECT, rng.uniform(0, 180))]
        field = observe(
            [(*place, snr * NOISE)],
            rng=rng,
            pixels=2 * AREA,
            noise=NOISE,
            primary_beam_fwhm=np.inf,
            shapes=shape,
        )
        dirty_map = basc.DirtyMap(field.dirty, field.beam, noise=NOISE)
        result = basc.characterise(dirty_map, seed=int(stream.generate_state(1)[0]), extended=EXTENDED)
        source = near(result.sources, place)
        if source is None:
            continue
        found += 1
        extended.append(float(source["probability_extended"]) >= 0.5)
        fluxes.append(source["flux"].value / (snr * NOISE) - 1.0)
        pulls.append((source["flux"].value - snr * NOISE) / source["sigma_flux"].value)
        if extended[-1] and size:
            sizes.append(source["major"].value - size * BEAM)
            size_pulls.append(sizes[-1] / source["sigma_major"].value)
    return {
        "size": size,
        "snr": snr,
        "n_fields": n_fields,
        "n_found": found,
        "called_extended": float(np.mean(extended)) if extended else math.nan,
        "flux_bias": float(np.mean(fluxes)) if fluxes else math.nan,
        "pull_flux": rms(pulls),
        "major_error": rms(sizes),
        "pull_major": rms(size_pulls),
    }


def of_spectrum(snr, n_fields):
    """One SNR in each of three channels, alone and together."""
    alone = found = false = 0
    pulls, errors, index_pulls = [], [], []
    for number in range(n_fields):
        stream = np.random.SeedSequence([SEED, 999, round(snr), number])
        rng, seed = np.random.default_rng(stream), int(stream.generate_state(1)[0])
        place = AREA // 2 + rng.uniform(2 * BEAM, AREA - 2 * BEAM, 2)
        options = {"pixels": 2 * AREA, "beam_fwhm": BEAM, "primary_beam_fwhm": 1e6}
        fields = observe_channels(
            [(*place, snr * NOISE)], FREQUENCIES, spectral_indices=[INDEX], rng=rng, noise=NOISE, **options
        )
        channels = as_channels(fields, NOISE)
        alone += sum(near(basc.characterise(each, seed=seed).sources, place) is not None for each in channels)
        result = basc.characterise(channels, seed=seed, spectral_index=INDEX_PRIOR)
        source = near(result.sources, place)
        false += len(result.sources) - (source is not None)
        if source is None:
            continue
        found += 1
        expected = snr * NOISE * (result.sources.meta["RESTFRQ"] / FREQUENCIES[0]) ** INDEX
        pulls.append((source["flux"].value - expected) / source["sigma_flux"].value)
        errors.append(float(source["spectral_index"]) - INDEX)
        index_pulls.append(errors[-1] / float(source["sigma_spectral_index"]))
    return {
        "snr": snr,
        "n_fields": n_fields,
        "found_alone": alone,
        "found": found,
        "false": false / n_fields,
        "pull_flux": rms(pulls),
        "index_error": rms(errors),
        "pull_index": rms(index_pulls),
    }


def near(sources, place):
    """The source nearest to a place (x, y), if one is within half a beam of it."""
    distance = np.hypot(sources["x"].value - place[0], sources["y"].value - place[1])
    return sources[int(distance.argmin())] if len(distance) and distance.min() < 0.5 * BEAM else None


def as_channels(fields, noise):
    return [
        basc.DirtyMap(field.dirty, field.beam, field.primary_beam, noise, field.wcs, frequency=frequency)
        for field, frequency in zip(fields, FREQUENCIES, strict=True)
    ]


# ------------------------------------------------------------------ ranks


def ranks_of(kind, n_fields):
    """Simulation-based calibration (see `calibration.rank_fields`) with shapes, or with spectra."""
    prior = Prior(EXPECTED, 0.2, 5.0 * NOISE)
    beam = observe([], rng=np.random.default_rng(0), pixels=2 * RANKED_AREA, noise=NOISE).beam
    axes, searchable = core_axes(beam), np.ones((RANKED_AREA, RANKED_AREA), bool)
    width = FWHM_PER_SIGMA * math.sqrt(abs(float(np.linalg.det(axes))))
    ranks = []
    for number in range(n_fields):
        stream = np.random.SeedSequence([SEED, 1111 if kind == "extended sources" else 2222, number])
        rng, seed = np.random.default_rng(stream), int(stream.generate_state(1)[0])
        sources = prior.draw(rng, searchable, axes)
        sources[:, :2] += RANKED_AREA // 2
        settings = {"seed": seed, "expected_sources": EXPECTED, "median_flux": 5.0 * NOISE}
        if kind == "extended sources":
            truth, result = look_at_shapes(
                sources, draw_shapes(rng, len(sources), EXTENDED, width), rng, settings
            )
        else:
            truth, result = look_at_spectra(sources, rng.normal(*INDEX_PRIOR, len(sources)), rng, settings)
        samples = result.samples
        chosen = np.linspace(0, len(samples.size) - 1, DRAWS).round().astype(int)
        arrays = (
            samples.x,
            samples.y,
            samples.flux,
            *(samples.nature[n] for n in ("major", "angle", "index")),
        )
        of_samples = [
            statistics_of([array[row, : samples.size[row]] for array in arrays], rng) for row in chosen
        ]
        ranks.append(rank_among(np.array(of_samples), statistics_of(truth, rng), rng))
    return dict(zip(STATISTICS, map(uniformity, zip(*ranks, strict=True)), strict=True))


def look_at_shapes(sources, shapes, rng, settings):
    """What is true (x, y, apparent flux, standard deviation, direction, index) and what BaSC says, in one channel."""
    options = {"pixels": 2 * RANKED_AREA, "noise": NOISE, "primary_beam_fwhm": 1.2 * RANKED_AREA}
    field = observe(sources, rng=rng, shapes=shapes, **options)
    dirty_map = basc.DirtyMap(field.dirty, field.beam, field.primary_beam, NOISE)
    result = basc.characterise(dirty_map, extended=EXTENDED, **settings)
    apparent = np.array(field.sources["flux"].value)
    angle = np.radians(shapes[:, 2] + 90.0) % math.pi
    return [*sources[:, :2].T, apparent, shapes[:, 0] / FWHM_PER_SIGMA, angle, np.zeros(len(sources))], result


def look_at_spectra(sources, indices, rng, settings):
    """The same in three channels; fluxes are those at the mean of the logarithms of their frequencies."""
    ln_frequency = np.log(FREQUENCIES)
    reference = ln_frequency.mean()
    widths = [1.2 * RANKED_AREA * FREQUENCIES[0] / each for each in FREQUENCIES]
    distance2 = np.square(sources[:, :2] - RANKED_AREA).sum(axis=1)
    response = np.mean([np.exp(-4 * np.log(2) * distance2 / width**2) for width in widths], axis=0)
    at_first = sources.copy()
    at_first[:, 2] *= np.exp(indices * (ln_frequency[0] - reference))
    noise = NOISE * math.sqrt(len(FREQUENCIES))
    options = {"pixels": 2 * RANKED_AREA, "noise": noise, "primary_beam_fwhm": widths[0]}
    fields = observe_channels(at_first, FREQUENCIES, spectral_indices=indices, rng=rng, **options)
    result = basc.characterise(as_channels(fields, noise), spectral_index=INDEX_PRIOR, **settings)
    zeros = np.zeros(len(sources))
    return [*sources[:, :2].T, sources[:, 2] * response, zeros, zeros, indices], result


def statistics_of(arrays, rng):
    """`STATISTICS` of one set of sources: x, y, flux, standard deviation, direction and index of each."""
    x, y, flux, major, angle, index = arrays
    anywhere, direction, slope = rng.uniform(0, 2 * RANKED_AREA, 2), rng.uniform(0, math.pi), rng.normal()
    if not len(x):
        return np.array([0.0, 0.0, 0.0, *anywhere, 0.0, 0.0, direction, slope])
    k = int(np.argmax(flux))
    direction = angle[k] if major[k] > 0 else direction
    return np.array(
        [len(x), flux.sum(), flux[k], x[k], y[k], np.count_nonzero(major > 0), major[k], direction, index[k]]
    )
