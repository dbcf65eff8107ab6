"""The figures, as SVG that is the same for the same results."""

from __future__ import annotations

import matplotlib
import numpy as np

matplotlib.use("svg")
import matplotlib.pyplot as plt

from benchmarks.basc import calibration
from benchmarks.basc.fields import (
    RATIOS,
    SCALED_AREAS,
    SCALED_NUMBERS,
    SEPARATIONS,
    SINGLE_SNRS,
)
from benchmarks.basc.finders import TITLES
from benchmarks.basc.scoring import counting_error

COLOURS = {
    "basc": "#1b1b1b",
    "sep": "#0072b2",
    "aegean": "#d55e00",
    "pybdsf": "#009e73",
    "sep-dirty": "#999999",
}
MARKERS = {"basc": "o", "sep": "s", "aegean": "^", "pybdsf": "D", "sep-dirty": "x"}
STYLE = {
    "svg.hashsalt": "basc",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def draw(picture, results, path):
    """Draw one of `FIGURES` if there are results for it; answers whether there were."""
    with plt.rc_context(STYLE):
        figure = globals()[f"draw_{picture}"](results)
        if figure is None:
            return False
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return True


def draw_singles(results):
    """Completeness of lone sources against SNR, with what is possible."""
    figure, axis = plt.subplots(figsize=(5.2, 3.4))
    if not plot_groups(
        axis, results, SINGLE_SNRS, "single-{}", "n_matched", "n_true", without=("sep-dirty",)
    ):
        plt.close(figure)
        return None
    if ideal := results.parts["ideal"]:
        at = ideal["false"].index(0.02)
        snrs = [float(snr) for snr in ideal["bound"]]
        axis.plot(
            snrs, [v[at] for v in ideal["bound"].values()], "_", ms=16, mew=2, color="#cc3311", label="bound"
        )
    axis.set(xscale="log", xlabel="SNR", ylabel="completeness", ylim=(0, 1.03))
    axis.set_xticks(SINGLE_SNRS, [str(snr) for snr in SINGLE_SNRS])
    axis.minorticks_off()
    axis.legend(loc="lower right")
    return figure


def draw_limit(results):
    """Completeness against the rate of false sources."""
    ideal = results.parts["ideal"]
    if not ideal:
        return None
    figure, axis = plt.subplots(figsize=(5.2, 3.4))
    for snr, colour in zip(ideal["peak"], ("#0072b2", "#009e73", "#d55e00"), strict=True):
        for name, style in (("peak", "-"), ("told", "--"), ("bound", ":")):
            label = f"SNR {float(snr):g}" if name == "peak" else None
            axis.plot(ideal["false"], ideal[name][snr], style, color=colour, label=label)
        numbers, empty = results.score("basc", f"single-{float(snr):g}"), results.score("basc", "empty-128")
        if numbers and empty:
            rate = max(empty["false_per_field"], min(ideal["false"]))
            axis.plot(rate, numbers["completeness"], "o", color=colour)
    axis.plot([], [], "-", color="k", label="best threshold")
    axis.plot([], [], "--", color="k", label="told the SNR")
    axis.plot([], [], ":", color="k", label="bound")
    axis.plot([], [], "o", color="k", label="BaSC")
    axis.axvline(0.02, color="#bbbbbb", lw=0.8)
    axis.set(xscale="log", xlabel="false sources per empty field", ylabel="completeness", ylim=(0, 1.03))
    axis.legend(ncols=2, fontsize=8)
    return figure


def draw_pairs(results):
    """Both sources of a pair found, against their separation."""
    figure, axes = plt.subplots(1, len(RATIOS), figsize=(8.6, 3.0), sharey=True)
    drawn = 0
    for axis, ratio in zip(axes, RATIOS, strict=True):
        drawn += plot_groups(
            axis, results, SEPARATIONS, f"pair-{ratio}to1-{{:g}}", "all_found", None, without=("sep-dirty",)
        )
        axis.set(xlabel="separation, beams", title=f"{ratio}:1", ylim=(-0.03, 1.03))
    if not drawn:
        plt.close(figure)
        return None
    axes[0].set_ylabel("both found")
    fullest = max(axes, key=lambda axis: len(axis.get_lines()))
    fullest.legend(fontsize=8)
    return figure


def draw_crowds(results):
    """Completeness and purity of crowds."""
    groups = [g for g in results.family("crowd") if any(results.score(f, g.name) for f in results.finders())]
    if not groups:
        return None
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharey=True)
    for axis, what, part in ((axes[0], "completeness", "n_true"), (axes[1], "purity", "n_found")):
        for finder in results.finders():
            if finder == "sep-dirty":
                continue
            seen = [(k, results.score(finder, g.name)) for k, g in enumerate(groups)]
            seen = [(k, s) for k, s in seen if s]
            axis.errorbar(
                [s[what] for _, s in seen],
                [k for k, _ in seen],
                xerr=error_bars([(s["n_matched"], s[part]) for _, s in seen]),
                fmt=MARKERS[finder],
                color=COLOURS[finder],
                ms=5,
                label=TITLES[finder],
            )
        axis.set(xlabel=what)
    axes[0].set_yticks(range(len(groups)), [g.name for g in groups])
    axes[0].invert_yaxis()
    axes[1].legend(fontsize=8)
    return figure


