"""Holding an answer back until a job moves on: many may wait, and all of them cost one question now and then."""

import asyncio
import functools
import weakref
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, connections

from vo.errors import VoError
from vo.parameters import sent_parameters
from vo.uws.asking import is_waited_for, wait_asked

POLL_SECONDS = 0.2

# One thread, with one connection, looks for all who wait in this process.
looking = ThreadPoolExecutor(1, thread_name_prefix="jobs-look")


def answered_when_it_moves(view, phases_of, key_of):
    """Let a view of a job be asked with WAIT: it is answered when the job has left its phase, or time is up.

    Who may know of the job is decided by the view, before anybody waits and once more afterwards. Whoever waits holds
    neither a thread nor a connection.

    Parameters
    ----------
    view : callable
        Whose answer has the `phase` of the job.
    phases_of : callable
        Given the keys of jobs, returns {key: phase}; those that are gone have none.
    key_of : callable
        Given what the address says, by name, returns the key of the job.
    """
    now = sync_to_async(view)

    @functools.wraps(view)
    async def answer(request, *args, **kwargs):
        response = await now(request, *args, **kwargs)
        phase = getattr(response, "phase", None)
        if phase is None:
            return response
        try:
            seconds, asked = wait_asked(sent_parameters(request))
        except VoError as error:
            return await sync_to_async(refused)(request, error)
        if not seconds or not is_waited_for(phase, asked):
            return response
        if hasattr(request, "scope"):  # its thread lives as long as the request; the connection need not
            await sync_to_async(connections.close_all)()
        if not await moved(phases_of, key_of(**kwargs), phase, seconds):
            return response
        return await now(request, *args, **kwargs)

    return answer


def refused(request, error):
    """Answer that somebody asks to wait in a way that makes no sense."""
    from vo.doors import as_open, told

    return as_open(told(error, "text"), ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])


async def moved(phases_of, key, phase, seconds):
    """Wait until a job has left its phase, for some seconds at most; return whether it has."""
    watch = Watch.of_this_loop()
    with watch.until_it_leaves(phases_of, key, phase) as left:
        try:
            async with asyncio.timeout(seconds):
                await left.wait()
        except TimeoutError:
            return False
    return True


class Watch:
    """Looks at all jobs that are waited for in an event loop; works while there are any."""

    watches = weakref.WeakKeyDictionary()

    def __init__(self):
        self.waiting = {}
        self.task = None

    @classmethod
    def of_this_loop(cls):
        """Return the watch of the running loop, made when first asked for."""
        loop = asyncio.get_running_loop()
        if loop not in cls.watches:
            cls.watches[loop] = cls()
        return cls.watches[loop]

    @contextmanager
    def until_it_leaves(self, phases_of, key, phase):
        """Give an event that is set when a job is no longer in this phase."""
        left = asyncio.Event()
        self.waiting[left] = (phases_of, key, phase)
        if self.task is None:
            self.task = asyncio.create_task(self.look())
        try:
            yield left
        finally:
            del self.waiting[left]
            if not self.waiting:
                self.task.cancel()
                self.task = None

    async def look(self):
        """Look until cancelled; while the database is away nothing has moved."""
        loop = asyncio.get_running_loop()
        while True:
            began = monotonic()
            waiting, keys = dict(self.waiting), defaultdict(set)
            for phases_of, key, _ in waiting.values():
                keys[phases_of].add(key)
            try:
                found = await loop.run_in_executor(looking, looked_up, keys)
            except Error:
                found = {}
            for left, (phases_of, key, phase) in waiting.items():
                if phases_of in found and found[phases_of].get(key) != phase:
                    left.set()
            await asyncio.sleep(max(0.0, POLL_SECONDS - (monotonic() - began)))


def looked_up(keys):
    """Return the phases of jobs of all kinds: {phases_of: {key: phase}}."""
    close_old_connections()
    return {phases_of: phases_of(wanted) for phases_of, wanted in keys.items()}
