"""Any text at all is answered by a translation or by a sentence."""

import sqlite3
from contextlib import suppress

import psycopg2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vo.adql.sky import CATALOGUE
from vo.adql import FUNCTIONS, AdqlError, translate

WORDS = [
    *(
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP BY",
        "ORDER BY",
        "HAVING",
        "TOP 3",
        "OFFSET 2",
        "AS",
        "JOIN",
        "LEFT",
        "ON",
        "USING",
    ),
    *(
        "UNION",
        "INTERSECT ALL",
        "EXCEPT",
        "WITH",
        "IN",
        "NOT",
        "EXISTS",
        "AND",
        "OR",
        "LIKE",
        "IS",
        "NULL",
        "BETWEEN",
        "CASE",
    ),
    *(
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "DISTINCT",
        "ALL",
        "*",
        ",",
        "(",
        ")",
        ".",
        ";",
        "+",
        "-",
        "/",
        "||",
        "=",
        "<>",
        "<",
        "!=",
    ),
    *(
        "1",
        "2.5",
        "'a'",
        "''",
        '"id"',
        "survey.stars",
        "survey.galaxies",
        "s",
        "id",
        "ra",
        "dec",
        "name",
        "flag",
        "mag",
        "n",
    ),
    *(
        "CAST(n AS INTEGER)",
        "CROSS",
        "NATURAL",
        "TRUE",
        "DESC",
        "VALUES",
        "LIMIT",
        "FOR",
        "[",
        "::",
        "--",
        "\n",
        "DOUBLE",
    ),
    *(f"{name}(" for name in FUNCTIONS),
    *(
        "REAL",
        "TIMESTAMP 'x'",
        "CHAR",
        "WINDOW",
        "OVER",
        "START",
        "CONNECT",
        "MATERIALIZED",
        "KEY",
        "NAME",
        "ANY",
        "SEARCH",
    ),
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
@settings(max_examples=400, deadline=None)
@example("SELECT TOP 1 WITH")
@example("WITH a AS (SELECT 1) , SELECT 1")
def test_any_text_is_translated_or_refused_with_a_sentence(query):
    for prefix in ("", "SELECT id FROM survey.stars WHERE "):
        for backend in ("sqlite", "postgresql"):
            with suppress(AdqlError):
                assert translate(prefix + query, CATALOGUE, backend).sql


EXPRESSIONS = st.recursive(
    st.sampled_from(
        ["n", "mag", "id", "1", "-2", "0.5", "0", "NULL", "CAST(n AS SMALLINT)", "1e3", "- -3", "ra"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("- {}".format),
        st.tuples(st.sampled_from(["ABS", "SQRT", "LOG", "FLOOR", "ROUND", "EXP"]), inner).map(
            "{0[0]}({0[1]})".format
        ),
        st.tuples(inner, inner).map("MOD({0[0]}, {0[1]})".format),
        st.tuples(inner, inner, inner).map("CASE WHEN {0[0]} < {0[1]} THEN {0[2]} END".format),
        st.tuples(inner, inner).map("COALESCE({0[0]}, {0[1]})".format),
    ),
    max_leaves=12,
)


# What we leave to the databases: sums that no number can hold are errors on one of them, and large on the other.
TOO_LARGE = ("overflow", "out of range")


@given(EXPRESSIONS)
@settings(max_examples=150, deadline=None)
@example("COALESCE(n, COALESCE(NULL, NULL))")
@example("COALESCE(n, CASE WHEN n > 1 THEN NULL END)")
def test_what_is_translated_is_understood_by_the_database(sky, expression):
    problem = ""
    try:
        assert len(sky.ask(f"SELECT {expression} AS x FROM survey.stars")) == 300
    except AdqlError as error:
        problem = "" if "NULL" in str(error) else str(error)
    except (sqlite3.Error, psycopg2.Error) as error:
        problem = "" if any(words in str(error) for words in TOO_LARGE) else str(error)

    assert not problem
