"""What the validators of the Virtual Observatory say of images that are published."""

import os
import shutil
import subprocess

import pytest

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not shutil.which("stilts"), reason="stilts is not installed"),
]
DID = "ivo://stoa.invalid/virgo.pictures?v1/"
# The vocabulary of DataLink has had the word since 2022; STILTS 3.4.7 asks for it online, else knows an older one.
YOUNGER = "Unknown predicate 'documentation' from core DataLink vocabulary"
PATIENCE = 240  # seconds


def stilts(*arguments):
    """Run STILTS and return what it says, on both channels."""
    done = subprocess.run(
        ["stilts", *arguments], capture_output=True, text=True, timeout=PATIENCE, env=os.environ, check=False
    )
    return done.stdout + done.stderr


def faults_in(said):
    """Return the lines that complain."""
    lines = said.splitlines()
    assert any(line.startswith("Totals:") for line in lines), said
    return [line for line in lines if line.startswith(("E-", "W-", "F-")) and YOUNGER not in line]


def test_taplint_finds_nothing_wrong_with_obscore(shown, served):
    said = stilts(
        "taplint",
        f"tapurl={served.address}/tap",
        "stages=TMV TME TMS TMC CAP MDQ OBS",
        "report=EWF",
        "maxrepeat=99",
    )
    said = "\n".join(
        line for line in said.splitlines() if line[2:5] not in ("TMS", "CAP")
    )  # not about our table

    faults = faults_in(said)
    assert not faults, "\n".join(faults)
    assert "Section OBS: Test implementation of ObsCore Data Model" in said


@pytest.mark.parametrize(
    "identifiers",
    [["1/image"], ["4/image", "1/smooth", "1/items", "1/note"], ["99/image", "1/image"], []],
    ids=["an image", "a cube and others", "one that is not there", "none"],
)
def test_datalinklint_is_silent(shown, served, identifiers):
    query = "&".join(f"ID={DID}{each}" for each in identifiers)
    said = stilts("datalinklint", f"votable={served.address}/datalink/links?{query}")

    faults = faults_in(said)
    assert not faults, "\n".join(faults)
