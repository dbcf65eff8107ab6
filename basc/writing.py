"""Writing a catalogue to a file: all of it, or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from basc.errors import SettingInvalid

FORMATS = {
    ".vot": {"format": "votable"},
    ".xml": {"format": "votable"},
    ".fits": {"format": "fits"},
    ".ecsv": {"format": "ascii.ecsv"},
    ".csv": {"format": "ascii.csv"},
}


def format_of(path):
    """How astropy is told to write a file of this name.

    Raises
    ------
    SettingInvalid
        If the suffix is none of .vot, .xml, .fits, .ecsv, .csv.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise SettingInvalid("the output's suffix", repr(suffix), "one of " + ", ".join(FORMATS))
    return FORMATS[suffix]


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
        If the suffix is not known.
    OSError
        If the folder cannot be written to.
    """
    path, options = Path(path), format_of(path)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    try:
        table.write(unfinished, overwrite=True, **options)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(unfinished, 0o666 & ~mask)
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
