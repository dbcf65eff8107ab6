"""What can go wrong between a folder on disk, a file and its record; every message names the file and the remedy."""

from projects.errors import NameRefused


class ArchiveError(Exception):
    """The root of what the archive refuses."""

    code = "archive-error"
    status = 400


class PathRefused(ArchiveError, ValueError):
    """A path that leaves its folder."""

    code = "path-refused"

    def __init__(self, path, reason):
        self.path, self.reason = str(path), reason
        super().__init__(f"“{path}” {reason}; give a path below the project's folder, without “..”")


class FolderMissing(ArchiveError, LookupError):
    """There is no such folder."""

    code = "folder-missing"

    def __init__(self, path):
        self.path = str(path)
        super().__init__(
            f"there is no folder “{path}” in the project's folder; copy it there, or correct the name"
        )


class GroupMissing(ArchiveError, LookupError):
    """A product folder has no group of images of that name."""

    code = "group-missing"

    def __init__(self, folder, group, known):
        self.folder, self.group, self.known = str(folder), group, list(known)
        listed = ", ".join(f"“{name}”" for name in self.known[:8]) or "none"
        more = f" and {len(self.known) - 8} more" if len(self.known) > 8 else ""
        super().__init__(f"folder “{folder}” has no image group “{group}”; it has {listed}{more}")


class NotFits(ArchiveError, ValueError):
    """A file that is not FITS, or is damaged."""

    code = "not-fits"

    def __init__(self, name, reason=""):
        self.name, self.reason = name, reason
        detail = f" ({reason})" if reason else ""
        super().__init__(f"“{name}” is not a readable FITS file{detail}; replace it by an intact copy")


class TruncatedFits(ArchiveError, ValueError):
    """A FITS file that ends before its data do."""

    code = "truncated-fits"

    def __init__(self, name, size, needed):
        self.name, self.size, self.needed = name, size, needed
        super().__init__(
            f"“{name}” is cut short: it has {size} bytes of the {needed} its header promises; copy it again"
        )


class FolderOfOthers(ArchiveError, NameRefused):
    """A project that would read a folder which was in the archive before it."""

    code = "folder-of-others"
    status = 403

    def __init__(self, slug, username):
        self.slug = slug
        super().__init__(
            f"The archive has a folder “{slug}” already, and whoever makes a project of that name can read it; so "
            f"a curator makes it and shares it with you, or names you in it: a line “{username}” in its file "
            ".stoa-owners. For a project of your own, choose another name."
        )


class NotAHash(ArchiveError, ValueError):
    """Something that cannot be the sha256 of a file."""

    code = "not-a-hash"

    def __init__(self, text):
        self.text = text
        super().__init__(f"{text!r} is not a sha256: 64 hexadecimal digits in lower case")


class FileLost(ArchiveError, LookupError):
    """The bytes of a known file are not where they were kept."""

    code = "file-lost"
    status = 404

    def __init__(self, sha256):
        self.sha256 = sha256
        super().__init__(
            f"the file {sha256[:12]}… is not in the file store; restore it from a backup, or run its step again"
        )


class BeingMade(ArchiveError):
    """A file was evicted, and somebody else's request has it made again just now."""

    code = "being-made"
    status = 503
    retry_seconds = 15

    def __init__(self, sha256):
        self.sha256 = sha256
        super().__init__(
            f"the file {sha256[:12]}… is being made again, which takes a while; ask for it again in "
            f"{self.retry_seconds} seconds"
        )


class NotRemade(FileLost):
    """A file was evicted, and the step that made it does not make it again.

    Parameters
    ----------
    sha256 : str
    name : str
        What people call the file.
    step : str
    run : int
        The one that made the file.
    code, present_code : str
        Fingerprints of the step's code then and now; the second is empty if there is no such step any more.
    problem : str
        What came instead.
    """

    code = "not-remade"
    status = 409

    def __init__(self, sha256, name, step, run, code, present_code, problem):
        super().__init__(sha256)
        self.name, self.step, self.run, self.problem = name, step, run, problem
        self.code_then, self.code_now = code, present_code
        now = "is not there any more" if not present_code else f"is {present_code[:8]} now"
        code = f"code {code[:8]}" if code == present_code else f"whose code was {code[:8]} and {now}"
        self.args = (
            f"{name} ({sha256[:8]}) was evicted and cannot be made again: the step “{step}” of run {run}, {code}, "
            f"{problem}; nothing was replaced. Bring back the code and the libraries of that run, or run its step anew",
        )

    @property
    def in_short(self):
        """The same for those who may not see where the file came from."""
        return (
            f"the file {self.sha256[:12]}… was evicted and cannot be made again as it was; "
            "download it to see why, if its project is shared with you"
        )


class CannotBeCatalogue(ArchiveError, ValueError):
    """A table that a catalogue file cannot hold without loss."""

    code = "cannot-be-catalogue"

    def __init__(self, column, reason):
        self.column, self.reason = column, reason
        super().__init__(f"column “{column}” cannot go into a catalogue: {reason}")


class NothingThere(ArchiveError):
    """A shape, or wavelengths, that have nothing in common with an image."""

    code = "nothing-there"


class CannotBeCut(ArchiveError):
    """An image that does not know where, or at which wavelength, its pixels are."""

    code = "cannot-be-cut"
