"""Stopping a step from outside: it ends, its batch goes on, and nothing comes afterwards."""

import signal
import threading
import time
from contextlib import contextmanager

import pytest

from pipelines.contract import Port, Step
from pipelines.executing import Call, execute
from pipelines.limits import Limits
from pipelines.stopping import SIGNAL, Halt, Stopped, Watch

TICK = 0.02
FOR_EVER = 60  # seconds; only a failing test waits so long


class Notebook:
    """A context that keeps its log, and stops the step as that of a project does."""

    def __init__(self, halt):
        self.lines, self.halt = [], halt

    def log(self, text):
        self.halt.check()
        self.lines.append(text)


@pytest.fixture(params=["exception", "signal"])
def watch(request):
    """Both ways to reach a thread: any, or the main one, which a signal also wakes."""
    watch = Watch()
    before = signal.getsignal(SIGNAL)
    if request.param == "signal":
        watch.hear_signals()
    yield watch
    signal.signal(SIGNAL, before)


@contextmanager
def looked_after(watch):
    """Let another thread look, and do what the test wants meanwhile."""
    over, heeded = threading.Event(), []

    def look():
        while not over.wait(TICK):
            heeded.append(watch.look())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield heeded
    finally:
        over.set()
        thread.join()


def calls_for(watch, *xs):
    halts = [Halt(watch) for _ in xs]
    return [Call({"x": x}, {}, Notebook(halt), halt) for x, halt in zip(xs, halts, strict=True)]


def step_of(function, **facts):
    return Step("toy", function, (Port("x"),), (Port("y"),), **facts)


def spin(seconds=FOR_EVER):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def soon(action):
    timer = threading.Timer(0.1, action)
    timer.start()
    return timer


def test_a_call_that_nobody_wants_is_stopped_and_the_others_complete(watch):
    calls = calls_for(watch, 1.0, 2.0, 3.0)
    calls[1].halt.why = None

    def step(inputs, parameters, context):
        if inputs["x"] == 2.0:
            calls[1].halt.why = Stopped("cancelled")
            spin()
        return {"y": inputs["x"]}

    with looked_after(watch):
        results = execute(step_of(step), calls, watch=watch)

    assert [result.stopped for result in results] == [False, True, False]
    assert [result.outputs and result.outputs["y"] for result in results] == [1.0, None, 3.0]
    assert results[1].error == "cancelled"


def test_a_call_that_is_stopped_before_its_turn_never_runs(watch):
    calls, ran = calls_for(watch, 1.0, 2.0), []
    calls[1].halt.why = Stopped("cancelled")

    results = execute(step_of(lambda inputs, *_: ran.append(inputs["x"]) or {"y": 1.0}), calls, watch=watch)

    assert ran == [1.0]
    assert [result.stopped for result in results] == [False, True]


def test_a_step_that_mends_its_own_errors_does_not_mend_this(watch):
    [call] = calls_for(watch, 1.0)

    def step(inputs, parameters, context):
        call.halt.why = Stopped("cancelled")
        while True:
            try:
                spin()
            except Exception:
                continue

    with looked_after(watch):
        [result] = execute(step_of(step), [call], watch=watch)

    assert result.stopped


def test_one_of_a_batch_is_stopped_and_the_others_are_computed_one_by_one(watch):
    calls, sizes = calls_for(watch, 1.0, 2.0, 3.0), []

    def step(inputs, parameters, contexts):
        sizes.append(len(inputs))
        if len(inputs) > 1:
            calls[0].halt.why = Stopped("cancelled")
            spin()
        return [{"y": each["x"]} for each in inputs]

    with looked_after(watch):
        results = execute(step_of(step, batched=True), calls, watch=watch)

    assert sizes == [3, 1, 1]
    assert [result.outputs and result.outputs["y"] for result in results] == [None, 2.0, 3.0]


def test_a_step_that_takes_too_long_fails_with_its_limit(watch):
    calls = calls_for(watch, 1.0, 2.0)

    def step(inputs, parameters, context):
        if inputs["x"] == 1.0:
            spin()
        return {"y": inputs["x"]}

    with looked_after(watch):
        results = execute(step_of(step), calls, watch=watch, limits=Limits(seconds=0.2))

    assert results[0].error == "ran longer than 0.2 s, its limit"
    assert not results[0].stopped
    assert results[1].outputs == {"y": 2.0}


