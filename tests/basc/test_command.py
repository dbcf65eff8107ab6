"""The command line: what was asked for, whole and in words; or one line and nothing."""

import inspect
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable

import basc.__main__
from basc import characterise
from basc.__main__ import main
from basc.simulate import observe, write_fits


@pytest.fixture
def files(tmp_path):
    field = observe([(66.3, 60.8, 0.05)], rng=np.random.default_rng(0), pixels=128)
    return [str(path) for path in write_fits(field, tmp_path / "in", "field").values()]


@pytest.mark.parametrize("suffix", [".vot", ".fits", ".ecsv", ".csv"])
def test_the_suffix_chooses_the_format(files, tmp_path, suffix):
    out = tmp_path / f"sources{suffix}"

    assert main([*files, "-o", str(out), "--noise", "1e-3"]) == 0

    table = QTable.read(out)
    assert len(table) == 1
    if suffix != ".csv":
        assert str(table["flux"].unit) == "Jy"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", out.name]


def test_the_votable_carries_ucds(files, tmp_path):
    main([*files, "-o", str(tmp_path / "sources.vot")])

    assert 'ucd="pos.eq.ra;meta.main"' in (tmp_path / "sources.vot").read_text()


def test_json_says_everything(files, capsys):
    main([*files, "--json", "--seed", "4", "--expected-sources", "2"])

    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["seed"] == 4
    assert said["settings"]["expected_sources"] == 2
    assert said["searched"] == {"rows": [32, 96], "columns": [32, 96]}
    assert abs(said["sources"][0]["x"] - 66.3) < 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.fits", "absent.fits"], "no such file"),
        (["DIRTY", "PSF", "-o", "sources.doc"], "suffix"),
        (["DIRTY", "PSF", "-o", "nowhere/sources.vot"], "folder"),
        (["DIRTY", "PSF", "--noise", "-1"], "noise is -1.0"),
        (["PSF", "PSF", "DIRTY"], "primary beam"),
        (["DIRTY", "PSF", "--figure", "page.jpeg"], "the figure's suffix is '.jpeg'"),
        (["DIRTY", "PSF", "--figure", "nowhere/page.png"], "folder"),
        (["DIRTY", "PSF", "--samples", "samples.csv"], "the samples' suffix is '.csv'"),
        (["DIRTY", "PSF", "--products", "DIRTY"], "the products' folder"),
        (["DIRTY", "PSF", "--companions", "1"], "companions is 1.0; it must be from 0 to below 1"),
        (["DIRTY", "PSF", "--chains", "1"], "chains is 1"),
        (["DIRTY", "PSF", "--threads", "0"], "threads is 0"),
    ],
)
def test_bad_input_is_one_line_and_status_two(files, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    names = {"DIRTY": files[0], "PSF": files[1]}

    status = main([names.get(argument, argument) for argument in arguments])

    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_basc_runs_as_a_module_and_never_meets_django():
    script = "import basc, basc.simulate, basc.__main__, sys; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    help_text = subprocess.run(
        [sys.executable, "-m", "basc", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "natural" in help_text


# ------------------------------------------------------------------ what is said


def test_every_source_is_a_line_with_its_place_on_the_sky_and_error(files, capsys):
    main(files)

    head, line = capsys.readouterr().out.splitlines()[:2]
    assert re.fullmatch(r"1 source; noise [01]\.\d+ mJy/beam", head)
    number, ra, dec, flux, sign, error, unit, _, probability, _, snr, *rest = line.split()
    truth = SkyCoord(*QTable.read(reference(files))["ra", "dec"][0], unit="deg")
    assert SkyCoord(ra, dec, unit=("hourangle", "deg")).separation(truth) < 1e-3 * u.arcsec
    assert (number, sign, unit) == ("1", "+-", "mJy")
    assert abs(float(flux) - 48) < 5 * float(error) < 8
    assert float(probability) == 1.0
    assert 35 < float(snr) < 60
    assert rest[0] == "intrinsic"
    assert float(rest[1]) == pytest.approx(50, abs=5)


def reference(files):
    """The catalogue as a file, written beside the input."""
    path = files[0].replace("dirty.fits", "reference.ecsv")
    assert main([*files, "-o", path, "--json"]) == 0
    return path


def test_pixels_are_said_where_there_are_no_coordinates(files, capsys):
    with fits.open(files[0], mode="update") as hdus:
        for key in ("CTYPE1", "CTYPE2"):
            hdus[0].header[key] = "LINEAR"

    main(files[:2])

    assert re.search(r"x 66\.\d{3} +y 60\.\d{3} ", capsys.readouterr().out)


def test_a_pair_within_a_beam_is_noted(tmp_path, capsys):
    field = observe([(62.4, 64.7, 0.4), (66.0, 61.3, 0.02)], rng=np.random.default_rng(2), pixels=128)

    main([str(path) for path in write_fits(field, tmp_path, "pair").values()])

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("2 sources")
    assert all(re.search(r"0\.[789]\d beams from the next", line) for line in lines[:2])


@pytest.mark.parametrize("as_json", [False, True])
def test_chains_that_do_not_agree_are_said_with_what_to_do(files, capsys, as_json):
    status = main([*files, "--max-proposals", "100", *(["--json"] if as_json else [])])

    out, err = capsys.readouterr()
    assert status == 0
    said = err if as_json else out
    assert "NOT CONVERGED: " in said
    assert "let the chains run longer (max_proposals, now 100)" in said
    if as_json:
        assert json.loads(out)["converged"] is False
        assert json.loads(out)["not_converged"]


def test_the_evidence_is_computed_if_asked_for(files, capsys):
    main(files)
    assert "ln evidence" not in capsys.readouterr().out

    main([*files, "--evidence"])

    said = re.search(r"ln evidence (\d+\.\d\d)", capsys.readouterr().out)
    # Half the square of the signal-to-noise, less what the freedom of place and flux costs.
    assert float(said[1]) == pytest.approx(0.5 * 47**2, rel=0.1)


# ------------------------------------------------------------------ what is written


def test_all_files_are_written_and_named(files, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    wanted = [out / "sources.csv", out / "samples.fits", out / "page.svg"]

    options = ("-o", "--samples", "--figure", "--products")
    asked = [str(word) for pair in zip(options, [*wanted, out / "more"], strict=True) for word in pair]
    status = main([*files, *asked])

    assert status == 0
    named = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "written to" in line]
    assert sorted(named) == sorted(str(path) for path in out.rglob("*") if path.is_file())
    assert len(named) == 9
    assert (out / "more" / "field.summary.json").exists()


def test_an_interrupt_leaves_nothing_and_says_so(files, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    for place in ("characterise", "write_figure"):
        with monkeypatch.context() as patch:
            patch.setattr(basc.__main__, place, interrupted)
            status = main([*files, "--figure", str(tmp_path / "page.svg")])

        assert status == 130
        assert capsys.readouterr().err.startswith("basc: interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("option", ["-o", "--figure", "--samples"])
def test_a_name_that_cannot_be_is_refused_before_the_work(files, monkeypatch, option):
    monkeypatch.setattr(basc.__main__, "characterise", lambda *arguments, **settings: pytest.fail("worked"))

    assert main([*files, option, "name.doc"]) == 2


# ------------------------------------------------------------------ how it runs


def test_every_parameter_is_an_option_with_the_same_default():
    given = vars(basc.__main__._parser().parse_args(["map", "psf"]))

    for name, parameter in inspect.signature(characterise).parameters.items():
        if name not in ("dirty_map", "progress", "threads"):
            assert given[name] == parameter.default, name
    assert given["threads"] is None, "as many as there are cores"


def test_options_reach_the_chains(files, capsys):
    options = {
        "seed": 5, "expected_sources": 3.0, "companions": 0.1, "median_flux": 0.01, "threshold": 0.9,
        "extended": 0.1, "max_sources": 7, "chains": 3, "proposals": 500, "max_proposals": 2000, "threads": 2,
    }  # fmt: skip
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]

    main([*files, "--json", "--spectral-index", "0.5", "2", *words])

    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings == options | {"evidence": False, "spectral_index": [0.5, 2.0]}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_moves_on_a_terminal_only_and_is_gone_at_the_end(files, monkeypatch, capsys):
    main(files)
    assert capsys.readouterr().err == ""

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    main(files)

    drawn = terminal.getvalue().split("\r")
    assert drawn[1] == f"basc [{'.' * 30}]   0%"
    assert f"basc [{'#' * 30}] 100%" in drawn
    assert drawn[-2:] == [" " * len(drawn[1]), ""]
