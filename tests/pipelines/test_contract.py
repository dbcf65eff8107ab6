"""What a step may declare, and what its ports accept."""

import math

import numpy as np
import pytest

from pipelines.contract import Field, Parameter, Port, Step
from pipelines.errors import BadParameter, BadStep, WrongValue


def a_step(**changes):
    declared = {
        "name": "double",
        "function": lambda inputs, parameters, context: {"y": 2 * inputs["x"]},
        "inputs": (Port("x"),),
        "outputs": (Port("y"),),
    }
    return Step(**(declared | changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Double"}, "its name must be"),
        ({"outputs": ()}, "it has no output"),
        ({"inputs": (Port("x"), Port("x"))}, "“x” is declared twice"),
        ({"parameters": (Parameter("x", "int", 1),)}, "“x” is declared twice"),
        ({"inputs": (Port("x", "complex"),)}, "unknown kind “complex”"),
        ({"outputs": (Port("drop table"),)}, "“drop table” cannot be a name"),
        ({"outputs": (Port("y", many=True),)}, "only inputs are"),
        ({"outputs": (Port("y", role="input"),)}, "unknown role “input”"),
        ({"outputs": (Port("y", "catalogue"),)}, "has no schema"),
        ({"parameters": (Parameter("n", "int", 0, minimum=1),)}, "1 or more"),
        ({"resource": "enormous"}, "none of light, heavy"),
    ],
)
def test_a_step_that_could_not_work_is_refused_with_the_reason(changes, problem):
    with pytest.raises(BadStep, match=problem) as refused:
        a_step(**changes)

    assert "“" in str(refused.value)


def test_the_nearest_level_that_gives_a_parameter_wins():
    step = a_step(parameters=(Parameter("n", "int", 1), Parameter("m", "float", 0.5)))

    values = step.effective_parameters({"n": None, "m": 0.0}, {"n": 7, "m": 2.0})

    assert values == {"n": 7, "m": 0.0}


@pytest.mark.parametrize("value", [0.0, 1001, "many", math.nan, math.inf])
def test_a_parameter_outside_its_limits_is_refused_and_says_what_is_allowed(value):
    parameter = Parameter("expected_sources", "float", 1.0, minimum=0.01, maximum=1000)

    with pytest.raises(
        BadParameter, match=r"“expected_sources” cannot be .*: it must be a number from 0.01 to 1000"
    ):
        parameter.fit(value)


def test_a_choice_is_one_of_its_choices():
    parameter = Parameter("weighting", "text", "natural", choices=("natural", "uniform"))

    assert parameter.fit("uniform") == "uniform"
    with pytest.raises(BadParameter, match="one of natural, uniform"):
        parameter.fit("robust")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", 1),
        ("int", 1.0),
        ("int", True),
        ("int", 2**63),
        ("int", math.nan),
        ("float", "1"),
        ("float", False),
        ("text", 5),
        ("text", "a\0b"),
        ("time", math.inf),
        ("position", (1.0, 91.0)),
        ("position", (math.nan, 0.0)),
        ("position", 3.0),
        ("array", 3.0),
        ("product", "readme.txt"),
        ("catalogue", "A" * 64),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(kind, value):
    with pytest.raises(WrongValue, match="“y” cannot hold"):
        Port("y", kind).fit(value)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("bool", np.True_, True),
        ("int", np.int32(3), 3),
        ("int", 2**53 + 1, 2**53 + 1),
        ("float", np.float32(0.5), 0.5),
        ("float", 3, 3.0),
        ("float", math.inf, math.inf),
        ("float", math.nan, None),
        ("text", "", ""),
        ("text", np.str_("a"), "a"),
        ("position", (np.float64(370.0), -90), (10.0, -90.0)),
        ("array", np.array([[1, 2]]), [[1, 2]]),
        ("array", (1.5, None), [1.5, None]),
        ("float", None, None),
    ],
)
def test_values_become_plain_python(kind, value, stored):
    fitted = Port("y", kind).fit(value)

    assert fitted == stored
    assert type(fitted) is type(stored)


def test_the_interface_of_a_step_is_plain_json():
    schema = (Field("flux", "float", "Jy"),)
    step = a_step(outputs=(Port("y", "catalogue", schema=schema),), parameters=(Parameter("n", "int", 0),))

    interface = step.interface()

    assert interface["outputs"][0]["schema"] == [{"name": "flux", "kind": "float", "unit": "Jy"}]
    assert interface["parameters"] == [{"name": "n", "kind": "int", "default": 0}]
