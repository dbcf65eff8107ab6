"""Fields with a known truth."""

import numpy as np
import pytest

from basc import DirtyMap
from basc.simulate import observe

NOISE = 1e-3


@pytest.fixture
def look():
    """Observe sources (x, y, Jy) with 1 mJy/beam of noise and a flat primary beam: field and map."""

    def observed(sources, seed=0, noise=NOISE, **options):
        options = {"pixels": 128, "primary_beam_fwhm": np.inf} | options
        field = observe(sources, rng=np.random.default_rng(seed), noise=noise, **options)
        return field, DirtyMap(field.dirty, field.beam, field.primary_beam, NOISE, field.wcs)

    return observed
