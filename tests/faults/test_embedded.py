"""One command, no services: web, worker and command line on one database, and a worker that is killed."""

import json
import os
import signal
import socket
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.faults.conftest import LONG
from tests.faults.oracle import FAMILY, differences
from tests.faults.scratch import PATIENCE, is_alive

SECONDS, EDITS = (60, 400) if LONG else (6, 40)  # of everybody writing


def up(portal):
    """Start “stoa up”, with the toys; return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    portal.start(FAMILY, "up", str(port))
    return f"http://127.0.0.1:{port}"


def workers_of(portal):
    """Return the process numbers of the workers that live."""
    found = portal.ask("SELECT pid FROM worktables_worker WHERE stopped_at IS NULL")
    return {pid for (pid,) in found if is_alive(pid)}


def test_a_killed_worker_comes_back_and_its_rows_complete(make_portal):
    portal = make_portal(step=0.05)  # it shall not be done before it is killed three times
    up(portal)

    for _ in range(3):
        portal.wait_until(lambda: portal.count("worktables_todo WHERE owner IS NOT NULL"))
        [pid] = workers_of(portal)
        os.kill(pid, signal.SIGKILL)
        portal.wait_until(lambda pid=pid: workers_of(portal) - {pid})
    portal.wait_until_settled()

    assert differences(portal.told(FAMILY)) == []
    assert portal.said().count("worker was killed by signal 9; starting it again") == 3


def test_nobody_is_told_that_the_database_is_locked(portal):
    """Three browsers, the worker and two command lines write, and somebody reads all, at the same time."""
    address = up(portal)
    headers = {"Authorization": f"Token {portal.do(FAMILY, 'token').strip()}"}
    portal.wait_until(lambda: portal.count("worktables_worker"))
    [(stars,)] = portal.ask("SELECT id FROM worktables_worktable WHERE name = 'stars'")
    until, answers = time.monotonic() + SECONDS, []

    def ask(path, row=None):
        body = None if row is None else json.dumps(row).encode()
        request = Request(f"{address}/api/worktables/{stars}/{path}", body, headers)
        request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                answer.read()
                answers.append((path, answer.status))
        except HTTPError as error:
            answers.append((path, error.code, error.read()))

    def write():
        while time.monotonic() < until:
            ask("rows/", {"name": "from a page", "place": [10.0, 5.0]})

    def read():
        while time.monotonic() < until:
            ask("download/?format=csv")

    def type_in(seed):
        portal.do(FAMILY, "edit", str(seed), str(EDITS))

    threads = [threading.Thread(target=each) for each in (write, write, write, read)]
    threads += [threading.Thread(target=type_in, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    portal.wait_until_settled()

    assert set(answers) == {("rows/", 201), ("download/?format=csv", 200)}
    assert differences(portal.told(FAMILY)) == []
    assert "locked" not in portal.said()
