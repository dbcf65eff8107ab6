"""Where published rows lie: tables that nothing changes, and a role of PostgreSQL that can do nothing but read them.

The only module here that speaks DDL. On PostgreSQL the tables are in the schema `published`; on SQLite, which has no
schemas, their names begin with `pub_`, and the reading connection sees to it that nothing else is read.
"""

from itertools import islice

import numpy as np
from django.db import DatabaseError, connection, transaction

from vo.adql.postgresql import FUNCTIONS
from worktables.storage import layout_of

SCHEMA = "published"
PRODUCTS = "vo_publishedproduct"  # in the schema of the portal's own tables, and read for `ivoa.obscore`
PRODUCTS_SKY = f"{PRODUCTS}_sky"
BATCH = 20_000
RTREE = "rtree(id, x0, x1, y0, y1, z0, z1)"
SQL_TYPES = {"bool": "boolean", "int": "bigint", "float": "double precision", "time": "double precision"}
UNCHANGEABLE = "published rows never change"


def physical_name(bare):
    """Return the name of a physical table as SQL has it."""
    return f"{SCHEMA}.{bare}" if connection.vendor == "postgresql" else bare


def reader_role():
    """Return the name of the role that reads for everybody: roles belong to the whole server, hence the database's."""
    return f"{connection.settings_dict['NAME']}_reader"[:63]


