"""Many rows by one statement: values of all kinds arrive as they are, on both databases."""

import json
import math
from datetime import UTC, datetime

import pytest

from pipelines.memo import Remembered, recall, remember
from pipelines.models import Environment, Run, StepVersion
from pipelines.runs import Execution, write_runs
from pipelines.writing import encode_json

TEXTS = ["", "NULL", "a'b\"c%s\n\\", "{1,2}", "é?", "two,parts", "%"]
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=UTC)


@pytest.fixture
def facts(project):
    """What runs have in common."""
    version = StepVersion.objects.create(
        step="toy", code_fingerprint="c", declared_version="1", interface={}, resource="light"
    )
    environment = Environment.objects.create(digest="e" * 32, document={})
    return {
        "project_id": project.pk,
        "worktable_id": 7,
        "step_id": 8,
        "step_name": "it's",
        "step_version_id": version.pk,
        "environment_id": environment.pk,
        "worker": 'w"',
        "host": "h",
    }


@pytest.mark.parametrize(
    "value", [{}, {"x": 1.5, "y": None}, {"text": 'é"\\'}, {"n": [1, True, "a"]}, {"deep": {"er": -0.0}}, []]
)
def test_json_is_that_of_the_standard_library(value):
    assert encode_json(value) == json.dumps(value)
    assert encode_json({"x": math.inf}) == json.dumps({"x": math.inf})


def test_runs_are_written_as_they_are_and_numbered(facts, owner):
    executions = [
        Execution(
            row_id=number,
            generation=2**40,
            fingerprint=f"{number:032x}",
            asked_by_id=owner.pk if number % 2 else None,
            started_at=MOMENT,
            finished_at=MOMENT.replace(microsecond=0),
            inputs={"number": number},
            parameters={},
            outputs={"text": text, "number": 0.1},
            log=text,
        )
        for number, text in enumerate(TEXTS * 40)
    ]
    executions[1].fail(TEXTS[2])

    write_runs(executions, **facts)

    found = Run.objects.in_bulk([one.pk for one in executions])
    assert len(found) == len(executions)
    for one in executions:
        run = found[one.pk]
        assert (run.row_id, run.generation, run.log) == (one.row_id, 2**40, one.log)
        assert (run.inputs, run.parameters, run.outputs) == (one.inputs, {}, one.outputs)
        assert (run.step_name, run.worker, run.project_id) == ("it's", 'w"', facts["project_id"])
        assert (run.started_at, run.finished_at) == (MOMENT, MOMENT.replace(microsecond=0))
        assert run.asked_by_id == one.asked_by_id
        assert not run.accepted
    assert (found[executions[1].pk].outcome, found[executions[1].pk].error) == ("failed", TEXTS[2])


def test_runs_written_by_hand_and_in_bulk_never_share_a_number(facts, owner):
    def execution():
        return Execution(1, 0, "f" * 32, None, MOMENT, MOMENT, {}, {})

    first, last = execution(), execution()
    write_runs([first], **facts)
    by_hand = Run.objects.create(
        **facts,
        row_id=1,
        generation=0,
        fingerprint="f" * 32,
        outcome="ok",
        accepted=True,
        started_at=MOMENT,
        finished_at=MOMENT,
    )
    write_runs([last], **facts)

    assert first.pk < by_hand.pk < last.pk


def test_what_was_run_again_on_purpose_replaces_what_is_remembered(project):
    remember(project.pk, [Remembered("a" * 32, "old", {"y": "'"}, 1), Remembered("b" * 32, "old", {}, 1)])
    remember(project.pk, [Remembered("a" * 32, "new", {"y": TEXTS}, 2)], instead=True)

    found = recall(project.pk, ["a" * 32, "b" * 32])

    assert found["a" * 32] == Remembered("a" * 32, "new", {"y": TEXTS}, 2)
    assert found["b" * 32].run_id == 1
