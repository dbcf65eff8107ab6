"""The live pages: every event arrives, in order, once, and only where it may be seen."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.test import AsyncClient
from django.urls import reverse

from portal import events
from projects.editing import create_project
from projects.sharing import withdraw_from
from worktables.models import Event, Worktable

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _closed_connections(transactional_db):
    yield
    for pool in (events.watching, events.asking):
        pool.submit(connections.close_all).result()


@pytest.fixture
def table(project):
    return Worktable.objects.create(project=project, name="galaxies")


@pytest.fixture
def elsewhere(stranger):
    return Worktable.objects.create(project=create_project("coma", "Coma", creator=stranger), name="galaxies")


def announce(table, n, **facts):
    return Event.objects.create(
        project_id=table.project_id, worktable=table, kind="rows", payload={"rows": [n]}, **facts
    )


class Page:
    """A page that listens."""

    def __init__(self, response):
        self.lines = aiter(response)

    async def told(self):
        """Return the next events on the wire, as (id or None, kind, data)."""
        async with asyncio.timeout(20):
            while True:
                chunk = (await anext(self.lines)).decode()
                told = [message_in(block) for block in chunk.split("\n\n") if "data:" in block]
                if told:
                    return told


def message_in(block):
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    return int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"])


@asynccontextmanager
async def page_of(user, address, **headers):
    client = AsyncClient()
    await client.aforce_login(user)
    response = await client.get(address, headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    page = Page(response)
    try:
        yield page
    finally:
        await page.lines.aclose()


def address_of(table, after=None):
    return reverse("worktable-events", args=[table.pk]) + (f"?after={after}" if after is not None else "")


def test_a_page_hears_what_happens_to_its_table_only(table, elsewhere, reader):
    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            [(_, kind, _)] = await page.told()
            assert kind == "hello"
            await sync_to_async(announce)(elsewhere, 1)
            event = await sync_to_async(announce)(table, 2)

            assert await page.told() == [(event.pk, "rows", {"rows": [2], "worktable": table.pk})]

    async_to_sync(scenario)()


def test_the_page_of_a_project_hears_all_its_tables(table, project, elsewhere, reader):
    other = Worktable.objects.create(project=project, name="stars")

    async def scenario():
        async with page_of(reader, reverse("project-events", args=["virgo"])) as page:
            await page.told()
            await sync_to_async(announce)(elsewhere, 1)
            for shown in (table, other):
                await sync_to_async(announce)(shown, 2)
                [(_, _, data)] = await page.told()
                assert data["worktable"] == shown.pk

    async_to_sync(scenario)()


@pytest.mark.parametrize("by_header", [True, False])
def test_a_page_that_comes_back_misses_nothing(table, reader, by_header):
    seen, *missed = [announce(table, n) for n in range(4)]

    async def scenario():
        address = address_of(table, None if by_header else seen.pk)
        headers = {"last-event-id": str(seen.pk)} if by_header else {}
        async with page_of(reader, address, **headers) as page:
            told = await page.told()
            assert [number for number, _, _ in told if number] == [event.pk for event in missed]
            last = await sync_to_async(announce)(table, 9)
            assert [number for number, _, _ in await page.told()] == [last.pk]

    async_to_sync(scenario)()


def test_where_a_page_stands_is_said_before_anything_happens(table, reader):
    newest = announce(table, 1)

    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            assert await page.told() == [(newest.pk, "hello", {})]

    async_to_sync(scenario)()


def test_a_page_can_come_right_after_the_last_one_left(table, reader):
    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            await page.told()
        async with page_of(reader, address_of(table)) as page:
            await page.told()
            event = await sync_to_async(announce)(table, 1)
            assert [number for number, _, _ in await page.told()] == [event.pk]

    async_to_sync(scenario)()


def test_an_event_committed_late_still_arrives(table, reader, monkeypatch):
    first = announce(table, 1)
    monkeypatch.setattr(
        events.Reader, "remember_gaps", lambda self, ids: self.gaps.update(dict.fromkeys(ids, float("inf")))
    )

    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            await page.told()
            await sync_to_async(announce)(table, 3, pk=first.pk + 2)
            assert [number for number, _, _ in await page.told()] == [first.pk + 2]
            await sync_to_async(announce)(table, 2, pk=first.pk + 1)
            assert await page.told() == [(None, "rows", {"rows": [2], "worktable": table.pk})]

    async_to_sync(scenario)()


def test_who_missed_very_much_is_told_to_load_anew(table, reader, monkeypatch):
    monkeypatch.setattr(events, "AT_ONCE", 3)
    written = [announce(table, n) for n in range(6)]

    async def scenario():
        async with page_of(reader, address_of(table, written[0].pk)) as page:
            [(number, kind, _)] = await page.told()
            assert (number, kind) == (written[-1].pk, "reload")

    async_to_sync(scenario)()


@pytest.mark.parametrize("all_forgotten", [True, False])
def test_who_missed_what_is_forgotten_is_told_to_load_anew(table, reader, all_forgotten):
    seen, missed, known = [announce(table, n) for n in range(3)]
    forgotten = Event.objects.all() if all_forgotten else Event.objects.filter(pk__in=[seen.pk, missed.pk])
    forgotten.delete()

    async def scenario():
        async with page_of(reader, address_of(table, seen.pk)) as page:
            assert await page.told() == [(0 if all_forgotten else known.pk, "reload", {})]

    async_to_sync(scenario)()


def test_of_equal_events_the_last_is_told(table):
    equal = [
        {"id": n, "project_id": 1, "worktable_id": 1, "kind": "rows", "payload": {"rows": [n % 2]}}
        for n in (1, 2, 3)
    ]

    told = [message_in(block) for block in events.as_lines(equal, 0).strip().split("\n\n")]

    assert told == [(2, "rows", {"rows": [0], "worktable": 1}), (3, "rows", {"rows": [1], "worktable": 1})]


@pytest.mark.parametrize("name", ["stranger", None])
def test_others_find_nothing(request, table, name):
    async def scenario(user):
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        for address in (address_of(table), reverse("project-events", args=["virgo"])):
            assert (await client.get(address)).status_code == 404

    async_to_sync(scenario)(request.getfixturevalue(name) if name else None)


def test_whoever_is_withdrawn_hears_no_more(table, project, owner, reader, monkeypatch):
    monkeypatch.setattr(events, "PERMISSION_SECONDS", 0)

    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            await page.told()
            await sync_to_async(withdraw_from)(project, reader, by=owner)
            await sync_to_async(announce)(table, 1)
            with pytest.raises(StopAsyncIteration):
                await page.told()

    async_to_sync(scenario)()


def test_a_silent_table_still_beats(table, reader, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.01)

    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            await page.told()
            assert (await anext(page.lines)) == b": still here\n\n"

    async_to_sync(scenario)()


def test_many_pages_share_one_watcher_and_leave_nothing_behind(table, reader):
    async def scenario():
        client = AsyncClient()
        await client.aforce_login(reader)
        pages = [Page(await client.get(address_of(table))) for _ in range(20)]
        for page in pages:
            await page.told()
        watcher = events.Watcher.of_this_loop()
        assert sum(map(len, watcher.inboxes.values())) == 20
        event = await sync_to_async(announce)(table, 1)
        for page in pages:
            assert [number for number, _, _ in await page.told()] == [event.pk]
        waiting = [asyncio.create_task(page.told()) for page in pages]
        await asyncio.sleep(0)
        for task in waiting:  # this is how the server tells a stream that its page is gone
            task.cancel()
        await asyncio.wait(waiting)
        assert (watcher.inboxes, watcher.task) == ({}, None)

    async_to_sync(scenario)()


def test_a_server_that_stops_ends_the_streams(table, reader):
    async def scenario():
        async with page_of(reader, address_of(table)) as page:
            await page.told()
            events.Watcher.of_this_loop().leave()
            with pytest.raises(StopAsyncIteration):
                await page.told()

    async_to_sync(scenario)()


def test_a_server_without_streams_tells_what_there_is(table, reader, client):
    event = announce(table, 1)
    client.force_login(reader)

    answer = client.get(address_of(table, event.pk - 1)).content.decode()

    assert f"id: {event.pk}\nevent: rows" in answer


def test_whoever_listens_to_redis_stops_when_told_to(settings):
    """The client swallows a cancellation that comes while it connects."""
    if not settings.REDIS_URL:
        pytest.skip("STOA_REDIS_URL is not set")

    async def scenario():
        for steps in range(60):
            task = asyncio.create_task(events.Watcher().listen())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            _, waiting = await asyncio.wait({task}, timeout=5)
            assert not waiting, steps

    asyncio.run(scenario())
