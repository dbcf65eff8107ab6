"""Somebody who uses a scratch portal over HTTP, as a browser or a program does."""

import json
import threading
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.faults.oracle import FAMILY
from tests.faults.scratch import PATIENCE
from tests.faults.servers import free_port

LOST = 0  # the status of what was never answered


class Visitor:
    """The owner of the family, with a program's token.

    Parameters
    ----------
    portal : ScratchPortal
        Its “stoa up” is started here.
    """

    def __init__(self, portal):
        self.portal = portal
        self.headers = {
            "Authorization": f"Token {portal.do(FAMILY, 'token').strip()}",
            "Content-Type": "application/json",
        }
        self.ids = {name: pk for pk, name in portal.ask("SELECT id, name FROM worktables_worktable")}
        self.start()

    def start(self):
        """Start the portal, and wait until it answers."""
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.process = self.portal.start(FAMILY, "up", str(port))
        self.portal.wait_until(lambda: self.ask("GET", "/api/worktables/")[0] == 200)

    def ask(self, method, path, document=None):
        """Return status and text of the answer."""
        body = None if document is None else json.dumps(document).encode()
        request = Request(self.address + path, body, self.headers, method=method)
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (OSError, HTTPException) as error:
            return LOST, str(error)

    def cell(self, table, row_id, column):
        """Return what a cell says."""
        status, text = self.ask("GET", f"/api/worktables/{self.ids[table]}/rows/{row_id}/")
        assert status == 200, text
        return json.loads(text)["cells"][column]

    def edit(self, table, row_id, column, value, seen):
        """Send an edit of a cell; return status and text of the answer."""
        where = f"/api/worktables/{self.ids[table]}/rows/{row_id}/cells/{column}/"
        return self.ask("PATCH", where, {"value": value, "seen": seen})


def edit_without_loss(visitor, table, row_id, column, values, until):
    """Edit a cell that nobody else edits, again and again; what was not answered is sent once more.

    Returns
    -------
    value, statuses
        What the cell must say, and how each request was answered. An edit that was answered with an error, and is not
        there, was not applied; one that was answered well is there.
    """
    seen, statuses = visitor.cell(table, row_id, column), []
    for value in values:
        while True:
            status, text = visitor.edit(table, row_id, column, value, seen)
            statuses.append(status)
            assert status in (200, 503, LOST), f"{status}: {text}"
            if status == 200:
                seen = value
                break
            assert status == LOST or "Try again in a moment" in text, text
            time.sleep(0.1)
        if until():
            break
    return seen, statuses


def at_once(*functions):
    """Run functions in threads; return what each gave, or raise what one raised."""
    ends = [None] * len(functions)

    def live(number, function):
        try:
            ends[number] = function()
        except BaseException as error:
            ends[number] = error

    threads = [threading.Thread(target=live, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return ends
