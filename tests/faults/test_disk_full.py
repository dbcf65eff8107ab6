"""Row 9: the disk is full, of the database or of the kept files; all goes on when there is space again."""

import subprocess

import pytest

from tests.faults.conftest import SERVER
from tests.faults.oracle import FAMILY, judge
from tests.faults.visiting import Visitor


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of a few megabytes, where the system lets us."""
    mounted = []

    def mount(megabytes):
        folder = tmp_path / "small-disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError as error:
            pytest.skip(f"a small disk cannot be mounted: {error}")
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Write until nothing more goes in; return the file that is in the way."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


def test_row_9_files_that_find_no_space_fail_with_that_reason_and_are_never_seen_half(
    make_portal, small_disk
):
    portal, folder = make_portal(), small_disk(1)
    portal.environment["STOA_FILES"] = str(folder)
    ballast = fill(folder)
    portal.start(FAMILY, "work")
    portal.wait_until_settled()

    reasons = portal.ask("SELECT DISTINCT reason FROM worktables_unit WHERE state = 5")
    assert any("No space left on device" in reason for (reason,) in reasons)
    assert [path for path in folder.rglob("*") if path.is_file() and path != ballast] == []

    ballast.unlink()
    portal.do(FAMILY, "again")
    assert judge(portal) == []


@pytest.mark.skipif(bool(SERVER), reason="the disk of a database server is not ours to fill; SQLite's is")
def test_row_9_a_database_that_finds_no_space_says_so_and_goes_on_when_there_is_some(make_portal, small_disk):
    """Nobody is to blame for it: no unit fails, however often its worker was told."""
    portal = make_portal(home=small_disk(24) / "family")
    visitor = Visitor(portal)
    portal.wait_until_settled()
    seen, ballast = visitor.cell("fields", 2, "x"), fill(portal.home)

    answers = [visitor.edit("fields", 2, "x", float(n), seen) for n in range(30, 60)]
    refused = [text for status, text in answers if status == 503]
    ballast.unlink()

    assert {status for status, _ in answers} <= {200, 409, 503}
    assert refused
    assert all("takes nothing just now" in text for text in refused)
    present = visitor.cell("fields", 2, "x")
    assert visitor.edit("fields", 2, "x", 4.25, present)[0] == 200
    assert judge(portal) == []
