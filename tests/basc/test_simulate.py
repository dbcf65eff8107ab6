"""The interferometer obeys the equations the likelihood rests on."""

import numpy as np
from astropy import units as u
from astropy.io import fits

from basc import DirtyMap
from basc.simulate import observe, write_fits
from tests.basc import reference


def test_noise_has_the_covariance_of_the_beam():
    fields = [observe([], rng=np.random.default_rng(seed), pixels=64, noise=2.0) for seed in range(300)]

    maps, beam = np.array([field.dirty for field in fields]), fields[0].beam

    np.testing.assert_allclose(np.mean(maps**2), 4.0, rtol=0.02)
    for down, right in ((0, 1), (2, 0), (3, 2), (0, 7)):
        shifted = np.roll(maps, (-down, -right), axis=(1, 2))
        np.testing.assert_allclose(np.mean(maps * shifted), 4.0 * beam[32 + down, 32 + right], atol=0.1)


def test_map_of_a_source_is_the_beam_at_its_sub_pixel_place():
    field = observe([(33.3, 29.8, 2.0)], rng=np.random.default_rng(0), pixels=64, noise=0.0)

    cells = field.cells_u, field.cells_v, field.weights
    for x, y in ((33, 30), (20, 41)):
        expected = field.sources["flux"][0].value * reference.beam_at(*cells, 64, x - 33.3, y - 29.8)
        np.testing.assert_allclose(field.dirty[y, x], expected, atol=1e-12)


def test_same_generator_same_field():
    first, second = (observe([(60, 70, 1)], rng=np.random.default_rng(5), pixels=128) for _ in range(2))

    assert first.dirty.tobytes() == second.dirty.tobytes()


def test_written_files_read_back_as_the_same_field(tmp_path):
    field = observe([(70.2, 60.9, 0.5)], rng=np.random.default_rng(1), pixels=128, cell=0.1)

    paths = write_fits(field, tmp_path, "cal")
    read = DirtyMap.from_fits(*paths.values())

    assert [path.name for path in paths.values()] == ["cal.dirty.fits", "cal.psf.fits", "cal.flux.fits"]
    np.testing.assert_allclose(read.data, field.dirty, atol=1e-6)
    np.testing.assert_allclose(read.wcs.wcs.cdelt * 3600, [-0.1, 0.1])
    header = fits.getheader(paths["dirty"])
    assert (header["CTYPE1"], header["CTYPE4"], header["BUNIT"]) == ("RA---SIN", "STOKES", "Jy/beam")
    assert abs(np.sqrt(header["BMAJ"] * header["BMIN"]) * 36000 - 6.0) < 0.6
    assert field.sources["flux"].unit == u.Jy


def test_primary_beam_dims_what_is_seen():
    field = observe([(96.0, 64.0, 1.0)], rng=np.random.default_rng(1), pixels=128, primary_beam_fwhm=64.0)

    np.testing.assert_allclose(field.sources["flux"].value, 0.5)
    np.testing.assert_allclose(field.primary_beam[64, 96], 0.5)
