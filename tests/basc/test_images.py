"""Bad maps and beams are refused with a reason; nothing is searched that the beam does not cover."""

import io

import numpy as np
import pytest
from astropy.io import fits

from basc import BascError, DirtyMap, characterise, errors
from basc.simulate import observe, write_fits


@pytest.fixture(scope="module")
def field():
    return observe([(66.3, 60.8, 0.05)], rng=np.random.default_rng(0), pixels=128)


@pytest.fixture
def files(field, tmp_path):
    return write_fits(field, tmp_path, "field")


def edited(path, **cards):
    with fits.open(path, mode="update") as hdus:
        hdus[0].header.update(cards)
    return path


def test_equal_images_are_searched_in_the_inner_half(field):
    assert DirtyMap(field.dirty, field.beam).search == (slice(32, 96), slice(32, 96))


def test_a_beam_of_twice_the_size_covers_the_whole_map(field):
    inner = field.dirty[field.searchable]

    assert DirtyMap(inner, field.beam).search == (slice(0, 64), slice(0, 64))


def test_a_scaled_beam_is_normalised(field):
    assert DirtyMap(field.dirty, 7 * field.beam).beam.max() == 1.0


def with_hole(primary_beam):
    primary_beam = primary_beam.copy()
    primary_beam[60:62, 70] = np.nan
    return primary_beam


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: {"data": np.full_like(f.dirty, np.nan)}, errors.EmptyMap, "no finite pixel"),
        (lambda f: {"data": np.ones_like(f.dirty)}, errors.EmptyMap, "constant"),
        (lambda f: {"data": np.zeros((3, 128, 128))}, errors.NotAnImage, r"\(3, 128, 128\)"),
        (lambda f: {"data": np.zeros(128)}, errors.NotAnImage, r"\(128,\)"),
        (lambda f: {"noise": -1e-3}, errors.NoiseInvalid, "-0.001 Jy/beam"),
        (lambda f: {"noise": 0.0}, errors.NoiseInvalid, "positive"),
        (lambda f: {"noise": np.nan}, errors.NoiseInvalid, "nan"),
        (lambda f: {"beam": np.roll(f.beam, 2, axis=1)}, errors.BeamOffCentre, r"\(64, 66\)"),
        (lambda f: {"beam": -(f.beam**2)}, errors.BeamInvalid, "no positive"),
        (lambda f: {"beam": f.beam * np.nan}, errors.BeamInvalid, "NaN"),
        (lambda f: {"search": (slice(0, 65), slice(0, 64))}, errors.BeamTooSmall, r"\(65, 64\)"),
        (lambda f: {"search": (slice(0, 4), slice(0, 64))}, errors.SearchBoxInvalid, "at least 8"),
        (lambda f: {"search": (slice(100, 140), slice(0, 64))}, errors.SearchBoxInvalid, "within"),
        (lambda f: {"search": "all"}, errors.SearchBoxInvalid, "two slices"),
        (lambda f: {"primary_beam": np.ones((64, 64))}, errors.PrimaryBeamMismatch, r"\(64, 64\)"),
        (lambda f: {"primary_beam": with_hole(f.primary_beam)}, errors.PrimaryBeamHole, "2 pixels.*row 60"),
        (lambda f: {"primary_beam": np.zeros_like(f.dirty)}, errors.EmptyMap, "primary beam"),
    ],
)
def test_what_cannot_be_right_is_refused(field, change, error, words):
    given = {"data": field.dirty, "beam": field.beam} | change(field)

    with pytest.raises(error, match=words) as refused:
        DirtyMap(**given)

    assert isinstance(refused.value, BascError)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"expected_sources": 0}, "expected_sources is 0"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"chains": 1}, "between 2 and 64"),
        ({"companions": 1.0}, "below 1"),
        ({"max_proposals": 10}, "at least 100"),
        ({"threads": 0}, "at least 1"),
        ({"max_sources": 0}, "between 1 and"),
        ({"median_flux": -1.0}, "positive"),
        ({"proposals": 3}, "at least 100"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_senseless_settings_are_refused(field, settings, words):
    with pytest.raises(errors.SettingInvalid, match=words):
        characterise(DirtyMap(field.dirty, field.beam), **settings)


def test_blank_outskirts_of_the_primary_beam_are_not_searched(field):
    primary_beam = np.where(field.primary_beam > 0.7, field.primary_beam, np.nan)

    dirty_map = DirtyMap(field.dirty, field.beam, primary_beam)

    np.testing.assert_array_equal(dirty_map.searchable, primary_beam[field.searchable] > 0.7)


def test_files_and_file_objects_read_alike(files):
    from_paths = DirtyMap.from_fits(*files.values())
    from_bytes = DirtyMap.from_fits(*(io.BytesIO(path.read_bytes()) for path in files.values()))

    np.testing.assert_array_equal(from_paths.data, from_bytes.data)
    assert from_paths.meta["OBJECT"] == "SIMULATED"


def test_a_plain_image_of_two_axes_is_read(files, field):
    hdu = fits.PrimaryHDU(field.dirty)
    hdu.header["BUNIT"] = "JY/BEAM"
    hdu.writeto(files["dirty"], overwrite=True)

    dirty_map = DirtyMap.from_fits(files["dirty"], files["psf"])

    assert dirty_map.wcs is None
    np.testing.assert_array_equal(dirty_map.data, field.dirty)


def test_a_map_cut_short_is_refused(files):
    files["dirty"].write_bytes(files["dirty"].read_bytes()[:20000])

    with pytest.raises(errors.UnreadableFile, match=r"field\.dirty\.fits"):
        DirtyMap.from_fits(files["dirty"], files["psf"])


def test_what_is_not_fits_is_refused(files, tmp_path):
    (tmp_path / "notes.txt").write_text("M87 looks fine\n")

    with pytest.raises(errors.UnreadableFile, match=r"notes\.txt"):
        DirtyMap.from_fits(tmp_path / "notes.txt", files["psf"])
    with pytest.raises(errors.UnreadableFile, match="no such file"):
        DirtyMap.from_fits(tmp_path / "absent.fits", files["psf"])


def test_another_cell_size_is_refused(files):
    edited(files["psf"], CDELT1=-2e-5, CDELT2=2e-5)

    with pytest.raises(errors.CellSizeMismatch, match=r"0\.05 x 0\.05 arcsec.*0\.072 x 0\.072"):
        DirtyMap.from_fits(files["dirty"], files["psf"])


@pytest.mark.parametrize("unit", ["K", "", "mJy/beam"])
def test_another_unit_is_refused(files, unit):
    edited(files["dirty"], BUNIT=unit)

    with pytest.raises(errors.WrongUnit, match="Jy/beam"):
        DirtyMap.from_fits(files["dirty"], files["psf"])
