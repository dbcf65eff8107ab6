"""An evicted file that many ask for at once is made once, whichever process they ask."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.urls import reverse

from archive.errors import BeingMade
from archive.storage import open_blob
from tests.worktables.test_remaking import drawings, kept, steps  # noqa: F401
from worktables import remaking
from worktables.queue.turns import CLASS_OF_RUNS, alone
from worktables.remaking import evict_products, told_to

pytestmark = pytest.mark.django_db(transaction=True)
PROGRAM = """
import django, os, sys, time
django.setup()
from django.conf import settings
from django.db import connections
settings.DATABASES["default"]["NAME"] = connections["default"].settings_dict["NAME"] = {name!r}
from worktables.queue.turns import alone
with alone(5, 7, {seconds}) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


class Slow(list):
    """What notes a drawing takes a while, so that others come in between."""

    def append(self, what):
        time.sleep(0.4)
        super().append(what)


@pytest.fixture
def slowly(monkeypatch, drawings):  # noqa: F811
    slow = Slow()
    monkeypatch.setattr("tests.worktables.test_remaking.drawn", slow)
    return slow


def ask(sha256):
    try:
        with open_blob(sha256) as file:
            return file.read()
    finally:
        connections.close_all()


def test_those_who_ask_together_wait_for_one_who_makes_it(drawings, slowly):  # noqa: F811
    before = kept(b"crop of 1 grey")
    evict_products(drawings.project)

    with ThreadPoolExecutor(5) as crowd:
        found = list(crowd.map(ask, [before.sha256] * 5))

    assert found == [b"crop of 1 grey"] * 5
    assert slowly == [("draw", 1), ("crop", b"1 grey")]


def test_who_waits_for_an_answer_is_told_to_come_again(drawings, owner, client, monkeypatch):  # noqa: F811
    before = kept(b"crop of 1 grey")
    evict_products(drawings.project)
    monkeypatch.setattr(remaking, "PATIENCE", 0.2)
    address = reverse("row-file", args=[drawings.pk, 1, "crop"])
    client.force_login(owner)
    before.refresh_from_db()
    held, over = threading.Event(), threading.Event()

    def hold():
        with alone(CLASS_OF_RUNS, before.made_by_run):
            held.set()
            over.wait(60)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    try:
        with pytest.raises(BeingMade), told_to(owner, drawings.project_id):
            open_blob(before.sha256)
        answer = client.get(address)
        assert (answer.status_code, answer["Retry-After"]) == (503, "15")
        assert b"is being made again" in answer.content
    finally:
        over.set()
        holder.join()
    assert client.get(address).status_code == 200


@pytest.fixture
def process():
    """Start a process that wants to be alone; yield what starts it."""
    started = []

    def start(seconds):
        program = textwrap.dedent(PROGRAM).format(name=str(connection.settings_dict["NAME"]), seconds=seconds)
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_one_process_waits_for_another_and_not_for_a_dead_one(process):
    first = process(60)
    assert first.stdout.readline() == "True\n"
    with alone(5, 8, 0.1) as mine:
        assert mine, "that is another number"

    with alone(5, 7, 0.2) as mine:
        assert not mine
    first.kill()
    first.wait()

    with alone(5, 7, 30) as mine:
        assert mine
        assert process(0.3).stdout.readline() == "False\n"
    with alone(5, 7, 1) as mine:
        assert mine
