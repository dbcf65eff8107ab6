"""The steps of the survey on a simulated field, whose truth is known."""

import inspect
import os
import shutil
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import basc
from basc.simulate import core_of, observe, write_fits
from pipelines.executing import Call, execute
from pipelines.registry import all_steps, get_step
from pipelines.steps.beam import measure_beam
from pipelines.steps.sources import errors_on_the_sky, name_of
from tests.pipelines.conftest import PRODUCT_FOLDER


def run(name, desk, inputs, **parameters):
    [result] = execute(get_step(name), [Call(inputs, parameters, desk)])
    return result


def outputs(name, desk, inputs, **parameters):
    result = run(name, desk, inputs, **parameters)
    assert result.error == "", result.log
    return result.outputs


@pytest.fixture
def field_files(desk, simulated):
    return outputs("products", desk, {"folder": PRODUCT_FOLDER, "group": "J0538.band3"})


def test_every_step_says_what_it_is_in_words_and_units():
    steps = [step for step in all_steps() if step.function.__module__.startswith("pipelines.")]

    assert {step.name for step in steps} >= {"products", "beam", "sources", "cutouts", "count"}
    for step in steps:
        assert step.title
        assert step.help
        for port in (*step.inputs, *step.outputs):
            assert port.description, f"{step.name}.{port.name}"


# ------------------------------------------------------------------ products


def test_a_product_folder_gives_the_files_of_a_group_and_what_its_header_says(desk, field_files):
    assert desk.names[field_files["image"]] == "J0538.band3.dirty.fits"
    assert desk.names[field_files["beam"]] == "J0538.band3.psf.fits"
    assert desk.names[field_files["primary_beam"]] == "J0538.band3.flux.fits"
    assert field_files["object"] == "J0538-4405"
    assert field_files["band"] == "3"
    assert field_files["frequency"] == pytest.approx(97.5)
    assert field_files["position"] == pytest.approx((83.6, -5.4))
    assert desk.headers[field_files["image"]]["CTYPE1"] == "RA---SIN"


@pytest.mark.parametrize(
    ("folder", "group", "error"),
    [
        ("survey/absent", "a", "there is no folder “survey/absent”"),
        (PRODUCT_FOLDER, "J0538.band6", "has no image group “J0538.band6”; it has “J0538.band3”"),
        ("../elsewhere", "a", "“../elsewhere” climbs out of its folder"),
        ("survey/../../elsewhere", "a", "climbs out"),
        ("/etc", "a", "“/etc” is an absolute path"),
        ("a\\b", "a", "is not a path"),
    ],
)
def test_a_folder_or_group_that_cannot_be_is_named(desk, simulated, folder, group, error):
    result = run("products", desk, {"folder": folder, "group": group})

    assert error in result.error
    assert desk.names == {}


def test_a_link_that_leads_out_of_the_projects_folder_is_refused(desk, simulated, tmp_path):
    outside = tmp_path / "secret.fits"
    outside.write_bytes((desk.folder / PRODUCT_FOLDER / "J0538.band3.dirty.fits").read_bytes())
    (desk.folder / "own").mkdir()
    (desk.folder / "own" / "x.dirty.fits").symlink_to(outside)

    result = run("products", desk, {"folder": "own", "group": "x"})

    assert "leads out of its folder by a symbolic link" in result.error


def test_a_file_cut_short_is_named_with_its_size(desk, simulated):
    path = desk.folder / PRODUCT_FOLDER / "J0538.band3.psf.fits"
    path.write_bytes(path.read_bytes()[:20000])

    result = run("products", desk, {"folder": PRODUCT_FOLDER, "group": "J0538.band3"})

    assert result.error.startswith("“J0538.band3.psf.fits” is cut short: it has 20000 bytes of the ")


@pytest.mark.parametrize("data", [b"", b"not FITS at all", b"SIMPLE  =                    T" + b" " * 4000])
def test_a_file_that_is_not_fits_is_named(desk, simulated, data):
    path = desk.folder / PRODUCT_FOLDER / "J0538.band3.dirty.fits"
    path.write_bytes(data)

    result = run("products", desk, {"folder": PRODUCT_FOLDER, "group": "J0538.band3"})

    assert result.error.startswith("“J0538.band3.dirty.fits” is not a readable FITS file")


# ------------------------------------------------------------------ beam


