"""Parts of images: the pixels that an independent look at every pixel finds, and the sky where it was."""

from io import BytesIO

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from archive.cutouts import cut
from archive.errors import CannotBeCut, NothingThere
from archive.outlines import Circle, Polygon, Range

LIGHT = 299_792_458.0


def image(shape=(60, 80), centre=(187.7, 12.4), cell=0.01, projection="TAN", dtype=">f4", **keys):
    data = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(
        CTYPE1=f"RA---{projection}", CRVAL1=centre[0], CDELT1=-cell, CRPIX1=(shape[-1] + 1) / 2, CUNIT1="deg",
        CTYPE2=f"DEC--{projection}", CRVAL2=centre[1], CDELT2=cell, CRPIX2=(shape[-2] + 1) / 2, CUNIT2="deg",
        RADESYS="ICRS",
    )  # fmt: skip
    hdu.header.update(keys)
    return hdu


@pytest.fixture
def kept(tmp_path):
    def keep(hdu):
        path = tmp_path / "image.fits"
        hdu.writeto(path, overwrite=True)
        return path

    return keep


def read(found):
    data = b"".join(found.pieces)
    assert len(data) == found.size
    assert len(data) % 2880 == 0
    with fits.open(BytesIO(data)) as hdus:
        hdus.verify("exception")
        return np.array(hdus[0].data), hdus[0].header.copy()


def box_by_looking_at_all(hdu, inside):
    """The smallest box of the pixels of which one of 25 points is inside, by astropy's own coordinates."""
    wcs = WCS(hdu.header).celestial
    ny, nx = hdu.data.shape[-2:]
    y, x = np.mgrid[0:ny, 0:nx]
    found = np.zeros((ny, nx), bool)
    for dx in np.linspace(-0.5, 0.5, 5):
        for dy in np.linspace(-0.5, 0.5, 5):
            found |= inside(wcs.pixel_to_world(x + dx, y + dy).icrs)
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def in_circle(ra, dec, radius):
    return lambda places: places.separation(SkyCoord(ra, dec, unit="deg")) <= radius * u.deg


CENTRES = [(187.7, 12.4), (0.0, -30.0), (40.0, 90.0), (123.0, -90.0), (359.99, 0.0)]


@pytest.mark.parametrize("centre", CENTRES, ids=str)
@pytest.mark.parametrize("projection", ["TAN", "SIN", "CAR"])
def test_a_circle_gives_the_box_around_its_pixels(kept, centre, projection):
    if projection == "CAR" and abs(centre[1]) == 90:
        pytest.skip("its native pole is where the reference point would be")
    hdu = image(centre=centre, projection=projection)
    place = WCS(hdu.header).pixel_to_world(20, 25).icrs
    circle = (place.ra.deg, place.dec.deg, 0.1)

    data, header = read(cut(kept(hdu), shape=Circle(*circle)))

    rows, columns = box_by_looking_at_all(hdu, in_circle(*circle))
    looked = hdu.data[rows, columns]
    # five points along each side of a pixel may miss one that the circle only just touches
    assert all(0 <= a - b <= 1 for a, b in zip(data.shape, looked.shape, strict=True))
    y, x = np.unravel_index(int(data.flat[0]), hdu.data.shape)
    np.testing.assert_array_equal(data, hdu.data[y : y + data.shape[0], x : x + data.shape[1]])
    assert (y, x) in [(rows.start - i, columns.start - j) for i in (0, 1) for j in (0, 1)]
    there = WCS(header).pixel_to_world([0, data.shape[1] - 1], [0, data.shape[0] - 1])
    before = WCS(hdu.header).pixel_to_world([x, x + data.shape[1] - 1], [y, y + data.shape[0] - 1])
    assert there.separation(before).max() < 1e-9 * u.deg


def test_a_circle_around_right_ascension_zero(kept):
    hdu = image(centre=(0.0, 0.0))

    data, header = read(cut(kept(hdu), shape=Circle(359.95, 0.0, 0.1)))

    ra = WCS(header).pixel_to_world([0, data.shape[1] - 1], [0, 0]).ra.wrap_at("180d").deg
    assert (ra[0], ra[1]) == pytest.approx((0.055, -0.155), abs=0.011)


