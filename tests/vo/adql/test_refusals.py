"""What must never reach a database, each with the sentence that says why."""

import time

import pytest

from tests.vo.adql.sky import CATALOGUE
from vo.adql import AdqlError, translate

STARS = "SELECT id FROM survey.stars"
REFUSED = {
    # More than one statement, and none that is a query
    f"{STARS}; DROP TABLE stars": "A second statement follows the semicolon (line 1, column 28)",
    f"{STARS}; {STARS}": "A second statement follows",
    "DROP TABLE survey.stars": "DROP is not answered here (line 1, column 1)",
    "INSERT INTO survey.stars SELECT * FROM survey.stars": "INSERT is not answered here",
    "DELETE FROM survey.stars": "DELETE is not answered here",
    "UPDATE survey.stars SET id = 1": "UPDATE is not answered here",
    "COPY survey.stars TO '/tmp/x'": "COPY is not answered here",
    "PRAGMA table_info(stars)": "PRAGMA is not answered here",
    "ATTACH 'x.db' AS x": "ATTACH is not answered here",
    "VACUUM INTO 'x.db'": "VACUUM is not answered here",
    "EXPLAIN SELECT id FROM survey.stars": "EXPLAIN is not answered here",
    "SET search_path TO public": "SET is not answered here",
    "CALL pg_sleep(10)": "CALL is not answered here",
    "VALUES (1)": "VALUES is not answered here",
    "TABLE survey.stars": "TABLE is not answered here",
    "DO $$ BEGIN END $$": "DO is not answered here",
    "FROM survey.stars": "This is not a query",
    "id": "This is not a query",
    "(id)": "This is not a query",
    "": "The query is empty",
    " -- nothing": "The query is empty",
    # Tables that are not in the catalogue
    "SELECT * FROM pg_catalog.pg_class": "There is no table “pg_catalog.pg_class” (line 1, column 15)",
    "SELECT * FROM pg_user": "There is no table “pg_user”",
    "SELECT * FROM sqlite_master": "There is no table “sqlite_master”",
    "SELECT * FROM information_schema.tables": "There is no table “information_schema.tables”",
    "SELECT * FROM data_1": "There is no table “data_1”",
    'SELECT * FROM "data_1"': "There is no table “data_1”",
    "SELECT * FROM main.data_1": "There is no table “main.data_1”",
    "SELECT * FROM db.survey.stars": "There is no table “stars” of such a long name",
    "SELECT * FROM data_1_sky": "There is no table “data_1_sky”",
    'SELECT * FROM "survey.stars"': "There is no table “survey.stars”",
    f"{STARS} WHERE id IN (SELECT usesysid FROM pg_user)": "There is no table “pg_user”",
    f"WITH a AS (SELECT * FROM pg_user) {STARS}": "There is no table “pg_user”",
    f"{STARS} UNION SELECT oid FROM pg_class": "There is no table “pg_class”",
    # Columns that only databases know
    "SELECT rowid FROM survey.stars": "There is no column “rowid”",
    "SELECT ctid FROM survey.stars": "There is no column “ctid”",
    "SELECT xmin, tableoid FROM survey.stars": "There is no column “xmin”",
    # Functions
    "SELECT pg_read_file('/etc/passwd') FROM survey.stars": "There is no function “pg_read_file”",
    "SELECT pg_sleep(100) FROM survey.stars": "There is no function “pg_sleep”",
    f"{STARS} WHERE pg_sleep(100) IS NULL": "There is no function “pg_sleep”",
    "SELECT load_extension('x') FROM survey.stars": "There is no function “load_extension”",
    "SELECT lo_import('/etc/passwd') FROM survey.stars": "There is no function “lo_import”",
    "SELECT current_setting('x') FROM survey.stars": "There is no function “current_setting”",
    'SELECT "pg_sleep"(1) FROM survey.stars': "“pg_sleep” is quoted, and names of functions are not",
    'SELECT "upper"(name) FROM survey.stars': "“upper” is quoted",
    "SELECT pg_catalog.pg_sleep(1) FROM survey.stars": "So many dots are no part of ADQL (line 1, column 8)",
    "SELECT adql_distance(1, 2, 3, 4) FROM survey.stars": "There is no function “adql_distance”",
    "SELECT * FROM generate_series(1, 1000000000)": "is no part of ADQL",
    "SELECT randomblob(1000000000) FROM survey.stars": "There is no function “randomblob”",
    "SELECT current_user FROM survey.stars": "“current_user” is a reserved word",
    # What other dialects add
    "SELECT id INTO copied FROM survey.stars": "the answer is delivered, not stored",
    f"{STARS} FOR UPDATE": "queries lock nothing",
    f"{STARS} LIMIT 5": "write TOP after SELECT",
    f"{STARS} FETCH FIRST 5 ROWS ONLY": "write TOP after SELECT",
    "SELECT ROW_NUMBER() OVER (ORDER BY id) FROM survey.stars": "there are no window functions",
    "SELECT SUM(n) OVER () FROM survey.stars": "there are no window functions",
    "SELECT a.id FROM survey.stars a, LATERAL (SELECT 1) b": "cannot look at its neighbours",
    "SELECT * FROM (VALUES (1)) AS v": "rows come from tables only",
    "SELECT * FROM survey.stars TABLESAMPLE SYSTEM (1)": "TABLESAMPLE",
    "SELECT * FROM survey.stars PIVOT (SUM(n) FOR name IN ('a'))": "PIVOT",
    "WITH RECURSIVE a AS (SELECT 1 FROM survey.stars UNION SELECT * FROM a) SELECT * FROM a": "may not call itself",
    "WITH a AS (SELECT id FROM a) SELECT * FROM a": "There is no table “a”",
    "SELECT CAST('pg_class' AS regclass) FROM survey.stars": "CAST does not know that type",
    "SELECT CAST(id AS BLOB) FROM survey.stars": "CAST does not know that type",
    "SELECT 'pg_class'::regclass "
    "FROM survey.stars": "“:” has no meaning in ADQL (line 1, column 18); write CAST(value AS type)",
    "SELECT $$text$$ FROM survey.stars": "“$” has no meaning in ADQL",
    "SELECT E'\\047' FROM survey.stars": "“E” stands before a text without a space",
    "SELECT U&'\\0041' FROM survey.stars": "“&” has no meaning in ADQL",
    "SELECT x'41' FROM survey.stars": "“x” stands before a text without a space",
    "SELECT 0x41 FROM survey.stars": "“0x41” is neither a number nor a name",
    "SELECT id[1] FROM survey.stars": "“[” has no meaning in ADQL",
    "SELECT `id` FROM survey.stars": "` is a typographic sign",
    "SELECT /* hidden */ id FROM survey.stars": "“/*” opens no comment in ADQL",
    f"{STARS} WHERE id = :x": "“:” has no meaning",
    f"{STARS} WHERE id = ?": "values are written into the query",
    f"{STARS} WHERE id % 2 = 0": "write MOD(a, b)",
    f"{STARS} WHERE (id, n) IN (SELECT 1, 2 FROM survey.stars)": "A list of values in parentheses",
    f"{STARS} WHERE id = ALL (SELECT 1 FROM survey.stars)": "ALL with a subquery",
    f"{STARS} WHERE name LIKE 'a' ESCAPE 'b'": "LIKE has no escape character",
    f"{STARS} WHERE name COLLATE nocase = 'a'": "texts are compared by code point",
    f"{STARS} WHERE name SIMILAR TO 'a'": "write LIKE",
    f"{STARS} WHERE id IS DISTINCT FROM 1": "",
    f"{STARS} ORDER BY id NULLS FIRST": "",
    "SELECT DISTINCT ON (id) id FROM survey.stars": "",
    "SELECT TOP 5 PERCENT id FROM survey.stars": "",
    "SELECT TOP id id FROM survey.stars": "",
    "SELECT TOP -1 id FROM survey.stars": "",
    f"{STARS} GROUP BY ROLLUP (id)": "There is no function “ROLLUP”",
    f"{STARS} GROUP BY GROUPING SETS ((id))": "",
    f"{STARS} AT TIME ZONE 'x'": "",
    "SELECT SUM(n) FILTER (WHERE n > 1) FROM survey.stars": "",
    "SELECT id FROM survey.stars WHERE INTERVAL '1' DAY > 1": "",
    "SELECT * EXCLUDE (id) FROM survey.stars": "",
    "SELECT id FROM ONLY survey.stars": "“ONLY” is a reserved word",
    f"{STARS} |> WHERE id = 1": "“|” has no meaning in ADQL",
    f"{STARS} SEMI JOIN survey.galaxies ON 1 = 1": "",
    f"{STARS} CROSS APPLY survey.galaxies": "",
    f"{STARS} UNION BY NAME {STARS}": "",
    "SELECT STRUCT(1) FROM survey.stars": "There is no function “STRUCT”",
    "SELECT ARRAY[1] FROM survey.stars": "“[” has no meaning",
    "SELECT CASE WHEN pg_sleep(1) = 1 THEN 1 END FROM survey.stars": "There is no function “pg_sleep”",
    "SELECT {fn pg_sleep(1)} FROM survey.stars": "“{” has no meaning",
    "SELECT @@version FROM survey.stars": "“@” has no meaning",
    "SELECT id FROM survey.stars WHERE id IN ()": "",
    "SELECT id FROM survey.stars\0": "The query contains a NUL character",
    "SELECT '\ud800' FROM survey.stars": "The query contains half a character, U+D800",
}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
@pytest.mark.parametrize("query", REFUSED)
def test_it_is_refused_with_a_sentence(query, backend):
    with pytest.raises(AdqlError) as error:
        translate(query, CATALOGUE, backend)

    assert REFUSED[query] in str(error.value)
    assert str(error.value).endswith((".", "?"))
    assert "\n" not in str(error.value)


