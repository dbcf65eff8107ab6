"""What is measured of every peer, in the same order and by the same clocks as Stoa's scene.

A peer is a context in which chains are made, ``make_chain(name, numbers)``. A chain has

- ``compute()``: take the numbers in, make everything; answer the results in their order;
- ``look()``: have brought up to date what is up to date (missing where nothing is remembered);
- ``edit(index, number)``: change one number; answer its result;
- ``ran``: how many steps have run so far;
- ``servers``: names and versions of the servers that it uses, if any.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine.machine import cpu_seconds

STEPS = 3
PATIENCE = 5.0  # seconds in which something short is repeated
REPEATS = 20


def result_of(number):
    return (number + 1) * 2 - 3


def measure(packages, open_peer):
    """Measure one peer at one size; write each figure as a line of JSON as soon as it is known.

    Parameters
    ----------
    packages : list of str
        What is being measured; their versions are told.
    open_peer : callable
        Takes a folder for its files and the URL of a PostgreSQL database.
    """
    rows, folder, server, postmaster = sys.argv[1:]
    rows, pids = int(rows), [os.getpid(), *filter(None, [int(postmaster)])]
    # Whatever a peer has to print goes to the log, so that the lines of figures stay whole.
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(**facts):
        print(json.dumps(facts), file=lines)

    with open_peer(Path(folder), server) as make_chain:
        warm = make_chain("warm", [number + 0.25 for number in range(50)])
        check(warm.compute(), warm.numbers)
        chain = make_chain("numbers", [number + 0.5 for number in range(rows)])
        tell(versions={name: version(name) for name in packages} | getattr(chain, "servers", {}))

        began, used = time.monotonic(), cpu_seconds(pids)
        results = chain.compute()
        wall, cpu = time.monotonic() - began, cpu_seconds(pids) - used
        check(results, chain.numbers)
        assert chain.ran == STEPS * rows, chain.ran
        tell(**{"all, CPU per step": cpu / (STEPS * rows), "all, wall per step": wall / (STEPS * rows)})

        if hasattr(chain, "look"):
            tell(**{"nothing changed": statistics.median(each for _, each in repeated(chain.look))})
            assert chain.ran == STEPS * rows, "something ran although nothing had changed"

        rng, before = random.Random(4), chain.ran

        def edit():
            number = rng.random() + 1e6
            assert chain.edit(rng.randrange(rows), number) == result_of(number)

        seconds = [each for _, each in repeated(edit)]
        ran = (chain.ran - before) / len(seconds)
        tell(**{"edit, fresh p50": statistics.median(seconds), "edit, ran": ran})


def check(results, numbers):
    """Compare every result with a plain recomputation."""
    assert list(results) == [result_of(number) for number in numbers]


def repeated(deed):
    """Do it some times, of what takes long only once; yield the number and the seconds of each."""
    first = time.monotonic()
    for number in range(REPEATS):
        began = time.perf_counter()
        deed()
        yield number, time.perf_counter() - began
        if time.monotonic() - first > PATIENCE:
            return
