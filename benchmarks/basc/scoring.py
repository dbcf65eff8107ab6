"""How well a list of sources agrees with the truth: found, missed, invented, and by how much off."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.basc.fields import BEAM

REACH = 0.5  # beams within which a source is the one looked for
THRESHOLD = 0.5  # least probability of a source that is counted
X, Y, FLUX, SIGMA_X, SIGMA_Y, SIGMA_FLUX, PROBABILITY = range(7)


def score(records, threshold=THRESHOLD):
    """Put numbers on all fields of one group as one finder sees them.

    Parameters
    ----------
    records : list of dict
        As `running` writes them.
    threshold : float

    Returns
    -------
    dict
        n_fields, n_true, n_found, n_matched; completeness, purity, false_per_field; all_found (fraction of fields),
        of these without a false one: exact, and with every flux right within a factor of two: all_measured; split
        (fraction with a second source within a beam of a lone one);
        flux_bias (mean of found / true - 1), position_error (rms distance in beams); pull_position, pull_flux (rms
        of (found - true) / quoted error), the same of exact fields only (resolved_), n_quoted; cpu (median
        seconds), cpu_mean, memory (largest MB), n_failed. NaN where nothing can be said.
    """
    n_true = n_found = n_matched = n_all = n_exact = n_measured = n_split = 0
    pairs, exact_pairs = [], []
    for record in records:
        truth, found = arrays(record, threshold)
        which_true, which_found = match(truth, found)
        n_true, n_found, n_matched = n_true + len(truth), n_found + len(found), n_matched + len(which_true)
        complete = len(which_true) == len(truth)
        exact = complete and len(found) == len(truth)
        n_all, n_exact = n_all + complete, n_exact + exact
        matched = np.column_stack([truth[which_true], found[which_found]])
        ratio = matched[:, 3 + FLUX] / matched[:, FLUX]
        n_measured += complete and bool(((ratio > 0.5) & (ratio < 2)).all())
        pairs.append(matched)
        near = np.hypot(*(truth[:, None, [X, Y]] - found[None][:, :, [X, Y]]).T) < BEAM
        n_split += len(truth) == 1 and np.count_nonzero(near) > 1
        if exact:
            exact_pairs.append(matched)
    n_fields = len(records)
    cpu = [record["cpu"] for record in records if record["cpu"] is not None]
    memory = [record["memory"] for record in records if record["memory"] is not None]
    pairs = np.concatenate(pairs) if pairs else np.zeros((0, 10))
    exact_pairs = np.concatenate(exact_pairs) if exact_pairs else np.zeros((0, 10))
    distance = np.hypot(pairs[:, 3 + X] - pairs[:, X], pairs[:, 3 + Y] - pairs[:, Y]) / BEAM
    position, flux = pulls(pairs)
    resolved_position, resolved_flux = pulls(exact_pairs)
    return {
        "n_fields": n_fields,
        "n_true": n_true,
        "n_found": n_found,
        "n_matched": n_matched,
        "completeness": share(n_matched, n_true),
        "purity": share(n_matched, n_found),
        "all_found": share(n_all, n_fields),
        "exact": share(n_exact, n_fields),
        "split": share(n_split, n_fields),
        "all_measured": share(n_measured, n_fields),
        "false_per_field": share(n_found - n_matched, n_fields),
        "flux_bias": mean(pairs[:, 3 + FLUX] / pairs[:, FLUX] - 1),
        "position_error": rms(distance),
        "pull_position": rms(position),
        "pull_flux": rms(flux),
        "n_quoted": len(flux),
        "resolved_pull_position": rms(resolved_position),
        "resolved_pull_flux": rms(resolved_flux),
        "cpu": float(np.median(cpu)) if cpu else np.nan,
        "cpu_mean": mean(np.array(cpu)),
        "memory": max(memory, default=np.nan),
        "n_failed": sum("error" in record for record in records),
    }


def arrays(record, threshold=THRESHOLD):
    """Truth (n, 3) and what was found (m, 7) with at least this probability."""
    truth = np.array(record["truth"], dtype=float).reshape(-1, 3)
    found = np.array(record["found"], dtype=float).reshape(-1, 7)
    return truth, found[found[:, PROBABILITY] >= threshold]


def match(truth, found):
    """One to one, as many as possible within `REACH`, and of those the nearest: indices into both."""
    distance = np.hypot(truth[:, None, X] - found[None, :, X], truth[:, None, Y] - found[None, :, Y]) / BEAM
    distance = np.where(np.isfinite(distance), distance, np.inf)
    far = distance > REACH
    which_true, which_found = linear_sum_assignment(np.where(far, 1e3, distance))
    near = ~far[which_true, which_found]
    return which_true[near], which_found[near]


def pulls(pairs):
    """(found - true) / quoted error: of x and y together, and of the flux; where an error is quoted."""
    difference = pairs[:, 3:6] - pairs[:, :3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = difference / pairs[:, 3 + SIGMA_X : 3 + SIGMA_FLUX + 1]
    position, flux = pull[:, :2].ravel(), pull[:, 2]
    return position[np.isfinite(position)], flux[np.isfinite(flux)]


def counting_error(part, whole):
    """One sigma of a fraction (Agresti & Coull 1998, with one sigma): not zero where all or nothing was found."""
    if not whole:
        return np.nan
    centre = (part + 0.5) / (whole + 1)
    return float(np.sqrt(centre * (1 - centre) / (whole + 1)))


def share(part, whole):
    return part / whole if whole else np.nan


def mean(values):
    return float(np.mean(values)) if len(values) else np.nan


def rms(values):
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else np.nan
