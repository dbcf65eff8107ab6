"""Weights that depend on the uv cell alone can be undone."""

import numpy as np
import pytest

from basc import DirtyMap, characterise, errors, to_natural
from basc.simulate import observe

NOISE = 1e-3
SOURCES = [(62.4, 64.7, 0.2), (66.6, 60.5, 0.01)]


@pytest.fixture
def field():
    return observe(SOURCES, rng=np.random.default_rng(0), pixels=128, noise=NOISE, primary_beam_fwhm=np.inf)


def imaged(field, weights):
    """Dirty map and beam by a direct Fourier sum over the cells, with any weights."""
    pixels = len(field.dirty)
    offset = np.arange(pixels) - pixels // 2
    across = np.exp(2j * np.pi / pixels * np.multiply.outer(field.cells_u, offset))
    up = np.exp(2j * np.pi / pixels * np.multiply.outer(field.cells_v, offset))
    share = weights / weights.sum()
    map_, beam = (
        np.einsum("k,kj,ki->ji", share * v, up, across, optimize=True).real for v in (field.visibilities, 1)
    )
    return map_, beam


def robust(field, power):
    """Weights in which a cell counts by a power of what was measured in it and its mirror: 0 is uniform."""
    cells = {(u, v): w for u, v, w in zip(field.cells_u, field.cells_v, field.weights, strict=True)}
    both = np.array([w + cells.get((-u, -v), 0.0) for (u, v), w in cells.items()])
    return field.weights * both ** (power - 1.0)


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_uniform_and_robust_weights_are_undone(field, power):
    data, beam = imaged(field, robust(field, power))
    assert np.abs(beam - field.beam).max() > 0.02

    natural = to_natural(DirtyMap(data, beam), field.beam, noise=NOISE)

    np.testing.assert_allclose(natural.data, field.dirty, atol=1e-9)
    np.testing.assert_allclose(natural.beam, field.beam, atol=1e-9)
    assert len(characterise(natural).sources) == 2


def test_what_is_asked_of_wrong_weights_is_wrong(field):
    """The reason for all this: under uniform weights taken for natural ones, errors are too small."""
    data, beam = imaged(field, robust(field, 0.0))

    wrong = characterise(DirtyMap(data, beam, noise=NOISE))
    right = characterise(to_natural(DirtyMap(data, beam), field.beam, noise=NOISE))

    assert len(wrong.sources) != 2 or wrong.residual().std() > 1.1 * right.residual().std()


def test_images_that_are_not_of_one_grid_are_refused(field):
    whole = DirtyMap(field.dirty, field.beam)

    with pytest.raises(errors.WeightsUnknown, match="shapes differ"):
        to_natural(whole, field.beam[1:-1, 1:-1])
    cut = slice(16, 112)
    with pytest.raises(errors.WeightsUnknown, match="uncut"):
        to_natural(DirtyMap(field.dirty[cut, cut], field.beam[cut, cut]), field.beam[cut, cut])
    blank = field.dirty.copy()
    blank[0, 0] = np.nan
    with pytest.raises(errors.WeightsUnknown, match="blank"):
        to_natural(DirtyMap(blank, field.beam), field.beam)
    few = np.where(np.hypot(field.cells_u, field.cells_v) < 8, field.weights, 0)
    with pytest.raises(errors.WeightsUnknown, match="same visibilities"):
        to_natural(DirtyMap(*imaged(field, few)), field.beam)
