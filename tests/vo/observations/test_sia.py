"""Searching images by place, wavelength, time and the rest."""

import math
import shutil
import urllib.error
import urllib.request
from io import BytesIO

import pytest
from astropy.io.votable import parse_single_table
from django.urls import reverse

from tests.vo.observations import skies
from tests.vo.observations.test_validators import stilts

pytestmark = pytest.mark.django_db(transaction=True)
LIGHT = 299_792_458.0
RADIUS = math.hypot(16, 12) / 3600  # degrees from the middle of an image to its corners


@pytest.fixture
def search(client):
    """Search as somebody; return the names of the targets found, or the answer when it is refused."""

    def search(user=None, **parameters):
        client.logout()
        if user is not None:
            client.force_login(user)
        answer = client.get(reverse("sia-query"), parameters)
        if answer.status_code != 200:
            return answer
        data = b"".join(answer.streaming_content)
        table = parse_single_table(BytesIO(data)).to_table()
        return sorted(
            f"{one}/{kind}" for one, kind in zip(table["target_name"], table["dataproduct_type"], strict=True)
        )

    return search


BOTH = ["M87/cube", "M87/cube", "M87/image", "M87/image"]
ALL = sorted([*BOTH, "Pole/image", "Pole/image", "Wrap/image", "Wrap/image"])


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ALL),
        ({"POS": "CIRCLE 187.7 12.4 0.001"}, BOTH),
        ({"pos": ["CIRCLE 187.7 12.4 0.001", "CIRCLE 0 -30 0.001"]}, [*BOTH, "Wrap/image", "Wrap/image"]),
        ({"POS": f"CIRCLE 187.7 {12.4 + 12 / 3600 + 0.001} 0.0011"}, BOTH),
        ({"POS": f"CIRCLE 187.7 {12.4 + 12 / 3600 + 0.001} 0.0009"}, []),
        ({"POS": "RANGE 359.99 360 -30.01 -29.99"}, ["Wrap/image"] * 2),
        ({"POS": "RANGE 0 0.01 -30.01 -29.99"}, ["Wrap/image"] * 2),
        ({"POS": "RANGE -0.1 0.1 -30.01 -29.99"}, ["Wrap/image"] * 2),
        ({"POS": "RANGE 0 360 89 90"}, ["Pole/image"] * 2),
        ({"POS": "RANGE -Inf +Inf 12 13"}, BOTH),
        ({"POS": "RANGE -Inf +Inf -Inf +Inf"}, ALL),
        ({"POS": "POLYGON 187 12 188 12 188 13 187 13"}, BOTH),
        ({"POS": "POLYGON 350 -31 10 -31 10 -29 350 -29"}, ["Wrap/image"] * 2),
        ({"BAND": f"{LIGHT / skies.HERTZ}"}, ["M87/cube"] * 2),
        ({"BAND": f"{LIGHT / (skies.HERTZ - 1e7)} +Inf"}, []),
        ({"BAND": "-Inf 0.01"}, ["M87/cube"] * 2),
        ({"TIME": "57245.01"}, ALL),
        ({"TIME": ["57246 57247", "57244.9 57245"]}, ALL),
        ({"TIME": "57246 +Inf"}, []),
        ({"DPTYPE": "cube"}, ["M87/cube"] * 2),
        ({"DPTYPE": ["cube", "image"], "TARGET": "Pole"}, ["Pole/image"] * 2),
        ({"FOV": f"{1.9 * RADIUS} {2.1 * RADIUS}"}, ALL),
        ({"FOV": f"{2.1 * RADIUS} +Inf"}, []),
        ({"SPATRES": "2 3"}, ALL),
        ({"EXPTIME": "3600"}, ALL),
        ({"CALIB": "2"}, ALL),
        ({"CALIB": "3"}, []),
        ({"FACILITY": "ALMA"}, ALL),
        ({"INSTRUMENT": "O'Brien"}, []),
        ({"COLLECTION": "virgo.pictures", "TARGET": "Wrap"}, ["Wrap/image"] * 2),
        ({"ID": "ivo://STOA.invalid/virgo.pictures?v1/1/image"}, ["M87/image"]),
        ({"POL": "I"}, []),
        ({"FORMAT": "application/x-votable+xml;content=datalink"}, ALL),
        ({"UNKNOWN": "1", "TARGET": "Pole"}, ["Pole/image"] * 2),
        ({"MAXREC": "0"}, []),
    ],
    ids=str,
)
def test_what_is_found(shown, search, parameters, found):
    assert search(**parameters) == found


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"POS": "CIRCLE 1 2"}, "POS: these are not the numbers of the shape"),
        ({"POS": "CIRCLE nan 2 1"}, "POS"),
        ({"POS": "CIRCLE 1 2 -1"}, "the radius -1 is not between"),
        ({"POS": "CIRCLE 1 92 1"}, "the latitude 92"),
        ({"POS": "BOX 1 2 3 4"}, "is no shape"),
        ({"POS": "RANGE 2 1 0 1"}, "ends before it begins"),
        ({"POS": "RANGE 0 361 0 1"}, "the longitude 361"),
        ({"POS": "POLYGON 1 2 3 4"}, "POLYGON and longitude"),
        ({"POS": "CIRCLE a b c"}, "are not numbers"),
        ({"BAND": "2 1"}, "BAND: “2 1” ends before it begins"),
        ({"BAND": "x"}, "BAND"),
        ({"TIME": "1 2 3"}, "TIME"),
        ({"CALIB": "9"}, "CALIB"),
        ({"POL": "%"}, "POL"),
        ({"MAXREC": "-1"}, "MAXREC"),
        ({"RESPONSEFORMAT": "image/gif"}, "RESPONSEFORMAT"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said(shown, search, parameters, sentence):
    answer = search(**parameters)

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/x-votable+xml")
    assert b'name="QUERY_STATUS" value="ERROR"' in answer.content
    assert sentence in answer.content.decode()


def test_an_answer_that_is_cut_says_so_and_an_empty_one_describes_itself(shown, client):
    cut = b"".join(client.get(reverse("sia-query"), {"MAXREC": 3}).streaming_content)
    empty = b"".join(client.get(reverse("sia-query"), {"MAXREC": 0}).streaming_content)

    assert b'value="OVERFLOW"' in cut
    for name in ("POS", "BAND", "TIME", "POL", "FOV", "SPATRES", "EXPTIME", "ID", "COLLECTION", "FACILITY",
                 "INSTRUMENT", "DPTYPE", "CALIB", "TARGET", "TIMERES", "SPECRP", "FORMAT", "MAXREC"):  # fmt: skip
        assert f'<PARAM name="{name}"'.encode() in empty


def test_a_form_is_as_good_as_an_address(shown, client):
    answer = client.post(reverse("sia-query"), {"TARGET": "Pole", "RESPONSEFORMAT": "csv"})

    assert len(b"".join(answer.streaming_content).splitlines()) == 3


def test_what_is_not_shown_is_not_found(hidden, search, reader, stranger):
    assert search() == search(stranger) == []
    assert search(reader) == ALL


def test_pyvo_searches_and_follows_the_links(shown, served):
    import pyvo
    from astropy import units as u

    service = pyvo.dal.SIA2Service(f"{served.address}/sia")
    found = service.search(pos=(187.7, 12.4, 0.001 * u.deg), data_type="image", maxrec=10)

    assert sorted(row.obs_publisher_did.rpartition("/")[2] for row in found) == ["image", "smooth"]
    original = next(row for row in found if row.obs_publisher_did.endswith("/image"))
    links = original.getdatalink()
    assert sum(link.semantics == "#derivation" for link in links) == 2
    this = next(link for link in links if link.semantics == "#this")
    with urllib.request.urlopen(this.access_url) as file:
        assert file.read(6) == b"SIMPLE"


@pytest.mark.skipif(not shutil.which("stilts"), reason="stilts is not installed")
def test_validators_find_nothing_wrong(shown, served, tmp_path):
    answers = {"votable": "sia/query", "empty": "sia/query?MAXREC=0", "error": "sia/query?POS=x"}
    for name, address in answers.items():
        file = tmp_path / f"{name}.vot"
        try:
            file.write_bytes(urllib.request.urlopen(f"{served.address}/{address}").read())
        except urllib.error.HTTPError as error:
            file.write_bytes(error.read())
        assert stilts("votlint", f"votable={file}", "ucd=true", "unit=true") == "", name
    found = stilts("cone", f"serviceurl={served.address}/sia/query", "servicetype=sia2", "lon=187.7", "lat=12.4",
                   "radius=0.001", "ofmt=csv")  # fmt: skip
    assert len(found.strip().splitlines()) == 5
