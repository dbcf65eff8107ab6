"""Kernels are compiled without checks; once, they are compiled with them, from nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import basc

EDGES = """
import numpy as np
from basc import DirtyMap, characterise
from basc.simulate import observe

# Sources in the corners, on the edges, beyond them, and near them.
sources = [(16.1, 16.2, 0.03), (47.4, 30.0, 0.02), (30.2, 47.3, 0.02), (50.1, 20.3, 0.05), (34, 32, 0.02)]
field = observe(sources, rng=np.random.default_rng(0), pixels=64, noise=1e-3, primary_beam_fwhm=np.inf)
result = characterise(DirtyMap(field.dirty, field.beam, noise=1e-3), evidence=True, max_proposals=6000)
result.residual()
channels = [DirtyMap(field.dirty, field.beam, noise=1e-3, frequency=frequency) for frequency in (9e10, 1e11)]
detailed = characterise(channels, extended=0.5, max_proposals=3000)
detailed.residual(), detailed.posterior_mean()
print(len(result.sources))
"""


def test_no_kernel_reads_or_writes_beyond_an_array(tmp_path):
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", EDGES], env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4


BEAM = """
import numpy as np
from basc import kernels

field = kernels.Field(np.ones((40, 40)), np.ones((30, 60)), *[np.zeros((1, 1))] * 2, np.zeros((1, 1)),
    np.eye(2), np.eye(2), np.zeros(1), np.zeros(4))
print(kernels.look(field._replace(birth_cdf=np.zeros(1)), None, np.ones((6, 1)), 0, 0, -1)[0])
"""


def test_an_edit_in_any_file_of_kernels_is_noticed(tmp_path):
    """Numba compares the file of a function, not of what it calls."""
    shutil.copytree(
        Path(basc.__file__).parent, tmp_path / "basc", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    said = []
    for edit in ("", "unit = 2.0 / 120.0"):
        splines = tmp_path / "basc" / "splines.py"
        if edit:
            splines.write_text(splines.read_text().replace("unit = 1.0 / 120.0", edit))
        done = subprocess.run(
            [sys.executable, "-c", BEAM], env=environment | {"PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(float(done.stdout))

    assert said[1] > 1.5 * said[0] > 0
