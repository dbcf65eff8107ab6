"""Where a step runs in the portal: a project's folder, its files, and the log of the run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from archive.catalogues import kept_catalogue, write_catalogue
from archive.errors import NotRemade
from archive.folders import project_folder
from archive.keeping import keep_product
from archive.storage import open_blob, path_of
from pipelines.contract import StepFailed
from pipelines.executing import present_time
from pipelines.limits import Limits, in_words
from pipelines.programs import Bounds, Ran, run_program, scratch_folder
from pipelines.stopping import Halt

LONGEST_LOG = 2000  # lines; a step that writes for ever must not fill the database
LONGEST_LINE = 4000  # letters


def usual_limits() -> Limits:
    """Return the limits of steps that declare none, as the settings say."""
    usual = settings.WORKTABLES
    return Limits(usual["STEP_SECONDS"], usual["STEP_MEMORY"], usual["VALUE_BYTES"])


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
    halt : Halt, optional
        Whether the run shall stop; then the step does, at the next thing that it asks of its context.
    limits : Limits, optional
        What the step may use; its programs get them too.
    """

    __slots__ = ("by", "halt", "kept", "limits", "lines", "now", "on_progress", "project")

    def __init__(
        self,
        project,
        by=None,
        now: Callable[[], datetime] = present_time,
        on_progress: Callable[[float, str], None] | None = None,
        halt: Halt | None = None,
        limits: Limits | None = None,
    ):
        self.project = project
        self.by = by
        self.now = now
        self.on_progress = on_progress
        self.halt = halt or Halt()
        self.limits = limits or usual_limits()
        self.lines: list[str] = []
        self.kept: list[str] = []

    @property
    def folder(self) -> Path:
        """The folder the project reads from."""
        return project_folder(self.project)

    def log(self, text: str) -> None:
        """Add a line, with the time, to the log of the run."""
        self.halt.check()
        if len(self.lines) < LONGEST_LOG:
            self.lines.append(f"{self.now():%H:%M:%S.%f}"[:-3] + f" {text[:LONGEST_LINE]}")
        elif len(self.lines) == LONGEST_LOG:
            self.lines.append(f"... the log is cut after {LONGEST_LOG} lines")

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the step has come."""
        self.halt.check()
        if self.on_progress is not None:
            with self.halt.undisturbed():
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
        if len(data) > (most := settings.WORKTABLES["PRODUCT_BYTES"]):
            raise StepFailed(f"“{name}” has {in_words(len(data))}, and a product may have {in_words(most)}")
        with self.halt.undisturbed():
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

    def scratch(self) -> AbstractContextManager[Path]:
        """Make a folder that is gone afterwards: ``with context.scratch() as folder: …``."""
        return scratch_folder()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        stdin: bytes | str | None = None,
        folder: Path | None = None,
        timeout: float | None = None,
        cpu_seconds: float | None = None,
        memory: int | None = None,
        folder_bytes: int | None = None,
        files: int | None = None,
        environment: Mapping[str, str] | None = None,
        fraction_in: Callable[[str], float | None] | None = None,
    ) -> Ran:
        """Run a program to its end; what it says goes into the log.

        It runs in a session of its own; when the row is cancelled or a limit is passed, it and all that it started are
        ended. Its environment has nothing of the portal's settings.

        Parameters
        ----------
        command : sequence of str or Path
            The program and its arguments; no shell reads them.
        stdin : bytes or str, optional
            What it reads; else nothing.
        folder : Path, optional
            Where it runs: one of `scratch`, if the step reads what the program writes. Else a folder that is gone
            when it has ended.
        timeout, cpu_seconds : float, optional
            Seconds it may take, by the clock and of a processor.
        memory, folder_bytes, files : int, optional
            Bytes it may ask for, bytes it may write into its folder, and in how many files. What is not given is as
            the step or the settings say.
        environment : mapping, optional
            Variables that it gets beside those of the worker.
        fraction_in : callable, optional
            Finds in a line that the program says how far it is, from 0 to 1; None where a line does not tell.

        Returns
        -------
        Ran
            With ``stdout``, ``stderr`` (the first ten million letters of each) and ``seconds``.

        Raises
        ------
        StepFailed
            If it does not end with exit status 0, with the last line of what it complained; or passes a limit.
        """
        if folder is None:
            with scratch_folder() as folder:
                return self.run(
                    command,
                    stdin=stdin,
                    folder=folder,
                    timeout=timeout,
                    cpu_seconds=cpu_seconds,
                    memory=memory,
                    folder_bytes=folder_bytes,
                    files=files,
                    environment=environment,
                    fraction_in=fraction_in,
                )
        usual = settings.WORKTABLES

        def tell(line: str) -> None:
            self.log(line)
            fraction = fraction_in(line) if fraction_in is not None else None
            if fraction is not None:
                self.progress(fraction, line)

        return run_program(
            command,
            folder=folder,
            halt=self.halt,
            bounds=Bounds(
                timeout or self.limits.seconds,
                cpu_seconds,
                memory or self.limits.memory,
                folder_bytes or usual["FOLDER_BYTES"],
                files or usual["FOLDER_FILES"],
            ),
            stdin=stdin,
            environment=environment,
            tell=tell,
        )


@contextmanager
def in_short():
    """Say of a file that cannot be made again no more than any reader of the row may know: not of which step it is."""
    try:
        yield
    except NotRemade as error:
        raise StepFailed(error.in_short) from error
