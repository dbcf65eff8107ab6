"""Whether the services say truly that they are there."""

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
        assert answer["Content-Type"] == "application/xml"
        return ElementTree.fromstring(answer.content)

    return fetch


@pytest.mark.django_db
def test_availability_is_up_while_the_database_answers(fetch):
    root = fetch("/vo/availability")

    assert root.tag == f"{AVAILABILITY}availability"
    assert [child.tag for child in root] == [f"{AVAILABILITY}available", f"{AVAILABILITY}note"]
    assert root[0].text == "true"


def test_availability_is_down_when_the_database_is(fetch, monkeypatch):
    def refuse(*arguments):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(connection, "cursor", refuse)

    root = fetch("/vo/availability")

    assert root.find(f"{AVAILABILITY}available").text == "false"
    assert "server closed" not in ElementTree.tostring(root, encoding="unicode")


@pytest.mark.django_db
def test_capabilities_name_only_what_answers(fetch, client):
    root = fetch("/vo/capabilities")

    assert root.tag == f"{CAPABILITIES}capabilities"
    assert [one.get("standardID") for one in root.findall("capability")] == [
        "ivo://ivoa.net/std/VOSI#availability",
        "ivo://ivoa.net/std/VOSI#capabilities",
    ]
    for address in root.iter("accessURL"):
        assert address.get("use") == "full"
        assert client.get(address.text).status_code == 200


@pytest.mark.django_db
def test_the_type_of_an_interface_has_its_namespace(client):
    text = client.get("/vo/capabilities").content.decode()

    assert 'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"' in text
    root = ElementTree.fromstring(text)
    assert {one.get(f"{INSTANCE}type") for one in root.iter("interface")} == {"vs:ParamHTTP"}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/vo/availability", "/vo/capabilities"])
def test_nothing_is_written_there(client, address):
    assert client.post(address).status_code == 405
