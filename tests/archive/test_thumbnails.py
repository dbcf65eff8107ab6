"""Pictures of products: of the right size, the right way up, made once, and never of what is no image."""

from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from archive import thumbnails
from archive.storage import put
from archive.thumbnails import NoPicture, binned, draw, geometry_of, picture_of


@pytest.fixture(autouse=True)
def _a_store_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT, settings.STOA_HOME = tmp_path / "files", tmp_path


def fits_bytes(*planes, **header):
    hdus = (
        [fits.PrimaryHDU(planes[0])] if len(planes) == 1 else [fits.PrimaryHDU(), *map(fits.ImageHDU, planes)]
    )
    hdus[0].header.update(header)
    file = BytesIO()
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("L")).astype(int)


def test_the_picture_has_the_size_of_the_map_and_its_first_row_at_the_bottom():
    plane = np.random.default_rng(1).normal(size=(20, 30))
    plane[2, 5] = 100.0

    png, geometry = draw(fits_bytes(plane))

    assert pixels(png).shape == (20, 30)
    assert np.unravel_index(pixels(png).argmax(), (20, 30)) == (17, 5)
    assert (geometry.width, geometry.height, geometry.peak) == (30, 20, 100.0)


def test_the_sky_is_told_where_the_header_knows_it():
    sky = {
        "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 187.7, "CRVAL2": 12.4, "CRPIX1": 5.5, "CRPIX2": 5.5,
        "CDELT1": -1 / 3600, "CDELT2": 1 / 3600, "CUNIT1": "deg", "CUNIT2": "deg", "BUNIT": "Jy/beam",
    }  # fmt: skip

    _, geometry = draw(fits_bytes(np.zeros((1, 1, 10, 10)), **sky))

    assert geometry.unit == "Jy/beam"
    assert geometry.cell == pytest.approx(1.0)
    assert geometry.centre == pytest.approx((187.7, 12.4))


def test_many_images_of_a_file_become_a_sheet():
    png, geometry = draw(fits_bytes(*[np.eye(12) for _ in range(10)]))

    assert geometry.tiles == 10
    assert pixels(png).shape == (geometry.height, geometry.width) == (2 * 98 - 2, 8 * 98 - 2)


@pytest.mark.parametrize("plane", [np.full((8, 8), np.nan), np.zeros((8, 8)), np.full((8, 8), np.inf)])
def test_a_map_of_nothing_is_dark_and_breaks_nothing(plane):
    png, _ = draw(fits_bytes(plane))

    assert pixels(png).shape == (8, 8)


def test_a_large_map_is_binned_by_means_that_leave_out_what_is_empty():
    plane = np.ones((6, 4))
    plane[0, 0] = np.nan
    plane[:2, 2:] = np.nan

    small = binned(plane, largest=3)

    assert small.shape == (3, 2)
    assert small[0, 0] == 1.0
    assert np.isnan(small[0, 1])


@pytest.mark.parametrize("data", [b"no FITS at all", fits_bytes(np.zeros((4, 4)))[:2000]])
def test_what_is_no_image_is_refused_with_its_name(data):
    with pytest.raises(NoPicture, match=r"“notes\.txt”"):
        draw(data, "notes.txt")


def test_a_picture_is_made_once(monkeypatch):
    sha256 = put(fits_bytes(np.eye(9)))
    first = picture_of(sha256)
    monkeypatch.setattr(thumbnails, "draw", lambda *_: pytest.fail("drawn again"))

    assert picture_of(sha256) == first
    assert geometry_of(sha256).width == 9