def test_a_batch_that_takes_too_long_is_tried_call_by_call(watch):
    def step(inputs, parameters, contexts):
        if any(each["x"] == 2.0 for each in inputs):
            spin()
        return [{"y": each["x"]} for each in inputs]

    with looked_after(watch):
        results = execute(
            step_of(step, batched=True),
            calls_for(watch, 1.0, 2.0, 3.0),
            watch=watch,
            limits=Limits(seconds=0.1),
        )

    assert [result.error for result in results] == ["", "ran longer than 0.1 s, its limit", ""]


def test_a_step_that_stumbles_over_being_stopped_is_no_failure(watch):
    """As when the program it waits for is ended first."""
    [call] = calls_for(watch, 1.0)

    def step(inputs, parameters, context):
        call.halt.why = Stopped("cancelled")
        raise OSError("my program was killed by signal 15")

    [result] = execute(step_of(step), [call], watch=watch)

    assert (result.stopped, result.error) == (True, "cancelled")


def test_a_step_stops_when_it_writes_into_its_log():
    """Also where nobody watches."""
    [call] = calls_for(None, 1.0)

    def step(inputs, parameters, context):
        call.halt.why = Stopped("cancelled")
        context.log("still here")

    [result] = execute(step_of(step), [call])

    assert result.stopped
    assert call.context.lines == []


def test_a_step_that_sleeps_is_woken():
    watch, before = Watch(), signal.getsignal(SIGNAL)
    [call] = calls_for(watch, 1.0)
    soon(lambda: setattr(call.halt, "why", Stopped("cancelled")))

    try:
        watch.hear_signals()
        began = time.monotonic()
        with looked_after(watch):
            [result] = execute(step_of(lambda *_: time.sleep(FOR_EVER)), [call], watch=watch)
    finally:
        signal.signal(SIGNAL, before)

    assert result.stopped
    assert time.monotonic() - began < FOR_EVER / 2


def test_what_does_not_heed_is_told_with_its_seconds(watch):
    [call] = calls_for(watch, 1.0)

    def stubborn(inputs, parameters, context):
        call.halt.why = Stopped("cancelled")
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            try:
                spin(0.1)
            except Stopped:
                continue
        return {"y": 1.0}

    with looked_after(watch) as heeded:
        execute(step_of(stubborn), [call], watch=watch)
        end = len(heeded)

    assert max(heeded[:end]) > 0.2
    assert watch.look() == 0.0


def test_nothing_comes_from_outside_in_a_shelter(watch):
    [call] = calls_for(watch, 1.0)
    done = []

    def step(inputs, parameters, context):
        with call.halt.undisturbed():
            call.halt.why = Stopped("cancelled")
            spin(0.2)
            done.append("sheltered")
        done.append("never")

    with looked_after(watch):
        [result] = execute(step_of(step), [call], watch=watch)

    assert done == ["sheltered"]
    assert result.stopped


def test_a_signal_that_comes_when_the_call_is_over_does_nothing():
    watch, before = Watch(), signal.getsignal(SIGNAL)
    [call] = calls_for(watch, 1.0)
    try:
        watch.hear_signals()

        def step(inputs, parameters, context):
            call.halt.why = Stopped("cancelled")
            watch.look()
            spin()

        [result] = execute(step_of(step), [call], watch=watch)
        signal.raise_signal(SIGNAL)
        spin(0.01)
    finally:
        signal.signal(SIGNAL, before)

    assert result.stopped


def test_a_stop_that_comes_as_the_call_ends_is_over_with_it(watch):
    """What is written to the database afterwards is never interrupted; tried at many moments."""
    outcomes = set()
    for number in range(400):
        halt, over = Halt(watch), threading.Event()

        def meddle(halt=halt, over=over, number=number):
            over.wait(number % 40 * 5e-6)
            halt.why = Stopped("cancelled")
            while not over.is_set():
                watch.look()

        thread = threading.Thread(target=meddle)
        thread.start()
        try:
            watch.run([halt], None, spin, 2e-4)
            outcomes.add("given")
        except Stopped:
            outcomes.add("stopped")
        spin(1e-4)  # here it must not come
        over.set()
        thread.join()

    assert outcomes >= {"stopped"}
