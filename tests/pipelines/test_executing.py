"""Running steps: what fails is named, and disturbs nobody else."""

import warnings
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.contract import Parameter, Port, Step, StepFailed
from pipelines.executing import Call, execute


class Notebook:
    """A context that keeps nothing but its log."""

    def __init__(self):
        self.lines = []

    def log(self, text):
        self.lines.append(text)


def calls(*xs, **parameters):
    return [Call({"x": x}, parameters, Notebook()) for x in xs]


def step_of(function, **changes):
    declared = {
        "name": "invert",
        "function": function,
        "inputs": (Port("x"),),
        "outputs": (Port("y"), Port("note", "text", required=False)),
        "parameters": (Parameter("factor", "float", 1.0, minimum=0.0),),
    }
    return Step(**(declared | changes))


def invert(inputs, parameters, context):
    context.log(f"inverting {inputs['x']}")
    if inputs["x"] < 0:
        raise StepFailed("x is negative;\n give a positive one")
    return {"y": parameters["factor"] / inputs["x"]}


def test_a_failing_call_leaves_the_others_alone():
    results = execute(step_of(invert), calls(2.0, 0.0, -1.0, 4.0))

    assert [result.outputs for result in results] == [
        {"y": 0.5, "note": None}, None, None, {"y": 0.25, "note": None}
    ]  # fmt: skip
    assert [result.error for result in results[::3]] == ["", ""]
    assert results[1].error.startswith("ZeroDivisionError: ")
    assert results[2].error == "x is negative; give a positive one"
    assert "Traceback" in results[1].log
    assert results[0].log == "inverting 2.0"


def test_parameters_come_from_the_call_or_their_default():
    step = step_of(invert)

    assert execute(step, calls(2.0, factor=3.0))[0].outputs["y"] == 1.5
    assert execute(step, calls(2.0, factor=None))[0].outputs["y"] == 0.5


def test_a_parameter_outside_its_limits_runs_nothing():
    [result] = execute(step_of(invert), calls(2.0, factor=-1.0))

    assert result.error == "parameter “factor” cannot be -1.0: it must be a number, 0 or more"
    assert result.log == ""


def test_an_empty_required_input_is_named():
    [result] = execute(step_of(invert), calls(None))

    assert result.error == "“x” is empty: fill it in first"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"y": "much"}, "“y” cannot hold 'much': it needs a number"),
        ({"y": float("nan")}, "gave no value for its output “y”"),
        ({}, "gave no value for its output “y”"),
        ({"y": 1.0, "z": 2.0}, "gave “z”, which is none of its outputs"),
        ({"y": 1.0, "note": 7}, "“note” cannot hold 7"),
        (1.0, "gave float; it must give a dict"),
    ],
)
def test_outputs_that_do_not_fit_their_ports_are_refused(given, error):
    [result] = execute(step_of(lambda inputs, parameters, context: given), calls(1.0))

    assert result.outputs is None
    assert error in result.error


def test_a_batched_step_gets_all_calls_at_once_and_fails_one_by_one():
    sizes = []

    def invert_all(inputs, parameters, contexts):
        sizes.append(len(inputs))
        return [{"y": 1 / each["x"]} if each["x"] else StepFailed("x is zero") for each in inputs]

    results = execute(step_of(invert_all, batched=True), calls(2.0, 0.0, 4.0))

    assert sizes == [3]
    assert [result.error for result in results] == ["", "x is zero", ""]
    assert results[2].outputs["y"] == 0.25


def test_a_batch_that_fails_as_a_whole_is_tried_call_by_call():
    def invert_all(inputs, parameters, contexts):
        return [{"y": 1 / each["x"]} for each in inputs]

    results = execute(step_of(invert_all, batched=True), calls(2.0, 0.0, 4.0))

    assert [result.outputs and result.outputs["y"] for result in results] == [0.5, None, 0.25]
    assert results[1].error.startswith("ZeroDivisionError: ")


def test_a_batch_with_too_few_results_is_not_taken_for_another_rows():
    results = execute(
        step_of(lambda inputs, parameters, contexts: [{"y": 1.0}], batched=True), calls(1.0, 2.0)
    )

    assert [result.outputs["y"] for result in results] == [1.0, 1.0]  # each asked for alone


def test_warnings_of_libraries_are_lines_of_the_log_of_their_call():
    def warn(inputs, parameters, context):
        warnings.warn(f"{inputs['x']} is odd", stacklevel=1)
        return {"y": 1.0}

    results = execute(step_of(warn), calls(1.0, 3.0))

    assert [result.log for result in results] == ["UserWarning: 1.0 is odd", "UserWarning: 3.0 is odd"]


def test_times_come_from_the_clock_that_is_given():
    ticks = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(9))

    [result] = execute(step_of(invert), calls(2.0), now=lambda: next(ticks))

    assert result.finished_at - result.started_at == timedelta(seconds=1)
