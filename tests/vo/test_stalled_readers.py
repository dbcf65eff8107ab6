"""Clients that open answers and read none of them, on a real server: others are told to come again, and soon may."""

import socket
from urllib.parse import urlencode, urlsplit

import requests

from tests.vo.uws.conftest import wait_for

EACH = 8
# As large as there is anything to ask: more than all that lies between two programs.
LARGE = (
    "SELECT a.description, b.description AS also "
    "FROM tap_schema.columns a, tap_schema.columns b, tap_schema.columns c"
)


def open_and_read_nothing(address):
    """Ask for a large answer with a small window; return the connection."""
    parts = urlsplit(address)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((parts.hostname, parts.port))
    connection.settimeout(30)
    path = f"/tap/sync?{urlencode({'LANG': 'ADQL', 'QUERY': LARGE})}"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def test_stalled_readers_are_given_up_and_make_room(live):
    stalled = [open_and_read_nothing(live.address) for _ in range(EACH)]
    small = {"LANG": "ADQL", "QUERY": "SELECT schema_name FROM tap_schema.schemas"}

    refused = requests.get(f"{live.tap}/sync", params=small)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    as_vera = requests.get(
        f"{live.tap}/sync", params=small, headers={"Authorization": f"Bearer {live.token}"}
    )
    assert as_vera.status_code == 200

    wait_for(lambda: requests.get(f"{live.tap}/sync", params=small).status_code == 200)
    assert cut(stalled[0])  # the oldest; others may still be in time
    for connection in stalled[1:]:
        connection.close()


def cut(connection):
    """Say whether the server ends a connection before all of its answer has come."""
    end = b""
    with connection:
        try:
            while piece := connection.recv(1 << 16):
                end = (end + piece)[-100:]
        except ConnectionResetError:
            pass
    return b"0\r\n\r\n" not in end
