"""What docs/vo.md tells people to type works as it stands there."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # pyvo leaves sockets to the collector

TEXT = (Path(__file__).parents[2] / "docs" / "vo.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
JOBS = f"{ADDRESS}/worktables/4/jobs"


def blocks(language):
    """Return the blocks of code in a language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def test_python_sessions_run(live, sky, counts, capsys):
    known = {"token": live.token}
    for block in blocks("python"):
        block = block.replace(JOBS, counts.jobs).replace(ADDRESS, live.address)
        exec(block, known)  # what it prints is what its reader sees

    n_bright = min(10, int((sky["flux"] > 1).sum()))
    printed = capsys.readouterr().out.split()
    assert printed[:3] == ["mJy", str(len(sky)), str(n_bright)]
    assert printed[4] == str(len(sky))
    assert printed[-2:] == ["COMPLETED", "4"]
    known["session"].close()


def test_stilts_sessions_run(live, sky, run_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("stilts ")]
    for line in lines:
        code, said = run_tool(*shlex.split(line.replace(ADDRESS, live.address)))
        assert code == 0, said
    assert {path.name for path in tmp_path.iterdir()} == {"bright.fits", "near.vot", "matched.vot"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl in PATH")
def test_the_curl_session_makes_a_job(live, counts):
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl ")]

    line = line.replace(JOBS, counts.jobs).replace("$TOKEN", live.token)
    said = subprocess.run([*shlex.split(line), "--silent"], capture_output=True, text=True, check=True)

    assert '<uws:parameter id="flux_min">0.02</uws:parameter>' in said.stdout


def test_the_command_line_is_understood():
    (line,) = [
        line for block in blocks("sh") for line in block.splitlines() if line.startswith("stoa import")
    ]
    from portal.command import parser

    asked = parser().parse_args(shlex.split(line)[1:])
    assert (asked.publish, asked.name) == ("world", "sources")