def test_a_pole_inside_of_an_all_sky_map(kept):
    hdu = image(shape=(180, 360), cell=1.0, centre=(0.0, 0.0), projection="CAR")

    data, _ = read(cut(kept(hdu), shape=Circle(77.0, 90.0, 5.2)))

    assert data.shape == (6, 360)
    np.testing.assert_array_equal(data, hdu.data[-6:])


def test_a_polygon_is_enclosed_by_great_circles(kept):
    hdu = image()
    corners = ([187.5, 187.9, 187.7], [12.3, 12.3, 12.5])

    data, _ = read(cut(kept(hdu), shape=Polygon(*corners)))

    x, y = WCS(hdu.header).world_to_pixel(SkyCoord(*corners, unit="deg"))
    low_x, high_x = int(np.round(x.min())), int(np.round(x.max()))
    low_y, high_y = int(np.round(y.min())), int(np.round(y.max()))
    np.testing.assert_array_equal(data, hdu.data[low_y : high_y + 1, low_x : high_x + 1])


def test_a_range_of_longitude_and_latitude(kept):
    hdu = image(shape=(180, 360), cell=1.0, centre=(180.0, 0.0), projection="CAR")

    data, header = read(cut(kept(hdu), shape=Range(10.2, 20.2, -5.2, 5.2)))

    wcs = WCS(header)
    corner = wcs.pixel_to_world(0, 0)
    assert data.shape == (12, 11)
    assert (corner.ra.deg, corner.dec.deg) == pytest.approx((20.5, -5.5))


def test_what_is_larger_than_the_image_gives_all_of_it(kept):
    hdu = image()
    for shape in (Circle(187.7, 12.4, 5.0), Circle(187.7, 12.4, 170.0), Range(-np.inf, np.inf, -90, 90)):
        data, header = read(cut(kept(hdu), shape=shape))
        np.testing.assert_array_equal(data, hdu.data)
        assert header["CRPIX1"] == hdu.header["CRPIX1"]


@pytest.mark.parametrize(
    "shape",
    [
        Circle(190.0, 12.4, 0.1),
        Circle(7.7, -12.4, 0.1),
        Circle(187.7 + 0.455, 12.4 + 0.34, 0.05),
        Polygon((1.0, 2.0, 2.0), (1.0, 1.0, 2.0)),
        Range(0.0, 1.0, -10.0, 10.0),
    ],
    ids=["beside", "on the other side of the sky", "only its box", "a polygon", "a range"],
)
def test_what_has_nothing_in_common_with_the_image(kept, shape):
    with pytest.raises(NothingThere):
        cut(kept(image()), shape=shape)


def test_less_than_a_pixel_is_the_pixel(kept):
    hdu = image()
    place = WCS(hdu.header).pixel_to_world(20.2, 25.3).icrs

    data, _ = read(cut(kept(hdu), shape=Circle(place.ra.deg, place.dec.deg, 1e-5)))

    assert data.tolist() == [[hdu.data[25, 20]]]


