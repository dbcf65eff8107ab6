"""The tables, as lines of Markdown. Each function takes `report.Results`; no lines if there is nothing to say."""

from __future__ import annotations

import numpy as np

from benchmarks.basc import calibration
from benchmarks.basc.bars import all_bars
from benchmarks.basc.fields import RATIOS, SCALED_NUMBERS, SEPARATIONS
from benchmarks.basc.finders import TITLES
from benchmarks.basc.scoring import counting_error


def bars_table(results):
    """What was asked for, and what was measured."""
    rows = [
        [bar.goal, bar.wanted, bar.measured, {True: "yes", False: "**no**", None: "-"}[bar.met]]
        for bar in all_bars(results)
    ]
    return markdown(["goal", "bar", "measured", "met"], rows)


def detection_table(results):
    """Completeness, purity and false sources, finder by finder."""
    finders = results.finders()
    rows = []
    for group in results.family("empty", "single", "measured", "bright", "crowd"):
        scores = [results.score(finder, group.name) for finder in finders]
        if any(scores):
            rows.append([group.name, *map(found_and_false, scores)])
    note = (
        "Completeness / purity, or false sources per field where it is empty; number of fields in brackets."
    )
    return [note, "", *markdown(["group", *(TITLES[f] for f in finders)], rows)] if rows else []


def pair_table(results):
    """Fraction of pairs of which both are found."""
    finders = results.finders()
    rows = []
    for ratio in RATIOS:
        for separation in SEPARATIONS:
            name = f"pair-{ratio}to1-{separation:g}"
            scores = [results.score(finder, name) for finder in finders]
            if any(scores):
                rows.append([f"{ratio}:1", f"{separation:g}", *map(both_found, scores)])
    note = (
        "Both found / and nothing else / and both fluxes right within a factor of two; number of fields in brackets. "
        "The fainter one has SNR 10, separations in beams."
    )
    return [note, "", *markdown(["ratio", "apart", *(TITLES[f] for f in finders)], rows)] if rows else []


def accuracy_table(results):
    """Places, fluxes and their errors."""
    rows = []
    for group in results.family("single", "measured", "bright", "pair", "crowd"):
        for finder in results.finders():
            numbers = results.score(finder, group.name)
            if not numbers or finder == "sep-dirty" or not numbers["n_matched"]:
                continue
            rows.append(
                [
                    group.name,
                    TITLES[finder],
                    str(numbers["n_matched"]),
                    plain(numbers["position_error"], 4),
                    percent(numbers["flux_bias"]),
                    f"{plain(numbers['pull_position'])} / {plain(numbers['pull_flux'])}",
                    f"{plain(numbers['resolved_pull_position'])} / {plain(numbers['resolved_pull_flux'])}",
                ]
            )
    header = [
        "group",
        "finder",
        "matched",
        "place, beams rms",
        "flux bias",
        "pull place / flux",
        "of exact fields",
    ]
    note = (
        "Pulls are the rms of (found - true) / quoted error, 1 if errors are right; exact fields are those with "
        "all sources found and none invented. The flux of a detected faint source is biased by its detection."
    )
    return [note, "", *markdown(header, rows)] if rows else []


def calibration_table(results):
    """Probabilities, the rank test, and pulls in fields drawn from the prior."""
    lines = []
    for title, records in (
        (
            "All candidates of the groups above, which hold more sources than the prior expects:",
            results.candidates(),
        ),
        ("Candidates in fields drawn from the prior:", results.ranks),
    ):
        rows = [
            [
                f"{b['low']:g}-{b['high']:g}",
                str(b["n"]),
                plain(b["quoted"], 3),
                f"{b['true']:.3f} ± {counting_error(b['n_true'], b['n']):.3f}",
            ]
            for b in calibration.probability_bins(records)
        ]
        if rows:
            lines += [title, "", *markdown(["probability", "candidates", "quoted, mean", "true"], rows), ""]
    if results.ranks:
        tests = calibration.compare_ranks(results.ranks)
        rows = [[name, plain(test["chi_squared"], 1), plain(test["p"], 3)] for name, test in tests.items()]
        drawn = calibration.prior_pulls(results.ranks)
        lines += [
            f"Rank of the truth among {calibration.DRAWS} posterior samples, {len(results.ranks)} fields drawn from "
            f"the prior, chi-squared over {calibration.RANK_BINS} bins:",
            "",
            *markdown(["statistic", "chi-squared", "p"], rows),
            "",
            f"Pulls of the {drawn['n']} sources found in them: place {plain(drawn['position'])}, "
            f"flux {plain(drawn['flux'])}.",
        ]
    return lines


