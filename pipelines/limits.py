"""What a step may use: time, memory, and how much it may give. Limits never enter a fingerprint."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.contract import Step, StepFailed

UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use; None is no limit.

    Attributes
    ----------
    seconds : float
    memory : int
        Bytes, beyond what the process has when the batch begins; for a program that a step starts, all it has.
    value : int
        Bytes of a text, or of the numbers of an array, in a cell.
    """

    seconds: float | None = None
    memory: int | None = None
    value: int | None = None


def limits_of(step: Step, usual: Limits) -> Limits:
    """Return what a step declares, and what is usual where it declares nothing."""
    return Limits(step.time_limit or usual.seconds, step.memory_limit or usual.memory, usual.value)


def in_words(number: float) -> str:
    """Return a number of bytes as people say it."""
    power = 0
    while number >= 1000 and power < len(UNITS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.3g} {UNITS[power]}"


@contextmanager
def memory_limited(size: int | None) -> Iterator[None]:
    """Let whoever wants more memory than that, beyond what the process has, get a `MemoryError`.

    The limit is one of the process, and counts what is asked for, used or not. So for as long as a batch runs the
    other threads share it; they need next to nothing. Only Linux counts it so.
    """
    if size is None or sys.platform != "linux":
        yield
        return
    before, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _memory_in_use() + size
    ceilings = [limit for limit in (before, hardest) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *ceilings]), hardest))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hardest))


def _memory_in_use() -> int:
    """Return the bytes that count against the limit."""
    pages = Path("/proc/self/statm").read_text().split()[5]
    return int(pages) * resource.getpagesize()


def memory_failure(size: int) -> StepFailed:
    """Return the error of a step that asked for more than its limit."""
    return StepFailed(f"needs more memory than {in_words(size)}, its limit")


def check_size(name: str, value: Any, most: int) -> None:
    """Refuse a text or an array that is too large for a cell."""
    size = size_of(value)
    if size > most:
        raise StepFailed(
            f"“{name}” has {in_words(size)}, and a cell may hold {in_words(most)}; "
            "keep it as a file (a product) instead"
        )


def size_of(value: Any) -> int:
    """Return about how many bytes a value of a cell takes."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list):
        if value and not isinstance(value[0], list | str):
            return 8 * len(value)
        return sum(size_of(each) for each in value)
    return 8