def draw_pulls(results):
    """Rms pulls of BaSC, group by group."""
    groups = results.family("single", "pair", "crowd", "bright", "measured")
    groups = [g for g in groups if results.score("basc", g.name).get("n_quoted", 0) >= 10]
    if not groups:
        return None
    figure, axis = plt.subplots(figsize=(5.6, 0.16 * len(groups) + 1.2))
    for kind, colour, shift in (("position", "#0072b2", -0.12), ("flux", "#d55e00", 0.12)):
        scores = [results.score("basc", g.name) for g in groups]
        n_pulls = np.array([s["n_quoted"] for s in scores]) * (2 if kind == "position" else 1)
        values = np.array([s[f"pull_{kind}"] for s in scores])
        axis.errorbar(
            np.minimum(values, 3.0),
            np.arange(len(groups)) + shift,
            xerr=values / np.sqrt(2 * n_pulls),
            fmt="o",
            ms=3,
            color=colour,
            label="place" if kind == "position" else kind,
        )
        resolved = np.array([s[f"resolved_pull_{kind}"] for s in scores])
        axis.plot(np.minimum(resolved, 3.0), np.arange(len(groups)) + shift, "|", color=colour, ms=7)
    axis.axvspan(0.9, 1.1, color="#dddddd", zorder=0)
    axis.set_yticks(range(len(groups)), [g.name for g in groups], fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="rms of (found - true) / quoted error (3: or more)")
    axis.plot([], [], "|", color="k", ms=7, label="exact fields")
    axis.legend()
    return figure


