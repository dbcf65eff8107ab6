"""What a query's author reads: what is wrong, where, and what to write instead."""

import pytest

from tests.vo.adql.sky import CATALOGUE
from vo.adql import AdqlError, translate

FROM = "FROM survey.stars"
ERRORS = {
    f"SELECT nam {FROM}": ("There is no column “nam” in “stars”", (1, 8), "did you mean name?"),
    f"SELECT id,\n  foot_print\n{FROM}": (
        "There is no column “foot_print” in “stars”",
        (2, 3),
        "did you mean footprint?",
    ),
    "SELECT id FROM survey.star": ("There is no table “survey.star”", (1, 16), "did you mean survey.stars"),
    "SELECT id FROM galaxys": ("There is no table “galaxys”", (1, 16), "did you mean galaxies"),
    "SELECT id FROM stars": (
        "There is more than one table “stars”",
        (1, 16),
        "write other.stars or survey.stars",
    ),
    f"SELECT s.id {FROM}": (
        "There is no table “s” after FROM",
        (1, 8),
        "an alias hides the name of its table",
    ),
    f"SELECT stars.id {FROM} AS s": ("There is no table “stars” after FROM", (1, 8), "an alias hides"),
    f"SELECT SQRTT(n) {FROM}": ("There is no function “SQRTT”", (1, 8), "did you mean SQRT?"),
    f"SELECT SQRT(n, 2) {FROM}": ("SQRT is given 2 arguments", (1, 8), "write SQRT(x)"),
    f"SELECT PI(1) {FROM}": ("PI is given 1 argument", (1, 8), "write PI()"),
    "SELECT size FROM other.stars": (
        "“size” is a reserved word or no part of ADQL",
        (1, 8),
        'quote it: "size"',
    ),
    f"SELECT id AS year {FROM}": (
        "“year” is a reserved word or no part of ADQL",
        (1, 14),
        'quote it: "year"',
    ),
    f"SELECT “id” {FROM}": ("“ is a typographic sign", (1, 8), 'write " around names'),
    f"SELECT id {FROM} WHERE name = ‘a’": ("‘ is a typographic sign", (1, 42), "write ' around texts"),
    f"SELECT id {FROM} WHERE name = 'a": (
        "The ' opens a text that is never closed",
        (1, 42),
        "add ' at its end",
    ),
    f'SELECT "id {FROM}': ('The " opens a quoted name that is never closed', (1, 8), 'add " at its end'),
    f"SELECT (id {FROM}": ("The ( is never closed", (1, 8), "add )"),
    f"SELECT id) {FROM}": ("The ) closes nothing", (1, 10), "nothing is open there"),
    f'SELECT id {FROM} WHERE name = "abc"': (
        "There is no column “abc” in “stars”",
        (1, 42),
        "write ' around texts",
    ),
    f"SELECT id {FROM} WHERE name = 5": (
        "“name”, a text, and 5, a number, cannot be compared",
        (1, 35),
        "CAST",
    ),
    f"SELECT id {FROM} WHERE n = NULL": ("Nothing equals NULL", (1, 35), "write IS NULL"),
    f"SELECT id {FROM} WHERE flag = 7": (
        "“flag”, a truth value, and 7 cannot be compared",
        (1, 35),
        "write 1 or 0",
    ),
    f"SELECT id {FROM} WHERE epoch > '2015-13-01'": ("'2015-13-01' is not a time", (1, 35), "an MJD"),
    f"SELECT id {FROM} WHERE CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))": (
        "This is a number and no condition",
        (1, 35),
        "compare CONTAINS with something, as in 1 = …",
    ),
    f"SELECT id {FROM} WHERE footprint = name": (
        "“footprint”, a region, and “name”, a text, cannot be compared",
        (1, 35),
        "CONTAINS",
    ),
    f"SELECT name, COUNT(*) {FROM}": (
        "“name” has more than one value in a group",
        (1, 8),
        "name it in GROUP BY",
    ),
    f"SELECT n, id {FROM} GROUP BY n": (
        "“id” has more than one value in a group",
        (1, 11),
        "an aggregate like MAX",
    ),
    f"SELECT id {FROM} WHERE COUNT(*) > 1": ("COUNT is not possible in WHERE", (1, 35), "HAVING"),
    f"SELECT SUM(MAX(n)) {FROM}": ("MAX is inside of another aggregate", (1, 12), "a subquery after FROM"),
    f"SELECT SUM(name) {FROM}": ("SUM takes no texts", (1, 8), ""),
    f"SELECT SUM(flag) {FROM}": ("SUM takes no truth values", (1, 8), "CASE WHEN"),
    f"SELECT id {FROM} GROUP id": ("BY is missing after GROUP", (1, 35), "write GROUP BY"),
    f"SELECT id {FROM} ORDER BY 3": ("There is no column number 3", None, "there are 1"),
    f"SELECT id {FROM} UNION SELECT id, n {FROM}": (
        "The queries have 1 and 2 columns",
        (1, 42),
        "as many in each",
    ),
    f"SELECT id {FROM} UNION SELECT name {FROM}": (
        "Column 1 is a number in one query and a text in another",
        (1, 42),
        "CAST",
    ),
    "SELECT id FROM survey.stars, survey.galaxies": (
        "“id” is in more than one table",
        (1, 8),
        "write galaxies.id or stars.id",
    ),
    "SELECT 1 FROM survey.stars, survey.stars": ("“stars” comes twice after FROM", (1, 29), "with AS"),
    "SELECT 1 FROM survey.stars s JOIN survey.galaxies g": (
        "The join has no condition",
        (1, 35),
        "CROSS JOIN",
    ),
    "SELECT 1 FROM survey.stars s JOIN survey.galaxies g USING (z)": (
        "There is no column “z” before the JOIN",
        (1, 60),
        "write ON",
    ),
    f"SELECT POINT(1, 91) {FROM}": ("The declination 91 is not between -90 and 90 degrees", (1, 8), ""),
    f"SELECT CIRCLE(1, 2, -3) {FROM}": ("The radius -3 is not between 0 and 180 degrees", (1, 8), ""),
    f"SELECT POINT('GALACTIC', 1, 2) {FROM}": (
        "Positions in “GALACTIC” are not converted",
        None,
        "give ICRS",
    ),
    f"SELECT POLYGON(1, 2, 3, 4) {FROM}": ("POLYGON is given 4 numbers", (1, 8), "three corners"),
    f"SELECT POLYGON(0, 0, 120, 0, 240, 0) {FROM}": (
        "The polygon does not fit into half the sky",
        (1, 8),
        "",
    ),
    f"SELECT CIRCLE(ra, dec, 'a') {FROM}": ("CIRCLE takes numbers, and this is a text", None, ""),
    f"SELECT DISTANCE(ra, dec, 1) {FROM}": ("DISTANCE takes two points or four numbers", (1, 8), ""),
    f"SELECT CIRCLE(ra, dec, 1e999) {FROM}": ("1e999 is too large for a number", None, ""),
    f"SELECT IN_UNIT(n, 'm') {FROM}": ("What is given to IN_UNIT has no known unit", (1, 8), ""),
    f"SELECT name + 1 {FROM}": ("“+” takes numbers, and this is a text", (1, 8), "CAST"),
    f"SELECT name || n {FROM}": ("“||” takes texts, and this is a number", (1, 16), "CAST"),
    f"SELECT id {FROM} WHERE": ("The query ends too early", None, ""),
    f"SELECT {FROM}": ("Nothing is selected", None, ""),
    f"SELECT id, {FROM}": ("A comma stands before FROM", (1, 12), ""),
    f"SELECT id name n {FROM}": ("The query cannot be understood at “n”", (1, 16), ""),
    f"SELECT id {FROM} WHERE a = (SELECT id {FROM})": ("There is no column “a”", (1, 35), ""),
    f"SELECT id {FROM} WHERE id = (SELECT id {FROM})": (
        "has one column and one row at most",
        (1, 48),
        "TOP 1",
    ),
    f"SELECT id {FROM} WHERE id IN (SELECT id, n {FROM})": (
        "The subquery after IN has 2 columns",
        None,
        "select one",
    ),
}


@pytest.mark.parametrize("query", ERRORS)
def test_an_error_says_what_where_and_what_instead(query):
    message, position, hint = ERRORS[query]

    with pytest.raises(AdqlError) as error:
        translate(query, CATALOGUE, "postgresql")

    assert message in error.value.message
    if position is not None:
        assert error.value.position == position
        assert f"(line {position[0]}, column {position[1]})" in str(error.value)
    assert hint in error.value.hint
