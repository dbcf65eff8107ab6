"""Characterise a FITS map from the command line: ``python -m basc map.fits psf.fits -o sources.vot``."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from basc import BascError, DirtyMap, __version__, characterise, wording
from basc.errors import SettingInvalid
from basc.figure import check_figure, write_figure
from basc.products import SUFFIXES, check_package, summary_text, write_products, write_samples
from basc.writing import FORMATS, check_suffix, write_catalogue

DEFAULTS = {name: given.default for name, given in inspect.signature(characterise).parameters.items()}
DESCRIPTION = """\
Find the sources of an interferometer's dirty map, with probabilities and errors.

The map must be the dirty map (not cleaned, not corrected for the primary beam), in Jy/beam, made with natural
weights together with the beam. The beam covers a searched area of half its size: with map and beam of equal size
the inner half of the map is searched.
"""
EPILOG = """\
examples:
  python -m basc field.dirty.fits field.psf.fits
  python -m basc field.dirty.fits field.psf.fits field.flux.fits -o sources.vot --figure field.pdf
  python -m basc field.dirty.fits field.psf.fits --max-proposals 1000000 --products results --json
  python -m basc b3.dirty.fits b3.psf.fits b3.flux.fits --channel b6.dirty.fits b6.psf.fits b6.flux.fits

