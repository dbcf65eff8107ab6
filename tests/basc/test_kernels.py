"""Every kernel against a slow version of it, and against what must be true."""

import itertools
import math

import numpy as np
import pytest

from basc import kernels
from basc.images import core_axes
from basc.interpolation import MIDDLE, beam_coefficients, interpolation_error, map_coefficients
from basc.prior import Prior
from basc.sampling import energy_of
from basc.simulate import observe
from basc.starting import polish, rank
from tests.basc import reference

PIXELS = 64
START = PIXELS // 4
PRIOR = Prior(expected_sources=1.0, companions=0.2, median_flux=5e-3)
SOURCES = [(30.3, 28.9, 0.05), (33.8, 31.2, 0.02), (24.4, 38.5, 0.012)]


@pytest.fixture(scope="module")
def simulated():
    return observe(
        SOURCES,
        rng=np.random.default_rng(3),
        pixels=PIXELS,
        noise=1e-3,
        primary_beam_fwhm=np.inf,
        beam_fwhm=6.0,
    )


@pytest.fixture(scope="module")
def seen(simulated):
    axes = core_axes(simulated.beam)
    shape = PIXELS // 2, PIXELS // 2
    density = np.full(shape, 1.0 / np.prod(shape))
    return kernels.Field(
        map_coefficients(simulated.dirty, simulated.searchable),
        beam_coefficients(simulated.beam, shape),
        np.full(shape, 5e-3),
        np.cumsum(density.ravel()),
        density,
        axes,
        np.ascontiguousarray(np.linalg.inv(axes)),
        PRIOR.ln_number(8),
        PRIOR.places(float(np.prod(shape)), axes),
    )


def as_state(sources):
    state = np.zeros((6, 8))
    for k, (x, y, flux) in enumerate(sources):
        state[:3, k] = x - START, y - START, flux
    return state


@pytest.mark.parametrize("sources", [SOURCES, SOURCES[:1], [(31.0, 31.0, 0.03), (31.7, 30.2, 0.04)]])
def test_likelihood_on_the_map_is_that_of_the_visibilities(simulated, seen, sources):
    cells = simulated.cells_u, simulated.cells_v
    arguments = simulated.visibilities, simulated.weights, *cells, PIXELS

    expected = (reference.chi2(*arguments, []) - reference.chi2(*arguments, sources)) / 2.0
    found = energy_of(seen, as_state(sources), len(sources)) / simulated.noise**2

    np.testing.assert_allclose(found, expected, rtol=2e-6)


def quintic(coefficients, x, y):
    """A spline as the sum over its neighbourhood of truncated powers (de Boor, chapter IX)."""

    def bump(t):
        return sum((-1) ** k * math.comb(6, k) * max(t + 3 - k, 0.0) ** 5 for k in range(7)) / 120.0

    i, j = math.floor(x), math.floor(y)
    near = itertools.product(range(j - 3, j + 5), range(i - 3, i + 5))
    return sum(coefficients[b, a] * bump(x - a) * bump(y - b) for b, a in near)


def test_interpolation_between_pixels_is_exact_to_a_millionth(simulated, seen):
    cells = simulated.cells_u, simulated.cells_v, simulated.weights
    column = seen.beam_coefficients.shape[1] // 2
    rng = np.random.default_rng(2)

    for dx, dy in rng.uniform((-6, 0), (6, 6), (20, 2)):
        exact = reference.beam_at(*cells, PIXELS, dx, dy)
        found = quintic(seen.beam_coefficients, column + 2 * dx, MIDDLE + 2 * dy)
        assert abs(found - exact) < 2e-6
    assert interpolation_error(simulated.beam) < 3e-6


def test_true_sources_leave_a_noiseless_map_empty():
    field = observe(SOURCES, rng=None, pixels=PIXELS, noise=0.0, primary_beam_fwhm=np.inf)
    image = field.dirty[field.searchable].copy()

    kernels.subtract_sources(image, beam_coefficients(field.beam, image.shape), as_state(SOURCES), 3)

    assert np.abs(image).max() < 1e-6


def test_polish_finds_the_true_place_and_flux_in_a_noiseless_map(seen):
    field = observe(SOURCES[:1], rng=None, pixels=PIXELS, noise=0.0, primary_beam_fwhm=np.inf)
    clean = seen._replace(map_coefficients=map_coefficients(field.dirty, field.searchable))
    state = as_state([(31.0, 28.0, 0.01)])

    polish(clean, state, 1, 12)

    np.testing.assert_allclose(state[:, 0], as_state(SOURCES)[:, 0], rtol=1e-4)


@pytest.mark.parametrize("companions", [0.0, 0.4])
def test_without_data_the_chain_returns_the_prior(seen, companions):
    """Under a noise far above prior and map, all that the chain visits follows `Prior.draw`, by which it is judged."""
    steps, kept, median = 1_500_000, 30_000, 1e6
    rng = np.random.default_rng(8)
    prior = Prior(expected_sources=2.0, companions=companions, median_flux=median)
    shape = 120, 120
    axes, density = np.eye(2) * 1.5, np.full(shape, 1.0 / np.prod(shape))
    wide = observe([], rng=rng, pixels=256, noise=1e-3)
    inner = slice(68, 188), slice(68, 188)
    flat = kernels.Field(
        map_coefficients(wide.dirty, inner),
        beam_coefficients(wide.beam, shape),
        np.full(shape, median),
        np.cumsum(density.ravel()),
        density,
        axes,
        np.linalg.inv(axes),
        prior.ln_number(20),
        prior.places(float(np.prod(shape)), axes),
    )
    state, samples = np.zeros((6, 20)), np.zeros((kept, 3, 20))
    sizes, energies = np.zeros(kept, np.int64), np.zeros(kept)
    numbers = rng.random((steps, kernels.N_UNIFORM)), rng.standard_normal((steps, kernels.N_NORMAL))
    moves = np.zeros((len(kernels.MOVES), 2), np.int64)

    n, _ = kernels.run_chain(flat, None, 5e7, state, 0, 0.0, *numbers, samples, sizes, energies, moves)

    ranked = state.copy()
    rank(flat, ranked, n)
    np.testing.assert_array_equal(ranked[:, :n], state[:, :n])
    drawn = [prior.draw(rng, np.ones(shape, bool), axes) for _ in range(kept)]
    visited = [sample[:, :size].T for sample, size in zip(samples, sizes, strict=True)]
    assert min(moves[:-1, 1]) > 50
    for number in range(6):
        found, wanted = (np.mean([len(each) == number for each in many]) for many in (visited, drawn))
        assert abs(found - wanted) < 0.025
    for quantile in (0.25, 0.5, 0.75):
        found, wanted = (np.quantile(np.concatenate(many)[:, 2], quantile) for many in (visited, drawn))
        assert abs(found / wanted - 1) < 0.06
    found, wanted = (np.mean([pairs_within(each, 1.8 * 1.5) for each in many]) for many in (visited, drawn))
    assert abs(found - wanted) < 0.06
    assert min(distances(each).min() for each in visited if len(each) > 1) >= 0.8 * 1.5


def distances(sources):
    offsets = sources[:, None, :2] - sources[None, :, :2]
    return np.hypot(*offsets.T)[np.triu_indices(len(sources), 1)]


def pairs_within(sources, radius):
    return np.count_nonzero(distances(sources) < radius)
