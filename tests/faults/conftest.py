"""The small tables of the engine's tests serve here, too; and brokers that may be stopped."""

import os
import shutil
import socket
import subprocess

import pytest
import redis

from tests.worktables.conftest import _files_in_a_folder_of_their_own, cells, family, work, worktable

__all__ = ["_files_in_a_folder_of_their_own", "cells", "family", "work", "worktable"]


class Broker:
    """A Redis of our own, so that messages of others do not matter and nobody misses it."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=subprocess.DEVNULL)

    def forget_everything(self):
        """Lose all messages, as a broker without disk does when it starts again."""
        redis.Redis.from_url(self.url).flushall()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def broker(tmp_path):
    """A broker that runs, where the suite has one."""
    if not os.environ.get("STOA_REDIS_URL"):
        pytest.skip("STOA_REDIS_URL is not set: Celery is tried where there is Redis")
    if shutil.which("redis-server") is None:
        missing = "no redis-server in PATH, and Celery is tried with one of its own"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()
