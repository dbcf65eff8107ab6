"""What headers say in the words of ObsCore, beside astropy's own coordinates and plain formulas."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from archive.headers import manifest_of
from archive.obscore import NAMES, observed

LIGHT = 299_792_458.0


def header(shape=(60, 80), centre=(187.7, 12.4), cell=0.01, **keys):
    made = fits.PrimaryHDU(np.zeros(shape, ">f4")).header
    made.update(
        CTYPE1="RA---TAN", CRVAL1=centre[0], CDELT1=-cell, CRPIX1=(shape[-1] + 1) / 2, CUNIT1="deg",
        CTYPE2="DEC--TAN", CRVAL2=centre[1], CDELT2=cell, CRPIX2=(shape[-2] + 1) / 2, CUNIT2="deg",
        RADESYS="ICRS",
    )  # fmt: skip
    made.update(
        {
            key.replace("_", "-") if "DATE" in key or "MJD" in key else key: value
            for key, value in keys.items()
        }
    )
    return made


def corners_of(facts):
    kind, *numbers = facts["s_region"].split()
    assert kind == "polygon"
    numbers = np.array(numbers, float).reshape(-1, 2)
    return SkyCoord(numbers[:, 0], numbers[:, 1], unit="deg")


CENTRES = [(187.7, 12.4), (0.0, -30.0), (359.999, 0.0), (40.0, 90.0), (123.0, -90.0), (10.0, 89.8)]


@pytest.mark.parametrize("centre", CENTRES, ids=str)
def test_the_outline_is_that_of_the_outer_edges_of_the_pixels(centre):
    made = header(centre=centre)
    facts = observed(made)

    expected = WCS(made).calc_footprint(center=False)  # astropy's own corners of the outer pixels
    expected = SkyCoord(expected[:, 0], expected[:, 1], unit="deg")
    corners = corners_of(facts)
    assert len(corners) == 4
    for corner in corners:
        assert corner.separation(expected).min() < 1e-9 * u.deg
    middle = SkyCoord(facts["s_ra"], facts["s_dec"], unit="deg")
    assert middle.separation(SkyCoord(*centre, unit="deg")) < 1e-9 * u.deg
    assert 0 <= facts["s_ra"] < 360
    assert facts["s_fov"] == pytest.approx(2 * corners.separation(middle).deg.max(), rel=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("centre", CENTRES, ids=str)
def test_the_outline_runs_anticlockwise_on_the_sky(centre, sign):
    made = header(centre=centre)
    made["CDELT1"] *= sign

    facts = observed(made)

    # in the tangent plane at the middle, with east to the left, the area within the corners is positive
    middle = SkyCoord(facts["s_ra"], facts["s_dec"], unit="deg")
    east, north = (one.deg for one in middle.spherical_offsets_to(corners_of(facts)))
    x, y = -east, north
    assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0


def test_galactic_coordinates_become_icrs():
    made = header(centre=(283.8, 74.5), CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN")
    del made["RADESYS"]

    facts = observed(made)

    middle = SkyCoord(283.8, 74.5, frame="galactic", unit="deg").icrs
    assert (facts["s_ra"], facts["s_dec"]) == pytest.approx((middle.ra.deg, middle.dec.deg), abs=1e-9)
    assert corners_of(facts).separation(middle).deg.max() == pytest.approx(0.5, rel=1e-3)


def test_axes_in_another_order():
    made = fits.PrimaryHDU(np.zeros((80, 60), ">f4")).header
    made.update(
        CTYPE1="DEC--TAN", CRVAL1=12.4, CDELT1=0.01, CRPIX1=30.5, CUNIT1="deg",
        CTYPE2="RA---TAN", CRVAL2=187.7, CDELT2=-0.01, CRPIX2=40.5, CUNIT2="deg", RADESYS="ICRS",
    )  # fmt: skip
    facts, same = observed(made), observed(header())

    assert (facts["s_xel1"], facts["s_xel2"]) == (80, 60)
    assert corners_of(facts).separation(corners_of(same)[[0, 1, 2, 3]]).max() < 1e-9 * u.deg


def test_scale_beam_and_size():
    facts = observed(header(BMAJ=0.04, BMIN=0.01))

    assert facts["s_pixel_scale"] == pytest.approx(36.0)
    assert facts["s_resolution"] == pytest.approx(72.0)
    assert (facts["s_xel1"], facts["s_xel2"], facts["dataproduct_type"]) == (80, 60, "image")


AXIS = {"CRPIX3": 1.0}
SPECTRA = {
    "frequency": (
        {"CTYPE3": "FREQ", "CRVAL3": 100.0, "CDELT3": 1.0, "CUNIT3": "GHz"},
        LIGHT / np.array([109.5e9, 99.5e9]),
    ),
    "wavelength": ({"CTYPE3": "WAVE", "CRVAL3": 500.0, "CDELT3": 2.0, "CUNIT3": "nm"}, np.array([499e-9, 519e-9])),
    "radio velocity": (
        {"CTYPE3": "VRAD", "CRVAL3": 0.0, "CDELT3": 1e3, "CUNIT3": "m/s", "RESTFRQ": 115e9},
        LIGHT / (115e9 * (1 - np.array([-500.0, 9500.0]) / LIGHT)),
    ),
    "optical velocity": (
        {"CTYPE3": "VOPT", "CRVAL3": 0.0, "CDELT3": 1e3, "CUNIT3": "m/s", "RESTWAV": 21e-2},
        21e-2 * (1 + np.array([-500.0, 9500.0]) / LIGHT),
    ),
    "falling frequency": (
        {"CTYPE3": "FREQ", "CRVAL3": 109e9, "CDELT3": -1e9, "CUNIT3": "Hz"},
        LIGHT / np.array([109.5e9, 99.5e9]),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "ends"), SPECTRA.values(), ids=SPECTRA)
def test_wavelengths_from_whatever_axis(keys, ends):
    facts = observed(header(shape=(10, 60, 80), **AXIS, **keys))

    assert (facts["em_min"], facts["em_max"]) == pytest.approx(tuple(sorted(ends)), rel=1e-9)
    assert (facts["em_xel"], facts["dataproduct_type"]) == (10, "cube")


def test_resolving_power_is_that_of_the_middle_channel():
    facts = observed(header(shape=(10, 60, 80), **AXIS, **SPECTRA["frequency"][0]))

    assert facts["em_res_power"] == pytest.approx(105.0, rel=0.01)


def test_a_rest_frequency_alone():
    facts = observed(header(RESTFRQ=230e9))

    assert facts["em_min"] == facts["em_max"] == pytest.approx(LIGHT / 230e9)
    assert facts["em_res_power"] is None


@pytest.mark.parametrize(
    ("keys", "start", "end", "exposure"),
    [
        (
            {"DATE_OBS": "2015-08-11T06:00:00", "EXPTIME": 3600.0},
            "2015-08-11T06:00:00",
            "2015-08-11T07:00:00",
            3600.0,
        ),
        ({"DATE_OBS": "2015-08-11"}, "2015-08-11", None, None),
        ({"DATE_OBS": "11/08/95"}, "1995-08-11", None, None),
        ({"MJD_OBS": 57245.25, "DATE_END": "2015-08-12"}, "2015-08-11T06:00:00", "2015-08-12", None),
        ({"DATE_BEG": "2015-08-11", "DATE_OBS": "2015-08-12"}, "2015-08-11", None, None),
        ({"DATE_OBS": "2015-08-11", "DATE_END": "2014-01-01"}, "2015-08-11", None, None),
        ({"DATE_OBS": "1111-11-11"}, None, None, None),
        ({"DATE_OBS": "yesterday", "EXPTIME": "long"}, None, None, None),
    ],
    ids=str,
)
def test_times(keys, start, end, exposure):
    facts = observed(header(**keys))

    for name, expected in (("t_min", start), ("t_max", end)):
        mjd = None if expected is None else pytest.approx(Time(expected).mjd, abs=1e-9)
        assert facts[name] == mjd, name
    assert facts["t_exptime"] == exposure


def test_polarizations_in_the_order_of_obscore():
    falling = {"CTYPE3": "STOKES", "CRVAL3": 4.0, "CDELT3": -1.0, "CRPIX3": 1.0}
    facts = observed(header(shape=(4, 60, 80), **falling))

    assert (facts["pol_states"], facts["pol_xel"]) == ("/I/Q/U/V/", 4)
    circular = observed(header(shape=(2, 60, 80), CTYPE3="STOKES", CRVAL3=-1.0, CDELT3=-1.0, CRPIX3=1.0))
    assert circular["pol_states"] == "/RR/LL/"


@pytest.mark.parametrize(
    ("unit", "ucd"),
    [
        ("Jy/beam", "phot.flux.density"),
        ("JY/BEAM", "phot.flux.density"),
        ("mJy beam-1", "phot.flux.density"),
        ("MJy/sr", "phot.flux.density.sb"),
        ("K", "phot.antennaTemp"),
        ("km/s", "spect.dopplerVeloc"),
        ("counts", "phot.count"),
        ("parrots", None),
        ("", None),
    ],
)
def test_what_the_pixels_measure(unit, ucd):
    assert observed(header(BUNIT=unit))["o_ucd"] == ucd


def nonsense():
    large = header(shape=(2, 6, 8), CTYPE3="FREQ", CRVAL3=1e9, CDELT3=1.0, CRPIX3=1.0, CUNIT3="Hz")
    large["NAXIS3"] = 2**25
    return {
        "nothing": fits.Header(),
        "an empty one": {},
        "texts for numbers": header(CRVAL1="here", CDELT2="small", BMAJ="wide", RESTFRQ="high"),
        "no scale": header(CDELT1=0.0, CDELT2=0.0),
        "half a sky": header(CTYPE2="LINEAR"),
        "an unknown projection": header(CTYPE1="RA---XYZ", CTYPE2="DEC--XYZ"),
        "an unknown unit": header(CUNIT1="parrot"),
        "a beam below zero": header(BMAJ=-1.0),
        "frequency zero": header(
            shape=(2, 6, 8), CTYPE3="FREQ", CRVAL3=0.0, CDELT3=1.0, CRPIX3=1.0, CUNIT3="Hz"
        ),
        "too many channels": large,
        "stokes of no kind": header(shape=(2, 6, 8), CTYPE3="STOKES", CRVAL3=77.0, CDELT3=0.3, CRPIX3=1.0),
        "infinities in a manifest": {"NAXIS1": 8, "NAXIS2": 6, "CRVAL1": float("nan"), "BMAJ": float("inf")},
        "a manifest of other things": {"NAXIS1": [1], "CTYPE1": None, "OBJECT": {"a": 1}},
    }


@pytest.mark.parametrize("made", nonsense().values(), ids=nonsense())
def test_nonsense_is_nothing_and_never_an_error(made):
    facts = observed(made)

    assert set(facts) == set(NAMES)
    for name in ("s_resolution", "pol_states", "em_min", "target_name"):
        assert facts[name] is None, name
    assert all(value is None or isinstance(value, str) or np.isfinite(value) for value in facts.values())


def test_a_manifest_says_what_the_header_says_as_far_as_it_goes():
    whole = header(
        shape=(10, 60, 80), BMAJ=0.04, BMIN=0.01, BUNIT="Jy/beam", **AXIS, **SPECTRA["frequency"][0]
    )

    facts, kept = observed(whole), observed(manifest_of(whole))

    for name in ("s_region", "s_fov", "em_min", "em_max", "s_resolution", "dataproduct_type", "o_ucd"):
        assert kept[name] == facts[name], name


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_a_real_map():
    data = os.environ.get("STOA_TEST_DATA")
    if not data:
        pytest.skip("STOA_TEST_DATA is not set: no real data to look at")
    made = fits.getheader(Path(data) / "m87_vlba_8ghz.dirty.fits")

    facts = observed(made)

    corners = WCS(made).celestial.calc_footprint(center=False, axes=(256, 256))
    expected = SkyCoord(corners[:, 0], corners[:, 1], unit="deg")
    for corner in corners_of(facts):
        assert corner.separation(expected).min().arcsec < 1e-5
    assert facts["s_pixel_scale"] == pytest.approx(0.25e-3)
    assert (facts["em_min"], facts["em_max"]) == pytest.approx((LIGHT / 8.116458750e9, LIGHT / 8.100458750e9))
    assert facts["t_min"] == Time("2006-06-15").mjd
    assert (facts["target_name"], facts["facility_name"], facts["pol_states"]) == ("M87", "VLBA", "/I/")
