"""What docs/links.md tells programs to send is taken as it stands there."""

import json
import re
from pathlib import Path

import pytest

from pipelines.models import Pipeline
from tests.worktables import toys
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.models import Link

TEXT = (Path(__file__).parents[2] / "docs" / "links.md").read_text()
EXAMPLES = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", TEXT, re.S)]
TARGETS = {"list_sources": "sources", "known_object": "sources", "calibrated": "exposures", "reviewed": "reviews",
           "members": "counts"}  # fmt: skip
ITEMS = tuple(
    {"name": name, "kind": kind, "unit": unit, "ucd": "", "description": ""}
    for name, kind, unit in (("position", "position", "deg"), ("flux", "float", "Jy"))
)


def lookup(name, kind="text", **facts):
    return NewColumn(name, kind, "lookup", **facts)


@pytest.fixture
def tables(project, owner):
    """The tables of which the document speaks."""
    sums = Pipeline.objects.create(name="toy_sum", title="Toy sum", graph=toys.SUM)
    columns = {
        "observations": [
            NewColumn("catalogue", "catalogue", schema=ITEMS),
            NewColumn("band"),
            NewColumn("beam_major", "float", unit="arcsec"),
        ],
        "catalogue": [NewColumn("name"), NewColumn("position", "position", unit="deg")],
        "calibrations": [
            NewColumn("begins", "time"),
            NewColumn("ends", "time"),
            NewColumn("chip"),
            NewColumn("gain", "float"),
        ],
        "sources": [
            lookup("position", "position", unit="deg"),
            lookup("flux", "float", unit="Jy"),
            lookup("band"),
            lookup("nearest_name"),
            lookup("separation", "float", unit="arcsec"),
        ],
        "exposures": [NewColumn("taken", "time"), NewColumn("chip"), lookup("gain", "float")],
        "reviews": [lookup("band")],
        "counts": [NewColumn("band")],
    }
    return {
        name: create_worktable(
            project, name, creator=owner, columns=has, pipeline=sums if name == "counts" else None
        )
        for name, has in columns.items()
    }


def test_the_examples_are_of_all_kinds_and_taken(client, owner, tables):
    client.force_login(owner)

    for example in EXAMPLES:
        target = tables[TARGETS[example["name"]]]
        sent = example | {"source": tables[example["source"]].pk}
        answer = client.post(f"/api/worktables/{target.pk}/links/", sent, content_type="application/json")
        assert answer.status_code == 201, answer.json()

    assert set(Link.objects.values_list("kind", flat=True)) == set(Link.Kind.values)
    asked = client.get(f"/api/worktables/{tables['sources'].pk}/links/").json()
    assert {link["name"] for link in asked} == {"list_sources", "known_object", "members"}
