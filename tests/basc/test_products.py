"""What is left on disk, read back by others: astropy, json, pyarrow."""

import json
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.wcs import WCS

from basc import DirtyMap, characterise, errors, products
from basc.figure import draw_figure, write_figure
from basc.products import image_hdu, write_products, write_samples
from basc.simulate import observe

SOURCES = [(62.4, 64.7, 0.4), (66.6, 60.5, 0.01), (40.2, 80.1, 0.02)]


def look_at(field, **options):
    return DirtyMap(
        field.dirty, field.beam, field.primary_beam, wcs=field.wcs, meta={"OBJECT": "J0538-4405"}, **options
    )


@pytest.fixture(scope="module")
def field():
    return observe(SOURCES, rng=np.random.default_rng(1), pixels=128)


@pytest.fixture(scope="module")
def result(field):
    # Neither square nor in the middle, so that a mistaken axis or corner shows.
    return characterise(look_at(field, search=(slice(40, 100), slice(30, 86))))


@pytest.fixture(scope="module")
def empty():
    return characterise(look_at(observe([], rng=np.random.default_rng(1), pixels=128)))


# ------------------------------------------------------------------ images


def test_the_posterior_mean_holds_the_mean_total_flux_where_the_sources_are(result):
    mean = result.posterior_mean()

    assert mean.shape == (60, 56)
    assert mean.sum() == pytest.approx(result.samples.flux.sum(axis=1).mean(), rel=1e-12)
    rows, columns = np.mgrid[40:100, 30:86]
    near = np.hypot(columns - 40.2, rows - 80.1) < 4
    source = result.sources[1]
    assert mean[near].sum() == pytest.approx(source["flux"].value, rel=0.03)
    assert np.average(columns[near], weights=mean[near]) == pytest.approx(source["x"].value, abs=0.1)
    assert np.average(rows[near], weights=mean[near]) == pytest.approx(source["y"].value, abs=0.1)


def test_the_posterior_mean_is_each_samples_sources_shared_by_their_four_pixels(result):
    samples, slow = result.samples, np.zeros((60, 56))
    for k, size in enumerate(samples.size):
        for x, y, flux in zip(samples.x[k, :size], samples.y[k, :size], samples.flux[k, :size], strict=True):
            x, y = min(max(x - 30, 0), 55), min(max(y - 40, 0), 59)
            for row in range(60):
                if abs(row - y) < 1:
                    near = np.clip(1 - np.abs(np.arange(56) - x), 0, None)
                    slow[row] += flux * (1 - abs(row - y)) * near / len(samples.size)

    np.testing.assert_allclose(result.posterior_mean(), slow, atol=1e-15)


def test_the_posterior_mean_through_the_beam_is_the_map_but_for_the_noise(field, result):
    wide = np.zeros((128, 128))
    wide[40:100, 30:86] = result.posterior_mean()
    transform = np.fft.fft2(wide) * np.fft.fft2(np.fft.ifftshift(field.beam))
    seen = np.fft.ifft2(transform).real[40:100, 30:86]

    # A cloud in a cell is up to half a pixel wide, and so takes up to 4 % from the peak of a beam 6 pixels wide.
    assert np.abs(seen - result.dirty).max() < 0.04 * result.dirty.max()
    assert (seen - result.dirty).std() < 0.1 * result.dirty.std()


def test_a_source_on_the_edge_stays_in_the_image():
    field = observe([(32.0, 50.0, 0.05), (60.0, 95.0, 0.05)], rng=np.random.default_rng(2), pixels=128)

    result = characterise(look_at(field))

    assert (result.samples.x[:, :2] < 32).any()
    assert (result.samples.y[:, :2] > 95).any()
    assert result.posterior_mean().min() == 0.0
    assert result.posterior_mean().sum() == pytest.approx(result.samples.flux.sum(axis=1).mean(), rel=1e-12)


def test_images_are_where_the_catalogue_says_on_the_sky(result, tmp_path):
    paths = write_products(result, tmp_path, "field")

    for name, unit in (("posterior_mean", "Jy/pixel"), ("model", "Jy/beam"), ("residual", "Jy/beam")):
        with fits.open(paths[name]) as hdus:
            hdus.verify("exception")
            header, image = hdus[0].header, hdus[0].data
        assert header["BUNIT"] == unit
        assert header["OBJECT"] == "J0538-4405"
        assert (header["MAPX"], header["MAPY"]) == (30, 40)
        np.testing.assert_allclose(image, getattr(result, name)(), atol=1e-6)
        x, y = WCS(header).world_to_pixel_values(result.sources["ra"].value, result.sources["dec"].value)
        np.testing.assert_allclose(x, result.sources["x"].value - 30, atol=1e-6)
        np.testing.assert_allclose(y, result.sources["y"].value - 40, atol=1e-6)
        if name == "model":
            assert np.unravel_index(image.argmax(), image.shape) == (round(y[0]), round(x[0]))


