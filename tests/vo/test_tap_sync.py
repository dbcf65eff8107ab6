"""Queries answered at once: every format, every limit, and what is wrong is said in a VOTable."""

import io
import json
from urllib.parse import urlencode

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse, parse_single_table
from astropy.table import Table
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from tests.vo.conftest import SOURCES
from vo.models import Scope

# Queries are asked through connections of their own, which see only what is committed; refusals come before that.
committed = pytest.mark.django_db(transaction=True)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client):
    """Ask as anybody, or as somebody; return the answer with all its bytes."""

    def ask(query, *, post=False, who=client, **parameters):
        parameters = {"LANG": "ADQL", "QUERY": query, **parameters}
        answer = (
            who.post("/tap/sync", parameters)
            if post
            else who.get("/tap/sync?" + urlencode(parameters, doseq=True))
        )
        answer.data = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer

    return ask


@pytest.fixture
def table(ask):
    """Ask, and return the answer as astropy reads it."""

    def table(query, **parameters):
        answer = ask(query, **parameters)
        assert answer.status_code == 200, answer.data
        return parse_single_table(io.BytesIO(answer.data)).to_table(use_names_over_ids=True)

    return table


def error_of(answer):
    """Return what an answer says is wrong."""
    assert answer.status_code == 400
    (info,) = [one for one in parse(io.BytesIO(answer.data)).resources[0].infos if one.name == "QUERY_STATUS"]
    assert info.value == "ERROR"
    return info.content


def plain(found):
    """Return rows as plain tuples, None where masked or NaN."""
    rows = []
    for row in found:
        values = [None if np.ma.is_masked(row[name]) else row[name] for name in found.colnames]
        rows.append(tuple(None if value is None or value != value else value for value in values))
    return rows


EXPECTED = [(i, n, *(p or (None, None)), f, k, g) for i, (n, p, f, k, g) in enumerate(SOURCES, start=1)]
NAMES = ["row_id", "name", "place_ra", "place_dec", "flux", "n", "good"]


@committed
def test_everything_of_a_table(sources, publish, table):
    publish(sources)
    found = table("SELECT * FROM virgo.sources ORDER BY row_id")

    assert found.colnames == NAMES
    assert plain(found) == EXPECTED
    assert (str(found["flux"].unit), found["flux"].meta["ucd"]) == ("mJy", "phot.flux.density")


@committed
def test_numbers_and_truths_alone_are_the_same(sources, publish, table):
    """On PostgreSQL they take another way than texts do."""
    publish(sources)
    found = table("SELECT row_id, place_ra, place_dec, flux, n, good FROM virgo.sources ORDER BY row_id")

    assert plain(found) == [(row[0], *row[2:]) for row in EXPECTED]


FORMATS = {
    "votable": "application/x-votable+xml",
    "votable/td": "application/x-votable+xml; serialization=TABLEDATA",
    "application/x-votable+xml;serialization=TABLEDATA": "application/x-votable+xml; serialization=TABLEDATA",
    "csv": "text/csv; charset=utf-8; header=present",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "fits": "application/fits",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}


@committed
def test_every_format_holds_the_same(sources, publish, ask):
    publish(sources)
    for name, media_type in FORMATS.items():
        for columns in (NAMES, ["flux", "n"]):
            answer = ask(
                f"SELECT {', '.join(columns)} FROM virgo.sources ORDER BY row_id", RESPONSEFORMAT=name
            )

            assert answer["Content-Type"] == media_type
            assert fluxes(name.partition("/")[0], answer.data) == [1.5, 0.25, 7.0, None], (name, columns)


def fluxes(name, data):
    """Return the fluxes in a file, as another program reads it."""
    if name == "json":
        return [row["flux"] for row in json.loads(data)["rows"]]
    if name == "fits":
        with fits.open(io.BytesIO(data), checksum=True) as file:
            return [None if value != value else value for value in file[1].data["flux"]]
    if name == "parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(io.BytesIO(data))["flux"].to_pylist()
    if name in ("csv", "tsv"):
        found = Table.read(io.BytesIO(data), format=f"ascii.{'csv' if name == 'csv' else 'tab'}")
    else:
        found = parse_single_table(io.BytesIO(data)).to_table()
    return [None if np.ma.is_masked(value) or value != value else value for value in found["flux"]]


@committed
def test_maxrec_is_kept_and_what_was_left_out_is_said(sources, publish, ask):
    publish(sources)
    for columns in ("*", "flux"):
        for most, rows in ((0, 0), (2, 2), (4, 4), (9, 4)):
            answer = ask(f"SELECT {columns} FROM virgo.sources", MAXREC=most)

            assert len(parse(io.BytesIO(answer.data)).get_first_table().array) == rows
            before, _, after = answer.data.partition(b"<TABLE")
            assert b'"QUERY_STATUS" value="OK"' in before
            assert (b'"QUERY_STATUS" value="OVERFLOW"' in after.partition(b"</TABLE>")[2]) == (most < 4)


