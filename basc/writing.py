"""Writing files: all of each, or nothing."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from basc.errors import SettingInvalid

FORMATS = {
    ".vot": {"format": "votable"},
    ".xml": {"format": "votable"},
    ".fits": {"format": "fits"},
    ".ecsv": {"format": "ascii.ecsv"},
    ".csv": {"format": "ascii.csv"},
}


def check_suffix(what, path, known):
    """The suffix of a path in lower case, if it is known.

    Raises
    ------
    SettingInvalid
        If it is not; `what` says whose it is.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise SettingInvalid(f"{what} suffix", repr(suffix), "one of " + ", ".join(known))
    return suffix


def write_catalogue(table, path):
    """Write a table under its final name only when it is complete.

    Parameters
    ----------
    table : `astropy.table.QTable`
    path : path
        Its suffix chooses the format; a file of that name is replaced.

    Raises
    ------
    SettingInvalid
        If the suffix is none of `FORMATS`.
    OSError
        If the folder cannot be written to.
    """
    options = FORMATS[check_suffix("the output's", path, FORMATS)]
    with whole_file(path) as unfinished:
        table.write(unfinished, overwrite=True, **options)


@contextmanager
def whole_file(path):
    """Where to write a file: it takes its name when the block ends well, and is gone when it does not.

    Parameters
    ----------
    path : path
        A file of that name is replaced.

    Yields
    ------
    pathlib.Path
        An empty file beside it, with the same suffix.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        mask = os.umask(0)
        os.umask(mask)
        unfinished.chmod(0o666 & ~mask)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
