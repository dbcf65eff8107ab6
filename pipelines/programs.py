"""Running a program for a step: in a folder that goes away, within limits, and to its end or none.

It is started without a fork of the worker, whose memory would make that slow: limits are set by ``prlimit``, which
then becomes the program.
"""

import codecs
import os
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pipelines import processes
from pipelines.contract import StepFailed
from pipelines.limits import in_words
from pipelines.stopping import Halt, too_long

FOLDER = "stoa-step-"  # and the number of the worker's process
LOOK_SECONDS = 0.1
MEASURE_SECONDS = 0.25
OUTPUT_BYTES = 10_000_000  # kept of what a program says
LONGEST_LINE = 4000

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may use; None is no bound.

    Attributes
    ----------
    seconds, cpu_seconds : float
        By the clock, and of a processor.
    memory : int
        Bytes of address space.
    folder_bytes, files : int
        What it may leave in its folder, at any time.
    """

    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    folder_bytes: int | None = None
    files: int | None = None


@dataclass(slots=True)
class Ran:
    """What a program said, and how long it took."""

    stdout: str
    stderr: str
    seconds: float


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_folders_of(*pids: int) -> None:
    """Remove the folders that these workers made, or, if none is named, those of workers that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        owner = folder.name.removeprefix(FOLDER).partition("-")[0]
        if owner.isdigit() and (int(owner) in pids if pids else not _runs(int(owner))):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run_program(
    command: Sequence[str | Path],
    *,
    folder: Path,
    halt: Halt,
    bounds: Bounds,
    stdin: bytes | str | None = None,
    environment: Mapping[str, str] | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> Ran:
    """Run a program to its end, and all that it started.

    Parameters
    ----------
    command : sequence of str or Path
        The program and its arguments, as they are; no shell reads them.
    folder : Path
        Where it runs, and keeps its temporary files.
    halt : Halt
        Whether it shall stop.
    bounds : Bounds
    stdin : bytes or str, optional
        What it reads; else nothing.
    environment : mapping, optional
        Variables beyond those of the worker. Settings of the portal are not handed on.
    tell : callable
        Told each line that it says.

    Raises
    ------
    StepFailed
        If it cannot be started, ends badly, or passes a bound.
    Stopped
        If the call shall stop; nothing of the program runs then.
    """
    words = [str(word) for word in command] if not isinstance(command, str | bytes) else []
    if not words:
        raise StepFailed("a command is a list of words: the program and its arguments")
    name = Path(words[0]).name
    program = shutil.which(words[0], path=(environment or {}).get("PATH"))
    if program is None:
        raise StepFailed(
            f"there is no program “{words[0]}” on this machine; install it, or give its whole path"
        )
    mark = f"{os.getpid()}-{next(_numbers)}"
    with halt.undisturbed(), tempfile.TemporaryFile() as given:
        given.write(stdin.encode() if isinstance(stdin, str) else stdin or b"")
        given.seek(0)
        began, others = time.monotonic(), processes.present_children()
        process = subprocess.Popen(
            [*_within(bounds), program, *words[1:]],
            cwd=folder,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(environment, folder, mark),
            start_new_session=True,
        )
        said, complained = Voice(tell), Voice(tell)
        try:
            if not _prlimit():
                _limit(process.pid, bounds)
            _attend(name, process, {process.stdout: said, process.stderr: complained}, folder, halt, bounds)
        finally:
            _end(process, mark, others)
        for voice in (said, complained):
            voice.finish()
        halt.check()  # then that is how it ended, whatever it says
        _judge(name, process.returncode, complained.last, bounds)
        return Ran(said.text, complained.text, time.monotonic() - began)


def _environment(more: Mapping[str, str] | None, folder: Path, mark: str) -> dict[str, str]:
    """Return the variables a program gets: not the portal's settings, of which some are secret."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "DJANGO_"))}
    return {**ours, "TMPDIR": str(folder), **(more or {}), processes.MARK: mark}


def _attend(
    name: str, process: subprocess.Popen, voices: Mapping, folder: Path, halt: Halt, bounds: Bounds
) -> None:
    """Listen to a program until it ends, or must."""
    began, measured = time.monotonic(), time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe, voice in voices.items():
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, voice)
        while True:
            ended = process.poll() is not None  # first this, then what it said last
            for key, _ in selector.select(0 if ended else LOOK_SECONDS):
                heard = os.read(key.fd, 1 << 16)
                if heard:
                    key.data.hear(heard)
                    ended = False
                else:
                    selector.unregister(key.fileobj)
            if ended:  # whoever still holds its pipes is ended next
                return
            if not selector.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
            halt.check()
            now = time.monotonic()
            if bounds.seconds is not None and now - began > bounds.seconds:
                raise StepFailed(f"“{name}” {too_long(bounds.seconds)}")
            if now - measured > MEASURE_SECONDS:
                _measure(name, folder, bounds)
                measured = time.monotonic()


def _measure(name: str, folder: Path, bounds: Bounds) -> None:
    """Fail if there is more in the folder than may be."""
    if bounds.folder_bytes is None and bounds.files is None:
        return
    size = files = 0
    for place, folders, found in os.walk(folder):
        files += len(folders) + len(found)
        if bounds.files is not None and files > bounds.files:
            raise StepFailed(f"“{name}” made more than {bounds.files} files, its limit")
        for file in found:
            with suppress(OSError):
                size += os.lstat(os.path.join(place, file)).st_blocks * 512
        if bounds.folder_bytes is not None and size > bounds.folder_bytes:
            raise StepFailed(f"“{name}” wrote more than {in_words(bounds.folder_bytes)}, its limit")


def _end(process: subprocess.Popen, mark: str, others: set[int]) -> None:
    """Leave nothing of a program, wherever it went."""
    everybody: set[int] = set()

    def left() -> set[int]:
        process.poll()
        found = processes.family_of(process.pid, mark, others)
        everybody.update(found)
        return found

    processes.end(left)
    with suppress(subprocess.TimeoutExpired):
        process.wait(processes.GRACE_SECONDS)
    processes.bury(everybody - {process.pid})
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _judge(name: str, status: int | None, last: str, bounds: Bounds) -> None:
    """Fail if a program ended badly, saying how."""
    if status == 0:
        return
    if status == -signal.SIGXFSZ and bounds.folder_bytes is not None:
        raise StepFailed(f"“{name}” wrote more than {in_words(bounds.folder_bytes)}, its limit")
    if status == -signal.SIGXCPU and bounds.cpu_seconds is not None:
        raise StepFailed(f"“{name}” used more than {bounds.cpu_seconds:.12g} s of a processor, its limit")
    if status is None:
        raise StepFailed(f"“{name}” could not be ended")
    said = f": {last}" if last else "; it did not say why"
    if status < 0:
        raise StepFailed(f"“{name}” was killed by signal {-status}{said if last else ''}")
    raise StepFailed(f"“{name}” ended with exit status {status}{said}")


# ------------------------------------------------------------------ limits


def _limits(bounds: Bounds) -> dict[str, tuple[int, int]]:
    found = {}
    if bounds.memory is not None:
        found["AS"] = bounds.memory, bounds.memory
    if bounds.folder_bytes is not None:
        found["FSIZE"] = bounds.folder_bytes, bounds.folder_bytes
    if bounds.cpu_seconds is not None:
        seconds = max(1, round(bounds.cpu_seconds))
        found["CPU"] = seconds, seconds + 5  # first it is told, then it is killed
    return found


def _prlimit() -> str | None:
    return shutil.which("prlimit")


def _within(bounds: Bounds) -> list[str]:
    """Return what goes before a command so that it runs within limits."""
    limits, prlimit = _limits(bounds), _prlimit()
    if not limits or prlimit is None:
        return []
    return [
        prlimit,
        *(f"--{name.lower()}={soft}:{hard}" for name, (soft, hard) in limits.items()),
        "--core=0:0",
        "--",
    ]


def _limit(pid: int, bounds: Bounds) -> None:
    """Set the limits of a program that has started already, where there is nobody to do it before."""
    set_limit = getattr(resource, "prlimit", None)
    if set_limit is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        for name, limit in _limits(bounds).items():
            set_limit(pid, getattr(resource, f"RLIMIT_{name}"), limit)


# ------------------------------------------------------------------ what a program says


@dataclass(slots=True)
class Voice:
    """One of the two pipes of a program: lines go to `tell` as they come, and a bounded part is kept."""

    tell: Callable[[str], object]
    last: str = ""
    _kept: list[str] = field(default_factory=list)
    _size: int = 0
    _line: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def hear(self, heard: bytes, *, final: bool = False) -> None:
        """Take what came through the pipe."""
        text = self._decoder.decode(heard, final)
        if self._size < OUTPUT_BYTES:
            self._kept.append(text[: OUTPUT_BYTES - self._size])
            self._size += len(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._say(line)
        if len(self._line) > LONGEST_LINE:
            self._say(self._line[:LONGEST_LINE])
            self._line = ""

    def finish(self) -> None:
        """Say what had no end of line."""
        self.hear(b"", final=True)
        self._say(self._line)
        self._line = ""

    def _say(self, line: str) -> None:
        line = line.rsplit("\r")[-1].rstrip()[:LONGEST_LINE]
        if line:
            self.last = line
            self.tell(line)

    @property
    def text(self) -> str:
        """All that was said, as far as it is kept."""
        return "".join(self._kept)
