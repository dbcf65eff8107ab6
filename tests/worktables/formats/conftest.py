"""Tools from outside that judge our files: where one is absent the test says so, and in CI it fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def run_tool():
    """Run a program on files; returns its exit code and all it printed."""

    def run(program, *arguments):
        path = shutil.which(program, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if path is None:
            reason = f"{program} is not installed (Debian: apt-get install {program})"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def pyarrow():
    """pyarrow where the optional extra is installed, or a visible skip."""
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'stoa[parquet]'")
