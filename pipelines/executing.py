"""Running a step on a batch of calls: each ends with outputs or with an error, none disturbs the others."""

import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.contract import Context, Step, StepFailed
from pipelines.errors import PipelinesError, WrongValue


@dataclass(slots=True)
class Call:
    """What one row gives to a step."""

    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    context: Context


@dataclass(slots=True)
class Result:
    """What came of a call: outputs, or one line that says what went wrong and a log that says more."""

    outputs: dict[str, Any] | None
    error: str
    log: str
    started_at: datetime
    finished_at: datetime


@dataclass(slots=True)
class Attempt:
    """A call while it runs."""

    call: Call
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    failure: Exception | None = None
    started_at: datetime = datetime.min
    finished_at: datetime = datetime.min


def present_time() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)


def execute(step: Step, calls: Sequence[Call], now: Callable[[], datetime] = present_time) -> list[Result]:
    """Run a step on some calls; a call that fails leaves the others alone.

    Returns
    -------
    list of Result
        In the order of the calls. Outputs were checked against the ports and are plain Python values; every
        declared output is present, optional ones perhaps as ``None``.
    """
    attempts, moment = [Attempt(call) for call in calls], now()
    ready = [attempt for attempt in attempts if prepare(step, attempt, moment)]
    with warnings_in_the_log() as listen:
        if step.batched and len(ready) > 1:
            run_batch(step, ready, now, listen)
        else:
            for attempt in ready:
                run_one(step, attempt, now, listen)
    return [result_of(attempt) for attempt in attempts]


def prepare(step: Step, attempt: Attempt, moment: datetime) -> bool:
    """Check inputs and parameters before anything runs."""
    attempt.started_at = attempt.finished_at = moment
    try:
        missing = step.missing_inputs(attempt.call.inputs)
        if missing:
            raise StepFailed(f"{' and '.join(f'“{name}”' for name in missing)} is empty: fill it in first")
        attempt.parameters = step.effective_parameters(attempt.call.parameters)
    except (StepFailed, PipelinesError) as failure:
        attempt.failure = failure
    return attempt.failure is None


def run_one(step: Step, attempt: Attempt, now: Callable[[], datetime], listen: Callable) -> None:
    """Run the step on one call."""
    call = attempt.call
    listen(call.context)
    attempt.started_at = now()
    try:
        if step.batched:
            [given] = step.function([call.inputs], [attempt.parameters], [call.context])
        else:
            given = step.function(call.inputs, attempt.parameters, call.context)
        accept(step, attempt, given)
    except SystemExit as end:  # it would take the worker along, and all that is in its hands
        attempt.failure = StepFailed(f"the step ended its process (exit {end.code}); it must return or raise")
    except Exception as failure:
        attempt.failure = failure
    attempt.finished_at = now()


def run_batch(step: Step, attempts: list[Attempt], now: Callable[[], datetime], listen: Callable) -> None:
    """Run the step on all calls at once; if that fails as a whole, on one after the other."""
    contexts = [attempt.call.context for attempt in attempts]
    listen(contexts[0])
    started = now()
    try:
        given = step.function(
            [attempt.call.inputs for attempt in attempts],
            [attempt.parameters for attempt in attempts],
            contexts,
        )
        given = list(given)
        if len(given) != len(attempts):
            raise StepFailed(f"step “{step.name}” gave {len(given)} results for {len(attempts)} calls")
    except (Exception, SystemExit):
        for attempt in attempts:
            run_one(step, attempt, now, listen)
        return
    finished = now()
    for attempt, each in zip(attempts, given, strict=True):
        attempt.started_at, attempt.finished_at = started, finished
        try:
            accept(step, attempt, each)
        except Exception as failure:
            attempt.failure = failure


def accept(step: Step, attempt: Attempt, given: Any) -> None:
    """Check what the step gave against its ports, and keep it."""
    if isinstance(given, Exception):
        raise given
    if not isinstance(given, Mapping):
        raise StepFailed(
            f"step “{step.name}” gave {type(given).__name__}; it must give a dict of its outputs"
        )
    if not given.keys() <= step.output_named.keys():
        unknown = sorted(set(given) - set(step.output_named))
        raise StepFailed(f"step “{step.name}” gave “{unknown[0]}”, which is none of its outputs")
    outputs = {}
    for port in step.outputs:
        value = port.fit(given.get(port.name))
        if value is None and port.required:
            raise StepFailed(f"step “{step.name}” gave no value for its output “{port.name}”")
        outputs[port.name] = value
    attempt.outputs = outputs


def result_of(attempt: Attempt) -> Result:
    """Return what an attempt came to, its log complete."""
    lines = list(getattr(attempt.call.context, "lines", ()))
    if not lines and attempt.failure is None:
        return Result(attempt.outputs, "", "", attempt.started_at, attempt.finished_at)
    error = ""
    if attempt.failure is not None:
        error = line_of(attempt.failure)
        if not isinstance(attempt.failure, PipelinesError) or isinstance(attempt.failure, WrongValue):
            lines.append("".join(traceback.format_exception(attempt.failure)).rstrip())
    log = "\n".join(lines).replace("\0", "\\0")
    outputs = attempt.outputs if attempt.failure is None else None
    return Result(outputs, error, log, attempt.started_at, attempt.finished_at)


def line_of(failure: Exception) -> str:
    """Return what went wrong in one line; of an error nobody foresaw, with its type."""
    text = " ".join(str(failure).split()).replace("\0", "\\0")
    ours = isinstance(failure, StepFailed) or hasattr(failure, "status")  # the errors of the house carry one
    if ours and text:
        return text
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


@contextmanager
def warnings_in_the_log() -> Iterator[Callable[[Context], None]]:
    """Turn warnings of libraries into lines of the log of the call that runs."""
    current: list[Any] = []

    def listen(context: Context) -> None:
        current[:] = [context]

    def show(message, category, filename, lineno, file=None, line=None):
        if current:
            current[0].log(f"{category.__name__}: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield listen
