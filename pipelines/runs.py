"""Writing down what was executed, a batch at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.models import Run
from pipelines.writing import encode_json, insert_many, take_numbers

DIFFERING = {
    "id": "bigint",
    "row_id": "bigint",
    "generation": "bigint",
    "fingerprint": "text",
    "content": "text",
    "inputs": "jsonb",
    "parameters": "jsonb",
    "outputs": "jsonb",
    "outcome": "text",
    "accepted": "boolean",
    "error": "text",
    "log": "text",
    "asked_by_id": "bigint",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
}


@dataclass(slots=True)
class Execution:
    """One execution; once it is written `pk` is the number of its run, and `written_outputs` its outputs as JSON."""

    row_id: int
    generation: int
    fingerprint: str
    asked_by_id: int | None
    started_at: datetime
    finished_at: datetime
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    outcome: str = Run.Outcome.OK.value
    error: str = ""
    log: str = ""
    content: str = ""
    accepted: bool = False
    pk: int = 0
    written_outputs: str = ""

    def fail(self, error: str) -> None:
        """Note that it ended with an error."""
        self.outcome, self.error = Run.Outcome.FAILED.value, error

    def stop(self, why: str) -> None:
        """Note that it came to nothing, because nobody wanted it any more."""
        self.outcome, self.error = Run.Outcome.STOPPED.value, why


def write_runs(executions: Sequence[Execution], **same: Any) -> None:
    """Write executions as runs, and number them.

    Parameters
    ----------
    executions : sequence of Execution
    same
        What they have in common: the columns of `Run` that are no attributes of an `Execution`.
    """
    for one, number in zip(executions, take_numbers("pipelines_run", len(executions)), strict=True):
        one.pk = number
        one.written_outputs = encode_json(one.outputs)
    encoded = _encoder_of_the_same()
    rows = [
        (
            one.pk,
            one.row_id,
            one.generation,
            one.fingerprint,
            one.content,
            encode_json(one.inputs),
            encoded(one.parameters),
            one.written_outputs,
            one.outcome,
            one.accepted,
            one.error,
            one.log,
            one.asked_by_id,
            one.started_at,
            one.finished_at,
        )
        for one in executions
    ]
    insert_many("pipelines_run", DIFFERING, rows, same)


def _encoder_of_the_same() -> Callable[[Any], str]:
    """Return a function that writes JSON, but not twice for the same object after another."""
    last, written = None, ""

    def encoded(value: Any) -> str:
        nonlocal last, written
        if value is not last:
            last, written = value, encode_json(value)
        return written

    return encoded
