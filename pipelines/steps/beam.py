"""The dirty beam: its size and shape, and how far its sidelobes rise."""

from math import log, sqrt

import numpy as np

from pipelines.contract import Port, StepFailed
from pipelines.registry import step

CORE_LEVELS = (0.5, 0.35, 0.2)  # of the peak; lower ones only where the core has too few pixels
FEWEST_PIXELS = 6
MAIN_LOBE = 1.5  # half axes of the main lobe, in FWHM: beyond the first null of any filled aperture
FWHM = 2 * sqrt(2 * log(2))


@step(
    "beam",
    title="Dirty beam",
    inputs=[
        Port("image", "product", description="map the beam belongs to"),
        Port("beam", "product", description="dirty beam"),
    ],
    outputs=[
        Port(
            "beam_major",
            "float",
            "arcsec",
            "phys.angSize.smajAxis;instr.beam",
            "major axis of the beam (FWHM)",
        ),
        Port(
            "beam_minor",
            "float",
            "arcsec",
            "phys.angSize.sminAxis;instr.beam",
            "minor axis of the beam (FWHM)",
        ),
        Port(
            "beam_pa",
            "float",
            "deg",
            "pos.posAng;instr.beam",
            "position angle of the major axis, north to east",
        ),
        Port("sidelobe", "float", "", "instr.beam", "largest absolute sidelobe, as a fraction of the peak"),
        Port("cell", "float", "arcsec", "phys.angSize;instr.pixel", "side of a pixel"),
    ],
    uses=["basc.reading", "basc.errors"],
)
def beam(inputs, parameters, context):
    """Measure the dirty beam itself, not what its header says.

    Size and shape are those of the Gaussian that fits the core above half of the peak (least squares of the
    logarithm). The sidelobe is the largest absolute value outside the ellipse of 1.5 FWHM.
    """
    # BaSC brings numba, a second of imports: only a process that runs the step pays for it.
    from basc.errors import BascError, CellSizeMismatch
    from basc.reading import read_plane

    try:
        with context.open(inputs["image"]) as image_file, context.open(inputs["beam"]) as beam_file:
            image, psf = read_plane(image_file), read_plane(beam_file)
        if psf.cell is None:
            raise StepFailed("the beam has no sky coordinates in its header (CTYPE, CDELT): export it again")
        if image.cell is not None and not np.allclose(image.cell, psf.cell, rtol=1e-4, atol=0):
            raise CellSizeMismatch(image.cell, psf.cell)
    except BascError as error:
        raise StepFailed(str(error)) from error
    major, minor, angle, sidelobe = measure_beam(psf.data, psf.cell)
    cell = sqrt(abs(psf.cell[0] * psf.cell[1])) * 3600
    context.log(
        f"{major * 3600:.4g} by {minor * 3600:.4g} arcsec at {angle:.1f} deg; sidelobe {sidelobe:.3f}"
    )
    return {
        "beam_major": major * 3600,
        "beam_minor": minor * 3600,
        "beam_pa": angle,
        "sidelobe": sidelobe,
        "cell": cell,
    }


def measure_beam(data, cell):
    """Return major axis, minor axis, position angle and largest sidelobe of a beam.

    Parameters
    ----------
    data : array, shape (rows, columns)
        The beam; scaled to its peak here.
    cell : (float, float)
        Steps from row to row (north) and from column to column (east, usually negative), in degrees.

    Returns
    -------
    major, minor : float
        FWHM in degrees.
    angle : float
        Of the major axis, from north through east, in degrees within (-90, 90].
    sidelobe : float
        Largest absolute value outside the main lobe, as a fraction of the peak.
    """
    data = np.asarray(data, dtype=float)
    if not np.isfinite(data).any() or not np.nanmax(data) > 0:
        raise StepFailed(
            "the beam has no positive peak; give the dirty beam (psf) made together with the map"
        )
    data = np.nan_to_num(data) / np.nanmax(data)
    row, column = np.unravel_index(np.argmax(data), data.shape)
    north = (np.arange(data.shape[0]) - row) * cell[0]
    east = (np.arange(data.shape[1]) - column) * cell[1]
    scale = max(abs(cell[0]), abs(cell[1]))
    curvature = fit_core(data, row, column, north / scale, east / scale)
    narrowness, directions = np.linalg.eigh(curvature)
    if narrowness[0] <= 0:
        raise StepFailed("the core of the beam is no peak with a width; image it with smaller cells")
    major, minor = FWHM * scale / np.sqrt(narrowness)
    angle = -((-np.degrees(np.arctan2(directions[0, 0], directions[1, 0])) + 90) % 180 - 90)

    # Distance from the peak in units of the standard deviation in that direction, squared.
    e, n = east[None, :] / scale, north[:, None] / scale
    distance = curvature[0, 0] * e * e + 2 * curvature[0, 1] * e * n + curvature[1, 1] * n * n
    outside = np.abs(data[distance > (MAIN_LOBE * FWHM) ** 2])
    return float(major), float(minor), float(angle), float(outside.max()) if outside.size else 0.0


def fit_core(data, row, column, north, east):
    """Return the matrix C of the Gaussian exp(-d C d / 2), d = (east, north), that fits the core."""
    for level in CORE_LEVELS:
        rows, columns = np.nonzero(core_pixels(data, row, column, level))
        if len(rows) >= FEWEST_PIXELS:
            break
    else:
        raise StepFailed(
            f"the core of the beam covers {len(rows)} pixels, too few to measure it; image it with smaller cells"
        )
    e, n, values = east[columns], north[rows], data[rows, columns]
    # The peak may lie between pixels, so the logarithm is a full quadratic; weights keep the noisy foot down.
    terms = np.stack([np.ones_like(e), e, n, e * e / 2, e * n, n * n / 2], axis=1)
    weights = values[:, None]
    (_, _, _, ee, en, nn), *_ = np.linalg.lstsq(terms * weights, np.log(values) * values, rcond=None)
    return -np.array([[ee, en], [en, nn]])


def core_pixels(data, row, column, level):
    """Return which pixels above a level are connected with the peak."""
    above = data > level
    core = np.zeros_like(above)
    core[row, column] = True
    while True:
        grown = core.copy()
        grown[1:] |= core[:-1]
        grown[:-1] |= core[1:]
        grown[:, 1:] |= core[:, :-1]
        grown[:, :-1] |= core[:, 1:]
        grown &= above
        if (grown == core).all():
            return core
        core = grown
