"""Small images and cubes with coordinates, and steps that make files from files."""

from io import BytesIO

import numpy as np
from astropy.io import fits

from archive.catalogues import catalogue_table
from pipelines.contract import Field, Port
from pipelines.registry import step

HERTZ = 1e11
FIELDS = (Field("number", "int"), Field("flux", "float", "Jy"))


def image(shape=(24, 32), centre=(187.7, 12.4), cell=1 / 3600, **keys):
    """Return an image, or a cube of (channels, rows, columns), as the bytes of a FITS file.

    Its pixels count from 0 in the order of the file.
    """
    data = np.arange(np.prod(shape), dtype=">f4").reshape(shape)
    hdu = fits.PrimaryHDU(data)
    rows, columns = shape[-2:]
    hdu.header.update(
        CTYPE1="RA---TAN", CRVAL1=centre[0], CDELT1=-cell, CRPIX1=(columns + 1) / 2, CUNIT1="deg",
        CTYPE2="DEC--TAN", CRVAL2=centre[1], CDELT2=cell, CRPIX2=(rows + 1) / 2, CUNIT2="deg",
        RADESYS="ICRS", BUNIT="Jy/beam", BMAJ=4 * cell, BMIN=2 * cell, OBJECT="M87", TELESCOP="ALMA",
    )  # fmt: skip
    hdu.header["DATE-OBS"] = "2015-08-11T00:00:00"
    hdu.header["EXPTIME"] = 3600.0
    if len(shape) > 2:
        hdu.header.update(CTYPE3="FREQ", CRVAL3=HERTZ, CDELT3=1e7, CRPIX3=1.0, CUNIT3="Hz")
    hdu.header.update(keys)
    file = BytesIO()
    hdu.writeto(file)
    return file.getvalue()


@step(
    "sky_smooth",
    inputs=[Port("image", "product")],
    outputs=[Port("smooth", "product"), Port("items", "catalogue", schema=FIELDS)],
)
def sky_smooth(inputs, parameters, context):
    """Make another image, and a list, from an image."""
    with context.open(inputs["image"]) as file, fits.open(file) as hdus:
        hdus[0].header["HISTORY"] = "smoothed"
        brightest = float(hdus[0].header["CRVAL1"]) + len(hdus[0].header["HISTORY"])
        made = BytesIO()
        hdus.writeto(made)
    items = catalogue_table(FIELDS, {"number": [1, 2], "flux": [brightest, 0.5]})
    return {
        "smooth": context.keep(made.getvalue(), "smooth.fits"),
        "items": context.keep_catalogue(items, "items.fits"),
    }


SMOOTH = {
    "steps": [
        {
            "name": "smooth",
            "step": "sky_smooth",
            "inputs": {"image": "image"},
            "outputs": {"smooth": "smooth", "items": "items"},
        }
    ]
}
