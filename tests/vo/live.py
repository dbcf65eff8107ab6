"""A whole portal in processes of its own, for the clients of the Virtual Observatory: one for each process of tests."""

import contextlib
import gc
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from tests.journeys.conftest import free_port, process, scratch_database

BIN = Path(sys.executable).parent
PATIENCE = 150  # seconds until it answers, on a busy machine

MAKE_TOKEN = """
from django.contrib.auth import get_user_model
from portal.accounts.tokens import create_token
user = get_user_model().objects.create_user("vera", password="rubin")
print(create_token(user, "tests")[1])
"""


STALLED_SECONDS = 12  # after which the portal gives up a client that reads nothing


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    """Start a portal with its worker; yield its address, and the token of vera, who has an account."""
    home, port = tmp_path_factory.mktemp("live"), free_port()
    environment = os.environ | {"STOA_HOME": str(home), "STOA_TEST_DATA": ""}
    environment["STOA_STALLED_SECONDS"] = str(STALLED_SECONDS)
    stoa = [sys.executable, "-m", "portal.command"]
    with contextlib.ExitStack() as stack:
        if os.environ.get("STOA_DATABASE_URL"):
            name = f"stoa_live_{os.getpid()}"
            environment["STOA_DATABASE_URL"] = stack.enter_context(scratch_database(name))
        up = stack.enter_context(process([*stoa, "up", "--port", port], environment, home / "up.log"))
        address = f"http://127.0.0.1:{port}"
        wait_until_it_answers(address, up, home / "up.log")
        if environment.get("STOA_REDIS_URL"):
            celery = [BIN / "celery", "-A", "portal", "worker", "--concurrency", "1", "--loglevel", "WARNING"]
            stack.enter_context(process(celery, environment, home / "celery.log"))
        made = subprocess.run(
            [*stoa, "manage", "shell", "-v", "0", "-c", MAKE_TOKEN],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        yield SimpleNamespace(
            address=address,
            tap=f"{address}/tap",
            home=home,
            token=made.stdout.split()[-1],
            stoa=lambda *arguments: subprocess.run(
                [*stoa, *map(str, arguments)], env=environment, check=True
            ),
        )


@pytest.fixture
def session():
    """A session of requests; what pyvo leaves open of it is closed."""
    with requests.Session() as session:
        yield session
    close_what_is_left()


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_to_others(request):
    """Close what clients leave to the collector before another file is tried, and blamed for it."""
    yield
    if {"pyvo", "requests", "topcat"} & vars(request.module).keys():
        close_what_is_left()


def close_what_is_left():
    """Close what clients have left to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def wait_until_it_answers(address, running, log):
    """Wait until the portal says that it is up."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{address}/tap/availability", timeout=10) as answer:
                if b"true" in answer.read():
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