def test_model_and_residual_make_the_map(field, result):
    np.testing.assert_allclose(result.model() + result.residual(), field.dirty[40:100, 30:86], atol=1e-12)
    assert result.residual().std() == pytest.approx(1e-3, rel=0.15)


# ------------------------------------------------------------------ samples


def test_samples_come_back_from_fits(result, tmp_path):
    write_samples(result, tmp_path / "samples.fits")

    sources = Table.read(tmp_path / "samples.fits", hdu="SOURCES")
    samples = Table.read(tmp_path / "samples.fits", hdu="SAMPLES")
    assert [str(sources[name].unit) for name in ("x", "y", "flux")] == ["pix", "pix", "Jy"]
    assert sources["flux"].dtype.itemsize == 4
    assert np.array_equal(np.bincount(sources["sample"], minlength=len(samples)), samples["size"])
    assert np.array_equal(samples["size"], result.samples.size)
    assert np.array_equal(samples["ln_likelihood"], result.samples.ln_likelihood)
    assert np.array_equal(sources["chain"], samples["chain"][sources["sample"]])
    assert np.array_equal(np.unique(samples["chain"]), [0, 1, 2, 3])
    last = sources[sources["sample"] == len(samples) - 1]
    size = result.samples.size[-1]
    for name in ("x", "y", "flux"):
        np.testing.assert_allclose(last[name], getattr(result.samples, name)[-1, :size], rtol=1e-6)


def test_samples_without_a_source_are_counted(empty, tmp_path):
    write_samples(empty, tmp_path / "samples.fits")

    samples = Table.read(tmp_path / "samples.fits", hdu="SAMPLES")
    assert np.mean(samples["size"] == 0) == pytest.approx(empty.n_posterior[0])