DEEP = 5_000
DEEPLY_NESTED = {
    "parentheses": f"SELECT {'(' * DEEP}1{')' * DEEP} FROM survey.stars",
    "subqueries": "SELECT * FROM " + "(SELECT * FROM " * 300 + "survey.stars" + ")" * 300,
    "functions": f"SELECT {'ABS(' * 300}1{')' * 300} FROM survey.stars",
    "cases": f"SELECT {'CASE WHEN 1 = 1 THEN ' * 300}1{' END' * 300} FROM survey.stars",
    "sums": f"SELECT {'+'.join(['id'] * 10_000)} FROM survey.stars",
    "texts": f"SELECT {'||'.join(['name'] * 10_000)} FROM survey.stars",
    "comparisons": f"SELECT 1 FROM survey.stars WHERE {'='.join(['id'] * 10_000)}",
    "unions": " UNION ".join(["SELECT id FROM survey.stars"] * 1_000),
    "joins": "SELECT 1 FROM survey.stars a0" + "".join(f", survey.stars a{i}" for i in range(1, 100)),
    "length": "SELECT id FROM survey.stars" + " " * 100_000,
    "signs": f"SELECT {'-' * 50_001}".replace("--", "- -") + " id FROM survey.stars WHERE x = 1",
    "nots": f"SELECT id FROM survey.stars WHERE {'NOT ' * 10_000} id",
    "opened": "(" * 90_000,
    "withs": "WITH a AS (" * 200 + "SELECT 1 FROM survey.stars" + ") SELECT * FROM a" * 200,
    "is": f"SELECT id FROM survey.stars WHERE id {'IS NULL ' * 5_000}",
    "dots": f"SELECT {'.'.join(['a'] * 5_000)} FROM survey.stars",
    "types": f"SELECT {'CHAR(' * 40}1{')' * 40} FROM survey.stars",
    "offsets": f"SELECT 1 FROM survey.stars{' OFFSET (SELECT 1 FROM survey.stars' * 40}{')' * 40}",
    "columns": f"SELECT {', '.join(['s.*'] * 10_000)} FROM survey.stars s",
    "boxes": f"SELECT {'CENTROID(BOX(' * 12}POINT(ra, dec){', id, id))' * 12} FROM survey.stars",
    "joins in parentheses": "SELECT 1 FROM "
    + "(survey.stars a JOIN " * 90
    + "survey.stars b"
    + " ON 1 = 1)" * 90,
}


