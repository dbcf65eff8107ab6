"""How kernels are compiled, and when that is done again."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config as numba_config

SOURCES = ("compiling.py", "splines.py", "shapes.py", "kernels.py")

# Parts are called by kernels only: without their own Python wrappers they compile twice as fast.
part = njit(  # type: ignore[call-overload]
    nogil=True, error_model="numpy", fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True
)


# Numba makes it from the environment, unseen by type checkers.
config: Any = numba_config


def kernel(function):
    """Compile a function that Python calls; what is compiled is kept until any of `SOURCES` changes.

    Numba itself looks at the file of the function only, and would go on with parts that have been edited since.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_folder())
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before


def _folder():
    """Where compiled kernels of these sources are kept."""
    here = Path(__file__).parent
    digest = hashlib.sha256(b"".join((here / name).read_bytes() for name in SOURCES)).hexdigest()[:16]
    wanted = [Path(given)] if (given := os.environ.get("NUMBA_CACHE_DIR")) else []
    wanted += [here / "__pycache__", Path.home() / ".cache" / "basc"]
    for base in wanted:
        folder = base / f"kernels-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="basc-kernels-"))
