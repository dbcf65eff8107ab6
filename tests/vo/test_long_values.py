"""Answers whose values are long: however many rows there are, little of them is in memory at once."""

import tracemalloc

import psycopg2
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from vo.adql.tables import Column
from vo.asking.copying_rows import copied_rows
from vo.tap.answering import answer
from vo.tap.asking import read_query
from worktables.columns import NewColumn
from worktables.creating import create_worktable
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1_000_000
ROWS = 60


@pytest.fixture
def long(project, owner, publish):
    """A published table of long texts, the first of which are short."""
    table = create_worktable(
        project, "long", creator=owner, columns=[NewColumn("note"), NewColumn("n", "int")]
    )
    add_rows(table, [{"note": "short", "n": n} for n in range(500)], by=owner)
    for n in range(ROWS):
        add_rows(table, [{"note": chr(65 + n % 26) * MEGABYTE, "n": n}], by=owner)
    return publish(table)


@pytest.mark.parametrize("format", ["votable", "csv"])
def test_long_values_take_no_more_memory_than_a_few_of_them(long, format):
    query = read_query(
        {"LANG": ["ADQL"], "QUERY": ["SELECT note, n FROM virgo.long"], "RESPONSEFORMAT": [format]}
    )
    tracemalloc.start()
    try:
        found = answer(query, AnonymousUser())
        size = sum(map(len, found.pieces))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size > ROWS * MEGABYTE
    assert peak < 40 * MEGABYTE


ODD = """
SELECT * FROM (VALUES
    (1, E'a\\tb\\nc\\\\d\\re', ARRAY[1.5, NULL, 'NaN']::float8[], true, 'NaN'::float8, ARRAY['x', NULL, E'q"\\\\,\\n']),
    (NULL, '', '{}'::float8[], NULL, 'Infinity'::float8, NULL),
    (-9223372036854775807, E'\\\\N', NULL, false, 1e-300, ARRAY['']),
    (0, 'ü 星 😀', ARRAY[1e300], true, NULL, ARRAY['NULL', 'NaN'])
) AS v (n, note, numbers, good, flux, words)
"""
COLUMNS = tuple(
    Column(name, kind)
    for name, kind in zip(
        ("n", "note", "numbers", "good", "flux", "words"),
        ("int", "text", "array", "bool", "float", "array"),
        strict=True,
    )
)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has COPY")
def test_rows_by_copy_are_as_a_cursor_has_them():
    parameters = connection.get_connection_params()
    parameters.pop("context", None)
    reader = psycopg2.connect(**parameters)
    with reader, reader.cursor() as cursor:
        cursor.execute(ODD)
        expected = cursor.fetchall()
        (found,) = copied_rows(cursor, ODD, COLUMNS)
        assert list(copied_rows(cursor, f"{ODD} WHERE n = 5", COLUMNS)) == []
    reader.close()

    assert repr(found) == repr(expected)