@committed
def test_top_is_no_overflow(sources, publish, ask):
    publish(sources)
    assert b"OVERFLOW" not in ask("SELECT TOP 2 * FROM virgo.sources", MAXREC=3).data


@committed
def test_who_does_not_sign_in_gets_fewer_rows(sources, publish, ask, settings, client, owner):
    settings.VO = settings.VO | {"MAXREC_HARD_ANONYMOUS": 2}
    publish(sources)
    found = ask("SELECT name FROM virgo.sources", MAXREC=3, RESPONSEFORMAT="votable/td").data
    assert (found.count(b"<TR>"), b"OVERFLOW" in found) == (2, True)

    client.force_login(owner)
    found = ask("SELECT name FROM virgo.sources", MAXREC=3, RESPONSEFORMAT="votable/td").data
    assert found.count(b"<TR>") == 3


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"LANG": ""}, "LANG"),
        ({"LANG": "PQL"}, "PQL"),
        ({"QUERY": " "}, "QUERY"),
        ({"QUERY": "SELECT nothing FROM virgo.sources"}, "nothing"),
        ({"QUERY": "SELECT flux FROM virgo.source"}, "sources"),
        ({"QUERY": "SELECT flux FROM virgo.sources; DROP TABLE projects_project"}, "one query"),
        ({"QUERY": "SELECT * FROM sqlite_master"}, "sqlite_master"),
        ({"QUERY": "SELECT * FROM pg_catalog.pg_user"}, "pg_user"),
        ({"MAXREC": "-1"}, "MAXREC"),
        ({"MAXREC": "many"}, "many"),
        ({"MAXREC": ["1", "2"]}, "more than once"),
        ({"RESPONSEFORMAT": "word/doc"}, "word/doc"),
        ({"UPLOAD": "t,http://127.0.0.1:6379/x"}, "open network"),
        ({"UPLOAD": "t,file:///etc/passwd"}, "http://"),
        ({"UPLOAD": "t,param:nothing"}, "no part"),
        ({"UPLOAD": "t t,param:x"}, "UPLOAD"),
        ({"REQUEST": "getCapabilities"}, "REQUEST"),
    ],
)
def test_what_is_wrong_is_said_in_a_votable(sources, publish, ask, parameters, word):
    publish(sources)
    said = error_of(
        ask(
            **{
                "query": "SELECT * FROM virgo.sources",
                **{("query" if k == "QUERY" else k): v for k, v in parameters.items()},
            }
        )
    )
    assert word in said


@committed
def test_names_of_parameters_may_be_in_any_case(sources, publish, client):
    publish(sources)
    answer = client.get(
        "/tap/sync", {"lang": "adql", "Query": "SELECT COUNT(*) AS n FROM virgo.sources", "format": "csv"}
    )
    assert b"".join(answer.streaming_content).split() == [b"n", b"4"]


def upload(text):
    """Return a VOTable with names and positions, as somebody uploads it."""
    return SimpleUploadedFile("mine.vot", text.encode(), "application/x-votable+xml")


