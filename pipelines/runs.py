"""Writing down what was executed, a batch at a time."""

from collections.abc import Sequence
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
    """One execution that is not written yet; `pk` is the number of its run once it is."""

    row_id: int
    generation: int
    fingerprint: str
    asked_by_id: int | None
    started_at: datetime
    finished_at: datetime
    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    outcome: str = Run.Outcome.OK.value
    error: str = ""
    log: str = ""
    content: str = ""
    accepted: bool = False
    pk: int = 0

    def fail(self, error: str) -> None:
        """Note that it ended with an error."""
        self.outcome, self.error = Run.Outcome.FAILED.value, error


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
    rows = [
        (
            one.pk,
            one.row_id,
            one.generation,
            one.fingerprint,
            one.content,
            encode_json(one.inputs),
            encode_json(one.parameters),
            encode_json(one.outputs),
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
