"""What an astronomer relies on: sources found, errors honest, nothing invented, the same answer twice."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from basc import DirtyMap, characterise, errors, warm_up
from basc.images import core_axes
from basc.simulate import observe
from tests.basc import reference

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


def test_the_number_of_threads_changes_nothing(look):
    _, dirty_map = look([(66.3, 60.8, 0.02), (70.1, 63.2, 0.01)])

    alone, together = (characterise(dirty_map, threads=threads) for threads in (1, 4))

    assert alone.sources.as_array().tobytes() == together.sources.as_array().tobytes()
    assert alone.samples.flux.tobytes() == together.samples.flux.tobytes()


def test_chains_that_had_no_time_say_so(look):
    _, dirty_map = look([(60.0 + 4 * k, 62.0 + 2 * k, 0.01 * (k + 1)) for k in range(5)])

    hurried = characterise(dirty_map, proposals=100, max_proposals=100)
    finished = characterise(dirty_map)

    assert not hurried.converged
    assert "independent samples" in " ".join(hurried.not_converged)
    assert finished.converged
    assert finished.diagnostics["proposals"] <= 100_000


def test_a_blend_says_what_else_it_may_be(look):
    """Two equal sources at half a beam: whatever number is listed, the other one is not ruled out."""
    _, dirty_map = look([(62.4, 64.7, 0.008), (65.0, 63.6, 0.008)], seed=3)

    result = characterise(dirty_map)

    listed = len(result.sources)
    assert listed in (1, 2)
    assert all(result.sources["blended"])
    assert set(result.sources["alternative"]) == {3 - listed}
    assert 0.05 < result.sources["probability_alternative"][0] < 0.95


def test_an_isolated_source_is_no_blend(look):
    _, dirty_map = look([(62.4, 64.7, 0.02), (84.2, 50.2, 0.03)])

    result = characterise(dirty_map)

    assert not any(result.sources["blended"])
    inverse = np.linalg.inv(core_axes(dirty_map.beam))
    apart = np.hypot(*(inverse @ [84.2 - 62.4, 50.2 - 64.7])) / 2.355
    np.testing.assert_allclose(result.sources["neighbour"].value, apart, rtol=0.02)


def test_errors_are_those_of_a_least_squares_fit(look):
    """For one bright source the posterior is Gaussian; its covariance follows from the beam's curvature."""
    field, dirty_map = look([(62.4, 64.7, 0.1)])

    (covariance,) = characterise(dirty_map, proposals=8000).covariances

    cells = np.stack([field.cells_u, field.cells_v]) * 2 * np.pi / len(field.dirty)
    curvature = (field.weights * cells) @ cells.T / field.weights.sum()
    expected = np.linalg.inv(curvature) * (NOISE / 0.1) ** 2
    np.testing.assert_allclose(covariance[:2, :2], expected, rtol=0.25, atol=0.1 * expected.max())
    np.testing.assert_allclose(covariance[2, 2], NOISE**2, rtol=0.25)


@pytest.mark.parametrize("flux", [0.005, 0.012, 0.03])
def test_evidence_is_that_of_quadrature(look, flux):
    """Of one source: the integral of likelihood times prior over place and flux, on a grid, without a chain."""
    _, dirty_map = look([(66.3, 60.8, flux)], pixels=96)

    result = characterise(dirty_map, evidence=True, expected_sources=0.5, companions=0.0)

    # Z1 / Z0, from the evidence of all numbers and the share of one source.
    found = result.ln_evidence + np.log(result.n_posterior[1]) - (np.log(0.5) - 0.5)
    expected = reference.ln_evidence_of_one(dirty_map, median_flux=5 * NOISE, faintest=0.6)
    assert abs(found - expected) < 0.5


def test_evidence_is_unknown_where_it_was_not_asked_for(look):
    empty, bright = (characterise(look(sources)[1]) for sources in ([], [(66.3, 60.8, 0.03)]))

    assert -1.5 < empty.ln_evidence < 1.5
    assert np.isnan(bright.ln_evidence)


def test_samples_are_sets_of_sources_in_the_full_map(look):
    _, dirty_map = look([(66.3, 60.8, 0.02)])

    result = characterise(dirty_map)

    samples = result.samples
    assert samples.x.shape == samples.y.shape == samples.flux.shape
    there = np.arange(samples.x.shape[1]) < samples.size[:, None]
    assert (samples.flux[there] > 0).all()
    assert (samples.flux[~there] == 0).all()
    first = samples.x[:, 0][samples.size == 1]
    assert abs(first.mean() - 66.3) < 0.5
    assert list(np.bincount(samples.chain)) == [250] * 4
    np.testing.assert_allclose(np.bincount(samples.size) / len(samples.size), result.n_posterior)


def test_noise_is_measured_without_bias_beside_a_bright_source():
    empty, bright = [], []
    for seed in range(12):
        for found, sources in ((empty, []), (bright, [(130.3, 120.6, 0.5), (100.2, 150.1, 0.05)])):
            field = observe(sources, rng=np.random.default_rng(seed), noise=NOISE)
            found.append(characterise(DirtyMap(field.dirty, field.beam), proposals=300).noise)

    assert abs(np.mean(empty) / NOISE - 1) < 0.03
    assert abs(np.mean(bright) / NOISE - 1) < 0.05


def test_noise_is_measured_without_bias_in_a_crowd():
    measured = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        places, fluxes = rng.uniform(70, 186, (30, 2)), NOISE * 10 ** rng.uniform(0.7, 1.7, 30)
        field = observe(np.column_stack([places, fluxes]), rng=rng, noise=NOISE, primary_beam_fwhm=np.inf)
        dirty_map = DirtyMap(field.dirty, field.beam)
        measured.append(characterise(dirty_map, proposals=100, max_proposals=100).noise)

    assert abs(np.mean(measured) / NOISE - 1) < 0.06