@pytest.mark.parametrize("kind", DEEPLY_NESTED)
def test_what_is_too_deep_or_too_much_is_refused_and_soon(kind):
    start = time.process_time()

    with pytest.raises(AdqlError) as error:
        translate(DEEPLY_NESTED[kind], CATALOGUE, "sqlite")

    assert str(error.value).endswith((".", "?"))
    assert time.process_time() - start < 4


def test_a_long_condition_is_no_deep_one(sky):
    ones = " OR ".join(f"id = {i}" for i in range(1, 4_000))

    assert len(sky.ask(f"SELECT id FROM survey.stars WHERE {ones}")) == 300


@pytest.mark.parametrize("depth", range(2, 40, 3))
@pytest.mark.parametrize(
    "shape",
    [
        "1 + ({})",
        "ABS({})",
        "1 - ABS(1 - ABS({}))",
        "(SELECT TOP 1 id FROM survey.stars WHERE 1 = 1 AND id IN ({}))",
        "1 - ABS(1 * ({}))",
        "CASE WHEN 1 = 1 THEN {} END",
        "(SELECT MAX({}) FROM survey.stars)",
    ],
)
def test_what_is_translated_is_not_too_deep_for_the_database(sky, shape, depth):
    inner = "n"
    for _ in range(depth):
        inner = shape.format(inner)
    refused = ""
    try:
        assert len(sky.ask(f"SELECT {inner} FROM survey.stars WHERE id = 1")) == 1
    except AdqlError as error:
        refused = str(error)

    assert not refused or any(
        words in refused for words in ("nested too deeply", "more than", "inside of another")
    )
