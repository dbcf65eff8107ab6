"""Product folders: which files belong to one image, and what their headers say."""

import numpy as np
import pytest
from astropy.io import fits

from archive.alma import band_of, find_group, find_groups, find_product_folders
from archive.errors import FolderMissing, GroupMissing, NotFits, TruncatedFits
from archive.headers import check_fits, frequency_of, manifest_of


def write(folder, *names, **header):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        hdu = fits.PrimaryHDU(np.zeros((4, 5), dtype=np.float32))
        hdu.header.update(header)
        hdu.writeto(folder / name)


def test_a_group_is_an_image_with_the_beam_and_primary_beam_of_its_stem(tmp_path):
    write(tmp_path, "b.dirty.fits", "b.psf.fits", "b.flux.fits", "b.pbcor.fits", "a.pbcor.fits", "a.pb.fits")
    write(tmp_path, "c.psf.fits", "notes.fits")
    (tmp_path / "readme.txt").write_text("not FITS")

    groups = find_groups(tmp_path)

    assert [group.name for group in groups] == ["a", "b"]
    assert [group.image.name for group in groups] == ["a.pbcor.fits", "b.dirty.fits"]
    assert [group.beam and group.beam.name for group in groups] == [None, "b.psf.fits"]
    assert [group.primary_beam.name for group in groups] == ["a.pb.fits", "b.flux.fits"]
    assert [path.name for path in groups[1].others] == ["b.pbcor.fits"]


def test_the_longer_ending_wins(tmp_path):
    write(tmp_path, "a.image.pbcor.fits", "a.image.fits")

    assert [group.name for group in find_groups(tmp_path)] == ["a"]


def test_the_manifest_has_the_keys_the_header_has(tmp_path):
    write(tmp_path, "a.dirty.fits", BMAJ=0.1, OBJECT="3C 273 ", CTYPE1="RA---SIN", CRVAL1=187.3)

    manifest = find_group(tmp_path, "a").manifest

    assert manifest == {
        "FILETYPE": "dirtyImage", "NAXIS1": 5, "NAXIS2": 4, "BMAJ": 0.1,
        "OBJECT": "3C 273", "CTYPE1": "RA---SIN", "CRVAL1": 187.3,
    }  # fmt: skip


def test_a_group_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    write(tmp_path, "a.dirty.fits")

    with pytest.raises(GroupMissing, match="no image group “b”; it has “a”"):
        find_group(tmp_path, "b")
    with pytest.raises(FolderMissing):
        find_groups(tmp_path / "absent")


def test_product_folders_are_found_wherever_the_delivery_lies(tmp_path):
    one = "2013.1/science_goal.uid_1/group.uid_2/member.uid_3/product"
    two = "science_goal.uid_1/group.uid_2/member.uid_4/product"
    for folder in (one, two):
        write(tmp_path / folder, "a.dirty.fits")
    (tmp_path / "science_goal.uid_1/group.uid_2/member.uid_4/raw").mkdir()

    assert find_product_folders(tmp_path) == [one, two]

    write(tmp_path, "loose.dirty.fits")
    assert find_product_folders(tmp_path) == [".", one, two]


@pytest.mark.parametrize(
    ("frequency", "band"),
    [(97.5, "3"), (230.5, "6"), (345.8, "7"), (43.0, "1"), (75.0, "2"), (8.108, "X"), (1.4, "L"), (800.0, "10"),
     (120.0, ""), (1e6, ""), (None, "")],
)  # fmt: skip
def test_a_frequency_belongs_to_a_band(frequency, band):
    assert band_of(frequency) == band


def image_bytes(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(np.arange(5000.0)).writeto(path)
    path.unlink()
    fits.PrimaryHDU(np.zeros((50, 100))).writeto(path)
    return path.read_bytes()


def test_a_file_is_whole_without_the_padding_of_its_last_block_but_not_without_its_data(tmp_path):
    data = image_bytes(tmp_path)
    needed = 2880 + 50 * 100 * 8

    assert check_fits(data[:needed], "a.fits")["NAXIS1"] == 100
    with pytest.raises(TruncatedFits) as refused:
        check_fits(data[: needed - 1], "a.fits")
    assert (refused.value.size, refused.value.needed) == (needed - 1, needed)
    assert "a.fits" in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"SIMPLE  = maybe", b"SIMPLE  =                    T"])
def test_what_is_not_fits_is_refused_by_name(data):
    with pytest.raises(NotFits, match=r"“a\.fits” is not a readable FITS file"):
        check_fits(data, "a.fits")


def test_a_file_without_an_image_is_refused():
    with pytest.raises(NotFits, match="it holds no image"):
        check_fits(fits.PrimaryHDU().header.tostring().encode(), "table.fits")


def test_the_frequency_is_that_of_the_middle_of_the_axis():
    header = fits.Header()
    for key, value in {
        "NAXIS": 3, "NAXIS3": 3, "CTYPE3": "FREQ", "CRVAL3": 100.0, "CDELT3": 2.0, "CRPIX3": 1.0, "CUNIT3": "GHz",
    }.items():  # fmt: skip
        header[key] = value

    assert frequency_of(header) == pytest.approx(102.0)
    assert frequency_of(fits.Header({"RESTFRQ": 1.15e11})) == pytest.approx(115.0)
    assert frequency_of(fits.Header()) is None


def test_a_header_value_that_is_no_number_is_left_out():
    assert "BMAJ" not in manifest_of(fits.Header({"NAXIS1": 3}))
