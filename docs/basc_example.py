# %% [markdown]
# # A source forty times fainter, within one beam
#
# A calibrator of 400 mJy, and beside it, less than a beam away, a galaxy of 10 mJy: in the dirty map there is one
# bump. This script simulates the field, lets BaSC look at it, and asks how sure the answer is. It runs in seconds, as
# a script (`python docs/basc_example.py`) or cell by cell in a notebook (`jupytext --to ipynb`, VS Code, Spyder).

# %%
import numpy as np
from astropy import units as u

from basc import DirtyMap, characterise
from basc.simulate import core_of, observe

TRUTH = [(62.4, 64.7, 0.400), (66.2, 61.0, 0.010)]  # column, row, Jy
field = observe(TRUTH, rng=np.random.default_rng(4), pixels=128, noise=1e-3, name="A PAIR")
beam = np.sqrt(np.prod(core_of(field.beam)[:2]))
apart = np.hypot(62.4 - 66.2, 64.7 - 61.0)
print(f"beam {beam:.1f} pixels; the two are {apart / beam:.2f} beams apart")

# %% [markdown]
# A map, its beam and its primary beam are all there is to give. From files it would be
# `DirtyMap.from_fits("pair.dirty.fits", "pair.psf.fits", "pair.flux.fits")`. The noise is measured.

# %%
dirty_map = DirtyMap(field.dirty, field.beam, field.primary_beam, wcs=field.wcs, meta={"OBJECT": "A PAIR"})
result = characterise(dirty_map, seed=1)

print(f"noise {result.noise * 1e3:.3f} mJy/beam, converged: {result.converged}")
result.sources["x", "y", "flux", "sigma_flux", "probability", "snr", "neighbour", "blended"].pprint_all()

# %% [markdown]
# The whole of it on one page: PNG, SVG or PDF. (In a notebook, `draw_figure(result)` shows it.)

# %%
from basc.figure import write_figure  # noqa: E402

write_figure(result, "pair.svg")

# %% [markdown]
# A catalogue has one number and one error. The posterior has everything: each sample is a whole set of sources. Which
# of them hold a companion, and how bright is it there?

# %%
samples = result.samples
companion = result.sources[1]
near = np.hypot(samples.x - companion["x"].value, samples.y - companion["y"].value) < beam / 2
near &= np.arange(samples.x.shape[1]) < samples.size[:, None]
bright = samples.flux > 0.1
fluxes = np.where(near & ~bright, samples.flux, 0.0).sum(axis=1)
there = fluxes > 0
low, middle, high = np.percentile(fluxes[there] * 1e3, [16, 50, 84])
print(f"the companion is in {there.mean():.1%} of the samples, with {middle:.1f} (+{high - middle:.1f} "
      f"-{middle - low:.1f}) mJy; the truth is {TRUTH[1][2] * 1e3:.1f} mJy, {field.sources['flux'][1].to(u.mJy):.1f} "
      "as seen through the primary beam")  # fmt: skip

counts, edges = np.histogram(fluxes[there] * 1e3, bins=12)
for count, edge in zip(counts, edges, strict=False):
    print(f"{edge:6.1f} mJy {'#' * round(60 * count / counts.max())}")

# %% [markdown]
# Is it only luck? Another seed is other random numbers from the beginning. Two runs differ by a small part of the error
# that each of them quotes.

# %%
again = characterise(dirty_map, seed=2)
for name in ("x", "y", "flux"):
    apart = np.abs(again.sources[name] - result.sources[name]) / result.sources[f"sigma_{name}"]
    print(f"{name:>4}: the two seeds differ by {np.array2string(apart.value, precision=2)} of the error")

# %% [markdown]
# Everything that is known, in six files: catalogue, samples, posterior mean, model, residual, and how it was done.

# %%
from basc.products import write_products  # noqa: E402

for name, path in write_products(result, "pair", "pair").items():
    print(f"{name:>15}: {path}")
