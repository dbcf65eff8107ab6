"""Files by the hash of their content: put them in, and get them back.

A file is on the disk before it gets its name, and its name is before anything that refers to it is committed: whoever
commits calls `sync_folders` first, once for all the files of a batch.
"""

import os
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256 as new_sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from archive.errors import FileLost, NotAHash

# Asked in turn to bring a missing file back; each is given its sha256 and says whether it did.
remakers: list[Callable[[str], bool]] = []

SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 20
AT_ONCE = 8  # folders
_unsynced: set[Path] = set()  # folders with names that a power cut could still take away
_syncing = threading.Lock()
LONGEST_WRITING = 86400.0  # seconds; what is not whole by then never will be


def put(content: bytes | BinaryIO) -> str:
    """Keep some bytes, or all that can be read from an open file; return their sha256.

    What is kept already is not written again. A file appears under its name only when it is whole and on the disk,
    however the process, or the machine, ends.
    """
    if isinstance(content, bytes):
        sha256 = new_sha256(content).hexdigest()
        if default_storage.exists(name_of(sha256)):
            _note_folders(name_of(sha256))  # perhaps of another process, which has not synced them yet
            return sha256
        content = BytesIO(content)
    digest = new_sha256()
    descriptor, written = tempfile.mkstemp(prefix=written_by(os.getpid()), dir=incoming_folder())
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        move_in(written, digest.hexdigest())
    finally:
        Path(written).unlink(missing_ok=True)
    return digest.hexdigest()


def open_blob(sha256: str) -> BinaryIO:
    """Open a kept file for reading, made again if it was evicted; or raise `FileLost`."""
    name = name_of(sha256)
    try:
        return default_storage.open(name, "rb")
    except FileNotFoundError:
        bring_back(sha256)
    return default_storage.open(name, "rb")


def path_of(sha256: str) -> Path:
    """Return where a kept file lies on this machine; what is kept elsewhere is fetched first."""
    try:
        path = Path(default_storage.path(name_of(sha256)))
    except NotImplementedError:
        return fetched(sha256)
    if not path.exists():
        bring_back(sha256)
    return path


def size_of(sha256: str) -> int:
    """Return the size of a kept file in bytes; what was evicted is made again, for who asks wants to read it."""
    name = name_of(sha256)
    try:
        return default_storage.size(name)
    except FileNotFoundError:
        bring_back(sha256)
    return default_storage.size(name)


def bring_back(sha256: str) -> None:
    """Have a missing file made again by whoever can, or raise `FileLost`."""
    if not any(remake(sha256) for remake in remakers):
        raise FileLost(sha256) from None


def remove(sha256: str) -> None:
    """Take the bytes of a file out of the store, if they are there."""
    default_storage.delete(name_of(sha256))


def name_of(sha256: str) -> str:
    """Return the name of a file in the store."""
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise NotAHash(sha256)
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def move_in(written: str, sha256: str) -> None:
    """Make a whole temporary file the kept one."""
    name = name_of(sha256)
    if default_storage.exists(name):
        _note_folders(name)
        return
    name_file(written, name, 0o644)
    _note_folders(name)


def name_file(written: str, name: str, mode: int) -> None:
    """Give a whole temporary file its name in the store."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:  # an object store, where a file appears whole or not at all
        with open(written, "rb") as file:
            default_storage.save(name, File(file))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(written, mode)
    os.replace(written, path)


def _note_folders(name: str) -> None:
    """Remember the folders in which the name of a file, and their own names, are written."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        return
    with _syncing:
        _unsynced.update(path.parents[:3])


def sync_folders() -> None:
    """See that the names of all files kept so far are on the disk; what refers to them may be committed then.

    It is done once for all files of a batch, and costs nothing where none was kept.
    """
    with _syncing:  # until it is done: another thread must not commit because it finds nothing to do
        if _unsynced:
            with ThreadPoolExecutor(
                AT_ONCE
            ) as several:  # the disk takes them together, in a tenth of the time
                list(several.map(_sync_folder, sorted(_unsynced)))
        _unsynced.clear()


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # somebody has removed it, with the files
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def incoming_folder() -> str | None:
    """Return a folder from which a file can be renamed into the store; None where there is no such thing."""
    try:
        folder = default_storage.path("incoming")
    except NotImplementedError:
        return None
    os.makedirs(folder, exist_ok=True)
    return folder


def written_by(pid: int) -> str:
    """Return how the names of unfinished files begin that a process of this host writes."""
    return f"{socket.gethostname()}.{pid}."


def clear_incoming(killed: Iterable[int] = ()) -> int:
    """Remove unfinished files of killed processes of this host, and very old ones; return how many.

    Parameters
    ----------
    killed : iterable of int
        Numbers of processes that are gone.
    """
    folder = incoming_folder()
    if folder is None:
        return 0
    theirs, removed = tuple(map(written_by, killed)), 0
    for path in Path(folder).iterdir():
        try:
            if path.name.startswith(theirs) or time.time() - path.stat().st_mtime > LONGEST_WRITING:
                path.unlink()
                removed += 1
        except FileNotFoundError:  # it has just become whole
            continue
    return removed


def fetched(sha256: str) -> Path:
    """Return a local copy of a file of a remote store."""
    path = settings.STOA_HOME / "fetched" / name_of(sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_blob(sha256) as source, tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        os.replace(copy.name, path)
    return path
