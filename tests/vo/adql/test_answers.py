"""Answers to queries, each computed a second time in Python from the same rows."""

import math
from collections import Counter, defaultdict

import pytest
from astropy.coordinates import angular_separation

from tests.vo.adql.reference import in_triangle, mjd, outline_holds
from vo.adql import translate


def apart(ra1, dec1, ra2, dec2):
    return math.degrees(angular_separation(*(math.radians(angle) for angle in (ra1, dec1, ra2, dec2))))


def near(row, ra, dec, radius):
    return apart(row["ra"], row["dec"], ra, dec) <= radius


def ids(rows, condition):
    return [(row["id"],) for row in rows if condition(row)]


def grouped(rows, key):
    groups = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def known(rows, name):
    return [row[name] for row in rows if row[name] is not None]


def last(value):
    """Order as the database is asked to: NULL after everything."""
    return (value is None, value if value is not None else 0)


def triangle(row, *corners):
    return in_triangle(row["ra"], row["dec"], corners)


def truncated(a, b):
    return None if a is None or not b else int(a / b)


BY_ID = "ORDER BY id"
ANSWERS = {
    # What is selected
    "SELECT id, mag FROM survey.stars ORDER BY id": lambda s, g: [(r["id"], r["mag"]) for r in s],
    "SELECT TOP 5 id FROM survey.stars ORDER BY id DESC;": lambda s, g: [(i,) for i in range(300, 295, -1)],
    "select top 3 ID from SURVEY.STARS order by Id offset 4": lambda s, g: [(5,), (6,), (7,)],
    "SELECT id FROM survey.stars ORDER BY id OFFSET 297": lambda s, g: [(298,), (299,), (300,)],
    "SELECT DISTINCT flag FROM survey.stars ORDER BY flag": lambda s, g: [(False,), (True,), (None,)],
    "SELECT ALL n FROM survey.stars WHERE n > 5": lambda s, g: [(r["n"],) for r in s if (r["n"] or 0) > 5],
    "SELECT id, mag FROM survey.stars ORDER BY mag, id": lambda s, g: sorted(
        ((r["id"], r["mag"]) for r in s), key=lambda r: (last(r[1]), r[0])
    ),
    "SELECT id FROM survey.stars ORDER BY mag DESC, 1": lambda s, g: [
        (r["id"],) for r in sorted(s, key=lambda r: (r["mag"] is not None, -(r["mag"] or 0), r["id"]))
    ],
    "SELECT id FROM survey.stars WHERE name IS NOT NULL ORDER BY name, id": lambda s, g: [
        (r["id"],)
        for r in sorted((r for r in s if r["name"] is not None), key=lambda r: (r["name"], r["id"]))
    ],
    "SELECT id AS star FROM survey.stars WHERE id < 9 ORDER BY n * n, star": lambda s, g: [
        (r["id"],) for r in sorted(s[:8], key=lambda r: (last(r["n"] and r["n"] ** 2), r["id"]))
    ],
    'SELECT "Case", "size" FROM other.stars': lambda s, g: [(2, 3)],
    "SELECT survey.stars.id FROM survey.stars WHERE survey.stars.id = 3": lambda s, g: [(3,)],
    # Numbers
    "SELECT id, n / 2, n / 0, 7 / 2, -7 / 2 FROM survey.stars": lambda s, g: [
        (r["id"], truncated(r["n"], 2), None, 3, -3) for r in s
    ],
    "SELECT id, mag / 2, n / 2.0, 1 / 4.0 FROM survey.stars": lambda s, g: [
        (r["id"], r["mag"] and r["mag"] / 2, None if r["n"] is None else r["n"] / 2, 0.25) for r in s
    ],
    "SELECT id, 10 - 4 - 3, 2 * (3 + 4), -(-2), 10 - (4 - 3), 8 / 4 / 2 FROM survey.stars "
    "WHERE id < 3": lambda s, g: [
        (1, 3, 14, 2, 9, 1),
        (2, 3, 14, 2, 9, 1),
    ],
    "SELECT id, id - -1, - -id, -(id - 3) - (n - 2) FROM survey.stars": lambda s, g: [
        (r["id"], r["id"] + 1, r["id"], None if r["n"] is None else -(r["id"] - 3) - (r["n"] - 2)) for r in s
    ],
    "SELECT MOD(n, 3), MOD(n, 0), MOD(mag, 2.5) FROM survey.stars": lambda s, g: [
        (
            None if r["n"] is None else int(math.fmod(r["n"], 3)),
            None,
            None if r["mag"] is None else math.fmod(r["mag"], 2.5),
        )
        for r in s
    ],
    "SELECT SQRT(n), LOG(n), LOG10(n), POWER(n, 0.5), ACOS(n) FROM survey.stars": lambda s, g: [
        (
            None if (r["n"] is None or r["n"] < 0) else math.sqrt(r["n"]),
            None if not r["n"] or r["n"] < 0 else math.log(r["n"]),
            None if not r["n"] or r["n"] < 0 else math.log10(r["n"]),
            None if r["n"] is None or r["n"] < 0 else r["n"] ** 0.5,
            None if r["n"] is None or abs(r["n"]) > 1 else math.acos(r["n"]),
        )
        for r in s
    ],
    "SELECT ROUND(mag, 1), TRUNCATE(mag, 1), ROUND(-2.5), ROUND(1250, -2), TRUNCATE(-1299, -2) FROM survey.stars": (
        lambda s, g: [
            (
                None
                if r["mag"] is None
                else math.copysign(math.floor(abs(r["mag"]) * 10 + 0.5) / 10, r["mag"]),
                None if r["mag"] is None else math.trunc(r["mag"] * 10) / 10,
                -3,
                1300,
                -1200,
            )
            for r in s
        ]
    ),
    "SELECT FLOOR(mag), CEILING(mag), ABS(n), FLOOR(-0.5) FROM survey.stars": lambda s, g: [
        (
            None if r["mag"] is None else math.floor(r["mag"]),
            None if r["mag"] is None else math.ceil(r["mag"]),
            None if r["n"] is None else abs(r["n"]),
            -1,
        )
        for r in s
    ],
    "SELECT SIN(RADIANS(ra)), COS(RADIANS(ra)), TAN(RADIANS(dec / 2)), DEGREES(ATAN2(n, 2)) FROM survey.stars": (
        lambda s, g: [
            (
                math.sin(math.radians(r["ra"])),
                math.cos(math.radians(r["ra"])),
                math.tan(math.radians(r["dec"] / 2)),
                None if r["n"] is None else math.degrees(math.atan2(r["n"], 2)),
            )
            for r in s
        ]
    ),
    "SELECT COT(n), ASIN(n / 7.0), ATAN(n), EXP(n), EXP(1000), PI() FROM survey.stars": lambda s, g: [
        (
            None if not r["n"] else 1 / math.tan(r["n"]),
            None if r["n"] is None else math.asin(r["n"] / 7),
            None if r["n"] is None else math.atan(r["n"]),
            None if r["n"] is None else math.exp(r["n"]),
            None,
            math.pi,
        )
        for r in s
    ],
    "SELECT COUNT(*) FROM survey.stars WHERE RAND() >= 0 AND RAND(3) < 1": lambda s, g: [(300,)],
    "SELECT IN_UNIT(ra, 'rad'), IN_UNIT(dec, 'arcmin') FROM survey.stars": lambda s, g: [
        (math.radians(r["ra"]), r["dec"] * 60) for r in s
    ],
    # Conditions
    "SELECT id FROM survey.stars WHERE n BETWEEN -2 AND 2 AND NOT mag < 14": lambda s, g: ids(
        s, lambda r: r["n"] is not None and -2 <= r["n"] <= 2 and r["mag"] is not None and r["mag"] >= 14
    ),
    "SELECT id FROM survey.stars WHERE n NOT BETWEEN -2 AND 2 OR mag IS NULL": lambda s, g: ids(
        s, lambda r: (r["n"] is not None and not -2 <= r["n"] <= 2) or r["mag"] is None
    ),
    "SELECT id FROM survey.stars WHERE NOT (n = 1 OR n != 2) OR NOT NOT n = 5": lambda s, g: ids(
        s, lambda r: r["n"] in (2, 5)
    ),
    "SELECT id FROM survey.stars WHERE n IN (1, 2, -3) AND id NOT IN (1, 2, 3)": lambda s, g: ids(
        s, lambda r: r["n"] in (1, 2, -3) and r["id"] > 3
    ),
    "SELECT id FROM survey.stars "
    "WHERE mag IN (1,2,3,4,5,6,7,8,9,10,11.5,1e1,-1) OR id IN (1,2,3,4,5,6,7,8,9,10,11)": (
        lambda s, g: ids(s, lambda r: r["id"] <= 11)
    ),
    "SELECT id FROM survey.stars WHERE flag = 1 AND n < 0": lambda s, g: ids(
        s, lambda r: r["flag"] and (r["n"] or 0) < 0
    ),
    "SELECT id FROM survey.stars WHERE flag = TRUE OR 'false' = flag": lambda s, g: ids(
        s, lambda r: r["flag"] is not None
    ),
    "SELECT id FROM survey.stars WHERE flag <> 0": lambda s, g: ids(s, lambda r: r["flag"]),
    "SELECT id FROM survey.stars WHERE epoch < '2014-12-11T12:00:00' OR epoch > 57070": lambda s, g: ids(
        s, lambda r: r["epoch"] < mjd(2014, 12, 11, 12) or r["epoch"] > 57070
    ),
    "SELECT id FROM survey.stars WHERE epoch >= CAST('2015-01-01' AS TIMESTAMP)": lambda s, g: ids(
        s, lambda r: r["epoch"] >= mjd(2015, 1, 1, 0)
    ),
    # Texts
    "SELECT id FROM survey.stars WHERE name LIKE 'M%'": lambda s, g: ids(
        s, lambda r: (r["name"] or "").startswith("M")
    ),
    "SELECT id FROM survey.stars WHERE name ILIKE 'm%7'": lambda s, g: ids(
        s, lambda r: r["name"] and r["name"][0] in "mM" and r["name"].endswith("7")
    ),
    "SELECT id FROM survey.stars WHERE name LIKE '%\\%'": lambda s, g: ids(
        s, lambda r: "\\" in (r["name"] or "")
    ),
    "SELECT id FROM survey.stars WHERE name NOT LIKE '_ __' AND name LIKE '%*%'": lambda s, g: [],
    "SELECT id FROM survey.stars WHERE name LIKE LOWER(name)": lambda s, g: ids(
        s, lambda r: r["name"] is not None and not any(c.isascii() and c.isupper() for c in r["name"])
    ),
    "SELECT id FROM survey.stars WHERE name = 'Zwicky''s' OR name < 'A'": lambda s, g: ids(
        s, lambda r: r["name"] is not None and (r["name"] == "Zwicky's" or r["name"] < "A")
    ),
    "SELECT id, UPPER(name) || '-' || LOWER('ABC') FROM survey.stars WHERE name LIKE 'n%'": lambda s, g: [
        (r["id"], r["name"].upper() + "-abc") for r in s if (r["name"] or "").startswith("n")
    ],
    "SELECT MIN(name), MAX(name), COUNT(name), COUNT(DISTINCT name) FROM survey.stars": lambda s, g: [
        (min(known(s, "name")), max(known(s, "name")), len(known(s, "name")), len(set(known(s, "name"))))
    ],
    "SELECT id FROM survey.stars "
    "WHERE 1 = ivo_hasword(name, 'NGC') AND 0 = ivo_nocasematch(name, '%1')": lambda s, g: ids(
        s, lambda r: (r["name"] or "").lower().startswith("ngc") and not r["name"].endswith("1")
    ),
    "SELECT id FROM survey.stars WHERE 1 = ivo_hashlist_has('optical#Radio', name || '')": lambda s, g: [],
    "SELECT COUNT(*) FROM survey.stars WHERE ivo_hashlist_has('optical#Radio', 'RADIO') = 1": lambda s, g: [
        (300,)
    ],
    "SELECT id FROM survey.stars WHERE ivo_interval_overlaps(mag, mag + 1, 14, 15) = 1": lambda s, g: ids(
        s, lambda r: r["mag"] is not None and r["mag"] <= 15 and r["mag"] + 1 >= 14
    ),
    "SELECT n, ivo_string_agg(name, '+') FROM survey.stars GROUP BY n": lambda s, g: [
        (n, "+".join(sorted(known(rows, "name"))) or None) for n, rows in grouped(s, "n").items()
    ],
    # Casts and choices
    "SELECT CAST(mag AS INTEGER), CAST(-2.7 AS BIGINT), CAST('12' AS SMALLINT), CAST('x' AS INTEGER) "
    "FROM survey.stars": (
        lambda s, g: [(None if r["mag"] is None else int(r["mag"]), -2, 12, None) for r in s]
    ),
    "SELECT CAST(n AS VARCHAR(5)), CAST('abcdef' AS CHAR(3)), CAST(flag AS VARCHAR(9)) "
    "FROM survey.stars": lambda s, g: [
        (
            None if r["n"] is None else str(r["n"]),
            "abc",
            None if r["flag"] is None else str(r["flag"]).lower(),
        )
        for r in s
    ],
    "SELECT CAST(mag AS VARCHAR(30)), CAST(1e20 AS VARCHAR(30)), CAST('1.5e3' AS DOUBLE PRECISION) "
    "FROM survey.stars": (
        lambda s, g: [(None if r["mag"] is None else f"{r['mag']:.10g}", "1e+20", 1500.0) for r in s]
    ),
    "SELECT CAST(40000 + n AS SMALLINT), CAST(flag AS INTEGER), CAST(0.1 AS REAL) FROM survey.stars": lambda s, g: [
        (None, None if r["flag"] is None else int(r["flag"]), 0.10000000149011612) for r in s
    ],
    "SELECT CAST(epoch AS VARCHAR(30)) FROM survey.stars WHERE id < 4": lambda s, g: [
        ("2014-12-09T00:00:00",),
        ("2014-12-09T06:00:00",),
        ("2014-12-09T12:00:00",),
    ],
    "SELECT id, COALESCE(n, mag, 0), NULLIF(n, 1) FROM survey.stars": lambda s, g: [
        (
            r["id"],
            r["n"] if r["n"] is not None else (r["mag"] if r["mag"] is not None else 0),
            None if r["n"] == 1 else r["n"],
        )
        for r in s
    ],
    "SELECT id, COALESCE(n, 0.5) / 2 FROM survey.stars": lambda s, g: [
        (r["id"], (0.5 if r["n"] is None else r["n"]) / 2) for r in s
    ],
    "SELECT CASE WHEN mag < 12 THEN 'bright' WHEN mag < 18 THEN 'faint' ELSE 'none' END, "
    "CASE n WHEN 1 THEN 10 WHEN 2 THEN 2.5 END FROM survey.stars": lambda s, g: [
        (
            "none"
            if r["mag"] is None
            else "bright"
            if r["mag"] < 12
            else "faint"
            if r["mag"] < 18
            else "none",
            {1: 10, 2: 2.5}.get(r["n"]),
        )
        for r in s
    ],
    # Groups
    "SELECT COUNT(*), COUNT(mag), SUM(n), AVG(n), MIN(mag), MAX(mag), SUM(DISTINCT n) "
    "FROM survey.stars": lambda s, g: [
        (
            300,
            len(known(s, "mag")),
            sum(known(s, "n")),
            sum(known(s, "n")) / len(known(s, "n")),
            min(known(s, "mag")),
            max(known(s, "mag")),
            sum(set(known(s, "n"))),
        )
    ],
    "SELECT COUNT(*), SUM(mag), MAX(n) FROM survey.stars WHERE id < 0": lambda s, g: [(0, None, None)],
    "SELECT n, COUNT(*) AS many "
    "FROM survey.stars GROUP BY n HAVING COUNT(*) > 18 ORDER BY many DESC, n": lambda s, g: sorted(
        ((n, len(rows)) for n, rows in grouped(s, "n").items() if len(rows) > 18),
        key=lambda r: (-r[1], last(r[0])),
    ),
    "SELECT FLOOR(mag / 5) AS bin, AVG(ra) FROM survey.stars GROUP BY bin ORDER BY bin": lambda s, g: sorted(
        (
            (key, sum(ras) / len(ras))
            for key, ras in {
                key: [r["ra"] for r in s if (None if r["mag"] is None else math.floor(r["mag"] / 5)) == key]
                for key in {None if r["mag"] is None else math.floor(r["mag"] / 5) for r in s}
            }.items()
        ),
        key=lambda r: last(r[0]),
    ),
    "SELECT UPPER(name), SUM(n * 2) + 1 FROM survey.stars WHERE name LIKE '%8%' GROUP BY UPPER(name)": lambda s, g: [
        (name, 2 * sum(ns) + 1 if ns else None)
        for name, ns in (
            (name, [r["n"] for r in s if (r["name"] or "").upper() == name and r["n"] is not None])
            for name in {r["name"].upper() for r in s if "8" in (r["name"] or "")}
        )
    ],
    # Joins
    "SELECT g.id, s.name FROM survey.galaxies AS g JOIN survey.stars AS s ON g.star_id = s.id": lambda s, g: [
        (r["id"], s[r["star_id"] - 1]["name"]) for r in g if r["star_id"]
    ],
    "SELECT g.id, s.mag FROM survey.galaxies g LEFT OUTER JOIN survey.stars s ON g.star_id = s.id AND s.mag > 15": (
        lambda s, g: [
            (
                r["id"],
                s[r["star_id"] - 1]["mag"]
                if r["star_id"] and (s[r["star_id"] - 1]["mag"] or 0) > 15
                else None,
            )
            for r in g
        ]
    ),
    "SELECT COUNT(*) FROM survey.galaxies g RIGHT JOIN survey.stars s ON g.star_id = s.id": lambda s, g: [
        (sum(max(1, sum(r["star_id"] == star["id"] for r in g)) for star in s),)
    ],
    "SELECT COUNT(*), COUNT(s.id), COUNT(g.id) FROM survey.galaxies g FULL JOIN survey.stars s ON g.star_id = s.id": (
        lambda s, g: [
            (
                sum(max(1, sum(r["star_id"] == star["id"] for r in g)) for star in s)
                + sum(r["star_id"] is None for r in g),
                sum(max(1, sum(r["star_id"] == star["id"] for r in g)) for star in s),
                len(g),
            )
        ]
    ),
    "SELECT COUNT(*) FROM survey.galaxies, survey.stars AS s CROSS JOIN other.stars AS o": lambda s, g: [
        (80 * 300,)
    ],
    "SELECT id, z, mag FROM survey.galaxies JOIN survey.stars USING (id) ORDER BY id": lambda s, g: [
        (r["id"], r["z"], s[r["id"] - 1]["mag"]) for r in g
    ],
    "SELECT id, name FROM survey.galaxies a FULL JOIN survey.stars b USING (id, name) ORDER BY id, name": lambda s, g: (
        sorted(
            [*{(r["id"], r["name"]) for r in s + g if r["name"] is not None}]
            + [(r["id"], None) for r in s + g if r["name"] is None],
            key=lambda r: (r[0], r[1] is None, r[1] or ""),
        )
    ),
    "SELECT COUNT(*) FROM survey.stars NATURAL JOIN (SELECT id, n FROM survey.plain_stars) AS q": lambda s, g: [
        (len(known(s, "n")),)
    ],
    "SELECT a.id, b.id "
    "FROM survey.stars a JOIN (survey.stars b JOIN survey.galaxies c ON b.id = c.star_id) ON a.n = c.id": (
        lambda s, g: [
            (a["id"], c["star_id"])
            for a in s
            for c in g
            if a["n"] is not None and a["n"] == c["id"] and c["star_id"] is not None
        ]
    ),
    # Queries in queries
    "SELECT id FROM survey.stars WHERE id IN (SELECT star_id FROM survey.galaxies WHERE z < 0.05)": lambda s, g: (
        ids(s, lambda r: any(x["star_id"] == r["id"] and x["z"] < 0.05 for x in g))
    ),
    "SELECT id FROM survey.stars s "
    "WHERE NOT EXISTS (SELECT 1 FROM survey.galaxies WHERE star_id = s.id)": lambda s, g: ids(
        s, lambda r: all(x["star_id"] != r["id"] for x in g)
    ),
    "SELECT q.twice FROM (SELECT id * 2 AS twice FROM survey.stars "
    "WHERE id < 4) AS q WHERE q.twice > 2": lambda s, g: [
        (4,),
        (6,),
    ],
    "SELECT id FROM survey.stars WHERE mag = (SELECT MAX(mag) FROM survey.stars)": lambda s, g: ids(
        s, lambda r: r["mag"] == max(known(s, "mag"))
    ),
    "WITH bright AS (SELECT * FROM survey.stars WHERE mag < 14), few (a, b) AS (SELECT id, n FROM bright) "
    "SELECT f.a, g.b FROM few f JOIN few g ON f.a = g.a WHERE f.b > 0": lambda s, g: [
        (r["id"], r["n"]) for r in s if r["mag"] is not None and r["mag"] < 14 and (r["n"] or 0) > 0
    ],
    "SELECT name FROM survey.galaxies "
    "WHERE name IN (SELECT q.name FROM (SELECT name FROM survey.stars WHERE n > 0) q)": (
        lambda s, g: [
            (r["name"],)
            for r in g
            if r["name"] is not None and r["name"] in {x["name"] for x in s if (x["n"] or 0) > 0}
        ]
    ),
    "SELECT COUNT(*) FROM survey.galaxies g JOIN (SELECT DISTINCT name FROM survey.stars) q ON q.name = g.name": (
        lambda s, g: [(len(known(g, "name")),)]
    ),
    # Sets
    "SELECT n FROM survey.stars "
    "WHERE n > 3 UNION SELECT 100 FROM survey.stars UNION ALL SELECT 100 FROM other.stars": (
        lambda s, g: [(n,) for n in {*(r["n"] for r in s if (r["n"] or 0) > 3), 100}] + [(100,)]
    ),
    "SELECT id FROM other.stars UNION SELECT id FROM survey.stars INTERSECT SELECT star_id FROM survey.galaxies": (
        lambda s, g: [(i,) for i in {1, *(r["star_id"] for r in g if r["star_id"])}]
    ),
    "SELECT id FROM survey.stars EXCEPT (SELECT star_id FROM survey.galaxies "
    "UNION SELECT id FROM other.stars) ORDER BY 1 DESC": (
        lambda s, g: [
            (i,) for i in sorted({r["id"] for r in s} - {r["star_id"] for r in g} - {1}, reverse=True)
        ]
    ),
    "SELECT n FROM survey.stars EXCEPT ALL SELECT n FROM survey.stars WHERE id > 100": lambda s, g: [
        (n,) for n in (Counter(r["n"] for r in s) - Counter(r["n"] for r in s[100:])).elements()
    ],
    "SELECT n FROM survey.stars WHERE id < 90 INTERSECT ALL SELECT n FROM survey.stars WHERE id > 200": lambda s, g: [
        (n,) for n in (Counter(r["n"] for r in s[:89]) & Counter(r["n"] for r in s[200:])).elements()
    ],
    "SELECT n FROM survey.stars WHERE id < 5 UNION SELECT mag FROM survey.stars WHERE id < 3": lambda s, g: [
        (v,) for v in {*(r["n"] for r in s[:4]), *(r["mag"] for r in s[:2])}
    ],
    "SELECT TOP 2 id FROM survey.stars ORDER BY id": lambda s, g: [(1,), (2,)],
    "(SELECT TOP 2 id "
    "FROM survey.stars ORDER BY id DESC) UNION (SELECT TOP 1 id FROM survey.stars ORDER BY id) ORDER BY id OFFSET 1": (
        lambda s, g: [(299,), (300,)]
    ),
    "SELECT name FROM survey.stars UNION SELECT name FROM survey.galaxies ORDER BY name": lambda s, g: (
        [(v,) for v in sorted({r["name"] for r in s} - {None})] + [(None,)]
    ),
    # The sky
    "SELECT id FROM survey.stars "
    "WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 10, 2.5))": lambda s, g: ids(
        s, lambda r: near(r, 10, 10, 2.5)
    ),
    "SELECT id FROM survey.stars "
    "WHERE CONTAINS(POINT(ra, dec), CIRCLE(POINT(0, 0), 2)) = 1 AND id > 0": lambda s, g: ids(
        s, lambda r: near(r, 0, 0, 2)
    ),
    "SELECT id FROM survey.stars WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(359.5, -1, 3))": lambda s, g: ids(
        s, lambda r: not near(r, 359.5, -1, 3)
    ),
    "SELECT id FROM survey.stars "
    "WHERE CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 3)) <> 0 OR DISTANCE(POINT(10, 10), POINT(ra, dec)) < 2": (
        lambda s, g: ids(s, lambda r: near(r, 0, 0, 3) or near(r, 10, 10, 2))
    ),
    "SELECT id, DISTANCE(ra, dec, 0, 0) FROM survey.stars": lambda s, g: [
        (r["id"], apart(r["ra"], r["dec"], 0, 0)) for r in s
    ],
    "SELECT id FROM survey.stars WHERE 1.5 >= DISTANCE(POINT(ra, dec), POINT(20, 89.5))": lambda s, g: ids(
        s, lambda r: near(r, 20, 89.5, 1.5)
    ),
    "SELECT id FROM survey.stars WHERE DISTANCE(ra, dec, 100, -89) <= 4": lambda s, g: ids(
        s, lambda r: near(r, 100, -89, 4)
    ),
    "SELECT id FROM survey.stars WHERE DISTANCE(ra, dec, -0.5, 0) < 120": lambda s, g: ids(
        s, lambda r: near(r, 359.5, 0, 120)
    ),
    "SELECT id FROM survey.stars "
    "WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(358, -2, 2, -2, 2, 2, 358, 2))": lambda s, g: ids(
        s, lambda r: triangle(r, (358, -2), (2, -2), (2, 2)) or triangle(r, (358, -2), (2, 2), (358, 2))
    ),
    "SELECT id FROM survey.stars "
    "WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(POINT(5, 5), POINT(9, 8), POINT(15, 5), POINT(9, 16)))": (
        lambda s, g: ids(
            s, lambda r: triangle(r, (5, 5), (9, 8), (9, 16)) or triangle(r, (9, 8), (15, 5), (9, 16))
        )
    ),
    "SELECT id FROM survey.stars "
    "WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(9, 16, 15, 5, 9, 8, 5, 5))": lambda s, g: ids(
        s, lambda r: triangle(r, (5, 5), (9, 8), (9, 16)) or triangle(r, (9, 8), (15, 5), (9, 16))
    ),
    "SELECT id FROM survey.stars WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(0, 85, 120, 85, 240, 85))": lambda s, g: (
        ids(s, lambda r: triangle(r, (0, 85), (120, 85), (240, 85)))
    ),
    "SELECT id FROM survey.stars WHERE 1 = CONTAINS(POINT(ra, dec), BOX('', 0, 0, 6, 4))": lambda s, g: ids(
        s, lambda r: triangle(r, (357, -2), (3, -2), (3, 2)) or triangle(r, (357, -2), (3, 2), (357, 2))
    ),
    "SELECT id FROM survey.stars WHERE 1 = CONTAINS(POINT(ra, dec), footprint)": lambda s, g: ids(
        s, lambda r: outline_holds(r["footprint"], r["ra"], r["dec"])
    ),
    "SELECT id FROM survey.stars WHERE 1 = INTERSECTS(CIRCLE(1, 1, 0.1), footprint)": lambda s, g: ids(
        s,
        lambda r: (
            (r["footprint"] or "").startswith("polygon")
            or ((r["footprint"] or "").startswith("circle") and near(r, 1, 1, 0.6))
        ),
    ),
    "SELECT id FROM survey.stars WHERE INTERSECTS(CIRCLE(ra, dec, 0.5), CIRCLE(0, 0, 1.5)) = 1": lambda s, g: (
        ids(s, lambda r: near(r, 0, 0, 2))
    ),
    "SELECT g.id, s.id "
    "FROM survey.galaxies g JOIN survey.stars s ON DISTANCE(g.ra, g.dec, s.ra, s.dec) < 0.1": lambda s, g: [
        (a["id"], b["id"]) for a in g for b in s if apart(a["ra"], a["dec"], b["ra"], b["dec"]) < 0.1
    ],
    "SELECT g.id, s.id FROM survey.stars s, survey.galaxies g "
    "WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(g.ra, g.dec, g.radius))": lambda s, g: [
        (a["id"], b["id"]) for a in g for b in s if apart(a["ra"], a["dec"], b["ra"], b["dec"]) <= a["radius"]
    ],
    "SELECT s.id, g.id "
    "FROM survey.stars s LEFT JOIN survey.galaxies g ON DISTANCE(s.ra, s.dec, g.ra, g.dec) < 0.05": (
        lambda s, g: [
            pair
            for a in s
            for pair in (
                [(a["id"], b["id"]) for b in g if apart(a["ra"], a["dec"], b["ra"], b["dec"]) < 0.05]
                or [(a["id"], None)]
            )
        ]
    ),
    "SELECT id FROM survey.stars s WHERE EXISTS "
    "(SELECT 1 FROM survey.galaxies g WHERE DISTANCE(s.ra, s.dec, g.ra, g.dec) < 0.03)": lambda s, g: ids(
        s, lambda a: any(apart(a["ra"], a["dec"], b["ra"], b["dec"]) < 0.03 for b in g)
    ),
    "SELECT AREA(CIRCLE(1, 2, 90)), COORD1(POINT(5, 6)), COORD2(CENTROID(CIRCLE(5, 6, 1))) "
    "FROM other.stars": lambda s, g: [(2 * math.pi * math.degrees(1) ** 2, 5, 6)],
    "SELECT AREA(POLYGON(0, 0, 90, 0, 0, 90)), AREA(POLYGON(0, 90, 90, 0, 0, 0)) FROM other.stars": lambda s, g: [
        (math.pi / 2 * math.degrees(1) ** 2,) * 2
    ],
    "SELECT COORD1(CENTROID(POLYGON(0,0, 90,0, 0,90))), COORD2(CENTROID(POLYGON(0,0, 90,0, 0,90))) "
    "FROM other.stars": (lambda s, g: [(45, math.degrees(math.asin(1 / math.sqrt(3))))]),
    "SELECT id, POINT(ra, dec), CIRCLE(id, 2, 0.5), POLYGON(id, 2, 3, 4, 5, 6) FROM survey.stars "
    "WHERE id IN (5, 6)": (
        lambda s, g: [
            (5, "point 10 10", "circle 5 2 0.5", "polygon 5 2 3 4 5 6"),
            (6, "point 100 80", "circle 6 2 0.5", "polygon 6 2 3 4 5 6"),
        ]
    ),
}


