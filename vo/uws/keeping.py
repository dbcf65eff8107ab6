"""Keeping the files of a job: what came with it, and its result."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.files.storage import default_storage

from archive.storage import incoming_folder, name_file, written_by
from vo.uws.errors import TooMuch

FOLDER = "jobs"


def keep(name, pieces, limit):
    """Keep bytes under a name, where they appear only when all are there.

    Parameters
    ----------
    name : str
        As `name_in` makes it.
    pieces : iterable of bytes
    limit : int
        How many bytes at most.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    TooMuch
        If there are more; nothing is kept then.
    """
    size = 0
    descriptor, written = tempfile.mkstemp(prefix=written_by(os.getpid()), dir=incoming_folder())
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > limit:
                    raise TooMuch("the file has more bytes than it may:", size, limit)
                file.write(piece)
        name_file(written, name, 0o600)
    finally:
        Path(written).unlink(missing_ok=True)
    return size


def name_in(job_id, part):
    """Return where a part of a job is kept: its own id and a word of ours, nothing that somebody sent."""
    return f"{FOLDER}/{job_id[:2]}/{job_id}/{part}"


def open_kept(name):
    """Open a kept file for reading; raise FileNotFoundError if it is gone."""
    return default_storage.open(name, "rb")


def is_kept(name):
    """Say whether a file is there."""
    return default_storage.exists(name)


def remove_kept(names):
    """Remove kept files."""
    for name in names:
        default_storage.delete(name)


def remove_all_of(job_id):
    """Remove whatever is kept for a job, also what its record does not know of yet."""
    folder = name_in(job_id, "").rstrip("/")
    try:
        _, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    remove_kept(f"{folder}/{file}" for file in files)
    with suppress(NotImplementedError, OSError):  # there are no folders there, or something new is in it
        os.rmdir(default_storage.path(folder))
