"""Gaussian sources: their likelihood, their prior, and whether they are told from points."""

import math

import numpy as np
import pytest
from astropy import units as u

from basc import DirtyMap, characterise, kernels, nature
from basc.channels import combine, detail_of, finest_of
from basc.errors import SettingInvalid
from basc.images import core_axes
from basc.prior import FLATTEST, LARGEST, SMALLEST, Prior
from basc.sampling import energy_of
from basc.shapes import ANGLE, INDEX, MAJOR, OWN, RATIO, ROWS
from basc.simulate import observe
from basc.starting import first_look
from tests.basc import reference

PIXELS, START = 64, 16
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


def details(channels, extended=0.3, spectral_index=(-0.7, 1.0)):
    combined, weights, ln_frequency, _ = combine(channels, spectral_index[0], 8)
    return first_look(combined, 8).field, detail_of(
        channels, combined, weights, ln_frequency, extended, spectral_index
    )


def as_state(sources):
    """Sources of (x, y, flux, major, minor, angle), as `reference.chi2` takes them."""
    state = np.zeros((ROWS, 8))
    for k, (x, y, flux, major, minor, angle) in enumerate(sources):
        state[:3, k] = x - START, y - START, flux
        state[MAJOR, k], state[RATIO, k], state[ANGLE, k] = major, minor / major if major else 1.0, angle
    return state


@pytest.mark.parametrize(
    "sources",
    [
        [(30.3, 28.9, 0.05, 2.0, 1.1, 0.4)],
        [(30.3, 28.9, 0.05, 3.7, 0.8, 2.6), (35.8, 31.2, 0.02, 0.0, 0.0, 0.0)],
        [(30.3, 28.9, 0.05, 0.6, 0.6, 0.0), (33.1, 34.2, 0.04, 3.0, 2.9, 1.5)],
    ],
)
def test_likelihood_of_gaussians_is_that_of_the_visibilities(sources):
    shapes = [(FWHM * major, FWHM * minor, math.degrees(turn) - 90) for *_, major, minor, turn in sources]
    seen = observe(
        [source[:3] for source in sources], rng=np.random.default_rng(3), pixels=PIXELS,
        primary_beam_fwhm=np.inf, shapes=shapes,
    )  # fmt: skip
    field, detail = details([DirtyMap(seen.dirty, seen.beam, noise=seen.noise)])
    arguments = seen.visibilities, seen.weights, seen.cells_u, seen.cells_v, PIXELS

    expected = (reference.chi2(*arguments, []) - reference.chi2(*arguments, sources)) / 2.0
    found = energy_of(field, as_state(sources), len(sources), detail) / seen.noise**2

    np.testing.assert_allclose(found, expected, rtol=3e-5)


def test_the_largest_frequency_of_a_beam_is_that_of_its_longest_baseline():
    seen = observe([], rng=np.random.default_rng(0), pixels=128)
    longest = 2 * np.pi * np.hypot(seen.cells_u, seen.cells_v).max() / 128

    assert 0.7 * longest < finest_of(seen.beam) <= 1.001 * longest


def test_without_data_shapes_and_spectra_follow_their_prior():
    steps, kept = 1_500_000, 30_000
    rng = np.random.default_rng(9)
    empty = observe([], rng=rng, pixels=PIXELS)
    channels = [DirtyMap(empty.dirty, empty.beam, noise=1e-3, frequency=nu) for nu in (9e10, 1.2e11)]
    field, detail = details(channels, extended=0.4, spectral_index=(0.5, 2.0))
    median, shape = 1e6, field.median.shape
    prior = Prior(expected_sources=1.0, companions=0.0, median_flux=median)
    density = np.full(shape, 1.0 / np.prod(shape))
    field = field._replace(
        median=np.full(shape, median),
        birth_cdf=np.cumsum(density.ravel()),
        birth_density=density,
        ln_number=prior.ln_number(8),
        places=prior.places(float(np.prod(shape)), field.axes),
    )
    state, samples = np.zeros((ROWS, 8)), np.zeros((kept, 7, 8))
    sizes, energies = np.zeros(kept, np.int64), np.zeros(kept)
    moves = np.zeros((len(kernels.MOVES), 2), np.int64)

    kernels.run_chain(
        field, detail, 3e7, state, 0, 0.0, rng.random((steps, kernels.N_UNIFORM + 4)),
        rng.standard_normal((steps, kernels.N_NORMAL)), samples, sizes, energies, moves,
    )  # fmt: skip

    there = np.arange(8) < sizes[:, None]
    major, ratio, angle, index = (samples[:, row][there] for row in range(3, 7))
    wide = major > 0
    width = core_axes(empty.beam)
    width = math.sqrt(abs(np.linalg.det(width)))
    size = np.log(major[wide] / (SMALLEST * width)) / np.log(LARGEST / SMALLEST)
    uniform = size, (ratio[wide] - FLATTEST) / (1 - FLATTEST), angle[wide] / math.pi
    assert moves[kernels.NATURE, 1] > 1000
    assert np.mean(sizes) == pytest.approx(1.0, abs=0.07)
    assert np.mean(wide) == pytest.approx(0.4, abs=0.03)
    for values in uniform:
        np.testing.assert_allclose(
            np.quantile(values, [0.0, 0.25, 0.5, 0.75, 1.0]), [0, 0.25, 0.5, 0.75, 1], atol=0.04
        )
    np.testing.assert_allclose([index.mean(), index.std()], [0.5, 2.0], atol=0.12)


