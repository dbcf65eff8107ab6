"""What emptied an answer: found out on a table of a few rows, and compared with Python and plain SQLite."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vo.querying.explaining import explain, where_of

ROWS = [(a, b, f"t{a + b}") for a in range(5) for b in range(4) if a != b]


@pytest.fixture(scope="module")
def counted():
    """Count what a query finds, in SQLite, which understands these as they are."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (a int, b int, c text)")
    database.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
    return lambda query: database.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("SELECT * FROM t", None),
        ("SELECT * FROM t WHERE a > 1", ["a > 1"]),
        ("SELECT * FROM t WHERE a > 1 AND b < 2 ORDER BY a", ["a > 1", "b < 2"]),
        ("SELECT * FROM t WHERE a BETWEEN 1 AND 2 AND b NOT BETWEEN 3 AND 4",
         ["a BETWEEN 1 AND 2", "b NOT BETWEEN 3 AND 4"]),
        ("SELECT * FROM t WHERE a > 1 OR b < 2 AND c = 'x'", ["a > 1 OR b < 2 AND c = 'x'"]),
        ("SELECT * FROM t WHERE (a > 1 OR b < 2) AND c = 'x AND y'", ["(a > 1 OR b < 2)", "c = 'x AND y'"]),
        ("SELECT * FROM t WHERE a > 1 -- and more\n AND b < 2 -- end", ["a > 1", "b < 2"]),
        ("SELECT * FROM t WHERE CASE WHEN a > 1 AND b > 1 THEN 1 ELSE 0 END = 1 AND a < 3",
         ["CASE WHEN a > 1 AND b > 1 THEN 1 ELSE 0 END = 1", "a < 3"]),
        ("SELECT * FROM t WHERE a IN (SELECT a FROM t WHERE b > 1 AND a > 2) AND b < 9",
         ["a IN (SELECT a FROM t WHERE b > 1 AND a > 2)", "b < 9"]),
        ("WITH s AS (SELECT * FROM t WHERE a > 1 AND b > 1) SELECT * FROM s WHERE a < 3 GROUP BY a", ["a < 3"]),
        ("SELECT * FROM t WHERE a > 1 UNION SELECT * FROM t WHERE a > 2", None),
        ("SELECT a FROM t WHERE a > 1 GROUP BY a UNION SELECT a FROM t", None),
        ("SELECT a FROM t WHERE a > 1 GROUP BY a HAVING COUNT(*) > 1 AND MAX(b) > 2", ["a > 1"]),
        ("SELECT * FROM t WHERE a IN (1,2,3,4,5,6,7,8,9,10) AND b > 1;", ["a IN (1,2,3,4,5,6,7,8,9,10)", "b > 1"]),
    ],
)  # fmt: skip
def test_the_conditions_are_found_as_they_are_written(query, conditions):
    where = where_of(query)

    assert (where.conditions if where else None) == conditions


def test_a_condition_that_removes_everything_is_named(counted):
    why = explain("SELECT * FROM t WHERE a >= 1 AND b > 7 AND c = 't3'", counted)

    assert [(one.condition, one.n_rows) for one in why.removing] == [
        ("b > 7", sum(row[0] >= 1 and row[2] == "t3" for row in ROWS))
    ]
    assert counted(why.removing[0].query) == why.removing[0].n_rows
    assert why.bare == len(ROWS)


def test_two_that_nothing_fulfils_are_both_named(counted):
    why = explain("SELECT * FROM t WHERE b > 7 AND a > 9 AND c = 't3'", counted)

    assert [one.condition for one in why.hopeless] == ["b > 7", "a > 9"]


def test_conditions_that_exclude_each_other_are_named_together(counted):
    why = explain("SELECT * FROM t WHERE a = 1 AND a = 2 AND b = 1 AND b = 0", counted)

    assert not why.removing
    assert not why.hopeless
    assert [(one.condition, one.n_rows) for one in why.alone] == [
        ("a = 1", 3), ("a = 2", 3), ("b = 1", 4), ("b = 0", 4)
    ]  # fmt: skip


def test_an_empty_table_is_to_blame_itself(counted):
    assert explain("SELECT * FROM (SELECT * FROM t WHERE a > 99) AS s WHERE a = 1", counted).bare == 0
    assert explain("SELECT * FROM t", counted).bare == 0


def test_of_several_queries_nothing_is_said(counted):
    why = explain("SELECT a FROM t WHERE a > 9 UNION SELECT b FROM t WHERE b > 9", counted)

    assert why.bare is None
    assert not why.removing


def test_what_could_not_be_asked_in_time_is_said():
    answers = iter([10, None, 3])

    why = explain("SELECT * FROM t WHERE a = 1 AND a = 2", lambda query: next(answers))

    assert [(one.condition, one.n_rows) for one in why.removing] == [("a = 2", 3)]
    assert not why.in_time
    assert explain("SELECT * FROM t WHERE a = 1", lambda query: None).bare is None


COMPARISONS = {"<": int.__lt__, ">": int.__gt__, "=": int.__eq__, "<>": int.__ne__}
condition = st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(COMPARISONS)), st.integers(-1, 6))


@settings(max_examples=200, deadline=None)
@given(st.lists(condition, min_size=1, max_size=4))
def test_every_number_is_what_python_counts(counted, asked):
    def holds(row, column, sign, number):
        return COMPARISONS[sign](row["ab".index(column)], number)

    def n_rows(conditions):
        return sum(all(holds(row, *one) for one in conditions) for row in ROWS)

    texts = [" ".join(map(str, one)) for one in asked]
    why = explain("SELECT * FROM t WHERE " + " AND ".join(texts), counted)

    without = [(texts[i], n_rows(asked[:i] + asked[i + 1 :])) for i in range(len(asked))]
    assert [(one.condition, one.n_rows) for one in why.removing] == [one for one in without if one[1]]
    if not why.removing:
        alone = [(text, n_rows([one])) for text, one in zip(texts, asked, strict=True)]
        hopeless = [one for one in alone if not one[1]]
        assert [(one.condition, one.n_rows) for one in why.hopeless] == hopeless
        assert [(one.condition, one.n_rows) for one in why.alone] == ([] if hopeless else alone)
