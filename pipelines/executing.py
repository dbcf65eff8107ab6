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
from pipelines.limits import Limits, check_size, memory_failure, memory_limited
from pipelines.stopping import Halt, Stopped, Watch

UNLIMITED = Limits()
LONGEST_ERROR = 1000  # letters of the line that a cell shows


@dataclass(slots=True)
class Call:
    """What one row gives to a step."""

    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    context: Context
    halt: Halt = field(default_factory=Halt)


@dataclass(slots=True)
class Result:
    """What came of a call: outputs, or one line that says what went wrong and a log that says more.

    What was `stopped` because nobody wants it any more came to nothing, and is nobody's fault.
    """

    outputs: dict[str, Any] | None
    error: str
    log: str
    started_at: datetime
    finished_at: datetime
    stopped: bool = False


@dataclass(slots=True)
class Attempt:
    """A call while it runs."""

    call: Call
    parameters: Mapping[str, Any]
    outputs: dict[str, Any] | None = None
    failure: BaseException | None = None
    started_at: datetime = datetime.min
    finished_at: datetime = datetime.min


def present_time() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)


def execute(
    step: Step,
    calls: Sequence[Call],
    now: Callable[[], datetime] = present_time,
    *,
    watch: Watch | None = None,
    limits: Limits = UNLIMITED,
) -> list[Result]:
    """Run a step on some calls; a call that fails, or is stopped, leaves the others alone.

    Parameters
    ----------
    watch : Watch, optional
        Through which another thread stops calls, by their `halt`, and whoever passes the limit of time.
    limits : Limits
        What each call may use.

    Returns
    -------
    list of Result
        In the order of the calls. Outputs were checked against the ports and are plain Python values; every
        declared output is present, optional ones perhaps as ``None``.
    """
    attempts, moment = [Attempt(call, call.parameters) for call in calls], now()
    ready = [attempt for attempt in attempts if prepare(step, attempt, moment)]
    with warnings_in_the_log() as listen, memory_limited(limits.memory):
        place = Place(step, now, listen, watch, limits)
        if step.batched and len(ready) > 1:
            run_batch(place, ready)
        else:
            for attempt in ready:
                run_one(place, attempt)
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the calls of a step run: by which clock, watched by whom, within which limits."""

    step: Step
    now: Callable[[], datetime]
    listen: Callable[[Context], None]
    watch: Watch | None
    limits: Limits

    def call(self, calls: Sequence[Call], *arguments: Any) -> Any:
        """Call the function of the step for one call, or for all of a batch."""
        if self.watch is None:
            for each in calls:
                each.halt.check()
            return self.step.function(*arguments)
        halts = [each.halt for each in calls]
        return self.watch.run(halts, self.limits.seconds, self.step.function, *arguments)


def run_one(place: Place, attempt: Attempt) -> None:
    """Run the step on one call."""
    step, call = place.step, attempt.call
    if call.halt.why is not None:
        attempt.failure = call.halt.why
        return
    place.listen(call.context)
    attempt.started_at = place.now()
    try:
        if step.batched:
            [given] = place.call([call], [call.inputs], [attempt.parameters], [call.context])
        else:
            given = place.call([call], call.inputs, attempt.parameters, call.context)
        accept(place, attempt, given)
    except SystemExit as end:  # it would take the worker along, and all that is in its hands
        attempt.failure = StepFailed(f"the step ended its process (exit {end.code}); it must return or raise")
    except Stopped as stop:
        attempt.failure = call.halt.why or stop
    except MemoryError as failure:
        attempt.failure = failure
        if place.limits.memory is not None:
            attempt.failure = memory_failure(place.limits.memory)
            attempt.failure.__cause__ = failure
        let_go(failure)
    except Exception as failure:
        attempt.failure = call.halt.why or failure  # whoever is being stopped may stumble over it first
    attempt.finished_at = place.now()


def run_batch(place: Place, attempts: list[Attempt]) -> None:
    """Run the step on all calls at once; if that fails as a whole, on one after the other."""
    step, calls = place.step, [attempt.call for attempt in attempts]
    place.listen(calls[0].context)
    started = place.now()
    try:
        given = place.call(
            calls,
            [call.inputs for call in calls],
            [attempt.parameters for attempt in attempts],
            [call.context for call in calls],
        )
        given = list(given)
        if len(given) != len(attempts):
            raise StepFailed(f"step “{step.name}” gave {len(given)} results for {len(attempts)} calls")
    except (Exception, SystemExit, Stopped) as failure:
        let_go(failure)
        for attempt in attempts:
            run_one(place, attempt)
        return
    finished = place.now()
    for attempt, each in zip(attempts, given, strict=True):
        attempt.started_at, attempt.finished_at = started, finished
        try:
            accept(place, attempt, each)
        except Exception as failure:
            attempt.failure = failure


def let_go(failure: BaseException) -> None:
    """Let go of what the functions of a failure still hold; the calls that follow need the memory."""
    traceback.clear_frames(failure.__traceback__)


def accept(place: Place, attempt: Attempt, given: Any) -> None:
    """Check what the step gave against its ports, and keep it."""
    step, most = place.step, place.limits.value
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
        if most is not None and port.kind in ("text", "array"):
            check_size(port.name, value, most)
        outputs[port.name] = value
    attempt.outputs = outputs


def result_of(attempt: Attempt) -> Result:
    """Return what an attempt came to, its log complete."""
    lines = list(getattr(attempt.call.context, "lines", ()))
    if not lines and attempt.failure is None:
        return Result(attempt.outputs, "", "", attempt.started_at, attempt.finished_at)
    error, stopped = "", isinstance(attempt.failure, Stopped)
    if attempt.failure is not None:
        error = line_of(attempt.failure)
        if (not stopped and not isinstance(attempt.failure, PipelinesError)) or isinstance(
            attempt.failure, WrongValue
        ):
            lines.append("".join(traceback.format_exception(attempt.failure)).rstrip())
    log = "\n".join(lines).replace("\0", "\\0")
    outputs = attempt.outputs if attempt.failure is None else None
    return Result(outputs, error, log, attempt.started_at, attempt.finished_at, stopped)


def line_of(failure: BaseException) -> str:
    """Return what went wrong in one line; of an error nobody foresaw, with its type."""
    text = " ".join(str(failure)[: 2 * LONGEST_ERROR].split()).replace("\0", "\\0")[:LONGEST_ERROR]
    ours = isinstance(failure, StepFailed | Stopped) or hasattr(
        failure, "status"
    )  # the errors of the house carry one
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
