"""Keeping the files of a job: what came with it, and its result."""

import os
import tempfile
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import default_storage

from archive.storage import incoming_folder, written_by
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
        move_in(written, name)
    finally:
        Path(written).unlink(missing_ok=True)
    return size


def move_in(written, name):
    """Make a whole temporary file the kept one."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:  # an object store, where a file appears whole or not at all
        with open(written, "rb") as file:
            default_storage.save(name, File(file))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(written, 0o600)
    os.replace(written, path)


def name_in(job_id, part):
    """Return where a part of a job is kept: its own id and a word of ours, nothing that somebody sent."""
    return f"{FOLDER}/{job_id[:2]}/{job_id}/{part}"


def open_kept(name):
    """Open a kept file for reading; raise FileNotFoundError if it is gone."""
    return default_storage.open(name, "rb")


def remove_kept(names):
    """Remove kept files, and the folder of their job when it is empty."""
    for name in names:
        default_storage.delete(name)
    for folder in {os.path.dirname(name) for name in names}:
        try:
            os.rmdir(default_storage.path(folder))
        except (NotImplementedError, OSError):  # there are no folders there, or something else is in it
            continue


def names_of(job):
    """Return where all files of a job are kept."""
    return [*job.files.values(), *([job.result] if job.result else [])]
