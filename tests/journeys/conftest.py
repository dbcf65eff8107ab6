"""A whole portal in processes of its own, filled by the demo, and browsers that look at it.

On SQLite it is `stoa demo`. Where STOA_DATABASE_URL and STOA_REDIS_URL are set, the same with a database
of its own and the work done by a real `celery -A portal worker`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
BROWSER = os.environ.get("STOA_TEST_BROWSER") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 150  # seconds until the demo is filled, on a busy machine


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """Start a portal with the demo in it; yield its address and how to read its API."""
    home = tmp_path_factory.mktemp("portal")
    port = free_port()
    environment = os.environ | {"STOA_HOME": str(home), "STOA_PORT": str(port), "STOA_TEST_DATA": ""}
    with contextlib.ExitStack() as stack:
        if os.environ.get("STOA_DATABASE_URL"):
            environment["STOA_DATABASE_URL"] = stack.enter_context(
                scratch_database(f"stoa_journey_{os.getpid()}")
            )
        demo = stack.enter_context(process([BIN / "stoa", "demo"], environment, home / "demo.log"))
        if environment.get("STOA_REDIS_URL"):
            celery = [BIN / "celery", "-A", "portal", "worker", "--concurrency", "2", "--loglevel", "WARNING"]
            stack.enter_context(process(celery, environment, home / "celery.log"))
        wait_for("The tables are filled", home / "demo.log", demo)
        yield SimpleNamespace(address=f"http://127.0.0.1:{port}", home=home)


@contextlib.contextmanager
def process(command, environment, log, **options):
    """Run a command in a process group of its own, and end all of it."""
    with open(log, "w") as output:
        running = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **options,
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


@contextlib.contextmanager
def scratch_database(name):
    """Make a database beside the one that STOA_DATABASE_URL names, and drop it."""
    import psycopg2

    url = os.environ["STOA_DATABASE_URL"]
    server = url.rpartition("/")[0]
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def wait_for(text, log, running):
    """Wait until a line stands in a log."""
    started = time.monotonic()
    while text not in log.read_text():
        assert running.poll() is None, f"it ended: {log.read_text()}"
        assert time.monotonic() - started < PATIENCE, f"not filled after {PATIENCE} s: {log.read_text()}"
        time.sleep(0.1)


@pytest.fixture(scope="module")  # it keeps a loop running, which others could not have
def chromium():
    """Start a headless Chromium; without one the journeys are skipped, in CI they fail."""
    if not BROWSER:
        assert not IN_CI, "no chromium in PATH: install Debian's package, or set STOA_TEST_BROWSER"
        pytest.skip("no chromium in PATH (STOA_TEST_BROWSER names another)")
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps a loop running in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(chromium, portal):
    """Sign somebody in, in a browser of their own; whatever goes wrong on their pages fails the test."""
    contexts, faults = [], []
    host = urlsplit(portal.address).netloc

    def sign_in(name, **facts):
        context = chromium.new_context(accept_downloads=True, **facts)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: urlsplit(request.url).netloc not in (host, "") and faults.append(request.url),
        )
        page.goto(f"{portal.address}/accounts/login/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", name)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{portal.address}/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def api(portal):
    """Ask the API as somebody, with BASIC sign-in."""
    import base64
    import json

    def ask(name, path, method="GET", **data):
        request = urllib.request.Request(
            portal.address + path,
            method=method,
            data=json.dumps(data).encode() if data else None,
            headers={
                "Authorization": "Basic " + base64.b64encode(f"{name}:{name}".encode()).decode(),
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    return ask
