"""The example in the documentation does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from basc.products import SUFFIXES

EXAMPLE = Path(__file__).parents[2] / "docs" / "basc_example.py"


def test_the_example_runs_and_finds_the_companion(tmp_path):
    shutil.copy(EXAMPLE, tmp_path)

    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE.name], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    apart = float(re.search(r"the two are ([0-9.]+) beams apart", done.stdout)[1])
    assert apart < 1
    middle, above, below, truth = (
        float(number)
        for number in re.search(
            r"with ([0-9.]+) \(\+([0-9.]+) -([0-9.]+)\) mJy; the truth is ([0-9.]+) mJy", done.stdout
        ).groups()
    )
    assert middle - 3 * below < truth < middle + 3 * above
    assert len(re.findall("the two seeds differ by", done.stdout)) == 3
    assert {path.name for path in tmp_path.rglob("pair.*")} == {
        "pair.svg",
        *(f"pair.{suffix}" for suffix in SUFFIXES.values()),
    }
