"""One page that shows a characterisation: maps, sources with their errors, how many there are, and how it was done."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from basc import wording
from basc.errors import PackageMissing
from basc.writing import check_suffix, whole_file

SUFFIXES = (".png", ".svg", ".pdf")
NO_DATE = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
PAGE = (11.69, 8.27)  # inches: A4
STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "svg.hashsalt": "basc",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.unicode_minus": True,
}
MAP_COLOURS, RESIDUAL_COLOURS, PROBABILITY_COLOURS = "magma_r", "RdBu_r", "viridis_r"
BLANK = "0.85"
BRIGHT = 30.0  # noises, from which a map is shown on a scale that is linear near zero only
LINEAR = 5.0  # noises, how near
RESIDUAL_RANGE = 5.0  # noises
AROUND = 1.3  # how much more than the sources the close view shows
LEAST_VIEW = 6.0  # beams
LARGEST_ELLIPSE = 0.06  # of the close view
MAGNIFICATIONS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
CLOSE_POINTS = 200.0  # side of the close view on the page
LISTED = 16  # sources in the table
LEAST_BAR = 0.005
MOST_BARS = 16


def check_figure(path):
    """Refuse to promise a figure of an unknown suffix, or without matplotlib."""
    check_suffix("the figure's", path, SUFFIXES)
    _matplotlib()


def write_figure(result, path):
    """Write the figure of `draw_figure`: PNG, SVG or PDF by the suffix.

    Raises
    ------
    SettingInvalid
        If the suffix is another one.
    PackageMissing
        Without matplotlib.
    OSError
        If the folder cannot be written to.
    """
    check_figure(path)
    suffix = check_suffix("the figure's", path, SUFFIXES)
    with _matplotlib().rc_context(STYLE):
        figure = draw_figure(result)
        with whole_file(path) as unfinished:
            figure.savefig(unfinished, format=suffix[1:], dpi=200, metadata=NO_DATE[suffix])


def draw_figure(result):
    """Draw a characterisation on one page.

    Parameters
    ----------
    result : Characterisation

    Returns
    -------
    `matplotlib.figure.Figure`
        Dirty map, model and residual; the sources with their error ellipses, coloured by probability; their
        list; the probability of each number of sources; and noise, settings and versions.

    Raises
    ------
    PackageMissing
        Without matplotlib.
    """
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=PAGE)
        frame = _frame_of(result)
        top = figure.add_gridspec(1, 3, left=0.05, right=0.935, bottom=0.53, top=0.91, wspace=0.36)
        _draw_maps(figure, [figure.add_subplot(top[0, k]) for k in range(3)], result, frame)
        below = figure.add_gridspec(
            1, 2, left=0.05, right=0.975, bottom=0.065, top=0.435, wspace=0.24, width_ratios=[1, 2.4]
        )
        view = _draw_sources(figure, figure.add_subplot(below[0, 0]), result, frame)
        _mark_view(figure.axes[0], view)
        right = below[0, 1].subgridspec(
            2, 2, width_ratios=[1.6, 1], height_ratios=[1, 1.6], hspace=0.36, wspace=0.22
        )
        _list_sources(figure.add_subplot(right[:, 0]), result)
        _draw_number(figure.add_subplot(right[0, 1]), result)
        _describe(figure.add_subplot(right[1, 1]), result)
        figure.text(0.05, 0.962, _title(result), fontsize=12, fontweight="bold", va="center")
        said = wording.headline(result)
        figure.text(0.975, 0.962, said, fontsize=9, ha="right", va="center")
    return figure


def _matplotlib():
    try:
        import matplotlib
    except ImportError:
        raise PackageMissing("a figure", "matplotlib", "figures") from None
    return matplotlib


# ------------------------------------------------------------------ where things are on the paper


@dataclass(frozen=True)
class Frame:
    """Offsets from the middle of the searched area.

    `per_pixel`: offset per pixel along columns and rows, signed; `middle`: the middle in pixels of the searched area;
    `unit`: of offsets; `labels`: of both axes; `north`, `east`: directions in pixels (x, y), or None.
    """

    per_pixel: np.ndarray
    middle: np.ndarray
    unit: str
    labels: tuple[str, str]
    north: np.ndarray | None
    east: np.ndarray | None

    def offsets(self, places):
        """Offsets of places, shape (..., 2), in pixels of the searched area."""
        return (np.asarray(places) - self.middle) * self.per_pixel

    def extent(self, shape):
        """Left, right, bottom and top of an image of the searched area, for matplotlib."""
        (left, bottom), (right, top) = self.offsets([(-0.5, -0.5), (shape[1] - 0.5, shape[0] - 0.5)])
        return left, right, bottom, top


def _frame_of(result):
    shape = result.dirty.shape
    middle = np.array([shape[1] - 1, shape[0] - 1]) / 2
    if result.wcs is None:
        return Frame(
            np.ones(2),
            middle,
            "pixels",
            ("column from the middle (pixels)", "row from the middle (pixels)"),
            None,
            None,
        )
    here = np.array(result.wcs.pixel_to_world_values(*middle))
    cell = np.sqrt(abs(np.linalg.det(result.wcs.pixel_scale_matrix))) * 3600
    step = cell / 3600 * 4
    directions = []
    for away in ((0.0, step), (step / np.cos(np.radians(here[1])), 0.0)):
        direction = np.array(result.wcs.world_to_pixel_values(*(here + away))) - middle
        directions.append(direction / np.hypot(*direction))
    north, east = directions
    scale, unit = next(
        (
            (scale, unit)
            for scale, unit in ((60.0, "arcmin"), (1.0, "arcsec"))
            if cell * max(shape) > 2 * scale
        ),
        (1e-3, "mas"),
    )
    straight = north[1] > 0.999 and abs(east[0]) > 0.999
    if straight:
        per_pixel = np.array([np.sign(east[0]), 1.0]) * cell / scale
        labels = f"east of the middle ({unit})", f"north of the middle ({unit})"
    else:
        per_pixel = np.ones(2) * cell / scale
        labels = f"along columns ({unit})", f"along rows ({unit})"
    return Frame(per_pixel, middle, unit, labels, north, east)


# ------------------------------------------------------------------ maps


def _draw_maps(figure, axes, result, frame):
    from matplotlib.colors import AsinhNorm, Normalize

    dirty, model, residual = result.dirty, result.model(), result.residual()
    scale, unit = wording.scale_of(np.nanmax(dirty))
    noise = result.noise
    peak = float(np.nanmax(dirty))
    low, high = min(float(np.nanmin(dirty)), -4 * noise) / scale, max(peak, 5 * noise) / scale
    linear = LINEAR * noise / scale
    norm = AsinhNorm(linear, low, high) if peak > BRIGHT * noise else Normalize(low, high)
    for axis, image, title in (
        (axes[0], dirty, "Dirty map"),
        (axes[1], model, "Model: the sources through the beam"),
    ):
        picture = _show(axis, image / scale, frame, cmap=MAP_COLOURS, norm=norm)
        axis.set_title(title)
        bar = _colour_bar(figure, axis, picture, f"{unit}/beam")
        if isinstance(norm, AsinhNorm):
            ticks = _ticks(low, high, linear)
            bar.set_ticks(ticks, labels=[f"{tick:g}".replace("-", "−") for tick in ticks])
            bar.minorticks_off()
    scale, unit = wording.scale_of(RESIDUAL_RANGE * result.effective_noise)
    reach = RESIDUAL_RANGE * result.effective_noise / scale
    picture = _show(axes[2], residual / scale, frame, cmap=RESIDUAL_COLOURS, vmin=-reach, vmax=reach)
    rms = np.sqrt(np.nanmean(np.square(residual))) / noise
    axes[2].set_title(f"Residual: rms {rms:.3g} × noise")
    _colour_bar(figure, axes[2], picture, f"{unit}/beam (±{RESIDUAL_RANGE:.0f} × noise)")
    for axis in axes[1:]:
        axis.set_ylabel("")
    _draw_beam(axes[0], result, frame, frame.extent(dirty.shape))
    _draw_compass(axes[0], frame)


def _show(axis, image, frame, **options):
    from matplotlib import colormaps

    colours = colormaps[options.pop("cmap")].with_extremes(bad=BLANK)
    picture = axis.imshow(
        image,
        origin="lower",
        extent=frame.extent(image.shape),
        interpolation="nearest",
        cmap=colours,
        **options,
    )
    axis.set_xlabel(frame.labels[0], labelpad=2)
    axis.set_ylabel(frame.labels[1], labelpad=1)
    axis.tick_params(direction="in", top=True, right=True, color="0.3")
    axis.locator_params(nbins=7)
    return picture


def _colour_bar(figure, axis, picture, label):
    """A colour bar beside a map, as high as the map whatever its shape."""
    bar = figure.colorbar(picture, cax=axis.inset_axes([1.025, 0.0, 0.05, 1.0]))
    bar.set_label(label, labelpad=2)
    return bar


def _ticks(low, high, linear):
    """Zero, and round numbers beyond what is linear."""
    decades = range(int(np.floor(np.log10(linear))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    beyond = [float(f"{step}e{decade}") for decade in decades for step in steps]
    both = [*(-tick for tick in reversed(beyond)), 0.0, *beyond]
    return [tick for tick in both if low <= tick <= high and (tick == 0.0 or abs(tick) >= 0.8 * linear)]


def _draw_beam(axis, result, frame, extent):
    """The beam's core at half its height, in the lower left corner of what is shown."""
    axes = result.beam_axes * frame.per_pixel[:, None]
    reach = np.abs(axes).sum(axis=1) / 2
    left, right, bottom, top = extent
    margin = 0.03 * (right - left), 0.03 * (top - bottom)
    place = left + margin[0] + np.sign(right - left) * reach[0], bottom + margin[1] + reach[1]
    axis.add_patch(_ellipse(place, axes / 2, facecolor="0.55", edgecolor="black", linewidth=0.7))


