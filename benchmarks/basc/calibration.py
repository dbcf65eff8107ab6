"""Whether quoted probabilities and errors mean what they say: bins, seeds, and ranks of the truth among the samples."""

from __future__ import annotations

import inspect
import json
from itertools import pairwise

import numpy as np
from scipy.stats import chi2

import basc
from basc.images import core_axes
from benchmarks.basc.fields import NOISE, SEED, observe_intrinsic
from benchmarks.basc.finders import LISTED, edition
from benchmarks.basc.running import keep_edition, read_records
from benchmarks.basc.scoring import FLUX, PROBABILITY, SIGMA_FLUX, SIGMA_X, X, Y, arrays, match, pulls, rms

EDGES = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0 + 1e-9])
STATISTICS = "number", "total flux", "brightest flux", "brightest x", "brightest y"
RANK_BINS = 20
DRAWS = 99  # posterior samples a truth is ranked among, so that there are 100 ranks


def probability_bins(records):
    """Of candidates quoted at about this probability, the fraction that are real.

    Parameters
    ----------
    records : list of dict
        As `running` writes them, or with the same "truth" and "found".

    Returns
    -------
    list of dict
        low, high, n, n_true, quoted (mean), true (fraction); bins without a candidate are left out.
    """
    quoted, real = [], []
    for record in records:
        truth, found = arrays(record, threshold=0.0)
        is_real = np.zeros(len(found), dtype=bool)
        is_real[match(truth, found)[1]] = True
        quoted.append(found[:, PROBABILITY])
        real.append(is_real)
    quoted, real = np.concatenate(quoted or [[]]), np.concatenate(real or [[]]).astype(bool)
    bins = []
    for low, high in pairwise(EDGES):
        inside = (quoted >= low) & (quoted < high)
        if inside.any():
            bins.append(
                {
                    "low": float(low),
                    "high": float(min(high, 1.0)),
                    "n": int(inside.sum()),
                    "n_true": int(real[inside].sum()),
                    "quoted": float(quoted[inside].mean()),
                    "true": float(real[inside].mean()),
                }
            )
    return bins


def spread_over_seeds(records):
    """How much the answer for one field depends on the sampler's seed, in units of the quoted errors.

    Sources of probability 0.5 and more are matched to those of the field's first seed. The spread of a source is the
    standard deviation of its means over the seeds.

    Returns
    -------
    dict
        n_sources; position, flux (rms of the spread over sources); worst (of all); same_number (the fraction of
        fields in which all seeds list as many sources).
    """
    fields = {}
    for record in records:
        fields.setdefault(record["number"], []).append(arrays(record)[1])
    position, flux, same = [], [], []
    for answers in fields.values():
        same.append(len({len(answer) for answer in answers}) == 1)
        first = answers[0]
        partners = [dict(zip(*match(first[:, :3], other), strict=True)) for other in answers]
        for source in range(len(first)):
            if not all(source in partner for partner in partners):
                continue
            seen = np.array(
                [answer[partner[source]] for answer, partner in zip(answers, partners, strict=True)]
            )
            spread = seen[:, :3].std(axis=0, ddof=1) / seen[:, SIGMA_X : SIGMA_FLUX + 1].mean(axis=0)
            position += [spread[X], spread[Y]]
            flux.append(spread[FLUX])
    return {
        "n_fields": len(fields),
        "n_sources": len(flux),
        "position": rms(position),
        "flux": rms(flux),
        "worst": max([*position, *flux], default=np.nan),
        "same_number": float(np.mean(same)) if same else np.nan,
    }


def rank_fields(draw, n_fields, output, *, area=64, tell=print, **options):
    """Simulation-based calibration: where the truth ranks among posterior samples of fields drawn from the prior.

    Talts et al. 2018, arXiv:1804.06788: if prior, likelihood and sampler are right, the ranks are uniform. Ties, as of
    numbers of sources, are broken at random. Where a set has no source, its brightest one has flux 0 and is anywhere in
    the searched area, for the truth and for samples alike, which keeps the ranks uniform.

    Parameters
    ----------
    draw : callable
        Of a `numpy.random.Generator`, gives sources drawn from the prior of `basc.characterise` with `options`: an
        array (n, 3) of x, y (pixels of the searched area) and intrinsic flux (Jy).
    n_fields : int
    output : `pathlib.Path`
        One line of JSON per field is added to ``fields/basc/ranks.jsonl``; fields that are in it are not run again.
    area : int
    tell : callable
    options : dict
        For `basc.characterise`: what makes its prior that of `draw`.

    Returns
    -------
    list of dict
        Per field: number, ranks, truth, found.
    """
    path, now = output / "fields" / "basc" / "ranks.jsonl", edition("basc")
    path.parent.mkdir(parents=True, exist_ok=True)
    done = keep_edition(path, now)
    records = read_records(path)
    for number in range(n_fields):
        if number in done:
            continue
        stream = np.random.SeedSequence([SEED, 777, number])
        rng = np.random.default_rng(stream)
        sources = np.array(draw(rng), dtype=float).reshape(-1, 3)
        sources[:, :2] += area // 2
        seen = observe_intrinsic(sources, area, rng)
        truth = np.stack([np.array(seen.sources[name].value) for name in ("x", "y", "flux")], axis=1)
        result = basc.characterise(
            basc.DirtyMap(seen.dirty, seen.beam, seen.primary_beam, NOISE, seen.wcs),
            seed=int(stream.generate_state(1)[0]),
            threshold=LISTED,
            **options,
        )
        names = "x", "y", "flux", "sigma_x", "sigma_y", "sigma_flux", "probability"
        columns = [np.array(getattr(result.sources[name], "value", result.sources[name])) for name in names]
        records.append(
            {
                "number": number,
                "edition": now,
                "ranks": ranks_of(truth, result.samples, area, rng),
                "truth": truth.tolist(),
                "found": np.stack(columns, axis=1).tolist(),
            }
        )
        with path.open("a") as file:
            file.write(json.dumps(records[-1]) + "\n")
        if number % 50 == 49:
            tell(f"ranks: {number + 1} of {n_fields} fields")
    return records