def seeds_table(results):
    """Whether the sampler's seed matters."""
    rows = []
    for group in results.family("seeds"):
        if group.name in results.records:
            spread = calibration.spread_over_seeds(results.records[group.name])
            rows.append(
                [
                    group.name,
                    f"{spread['n_fields']} x {group.seeds}",
                    str(spread["n_sources"]),
                    *(plain(spread[name], 3) for name in ("position", "flux", "worst")),
                    plain(spread["same_number"]),
                ]
            )
    header = ["group", "fields x seeds", "sources", "place, rms", "flux, rms", "worst", "same number"]
    note = "Standard deviation over the seeds of a source's mean, in units of its quoted error."
    return [note, "", *markdown(header, rows)] if rows else []


def cost_table(results):
    """CPU and memory."""
    finders = results.finders()
    rows = []
    for group in results.family("pixels", "sources", "empty", "single", "bright", "crowd"):
        scores = [results.score(finder, group.name) for finder in finders]
        if any(scores):
            rows.append([group.name, *map(cpu_and_memory, scores)])
    if not rows:
        return []
    note = (
        "CPU of one field, from dirty map to catalogue, in ms: median, all threads and child processes, everything "
        "loaded and compiled; largest resident memory in MB, of the process with its interpreter and libraries."
    )
    lines = [note, "", *markdown(["group", *(TITLES[f] for f in finders)], rows)]
    proposals = results.parts["proposals"]
    if proposals:
        numbers = [str(number) for number in SCALED_NUMBERS if str(number) in proposals]
        lines += [
            "",
            "One proposal of the sampler, by the number of sources there are:",
            "",
            *markdown(["sources", *numbers], [["microseconds", *(plain(proposals[n], 2) for n in numbers)]]),
        ]
    return lines


def m87_table(results):
    """The real map."""
    m87 = results.parts["m87"]
    if not m87:
        return []
    rows = [
        ["beam (FWHM, pixels); noise (mJy/beam)", f"{m87['beam']:.2f}; {1e3 * m87['noise']:.3f}"],
        ["sources listed", str(m87["n_sources"])],
        ["total flux of the catalogue", f"{m87['basc_flux']:.4f} Jy"],
    ]
    if "core_flux" in m87:
        rows += [
            [
                "brightest source",
                f"{m87['core_flux']:.4f} Jy, {m87['core_distance']:.3f} beam from the centre",
            ],
            [
                "all within one beam of the centre",
                f"{m87['core_group_flux']:.4f} Jy, centroid {m87['core_group_distance']:.3f} beam from the centre",
            ],
        ]
    rows += [
        [f"CLEAN to {depth} sigma", f"{flux:.4f} Jy ({m87['clean_components'][depth]} pixels)"]
        for depth, flux in m87["clean_flux"].items()
    ]
    return markdown(["M87, VLBA, 8 GHz", ""], [*rows, ["CPU", f"{m87['cpu']:.2f} s"]])