MINE = """<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE name="mine">
<FIELD name="RA" datatype="double" unit="deg"/><FIELD name="DEC" datatype="float"/>
<FIELD name="who" datatype="char" arraysize="*"/><FIELD name="big" datatype="long"/>
<DATA><TABLEDATA><TR><TD>187.7501</TD><TD>12.39</TD><TD>Élan</TD><TD>9007199254740993</TD></TR>
<TR><TD>10</TD><TD>10</TD><TD></TD><TD>-1</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@committed
def test_an_uploaded_table_is_asked_like_any_other(sources, publish, ask):
    publish(sources)
    query = (
        "SELECT m.who, m.big, s.name FROM tap_upload.mine AS m LEFT JOIN virgo.sources AS s "
        "ON DISTANCE(m.RA, m.DEC, s.place_ra, s.place_dec) < 0.001 ORDER BY m.big"
    )
    answer = ask(query, post=True, UPLOAD="mine,param:part1", part1=upload(MINE))

    assert answer.status_code == 200, answer.data
    found = parse_single_table(io.BytesIO(answer.data)).to_table()
    assert [tuple(value or None for value in row) for row in plain(found)] == [
        (None, -1, None),
        ("Élan", 9007199254740993, "east"),
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("no table", "mine"),
        (MINE.replace('name="big" datatype="long"', 'name="big" datatype="long" arraysize="2"'), "array"),
        ('<!DOCTYPE x [<!ENTITY e "boom">]>' + MINE, "entities"),
        ("<VOTABLE><RESOURCE/></VOTABLE>", "TABLE"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_name(ask, text, word):
    answer = ask("SELECT * FROM tap_upload.mine", post=True, UPLOAD="mine,param:mine", mine=upload(text))
    assert word in error_of(answer)


def test_uploads_have_limits(ask, settings):
    settings.VO = settings.VO | {"UPLOAD_ROWS": 1}
    said = error_of(ask("SELECT * FROM tap_upload.mine", post=True, UPLOAD="mine,param:m", m=upload(MINE)))
    assert "at most 1 are taken" in said
    settings.VO = settings.VO | {"UPLOAD_BYTES": 100}
    said = error_of(ask("SELECT * FROM tap_upload.mine", post=True, UPLOAD="mine,param:m", m=upload(MINE)))
    assert "MB" in said


@committed
def test_an_endless_query_is_stopped(sources, publish, ask, settings):
    settings.VO = settings.VO | {"SYNC_SECONDS": 0.3}
    publish(sources)
    query = "SELECT COUNT(*) FROM " + ", ".join(f"virgo.sources AS s{number}" for number in range(16))
    assert "longer than 0.3 seconds" in error_of(ask(query))


@committed
def test_tap_schema_says_what_there_is(sources, publish, table):
    publish(sources)
    found = table("SELECT table_name FROM tap_schema.tables WHERE schema_name = 'virgo' ORDER BY table_name")
    assert list(found["table_name"]) == ["virgo.sources", "virgo.sources_v1"]
    found = table(
        "SELECT column_name, datatype, arraysize, unit, ucd, indexed FROM tap_schema.columns "
        "WHERE table_name = 'virgo.sources' ORDER BY column_index"
    )
    assert [tuple(value or None for value in row[:-1]) + row[-1:] for row in plain(found)[:5]] == [
        ("row_id", "long", None, None, "meta.id;meta.main", 0),
        ("name", "unicodeChar", "*", None, "meta.id", 0),
        ("place_ra", "double", None, "deg", "pos.eq.ra;meta.main", 1),
        ("place_dec", "double", None, "deg", "pos.eq.dec;meta.main", 1),
        ("flux", "double", None, "mJy", "phot.flux.density", 0),
    ]


@committed
def test_what_one_may_not_see_is_not_there(sources, publish, ask, client, reader, stranger):
    publish(sources, Scope.PROJECT)
    tables = (
        "SELECT * FROM tap_schema.tables",
        "SELECT * FROM tap_schema.columns",
        "SELECT * FROM tap_schema.schemas",
    )
    for query in tables:
        assert b"virgo" not in ask(query, RESPONSEFORMAT="csv").data.lower()
    said = error_of(ask("SELECT * FROM virgo.sources"))
    assert said.replace("virgo.sources", "") == error_of(ask("SELECT * FROM virgo.secrets")).replace(
        "virgo.secrets", ""
    )

    client.force_login(stranger)
    assert "sources" in error_of(ask("SELECT * FROM virgo.sources"))
    client.force_login(reader)
    assert ask("SELECT * FROM virgo.sources").status_code == 200


@committed
def test_the_connection_can_only_read(sources, publish):
    """Were a query ever translated into something else, the database would refuse it."""
    from types import SimpleNamespace

    from vo.asking import ask
    from vo.asking.errors import QueryFailed

    publish(sources)
    bad = [
        "SELECT count(*) FROM worktables_worktable",
        "SELECT password FROM accounts_user",
        "DELETE FROM projects_project",
        "CREATE TABLE x (a int)",
    ]
    if connection.vendor == "postgresql":
        bad = [one.replace("FROM ", "FROM public.") for one in bad] + [
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_sleep(9)::text, 1",
        ]
    else:
        bad += ["SELECT * FROM sqlite_master", "PRAGMA table_info(accounts_user)", "ATTACH ':memory:' AS x",
                "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')"]  # fmt: skip
    for sql in bad:
        with pytest.raises(QueryFailed):
            list(ask(SimpleNamespace(sql=sql, columns=(), tables=frozenset()), [], seconds=2))


def test_cells_that_are_declared_larger_than_anything_are_not_made(ask):
    """A few bytes of a table must not take gigabytes to read."""
    large = MINE.replace(
        'name="who" datatype="char" arraysize="*"', 'name="who" datatype="char" arraysize="90000000"'
    )
    said = error_of(ask("SELECT * FROM tap_upload.m", post=True, UPLOAD="m,param:m", m=upload(large)))
    assert "declared so large" in said


def test_a_few_tables_come_with_a_query_not_thousands(ask):
    names = ";".join(f"t{number},param:m" for number in range(6))
    said = error_of(ask("SELECT * FROM tap_upload.t1", post=True, UPLOAD=names, m=upload(MINE)))
    assert "at most 5" in said