@pytest.fixture(scope="module")
def blob():
    """A Gaussian source of 6 by 3 pixels, and a point two beams from it, characterised with both in mind."""
    seen = observe(
        [(64.3, 63.2, 0.06), (75.0, 60.0, 0.02)], rng=np.random.default_rng(1), pixels=128, noise=1e-3,
        primary_beam_fwhm=np.inf, shapes=[(6.0, 3.0, 30.0), (0.0, 0.0, 0.0)],
    )  # fmt: skip
    return characterise(DirtyMap(seen.dirty, seen.beam, noise=1e-3, wcs=seen.wcs), extended=0.3)


def test_a_gaussian_and_a_point_are_told_apart(blob):
    extended, point = blob.sources

    assert blob.converged
    assert extended["probability_extended"] > 0.99
    assert point["probability_extended"] < 0.5
    for name, truth in (
        ("major", 0.3 * u.arcsec),
        ("minor", 0.15 * u.arcsec),
        ("position_angle", 30 * u.deg),
    ):
        assert abs(extended[name] - truth) < 3.0 * extended[f"sigma_{name}"], name
        assert extended[f"sigma_{name}"] > 0
    assert abs(extended["flux"].value - 0.06) < 3.0 * extended["sigma_flux"].value
    assert abs(point["flux"].value - 0.02) < 3.0 * point["sigma_flux"].value


def test_a_gaussian_leaves_nothing_in_the_residual(blob):
    assert blob.residual().std() == pytest.approx(1e-3, rel=0.15)
    assert blob.posterior_mean().sum() == pytest.approx(0.08, rel=0.1)


def test_points_for_a_gaussian_leave_more_sources_than_there_are(blob):
    seen = observe(
        [(64.3, 63.2, 0.06), (75.0, 60.0, 0.02)], rng=np.random.default_rng(1), pixels=128, noise=1e-3,
        primary_beam_fwhm=np.inf, shapes=[(6.0, 3.0, 30.0), (0.0, 0.0, 0.0)],
    )  # fmt: skip

    assert len(characterise(DirtyMap(seen.dirty, seen.beam, noise=1e-3)).sources) > 2 == len(blob.sources)


def test_a_point_stays_one_where_extended_sources_are_expected(look):
    _, dirty_map = look([(64.2, 63.7, 0.03)])

    (source,) = characterise(dirty_map, extended=0.3).sources

    assert source["probability_extended"] < 0.5
    assert abs(source["flux"].value - 0.03) < 3.0 * source["sigma_flux"].value


def test_the_same_seed_gives_the_same_shapes_on_any_number_of_threads(look):
    _, dirty_map = look([(64.2, 63.7, 0.03)])

    one, other = (
        characterise(dirty_map, extended=0.3, threads=threads, max_proposals=2000) for threads in (1, 4)
    )

    assert one.samples.nature.keys() == {"major", "ratio", "angle", "index"}
    for name, values in one.samples.nature.items():
        np.testing.assert_array_equal(values, other.samples.nature[name])


@pytest.mark.parametrize("extended", [-0.1, 1.0, math.nan])
def test_an_impossible_fraction_is_refused(look, extended):
    _, dirty_map = look([])

    with pytest.raises(SettingInvalid, match="extended"):
        characterise(dirty_map, extended=extended)


def test_the_lattice_of_a_gaussian_has_its_moments():
    offsets, weights = nature.lattice(2.0, 1.0, 0.5)
    turned = np.array([[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]]) @ offsets

    np.testing.assert_allclose(offsets @ weights, 0.0, atol=1e-12)
    np.testing.assert_allclose((turned * weights) @ turned.T, [[4.0, 0.0], [0.0, 1.0]], atol=2e-3)


def test_a_state_of_points_has_further_rows_of_points():
    seen = observe([(32.0, 32.0, 0.03)], rng=np.random.default_rng(0), pixels=PIXELS)
    field, detail = details([DirtyMap(seen.dirty, seen.beam, noise=1e-3)], extended=0.0)
    points = np.zeros((kernels.ROWS, 4))
    points[:3, 0] = 16.0, 16.0, 0.03

    state, n = nature.with_nature(field, detail, points, 1, 1e-3)

    assert n == 1
    np.testing.assert_array_equal(state[[MAJOR, RATIO, INDEX, OWN], 0], [0.0, 1.0, 0.0, 1.0])
