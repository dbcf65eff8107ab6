"""Server-sent events: what changed, told to the pages that show it.

The `Event` table is the truth; the id of an event is the id on the wire, so a page that reconnects says which one
it saw last and misses nothing. One watcher in each process reads new events once, for all its streams. It looks ten
times a second; where there is Redis it sleeps until somebody publishes on `stoa:events`, and looks every two
seconds in case a message was lost.
"""

import asyncio
import json
import logging
import signal
import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import close_old_connections, connection, connections
from django.db.models import Q
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from projects.models import Project
from worktables.events import CHANNEL
from worktables.models import Event, Worktable

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
POLL_SECONDS_WITH_REDIS = 2.0
HEARTBEAT_SECONDS = 15.0
PERMISSION_SECONDS = 30.0
GAP_SECONDS = 60.0  # a transaction that took an id may commit this much later
LATE_SECONDS = 10.0  # a page made this long ago may lack an event with a smaller id than its newest
AT_ONCE = 500  # events told one by one; a page that missed more is told to load anew
FIELDS = ("id", "project_id", "worktable_id", "kind", "payload")

# Two threads, each with one connection, serve all streams of a process: watching never waits for who looks back.
watching = ThreadPoolExecutor(1, thread_name_prefix="events-watch")
asking = ThreadPoolExecutor(1, thread_name_prefix="events-ask")


@require_GET
async def worktable_events(request, pk):
    """Stream what happens to one table."""
    return await answer(request, Worktable, {"pk": pk}, "worktable_id")


@require_GET
async def project_events(request, slug):
    """Stream what happens to the tables of a project."""
    return await answer(request, Project, {"slug": slug}, "project_id")


async def answer(request, model, which, topic):
    """Answer with the stream of a thing one may see; anything else is not found."""
    user = await request.auser()
    try:
        key = await in_thread(asking, visible_key, model, which, user)
    except ObjectDoesNotExist:
        raise Http404 from None
    # The thread that looked up the session lives as long as this request; its connection need not.
    await sync_to_async(connections.close_all)()

    after = last_seen(request)
    if hasattr(request, "scope"):
        response = StreamingHttpResponse(stream(model, key, topic, user, after))
    else:  # a synchronous server cannot keep a stream open: tell what there is, and be asked again
        response = HttpResponse(await once(topic, key, after))
    response["Content-Type"] = "text/event-stream"
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def last_seen(request):
    """Return the id of the last event the page knows, or None when it only wants news."""
    for said in (request.headers.get("Last-Event-ID"), request.GET.get("after")):
        if said and said.isascii() and said.isdigit() and len(said) < 19:
            return int(said)
    return None


async def stream(model, key, topic, user, after):
    """Tell a page the events it missed, then those that come, until it leaves or may not look any more."""
    yield "retry: 1000\n\n"
    watcher = Watcher.of_this_loop()
    with watcher.inbox(topic, key) as inbox:
        await watcher.ready()
        told = set()
        if after is None:
            after = await in_thread(asking, newest_id)
            yield hello(after)
        else:
            missed = await in_thread(asking, events_after, topic, key, after)
            if missed is None:
                after = await in_thread(asking, newest_id)
                yield reload(after)
            elif missed:
                told = {event["id"] for event in missed}
                yield as_lines(missed, after)
                after = max(after, *told)

        asked_at = monotonic()
        while not watcher.leaving:
            events = await inbox.next(HEARTBEAT_SECONDS)
            if monotonic() - asked_at > PERMISSION_SECONDS:
                asked_at = monotonic()
                try:
                    await in_thread(asking, visible_key, model, {"pk": key}, user)
                except ObjectDoesNotExist:
                    return
            news = [event for event in events if event["id"] not in told]
            if news:
                yield as_lines(news, after)
                after = max(after, *(event["id"] for event in news))
            elif not events and not watcher.leaving:
                yield ": still here\n\n"


async def once(topic, key, after):
    """Return what happened since the last time; the page asks again after a while."""
    if after is None:
        return "retry: 2000\n\n" + hello(await in_thread(asking, newest_id))
    missed = await in_thread(asking, events_after, topic, key, after)
    lines = reload(await in_thread(asking, newest_id)) if missed is None else as_lines(missed, after)
    return "retry: 2000\n\n" + lines


