"""What a step may use and give: who passes a limit fails with a sentence, and the others go on."""

import gc
import resource
import sys

import numpy as np
import pytest

from pipelines.context import ProjectContext
from pipelines.contract import Port, Step, StepFailed
from pipelines.errors import BadStep
from pipelines.executing import execute
from pipelines.fingerprints import tree_text
from pipelines.limits import Limits, in_words, limits_of
from tests.pipelines.test_executing import calls

MEGABYTE = 1_000_000


def step_of(function, *outputs, **facts):
    return Step("toy", function, (Port("x"),), outputs or (Port("y"),), **facts)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts memory so")
def test_a_step_that_asks_for_too_much_memory_fails_and_the_next_has_it_again():
    """What the failed one held is let go, although its traceback goes into the log."""

    def greedy(inputs, parameters, context):
        held = [np.ones(50 * MEGABYTE // 8)]
        if inputs["x"] == 1.0:
            held.append(np.ones(500 * MEGABYTE // 8))
        return {"y": float(sum(map(len, held)))}

    gc.collect()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    results = execute(step_of(greedy), calls(1.0, 1.0, 1.0, 2.0), limits=Limits(memory=160 * MEGABYTE))

    assert [result.error for result in results] == ["needs more memory than 160 MB, its limit"] * 3 + [""]
    assert "in greedy" in results[0].log
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("text", "x" * 3000, "“y” has 3 kB, and a cell may hold 2 kB; keep it as a file (a product) instead"),
        ("text", "½" * 1500, "“y” has 3 kB"),
        ("array", np.zeros(500), "“y” has 4 kB"),
        ("array", np.zeros((50, 10)), "“y” has 4 kB"),
        ("array", ["x" * 3000], "“y” has 3 kB"),
    ],
)
def test_a_value_too_large_for_a_cell_is_refused(kind, value, words):
    step = step_of(lambda *_: {"y": value}, Port("y", kind))

    [result] = execute(step, calls(1.0), limits=Limits(value=2000))

    assert result.outputs is None
    assert words in result.error


def test_a_value_that_fits_is_kept():
    step = step_of(lambda *_: {"y": "x" * 2000}, Port("y", "text"))

    assert execute(step, calls(1.0), limits=Limits(value=2000))[0].outputs == {"y": "x" * 2000}


def test_a_product_that_is_too_large_is_refused(settings):
    settings.WORKTABLES = settings.WORKTABLES | {"PRODUCT_BYTES": 1000}

    with pytest.raises(StepFailed, match=r"“big\.fits” has 2 kB, and a product may have 1 kB"):
        ProjectContext(project=None).keep(bytes(2000), "big.fits")


@pytest.mark.parametrize("value", [float("nan"), np.float64("nan"), 1.5])
def test_what_is_no_whole_number_is_refused_by_name_and_value(value):
    step = step_of(lambda *_: {"n": value}, Port("n", "int"))

    [result] = execute(step, calls(1.0))

    assert result.error.startswith("“n” cannot hold ")
    assert ("nan" if value != value else "1.5") in result.error
    assert result.error.endswith("it needs a whole number")


def test_a_huge_value_of_the_wrong_kind_is_named_in_short():
    [result] = execute(step_of(lambda *_: {"y": "x" * MEGABYTE}), calls(1.0))

    assert len(result.error) < 200


def test_an_endless_error_is_cut():
    def fail(*_):
        raise StepFailed("x" * MEGABYTE)

    [result] = execute(step_of(fail), calls(1.0))

    assert len(result.error) == 1000


def test_what_a_step_declares_comes_before_what_is_usual():
    usual = Limits(seconds=60.0, memory=100, value=10)

    assert limits_of(step_of(len), usual) == usual
    assert limits_of(step_of(len, time_limit=5, memory_limit=7), usual) == Limits(5, 7, 10)


@pytest.mark.parametrize("limit", [{"time_limit": 0}, {"memory_limit": -1}])
def test_a_limit_that_leaves_nothing_is_refused(limit):
    with pytest.raises(BadStep, match="leaves it nothing"):
        step_of(len, **limit)


def test_limits_are_no_part_of_the_code():
    source = "@step('a', time_limit={0}, memory_limit={0}, version='1')\ndef f(): return g(time_limit=1)"

    assert tree_text(source.format(1)) == tree_text(source.format(2))
    assert tree_text(source) != tree_text(source.replace("g(time_limit=1)", "g(time_limit=2)"))
    assert tree_text("@step('a', time_limit=5)\ndef f(): pass") == tree_text("@step('a')\ndef f(): pass")
    assert tree_text("@step('a', version='1')\ndef f(): pass") != tree_text("@step('a')\ndef f(): pass")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (4e9, "4 GB"), (9e15, "9e+03 TB")],
)
def test_bytes_are_said_as_people_do(number, words):
    assert in_words(number) == words
