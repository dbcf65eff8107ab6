"""What is left to index when a version is published is done by workers, however often they are killed."""

import os
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from vo.models import PublishedVersion
from vo.publishing import products
from vo.publishing.indexing import claim_version, index_version, keep_hold
from vo.publishing.working import IndexErrand
from worktables.queue.errands import errands

pytestmark = pytest.mark.django_db(transaction=True)
FILES = 13


@pytest.fixture
def left(settings, pictures, publish):
    """A version that was published in no time: nothing of it is indexed."""
    settings.VO = settings.VO | {"INDEX_SECONDS": 0}
    return publish(pictures, title="Pictures")


def page_of(client, version):
    publication = version.publication
    address = reverse("published-version", args=[publication.schema, publication.name, version.number])
    return client.get(address).content.decode()


def work():
    """Do what an errand finds, to its end."""
    errand = IndexErrand()
    while errand.look(threading.Event()):
        errand.thread.join()


def is_indexed(version):
    version.refresh_from_db()
    return version.indexed and version.products_indexed_at is not None and not version.index_lease


def test_whoever_publishes_little_finds_it_indexed(pictures, publish, client):
    version = publish(pictures)

    assert is_indexed(version)
    assert version.products.count() == FILES
    assert "files are indexed" not in page_of(client, version)


def test_a_worker_indexes_what_is_left_and_the_page_says_how_far_it_is(left, client):
    assert f"0 of {FILES} files are indexed" in page_of(client, left)

    work()

    assert is_indexed(left)
    assert left.products.count() == FILES
    assert "files are indexed" not in page_of(client, left)
    assert any(isinstance(errand, IndexErrand) for errand in errands)


def test_a_worker_that_leaves_gives_the_rest_to_the_next(left, client, monkeypatch):
    monkeypatch.setattr(products, "BATCH", 1)
    answers = iter([False, False, True])

    assert not index_version(claim_version(), stopped=lambda: next(answers))

    n = left.products.count()
    assert 0 < n < FILES
    assert f"{n} of {FILES} files are indexed" in page_of(client, left)
    work()
    assert left.products.count() == FILES
    assert is_indexed(left)


def test_one_worker_has_a_version_until_it_is_silent(left):
    slow = claim_version()
    assert claim_version() is None
    assert keep_hold(slow)

    PublishedVersion.objects.update(index_seen_at=timezone.now() - timedelta(hours=1))
    quick = claim_version()

    assert quick.pk == slow.pk
    assert not keep_hold(slow)
    assert keep_hold(quick)


def test_two_who_index_the_same_record_every_file_once(left, monkeypatch):
    monkeypatch.setattr(products, "BATCH", 1)
    slow, quick = claim_version(), None

    def taken_over():
        nonlocal quick
        if quick is None:
            PublishedVersion.objects.update(index_seen_at=timezone.now() - timedelta(hours=1))
            quick = claim_version()
            assert index_version(quick)
        return False

    index_version(slow, stopped=taken_over)

    assert left.products.count() == FILES
    assert is_indexed(left)


PROGRAM = """
import django, os, signal
django.setup()
from django.conf import settings
from django.db import connections
settings.MEDIA_ROOT = {media!r}
settings.DATABASES["default"]["NAME"] = connections["default"].settings_dict["NAME"] = {name!r}
from vo.publishing import products
from vo.publishing.indexing import claim_version, index_version
products.BATCH = 1
asked = iter(range(3))
index_version(claim_version(), stopped=lambda: next(asked) == 2 and os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_process_has_begun_is_ended_by_another(left, settings):
    name = str(connection.settings_dict["NAME"])
    program = textwrap.dedent(PROGRAM).format(media=str(settings.MEDIA_ROOT), name=name)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"}

    ended = subprocess.run([sys.executable, "-c", program], env=environment)

    assert ended.returncode == -9
    assert 0 < left.products.count() < FILES
    PublishedVersion.objects.update(index_seen_at=timezone.now() - timedelta(minutes=1))
    work()
    assert is_indexed(left)
    assert left.products.count() == FILES


def test_places_are_indexed_from_where_it_was_left(settings, sources, publish, client):
    settings.VO = settings.VO | {"INDEX_SECONDS": 0}
    version = publish(sources)
    assert not version.indexed

    work()

    assert is_indexed(version)
    answer = client.get("/scs/virgo/sources?RA=187.7&DEC=12.4&SR=0.1")
    assert b"".join(answer.streaming_content).count(b"<TR>") == 2
