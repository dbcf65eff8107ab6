"""Order, cycles and ties of pipelines."""

import pytest

from pipelines.contract import Field, Parameter, Port, Step
from pipelines.errors import (
    BadDocument,
    GraphCycle,
    KindMismatch,
    StepTwice,
    UnboundInput,
    UnitMismatch,
    UnknownPort,
    UnknownStep,
    UnknownUnit,
    WrittenTwice,
)
from pipelines.graph import Graph, columns_for, cycle_in, downstream_of, order_of, ranks_of
from pipelines.units import converted, factor_between


def nothing(inputs, parameters, context):
    return {}


STEPS = {
    "image": Step(
        "image",
        nothing,
        (Port("folder", "text"),),
        (Port("map", "product"), Port("frequency", "float", "GHz", "em.freq", role="metadata")),
    ),
    "find": Step(
        "find",
        nothing,
        (Port("map", "product"), Port("frequency", "float", "Hz", required=False)),
        (Port("list", "catalogue", schema=(Field("flux", "float", "Jy"),)), Port("n", "int")),
        (Parameter("seed", "int", 1, minimum=0, help="of the random numbers"),),
    ),
    "weigh": Step(
        "weigh",
        nothing,
        (Port("list", "catalogue", schema=(Field("flux", "float", "mJy"),)),),
        (Port("sum"),),
    ),
    "gather": Step(
        "gather", nothing, (Port("fluxes", "float", "Jy", many=True),), (Port("total", unit="Jy"),)
    ),
    "pass": Step("pass", nothing, (Port("x"),), (Port("y"),)),
    "metres": Step("metres", nothing, (Port("x", unit="m"),), (Port("y", unit="m"),)),
    "odd": Step("odd", nothing, (Port("x", unit="parrots"),), (Port("y"),)),
}


def find_step(name):
    if name not in STEPS:
        raise UnknownStep(name, STEPS)
    return STEPS[name]


def graph(*steps):
    return Graph({"steps": list(steps)}, find_step)


IMAGE = {"step": "image", "inputs": {"folder": "folder"}, "outputs": {"map": "map", "frequency": "frequency"}}
FIND = {
    "step": "find",
    "inputs": {"map": "map", "frequency": "frequency"},
    "parameters": {"seed": "seed"},
    "outputs": {"list": "catalogue", "n": "n_sources"},
}
WEIGH = {"step": "weigh", "inputs": {"list": "catalogue"}, "outputs": {"sum": "brightness"}}


def passing(name, x, y, step="pass"):
    return {"name": name, "step": step, "inputs": {"x": x}, "outputs": {"y": y}}


def test_steps_run_after_what_they_wait_for_whatever_the_order_of_the_document():
    pipeline = graph(WEIGH, FIND, IMAGE)

    assert pipeline.order == ["image", "find", "weigh"]
    assert pipeline.ranks == {"image": 0, "find": 1, "weigh": 2}
    assert pipeline.upstream == {"image": set(), "find": {"image"}, "weigh": {"find"}}


def test_what_follows_from_a_column_is_what_reads_it_and_everything_below():
    pipeline = graph(IMAGE, FIND, WEIGH)

    assert pipeline.downstream_of("seed") == ["find", "weigh"]
    assert pipeline.downstream_of("folder") == ["image", "find", "weigh"]
    assert pipeline.downstream_of("brightness") == []


def test_a_pipeline_says_which_columns_it_needs():
    columns = {column.name: column for column in graph(IMAGE, FIND, WEIGH).columns}

    assert list(columns) == [
        "folder", "seed", "map", "frequency", "catalogue", "n_sources", "brightness"
    ]  # fmt: skip
    assert [column.role for column in columns.values()] == [
        "input", "parameter", "output", "metadata", "output", "output", "output"
    ]  # fmt: skip
    assert columns["frequency"].unit == "GHz"
    assert columns["seed"].minimum == 0
    assert columns["seed"].description == "of the random numbers"
    assert columns["catalogue"].schema == (Field("flux", "float", "Jy"),)
    assert (columns["catalogue"].step, columns["catalogue"].port) == ("find", "list")