def natures_table(results):
    """Extended sources and several channels."""
    natures = results.parts["natures"]
    if not natures:
        return []
    shapes = [
        [
            f"{row['size']:g}",
            f"{row['snr']:g}",
            f"{with_error(row['n_found'], row['n_fields'])} ({row['n_fields']})",
            plain(row["called_extended"]),
            percent(row["flux_bias"]),
            plain(row["pull_flux"]),
            f"{plain(row['major_error'])} / {plain(row['pull_major'])}",
        ]
        for row in natures["shapes"]
    ]
    spectra = [
        [
            f"{row['snr']:g}",
            f"{with_error(row['found_alone'], 3 * row['n_fields'])} / {with_error(row['found'], row['n_fields'])}",
            plain(row["false"], 3),
            plain(row["pull_flux"]),
            f"{plain(row['index_error'])} / {plain(row['pull_index'])}",
        ]
        for row in natures["spectra"]
    ]
    ranks = [
        [kind, *(plain(test["p"], 3) for test in tests.values())] for kind, tests in natures["ranks"].items()
    ]
    names = list(next(iter(natures["ranks"].values())))
    return [
        "One elliptical Gaussian (axis ratio 0.6) in the 128-pixel area, `extended=0.3`; its size is the FWHM of its "
        "major axis in beams, 0 for a point; the SNR is total flux over noise.",
        "",
        *markdown(
            [
                "size",
                "SNR",
                "found",
                "called extended",
                "flux bias",
                "pull flux",
                "size error, pixels rms / pull",
            ],
            shapes,
        ),
        "",
        "One source of spectral index -0.7 in three channels (90, 105 and 120 GHz) of equal noise; the SNR is that in "
        "each. *Alone*: the same channels one by one.",
        "",
        *markdown(
            ["SNR", "found alone / together", "false per field", "pull flux", "index error, rms / pull"],
            spectra,
        ),
        "",
        f"Rank tests with fields drawn from the prior ({natures['n_ranked']} each), p of chi-squared:",
        "",
        *markdown(["fields of", *names], ranks),
    ]


def ideal_table(results):
    """The information limit."""
    ideal = results.parts["ideal"]
    if not ideal:
        return []
    snrs = list(ideal["peak"])
    rows = [
        [
            f"{rate:g}",
            f"{ideal['threshold'][k]:.2f} ({ideal['expected_threshold'][k]:.2f})",
            *(" / ".join(f"{ideal[name][snr][k]:.3f}" for name in ("peak", "told", "bound")) for snr in snrs),
        ]
        for k, rate in enumerate(ideal["false"])
    ]
    note = (
        f"Completeness of a lone source in the 128-pixel area, {ideal['n_empty']} empty fields and "
        f"{ideal['n_sources']} with a source; 1 sigma is 0.005. *Peak*: the best threshold on the map's maxima (in "
        "brackets: expected for a Gaussian field). *Told*: the Neyman-Pearson detector that is told the SNR and where "
        "sources are never put. *Bound*: the same, credited wherever the source is; no finder can be above it."
    )
    header = [
        "false per empty field",
        "threshold",
        *(f"SNR {float(snr):g}: peak / told / bound" for snr in snrs),
    ]
    return [note, "", *markdown(header, rows)]


TABLES = (
    ("bars", "Goals", bars_table),
    ("ideal", "What is possible", ideal_table),
    ("detection", "Found and invented", detection_table),
    ("pairs", "Pairs", pair_table),
    ("accuracy", "Places and fluxes", accuracy_table),
    ("calibration", "Probabilities and ranks", calibration_table),
    ("seeds", "Repeatability", seeds_table),
    ("cost", "Cost", cost_table),
    ("natures", "Extended sources and several channels", natures_table),
    ("m87", "A real map", m87_table),
)


def markdown(header, rows):
    """A table; none without rows."""
    if not rows:
        return []
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def found_and_false(numbers):
    if not numbers:
        return "-"
    if not numbers["n_true"]:
        return f"{with_error(numbers['n_found'], numbers['n_fields'])} ({numbers['n_fields']})"
    completeness = with_error(numbers["n_matched"], numbers["n_true"])
    return f"{completeness} / {plain(numbers['purity'])} ({numbers['n_fields']})"


def both_found(numbers):
    if not numbers:
        return "-"
    n_fields = numbers["n_fields"]
    found = with_error(round(numbers["all_found"] * n_fields), n_fields)
    return f"{found} / {plain(numbers['exact'])} / {plain(numbers['all_measured'])} ({n_fields})"


def cpu_and_memory(numbers):
    return f"{1e3 * numbers['cpu']:.1f} / {numbers['memory']:.0f}" if numbers else "-"


def with_error(part, whole):
    """A fraction with its counting error; above 1 (false sources per field), that of a Poisson count."""
    error = counting_error(part, whole) if part <= whole else np.sqrt(part) / whole
    return f"{part / whole:.3f} ± {error:.3f}"


def plain(value, digits=2):
    return "-" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def percent(value):
    return f"{100 * value:+.1f} %" if np.isfinite(value) else "-"