def gaussian_beam(major, minor, angle, cell=0.5, pixels=101, dx=0.0, dy=0.0):
    """A Gaussian beam in arcsec, drawn by the definition: north up, east left, angle from north to east."""
    rows, columns = np.mgrid[:pixels, :pixels] - pixels // 2
    north, east = (rows - dy) * cell, -(columns - dx) * cell
    along = north * np.cos(np.radians(angle)) + east * np.sin(np.radians(angle))
    across = -north * np.sin(np.radians(angle)) + east * np.cos(np.radians(angle))
    return np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))


@pytest.mark.parametrize("angle", [0.0, 30.0, -60.0, 90.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_size_and_angle_of_a_gaussian_beam_are_those_it_was_drawn_with(angle, offset):
    drawn = gaussian_beam(6.0, 3.0, angle, dx=offset, dy=-offset)

    major, minor, found, sidelobe = measure_beam(drawn, (0.5 / 3600, -0.5 / 3600))

    assert major * 3600 == pytest.approx(6.0, rel=1e-6)
    assert minor * 3600 == pytest.approx(3.0, rel=1e-6)
    assert found == pytest.approx(angle, abs=1e-4)
    assert sidelobe < 0.003


def test_the_sidelobe_is_the_largest_excursion_outside_the_main_lobe():
    drawn = gaussian_beam(6.0, 3.0, 0.0)
    drawn[10, 10], drawn[90, 80] = 0.12, -0.2

    assert measure_beam(drawn, (0.5 / 3600, -0.5 / 3600))[3] == pytest.approx(0.2)


def test_a_simulated_beam_is_as_wide_as_its_simulator_says(desk, simulated, field_files):
    found = outputs("beam", desk, {name: field_files[name] for name in ("image", "beam")})

    major, minor, _ = core_of(simulated.beam)
    assert found["cell"] == pytest.approx(0.05)
    assert found["beam_major"] == pytest.approx(major * 0.05, rel=0.02)
    assert found["beam_minor"] == pytest.approx(minor * 0.05, rel=0.02)
    assert 0 < found["sidelobe"] < 1


def with_header(desk, digest, **changes):
    """Keep a copy of a file with another header."""
    with fits.open(desk.path(digest)) as hdus:
        hdus[0].header.update(changes)
        file = BytesIO()
        hdus.writeto(file)
    return desk.keep(file.getvalue(), "changed.fits")


def test_a_beam_with_other_cells_than_the_map_is_refused(desk, field_files):
    other = with_header(desk, field_files["beam"], CDELT1=-2e-5, CDELT2=2e-5)

    for step in ("beam", "sources"):
        result = run(step, desk, {"image": field_files["image"], "beam": other})
        assert "image both with the same cell size" in result.error


# ------------------------------------------------------------------ sources


@pytest.fixture
def found(desk, field_files):
    files = {name: field_files[name] for name in ("image", "beam", "primary_beam")}
    return outputs("sources", desk, files, seed=3)


def test_basc_finds_the_simulated_sources_with_units(desk, simulated, found):
    catalogue = desk.catalogue(found["catalogue"])

    assert found["n_sources"] == len(catalogue) == 3
    assert found["noise"] == pytest.approx(1e-3, rel=0.3)
    assert str(catalogue["flux"].unit) == "Jy"
    assert catalogue["flux_intrinsic"].info.meta["ucd"] == "phot.flux.density;em.radio;meta.main"
    truth = simulated.sources
    order = np.argsort(-truth["flux"].value)
    for name in ("flux", "flux_intrinsic"):
        pulls = (catalogue[name] - truth[name].value[order]) / catalogue[f"{name}_error"]
        assert np.all(np.abs(pulls) < 4)
    cosine = np.cos(np.radians(truth["dec"].value[order]))
    east = (catalogue["position_ra"] - truth["ra"].value[order]) * cosine * 3600
    assert np.all(np.abs(east / catalogue["ra_error"]) < 4.5)
    assert np.all(catalogue["probability"] > 0.9)
    assert np.allclose(catalogue["snr"], catalogue["flux"] / found["noise"])


def test_the_searched_area_is_that_of_the_inner_half(simulated, found):
    assert found["searched_area"] == pytest.approx((64 * 0.05 / 60) ** 2, rel=0.1)


def test_the_same_seed_gives_the_same_file(desk, field_files, found):
    files = {name: field_files[name] for name in ("image", "beam", "primary_beam")}

    assert outputs("sources", desk, files, seed=3) == found


def test_a_map_of_nothing_but_nan_is_refused(desk, field_files):
    with fits.open(desk.path(field_files["image"])) as hdus:
        hdus[0].data[:] = np.nan
        file = BytesIO()
        hdus.writeto(file)
    blank = desk.keep(file.getvalue(), "blank.fits")

    result = run("sources", desk, {"image": blank, "beam": field_files["beam"]})

    assert "the map has no finite pixel" in result.error


def test_what_is_said_of_neighbours_and_alternatives_is_that_of_basc(found, desk, simulated):
    catalogue = desk.catalogue(found["catalogue"])

    # The calibrator and its neighbour are 6.8 pixels apart, the third far away; the beam is some 6 pixels wide.
    major, minor, _ = core_of(simulated.beam)
    assert np.all(catalogue["neighbour"][[0, 2]] == catalogue["neighbour"][0])
    assert 6.8 / major - 0.1 < catalogue["neighbour"][0] < 6.8 / minor + 0.1
    assert catalogue["neighbour"][1] > 3
    assert catalogue["blended"].dtype == bool
    assert catalogue["alternative"].dtype == np.int64
    assert np.all(
        catalogue["blended"]
        == (catalogue["neighbour"] < 1)
        | ((catalogue["probability_alternative"] >= 0.2) & (catalogue["alternative"] > 0))
    )
    assert np.all(np.abs(catalogue["correlation"]) < 1)


SHAPES = ("probability_extended", "major", "minor", "position_angle", "major_error")


def test_points_have_no_shape(found, desk):
    catalogue = desk.catalogue(found["catalogue"])

    assert all(np.isnan(np.asarray(catalogue[name])).all() for name in SHAPES)


def test_shapes_are_asked_for_by_a_parameter(desk, field_files):
    files = {name: field_files[name] for name in ("image", "beam", "primary_beam")}

    catalogue = desk.catalogue(outputs("sources", desk, files, extended=0.3, max_proposals=2000)["catalogue"])

    assert np.all((catalogue["probability_extended"] >= 0) & (catalogue["probability_extended"] <= 1))
    assert catalogue["probability_extended"][0] < 0.5  # the calibrator is a point
    assert catalogue["major"].unit == "arcsec"


def test_errors_on_a_turned_sky_are_those_of_moved_pixels():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---SIN", "DEC--SIN"
    wcs.wcs.crval, wcs.wcs.crpix = (0.0, 60.0), (50.0, 50.0)
    angle = np.radians(30.0)
    wcs.wcs.cdelt = -2e-5, 1e-5
    wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    covariance = np.array([[0.09, 0.02], [0.02, 0.01]])
    drawn = np.random.default_rng(0).multivariate_normal([49.0, 49.0], covariance, 40_000)

    east, north, correlation = errors_on_the_sky(covariance[None], np.array([49.0]), np.array([49.0]), wcs)

    ra, dec = wcs.pixel_to_world_values(*drawn.T)
    ra = ((ra - 180) % 360 - 180) * np.cos(np.radians(60.0)) * 3600
    assert east[0] == pytest.approx(np.std(ra), rel=0.02)
    assert north[0] == pytest.approx(np.std(dec) * 3600, rel=0.02)
    assert correlation[0] == pytest.approx(np.corrcoef(ra, dec)[0, 1], abs=0.02)


def test_residual_and_samples_are_kept(desk, simulated, found):
    catalogue = desk.catalogue(found["catalogue"])

    with fits.open(desk.path(found["residual"])) as hdus:
        assert hdus[0].header["BUNIT"] == "Jy/beam"
        assert hdus[0].data.std() == pytest.approx(simulated.noise, rel=0.2)
        x, y = WCS(hdus[0].header).world_to_pixel_values(catalogue["position_ra"], catalogue["position_dec"])
        assert np.allclose(x, catalogue["x"] - 32, atol=1e-5)
        assert np.allclose(y, catalogue["y"] - 32, atol=1e-5)
    with fits.open(desk.path(found["samples"])) as hdus:
        bright = hdus["SOURCES"].data["flux"] > 0.2
        assert bright.sum() == len(hdus["SAMPLES"].data), "every sample has the calibrator"
        assert hdus["SOURCES"].data["flux"][bright].mean() == pytest.approx(catalogue["flux"][0], rel=1e-3)
    assert desk.headers[found["residual"]] == {"FILETYPE": "residual"}


def test_chains_that_do_not_agree_are_said_in_a_column_and_in_the_log(desk, field_files, found):
    assert found["converged"] is True
    files = {name: field_files[name] for name in ("image", "beam", "primary_beam")}

    result = run("sources", desk, files, max_proposals=100)

    assert result.outputs["converged"] is False
    assert "not converged: " in result.log
    assert "raise max_proposals" in result.log


def test_an_empty_field_gives_an_empty_catalogue_and_the_evidence(desk):
    empty = observe([], rng=np.random.default_rng(5), pixels=128, noise=1e-3)
    paths = write_fits(empty, desk.folder, "empty")
    image, beam = (desk.keep(paths[name].read_bytes(), name) for name in ("dirty", "psf"))

    made = outputs("sources", desk, {"image": image, "beam": beam})

    assert made["n_sources"] == len(desk.catalogue(made["catalogue"])) == 0
    assert made["ln_evidence"] == pytest.approx(0, abs=1.5)
    assert made["converged"] is True


def test_the_evidence_is_left_empty_unless_asked_for(desk, field_files, found):
    files = {name: field_files[name] for name in ("image", "beam", "primary_beam")}

    assert found["ln_evidence"] is None
    assert outputs("sources", desk, files, evidence=True)["ln_evidence"] > 1000


def test_every_knob_of_basc_is_a_parameter_with_its_default_and_in_its_limits(desk, field_files):
    ours = {parameter.name: parameter for parameter in get_step("sources").parameters}
    theirs = inspect.signature(basc.characterise).parameters

    # How long a first run is, and on how many threads, is not for a table to say; spectra take several maps.
    assert set(ours) == set(theirs) - {"dirty_map", "progress", "proposals", "threads", "spectral_index"}
    for name, parameter in ours.items():
        default = theirs[name].default
        assert parameter.default == (0.0 if default is None else default), name
        assert parameter.help, name
        assert parameter.kind == "bool" or None not in (parameter.minimum, parameter.maximum), name
    files = {name: field_files[name] for name in ("image", "beam")}
    for name in ("companions", "threshold", "chains", "max_sources", "median_flux"):
        for value in (ours[name].minimum, ours[name].maximum):
            value = int(value) if ours[name].kind == "int" else value
            outputs("sources", desk, files, **{"max_proposals": 100, name: value})


def test_parameters_reach_basc(desk, field_files, monkeypatch):
    given, characterise = {}, basc.characterise

    def listened(dirty_map, **settings):
        given.update(settings)
        return characterise(dirty_map, **settings)

    monkeypatch.setattr(basc, "characterise", listened)
    files = {name: field_files[name] for name in ("image", "beam")}
    wanted = {"seed": 4, "companions": 0.1, "median_flux": 0.02, "max_sources": 9, "chains": 3}

    outputs("sources", desk, files, **wanted)

    assert {name: given[name] for name in wanted} == wanted
    outputs("sources", desk, files)
    assert given["median_flux"] is None


def test_progress_is_told_while_the_chains_run(desk, field_files, monkeypatch):
    told = []
    monkeypatch.setattr(desk, "progress", lambda fraction, text="": told.append((fraction, text)))

    outputs("sources", desk, {name: field_files[name] for name in ("image", "beam")})

    assert told[0] == (0.0, "reading")
    assert told[-1] == (1.0, "running the chains")
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


@pytest.mark.parametrize("value", [0.001, 1001.0])
def test_an_expectation_out_of_its_limits_is_refused(desk, field_files, value):
    files = {name: field_files[name] for name in ("image", "beam")}

    result = run("sources", desk, files, expected_sources=value)

    assert "“expected_sources” cannot be" in result.error


def test_a_name_is_cut_from_the_position():
    assert name_of(187.7059304, 12.3911231) == "J123049.423+122328.04"
    assert name_of(0.0, -0.5) == "J000000.000-003000.00"


# ------------------------------------------------------------------ cut-outs


def test_each_source_gets_a_cut_out_of_ten_beams_with_coordinates(desk, simulated, field_files, found):
    beam = outputs("beam", desk, {name: field_files[name] for name in ("image", "beam")})
    inputs = {
        "image": field_files["image"],
        "catalogue": found["catalogue"],
        "beam_major": beam["beam_major"],
    }

    made = outputs("cutouts", desk, inputs, beams=4.0)

    catalogue = desk.catalogue(found["catalogue"])
    assert made["n_cutouts"] == 3
    with fits.open(desk.path(made["cutouts"])) as hdus:
        hdus.verify("exception")
        assert [hdu.header["SOURCE"] for hdu in hdus[1:]] == list(catalogue["name"])
        for hdu, source in zip(hdus[1:], catalogue, strict=True):
            side = round(beam["beam_major"] / 0.05 * 4 / 2) * 2 + 1
            assert hdu.data.shape == (side, side)
            x, y = WCS(hdu.header).world_to_pixel_values(source["position_ra"], source["position_dec"])
            assert (x, y) == pytest.approx((hdu.header["SRC_X"], hdu.header["SRC_Y"]), abs=1e-6)
            left, low = round(source["x"]) - side // 2, round(source["y"]) - side // 2
            original = simulated.dirty[low : low + side, left : left + side].astype(np.float32)
            assert np.array_equal(hdu.data, original)
    assert outputs("cutouts", desk, inputs, beams=4.0) == made


def test_a_cut_out_at_the_edge_is_cut_there_and_no_sources_give_no_cut_outs(desk, field_files, found):
    inputs = {"image": field_files["image"], "beam_major": 0.3}
    catalogue = desk.catalogue(found["catalogue"])

    wide = outputs("cutouts", desk, inputs | {"catalogue": found["catalogue"]}, beams=100.0)
    none = outputs("cutouts", desk, inputs | {"catalogue": desk.keep_catalogue(catalogue[:0], "none.fits")})

    with fits.open(desk.path(wide["cutouts"])) as hdus:
        assert {hdu.data.shape for hdu in hdus[1:]} == {(128, 128)}
    assert none["n_cutouts"] == 0


# ------------------------------------------------------------------ counts


def test_counts_are_per_square_degree_of_areas_in_square_arcminutes(desk):
    made = outputs(
        "count",
        desk,
        {"flux_min": 0.01, "fluxes": [0.02, 0.01, 0.009, None], "areas": [1800.0, 1800.0, None]},
    )

    assert made["n"] == 2
    assert made["area"] == pytest.approx(1.0)
    assert made["n_per_deg2"] == pytest.approx(2.0)


@pytest.mark.parametrize(("n", "upper"), [(0, 1.841), (1, 3.300), (2, 4.638), (10, 14.27)])
def test_errors_of_counts_are_the_upper_limits_tabulated_by_gehrels(desk, n, upper):
    # Gehrels 1986, ApJ 303, 336, Table 1, 0.8413 confidence; Eq. 7 is good to 2 per cent of the limit there.
    made = outputs("count", desk, {"flux_min": 1.0, "fluxes": [2.0] * n, "areas": [3600.0]})

    assert made["n_per_deg2"] + made["n_per_deg2_error"] == pytest.approx(upper, rel=0.02)


def test_no_area_is_no_density(desk):
    assert "no area was searched" in run("count", desk, {"flux_min": 1.0, "fluxes": [], "areas": []}).error


# ------------------------------------------------------------------ real data


def test_the_core_of_m87_is_within_a_quarter_beam_of_the_centre(desk):
    data = os.environ.get("STOA_TEST_DATA")
    if not data:
        pytest.skip("STOA_TEST_DATA is not set: no real data to look at")
    for name in ("dirty", "psf", "flux"):
        shutil.copy(f"{data}/m87_vlba_8ghz.{name}.fits", desk.folder)
    files = outputs("products", desk, {"folder": ".", "group": "m87_vlba_8ghz"})
    beam = outputs("beam", desk, {name: files[name] for name in ("image", "beam")})
    found = outputs("sources", desk, {name: files[name] for name in ("image", "beam", "primary_beam")})

    assert (files["object"], files["band"]) == ("M87", "X")
    assert beam["beam_major"] / 3600 == pytest.approx(6.613e-07, rel=0.05)
    catalogue = desk.catalogue(found["catalogue"])
    ra, dec = files["position"]
    east = (catalogue["position_ra"] - ra) * np.cos(np.radians(dec)) * 3600
    away = np.hypot(east, (catalogue["position_dec"] - dec) * 3600)
    assert away[np.argmax(catalogue["flux"])] < beam["beam_major"] / 4
    # The core is resolved into several components, of about 2 Jy together.
    assert np.sum(catalogue["flux"][away < beam["beam_major"]]) == pytest.approx(2.0, rel=0.4)
