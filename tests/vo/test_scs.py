"""Cone searches: what is within a radius is found, whatever lies between, and nothing else."""

import io
import math

import numpy as np
import pytest
from astropy.io.votable import parse

from vo.models import Scope
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

committed = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db

PLACES = [(359.9, 0.001), (0.2, 9.5), (10.4, 10.4), (10.0, 10.3), (100.0, 80.0), (103.0, 80.0), (0.0, 90.0),
          (180.0, 89.9), (77.0, -90.0), (0.05, 0.05), (200.0, -89.95)]  # fmt: skip


@pytest.fixture
def places(project, owner, publish):
    """A published table of places, with one that has none, and 300 at random."""
    table = create_worktable(
        project, "places", creator=owner, columns=[NewColumn("name", "text"), NewColumn("at", "position")]
    )
    add_rows(
        table, [{"name": str(n), "at": place} for n, place in enumerate([*everywhere(), None])], by=owner
    )
    return publish(table)


def everywhere():
    """Return the places by hand, and others evenly over the sky."""
    random = np.random.default_rng(7)
    ra, dec = random.uniform(0, 360, 300), np.degrees(np.arcsin(random.uniform(-1, 1, 300)))
    return [*PLACES, *zip(ra.tolist(), dec.tolist(), strict=True)]


def found_by_hand(ra, dec, radius):
    """Return the numbers of the places within a cone: the angle between vectors."""

    def vector(place):
        a, d = map(math.radians, place)
        return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])

    centre = vector((ra, dec))
    angles = [
        math.degrees(math.atan2(np.linalg.norm(np.cross(centre, vector(p))), centre @ vector(p)))
        for p in everywhere()
    ]
    return {str(n) for n, angle in enumerate(angles) if angle <= radius}


@pytest.fixture
def cone(client):
    """Search, and return the answer as astropy reads it."""

    def cone(**parameters):
        answer = client.get("/scs/virgo/places", parameters)
        assert answer.status_code == 200
        data = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return parse(io.BytesIO(data))

    return cone


CONES = [
    ((0.05, 0.05, 0.5), {(359.9, 0.001)}, set()),
    ((0.2, 10.0, 1.0), {(0.2, 9.5)}, set()),
    ((10.0, 10.0, 0.5), {(10.0, 10.3)}, {(10.4, 10.4)}),
    ((101.5, 80.0, 1.0), {(100.0, 80.0), (103.0, 80.0)}, set()),
    ((0.0, 90.0, 0.2), {(0.0, 90.0), (180.0, 89.9)}, set()),
    ((123.0, -90.0, 0.1), {(77.0, -90.0), (200.0, -89.95)}, set()),
    ((180.0, 0.0, 180.0), set(PLACES), set()),
    ((45.0, 0.0, 60.0), {(0.05, 0.05)}, {(180.0, 89.9)}),
]


@committed
def test_cones_find_what_is_within_and_nothing_else(places, cone):
    for (ra, dec, radius), inside, outside in CONES:
        table = cone(RA=ra, DEC=dec, SR=radius).get_first_table().to_table(use_names_over_ids=True)
        got = {(row["at_ra"], row["at_dec"]) for row in table}
        assert inside <= got, (ra, dec)
        assert not outside & got
        assert {str(name) for name in table["name"]} == found_by_hand(ra, dec, radius)


@committed
def test_the_main_columns_are_named_as_the_standard_wants(places, cone):
    for verb, names in ((1, ["row_id", "at_ra", "at_dec"]), (2, ["row_id", "name", "at_ra", "at_dec"])):
        fields = cone(RA=0, DEC=0, SR=0.5, VERB=verb).get_first_table().fields
        assert [field.name for field in fields] == names
        by_ucd = {field.ucd: field for field in fields}
        assert by_ucd["ID_MAIN"].name == "row_id"
        assert (by_ucd["POS_EQ_RA_MAIN"].datatype, by_ucd["POS_EQ_DEC_MAIN"].datatype) == ("double", "double")


@committed
def test_a_radius_of_zero_tells_the_columns(places, cone):
    table = cone(RA=0.05, DEC=0.05, SR=0).get_first_table()
    assert len(table.array) == 0
    assert len(table.fields) == 4


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"RA": 1, "DEC": 1}, "SR"),
        ({"RA": "x", "DEC": 1, "SR": 1}, "RA"),
        ({"RA": "nan", "DEC": 1, "SR": 1}, "RA"),
        ({"RA": 1, "DEC": 91, "SR": 1}, "DEC"),
        ({"RA": 1, "DEC": 1, "SR": -1}, "SR"),
        ({"RA": 1, "DEC": 1, "SR": "inf"}, "SR"),
        ({"RA": 1, "DEC": 1, "SR": 1, "VERB": 7}, "VERB"),
        ({"RA": 1, "DEC": 1, "SR": 1, "MAXREC": -7}, "MAXREC"),
    ],
)
def test_what_is_wrong_is_said_as_old_clients_look_for_it(places, cone, parameters, word):
    infos = {info.name: info for info in cone(**parameters).resources[0].infos}
    assert word in infos["Error"].value
    assert infos["QUERY_STATUS"].value == "ERROR"


def test_tables_without_places_or_out_of_sight_are_not_there(project, owner, sources, publish, client):
    plain = create_worktable(project, "plain", creator=owner, columns=[NewColumn("x", "int")])
    add_rows(plain, [{"x": 1}], by=owner)
    publish(plain)
    publish(sources, Scope.PROJECT)
    cone = {"RA": 1, "DEC": 1, "SR": 1}
    assert {
        client.get(f"/scs/virgo/{name}", cone).status_code for name in ("plain", "sources", "nothing")
    } == {404}


@committed
def test_a_cone_in_another_format(places, client):
    answer = client.get("/scs/virgo/places", {"ra": 0.05, "dec": 0.05, "sr": 0.01, "responseformat": "csv"})
    assert b"".join(answer.streaming_content).splitlines()[0] == b"row_id,name,at_ra,at_dec"