def draw_probabilities(results):
    """Quoted probability against the fraction that is real."""
    sets = (
        ("groups", results.candidates(), "#0072b2"),
        ("fields drawn from the prior", results.ranks, "#d55e00"),
    )
    sets = [
        (label, calibration.probability_bins(records), colour) for label, records, colour in sets if records
    ]
    sets = [one for one in sets if one[1]]
    if not sets:
        return None
    figure, axis = plt.subplots(figsize=(3.8, 3.6))
    axis.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8)
    axis.fill_between([0, 1], [-0.1, 0.9], [0.1, 1.1], color="#eeeeee", zorder=0)
    for label, bins, colour in sets:
        axis.errorbar(
            [b["quoted"] for b in bins],
            [b["true"] for b in bins],
            yerr=error_bars([(b["n_true"], b["n"]) for b in bins]),
            fmt="o",
            ms=4,
            color=colour,
            label=label,
        )
    axis.set(xlabel="quoted probability", ylabel="fraction real", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.legend()
    return figure


def draw_ranks(results):
    """Histograms of ranks, with the range that 95 % of uniform ones are in."""
    if not results.ranks:
        return None
    tests = calibration.compare_ranks(results.ranks)
    figure, axes = plt.subplots(1, len(tests), figsize=(9.6, 2.2), sharey=True)
    expected = len(results.ranks) / calibration.RANK_BINS
    for axis, (name, test) in zip(axes, tests.items(), strict=True):
        axis.axhspan(
            expected - 1.96 * expected**0.5, expected + 1.96 * expected**0.5, color="#e4e4e4", zorder=0
        )
        axis.stairs(test["counts"], np.linspace(0, 1, calibration.RANK_BINS + 1), color="#0072b2")
        axis.set(title=f"{name}, p = {test['p']:.2f}", xlabel="rank")
        axis.title.set_fontsize(8)
    axes[0].set(ylabel="fields", ylim=(0, None))
    return figure


def draw_cost(results):
    """CPU against pixels and against sources; memory against pixels."""
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.0))
    drawn = 0
    for axis, values, pattern, kind, factor in (
        (axes[0], SCALED_AREAS, "pixels-{}", "cpu", 1e3),
        (axes[1], SCALED_NUMBERS, "sources-{}", "cpu", 1e3),
        (axes[2], SCALED_AREAS, "pixels-{}", "memory", 1),
    ):
        for finder in results.finders():
            seen = [(v, results.score(finder, pattern.format(v))) for v in values]
            seen = [(v, s[kind] * factor) for v, s in seen if s]
            if seen:
                axis.plot(*zip(*seen, strict=True), MARKERS[finder] + "-", color=COLOURS[finder], ms=4, lw=1)
                drawn += 1
        axis.set_yscale("log" if kind == "cpu" else "linear")
    if not drawn:
        plt.close(figure)
        return None
    for finder in results.finders():
        axes[1].plot([], [], MARKERS[finder] + "-", color=COLOURS[finder], label=TITLES[finder])
    for axis in (axes[0], axes[2]):
        axis.set(xscale="log", xlabel="searched side, pixels (3 sources)")
        axis.set_xticks(SCALED_AREAS, [str(area) for area in SCALED_AREAS])
        axis.set_xticks([], minor=True)
    axes[0].set(ylabel="CPU, ms")
    axes[1].set(xlabel="sources (128 pixels)", ylabel="CPU, ms")
    axes[2].set(ylabel="peak memory, MB", ylim=(0, None))
    axes[1].legend(fontsize=7)
    return figure


FIGURES = {
    "ideal": {"limit": "Completeness against false sources: what is possible"},
    "detection": {
        "singles": "Completeness of lone sources against SNR",
        "crowds": "Completeness and purity of crowds",
    },
    "pairs": {"pairs": "Both sources of a pair found, against their separation"},
    "accuracy": {"pulls": "Pulls of BaSC, group by group; exact fields have no miss and no false source"},
    "calibration": {
        "probabilities": "Quoted probability against the fraction of real sources",
        "ranks": "Ranks of the truth among posterior samples",
    },
    "cost": {"cost": "CPU and memory against pixels and sources"},
}


def plot_groups(axis, results, values, pattern, part, whole, without=()):
    """One line per finder over a family of groups, with counting errors; answers how many lines."""
    lines = 0
    for finder in results.finders():
        seen = [(value, results.score(finder, pattern.format(value))) for value in values]
        seen = [(value, score) for value, score in seen if score]
        if not seen or finder in without:
            continue
        if whole is None:
            fractions = [(s[part] * s["n_fields"], s["n_fields"]) for _, s in seen]
        else:
            fractions = [(s[part], s[whole]) for _, s in seen]
        axis.errorbar(
            [value for value, _ in seen],
            [n / of for n, of in fractions],
            yerr=error_bars(fractions),
            fmt=MARKERS[finder] + "-",
            color=COLOURS[finder],
            ms=4,
            lw=1.6 if finder == "basc" else 1,
            label=TITLES[finder],
        )
        lines += 1
    return lines


def error_bars(fractions):
    """Counting errors that stay between nothing and all: shape (2, n), for (part, whole) pairs."""
    bars = []
    for part, whole in fractions:
        error, value = counting_error(part, whole), part / whole
        bars.append((min(error, value), min(error, max(1.0 - value, 0.0))))
    return np.array(bars).T
