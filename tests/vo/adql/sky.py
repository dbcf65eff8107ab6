"""A small sky with all that is awkward: poles, right ascension 0, NULLs, capitals, signs of patterns."""

import sqlite3

import numpy as np

from vo.adql import Column, Position, Table, Tables, translate

NAMES = [
    "M 87",
    "m 87",
    "NGC 4472",
    "ngc_1052",
    "100% sure",
    "Zwicky's",
    "Abell",
    "ábell",
    "Ζ",
    "",
    "back\\slash",
]
PLACES = [
    *((0.05, 0.05), (359.9, 0.001), (0.2, 9.5), (10.4, 10.4), (10.0, 10.0), (100.0, 80.0), (103.0, 80.0)),
    *((12.0, 89.95), (192.0, 89.9), (45.0, -90.0), (45.0, 90.0), (360.0, 0.0), (0.0, 0.0), (101.5, 80.0)),
]


class Sky:
    """The tables in a database, and the same rows as dictionaries."""

    def __init__(self, vendor, connection, tables, stars, galaxies):
        self.vendor, self.connection, self.tables = vendor, connection, tables
        self.stars, self.galaxies = stars, galaxies

    def __repr__(self):
        return f"<a sky on {self.vendor}>"

    def ask(self, query, limit=None):
        """Return the answer's rows as tuples; their number is what the translation knows of it."""
        translation = translate(query, self.tables, self.vendor, limit=limit)
        cursor = self.connection.cursor()
        if self.vendor == "postgresql":
            cursor.execute("SAVEPOINT question")
        try:
            cursor.execute(translation.sql)
            rows = [tuple(row) for row in cursor.fetchall()]
            assert translation.n_rows in (None, len(rows)), query
            return rows
        except Exception:
            if self.vendor == "postgresql":
                cursor.execute("ROLLBACK TO SAVEPOINT question")
            raise


def rows(seed=20):
    """Make the rows of both tables."""
    rng = np.random.default_rng(seed)
    stars = []
    for i in range(300):
        near = PLACES[i % len(PLACES)]
        ra = (near[0] + rng.normal(0, 3)) % 360 if i >= len(PLACES) else near[0]
        dec = float(np.clip(near[1] + rng.normal(0, 2), -90, 90)) if i >= len(PLACES) else near[1]
        stars.append(
            {
                "id": i + 1,
                "ra": float(ra),
                "dec": dec,
                "mag": None if i % 11 == 3 else round(float(rng.normal(15, 3)), 4),
                "n": None if i % 13 == 5 else int(rng.integers(-7, 8)),
                "name": None if i % 7 == 6 else NAMES[i % len(NAMES)] + ("" if i < 40 else str(i % 5)),
                "flag": None if i % 9 == 4 else bool(rng.integers(2)),
                "epoch": 57000.0 + i / 4,
                "footprint": [
                    f"circle {ra!r} {dec!r} 0.5",
                    "polygon 0 0 4 0 4 4 0 4",
                    None,
                    "polygon 358 -2 2 -2 2 2 358 2",
                    "nonsense",
                ][i % 5],
            }
        )
    galaxies = []
    for i in range(80):
        star = stars[int(rng.integers(300))]
        galaxies.append(
            {
                "id": i + 1,
                "ra": float((star["ra"] + rng.normal(0, 0.02)) % 360),
                "dec": float(np.clip(star["dec"] + rng.normal(0, 0.02), -90, 90)),
                "z": float(rng.uniform(0, 0.1)),
                "star_id": None if i % 10 == 9 else star["id"],
                "radius": float(rng.uniform(0, 0.1)),
                "name": star["name"],
            }
        )
    return stars, galaxies


