"""Who may make the project that reads a folder of the archive.

A project reads the folder of its name. So a name is a key: where the folder is there before the project, making the
project takes a curator, or somebody whom the folder itself names. Whoever can write into the archive decides that, by
a file `.stoa-owners` with a user name on each line. A folder that comes later was put there for the project.
"""

import os

from archive.errors import FolderOfOthers
from archive.folders import project_folder

OWNERS = ".stoa-owners"
LONGEST = 1 << 16


def claim_folder(project, user):
    """Let a project that is being made have the folder of its name, if there is one.

    Raises
    ------
    FolderOfOthers
        If there is one, and `user` neither is a curator nor is named in it.
    """
    folder = project_folder(project)
    # Not `exists`: a link that leads nowhere today may lead somewhere tomorrow.
    if not os.path.lexists(folder) or user.is_staff or user.is_superuser:
        return
    if user.get_username() not in owners_of(folder):
        raise FolderOfOthers(project.slug, user.get_username())


def owners_of(folder):
    """Return the user names that a folder names as its owners'."""
    try:
        with open(folder / OWNERS, encoding="utf-8") as file:
            text = file.read(LONGEST)
    except (OSError, UnicodeDecodeError):
        return set()
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")}


def name_owner(folder, username):
    """Write into a folder that this person may make the project that reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    owners = owners_of(folder) | {username}
    (folder / OWNERS).write_text("".join(f"{name}\n" for name in sorted(owners)), encoding="utf-8")