def comparable(row):
    return tuple(
        (value is None, str(type(value).__name__ == "str"), value if value is not None else 0)
        for value in row
    )


def same(one, other):
    if isinstance(one, (str, bool)) or isinstance(other, (str, bool)) or one is None or other is None:
        return one == other
    return one == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("query", ANSWERS)
def test_the_answer_is_what_python_computes(sky, query):
    expected = ANSWERS[query](sky.stars, sky.galaxies)

    answer = sky.ask(query)

    if " ORDER BY " not in query.upper():
        answer, expected = sorted(answer, key=comparable), sorted(expected, key=comparable)
    assert len(answer) == len(expected)
    for got, wanted in zip(answer, expected, strict=True):
        assert all(map(same, got, wanted)), (got, wanted)


@pytest.mark.parametrize(
    "query", [query for query in ANSWERS if "survey.stars" in query and "(ra, dec" in query]
)
def test_an_index_changes_nothing(sky, query):
    """`plain_stars` are the same rows, and no index is known of them."""
    plain = query.replace("survey.stars", "survey.plain_stars")

    assert sorted(sky.ask(plain), key=comparable) == sorted(sky.ask(query), key=comparable)


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "found", "not_found"),
    [
        (0.05, 0.05, 0.5, [(359.9, 0.001)], []),
        (0.2, 10, 1, [(0.2, 9.5)], []),
        (10, 10, 0.5, [], [(10.4, 10.4)]),
        (101.5, 80, 1, [(100, 80), (103, 80)], []),
    ],
)
def test_the_four_cone_searches_that_once_went_wrong(sky, ra, dec, radius, found, not_found):
    query = (
        f"SELECT ra, dec FROM survey.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}))"
    )

    places = sky.ask(query)

    assert set(found) <= set(places)
    assert not set(not_found) & set(places)


