"""Celery: a chain of three messages per row over Redis, two worker processes; nobody remembers what was computed."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

from celery import Celery, chain

from benchmarks.engine.peers.measuring import STEPS, measure

BROKER = "STOA_BENCHMARK_BROKER"
URL = os.environ.get(BROKER, "")
app = Celery("peer", broker=URL and f"{URL}/0", backend=URL and f"{URL}/1")


@app.task(name="plus_one")
def plus_one(x):
    return x + 1


@app.task(name="twice")
def twice(a):
    return a * 2


@app.task(name="minus_three")
def minus_three(b):
    return b - 3


class Chain:
    def __init__(self, name, numbers):
        self.numbers, self.ran = numbers, 0
        self.servers = {"Redis": app.backend.client.info()["redis_version"]}

    def compute(self):
        sent = [send(number) for number in self.numbers]
        results = [one.get() for one in sent]
        self.ran += STEPS * len(results)
        return results

    def edit(self, index, number):
        """Compute that row again: the caller must know which one."""
        self.ran += STEPS
        return send(number).get()


def send(number):
    return chain(plus_one.s(number), twice.s(), minus_three.s()).apply_async()


@contextmanager
def celery(folder, server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"redis://127.0.0.1:{port}"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    redis = subprocess.Popen(["redis-server", *options])
    environment = os.environ | {BROKER: url}
    program = [sys.executable, "-m", "celery", "-A", "benchmarks.engine.peers.celery_chain"]
    worker = subprocess.Popen([*program, "worker", "-c", "2", "-l", "error"], env=environment)
    try:
        app.conf.update(broker_url=f"{url}/0", result_backend=f"{url}/1")
        time.sleep(1)
        yield Chain
    finally:
        worker.terminate()
        worker.wait(60)
        redis.terminate()
        redis.wait(60)


if __name__ == "__main__":
    measure(["celery"], celery)
