"""PROV-JSON, as another reader of it reads it: no relation without its ends, nothing lost on the way."""

import json

import pytest

from provenance.formats.prov_json import as_prov_json
from provenance.graph import Cell, Lineage, Making
from provenance.lineage import made_by

prov = pytest.importorskip("prov.model", reason="prov is not installed: pip install -e .[dev]")

BASE = "http://localhost/provenance/"


def read(document):
    return prov.ProvDocument.deserialize(content=json.dumps(document), format="json")


def test_another_reader_reads_the_same_graph(family, work, owner):
    work()
    lineage = made_by(family.sums, 2, owner)

    read_back = read(as_prov_json(lineage, BASE))

    def n(kind):
        return len(list(read_back.get_records(kind)))

    assert n(prov.ProvEntity) == len(lineage.cells)
    assert n(prov.ProvActivity) == len(lineage.makings)
    assert n(prov.ProvUsage) == len(lineage.used)
    assert n(prov.ProvGeneration) == len(lineage.generated)
    assert n(prov.ProvMembership) == sum(map(len, lineage.members.values()))
    assert n(prov.ProvAgent) == 1
    assert n(prov.ProvAttribution) == sum(bool(cell.typed_by) for cell in lineage.cells.values())


def test_the_ends_of_all_relations_are_declared(family, work, owner):
    work()
    document = as_prov_json(made_by(family.sums, 2, owner), BASE)

    declared = {name for kind in ("entity", "activity", "agent") for name in document[kind]}
    ends = {
        value
        for kind in ("used", "wasGeneratedBy", "hadMember", "wasAttributedTo", "wasAssociatedWith")
        for relation in document.get(kind, {}).values()
        for name, value in relation.items()
        if name != "prov:role"
    }
    assert ends <= declared


def test_the_api_gives_it_by_format_and_by_media_type(family, work, client, owner):
    work()
    client.force_login(owner)
    address = f"/api/provenance/worktables/{family.sums.pk}/rows/2/"

    by_format = client.get(address, {"format": "prov-json"})
    by_type = client.get(address, headers={"accept": "application/prov+json"})

    assert by_format.json() == by_type.json()
    assert by_type["Content-Type"] == "application/prov+json"
    assert list(read(by_format.json()).get_records(prov.ProvUsage))


def test_names_that_would_break_a_qualified_name_are_written_otherwise():
    cell = Cell(1, "cell", "t", 1, 1, "c", "0" * 32, typed_by="o'neil @:/ö")
    lineage = Lineage([1], {1: cell}, {}, [], [], {})

    read_back = read(as_prov_json(lineage, BASE))

    (agent,) = read_back.get_records(prov.ProvAgent)
    assert agent.label == "o'neil @:/ö"


def test_a_reuse_is_told_with_its_run_and_without_its_times():
    making = Making("reuse-3", 12, "add", 1, 4, reused=True, of_row=2, asked_by="owner")
    lineage = Lineage([], {}, {making.key: making}, [], [], {})

    document = as_prov_json(lineage, BASE)

    assert document["activity"] == {
        "stoa:reuse/3": {"prov:label": "reused run 12 of add", "stoa:step": "add", "stoa:reusedRun": 12}
    }


def test_parameters_keep_their_types():
    making = Making("run-1", 1, "s", 1, 1, parameters={"a": 1, "b": 0.5, "c": True, "d": None, "e": [1, 2]})

    document = as_prov_json(Lineage([], {}, {making.key: making}, [], [], {}), BASE)

    told = {
        name.removeprefix("stoa:parameter."): value
        for name, value in document["activity"]["stoa:run/1"].items()
        if name.startswith("stoa:parameter.")
    }
    assert told == {"a": 1, "b": 0.5, "c": True, "e": "[1, 2]"}
    assert "d" not in told
    read(document)
