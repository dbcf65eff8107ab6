"""Where a step runs in the portal: a project's folder, its files, and the log of the run."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from archive.catalogues import kept_catalogue, write_catalogue
from archive.errors import NotRemade
from archive.folders import project_folder
from archive.keeping import keep_product
from archive.storage import open_blob, path_of
from pipelines.contract import StepFailed
from pipelines.executing import present_time

LONGEST_LOG = 2000  # lines; a step that writes for ever must not fill the database


class ProjectContext:
    """What one run of a step may ask of its project.

    Parameters
    ----------
    project : Project
    by : User, optional
        Who asked for the run; owner of the files it makes.
    now : callable, optional
        The clock of the log.
    on_progress : callable, optional
        Told ``(fraction, text)`` when the step says how far it has come.
    """

    __slots__ = ("by", "kept", "lines", "now", "on_progress", "project")

    def __init__(
        self,
        project,
        by=None,
        now: Callable[[], datetime] = present_time,
        on_progress: Callable[[float, str], None] | None = None,
    ):
        self.project = project
        self.by = by
        self.now = now
        self.on_progress = on_progress
        self.lines: list[str] = []
        self.kept: list[str] = []

    @property
    def folder(self) -> Path:
        """The folder the project reads from."""
        return project_folder(self.project)

    def log(self, text: str) -> None:
        """Add a line, with the time, to the log of the run."""
        if len(self.lines) < LONGEST_LOG:
            self.lines.append(f"{self.now():%H:%M:%S.%f}"[:-3] + f" {text}")
        elif len(self.lines) == LONGEST_LOG:
            self.lines.append(f"... the log is cut after {LONGEST_LOG} lines")

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the step has come."""
        if self.on_progress is not None:
            self.on_progress(min(max(fraction, 0.0), 1.0), text)

    def open(self, sha256: str) -> BinaryIO:
        """Open a kept file for reading."""
        with in_short():
            return open_blob(sha256)

    def path(self, sha256: str) -> Path:
        """Return where a kept file lies on this machine."""
        with in_short():
            return path_of(sha256)

    def keep(
        self, data: bytes, name: str, media_type: str = "application/fits", header: dict | None = None
    ) -> str:
        """Keep a file for the project and return its sha256."""
        product = keep_product(self.project, data, name, media_type, header, by=self.by)
        self.kept.append(product.sha256)
        return product.sha256

    def keep_catalogue(self, table, name: str) -> str:
        """Keep a table of items as a FITS file and return its sha256."""
        return self.keep(write_catalogue(table), name, header={"FILETYPE": "catalogue", "NITEMS": len(table)})

    def catalogue(self, sha256: str):
        """Read a kept catalogue back as a table."""
        with in_short():
            return kept_catalogue(sha256)


@contextmanager
def in_short():
    """Say of a file that cannot be made again no more than any reader of the row may know: not of which step it is."""
    try:
        yield
    except NotRemade as error:
        raise StepFailed(error.in_short) from error
