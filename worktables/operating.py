"""What whoever looks after the machines wants to see: who works, at what, and what waits for whom."""

import dataclasses
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Min, Q, Sum

from archive.models import Product
from pipelines.models import Memo
from projects.models import Project
from worktables.models import Todo, Worker, Worktable
from worktables.queue.classes import ALL, class_of_step
from worktables.queue.limiting import standings
from worktables.queue.recovery import database_time

LATELY = timedelta(days=1)
MOST_LOST = 20


@dataclasses.dataclass(frozen=True)
class InHand:
    """Units of one step of a table in the hands of one process."""

    project: str
    worktable_id: int
    table: str
    step: str
    row: int
    n: int
    since: datetime
    seconds: float
    progress: float | None
    progress_text: str
    seen: bool

    @property
    def lasting(self):
        """For how long, in words."""
        return how_long(self.seconds)

    @property
    def percent(self):
        """How far it has come, as a whole number of hundredths; None where the step does not say."""
        return None if self.progress is None else round(100 * self.progress)

    @property
    def others(self):
        """How many units beside the first."""
        return self.n - 1


@dataclasses.dataclass
class Queue:
    """What waits and what runs, of a class of work, of a project or of a user."""

    name: str
    title: str = ""
    waiting: int = 0
    running: int = 0
    oldest: datetime | None = None
    wait: float | None = None
    takers: int | None = None
    seen: bool = False

    @property
    def waited(self):
        """For how long the oldest has waited, in words."""
        return "" if self.wait is None else how_long(self.wait)

    def add(self, waiting, running, oldest):
        """Count what is to do of one step."""
        self.waiting += waiting
        self.running += running
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest


@dataclasses.dataclass(frozen=True)
class Limited:
    """A limit that is reached while work waits for it."""

    of: str
    running: int
    most: int
    waiting: int


@dataclasses.dataclass
class Store:
    """What is kept for a project: results it remembers, and files."""

    name: str
    title: str
    seen: bool
    results: int = 0
    result_bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    evicted: int = 0
    evicted_bytes: int = 0

    @property
    def percent(self):
        """How much of the room for results is taken, in hundredths."""
        return round(100 * self.result_bytes / settings.WORKTABLES["MEMO_BYTES"])


@dataclasses.dataclass(frozen=True)
class Operation:
    """How the work goes at one moment, by the clock of the database."""

    at: datetime
    workers: list[Worker]
    lost: list[Worker]
    classes: list[Queue]
    projects: list[Queue]
    users: list[Queue]
    limits: list[Limited]

    @property
    def n_processes(self):
        """How many units could run at once."""
        return sum(worker.processes for worker in self.workers)

    @property
    def n_busy(self):
        """How many processes have something in hand."""
        return sum(worker.busy for worker in self.workers)

    @property
    def waiting(self):
        """How many units wait."""
        return sum(each.waiting for each in self.classes)

    @property
    def running(self):
        """How many units are in hand."""
        return sum(each.running for each in self.classes)

    @property
    def waited(self):
        """For how long the one has waited that waits longest, in words."""
        waits = [each.wait for each in self.classes if each.wait is not None]
        return how_long(max(waits)) if waits else ""

    @property
    def untaken(self):
        """The classes of which work waits, and which no worker takes."""
        return [each.name for each in self.classes if each.waiting and not each.takers]

    @property
    def codes(self):
        """The versions of the code that workers run; more than one is a half-finished upgrade."""
        return sorted({worker.code for worker in self.workers})


def how_long(seconds):
    """Return a length of time as one says it: in its two largest units, or one if that will do."""
    seconds = max(0, int(seconds))
    if seconds < 100:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 100:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{days} d"


def present_operation(user):
    """Return how the work goes now.

    Parameters
    ----------
    user : User
        Whoever looks; of a table or project that is not theirs to see there is no link.
    """
    now = database_time()
    workers = present_workers(user, now)
    classes, projects, users, limits = queues(user, now)
    for each in classes:
        each.takers = sum(each.name in worker.takes for worker in workers)
    return Operation(now, workers, workers_lost(now), classes, projects, users, limits)


def present_workers(user, now):
    """Return the workers that live or have not been given up, each with what it has in hand."""
    alive = list(Worker.objects.filter(stopped_at=None).order_by("host", "name", "started_at"))
    late = now - timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    hands = in_hand(user, now)
    processes, lacks = defaultdict(list), defaultdict(list)
    for worker in alive:
        processes[worker.parent or worker.token].append(worker.token)
        lacks[worker.parent or worker.token].append(worker.lacks)
    found = [worker for worker in alive if not worker.parent]
    for worker in found:
        busy = [hands[token] for token in processes[worker.token] if token in hands]
        worker.in_hand = sorted((each for hand in busy for each in hand), key=lambda each: each.since)
        worker.busy = len(busy)
        worker.lacks = next((text for text in lacks[worker.token] if text), "")
        worker.silent = worker.seen_at < late
        worker.silence = how_long((now - worker.seen_at).total_seconds())
        worker.share = round(100 * worker.load / worker.cores) if worker.load and worker.cores else 0
        worker.age = how_long((now - worker.started_at).total_seconds())
    return found


