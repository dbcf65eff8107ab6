"""Places of observations are found by an index, by whoever asks for them, and only among what they may see."""

import math
import sqlite3
from contextlib import closing

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.urls import reverse

from vo.adql import translate
from vo.adql.sqlite import install
from vo.catalogue import tables_for
from vo.models import PublishedProduct
from vo.publishing.storage import PRODUCTS_SKY, index_products_sky

pytestmark = pytest.mark.django_db(transaction=True)
NEAR = "SELECT obs_id FROM ivoa.obscore WHERE DISTANCE(s_ra, s_dec, {}, {}) <= {}"
INSIDE = (
    "SELECT obs_id FROM ivoa.obscore WHERE 1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE({}, {}, {})) AND s_fov < 9"
)
PLACES = [(0.05, 0.1), (359.9, -0.2), (187.7, 12.4), (10.0, 89.9), (200.0, 89.95), (40.0, -90.0)]


@pytest.fixture
def many(shown):
    """Thousands of observations all over the sky."""
    n = 3000
    PublishedProduct.objects.bulk_create(
        PublishedProduct(
            version=shown, row_id=100 + number, column="image", sha256=f"{number:064x}", name="x", media_type="x",
            size=1, obs_collection="virgo.pictures", obs_id=f"virgo.pictures/{100 + number}",
            did=f"virgo.pictures?v1/{100 + number}/image", dataproduct_type="image", s_fov=0.1,
            s_ra=number * 137.508 % 360, s_dec=math.degrees(math.asin(2 * (number + 0.5) / n - 1)),
        )
        for number in range(n)
    )  # fmt: skip
    index_products_sky(f"id > (SELECT coalesce(max(id), 0) FROM {PRODUCTS_SKY})")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE vo_publishedproduct")
    return shown


def rows_of(client, query):
    answer = client.get(reverse("tap-sync"), {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv"})
    assert answer.status_code == 200, answer.content
    return sorted(b"".join(answer.streaming_content).decode().split()[1:])


def plan_of(query):
    """Return how the database would answer a query."""
    translation = translate(query, tables_for(AnonymousUser()), connection.vendor)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {translation.sql}")
            return "\n".join(str(row) for row in cursor.fetchall())
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as reader:
        install(reader)
        return "\n".join(str(row) for row in reader.execute(f"EXPLAIN QUERY PLAN {translation.sql}"))


@pytest.mark.parametrize("query", [NEAR, INSIDE], ids=["distance", "circle"])
def test_the_index_is_asked_and_finds_the_same(many, client, query):
    for ra, dec in PLACES:
        for radius in (0.01, 3.0, 12.0):
            found = rows_of(client, query.format(ra, dec, radius))
            # The same condition where no index can be asked: a row is not dropped by it alone.
            slow = f"SELECT obs_id FROM ivoa.obscore WHERE (DISTANCE(s_ra, s_dec, {ra}, {dec}) <= {radius}) OR 1 = 0"
            assert found == rows_of(client, slow), (ra, dec, radius)

    plan = plan_of(query.format(187.7, 12.4, 1.0))
    if connection.vendor == "postgresql":
        assert PRODUCTS_SKY in plan
        assert "Seq Scan" not in plan
    else:
        assert f"SCAN {PRODUCTS_SKY} VIRTUAL TABLE INDEX" in plan
        assert "SEARCH vo_publishedproduct USING INTEGER PRIMARY KEY" in plan
    assert PRODUCTS_SKY not in plan_of("SELECT obs_id FROM ivoa.obscore WHERE s_ra < 3")


def test_published_files_are_in_the_index_at_once(shown, client):
    assert rows_of(client, NEAR.format(187.7, 12.4, 0.01)) == [
        f"virgo.pictures/{row}" for row in (1, 1, 4, 4)
    ]


def test_what_is_hidden_is_not_found_through_the_index(hidden, client):
    assert rows_of(client, NEAR.format(187.7, 12.4, 0.01)) == []


@pytest.mark.parametrize("mark", ["/*t1*/", "/*within*/", "/*a1*/", "/*s1*/"])
def test_a_text_that_looks_like_our_mark_stays_a_text(shown, client, mark):
    query = (
        f"SELECT o.obs_id FROM ivoa.obscore AS o JOIN virgo.pictures AS p ON o.target_name <> '{mark}' "
        f"WHERE DISTANCE(o.s_ra, o.s_dec, 187.7, 12.4) < 0.01 AND o.obs_id <> '{mark}' AND p.row_id = 1"
    )

    assert len(rows_of(client, query)) == 4


def test_joins_and_alternatives_find_the_same(shown, client):
    joined = (
        "SELECT o.obs_id FROM virgo.pictures AS p LEFT JOIN ivoa.obscore AS o ON o.obs_id = "
        "'virgo.pictures/' || CAST(p.row_id AS VARCHAR(9)) WHERE DISTANCE(o.s_ra, o.s_dec, 187.7, 12.4) < 0.01"
    )
    either = (
        "SELECT obs_id FROM ivoa.obscore WHERE DISTANCE(s_ra, s_dec, 187.7, 12.4) < 0.01 "
        "OR DISTANCE(s_ra, s_dec, 40, 90) < 0.01"
    )

    assert rows_of(client, joined) == [f"virgo.pictures/{row}" for row in (1, 1, 4, 4)]
    assert rows_of(client, either) == [f"virgo.pictures/{row}" for row in (1, 1, 3, 3, 4, 4)]
