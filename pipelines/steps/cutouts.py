"""Small pictures of the sources of a catalogue, cut from the map they were found in."""

from io import BytesIO

import numpy as np
from astropy.io import fits

from archive.catalogues import items_of
from pipelines.contract import Field, Parameter, Port, StepFailed
from pipelines.registry import step

SCHEMA = (
    Field("name", "text"),
    Field("position", "position", "deg"),
    Field("flux", "float", "Jy"),
    Field("x", "float", "pix"),
    Field("y", "float", "pix"),
)
KEPT_KEYS = ("BUNIT", "BTYPE", "OBJECT", "BMAJ", "BMIN", "BPA", "DATE-OBS", "TELESCOP")
LARGEST = 512  # pixels


@step(
    "cutouts",
    title="Cut-outs",
    inputs=[
        Port("image", "product", description="map to cut from"),
        Port("catalogue", "catalogue", description="sources found in it", schema=SCHEMA),
        Port("beam_major", "float", "arcsec", description="major axis of the beam; sets the size"),
    ],
    outputs=[
        Port("cutouts", "product", "", "meta.file", "one FITS file with an image extension per source"),
        Port("n_cutouts", "int", "", "meta.number", "number of cut-outs"),
    ],
    parameters=[
        Parameter("beams", "float", 10.0, minimum=1.0, maximum=100.0, help="side of a cut-out, in beams"),
    ],
    uses=["archive.catalogues", "basc.reading"],
)
def cutouts(inputs, parameters, context):
    """Cut a square of some beams round every source, with its coordinates.

    The extensions stand in the order of the catalogue. A square that reaches over the edge of the map is cut
    at the edge. The same inputs give the same bytes.
    """
    # BaSC brings numba, a second of imports: only a process that runs the step pays for it.
    from basc.errors import BascError
    from basc.reading import read_plane

    try:
        with context.open(inputs["image"]) as file:
            image = read_plane(file)
    except BascError as error:
        raise StepFailed(str(error)) from error
    if image.wcs is None:
        raise StepFailed("the map has no sky coordinates in its header (CTYPE, CRVAL): export it again")
    items = items_of(context.catalogue(inputs["catalogue"]), SCHEMA)
    half = half_side(inputs["beam_major"], parameters["beams"], image.cell)
    extensions = [cut(image, item, half) for item in items]
    file = BytesIO()
    primary = fits.PrimaryHDU()
    primary.header["NSOURCES"] = (len(extensions), "image extensions, one per source")
    fits.HDUList([primary, *extensions]).writeto(file)
    header = {"FILETYPE": "cutouts", "NSOURCES": len(extensions)}
    context.log(f"{len(extensions)} cut-outs of {2 * half + 1} pixels")
    return {
        "cutouts": context.keep(file.getvalue(), "cutouts.fits", header=header),
        "n_cutouts": len(extensions),
    }


def half_side(beam_major, beams, cell):
    """Return half of the side of a cut-out in pixels, without the central one."""
    side = beam_major / 3600 * beams / min(abs(cell[0]), abs(cell[1]))
    return int(np.clip(round(side / 2), 1, LARGEST // 2))


def cut(image, item, half):
    """Return an image extension with the pixels round a source."""
    rows, columns = image.data.shape
    x, y = round(item["x"]), round(item["y"])
    left, right = max(x - half, 0), min(x + half + 1, columns)
    low, high = max(y - half, 0), min(y + half + 1, rows)
    if left >= right or low >= high:
        raise StepFailed(
            f"source {item['name']} lies outside of the map; was the catalogue made from this map?"
        )
    header = image.wcs[low:high, left:right].to_header()
    # The time in a header of today would make different bytes of the same picture tomorrow.
    for key in ("DATE", "HISTORY"):
        header.remove(key, ignore_missing=True, remove_all=True)
    for key in KEPT_KEYS:
        if key in image.meta:
            header[key] = image.meta[key]
    header["BUNIT"] = image.unit
    header["SOURCE"] = item["name"]
    header["FLUX"] = (item["flux"], "[Jy] apparent flux density")
    header["SRC_X"], header["SRC_Y"] = item["x"] - left, item["y"] - low
    pixels = np.ascontiguousarray(image.data[low:high, left:right])
    return fits.ImageHDU(pixels, header, name=item["name"])