def prior_of_basc(area=64):
    """What `rank_fields` needs for BaSC's own prior at its default settings: `draw`, and options to go with it."""
    from basc.characterisation import MEDIAN_FLUX
    from basc.prior import Prior

    parameters = inspect.signature(basc.characterise).parameters
    options = {name: parameters[name].default for name in ("expected_sources", "companions")}
    options["median_flux"] = MEDIAN_FLUX * NOISE
    prior = Prior(**options)
    searchable = np.ones((area, area), dtype=bool)
    axes = core_axes(observe_intrinsic([], area, np.random.default_rng(0)).beam)
    return lambda rng: prior.draw(rng, searchable, axes), options


def ranks_of(truth, samples, area, rng):
    """Rank, 0 to `DRAWS`, of each statistic of the truth among evenly spaced samples.

    `samples` has sizes (``size``) and, padded to the largest number of sources, ``x``, ``y`` (pixels of the file) and
    ``flux`` (apparent).
    """
    chosen = np.linspace(0, len(samples.size) - 1, DRAWS).round().astype(int)
    of_samples = np.array(
        [
            statistics_of(
                np.stack(
                    [axis[row, : samples.size[row]] for axis in (samples.x, samples.y, samples.flux)], axis=1
                ),
                area,
                rng,
            )
            for row in chosen
        ]
    )
    ranks = rank_among(of_samples, statistics_of(truth, area, rng), rng)
    return dict(zip(STATISTICS, ranks, strict=True))


def rank_among(of_samples, of_truth, rng):
    """Rank of each statistic of the truth, ties broken at random: a list of int."""
    below, equal = (of_samples < of_truth).sum(axis=0), (of_samples == of_truth).sum(axis=0)
    return (below + rng.integers(0, equal + 1)).tolist()


def statistics_of(sources, area, rng):
    """`STATISTICS` of one set of sources, shape (n, 3)."""
    if not len(sources):
        return np.array([0.0, 0.0, 0.0, *rng.uniform(area // 2, area // 2 + area, size=2)])
    x, y, flux = sources[np.argmax(sources[:, 2])]
    return np.array([len(sources), sources[:, 2].sum(), flux, x, y])


def compare_ranks(records, n_bins=RANK_BINS):
    """Chi-squared test of uniform ranks.

    Returns
    -------
    dict of str to dict
        Per statistic: counts (per bin), chi_squared, p.
    """
    return {name: uniformity([record["ranks"][name] for record in records], n_bins) for name in STATISTICS}


def uniformity(ranks, n_bins=RANK_BINS):
    """Chi-squared test of ranks from 0 to `DRAWS`: counts (per bin), chi_squared, p."""
    counts = np.bincount(np.array(ranks, dtype=int) * n_bins // (DRAWS + 1), minlength=n_bins)
    expected = len(ranks) / n_bins
    chi_squared = float(((counts - expected) ** 2 / expected).sum()) if len(ranks) else np.nan
    return {
        "counts": counts.tolist(),
        "chi_squared": chi_squared,
        "p": float(chi2.sf(chi_squared, n_bins - 1)),
    }


def prior_pulls(records):
    """Pulls of the sources of probability 0.5 and more in the fields of the rank test: rms, and how many."""
    pairs = []
    for record in records:
        truth, found = arrays(record)
        which_true, which_found = match(truth, found)
        pairs.append(np.column_stack([truth[which_true], found[which_found]]))
    position, flux = pulls(np.concatenate(pairs or [np.zeros((0, 10))]))
    return {"position": rms(position), "flux": rms(flux), "n": len(flux)}