def test_no_more_rows_than_the_limit_come_whatever_top_says(sky):
    assert len(sky.ask("SELECT id FROM survey.stars", limit=11)) == 11
    assert len(sky.ask("SELECT TOP 5 id FROM survey.stars", limit=11)) == 5
    assert len(sky.ask("SELECT TOP 50 id FROM survey.stars", limit=11)) == 11
    assert len(sky.ask("SELECT id FROM survey.stars UNION SELECT id FROM survey.galaxies", limit=11)) == 11
    assert sky.ask("SELECT TOP 0 id FROM survey.stars") == []


@pytest.mark.parametrize(
    ("query", "n_rows"),
    [
        ("SELECT id, ra FROM survey.stars", 300),
        ("SELECT TOP 5 * FROM survey.stars AS s ORDER BY mag", 5),
        ("SELECT id FROM (SELECT id FROM survey.stars) AS s", None),
        ("SELECT id FROM survey.plain_stars", None),
        ("SELECT id FROM survey.stars WHERE id > 0", None),
        ("SELECT count(*) FROM survey.stars", None),
        ("SELECT s.id FROM survey.stars AS s, survey.galaxies AS g", None),
        ("SELECT id FROM survey.stars UNION ALL SELECT id FROM survey.stars", None),
    ],
)
def test_the_number_of_rows_of_a_whole_table_is_known_before_it_is_read(sky, query, n_rows):
    assert translate(query, sky.tables, sky.vendor).n_rows == n_rows
    assert translate(query, sky.tables, sky.vendor, limit=3).n_rows == (None if n_rows is None else 3)
