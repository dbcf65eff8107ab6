"""The bars that were set beforehand, each with what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.basc import calibration
from benchmarks.basc.scoring import counting_error

ALL = 0.99  # what "1.0" means
FEWEST = 200  # matched sources a pull is quoted from


@dataclass
class Bar:
    """A goal, its bar and the measured value in words; met is None if it has not been measured."""

    goal: str
    wanted: str
    measured: str
    met: bool | None


def all_bars(results):
    """Every bar that something has been measured for, in order."""
    sections = lone, empty, pairs, crowds, errors, probabilities, bright, real, costs, repeats
    return [bar for section in sections for bar in section(results)]


def lone(results):
    ideal = results.parts["ideal"]
    for snr, least in (
        (4, 0.50),
        (5, 0.85),
        (6, 0.95),
        (8, ALL),
        (12, ALL),
        (20, ALL),
        (50, ALL),
        (100, ALL),
    ):
        numbers = results.score("basc", f"single-{snr}")
        if not numbers:
            continue
        measured = fraction(numbers["n_matched"], numbers["n_true"])
        if ideal and f"{snr:.1f}" in ideal["bound"]:
            at = ideal["false"].index(0.02)
            peak, bound = ideal["peak"][f"{snr:.1f}"][at], ideal["bound"][f"{snr:.1f}"][at]
            measured += f"; best threshold {peak:.3f}, possible at 0.02 false at most {bound:.3f}"
        yield Bar(f"completeness, SNR {snr}", f"≥ {least:g}", measured, numbers["completeness"] >= least)


def empty(results):
    for area in (64, 128, 256):
        numbers = results.score("basc", f"empty-{area}")
        if numbers:
            wanted, met = ("≤ 0.02", numbers["false_per_field"] <= 0.02) if area == 128 else ("-", None)
            measured = fraction(numbers["n_found"], numbers["n_fields"])
            yield Bar(f"false sources per empty field, {area} px", wanted, measured, met)


def pairs(results):
    for ratio in (1, 10, 40):
        for separation in (0.5, 0.75, 1.0, 1.5, 2.0):
            least = 0.75 if (ratio, separation) == (1, 0.5) else ALL
            numbers = results.score("basc", f"pair-{ratio}to1-{separation:g}")
            if numbers:
                found = fraction(round(numbers["all_found"] * numbers["n_fields"]), numbers["n_fields"])
                goal = f"both of a {ratio}:1 pair, {separation:g} beam"
                yield Bar(goal, f"≥ {least:g}", found, numbers["all_found"] >= least)


def crowds(results):
    for group in results.family("crowd"):
        numbers = results.score("basc", group.name)
        if numbers:
            met = numbers["completeness"] >= 0.97 and numbers["purity"] >= 0.98
            measured = (
                f"{fraction(numbers['n_matched'], numbers['n_true'])}, "
                f"{fraction(numbers['n_matched'], numbers['n_found'])}"
            )
            yield Bar(f"completeness, purity of {group.name}", "≥ 0.97, ≥ 0.98", measured, met)


def errors(results):
    """Pulls of all groups with enough sources; the extremes."""
    for kind, what in (("pull_position", "place"), ("pull_flux", "flux")):
        seen = {
            group.name: results.score("basc", group.name)[kind]
            for group in results.family("single", "pair", "crowd", "bright", "measured")
            if results.score("basc", group.name).get("n_quoted", 0) >= FEWEST
        }
        if seen:
            low, high = min(seen, key=seen.get), max(seen, key=seen.get)
            inside = [0.9 <= value <= 1.1 for value in seen.values()]
            exact = [0.9 <= results.score("basc", name)[f"resolved_{kind}"] <= 1.1 for name in seen]
            measured = (
                f"{seen[low]:.2f} ({low}) to {seen[high]:.2f} ({high}); {sum(inside)} of {len(inside)} groups inside, "
                f"{sum(exact)} if only fields without a miss or a false source count"
            )
            yield Bar(f"pull of the {what}, rms per group", "0.9-1.1", measured, all(inside))


def probabilities(results):
    for what, records in (("groups", results.candidates()), ("fields drawn from the prior", results.ranks)):
        bins = [b for b in calibration.probability_bins(records) if b["n"] >= 20]
        if bins:
            worst = max(bins, key=lambda b: abs(b["true"] - b["quoted"]))
            off = abs(worst["true"] - worst["quoted"])
            measured = f"worst: quoted {worst['quoted']:.2f}, true {fraction(worst['n_true'], worst['n'])}"
            yield Bar(f"probabilities, {what} (bins of ≥ 20)", "within 0.1", measured, off <= 0.1)
    if results.ranks:
        tests = calibration.compare_ranks(results.ranks)
        measured = ", ".join(f"{name} p = {test['p']:.3f}" for name, test in tests.items())
        # Five tests: one of five p values below 0.01 is to be expected once in twenty runs.
        yield Bar("rank test", "p ≥ 0.01", measured, all(test["p"] >= 0.01 for test in tests.values()))


def bright(results):
    for group in results.family("bright"):
        numbers = results.score("basc", group.name)
        if numbers:
            whole = 1.0 - numbers["split"]
            measured = fraction(round(whole * numbers["n_fields"]), numbers["n_fields"])
            measured += f"; and none elsewhere {numbers['exact']:.3f}"
            yield Bar(f"SNR {group.facts['snr']}: not split", "≥ 0.98", measured, whole >= 0.98)


def real(results):
    m87 = results.parts["m87"]
    if m87 and "core_distance" in m87:
        distance = m87["core_distance"]
        yield Bar("M87: core from the centre", "≤ 0.1 beam", f"{distance:.3f}", distance <= 0.1)
        deepest = m87["clean_flux"]["1"]
        ratio = m87["basc_flux"] / deepest
        yield Bar(
            "M87: flux over that of CLEAN to 1 sigma", "0.85-1.15", f"{ratio:.3f}", abs(ratio - 1) <= 0.15
        )


def costs(results):
    for name, most in (
        ("empty-128", 0.025),
        ("single-12", 0.025),
        ("crowd-30-128-apart", 0.15),
        ("crowd-30-256-apart", 0.3),
    ):
        numbers = results.score("basc", name)
        if numbers:
            aim = " (aim 12)" if most == 0.025 else ""
            measured = f"{1e3 * numbers['cpu']:.1f} ms (mean {1e3 * numbers['cpu_mean']:.1f})"
            yield Bar(f"CPU of {name}", f"≤ {1e3 * most:g} ms{aim}", measured, numbers["cpu"] <= most)
    memory = {group: s["memory"] for (finder, group), s in results.scores.items() if finder == "basc"}
    if memory:
        worst = max(memory, key=memory.get)
        yield Bar("memory", "≤ 300 MB", f"{memory[worst]:.0f} MB ({worst})", memory[worst] <= 300)
    proposals = results.parts["proposals"]
    if proposals:
        numbers, cost = np.array(list(map(float, proposals))), np.array(list(proposals.values()))
        bend, slope, floor = np.polyfit(numbers, cost, 2)
        top = numbers.max()
        curved = bend * top**2 / (bend * top**2 + slope * top)
        measured = f"{floor:.2f} + {slope:.3f} n µs; quadratic part at n = {top:.0f}: {100 * curved:.0f} %"
        yield Bar("cost per proposal", "linear in n", measured, curved <= 0.25)


def repeats(results):
    for group in results.family("seeds"):
        if group.name in results.records:
            spread = calibration.spread_over_seeds(results.records[group.name])
            measured = (
                f"place {spread['position']:.3f}, flux {spread['flux']:.3f} (worst {spread['worst']:.2f})"
            )
            met = max(spread["position"], spread["flux"]) <= 0.15
            yield Bar(f"spread over {group.seeds} seeds / error, {group.name}", "≤ 0.15", measured, met)


def fraction(part, whole):
    return f"{part / whole:.3f} ± {counting_error(min(part, whole), whole):.3f}" if whole else "-"