def test_samples_come_back_from_parquet(result, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")

    write_samples(result, tmp_path / "samples.parquet")

    rows = parquet.read_table(tmp_path / "samples.parquet").to_pylist()
    assert len(rows) == len(result.samples.size)
    for k in (0, len(rows) - 1):
        size = result.samples.size[k]
        assert (rows[k]["sample"], rows[k]["size"], rows[k]["chain"]) == (k, size, result.samples.chain[k])
        np.testing.assert_allclose(rows[k]["flux"], result.samples.flux[k, :size], rtol=1e-6)


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("pyarrow", lambda result, folder: write_samples(result, folder / "samples.parquet"), "parquet"),
        ("matplotlib", lambda result, folder: write_figure(result, folder / "figure.png"), "figures"),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_get_it(
    result, tmp_path, monkeypatch, package, call, extra
):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(errors.PackageMissing, match=rf"needs {package}.*pip install 'stoa\[{extra}\]'"):
        call(result, tmp_path)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ all files


def strictly(text):
    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_summary_says_how_it_was_done(result, tmp_path):
    said = strictly(write_products(result, tmp_path, "field")["summary"].read_text())

    assert set(said) == {
        "sources", "units", "noise", "effective_noise", "searched", "n_posterior", "ln_evidence", "converged",
        "not_converged", "settings", "versions", "diagnostics",
    }  # fmt: skip
    assert said["searched"] == {"rows": [40, 100], "columns": [30, 86]}
    assert said["ln_evidence"] is None, "NaN: the chains never emptied the map"
    assert sum(said["n_posterior"]) == pytest.approx(1.0)
    assert (said["settings"]["seed"], said["settings"]["chains"]) == (0, 4)
    assert set(said["versions"]) == {"basc", "numpy", "numba", "astropy"}
    assert said["diagnostics"]["r_hat"]["n"] == result.diagnostics["r_hat"]["n"]
    assert (said["converged"], said["not_converged"]) == (True, [])
    assert len(said["sources"]) == 3
    assert said["sources"][0]["flux"] == result.sources["flux"][0].value
    assert (said["units"]["flux"], said["units"]["blended"]) == ("Jy", "")
    assert isinstance(said["sources"][0]["blended"], bool)


def test_the_same_result_makes_the_same_bytes(field, result, tmp_path):
    again = characterise(look_at(field, search=(slice(40, 100), slice(30, 86))))

    first, second = (
        write_products(each, tmp_path / name, "a") for each, name in ((result, "1"), (again, "2"))
    )

    for name in first:
        assert first[name].read_bytes() == second[name].read_bytes(), name


def test_the_catalogue_is_a_votable_with_units(result, tmp_path):
    table = QTable.read(write_products(result, tmp_path / "new" / "folder", "field")["catalogue"])

    assert str(table["flux"].unit) == "Jy"
    np.testing.assert_array_equal(table["x"].value, result.sources["x"].value)


def test_products_are_all_there_or_none(result, tmp_path, monkeypatch):
    write_products(result, tmp_path, "kept")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(result):
        raise KeyboardInterrupt

    monkeypatch.setattr(products, "summary_text", interrupted)
    for stem in ("kept", "new"):
        with pytest.raises(KeyboardInterrupt):
            write_products(result, tmp_path, stem)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("stem", ["", "a/b", "../up", "/etc/a"])
def test_a_stem_that_is_no_name_is_refused(result, tmp_path, stem):
    with pytest.raises(errors.SettingInvalid, match="stem"):
        write_products(result, tmp_path, stem)


def test_without_coordinates_the_images_say_where_they_were_in_the_map(field):
    result = characterise(DirtyMap(field.dirty, field.beam))

    header = image_hdu(result, "residual").header
    assert "CTYPE1" not in header
    assert (header["MAPX"], header["MAPY"]) == (32, 32)


# ------------------------------------------------------------------ figure


@pytest.mark.parametrize(
    ("suffix", "beginning"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_the_figure_is_what_its_suffix_says_and_the_same_each_time(result, tmp_path, suffix, beginning):
    for name in ("a", "b"):
        write_figure(result, tmp_path / f"{name}{suffix}")

    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data.startswith(beginning)
    assert data == (tmp_path / f"b{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_figure_of_another_kind_is_refused(result, tmp_path):
    with pytest.raises(errors.SettingInvalid, match=r"'\.doc'; it must be one of \.png, \.svg, \.pdf"):
        write_figure(result, tmp_path / "figure.doc")


def words_of(figure):
    from matplotlib.text import Text

    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_the_figure_shows_every_source_where_it_is_with_its_error(result):
    from matplotlib.patches import Ellipse

    figure = draw_figure(result)

    words = words_of(figure)
    assert "J0538-4405" in words
    assert "mJy/beam" in words
    assert "east of the middle (arcsec)" in words
    assert "basc 0.1.0" in words
    assert "seed 0" in words
    close = next(axis for axis in figure.axes if "ellipses" in axis.get_title(loc="left"))
    magnified = 1 if "×" not in close.get_title(loc="left") else int(close.get_title(loc="left").split()[-3])
    outlines = [patch for patch in close.patches if isinstance(patch, Ellipse) and not patch.get_fill()]
    middle_x, middle_y = 30 + 27.5, 40 + 29.5
    for source, patch in zip(result.sources, outlines[1::2], strict=True):
        east, north = patch.center
        assert east == pytest.approx(-(source["x"].value - middle_x) * 0.05)
        assert north == pytest.approx((source["y"].value - middle_y) * 0.05)
        low, high = sorted([patch.width / 2, patch.height / 2])
        sigma = sorted([source["sigma_x"].value, source["sigma_y"].value])
        scale = 3 * 0.05 * magnified
        assert low <= sigma[0] * scale * 1.001
        assert high >= sigma[1] * scale * 0.999
        assert low**2 + high**2 == pytest.approx((sigma[0] ** 2 + sigma[1] ** 2) * scale**2)


def test_error_ellipses_of_correlated_places_lean_the_right_way(result):
    from dataclasses import replace

    from matplotlib.patches import Ellipse

    covariances = result.covariances.copy()
    covariances[:, :2, :2] = [[0.05, 0.04], [0.04, 0.05]]  # to higher columns and rows: west and north

    close = next(
        axis
        for axis in draw_figure(replace(result, covariances=covariances)).axes
        if "ellipses" in axis.get_title(loc="left")
    )

    patch = [patch for patch in close.patches if isinstance(patch, Ellipse)][-1]
    longest = patch.angle if patch.width > patch.height else patch.angle + 90
    assert longest % 180 == pytest.approx(135)  # east and north: to the upper left on the paper


def test_an_empty_map_a_lone_source_and_a_map_of_nans_can_be_drawn(empty, tmp_path):
    dirty = observe([(66.0, 60.0, 0.05)], rng=np.random.default_rng(3), pixels=128)
    holed = dirty.dirty.copy()
    holed[:, 90:] = np.nan
    lone = characterise(DirtyMap(holed, dirty.beam))

    write_figure(empty, tmp_path / "empty.svg")
    write_figure(lone, tmp_path / "lone.svg")

    assert "No source" in words_of(draw_figure(empty))
    assert "column from the middle (pixels)" in words_of(draw_figure(lone))


def test_the_figure_says_that_the_chains_do_not_agree(result):
    from dataclasses import replace

    doubtful = replace(result, not_converged=("R-hat of n is 1.32 (at most 1.1)",))

    assert "NOT CONVERGED: R-hat of n is 1.32" in words_of(draw_figure(doubtful)).replace("\n", " ")


def test_cut_coordinates_of_a_turned_map_agree_with_the_catalogue(field):
    turned, angle = field.wcs.deepcopy(), np.radians(30.0)
    turned.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    dirty_map = DirtyMap(field.dirty, field.beam, wcs=turned, search=(slice(40, 100), slice(30, 86)))

    result = characterise(dirty_map)

    x, _ = WCS(image_hdu(result, "model").header).world_to_pixel_values(
        result.sources["ra"].value, result.sources["dec"].value
    )
    np.testing.assert_allclose(x, result.sources["x"].value - 30, atol=1e-6)
    assert "along columns (arcsec)" in words_of(draw_figure(result))