exit status: 0, also where the chains do not agree (it is said); 2 for what cannot be used; 130 if interrupted.
A file is written whole or not at all.
"""
BAR = 30  # characters


def main(arguments=None):
    """Run the command line; returns the exit status: 0, 2 for input that cannot be used, 130 if interrupted."""
    given = _parser().parse_args(arguments)
    try:
        _check_outputs(given)
        channels = [DirtyMap.from_fits(given.map, given.psf, given.flux, noise=given.noise)]
        channels += [_channel(files) for files in given.channel]
        settings = {name: getattr(given, name) for name in DEFAULTS if hasattr(given, name)}
        if settings["threads"] is None:
            settings["threads"] = max(min(_cores(), given.chains), 1)
        with _bar() as progress:
            result = characterise(channels, **settings, progress=progress)
        written = _write(result, given)
    except (BascError, OSError) as refusal:
        print(f"basc: {' '.join(str(refusal).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("basc: interrupted; what was not complete is not there", file=sys.stderr)
        return 130
    if given.json:
        print(summary_text(result), end="")
        for line in wording.unconverged(result):
            print(f"basc: {line.strip()}", file=sys.stderr)
    else:
        print("\n".join([*_lines(result), *(f"written to {path}" for path in written)]))
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m basc",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"basc {__version__}")

    group = parser.add_argument_group("what is looked at")
    group.add_argument("map", type=Path, help="dirty map (FITS, Jy/beam)")
    group.add_argument("psf", type=Path, help="dirty beam (FITS), peak 1 at its centre")
    group.add_argument("flux", type=Path, nargs="?", help="primary beam (FITS, shape of the map); default 1")
    group.add_argument("--noise", type=float, metavar="JY", help="noise per beam; default: measured")
    group.add_argument(
        "--channel",
        type=Path,
        nargs="+",
        action="append",
        default=[],
        metavar="FILE",
        help="another channel or band of the same pixels: map, psf and, if there is one, flux; may be repeated",
    )

    group = parser.add_argument_group("what is given")
    group.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the catalogue: " + ", ".join(FORMATS)
    )
    group.add_argument(
        "--figure", type=Path, metavar="FILE", help="one page with all of it: .png, .svg, .pdf (matplotlib)"
    )
    group.add_argument(
        "--samples", type=Path, metavar="FILE", help="samples of the posterior: .fits, .parquet"
    )
    group.add_argument(
        "--products", type=Path, metavar="FOLDER", help="all files: " + ", ".join(SUFFIXES.values())
    )
    group.add_argument("--json", action="store_true", help="print everything found as JSON")

    group = parser.add_argument_group("what is believed before looking")
    _knob(group, "expected_sources", float, "N", "mean number of sources in the searched area")
    _knob(group, "companions", float, "P", "fraction of sources within a beam of a brighter one")
    _knob(
        group,
        "median_flux",
        float,
        "JY",
        "median flux, through no primary beam",
        otherwise="5 times the noise",
    )
    _knob(group, "max_sources", int, "N", "never more than these")
    _knob(group, "extended", float, "P", "fraction of sources that are elliptical Gaussians, not points")
    group.add_argument(
        "--spectral-index",
        type=float,
        nargs=2,
        default=DEFAULTS["spectral_index"],
        metavar=("MEAN", "SIGMA"),
        help="what spectral indices are expected, with several channels (default {:g} {:g})".format(
            *DEFAULTS["spectral_index"]
        ),
    )

    group = parser.add_argument_group("what is listed")
    _knob(group, "threshold", float, "P", "least probability of a source")
    group.add_argument(
        "--evidence", action="store_true", help="compute the evidence in every case; several times slower"
    )

    group = parser.add_argument_group("how the chains run")
    _knob(group, "seed", int, "N", "same seed, same catalogue")
    _knob(group, "chains", int, "N", "independent chains, which must agree")
    _knob(group, "proposals", int, "N", "per chain, in the first run", otherwise="by the number of sources")
    _knob(group, "max_proposals", int, "N", "per chain in all; more where chains do not agree")
    group.add_argument(
        "--threads", type=int, metavar="N", help="chains at the same time (default: cores, up to the chains)"
    )
    return parser


def _channel(files):
    """A further channel, of two or three files."""
    if len(files) not in (2, 3):
        raise SettingInvalid(
            "--channel", " ".join(map(str, files)), "a map, its psf and, if there is one, its flux"
        )
    return DirtyMap.from_fits(*files)


def _knob(group, name, kind, metavar, words, otherwise=None):
    """An option for a parameter of `characterise`, with its default."""
    default = DEFAULTS[name]
    group.add_argument(
        f"--{name.replace('_', '-')}",
        type=kind,
        default=default,
        metavar=metavar,
        help=f"{words} (default {otherwise or default})",
    )


def _check_outputs(given):
    """Refuse names of files that could not be written, before the work."""
    if given.output is not None:
        check_suffix("the output's", given.output, FORMATS)
    if given.figure is not None:
        check_figure(given.figure)
    if given.samples is not None:
        check_package(given.samples)
    for path in (given.output, given.figure, given.samples):
        if path is not None and not path.parent.is_dir():
            raise SettingInvalid("the output's folder", path.parent, "an existing one")
    if given.products is not None and given.products.exists() and not given.products.is_dir():
        raise SettingInvalid("the products' folder", given.products, "a folder")


def _write(result, given):
    """Write what was asked for; answers the paths."""
    written = []
    for path, write in (
        (given.output, lambda path: write_catalogue(result.sources, path)),
        (given.samples, lambda path: write_samples(result, path)),
        (given.figure, lambda path: write_figure(result, path)),
    ):
        if path is not None:
            write(path)
            written.append(path)
    if given.products is not None:
        stem = given.map.name.removesuffix(".gz").removesuffix(".fits").removesuffix(".dirty")
        written += write_products(result, given.products, stem or "basc").values()
    return written


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _bar(stream=None):
    """What draws how far the work has come on a terminal, and nothing elsewhere; gone when the block ends."""
    stream = stream or sys.stderr

    def draw(fraction):
        done = round(BAR * fraction)
        stream.write(f"\rbasc [{'#' * done}{'.' * (BAR - done)}] {fraction:4.0%}")
        stream.flush()

    if not stream.isatty():
        yield None
        return
    try:
        yield draw
    finally:
        stream.write("\r" + " " * (BAR + len("basc [] 100%")) + "\r")
        stream.flush()


def _lines(result):
    lines = [wording.headline(result), *wording.unconverged(result)]
    for number, (place, source) in enumerate(
        zip(wording.places_of(result), result.sources, strict=True), start=1
    ):
        flux, error = source["flux"].value * 1e3, source["sigma_flux"].value * 1e3
        note = ", ".join(filter(None, [wording.nature_of(source), wording.doubt_about(source)]))
        correction = (source["flux_intrinsic"] / source["flux"]).value
        if abs(correction - 1.0) * flux > 0.1 * error:
            note = ", ".join(filter(None, [f"intrinsic {flux * correction:.4g} mJy", note]))
        lines.append(
            f"{number:4d}  {place[0]:>15}  {place[1]:>15}  {wording.with_error(flux, error, '+-'):>17} mJy"
            f"  p {source['probability'].value:.3f}  S/N {source['snr'].value:6.1f}{'  ' if note else ''}{note}"
        )
    if said := wording.evidence(result):
        lines.append(said)
    return lines


if __name__ == "__main__":
    sys.exit(main())
