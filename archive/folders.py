"""Where a project's files lie on disk, and how not to leave that folder."""

from pathlib import Path, PurePosixPath

from django.conf import settings

from archive.errors import PathRefused


def project_folder(project) -> Path:
    """Return the folder from which a project reads: the archive root, then its slug."""
    return settings.STOA_ARCHIVE_ROOT / project.slug


def resolve_in(folder: Path, relative: str) -> Path:
    """Return the path of something below a folder.

    Raises
    ------
    PathRefused
        If the path is absolute, climbs with “..”, or leads out of the folder by a symbolic link.
    """
    text = str(relative)
    if "\0" in text or "\\" in text:
        raise PathRefused(text.replace("\0", "\\0"), "is not a path")
    plain = PurePosixPath(text)
    if plain.is_absolute():
        raise PathRefused(text, "is an absolute path")
    if ".." in plain.parts:
        raise PathRefused(text, "climbs out of its folder")
    root = Path(folder).resolve()
    path = (root / plain).resolve()
    if path != root and root not in path.parents:
        raise PathRefused(text, "leads out of its folder by a symbolic link")
    return path