def hello(newest):
    """Write where the page stands, so that it misses nothing even if it is cut off before the first event."""
    return f"id: {newest}\nevent: hello\ndata: {{}}\n\n"


def reload(newest):
    """Tell the page to load anew: it missed more than can be told."""
    return f"id: {newest}\nevent: reload\ndata: {{}}\n\n"


def as_lines(events, after):
    """Write events as the wire has them: the last of equal ones only, and one “reload” in place of very many.

    An event that was committed later than one with a greater id goes without its id, so that the page does not
    forget how far it was.
    """
    if len(events) > AT_ONCE:
        return reload(max(after, *(event["id"] for event in events)))
    last_of = {
        (event["worktable_id"], event["kind"], json.dumps(event["payload"])): event["id"] for event in events
    }
    lines = []
    for event in events:
        payload = json.dumps(event["payload"])
        if last_of[event["worktable_id"], event["kind"], payload] != event["id"]:
            continue
        if event["id"] > after:
            after = event["id"]
            lines.append(f"id: {after}\n")
        data = json.dumps({**event["payload"], "worktable": event["worktable_id"]})
        lines.append(f"event: {event['kind']}\ndata: {data}\n\n")
    return "".join(lines)


# ------------------------------------------------------------------ one watcher for all streams


class Inbox:
    """What the watcher has found for one stream and the stream has not told yet."""

    def __init__(self):
        self.events = deque(maxlen=AT_ONCE + 1)  # one more than is told one by one: then the page loads anew
        self.filled = asyncio.Event()

    def put(self, events):
        """Add events; a page that reads slower than things happen loses the oldest, and reloads."""
        self.events.extend(events)
        self.filled.set()

    async def next(self, seconds):
        """Return everything new, waiting at most that long for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.filled.wait()
        self.filled.clear()
        events = list(self.events)
        self.events.clear()
        return events


class Watcher:
    """Reads new events once for all streams of an event loop; works while there are any."""

    watchers = weakref.WeakKeyDictionary()

    def __init__(self):
        self.inboxes = {}
        self.task = None
        self.started = asyncio.Event()
        self.woken = asyncio.Event()
        self.leaving = False
        self.listening = False

    @classmethod
    def of_this_loop(cls):
        """Return the watcher of the running loop, made when first asked for."""
        loop = asyncio.get_running_loop()
        if loop not in cls.watchers:
            cls.watchers[loop] = cls()
            cls.watchers[loop].leave_with_the_server(loop)
        return cls.watchers[loop]

    @contextmanager
    def inbox(self, topic, key):
        """Give a stream its inbox for as long as it lasts; the first one starts the watcher, the last stops it."""
        inbox = Inbox()
        self.inboxes.setdefault((topic, key), set()).add(inbox)
        if self.task is None:
            self.started.clear()
            self.task = asyncio.create_task(self.watch())
        try:
            yield inbox
        finally:
            self.inboxes[topic, key].discard(inbox)
            if not self.inboxes[topic, key]:
                del self.inboxes[topic, key]
            if not self.inboxes:
                self.task.cancel()
                self.task = None

    async def ready(self):
        """Wait until nothing new can slip by."""
        await self.started.wait()

    async def watch(self):
        """Look for new events until cancelled, and hand them out; a database that is away is asked again."""
        reader = None
        listener = asyncio.create_task(self.listen()) if settings.REDIS_URL else None
        try:
            while not self.leaving:
                try:
                    if reader is None:
                        reader = await in_thread(watching, Reader)
                        self.started.set()
                    self.hand_out(await in_thread(watching, reader.read))
                except Exception:
                    log.exception("events cannot be read; trying again in a second")
                    await asyncio.sleep(1)
                if not self.listening:
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS_WITH_REDIS):
                        await self.woken.wait()
                await asyncio.sleep(POLL_SECONDS / 4)  # what comes in a burst is read together
                self.woken.clear()
        finally:
            if listener:
                listener.cancel()

    def hand_out(self, events):
        """Put each event into the inboxes of the streams that want it."""
        wanted = {}
        for event in events:
            for topic in ("worktable_id", "project_id"):
                wanted.setdefault((topic, event[topic]), []).append(event)
        for key in wanted.keys() & self.inboxes.keys():
            for inbox in self.inboxes[key]:
                inbox.put(wanted[key])

    async def listen(self):
        """Wake the watcher whenever something is published; without Redis it polls as if there were none."""
        from redis.asyncio import Redis

        complained = False
        while True:
            try:
                async with Redis.from_url(settings.REDIS_URL) as redis, redis.pubsub() as messages:
                    await messages.subscribe(CHANNEL)
                    # The client may swallow a cancellation while it connects; waiting for messages would be for ever.
                    if asyncio.current_task().cancelling():
                        raise asyncio.CancelledError
                    self.listening, complained = True, False
                    self.woken.set()
                    async for _ in messages.listen():
                        self.woken.set()
            except Exception as error:
                if not complained:
                    log.warning("live pages poll, because Redis is away: %s", error)
                complained = True
            finally:
                self.listening = False
            await asyncio.sleep(2)

    def leave(self):
        """End all streams."""
        self.leaving = True
        self.woken.set()
        for inboxes in self.inboxes.values():
            for inbox in inboxes:
                inbox.filled.set()

    def leave_with_the_server(self, loop):
        """End all streams when the server is asked to stop: it waits for them before it goes."""
        if threading.current_thread() is not threading.main_thread():
            return

        def chain(number, previous):
            def handle(received, frame):
                with suppress(RuntimeError):  # the loop may be gone already
                    loop.call_soon_threadsafe(self.leave)
                previous(received, frame)

            signal.signal(number, handle)

        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            # Python's own handlers are left alone: only a server that handles the signal waits for streams.
            if callable(previous) and previous is not signal.default_int_handler:
                chain(number, previous)


# ------------------------------------------------------------------ what is asked of the database, in threads


class Reader:
    """Remembers which events were read.

    Ids are given when a row is written, and rows are seen when their transaction commits: on PostgreSQL event 7 may
    appear after event 8. Ids that were jumped over are looked for until they appear or are too old to.
    """

    def __init__(self):
        self.newest = newest_id()
        self.gaps = {}
        recent = range(max(1, self.newest - 100), self.newest)
        known = set(Event.objects.filter(id__in=recent).values_list("id", flat=True)) if recent else set()
        self.remember_gaps(set(recent) - known)

    def read(self):
        """Return the events that were not there last time, in the order of their ids."""
        found = Q(id__gt=self.newest)
        if self.gaps:
            found |= Q(id__in=list(self.gaps))
        events = list(Event.objects.filter(found).order_by("id").values(*FIELDS)[: 4 * AT_ONCE])
        ids = {event["id"] for event in events}
        newest = max(ids, default=self.newest)
        if newest > self.newest:
            self.remember_gaps(list(set(range(self.newest + 1, newest)) - ids)[-1000:])
            self.newest = newest
        now = monotonic()
        self.gaps = {gap: until for gap, until in self.gaps.items() if gap not in ids and until > now}
        return events

    def remember_gaps(self, ids):
        """Look for these ids for a while; SQLite writes one transaction at a time and has no gaps to fill."""
        if connection.vendor != "sqlite":
            self.gaps |= dict.fromkeys(ids, monotonic() + GAP_SECONDS)


def newest_id():
    """Return the id of the newest event, or 0."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def events_after(topic, key, after):
    """Return what a page missed: events after the last it saw, and those that may have been committed late.

    None when some of that is forgotten already.
    """
    oldest = Event.objects.order_by("id").values_list("id", flat=True).first()
    if after > 0 if oldest is None else after < oldest - 1:
        return None
    missed = Q(id__gt=after)
    if connection.vendor != "sqlite":
        missed |= Q(at__gt=timezone.now() - timedelta(seconds=LATE_SECONDS))
    events = Event.objects.filter(missed, **{topic: key})
    return list(events.order_by("-id").values(*FIELDS)[: AT_ONCE + 1])[::-1]


def visible_key(model, which, user):
    """Return the id of a thing if this user may see it; raise its DoesNotExist otherwise."""
    user = type(user).objects.get(pk=user.pk) if user.is_authenticated else user
    return model.objects.visible_to(user).values_list("pk", flat=True).get(**which)


async def in_thread(pool, function, *arguments):
    """Ask the database in a thread of ours, which keeps its connection as long as that works."""

    def ask():
        close_old_connections()
        return function(*arguments)

    return await sync_to_async(ask, thread_sensitive=False, executor=pool)()