def test_a_collected_input_comes_through_a_link_and_is_no_column():
    pipeline = graph({"step": "gather", "inputs": {"fluxes": "sources.flux"}, "outputs": {"total": "total"}})

    [collected] = pipeline.collected
    assert (collected.step, collected.port, collected.link, collected.column) == (
        "gather", "fluxes", "sources", "flux"
    )  # fmt: skip
    assert [column.name for column in pipeline.columns] == ["total"]


def test_a_cycle_is_refused_and_names_its_steps():
    with pytest.raises(GraphCycle) as refused:
        graph(IMAGE, passing("one", "c", "a"), passing("two", "a", "b"), passing("three", "b", "c"))

    assert set(refused.value.names) == {"one", "two", "three"}
    assert "“one” → “two”" in str(refused.value)
    assert "image" not in str(refused.value)


def test_a_step_that_reads_its_own_output_is_a_cycle():
    with pytest.raises(GraphCycle, match="“one” → “one”"):
        graph(passing("one", "a", "a"))


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        ([{"step": "deconvolve"}], UnknownStep, "no step “deconvolve”; the steps are find, gather"),
        (
            [IMAGE | {"outputs": {"picture": "map"}}],
            UnknownPort,
            "no output “picture”; it has frequency, map",
        ),
        ([IMAGE | {"parameters": {"seed": "seed"}}], UnknownPort, "no parameter “seed”; it has none"),
        ([IMAGE | {"inputs": {}}], UnboundInput, "input “folder” of step “image” is required"),
        ([IMAGE, IMAGE], StepTwice, "two steps are called “image”"),
        (
            [IMAGE, IMAGE | {"name": "again"}],
            WrittenTwice,
            "“map” would be filled by “image.map” and by “again.map”",
        ),
        ([passing("one", "a", "b"), WEIGH | {"inputs": {"list": "b"}}], KindMismatch, "“b” holds float"),
        (
            [IMAGE, passing("one", "frequency", "a", "metres")],
            UnitMismatch,
            "“GHz” cannot be converted to “m”",
        ),
        ([IMAGE, passing("one", "frequency", "a")], UnitMismatch, "“GHz” cannot be converted to “no unit”"),
        (
            [passing("one", "a", "b"), passing("two", "a", "c", "metres")],
            UnitMismatch,
            "column “a” for “two.x”",
        ),
        ([passing("one", "a", "b", "odd")], UnknownUnit, "“parrots” is not a unit"),
        ([passing("one", "drop table; --", "b")], BadDocument, "must be the name of a column"),
        ([passing("one", "sources.flux", "b")], BadDocument, "must be the name of a column"),
        ([{"step": "gather", "inputs": {"fluxes": "flux"}}], BadDocument, "must be “link.column”"),
        ([{"name": "one"}], BadDocument, "needs “step”"),
        (["image"], BadDocument, "needs “step”"),
        ([], BadDocument, "at least one step"),
    ],
)
def test_a_document_that_makes_no_pipeline_is_refused_with_the_reason(steps, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")):
        graph(*steps)


def test_a_catalogue_must_hold_what_its_reader_needs():
    needs = Step("needs", nothing, (Port("list", "catalogue", schema=(Field("snr"),)),), (Port("y"),))

    with pytest.raises(KindMismatch, match="a catalogue without “snr”"):
        Graph(
            {"steps": [IMAGE, FIND, {"step": "needs", "inputs": {"list": "catalogue"}}]},
            lambda name: needs if name == "needs" else find_step(name),
        )


def test_a_document_is_a_document():
    with pytest.raises(BadDocument):
        columns_for([])


def test_plain_graphs_have_order_ranks_and_reach():
    upstream = {"d": ["b", "c"], "b": ["a"], "c": [], "a": ["elsewhere"]}

    assert order_of(upstream) == ["c", "a", "b", "d"]
    assert ranks_of(upstream) == {"c": 0, "a": 0, "b": 1, "d": 2}
    assert downstream_of(upstream, ["a"]) == ["b", "d"]
    assert cycle_in(upstream) == []


def test_units_convert_by_a_factor_and_pure_numbers_do_not_pass_for_janskys():
    assert factor_between("Jy", "mJy") == pytest.approx(1000)
    assert factor_between("", "") == 1.0
    assert converted([1.0, None], factor_between("deg2", "arcmin2")) == [pytest.approx(3600), None]
    with pytest.raises(UnitMismatch):
        factor_between("", "Jy")
    with pytest.raises(UnitMismatch):
        factor_between("mag", "Jy")