def prepare_database(**_):
    """Make what published tables need in the database; done after each migration, and harmless when repeated."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {PRODUCTS_SKY} USING {RTREE}")
        while index_products_sky(f"id > (SELECT coalesce(max(id), 0) FROM {PRODUCTS_SKY})"):
            pass
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {PRODUCTS_SKY} ON {PRODUCTS} USING gist (point(s_ra, s_dec))"
        )
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        cursor.execute(FUNCTIONS)
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{UNCHANGEABLE}'; END $$"
        )
    make_reader()


def make_reader():
    """Make the role that only reads, and say whether it is there: the account of the portal may not be allowed to."""
    role = connection.ops.quote_name(reader_role())
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s",
                [reader_role()],
            )
            found = cursor.fetchone()
            if found is None:
                cursor.execute(f"CREATE ROLE {role} NOLOGIN")
            if found is None or not found[0]:
                cursor.execute(f"GRANT {role} TO CURRENT_USER")
            cursor.execute(f"GRANT USAGE ON SCHEMA {SCHEMA}, adql TO {role}")
            cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}")
            cursor.execute(f"GRANT SELECT ON public.{PRODUCTS} TO {role}")
            cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA adql TO {role}")
    except DatabaseError:
        return False
    return True


def copy_rows(version, worktable, columns):
    """Copy the rows of a worktable, but for those in its trash or retired, into a new table that is then closed.

    Parameters
    ----------
    version : PublishedVersion
    worktable : Worktable
    columns : list of (str, str)
        Names of the new columns, and the physical columns they are copied from.

    Returns
    -------
    int
        How many rows there are.
    """
    table = physical_name(version.bare_table)
    layout = layout_of(worktable)
    types = {field.name: field.db_type(connection) for field in layout.model._meta.fields}
    types["id"] = (
        "integer" if connection.vendor == "sqlite" else types["id"]
    )  # as SQLite calls what is its rowid
    definitions = ", ".join(f'"{name}" {types[physical]}' for name, physical in columns)
    names = ", ".join(f'"{name}"' for name, _ in columns)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE {table} ({definitions}, PRIMARY KEY ("{version.row_column}"))')
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(physical for _, physical in columns)} "
            f"FROM {layout.table} WHERE deleted_at IS NULL AND state <> 9 ORDER BY id"
        )
        count = cursor.rowcount
        _close(cursor, version.bare_table, table)
    return count


def _close(cursor, bare, table):
    if connection.vendor == "postgresql":
        cursor.execute(
            f"CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse()"
        )
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [reader_role()])
        if cursor.fetchone():
            cursor.execute(f"GRANT SELECT ON {table} TO {connection.ops.quote_name(reader_role())}")
        cursor.execute(f"ANALYZE {table}")
        return
    for action in ("INSERT", "UPDATE", "DELETE"):
        cursor.execute(
            f"CREATE TRIGGER {bare}_no_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{UNCHANGEABLE}'); END"
        )


def index_sky(version):
    """Index the places of a published version, a few thousand at a time, so that nobody waits for it long.

    Yields after each step.
    """
    if version.indexed:
        return
    for position in version.positions:
        if connection.vendor == "postgresql":
            _index_points(version, position)
            yield
        else:
            yield from _index_vectors(version, position)
    version.indexed = True
    version.save(update_fields=["indexed"])


def sky_index(version, position):
    """Return the name of the index of a pair of columns."""
    return f"{version.bare_table}_sky_{version.positions.index(position)}"


def _index_points(version, position):
    name, table = sky_index(version, position), physical_name(version.bare_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE INDEX IF NOT EXISTS {name} ON {table} USING gist (point("{position["ra"]}", "{position["dec"]}"))'
        )
        cursor.execute(f"ANALYZE {table}")


def _index_vectors(version, position):
    """Fill an R*Tree with unit vectors, from where an earlier attempt was stopped; yield after each batch."""
    name = sky_index(version, position)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING {RTREE}")
        cursor.execute(f"SELECT max(id) FROM {name}")
        last = cursor.fetchone()[0]
    ra, dec = position["ra"], position["dec"]
    there = f'"{ra}" IS NOT NULL AND "{dec}" IS NOT NULL'
    found = walk(version, [ra, dec], -1 if last is None else last, there)
    while batch := list(islice(found, BATCH)):
        with transaction.atomic():
            _insert_vectors(name, batch)
        yield


def index_products_sky(which, values=()):
    """Index the places of files, at most a few thousand at once; return how many. PostgreSQL does that by itself.

    Parameters
    ----------
    which : str
        A condition in SQL.
    values : list
        For it.
    """
    if connection.vendor == "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, s_ra, s_dec FROM {PRODUCTS} WHERE {which} AND s_ra IS NOT NULL AND s_dec IS NOT NULL "
            f"ORDER BY id LIMIT {BATCH}",
            values,
        )
        found = cursor.fetchall()
    if found:
        with transaction.atomic():
            _insert_vectors(PRODUCTS_SKY, found)
    return len(found)


def _insert_vectors(name, places):
    vectors = unit_vectors(np.array(places, dtype=float)[:, 1:])
    rows = [(place[0], x, x, y, y, z, z) for place, (x, y, z) in zip(places, vectors.tolist(), strict=True)]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT OR REPLACE INTO {name} VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)


def walk(version, names, last, only=""):
    """Yield published rows, each with its number before these columns, from behind the row `last`.

    Parameters
    ----------
    version : PublishedVersion
    names : list of str
    last : int
    only : str, optional
        A condition in SQL.
    """
    row, also = version.row_column, f" AND {only}" if only else ""
    columns = ", ".join(f'"{name}"' for name in (row, *names))
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT {columns} FROM {physical_name(version.bare_table)} WHERE "{row}" > %s{also} '
                f'ORDER BY "{row}" LIMIT {BATCH}',
                [last],
            )
            batch = cursor.fetchall()
        if not batch:
            return
        yield from batch
        last = batch[-1][0]


def count_values(version, names):
    """Return how many values these columns of published rows have together."""
    counts = " + ".join(f'count("{name}")' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts} FROM {physical_name(version.bare_table)}")
        return cursor.fetchone()[0]


def unit_vectors(places):
    """Return the unit vectors, of shape (n, 3), of places (ra, dec) in degrees, of shape (n, 2)."""
    ra, dec = np.radians(places).T
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
