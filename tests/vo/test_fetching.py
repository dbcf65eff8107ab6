"""Tables are fetched from the open network only, whatever an address looks like."""

import http.server
import threading

import pytest

from vo.tap.errors import UploadRefused
from vo.tap.fetching import fetch, is_public


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://localhost:5432/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://172.16.3.4/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://224.0.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[::7f00:1]/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http:///nothing",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "",
    ],
)
def test_no_address_leads_inside(address):
    with pytest.raises(UploadRefused, match="mine"):
        fetch("mine", address)


def test_public_addresses_are_public():
    assert is_public("8.8.8.8")
    assert is_public("2001:4860:4860::8888")


class Answers(http.server.BaseHTTPRequestHandler):
    """A host that gives a table, sends one elsewhere, or gives without end."""

    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/secret")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"table" if self.path == "/table" else b"x" * 200_000)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def host(settings):
    """A host that was named in the settings; return its address."""
    settings.VO = settings.VO | {"UPLOAD_HOSTS": ["127.0.0.1"], "UPLOAD_BYTES": 100_000}
    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_host_that_the_site_trusts_is_asked(host):
    assert fetch("mine", f"{host}/table") == b"table"


@pytest.mark.parametrize(("path", "word"), [("/away", "302"), ("/endless", "MB")])
def test_redirections_are_not_followed_and_too_much_is_not_read(host, path, word):
    with pytest.raises(UploadRefused, match=word):
        fetch("mine", host + path)
