"""What an astronomer has on the desk: a screen nobody sees, a SAMP hub that lets pages in, and TOPCAT.

They are the real ones. TOPCAT hands out the tables it holds (`table.get.stil`), so that tests see what it made of them.
"""

import contextlib
import os
import shutil
import socket
import time
import urllib.request
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from astropy.io.votable import parse_single_table

from tests.journeys.conftest import IN_CI, process

JSAMP = Path("/usr/share/java/jsamp.jar")
WEB_PROFILE = ("127.0.0.1", 21012)
PATIENCE = 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A screen and a home without anything in them; what is missing for it is said, and in CI is a failure."""
    absent = [name for name in ("topcat", "Xvfb", "java") if shutil.which(name) is None]
    absent += [] if JSAMP.exists() else [str(JSAMP)]
    if absent:
        reason = f"{', '.join(absent)} not installed (Debian: apt-get install topcat xvfb)"
        assert not IN_CI, reason
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("desk")
    reading, writing = os.pipe()
    environment = os.environ | {"HOME": str(home), "_JAVA_OPTIONS": f"-Duser.home={home}"}
    screen = ["Xvfb", "-displayfd", writing, "-screen", "0", "1000x700x24", "-nolisten", "tcp"]
    with process(screen, environment, home / "screen.log", pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as told:
            environment["DISPLAY"] = f":{told.readline().strip()}"
        yield SimpleNamespace(home=home, environment=environment, lock=home / ".samp")


@contextlib.contextmanager
def hub(desk, answer):
    """Run a hub that answers yes (`true`) or no (`false`) to pages that want to be let in."""
    wait(lambda: not listens(), "port 21012 is taken: close the hub that is running on this machine")
    command = ["java", "-jar", JSAMP, "hub", "-mode", "no-gui", "-profiles", "std,web", "-web:auth", answer]
    with process(command, desk.environment, desk.home / "hub.log"):
        wait(lambda: listens() and desk.lock.exists(), "the hub does not start")
        yield


def listens():
    """Say whether a hub is there for pages."""
    with contextlib.suppress(OSError), socket.create_connection(WEB_PROFILE, 1):
        return True
    return False


def wait(until, complaint):
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := until()):
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def open_hub(desk):
    """A hub that lets every page in, and a client of our own on it."""
    from pyvo.samp import SAMPIntegratedClient

    with hub(desk, "true"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMP_HUB", f"std-lockurl:file://{desk.lock}")
        client = SAMPIntegratedClient(name="tests", addr="127.0.0.1")
        client.connect()
        yield client
        client.disconnect()


class Topcat:
    """A running TOPCAT, as another program sees it."""

    def __init__(self, client, id):
        self.client, self.id, self.n_tables = client, id, 0

    def call(self, mtype, **parameters):
        """Send it a message and return its answer."""
        message = {"samp.mtype": mtype, "samp.params": parameters}
        return self.client.call_and_wait(self.id, message, str(PATIENCE))

    def load(self, address):
        """Let it load a VOTable from an address, and return the table."""
        answer = self.call("table.load.votable", url=address, name="table")
        assert answer["samp.status"] == "samp.ok", answer
        return self.next_table()

    def next_table(self):
        """Return the table that it got after those seen before; it says yes a moment before it has it."""
        self.n_tables += 1
        answer = wait(lambda: self._given(self.n_tables), f"TOPCAT has no table {self.n_tables}")
        with urllib.request.urlopen(answer["url"], timeout=PATIENCE) as sent:
            return parse_single_table(BytesIO(sent.read())).to_table(use_names_over_ids=True)

    def forget(self):
        """Let the next table be one that it does not have yet."""
        while self._given(self.n_tables + 1):
            self.n_tables += 1

    def _given(self, number):
        return self.call("table.get.stil", format="votable", index=str(number)).get("samp.result")


@contextlib.contextmanager
def topcat(desk, client, *tables):
    """Run a TOPCAT that begins with these tables."""
    with process(["topcat", *tables], desk.environment, desk.home / "topcat.log"):
        (id,) = wait(
            lambda: client.get_subscribed_clients("table.get.stil"), "TOPCAT does not come to the hub"
        )
        yield Topcat(client, id)
