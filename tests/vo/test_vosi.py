"""Whether the services say truly that they are there."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from django.db import OperationalError, connection

AVAILABILITY = "{http://www.ivoa.net/xml/VOSIAvailability/v1.0}"
CAPABILITIES = "{http://www.ivoa.net/xml/VOSICapabilities/v1.0}"
INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


@pytest.fixture
def fetch(client):
    """Fetch a document as anybody may, and parse it."""

    def fetch(address):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/xml"
        return ElementTree.fromstring(answer.content)

    return fetch


@pytest.mark.django_db
def test_availability_is_up_while_the_database_answers(fetch):
    root = fetch("/tap/availability")

    assert root.tag == f"{AVAILABILITY}availability"
    assert [child.tag for child in root] == [f"{AVAILABILITY}available", f"{AVAILABILITY}note"]
    assert root[0].text == "true"


def test_availability_is_down_when_the_database_is(fetch, monkeypatch):
    def refuse(*arguments):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(connection, "cursor", refuse)

    root = fetch("/tap/availability")

    assert root.find(f"{AVAILABILITY}available").text == "false"
    assert "server closed" not in ElementTree.tostring(root, encoding="unicode")


@pytest.mark.django_db
def test_capabilities_name_only_what_answers(fetch, client):
    root = fetch("/tap/capabilities")

    assert root.tag == f"{CAPABILITIES}capabilities"
    assert [one.get("standardID") for one in root.findall("capability")] == [
        "ivo://ivoa.net/std/TAP",
        "ivo://ivoa.net/std/VOSI#capabilities",
        "ivo://ivoa.net/std/VOSI#availability",
        "ivo://ivoa.net/std/VOSI#tables-1.1",
        "ivo://ivoa.net/std/DALI#examples",
    ]
    for address in root.iter("accessURL"):
        if address.get("use") == "full":
            assert client.get(address.text).status_code == 200
        else:
            assert address.text == "http://testserver/tap"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/tap/availability", "/tap/capabilities"])
def test_nothing_is_written_there(client, address):
    assert client.post(address).status_code == 405


def test_capabilities_say_what_whoever_asks_may_have(client, owner):
    def limits():
        text = client.get("/tap/capabilities").content.decode()
        return re.findall(r"<hard[^>]*>(\d+)</hard></(executionDuration|outputLimit)>", text)

    assert limits() == [("3600", "executionDuration"), ("10000000", "outputLimit")]
    client.force_login(owner)
    assert limits() == [("86400", "executionDuration"), ("100000000", "outputLimit")]
