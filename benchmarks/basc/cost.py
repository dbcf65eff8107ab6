"""What one proposal of the sampler costs, apart from preparing the map and writing the catalogue."""

from __future__ import annotations

import inspect

import numpy as np

import basc
from benchmarks.basc.fields import SCALED_NUMBERS, all_groups, make_field
from benchmarks.basc.finders import find

PROPOSALS = 10_000, 40_000


def cost_per_proposal(n_fields=3):
    """Microseconds per proposal against the number of sources.

    It is the extra CPU of a longer chain over its extra proposals, so that preparing the map does not count.

    Returns
    -------
    dict of int to float
        Empty if this edition of `basc.characterise` cannot be told how many proposals to make.
    """
    parameters = inspect.signature(basc.characterise).parameters
    if "proposals" not in parameters or "chains" not in parameters:
        return {}
    chains = parameters["chains"].default
    groups = {group.name: group for group in all_groups()}
    find("basc", make_field(groups["pair-40to1-1"], 1_000_000))
    cost = {}
    for number in SCALED_NUMBERS:
        slopes = []
        for k in range(n_fields):
            simulated = make_field(groups[f"sources-{number}"], k)
            made, cpu = zip(*(one_run(simulated, wanted, parameters) for wanted in PROPOSALS), strict=True)
            slopes.append((cpu[1] - cpu[0]) / (chains * (made[1] - made[0])))
        cost[number] = 1e6 * float(np.median(slopes))
    return cost


def one_run(simulated, proposals, parameters):
    """A chain of so many proposals, and no longer one if it has not converged: proposals made, CPU seconds."""
    options = {"proposals": proposals}
    if "max_proposals" in parameters:
        options["max_proposals"] = proposals
    found = find("basc", simulated, **options)
    return found.notes.get("proposals", proposals), found.cpu
