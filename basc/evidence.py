"""How much better sources explain a map than nothing does."""

from __future__ import annotations

import math

import numpy as np

SEEN_EMPTY = 0.02  # fraction of samples without a source from which their number is a measure
ENOUGH_EMPTY = 0.1  # the same, of the warmest chains
STEP = 1.0  # standard deviations of ln L between temperatures
MOST = 200  # temperatures
PROPOSALS, KEPT = 16_000, 1000  # per chain and temperature


def ln_evidence_of(team, sizes, ln_number, *, wanted):
    """Log of the evidence over that of an empty map.

    Where samples are empty often enough, by their number: p(0 | data) = p(0) / Z. Otherwise by stepping stones
    (Xie et al. 2011, Syst. Biol. 60, 150) through warmer and warmer chains, down to where the map is empty.

    Parameters
    ----------
    team : `basc.sampling.Team`
        Chains that follow the posterior; left warm.
    sizes : int64 array
        Numbers of sources of samples of the posterior.
    ln_number : float64 array
        Log of p(n) n!.
    wanted : bool
        Whether to take the stones.

    Returns
    -------
    ln_evidence : float
        NaN if it is not known.
    temperatures : int
        How many were used, besides that of the posterior.
    """
    empty = np.mean(sizes == 0)
    if empty >= SEEN_EMPTY:
        return float(ln_number[0] - math.log(empty)), 0
    if not wanted:
        return math.nan, 0
    # Over sets with sources only: warmer chains also visit the empty map, which the colder ones hardly do.
    power, total = 1.0, 0.0
    _, sizes, ln_likelihood = team.run(PROPOSALS, KEPT)
    ln_likelihood = ln_likelihood[sizes > 0]
    for number in range(1, MOST + 1):
        lower = power - min(STEP / max(float(ln_likelihood.std()), 1e-9), 0.5 * power)
        down = _ln_mean_exp((lower - power) * ln_likelihood)
        heat = lower**-0.5
        team.each(lambda chain, heat=heat: chain.run(PROPOSALS // 4, 0, heat=heat))
        _, sizes, ln_likelihood = team.run(PROPOSALS, KEPT, heat=heat)
        empty = np.mean(sizes == 0)
        if empty == 1.0:
            break
        ln_likelihood = ln_likelihood[sizes > 0]
        # The same ratio from both of its ends.
        total += 0.5 * (_ln_mean_exp((power - lower) * ln_likelihood) - down)
        power = lower
        if empty >= ENOUGH_EMPTY:
            some = ln_number[0] + math.log1p(-empty) - math.log(empty) + total
            return float(np.logaddexp(ln_number[0], some)), number
    return math.nan, number


def _ln_mean_exp(values):
    highest = values.max()
    return float(highest + np.log(np.mean(np.exp(values - highest))))
