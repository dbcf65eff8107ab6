"""Fetching a table from an address that somebody else chose: only from the open network, and never much.

A portal may reach what its users may not: its own database, other machines of its institute, the cloud that it runs
in. So the name is resolved once, each address must be a public one, and the connection goes to that very address,
whatever the name means a moment later. Redirections are not followed.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from django.conf import settings

from vo.tap.errors import UploadRefused

PORTS = {"http": 80, "https": 443}
SECONDS = 20.0
PIECE = 1 << 16
# One sentence, so that nobody learns by it which names our own network knows.
NOT_OPEN = "“{}” is not a host of the open network, or this portal cannot reach it; send the table inline"
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses in IPv6 (RFC 6052)


def fetch(name, address):
    """Return what an address gives.

    Parameters
    ----------
    name : str
        Of the table, for what is said when it fails.
    address : str
        http or https.

    Raises
    ------
    UploadRefused
    """
    parts = urlsplit(address)
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None:
        raise UploadRefused(
            name, "give an address that begins with http:// or https://, or send it inline as param:…"
        )
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise UploadRefused(name, f"“{address}” is no address") from None
    place = public_address(name, parts.hostname, port)
    connection = _Pinned(parts.hostname, port, place, parts.scheme == "https")
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _in_time(connection):
            connection.request("GET", path, headers={"User-Agent": "Stoa", "Accept-Encoding": "identity"})
            return _read(name, connection.getresponse())
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        raise UploadRefused(
            name, f"{parts.hostname} does not give it ({error or type(error).__name__})"
        ) from None
    finally:
        connection.close()


@contextlib.contextmanager
def _in_time(connection):
    """Cut a connection when its time is over, whatever it is sending: also one header line that never ends."""

    def cut():
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def public_address(name, host, port):
    """Return the address to which a name resolves, if all to which it does are public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UploadRefused(name, NOT_OPEN.format(host)) from None
    places = [one[4][0] for one in found]
    for place in places:
        if not is_public(place) and host not in settings.VO["UPLOAD_HOSTS"]:
            raise UploadRefused(name, NOT_OPEN.format(host))
    return places[0]


def is_public(place):
    """Say whether an address is one that everybody may reach."""
    address = ipaddress.ip_address(place.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if address.version == 6 and (address in TRANSLATED or int(address) >> 32 == 0):
        inner = ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, under the name by which it was asked for."""

    def __init__(self, host, port, place, secure):
        super().__init__(host, port, timeout=SECONDS)
        self._place, self._secure = place, secure
        if secure:
            self.default_port = PORTS["https"]

    def connect(self):
        """Connect to the address that was looked at."""
        self.sock = socket.create_connection((self._place, self.port), self.timeout)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _read(name, answer):
    if answer.status != 200:
        raise UploadRefused(name, f"its address answers with status {answer.status}")
    most, deadline = settings.VO["UPLOAD_BYTES"], time.monotonic() + SECONDS
    pieces, size = [], 0
    while piece := answer.read1(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise UploadRefused(name, f"at most {most / 1e6:g} MB are taken")
        if time.monotonic() > deadline:
            raise UploadRefused(name, f"its address needs longer than {SECONDS:g} seconds")
    return b"".join(pieces)
