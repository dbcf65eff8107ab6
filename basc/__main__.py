"""Characterise a FITS map from the command line: ``python -m basc map.fits psf.fits -o sources.vot``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from basc import BascError, DirtyMap, __version__, characterise
from basc.errors import SettingInvalid
from basc.writing import format_of, write_catalogue

EPILOG = """\
The map must be the dirty map (not cleaned, not corrected for the primary beam), in Jy/beam, made with natural
weights together with the beam. The beam covers a searched area of half its size: with map and beam of equal size
the inner half of the map is searched.

example: python -m basc field.dirty.fits field.psf.fits field.flux.fits -o sources.vot
"""


def main(arguments=None):
    """Run the command line; returns the exit status: 0, or 2 for input that cannot be used."""
    given = _parser().parse_args(arguments)
    try:
        if given.output is not None:
            format_of(given.output)
            if not given.output.parent.is_dir():
                raise SettingInvalid("the output's folder", given.output.parent, "an existing one")
        dirty_map = DirtyMap.from_fits(given.map, given.psf, given.flux, noise=given.noise)
        result = characterise(
            dirty_map,
            seed=given.seed,
            expected_sources=given.expected_sources,
            threshold=given.threshold,
            max_sources=given.max_sources,
        )
        if given.output is not None:
            write_catalogue(result.sources, given.output)
    except (BascError, OSError) as refusal:
        print(f"basc: {' '.join(str(refusal).split())}", file=sys.stderr)
        return 2
    print(json.dumps(_summary(result), indent=2) if given.json else _lines(result, given.output))
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m basc",
        description="Find the point sources of an interferometer's dirty map, with probabilities and errors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("map", type=Path, help="dirty map (FITS, Jy/beam)")
    parser.add_argument("psf", type=Path, help="dirty beam (FITS), peak 1 at its centre")
    parser.add_argument("flux", type=Path, nargs="?", help="primary beam (FITS, shape of the map); default 1")
    parser.add_argument("-o", "--output", type=Path, help="catalogue; .vot, .xml, .fits, .ecsv or .csv")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same catalogue (default 0)")
    parser.add_argument(
        "--expected-sources", type=float, default=1.0, metavar="N", help="mean number expected (default 1)"
    )
    parser.add_argument("--noise", type=float, metavar="JY", help="noise per beam; default: measured")
    parser.add_argument(
        "--threshold", type=float, default=0.5, metavar="P", help="least probability listed (default 0.5)"
    )
    parser.add_argument("--max-sources", type=int, default=60, metavar="N", help="never more (default 60)")
    parser.add_argument("--json", action="store_true", help="print everything found as JSON")
    parser.add_argument("--version", action="version", version=f"basc {__version__}")
    return parser


def _summary(result):
    sources = [
        {
            name: None if value != value else value
            for name, value in zip(result.sources.colnames, row, strict=True)
        }
        for row in zip(
            *(result.sources[name].value.tolist() for name in result.sources.colnames), strict=True
        )
    ]
    return {
        "sources": sources,
        "units": {name: str(result.sources[name].unit) for name in result.sources.colnames},
        "noise": result.noise,
        "effective_noise": result.effective_noise,
        "searched": {"rows": _ends(result.searched[0]), "columns": _ends(result.searched[1])},
        "n_posterior": result.n_posterior.tolist(),
        "settings": result.settings,
        "versions": result.versions,
        "diagnostics": result.diagnostics,
    }


def _ends(part):
    return [part.start, part.stop]


def _lines(result, output):
    count = len(result.sources)
    lines = [f"{count} source{'' if count == 1 else 's'}; noise {result.noise * 1e3:.4g} mJy/beam"]
    if result.dynamic_range_limited:
        lines.append(f"limited by the beam's precision to {result.effective_noise * 1e3:.4g} mJy/beam")
    for row in result.sources:
        lines.append(
            f"  x {row['x'].value:9.3f}  y {row['y'].value:9.3f}"
            f"  flux {row['flux'].value * 1e3:10.4g} +- {row['sigma_flux'].value * 1e3:.2g} mJy"
            f"  p {row['probability'].value:.3f}"
        )
    if output is not None:
        lines.append(f"written to {output}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
