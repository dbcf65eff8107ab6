"""An environment of their own for the peers: their SQLAlchemy, NumPy and pandas are nobody else's business."""

from __future__ import annotations

import shutil
import subprocess
import venv

PACKAGES = [
    "celery[redis]~=5.7",
    "datajoint~=2.3.5",
    "doit~=0.37.0",
    "psycopg2-binary~=2.9",  # which DataJoint asks for only when it meets PostgreSQL
    "redun~=0.44.1",
]


def make_environment(output):
    """Return the Python of the peers, having installed them unless that was done before.

    Parameters
    ----------
    output : pathlib.Path
        Folder of all results; the environment is its folder ``environment``.
    """
    folder = output.absolute() / "environment"
    python, stamp = folder / "bin" / "python", folder / "packages"
    wanted = "\n".join(PACKAGES)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    stamp.write_text(wanted)
    return python