def in_hand(user, now):
    """Return {token of a worker: [InHand]} of all that runs."""
    visible = Worktable.objects.visible_to(user)
    held = (
        Todo.objects.exclude(owner=None)
        .values("owner", "worktable_id", "worktable__name", "worktable__project__slug", "step__name")
        .annotate(
            n=Count("row_id"),
            row=Min("row_id"),
            since=Min("claimed_at"),
            done=Max("progress"),
            text=Max("progress_text"),
            seen=Count("row_id", filter=Q(worktable__in=visible)),
        )
        .order_by("since", "worktable_id")
    )
    found = defaultdict(list)
    for each in held:
        found[each["owner"]].append(
            InHand(
                project=each["worktable__project__slug"],
                worktable_id=each["worktable_id"],
                table=each["worktable__name"],
                step=each["step__name"],
                row=each["row"],
                n=each["n"],
                since=each["since"],
                seconds=max(0.0, (now - each["since"]).total_seconds()) if each["since"] else 0.0,
                progress=each["done"],
                progress_text=each["text"] or "",
                seen=bool(each["seen"]),
            )
        )
    return found


def workers_lost(now):
    """Return the workers that fell silent during the last day, the latest first, and not more than a page has room."""
    lost = list(
        Worker.objects.filter(lost=True, stopped_at__gte=now - LATELY).order_by("-stopped_at")[:MOST_LOST]
    )
    parents = Worker.objects.in_bulk({worker.parent for worker in lost if worker.parent})
    for worker in lost:
        worker.of = parents.get(worker.parent)
        worker.ago = how_long((now - worker.stopped_at).total_seconds())
    return lost


def queues(user, now):
    """Return what waits and runs, by class, by project and by who asked, the longest first; and what limits it."""
    by_class = {name: Queue(name) for name in ALL}
    by_project, by_user, waiting_of = {}, {}, Counter()
    steps = (
        Todo.objects.filter(worktable__project__deleted_at=None)
        .values(
            "step__kind",
            "step__step",
            "asked_by",
            "worktable__project_id",
            "worktable__project__slug",
            "worktable__project__title",
        )
        .annotate(
            waiting=Count("row_id", filter=Q(owner=None)),
            running=Count("row_id", filter=~Q(owner=None)),
            oldest=Min("queued_at", filter=Q(owner=None)),
        )
        .order_by()
    )
    for each in steps:
        slug = each["worktable__project__slug"]
        project = by_project.setdefault(slug, Queue(slug, each["worktable__project__title"]))
        asker = by_user.setdefault(each["asked_by"], Queue("nobody in particular"))
        for queue in (by_class[class_of_step(each["step__kind"], each["step__step"])], project, asker):
            queue.add(each["waiting"], each["running"], each["oldest"])
        waiting_of[each["asked_by"], each["worktable__project_id"]] += each["waiting"]
    for asker in get_user_model().objects.filter(pk__in=list(by_user)):
        by_user[asker.pk].name = asker.get_username()
    seen = set(
        Project.objects.visible_to(user).filter(slug__in=list(by_project)).values_list("slug", flat=True)
    )
    for queue in (*by_class.values(), *by_project.values(), *by_user.values()):
        queue.wait = None if queue.oldest is None else max(0.0, (now - queue.oldest).total_seconds())
    for queue in by_project.values():
        queue.seen = queue.name in seen
    return (
        list(by_class.values()),
        sorted(by_project.values(), key=_longest_first),
        sorted(by_user.values(), key=_longest_first),
        limits_reached(waiting_of),
    )


def _longest_first(queue):
    return -queue.waiting, -queue.running, queue.name


def limits_reached(waiting_of):
    """Return the limits because of which work waits.

    Parameters
    ----------
    waiting_of : dict
        (user, project) → how many units wait.
    """
    found = []
    for each in standings():
        waiting = sum(number for whose, number in waiting_of.items() if each.concerns(*whose))
        if each.reached and waiting:
            found.append(Limited(each.limit.of, each.running, each.limit.most, waiting))
    return found


def present_stores(user):
    """Return what is kept for each project, the largest first: a look at all of it, so not for every few seconds."""
    visible = set(Project.objects.visible_to(user).values_list("pk", flat=True))
    found = {
        pk: Store(slug, title, pk in visible)
        for pk, slug, title in Project.objects.values_list("pk", "slug", "title")
    }
    memo = Memo.objects.values("project_id").annotate(n=Count("id"), size=Sum("size")).order_by()
    for each in memo:
        store = found[each["project_id"]]
        store.results, store.result_bytes = each["n"], each["size"]
    gone = Q(evicted_at__isnull=False)
    files = Product.objects.values("project_id").order_by()
    for each in files.annotate(
        files=Count("id", filter=~gone),
        file_bytes=Sum("size", filter=~gone, default=0),
        evicted=Count("id", filter=gone),
        evicted_bytes=Sum("size", filter=gone, default=0),
    ):
        store = found[each.pop("project_id")]
        for name, number in each.items():
            setattr(store, name, number)
    kept = [store for store in found.values() if store.results or store.files or store.evicted]
    return sorted(kept, key=lambda store: (-store.result_bytes - store.file_bytes, store.name))
