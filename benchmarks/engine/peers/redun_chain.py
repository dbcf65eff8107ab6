"""redun: tasks in threads of one process, every call and value in a SQLite database."""

import logging
from contextlib import contextmanager
from functools import partial

from redun import Scheduler, task
from redun.config import Config

from benchmarks.engine.peers.measuring import measure

ran = []


@task(namespace="peer")
def plus_one(x):
    ran.append("plus_one")
    return x + 1


@task(namespace="peer")
def twice(a):
    ran.append("twice")
    return a * 2


@task(namespace="peer")
def minus_three(b):
    ran.append("minus_three")
    return b - 3


@task(namespace="peer")
def all_rows(numbers):
    return [minus_three(twice(plus_one(number))) for number in numbers]


class Chain:
    def __init__(self, folder, name, numbers):
        self.numbers, self.before = numbers, len(ran)
        self.settings = {"backend": {"db_uri": f"sqlite:///{folder / name}.db"}}
        Scheduler(config=Config(self.settings)).load()  # makes the tables

    @property
    def ran(self):
        return len(ran) - self.before

    def compute(self):
        # A new scheduler, as each call of redun has; one that had run before would hold all of its jobs.
        scheduler = Scheduler(config=Config(self.settings))
        scheduler.load()
        return scheduler.run(all_rows(self.numbers))

    look = compute

    def edit(self, index, number):
        self.numbers[index] = number
        return self.compute()[index]


@contextmanager
def redun(folder, server):
    logging.getLogger("redun").setLevel(logging.WARNING)  # else it writes several lines per step
    yield partial(Chain, folder)


if __name__ == "__main__":
    measure(["redun"], redun)