def test_masked_places_hold_no_source_but_count_for_their_neighbours(look):
    field, _ = look([(56.3, 60.8, 0.02), (76.3, 60.8, 0.02)])
    mask = np.zeros(field.dirty.shape, bool)
    mask[50:70, 70:82] = True

    result = characterise(DirtyMap(field.dirty, field.beam, noise=NOISE, mask=mask))

    assert np.hypot(result.sources["x"][0].value - 56.3, result.sources["y"][0].value - 60.8) < 0.5
    assert not mask[
        result.sources["y"].value.round().astype(int), result.sources["x"].value.round().astype(int)
    ].any()
    with pytest.raises(errors.MaskMismatch, match="mask of shape"):
        DirtyMap(field.dirty, field.beam, mask=mask[1:])


def test_a_core_ten_thousand_times_the_noise_hides_little(look):
    _, dirty_map = look([(60.3, 66.7, 10.0), (76.2, 56.1, 0.03)])

    result = characterise(dirty_map)

    assert len(result.sources) == 2
    assert nearest(result, 76.2, 56.1)[1] < 0.6


def test_an_extended_source_ends_within_the_cap_and_says_what_it_could_not_do(look):
    rng = np.random.default_rng(0)
    haze = np.column_stack([rng.normal(64, 9, (400, 2)), np.full(400, 0.005)])
    _, dirty_map = look(haze)

    result = characterise(dirty_map, max_proposals=30_000)

    assert result.diagnostics["proposals"] <= 30_000
    assert not result.converged


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
    assert len(told) > 8


def test_nan_borders_are_not_searched(look):
    field, _ = look([(66.3, 60.8, 0.05)])
    data = field.dirty.copy()
    data[:40], data[:, 90:] = np.nan, np.nan

    dirty_map = DirtyMap(data, field.beam, noise=NOISE)
    result = characterise(dirty_map)

    assert result.searched == (slice(40, 96), slice(32, 90))
    assert len(result.sources) == 1


def test_blank_pixels_stay_blank(look):
    """In the caller's map, and in what is left of it."""
    field, _ = look([(66.3, 60.8, 0.05)])
    data = field.dirty.copy()
    data[50:54, 80:84] = np.nan

    result = characterise(DirtyMap(data, field.beam, noise=NOISE))

    assert np.count_nonzero(np.isnan(data)) == 16
    assert np.count_nonzero(np.isnan(result.residual())) == 16
    assert np.nanstd(result.residual()) < 1.2 * NOISE


def test_probabilities_do_not_depend_on_the_seed(look):
    """Of a source within a beam of a bright one, which may be two: the standard error is at most 0.05."""
    field = observe([(62.4, 64.7, 0.4), (66.0, 61.3, 0.02)], rng=np.random.default_rng(0), pixels=128)
    dirty_map = DirtyMap(field.dirty, field.beam, field.primary_beam)

    two = [characterise(dirty_map, seed=seed).n_posterior[2] for seed in range(6)]

    assert np.std(two) < 0.1
    assert 0.3 < np.mean(two) < 0.75


def test_what_is_listed_does_not_change_what_is_said(look):
    _, dirty_map = look([(62.4, 64.7, 0.012), (64.9, 60.1, 0.006), (84.2, 50.2, 0.02)])

    few, many = (characterise(dirty_map, threshold=threshold).sources for threshold in (0.5, 0.02))

    assert len(many) > len(few)
    for source in few:
        (same,) = (
            other
            for other in many
            if np.hypot(other["x"] - source["x"], other["y"] - source["y"]).value < 0.3
        )
        for name in ("x", "y", "flux", "sigma_flux", "probability", "alternative", "probability_alternative"):
            assert same[name] == source[name]


def test_a_doubtful_source_alone_is_no_blend(look):
    doubtful = [
        source
        for seed in range(12)
        for source in characterise(look([(66.3, 60.8, 0.0042)], seed=seed)[1], threshold=0.2).sources
        if source["probability"] < 0.8 and not source["neighbour"].value < 1
    ]

    assert len(doubtful) >= 2
    assert not any(source["blended"] for source in doubtful)


def test_warming_up_leaves_nothing_to_compile():
    warm_up()

    from basc import kernels

    compiled = (kernels.run_chain, kernels.subtract_sources, kernels.look)
    known = [set(kernel.overloads) for kernel in compiled]
    field = observe([(33.0, 30.0, 0.02)], rng=np.random.default_rng(4), pixels=64, noise=1e-3)
    characterise(DirtyMap(field.dirty, field.beam, field.primary_beam), max_proposals=2000).residual()
    assert [set(kernel.overloads) for kernel in compiled] == known


def test_the_core_of_m87_is_found():
    folder = os.environ.get("STOA_TEST_DATA")
    if not folder:
        pytest.skip("STOA_TEST_DATA does not name the folder with m87_vlba_8ghz.dirty.fits")
    stem = Path(folder) / "m87_vlba_8ghz"
    dirty_map = DirtyMap.from_fits(*(f"{stem}.{kind}.fits" for kind in ("dirty", "psf", "flux")))

    result = characterise(dirty_map)

    core = result.sources[0]
    offset = np.linalg.inv(core_axes(dirty_map.beam)) @ [core["x"].value - 128, core["y"].value - 128]
    assert np.hypot(*offset) / 2.355 < 0.1
    assert core["flux"].value > 0.5
    assert 5 < len(result.sources) <= 60
    assert result.residual().std() < 0.01 * dirty_map.data.max()
