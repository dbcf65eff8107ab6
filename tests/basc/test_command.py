"""The command line: a catalogue in the format asked for, or one line and nothing."""

import json
import subprocess
import sys

import numpy as np
import pytest
from astropy.table import QTable

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
