"""Kernels are compiled without checks; once, they are compiled with them, from nothing."""

import os
import subprocess
import sys

EDGES = """
import numpy as np
from basc import DirtyMap, characterise
from basc.simulate import observe

# Sources in the corners, on the edges, beyond them, and near them.
sources = [(16.1, 16.2, 0.03), (47.4, 30.0, 0.02), (30.2, 47.3, 0.02), (50.1, 20.3, 0.05), (34, 32, 0.02)]
field = observe(sources, rng=np.random.default_rng(0), pixels=64, noise=1e-3, primary_beam_fwhm=np.inf)
result = characterise(DirtyMap(field.dirty, field.beam, noise=1e-3), evidence=True, max_proposals=6000)
result.residual()
print(len(result.sources))
"""


def test_no_kernel_reads_or_writes_beyond_an_array(tmp_path):
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", EDGES], env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4