STARS = (
    Column("id", "int", ucd="meta.id;meta.main", description="Number of the star"),
    Column("ra", "float", "deg", "pos.eq.ra;meta.main", "Right ascension"),
    Column("dec", "float", "deg", "pos.eq.dec;meta.main", "Declination"),
    Column("mag", "float", "mag", "phot.mag;em.opt.V", "Magnitude"),
    Column("n", "int", "", "meta.number", "How many"),
    Column("name", "text", ucd="meta.id", description="Name"),
    Column("flag", "bool", ucd="meta.code"),
    Column("epoch", "time", "d", "time.epoch", time_scale="tdb"),
    Column("footprint", "region", xtype="region", ucd="pos.outline;obs.field"),
)
GALAXIES = (
    Column("id", "int", ucd="meta.id;meta.main"),
    Column("ra", "float", "deg", "pos.eq.ra;meta.main"),
    Column("dec", "float", "deg", "pos.eq.dec;meta.main"),
    Column("z", "float", "", "src.redshift"),
    Column("star_id", "int"),
    Column("radius", "float", "deg", "phys.angSize"),
    Column("name", "text"),
)
CATALOGUE = Tables.of(
    [
        Table(
            "survey",
            "stars",
            '"data_1"',
            STARS,
            (Position("ra", "dec", "data_1_sky"),),
            size=300,
            immutable=True,
        ),
        Table(
            "survey",
            "galaxies",
            '"data_2"',
            GALAXIES,
            (Position("ra", "dec", "data_2_sky"),),
            size=80,
            immutable=True,
        ),
        Table("survey", "plain_stars", '(SELECT * FROM "data_1")', STARS, (Position("ra", "dec"),), size=300),
        Table(
            "other", "stars", '"data_3"', (Column("id", "int"), Column("Case", "int"), Column("size", "int"))
        ),
        Table("tap_schema", "tables", '"data_3"', (Column("id", "int"),)),
    ]
)
SQL_TYPES = {
    "int": "bigint",
    "float": "double precision",
    "text": "text",
    "time": "double precision",
    "region": "text",
}


def fill(vendor, connection):
    """Make the tables and their indexes in a database; return the sky."""
    cursor = connection.cursor()
    stars, galaxies = rows()
    mark = "?" if vendor == "sqlite" else "%s"
    for table, columns, made in (("data_1", STARS, stars), ("data_2", GALAXIES, galaxies)):
        types = SQL_TYPES | {"bool": "integer" if vendor == "sqlite" else "boolean"}
        described = ", ".join(f'"{column.name}" {types[column.kind]}' for column in columns[1:])
        cursor.execute(f'CREATE TABLE {table} ("id" integer primary key, {described})')
        names = [column.name for column in columns]
        cursor.executemany(
            f"INSERT INTO {table} VALUES ({', '.join([mark] * len(names))})",
            [tuple(row[name] for name in names) for row in made],
        )
        if vendor == "postgresql":
            cursor.execute(f'CREATE INDEX ON {table} USING gist (point("ra", "dec"))')
        else:
            cursor.execute(f"CREATE VIRTUAL TABLE {table}_sky USING rtree (id, x0, x1, y0, y1, z0, z1)")
            for row in made:
                ra, dec = np.radians([row["ra"], row["dec"]])
                x, y, z = float(np.cos(dec) * np.cos(ra)), float(np.cos(dec) * np.sin(ra)), float(np.sin(dec))
                cursor.execute(
                    f"INSERT INTO {table}_sky VALUES (?, ?, ?, ?, ?, ?, ?)", (row["id"], x, x, y, y, z, z)
                )
    cursor.execute('CREATE TABLE data_3 ("id" integer, "Case" integer, "size" integer)')
    cursor.execute("INSERT INTO data_3 VALUES (1, 2, 3)")
    return Sky(vendor, connection, CATALOGUE, stars, galaxies)


def sqlite_sky():
    """Make the sky in a SQLite of its own."""
    from vo.adql.sqlite import install

    connection = sqlite3.connect(":memory:")
    install(connection)
    return fill("sqlite", connection)
