"""The programs astronomers use, against a whole portal: STILTS and its validators, and pyvo."""

import csv
import io
import re

import pytest
import pyvo
import requests
from astropy.coordinates import SkyCoord
from pyvo.dal.exceptions import DALQueryError

from tests.vo.sky import N

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # pyvo leaves sockets to the collector


@pytest.fixture
def service(live, sky, session):
    return pyvo.dal.TAPService(live.tap, session=session)


def rows(text):
    """Return the lines of a CSV as dictionaries."""
    return list(csv.DictReader(io.StringIO(text)))


# STILTS


def test_taplint_finds_nothing(live, service, run_tool):
    assert len(service.search("SELECT s_region, em_min FROM ivoa.obscore")) >= 2

    _, said = run_tool("stilts", "taplint", f"tapurl={live.tap}", "report=EWF", "maxrepeat=9999")

    found = [line for line in said.splitlines() if re.match(r"[EWF]-", line)]
    # No observations are planned here, so there is no table of them: no error, says taplint.
    assert [line for line in found if not line.startswith("F-LOC-NOTP")] == []
    assert "Errors: 0; Warnings: 0" in said


@pytest.mark.parametrize("document", ["capabilities", "tables", "availability", "tables/virgo.sources"])
def test_documents_follow_their_schemas(live, sky, run_tool, document):
    assert run_tool("stilts", "xsdvalidate", "uselocals=true", f"doc={live.tap}/{document}") == (0, "")


def test_tables_are_votables(live, sky, run_tool, tmp_path):
    asked = "LANG=ADQL&QUERY=SELECT+TOP+20+t.*,POINT(ra,dec)+AS+p+FROM+virgo.sources+AS+t"
    for number, address in enumerate(
        [
            f"{live.tap}/sync?{asked.replace('ra,dec', 'position_ra,position_dec')}",
            f"{live.tap}/sync?{asked.replace('ra,dec', 'position_ra,position_dec')}&RESPONSEFORMAT=votable/td",
            f"{live.tap}/sync?{asked}&MAXREC=3",  # an error: there are no such columns
            f"{live.tap}/sync?LANG=ADQL&QUERY=SELECT+*+FROM+tap_schema.columns&MAXREC=3",
            f"{live.address}/scs/virgo/sources?RA=10&DEC=10&SR=60",
        ]
    ):
        path = tmp_path / f"{number}.vot"
        path.write_bytes(requests.get(address).content)
        assert run_tool("stilts", "votlint", f"votable={path}", "unit=true") == (0, ""), address


def test_stilts_asks_uploads_and_searches_cones(live, sky, run_tool, tmp_path):
    out = f"out={tmp_path / 'out.csv'}", "ofmt=csv"
    mine = tmp_path / "mine.vot"
    sky[:5].write(mine, format="votable")

    code, said = run_tool("stilts", "tapquery", f"tapurl={live.tap}", "sync=false", "nupload=1", f"upload1={mine}",
                          "upname1=mine", "adql=SELECT m.name, s.flux FROM tap_upload.mine AS m JOIN virgo.sources "
                          "AS s ON s.name = m.name ORDER BY m.name", *out)  # fmt: skip
    assert code == 0, said
    found = rows((tmp_path / "out.csv").read_text())
    assert [(row["name"], float(row["flux"])) for row in found] == [(r["name"], r["flux"]) for r in sky[:5]]

    code, said = run_tool("stilts", "cone", f"serviceurl={live.address}/scs/virgo/sources?", "lon=0.1", "lat=2",
                          "radius=20", "verb=3", *out)  # fmt: skip
    assert code == 0, said
    near = SkyCoord(sky["ra"], sky["dec"], unit="deg").separation(SkyCoord(0.1, 2, unit="deg")).deg <= 20
    assert {row["name"] for row in rows((tmp_path / "out.csv").read_text())} == set(sky["name"][near])

    code, said = run_tool("stilts", "tapskymatch", f"tapurl={live.tap}", "taptable=virgo.sources",
                          "taplon=position_ra", "taplat=position_dec", f"in={mine}", "inlon=ra", "inlat=dec", "sr=0.01",
                          "find=best", *out)  # fmt: skip
    assert code == 0, said
    assert len(rows((tmp_path / "out.csv").read_text())) == 5


# pyvo


def test_pyvo_asks_and_gets_units_and_meanings(service, sky):
    found = service.search(
        "SELECT name, flux, position_ra FROM virgo.sources WHERE flux > 1 ORDER BY flux DESC"
    ).to_table()

    bright = sky[sky["flux"] > 1]
    bright.sort("flux", reverse=True)
    assert list(found["name"]) == list(bright["name"])
    assert list(found["flux"]) == list(bright["flux"])
    assert (str(found["flux"].unit), found["position_ra"].meta["ucd"]) == ("mJy", "pos.eq.ra;meta.main")


def test_pyvo_asks_by_jobs_and_uploads(service, sky):
    mine = sky[:3]["name", "n"]
    found = service.run_async(
        "SELECT s.name, s.n + m.n AS twice FROM tap_upload.mine AS m JOIN virgo.sources AS s ON s.name = m.name",
        uploads={"mine": mine},
    ).to_table()
    assert dict(zip(found["name"], found["twice"], strict=True)) == {
        row["name"]: 2 * row["n"] for row in mine
    }


def test_pyvo_is_told_what_is_wrong(service):
    with pytest.raises(DALQueryError, match=r"virgo\.sources"):
        service.search("SELECT * FROM virgo.source")
    job = service.submit_job("SELECT fluxx FROM virgo.sources")
    job.run()
    job.wait(timeout=60)
    assert job.phase == "ERROR"
    with pytest.raises(DALQueryError, match="fluxx"):
        job.raise_if_error()
    job.delete()


def test_pyvo_finds_tables_examples_and_limits(service):
    assert {"virgo.sources", "virgo.sources_v1", 'virgo."order"'} <= set(service.tables.keys())
    assert service.tables["virgo.sources"].description.startswith("All <sources> & more")
    assert len(service.examples) >= 3
    for example in service.examples:
        found = example.execute()
        assert len(found) or "CIRCLE" not in example["QUERY"], "the example of a cone finds nothing"
    assert service.maxrec == 1_000_000
    assert service.hardlimit == 10_000_000


def test_a_token_opens_what_the_project_sees(live, sky, session):
    everybody = pyvo.dal.TAPService(live.tap, session=session)
    with pytest.raises(DALQueryError):
        everybody.search("SELECT * FROM virgo.secret_list")
    for header in (f"Bearer {live.token}", f"Token {live.token}"):
        session.headers["Authorization"] = header
        assert (
            len(pyvo.dal.TAPService(live.tap, session=session).search("SELECT * FROM virgo.secret_list")) == N
        )
    del session.headers["Authorization"]
    session.auth = ("vera", live.token)
    assert len(pyvo.dal.TAPService(live.tap, session=session).search("SELECT * FROM virgo.secret_list")) == N


def test_pyvo_searches_cones(live, sky, session):
    found = pyvo.dal.SCSService(f"{live.address}/scs/virgo/sources", session=session).search(
        (0.1, 89), radius=25
    )
    near = SkyCoord(sky["ra"], sky["dec"], unit="deg").separation(SkyCoord(0.1, 89, unit="deg")).deg <= 25
    assert {str(row["name"]) for row in found} == set(sky["name"][near])
    with pytest.raises(DALQueryError, match="SR"):
        pyvo.dal.SCSService(f"{live.address}/scs/virgo/sources", session=session).search((0, 0), radius=-1)