CUBE = {"CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 1e9, "CRPIX3": 1.0, "CUNIT3": "Hz"}


def test_channels_of_a_cube(kept):
    hdu = image(shape=(10, 6, 8), **CUBE)
    band = (LIGHT / 105.2e9, LIGHT / 102.9e9)  # channels 3 (102.5 to 103.5) to 5 (104.5 to 105.5)

    data, header = read(cut(kept(hdu), band=band))

    np.testing.assert_array_equal(data, hdu.data[3:6])
    assert WCS(header).spectral.pixel_to_world(0).to_value("GHz") == pytest.approx(103.0)


def test_place_wavelength_and_polarization_together(kept):
    stokes = {"CTYPE4": "STOKES", "CRVAL4": 1.0, "CDELT4": 1.0, "CRPIX4": 1.0}
    hdu = image(shape=(3, 10, 60, 80), **CUBE, **stokes)

    data, header = read(
        cut(kept(hdu), shape=Circle(187.7, 12.4, 0.051), band=(LIGHT / 100.4e9, np.inf), pol="U")
    )

    np.testing.assert_array_equal(data, hdu.data[2:3, 0:1, 24:36, 34:46])
    assert header["CRPIX4"] == -1.0


@pytest.mark.parametrize("band", [(1.0, 2.0), (1e-9, 1e-8)])
def test_wavelengths_that_are_not_there(kept, band):
    with pytest.raises(NothingThere):
        cut(kept(image(shape=(10, 6, 8), **CUBE)), band=band)


def test_scaled_integers_are_written_as_what_they_mean(kept):
    hdu = image(dtype=">i2")
    hdu.header["BLANK"] = 5
    path = kept(hdu)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BSCALE"], hdus[0].header["BZERO"] = 0.5, 10.0

    data, header = read(cut(path, shape=Circle(187.7, 12.4, 5.0)))

    expected = hdu.data * 0.5 + 10.0
    expected[0, 5] = np.nan
    np.testing.assert_array_equal(data, expected)
    assert "BSCALE" not in header


def test_an_image_in_galactic_coordinates_and_turned(kept):
    hdu = image(
        centre=(283.8, 74.5),
        CTYPE1="GLON-TAN",
        CTYPE2="GLAT-TAN",
        PC1_1=0.8,
        PC1_2=0.6,
        PC2_1=-0.6,
        PC2_2=0.8,
    )
    del hdu.header["RADESYS"]
    place = WCS(hdu.header).pixel_to_world(30, 20).icrs
    circle = (place.ra.deg, place.dec.deg, 0.08)

    data, header = read(cut(kept(hdu), shape=Circle(*circle)))

    rows, columns = box_by_looking_at_all(hdu, in_circle(*circle))
    assert all(0 <= a - b <= 2 for a, b in zip(data.shape, hdu.data[rows, columns].shape, strict=True))
    middle = WCS(header).pixel_to_world((data.shape[1] - 1) / 2, (data.shape[0] - 1) / 2).icrs
    assert middle.separation(place) < 0.01 * u.deg


def test_axes_in_another_order(kept):
    hdu = image(
        CTYPE1="DEC--TAN", CRVAL1=12.4, CDELT1=0.01, CTYPE2="RA---TAN", CRVAL2=187.7, CDELT2=-0.01
    )  # fmt: skip
    place = WCS(hdu.header).pixel_to_world(20, 25)

    data, header = read(cut(kept(hdu), shape=Circle(place.ra.deg, place.dec.deg, 0.032)))

    np.testing.assert_array_equal(data, hdu.data[22:29, 17:24])
    assert WCS(header).pixel_to_world(3, 3).separation(place) < 1e-9 * u.deg


def test_an_image_in_an_extension(tmp_path):
    hdu = image()
    path = tmp_path / "extension.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(hdu.data, hdu.header, name="SCI")]).writeto(path)

    data, header = read(cut(path, ("a line of history",), shape=Circle(187.7, 12.4, 0.051)))

    np.testing.assert_array_equal(data, hdu.data[24:36, 34:46])
    assert list(header["HISTORY"]) == ["a line of history"]


def test_what_does_not_know_where_it_is(kept, tmp_path):
    hdu = fits.PrimaryHDU(np.eye(5))
    with pytest.raises(CannotBeCut, match="where on the sky"):
        cut(kept(hdu), shape=Circle(1, 1, 1))
    with pytest.raises(CannotBeCut, match="wavelength"):
        cut(kept(hdu), band=(1, 2))
    with pytest.raises(CannotBeCut, match="polarization"):
        cut(kept(hdu), pol="I")
    with pytest.raises(CannotBeCut, match="no image"):
        cut(kept(fits.PrimaryHDU()), pol="I")


def test_a_large_cube_is_read_a_few_megabytes_at_a_time(kept):
    hdu = image(shape=(40, 600, 800), dtype=">f4", **CUBE)

    found = cut(kept(hdu))
    sizes = [len(piece) for piece in found.pieces]

    assert sum(sizes) == found.size > 76_000_000
    assert max(sizes) <= 8_000_000
