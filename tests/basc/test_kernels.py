"""Every kernel against a slow version of it, and against what must be true."""

import itertools
import math

import numpy as np
import pytest

from basc import kernels
from basc.images import core_axes
from basc.interpolation import beam_coefficients, interpolation_error, map_coefficients
from basc.simulate import observe
from basc.starting import polish
from tests.basc import reference

PIXELS = 64
START = PIXELS // 4
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
    )


def as_state(sources):
    state = np.zeros((3, 8))
    for k, (x, y, flux) in enumerate(sources):
        state[:, k] = x - START, y - START, flux
    return state


@pytest.mark.parametrize("sources", [SOURCES, SOURCES[:1], [(31.0, 31.0, 0.03), (31.7, 30.2, 0.04)]])
def test_likelihood_on_the_map_is_that_of_the_visibilities(simulated, seen, sources):
    cells = simulated.cells_u, simulated.cells_v
    arguments = simulated.visibilities, simulated.weights, *cells, PIXELS

    expected = (reference.chi2(*arguments, []) - reference.chi2(*arguments, sources)) / 2.0
    coefficients = seen.map_coefficients, seen.beam_coefficients
    found = energy(coefficients, as_state(sources), len(sources)) / simulated.noise**2

    np.testing.assert_allclose(found, expected, rtol=2e-6)


def energy(coefficients, state, n):
    """f.d - f'Gf/2 as the sum over sources of what each finds after those before it, by the kernel."""
    total, near = 0.0, np.empty((1, 1))
    for k in range(n):
        kernels.residuals_near(*coefficients, state, k, np.array([k, -1]), 0.0, near)
        total += state[2, k] * (near[0, 0] - 0.5 * state[2, k])
    return total


def quintic(coefficients, x, y):
    """A spline as the sum over its neighbourhood of truncated powers (de Boor, chapter IX)."""

    def bump(t):
        return sum((-1) ** k * math.comb(6, k) * max(t + 3 - k, 0.0) ** 5 for k in range(7)) / 120.0

    i, j = math.floor(x), math.floor(y)
    near = itertools.product(range(j - 3, j + 5), range(i - 3, i + 5))
    return sum(coefficients[b, a] * bump(x - a) * bump(y - b) for b, a in near)


def test_interpolation_between_pixels_is_exact_to_a_millionth(simulated, seen):
    cells = simulated.cells_u, simulated.cells_v, simulated.weights
    middle = np.array(seen.beam_coefficients.shape) // 2
    rng = np.random.default_rng(2)

    for dx, dy in rng.uniform(-6, 6, (20, 2)):
        exact = reference.beam_at(*cells, PIXELS, dx, dy)
        found = quintic(seen.beam_coefficients, middle[1] + 2 * dx, middle[0] + 2 * dy)
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

    polish(clean, state, 1, rounds=8)

    np.testing.assert_allclose(state[:, 0], as_state(SOURCES)[:, 0], rtol=1e-4)


@pytest.mark.parametrize("expected", [1.0, 3.0])
def test_without_data_the_chain_returns_the_prior(seen, expected):
    """Under a noise far above prior and map, numbers must be Poisson, fluxes Lomax and places uniform."""
    steps, kept = 400_000, 20_000
    rng = np.random.default_rng(8)
    state, samples = np.zeros((3, 20)), np.zeros((kept, 3, 20))
    sizes, energies = np.zeros(kept, np.int64), np.zeros(kept)
    flat = seen._replace(median=np.full_like(seen.median, 1e6))
    numbers = rng.random((steps, kernels.N_UNIFORM)), rng.standard_normal((steps, kernels.N_NORMAL))
    moves = np.zeros((6, 2), np.int64)

    kernels.run_chain(flat, 1e8, expected / 1024, state, 0, 0.0, *numbers, samples, sizes, energies, moves)

    frequencies = np.bincount(sizes, minlength=12)[:8] / kept
    poisson = [math.exp(-expected) * expected**k / math.factorial(k) for k in range(8)]
    np.testing.assert_allclose(frequencies, poisson, atol=0.02)
    assert moves[kernels.SPLIT, 1] > 100
    assert moves[kernels.MERGE, 1] > 100
    present = np.arange(20) < sizes[:, None]
    np.testing.assert_allclose(samples[:, 0][present].mean(), 15.5, atol=1.0)
    np.testing.assert_allclose(np.mean(samples[:, 2][present] < 1e6), 0.5, atol=0.04)
    np.testing.assert_allclose(np.mean(samples[:, 2][present] < 3e6), 0.75, atol=0.04)