def _ellipse(place, axes, **options):
    """An ellipse whose half axes are the columns of a 2x2 matrix."""
    from matplotlib.patches import Ellipse

    lengths = np.hypot(*axes)
    angle = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    return Ellipse(place, 2 * lengths[0], 2 * lengths[1], angle=angle, **options)


def _draw_compass(axis, frame):
    """Arrows to north and east, in the upper right corner."""
    if frame.north is None or frame.east is None:
        return
    # Of the pictures, columns go to the right and rows up.
    spread = np.array([frame.north, frame.east, (0, 0)])
    start = 0.93 - 0.10 * spread.max(axis=0)
    for direction, name in ((frame.north, "N"), (frame.east, "E")):
        tip = start + 0.10 * direction
        axis.annotate(
            "", tip, start, "axes fraction", "axes fraction",
            arrowprops={"arrowstyle": "-|>", "linewidth": 0.8, "color": "black", "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        axis.text(
            *(tip + 0.03 * direction), name, transform=axis.transAxes, ha="center", va="center", fontsize=7
        )


def _mark_view(axis, view):
    from matplotlib.patches import Rectangle

    (left, bottom), (right, top) = view
    axis.add_patch(
        Rectangle(
            (left, bottom),
            right - left,
            top - bottom,
            fill=False,
            edgecolor="0.2",
            linewidth=0.7,
            linestyle="--",
        )
    )


# ------------------------------------------------------------------ sources


def _draw_sources(figure, axis, result, frame):
    """The sources with their errors, close; answers the corners of what is shown, as offsets."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import AsinhNorm, ListedColormap, Normalize

    places = _places(result)
    view = _view_of(places, result, frame)
    shown = float(np.nanmax(result.dirty))
    norm = AsinhNorm(linear_width=3 * result.noise, vmin=-3 * result.noise, vmax=4 * shown)
    _show(axis, result.dirty, frame, cmap="gray_r", norm=norm)
    (left, bottom), (right, top) = view
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    _draw_beam(axis, result, frame, (left, right, bottom, top))

    least = min(float(result.settings.get("threshold", 0.5)), 0.95)
    colours = ListedColormap(colormaps[PROBABILITY_COLOURS](np.linspace(0.12, 0.95, 64)))
    scale = Normalize(least, 1.0)
    half_axes = _error_axes(result, frame)
    width = min(abs(right - left), abs(top - bottom))
    largest = max((np.hypot(*axes).max() for axes in half_axes), default=width)
    magnified = max((m for m in MAGNIFICATIONS if m * largest <= LARGEST_ELLIPSE * width), default=1)
    crowded = len(places) > LISTED
    offsets = frame.offsets(places)
    for k, (offset, axes) in enumerate(zip(offsets, half_axes, strict=True)):
        colour = colours(scale(float(result.sources["probability"][k])))
        axis.add_patch(_ellipse(offset, axes * magnified, facecolor="white", edgecolor="none", alpha=0.55))
        axis.add_patch(_ellipse(offset, axes * magnified, fill=False, edgecolor="white", linewidth=2.8))
        axis.add_patch(_ellipse(offset, axes * magnified, fill=False, edgecolor=colour, linewidth=1.4))
        axis.plot(*offset, "+", color="black", markersize=4, markeredgewidth=0.6)
    wide = [
        (offset, 0.5 * shape * frame.per_pixel[:, None])
        for offset, shape in zip(offsets, result.shapes, strict=True)
        if shape.any()
    ]
    for offset, shape in wide:
        axis.add_patch(_ellipse(offset, shape, fill=False, edgecolor="white", linewidth=2.2))
        axis.add_patch(_ellipse(offset, shape, fill=False, edgecolor="black", linewidth=0.9, linestyle="--"))
    for k, (offset, away) in enumerate(
        zip(offsets, _label_places(offsets, right - left, crowded), strict=True)
    ):
        if away is not None:
            axis.annotate(
                str(k + 1), offset, away, textcoords="offset points", ha="center", va="center",
                fontsize=6 if crowded else 8, annotation_clip=True,
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
            )  # fmt: skip
    larger = f" {magnified} × larger" if magnified > 1 else ""
    if wide:
        size = f"3σ errors{larger}; dashed: shapes"
    else:
        size = "3σ error ellipses" + (f", drawn{larger}" if larger else "")
    axis.set_title(f"Sources: {size}" if len(places) else "No source")
    _colour_bar(figure, axis, ScalarMappable(scale, colours), "probability")
    return view


def _places(result):
    """Sources in pixels of the searched area, shape (n, 2)."""
    corner = [result.searched[1].start, result.searched[0].start]
    return np.stack([result.sources["x"].value, result.sources["y"].value], axis=1) - corner


def _view_of(places, result, frame):
    """Corners (lower left, upper right) of the close view, as offsets."""
    rows, columns = result.dirty.shape
    whole = np.array([columns, rows], dtype=float)
    if len(places) == 0:
        low, high = np.full(2, -0.5), whole - 0.5
    else:
        least = LEAST_VIEW * np.hypot(*result.beam_axes).max()
        side = max(np.ptp(places, axis=0).max() * AROUND, least)
        middle = (places.min(axis=0) + places.max(axis=0)) / 2
        sides = np.minimum(side, whole)
        middle = np.clip(middle, sides / 2 - 0.5, whole - 0.5 - sides / 2)
        low, high = middle - sides / 2, middle + sides / 2
    return frame.offsets(low), frame.offsets(high)


def _error_axes(result, frame):
    """Half axes of each three-sigma ellipse, as columns of 2x2 matrices, in offsets."""
    axes = []
    for covariance in result.covariances[:, :2, :2]:
        variances, directions = np.linalg.eigh(covariance * np.outer(frame.per_pixel, frame.per_pixel))
        axes.append(3.0 * directions * np.sqrt(np.maximum(variances, 0.0)))
    return axes


def _label_places(offsets, across, crowded):
    """Where the number of each source stands, in points from it, or None where it would cover others.

    Parameters
    ----------
    offsets : float64 array, shape (n, 2)
        Brightest first; the brighter choose before the fainter.
    across : float
        Offsets from left to right of what is shown, negative if they grow to the left.
    crowded : bool
        Whether the numbers are small.
    """
    points = offsets * CLOSE_POINTS / np.array([across, abs(across)])
    reach, apart = (9.0, 8.0) if crowded else (13.0, 11.0)
    taken: list[np.ndarray] = []
    places: list[np.ndarray | None] = []
    for k, point in enumerate(points):
        others = np.delete(points, k, axis=0)
        away = np.array([1.0, 1.0])
        if len(others):
            away = point - others[np.hypot(*(point - others).T).argmin()]
        first = np.arctan2(away[1], away[0])
        angles = first + np.array([0, 1, -1, 2, -2, 3, -3, 4]) * np.pi / 4
        found = None
        for place in reach * np.stack([np.cos(angles), np.sin(angles)], axis=1):
            near_labels = any(np.hypot(*(point + place - other)) < apart for other in taken)
            near_sources = len(others) and np.hypot(*(point + place - others).T).min() < 0.6 * apart
            if not near_labels and not near_sources:
                found = place
                taken.append(point + place)
                break
        places.append(found)
    return places


# ------------------------------------------------------------------ numbers and words


def _list_sources(axis, result):
    """The sources as a table."""
    axis.set_axis_off()
    table = result.sources
    if not len(table):
        axis.text(0, 1, "none above the threshold", va="top", color="0.3", transform=axis.transAxes)
        return
    scale, unit = wording.scale_of(np.median(table["flux"].value))
    coordinates = ("right ascension", "declination") if result.wcs is not None else ("column", "row")
    heads = ["", *coordinates, f"flux ({unit})", "p", "S/N", "beams"]
    at = [0.0, 0.275, 0.53, 0.725, 0.80, 0.89, 1.0]
    places = wording.places_of(result)
    lines = [heads]
    for k, (place, source) in enumerate(zip(places, table, strict=True)):
        if k == LISTED - (len(table) > LISTED):
            break
        flux = wording.with_error(source["flux"].value / scale, source["sigma_flux"].value / scale)
        near = float(source["neighbour"])
        lines.append(
            [
                f"{k + 1}",
                *(each.replace("-", "−") for each in place),
                flux,
                f"{source['probability'].value:.2f}",
                f"{source['snr'].value:.3g}",
                f"{near:.2g}" if near < 100 else "",
            ]
        )
    step = 1.0 / (LISTED + 1.5)
    for number, line in enumerate(lines):
        height = 1.0 - (number + (0.3 if number else 0)) * step
        for place, word in zip(at, line, strict=True):
            axis.text(
                place, height, word, ha="right" if place else "left", va="top", fontsize=6.8,
                fontweight="bold" if number == 0 else "normal", transform=axis.transAxes,
            )  # fmt: skip
    axis.plot([0, 1], [1 - 0.95 * step] * 2, color="black", linewidth=0.6, transform=axis.transAxes)
    notes = ["beams: distance to the next source. Fluxes are apparent."]
    if len(table) > LISTED:
        notes.insert(0, f"and {len(table) - LISTED + 1} fainter ones.")
    doubts: dict[str, list[int]] = {}
    for number, source in enumerate(table, start=1):
        if said := wording.other_number(source):
            doubts.setdefault(said, []).append(number)
    shown = [
        f"{numbers[0]}{' and others' if len(numbers) > 1 else ''}: {said}" for said, numbers in doubts.items()
    ]
    if shown:
        notes.append("; ".join(shown[:4]) + ("; …" if len(shown) > 4 else ""))
    height = 1.0 - (len(lines) + 0.6) * step
    axis.text(
        0.0, height, "\n".join(line for note in notes for line in textwrap.wrap(note, 84)),
        fontsize=6.4, color="0.3", va="top", transform=axis.transAxes,
    )  # fmt: skip
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)


def _draw_number(axis, result):
    """How probable each number of sources is."""
    likely = np.flatnonzero(result.n_posterior >= LEAST_BAR)
    low, high = int(likely.min()), int(likely.max())
    if high - low >= MOST_BARS:
        middle = int(result.n_posterior.argmax())
        low = max(middle - MOST_BARS // 2, low)
        high = low + MOST_BARS - 1
    if high - low < 4:
        low = max(low - (4 - high + low) // 2, 0)
        high = low + 4
    numbers = np.arange(low, high + 1)
    heights = np.concatenate([result.n_posterior, np.zeros(high + 1)])[numbers]
    catalogued = len(result.sources)
    axis.bar(
        numbers, heights, width=0.8, color=["#0072b2" if n == catalogued else "#9ecae1" for n in numbers]
    )
    axis.set_title("Number of sources (dark: as catalogued)", fontsize=8)
    axis.set_ylabel("probability", labelpad=1)
    axis.set_ylim(0, 1)
    axis.set_xticks(numbers if len(numbers) <= 10 else numbers[::2])
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(length=2)


def _describe(axis, result):
    """Convergence, settings and versions."""
    axis.set_axis_off()
    blocks, checks = [], result.diagnostics
    if result.converged:
        worst = max(checks.get("r_hat", {"": np.nan}).values())
        fewest = min(checks.get("effective_samples", []), default=None)
        blocks.append(
            (
                "black",
                f"chains agree: R-hat at most {worst:.3g}"
                + (f", {fewest:.0f} independent samples or more" if fewest is not None else ""),
            )
        )
    else:
        blocks.append(("#b03000", "NOT CONVERGED: " + "; ".join(result.not_converged)))
    if said := wording.evidence(result):
        blocks.append(("black", said))
    settings = {
        name: f"{value:.4g}" if isinstance(value, float) else value
        for name, value in result.settings.items()
        if value is not None and value is not False and name != "threads"
    }
    blocks.append(("0.35", ", ".join(f"{name} {value}" for name, value in settings.items())))
    blocks.append(("0.35", ", ".join(f"{name} {version}" for name, version in result.versions.items())))
    height = 1.0
    for colour, words in blocks:
        lines = textwrap.wrap(words, 50)
        axis.text(0, height, "\n".join(lines), va="top", fontsize=7, color=colour, transform=axis.transAxes)
        height -= 0.085 * len(lines) + 0.025


def _title(result):
    meta = result.sources.meta
    words = [str(meta[key]).strip() for key in ("OBJECT", "TELESCOP") if str(meta.get(key, "")).strip()]
    if "DATE-OBS" in meta:
        words.append(str(meta["DATE-OBS"])[:10])
    if result.wcs is not None:
        rows, columns = result.dirty.shape
        ra, dec = result.wcs.pixel_to_world_values((columns - 1) / 2, (rows - 1) / 2)
        ra = Angle(ra, u.deg).to_string(u.hourangle, sep=":", precision=2, pad=True)
        dec = Angle(dec, u.deg).to_string(u.deg, sep=":", precision=1, pad=True, alwayssign=True)
        words.append(f"{ra} {dec.replace('-', '−')}")
    return "   ".join(words) or "BaSC"
