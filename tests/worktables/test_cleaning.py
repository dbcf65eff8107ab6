"""Cleaning up behind the workers: when, and that a look for work finds little to wade through afterwards."""

import threading

import pytest
from django.db import connection

from worktables.models import Todo
from worktables.queue import draining
from worktables.queue.claiming import WAITING
from worktables.queue.cleaning import RESPITE, WORTH_IT, Cleaning, beside
from worktables.rows import add_rows


class Clock:
    """A clock that stands, and cleanings that end when they are told to."""

    def __init__(self):
        self.now, self.cleanings = 0.0, []

    def __call__(self):
        return self.now

    def clean(self, ended, began):
        self.cleanings.append(lambda: ended(began))


@pytest.fixture
def clock():
    return Clock()


def test_a_process_cleans_once_it_has_settled_enough(clock):
    cleaning = Cleaning(clock.clean, clock)

    cleaning.worked_off(WORTH_IT - 1)
    assert len(clock.cleanings) == 0
    cleaning.worked_off(1)
    assert len(clock.cleanings) == 1
    clock.cleanings[0]()
    cleaning.worked_off(WORTH_IT - 1)
    assert len(clock.cleanings) == 1


def test_cleaning_takes_a_twentieth_of_the_time_at_most(clock):
    cleaning = Cleaning(clock.clean, clock)
    cleaning.worked_off(WORTH_IT)
    clock.now = 3.0
    cleaning.worked_off(WORTH_IT)
    assert len(clock.cleanings) == 1, "one cleaning at a time"
    clock.cleanings[0]()

    clock.now = 3.0 + RESPITE * 3.0 - 0.1
    cleaning.worked_off(WORTH_IT)
    assert len(clock.cleanings) == 1
    clock.now += 0.2
    cleaning.worked_off(0)
    assert len(clock.cleanings) == 2, "what was settled meanwhile counts"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_whoever_looks_for_work_wades_through_nothing_that_is_done(worktable, work, owner, monkeypatch):
    add_rows(worktable, [{"x": float(number), "y": 0.0} for number in range(3000)], by=owner)
    begun = []
    monkeypatch.setattr(draining, "CLEANING", Cleaning(lambda *told: begun.append(told)))
    work()
    assert not Todo.objects.exists()
    before = pages_of_a_look()

    [told] = begun
    beside(*told)
    for thread in threading.enumerate():
        if thread.name == "cleaning":
            thread.join(60)

    assert pages_of_a_look() < min(before, 20)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="asks SQLite")
def test_sqlite_is_not_told_to_clean():
    beside(None, 0.0)

    assert not [thread for thread in threading.enumerate() if thread.name == "cleaning"]


def pages_of_a_look():
    """Return how many pages PostgreSQL opens to see what waits."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {WAITING}")
        [[[found]]] = cursor.fetchall()
    return found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
