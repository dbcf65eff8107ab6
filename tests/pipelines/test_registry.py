"""Steps have one name each."""

import pytest

from pipelines.contract import Port
from pipelines.errors import BadStep, UnknownStep
from pipelines.registry import forget_step, get_step, step


@pytest.fixture
def halve():
    @step("halve", [Port("x")], [Port("y")], title="Halve it")
    def halve(inputs, parameters, context):
        """Half of x."""
        return {"y": inputs["x"] / 2}

    yield halve
    forget_step("halve")


def test_a_registered_step_is_found_by_name_and_stays_a_function(halve):
    found = get_step("halve")

    assert found is halve.step
    assert (found.title, found.help) == ("Halve it", "Half of x.")
    assert halve({"x": 4.0}, {}, None) == {"y": 2.0}
    assert len(found.code_fingerprint) == 32


def test_an_unknown_step_is_refused_with_the_known_ones(halve):
    with pytest.raises(UnknownStep, match=r"no step “third”; the steps are .*halve"):
        get_step("third")


def test_two_modules_cannot_register_one_name(halve):
    def other(inputs, parameters, context):
        return {"y": 0.0}

    other.__module__ = "elsewhere"
    with pytest.raises(BadStep, match="has a step of that name already"):
        step("halve", [Port("x")], [Port("y")])(other)
