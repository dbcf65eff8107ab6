"""PostgreSQL's binary COPY gives the same as rows one by one."""

import numpy as np
import psycopg2
import pytest
from django.db import connection

from vo.adql.tables import Column
from vo.asking.copying import Pieces, can_copy, copied
from worktables.formats.fields import listed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has COPY"),
]

COLUMNS = (
    Column("x", "float"),
    Column("n", "int"),
    Column("b", "bool"),
    Column("t", "time"),
    Column("m", "int"),
)
QUERY = """
SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE i / 3.0::float8 END, CASE WHEN i % 5 = 0 THEN NULL ELSE i * 1000000007 END,
       CASE WHEN i % 3 = 0 THEN NULL ELSE i % 2 = 0 END, 'infinity'::float8, i
FROM generate_series(1::int8, {}) AS s (i)
"""


@pytest.fixture
def reader():
    """A connection of its own, closed at the end."""
    parameters = connection.get_connection_params()
    parameters.pop("context", None)
    made = psycopg2.connect(**parameters)
    yield made
    made.close()


@pytest.mark.parametrize("count", [0, 1, 9, 50_000])
def test_all_values_arrive_and_nulls_where_they_were(reader, count):
    sql = QUERY.format(count)
    with reader.cursor() as cursor:
        cursor.execute(sql)
        expected = cursor.fetchall()
        batches = list(copied(cursor, sql, COLUMNS))

    found = [row for batch in batches for row in zip(*map(listed, batch.columns), strict=True)]
    assert [(None if x != x else x, *rest) for x, *rest in found] == expected
    assert sum(map(len, batches)) == count


def test_who_reads_no_further_stops_the_database(reader):
    with reader.cursor() as cursor:
        batches = copied(cursor, QUERY.format(50_000_000), COLUMNS)
        assert len(next(batches)) > 1000
        batches.close()  # would take minutes if it went on
    reader.rollback()
    with reader.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_an_error_of_the_database_is_raised_where_it_is_read(reader):
    with reader.cursor() as cursor, pytest.raises(psycopg2.Error, match="division"):
        list(copied(cursor, "SELECT 1.0::float8 / 0", COLUMNS[:1]))


def test_the_producer_never_gets_far_ahead(reader):
    with (
        reader.cursor() as cursor,
        Pieces(cursor, f"COPY ({QUERY.format(2_000_000)}) TO STDOUT (FORMAT BINARY)") as pieces,
    ):
        next(iter(pieces))
        assert pieces.waiting.qsize() <= pieces.waiting.maxsize


def test_texts_and_shapes_are_not_copied():
    assert can_copy(COLUMNS)
    assert not can_copy((*COLUMNS, Column("name", "text")))
    assert not can_copy([Column(f"n{i}", "int") for i in range(63)])


def test_an_infinite_value_is_none_of_the_nulls(reader):
    with reader.cursor() as cursor:
        (batch,) = copied(cursor, QUERY.format(10), COLUMNS)
    assert np.isposinf(batch.columns[3]).all()
