"""How many answers may be open at once, and what is said when the database takes no more."""

import gc
import threading

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory
from django.urls import reverse

from vo.asking import admitting
from vo.asking.admitting import Gate, TooManyOpen, asked_by

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = "SELECT name FROM virgo.sources"
ADDRESSES = {
    "tap": "/tap/sync?LANG=ADQL&QUERY=SELECT+name+FROM+virgo.sources",
    "cone": "/scs/virgo/sources?RA=0&DEC=0&SR=10",
    "images": "/sia/query",
}


@pytest.fixture(autouse=True)
def _apart(monkeypatch):
    """No answer of another test is open, and nobody waits long."""
    monkeypatch.setattr(admitting, "gate", Gate())
    monkeypatch.setattr(admitting, "WAIT_SECONDS", 0.1)


@pytest.fixture
def few(settings):
    settings.VO = settings.VO | {"OPEN_ANSWERS": 4, "OPEN_ANSWERS_ANONYMOUS": 3, "OPEN_ANSWERS_EACH": 2}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_database_that_takes_no_connection_is_told_as_a_sentence(
    client, sources, publish, monkeypatch, address
):
    publish(sources)
    client.get(address).close()
    broken = {"NAME": "/nowhere/at/all"} if connection.vendor == "sqlite" else {"PORT": "1"}
    for key, value in broken.items():
        monkeypatch.setitem(connection.settings_dict, key, value)

    answer = client.get(address)

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert b"takes no further connection just now" in answer.content
    assert b"<VOTABLE" in answer.content
    assert not admitting.gate.open


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_who_has_many_answers_open_reads_one_first(client, sources, publish, few, address):
    publish(sources)
    first, second = client.get(address), client.get(address)

    third = client.get(address)

    assert (third.status_code, third["Retry-After"]) == (503, "10")
    assert b"are being read by you" in third.content
    assert first.status_code == second.status_code == 200
    b"".join(first.streaming_content)
    assert client.get(address).status_code == 200


def test_one_address_leaves_room_for_others_and_accounts_have_some_of_their_own(
    client, sources, publish, few, owner, reader
):
    publish(sources)
    address = ADDRESSES["tap"]
    opened = [client.get(address, REMOTE_ADDR=f"10.0.0.{n}") for n in (1, 1, 2)]
    assert [one.status_code for one in opened] == [200] * 3

    assert client.get(address, REMOTE_ADDR="10.0.0.3").status_code == 503
    client.force_login(owner)
    mine = client.get(address)
    assert mine.status_code == 200
    client.force_login(reader)
    assert client.get(address).status_code == 503
    mine.close()
    assert client.get(address).status_code == 200


def test_what_cannot_be_answered_takes_no_room(client, sources, publish, few):
    publish(sources)
    for _ in range(5):
        assert client.get("/tap/sync?LANG=ADQL&QUERY=SELECT+1/x+FROM+nothing").status_code == 400

    assert not admitting.gate.open


def test_an_answer_that_is_forgotten_makes_room(client, sources, publish, few):
    publish(sources)
    for _ in range(6):
        answer = client.get(ADDRESSES["tap"])
        assert answer.status_code == 200
        del answer
        gc.collect()


def test_who_comes_when_all_is_open_waits_a_moment(few, monkeypatch):
    monkeypatch.setattr(admitting, "WAIT_SECONDS", 30)
    gate, came = Gate(), threading.Event()
    leave = gate.enter("user 1")
    gate.enter("user 1")

    waiting = threading.Thread(target=lambda: (gate.enter("user 1"), came.set()))
    waiting.start()
    assert not came.wait(0.2)
    leave()
    leave()  # counts once

    assert came.wait(10)
    waiting.join()
    monkeypatch.setattr(admitting, "WAIT_SECONDS", 0)
    with pytest.raises(TooManyOpen):
        gate.enter("user 1")


def test_an_address_is_not_left_by_claiming_another(settings):
    def asked(address, **headers):
        request = RequestFactory().get(reverse("tap-sync"), REMOTE_ADDR=address, **headers)
        request.user = AnonymousUser()
        return asked_by(request)

    assert asked("10.0.0.1") == asked("10.0.0.1", HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert asked("2001:db8::1") == asked("2001:db8::ffff:2")
    assert asked("2001:db8:0:1::1") != asked("2001:db8:0:2::1")
