"""The processes that a program became: found wherever they went, and ended.

A program can leave its group and its session, and lose its parent. What it hands down without thinking of it is its
environment, so each is started with a mark in that. A worker's process also takes in whoever of its descendants has
lost a parent, as far as the kernel does that: then nobody gets away.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARK = "STOA_STEP_OF"  # in the environment: the process number of the worker, and which program it is
GRACE_SECONDS = 0.5  # between a polite request and the end
PR_SET_CHILD_SUBREAPER = 36


class Process(NamedTuple):
    """A process as the kernel lists it."""

    pid: int
    state: str
    parent: int
    group: int
    session: int


_adopting: list[int] = []


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own; for processes that start nothing but steps."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _adopting[:] = [os.getpid()]


def present_children() -> set[int]:
    """Return the children that this process has now, where it adopts; whoever comes later is new."""
    if _adopting != [os.getpid()]:
        return set()
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found.update(map(int, path.read_text().split()))
    return found


def all_processes() -> Iterator[Process]:
    """List the processes of this machine; where the kernel has no such list, none."""
    with suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError):
                    facts = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
                    yield Process(int(name), facts[0].decode(), *map(int, facts[1:4]))


def mark_of(pid: int) -> str:
    """Return the mark that a process carries, or nothing."""
    with suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(f"{MARK}=".encode()):
                return variable.partition(b"=")[2].decode(errors="replace")
    return ""


def descendants(ancestors: Collection[int], among: Iterable[Process]) -> set[int]:
    """Return who descends from these processes, without them."""
    children: dict[int, list[int]] = {}
    for process in among:
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(ancestors)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def family_of(leader: int, mark: str, others: Collection[int] = ()) -> set[int]:
    """Return the processes that a program became and that still run.

    They are of its session or group, carry its mark, were adopted since (and are no `others`), or descend from those.
    """
    everybody = [process for process in all_processes() if process.state not in "ZX"]
    if not everybody:  # no list of processes: then at least its group, which a negative number stands for
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, 0)
            return {-leader}
        return set()
    mine = os.getuid()
    family = {
        process.pid
        for process in everybody
        if leader in (process.pid, process.group, process.session)
        or (_owner_of(process.pid) == mine and mark_of(process.pid) == mark)
    }
    running = {process.pid for process in everybody}
    family |= (present_children() - set(others)) & running
    return family | descendants([leader, *family], everybody)


def children_of_this_process() -> set[int]:
    """Return all descendants of this process."""
    return descendants([os.getpid()], [each for each in all_processes() if each.state not in "ZX"])


def _owner_of(pid: int) -> int:
    with suppress(OSError):
        return os.stat(f"/proc/{pid}").st_uid
    return -1


def tell(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each of these processes that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end(find: Callable[[], set[int]], grace: float = GRACE_SECONDS) -> None:
    """End processes: politely, then not, until `find` finds none; who may not be ended is left."""
    found = find()
    tell(found, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while found and time.monotonic() < deadline:
        time.sleep(0.02)
        found = find()
    for _ in range(10):  # some may have been born between the look and the blow
        if not found:
            break
        tell(found, signal.SIGKILL)
        time.sleep(0.02)
        found = find()


def bury(pids: Iterable[int]) -> None:
    """Take note that adopted children have ended, so that the kernel forgets them."""
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def bury_orphans() -> None:
    """Bury adopted children that were ended by somebody who did not wait for them."""
    bury(process.pid for process in all_processes() if process.parent == os.getpid() and process.state == "Z")


def end_what_the_dead_left() -> int:
    """End programs whose worker was killed before it could; return how many processes that were."""
    mine, orphans = os.getuid(), set()
    for process in all_processes():
        if process.state in "ZX" or _owner_of(process.pid) != mine:
            continue
        worker = mark_of(process.pid).partition("-")[0]
        if worker.isdigit() and not Path(f"/proc/{worker}").exists():
            orphans.add(process.pid)
    tell(orphans, signal.SIGKILL)
    return len(orphans)
