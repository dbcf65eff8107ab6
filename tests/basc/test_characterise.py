"""What an astronomer relies on: sources found, errors honest, nothing invented, the same answer twice."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from basc import DirtyMap, characterise, warm_up
from basc.simulate import observe

NOISE = 1e-3


def nearest(result, x, y):
    """The row of the source nearest to a place, and how far it is (pixels)."""
    distance = np.hypot(result.sources["x"].value - x, result.sources["y"].value - y)
    return result.sources[int(distance.argmin())], distance.min()


def test_a_single_source_is_found_where_it_is(look):
    field, dirty_map = look([(66.3, 60.8, 0.02)])

    result = characterise(dirty_map)

    (source,) = result.sources
    assert source["flux"].unit == u.Jy
    assert abs(source["x"].value - 66.3) < 4 * source["sigma_x"].value < 1.0
    assert abs(source["flux"].value - 0.02) < 4 * source["sigma_flux"].value < 0.006
    assert source["probability"] > 0.99
    separation = np.hypot(
        (source["ra"] - field.sources["ra"][0]).to_value(u.arcsec),
        (source["dec"] - field.sources["dec"][0]).to_value(u.arcsec),
    )
    assert separation < 0.05


def test_a_companion_forty_times_fainter_within_one_beam_is_found(look):
    _, dirty_map = look([(62.4, 64.7, 0.4), (66.6, 60.5, 0.01)])

    result = characterise(dirty_map)

    assert len(result.sources) == 2
    faint, distance = nearest(result, 66.6, 60.5)
    assert distance < 1.5
    assert abs(faint["flux"].value - 0.01) < 5 * faint["sigma_flux"].value


def test_a_very_bright_source_stays_one(look):
    _, dirty_map = look([(62.45, 64.72, 1.0)])

    assert len(characterise(dirty_map).sources) == 1


def test_empty_fields_hold_nothing(look):
    counts = [len(characterise(look([], seed=seed)[1], seed=seed).sources) for seed in range(10)]

    assert sum(counts) <= 1


def test_errors_are_honest(look):
    pulls, seen = [], 0
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        x, y = rng.uniform(36, 92, 2)
        _, dirty_map = look([(x, y, 0.015)], seed=seed)
        result = characterise(dirty_map, seed=seed)
        source, distance = nearest(result, x, y)
        if distance < 3:
            seen += 1
            pulls.append((source["x"].value - x) / source["sigma_x"].value)
            pulls.append((source["y"].value - y) / source["sigma_y"].value)
            pulls.append((source["flux"].value - 0.015) / source["sigma_flux"].value)

    assert seen == 40
    assert 0.8 < np.sqrt(np.mean(np.square(pulls))) < 1.25


def test_same_seed_same_bytes(look):
    _, dirty_map = look([(66.3, 60.8, 0.02)])

    first, again, other = (characterise(dirty_map, seed=seed).sources for seed in (3, 3, 4))

    assert first.as_array().tobytes() == again.as_array().tobytes()
    assert first.as_array().tobytes() != other.as_array().tobytes()


def test_noise_is_measured_without_bias_beside_a_bright_source():
    empty, bright = [], []
    for seed in range(12):
        for found, sources in ((empty, []), (bright, [(130.3, 120.6, 0.5), (100.2, 150.1, 0.05)])):
            field = observe(sources, rng=np.random.default_rng(seed), noise=NOISE)
            found.append(characterise(DirtyMap(field.dirty, field.beam), proposals=300).noise)

    assert abs(np.mean(empty) / NOISE - 1) < 0.03
    assert abs(np.mean(bright) / NOISE - 1) < 0.05


def test_intrinsic_flux_undoes_the_primary_beam(look):
    _, dirty_map = look([(84.0, 64.0, 0.1)], primary_beam_fwhm=64.0)

    (source,) = characterise(dirty_map).sources

    response = 0.5 ** (4 * (20 / 64) ** 2)
    np.testing.assert_allclose(source["flux"].value, 0.1 * response, atol=0.005)
    np.testing.assert_allclose(source["flux_intrinsic"] / source["flux"], 1 / response, rtol=0.01)


def test_model_and_residual_add_up_to_the_map(look):
    field, dirty_map = look([(66.3, 60.8, 0.05)])

    result = characterise(dirty_map)

    np.testing.assert_allclose(result.model() + result.residual(), field.dirty[field.searchable])
    assert result.residual().std() < 1.3 * NOISE
    assert result.searched == field.searchable


def test_columns_say_what_they_are(look):
    _, dirty_map = look([(66.3, 60.8, 0.05)])

    result = characterise(dirty_map)

    for name in result.sources.colnames:
        info = result.sources[name].info
        assert info.description
        assert info.meta["ucd"]
    assert result.n_posterior.sum() == pytest.approx(1.0)
    assert result.settings["seed"] == 0
    assert set(result.versions) == {"basc", "numpy", "numba", "astropy"}


def test_progress_runs_from_nought_to_one(look):
    told = []

    characterise(look([])[1], proposals=300, progress=told.append)

    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_nan_borders_are_not_searched(look):
    field, _ = look([(66.3, 60.8, 0.05)])
    data = field.dirty.copy()
    data[:40], data[:, 90:] = np.nan, np.nan

    dirty_map = DirtyMap(data, field.beam, noise=NOISE)
    result = characterise(dirty_map)

    assert result.searched == (slice(40, 96), slice(32, 90))
    assert len(result.sources) == 1


def test_warming_up_leaves_nothing_to_compile():
    warm_up()

    from basc import kernels

    assert [len(kernel.overloads) for kernel in (kernels.run_chain, kernels.residuals_near)] == [1, 1]


def test_the_core_of_m87_is_found():
    folder = os.environ.get("STOA_TEST_DATA")
    if not folder:
        pytest.skip("STOA_TEST_DATA does not name the folder with m87_vlba_8ghz.dirty.fits")
    stem = Path(folder) / "m87_vlba_8ghz"
    dirty_map = DirtyMap.from_fits(*(f"{stem}.{kind}.fits" for kind in ("dirty", "psf", "flux")))

    result = characterise(dirty_map)

    core = result.sources[0]
    assert np.hypot(core["x"].value - 128, core["y"].value - 128) < 0.25 * 7.1
    assert core["flux"].value > 0.5
    assert 5 < len(result.sources) <= 60
    assert result.residual().std() < 0.01 * dirty_map.data.max()
