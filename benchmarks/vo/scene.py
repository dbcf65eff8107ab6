"""A published table of so many rows, asked in every way; run by ``python -m benchmarks.vo``."""

import gc
import json
import os
import random
import resource
import statistics
import sys
import time

COLUMNS = "place_ra, place_dec, a, b, c, d, e, n, m, good"  # 8 × 7 + 8 × 2 + 1 bytes
FORMATS = "votable", "fits", "votable/td", "csv"
CONES = 40


def main(n_rows, rounds):
    """Fill, publish, measure."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    owner, project = make_people()
    began = time.perf_counter()
    publish(project, "big", n_rows, owner, seed=1)
    tell("published", seconds=time.perf_counter() - began)
    answers(f"SELECT {COLUMNS} FROM sky.big", n_rows, rounds)
    cones()
    publish(project, "left", 7_000, owner, seed=2)
    publish(project, "right", 1_500, owner, seed=3)
    cross_match()


def tell(what, **facts):
    """Write a measurement."""
    print(json.dumps({"what": what, **facts}), flush=True)


def make_people():
    """Make whoever owns and decides everything."""
    from django.contrib.auth import get_user_model

    from projects.editing import create_project

    owner = get_user_model().objects.create_superuser("owner")
    return owner, create_project("sky", "Sky", "", creator=owner)


def publish(project, name, n_rows, owner, *, seed):
    """Publish a table of random rows all over the sky."""
    from django.db import connection

    from vo.publishing.deciding import grant
    from vo.publishing.indexing import claim_version, index_version
    from vo.publishing.proposing import propose
    from worktables.columns import NewColumn
    from worktables.creating import create_worktable
    from worktables.storage import layout_of

    columns = [NewColumn("place", "position"), *(NewColumn(one, "float", unit="mJy") for one in "abcde"),
               NewColumn("n", "int"), NewColumn("m", "int"), NewColumn("good", "bool")]  # fmt: skip
    table = create_worktable(project, name, creator=owner, columns=columns)
    layout = layout_of(table)
    number = "(abs(random()) / 9223372036854775808.0)" if connection.vendor == "sqlite" else "random()"
    modulo, true = ("i % 2", "(i % 2)") if connection.vendor == "sqlite" else ("i % 2", "(i % 2 = 0)")
    values = [
        f"{number} * 359.99",
        f"{number} * 178 - 89",
        *[f"{number} * 100"] * 5,
        "i",
        f"nullif({modulo}, 0)",
        true,
    ]
    names = layout.fields(layout.columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT setseed({seed / 10})")
            numbers = f"generate_series(1, {n_rows}) AS s (i)"
            cursor.execute(f"INSERT INTO {layout.table} (id, state, created_at, {', '.join(names)}) "
                           f"SELECT i, 0, now(), {', '.join(values)} FROM {numbers}")  # fmt: skip
            cursor.execute(f"ANALYZE {layout.table}")
        else:
            cursor.execute(
                f"WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {n_rows}) "
                f"INSERT INTO {layout.table} (id, state, created_at, {', '.join(names)}) "
                f"SELECT i, 0, '2026-01-01 00:00:00', {', '.join(values)} FROM s"
            )
    facts = {"title": name, "description": name, "creator": "x", "rights": "x", "contact": "x"}
    grant(propose(table, facts, "world", by=owner), by=owner)
    while version := claim_version():  # as workers do
        index_version(version)


def answers(query, n_rows, rounds):
    """Answer a query for all rows in each format, in turn with draining a bare COPY; processor time of this side."""
    found = {name: [] for name in ("drain", *FORMATS)}
    for _ in range(rounds):
        for name in found:
            measured = in_a_child(drain if name == "drain" else answer_in, query, name)
            if measured:
                found[name].append(measured)
    floor = statistics.median(one["cpu"] for one in found["drain"]) if found["drain"] else None
    for name, measured in found.items():
        if not measured:
            continue
        facts = {key: statistics.median(one[key] for one in measured) for key in measured[0]}
        tell(name, **facts, of_the_drain=floor and facts["cpu"] / floor, rows=n_rows)


def in_a_child(function, *arguments):
    """Measure in a process of its own, so that its peak of memory is its own."""
    from django.db import connections

    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(function(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    os.waitpid(child, 0)
    return json.loads(text)


def growing(action):
    """Return what an action took: processor and wall time of this process, and growth of its peak of memory in MB."""
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    facts = action() or {}
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "growth_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        **facts,
    }


def drain(query, _):
    """Copy the same rows out of PostgreSQL, and throw them away."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return None
    sql = translated(query).sql

    def copy():
        with connection.cursor() as cursor, open(os.devnull, "wb") as nowhere:
            cursor.cursor.copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)", nowhere)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return growing(copy)


def answer_in(query, format):
    """Answer in a format, and throw it away."""
    from django.contrib.auth.models import AnonymousUser

    from vo.tap.answering import answer
    from vo.tap.asking import read_query

    def ask(text, most):
        asked = {"LANG": ["ADQL"], "QUERY": [text], "RESPONSEFORMAT": [format], "MAXREC": [str(most)]}
        began = time.perf_counter()
        pieces = answer(read_query(asked), AnonymousUser(), seconds=3600).pieces
        size = len(next(pieces))
        first = time.perf_counter() - began
        return {"first_byte": first, "size_mb": (size + sum(map(len, pieces))) / 1e6}

    ask(query.replace("SELECT", "SELECT TOP 5000"), 5000)  # what is imported and remembered is no growth
    return growing(lambda: ask(query, 10**9))


def translated(query):
    """Return a query as the database understands it."""
    from django.contrib.auth.models import AnonymousUser
    from django.db import connection

    from vo.adql import translate
    from vo.catalogue import tables_for

    return translate(query, tables_for(AnonymousUser()), connection.vendor)


def asked(sql):
    """Run a translated query as its reader would, and return how long the database took and how many rows came."""
    from django.db import connection

    from vo.adql import sqlite

    connection.ensure_connection()
    if connection.vendor == "sqlite":
        sqlite.install(connection.connection)
    cursor = connection.connection.cursor()
    began = time.perf_counter()
    cursor.execute(sql)
    rows = len(cursor.fetchall())
    return time.perf_counter() - began, rows


def cones():
    """Search cones of a degree around random places, poles among them."""
    places = random.Random(4)
    times, counts = [], []
    for number in range(CONES):
        ra, dec = places.uniform(0, 360), 88.9 if number % 10 == 0 else places.uniform(-80, 80)
        query = f"SELECT * FROM sky.big WHERE DISTANCE(place_ra, place_dec, {ra}, {dec}) <= 1"
        seconds, rows = asked(translated(query).sql)
        times.append(seconds * 1000)
        counts.append(rows)
    tell("cone", median_ms=statistics.median(times), most_ms=max(times), rows_found=statistics.median(counts))


def cross_match():
    """Match seven thousand places with fifteen hundred."""
    query = (
        (
            "SELECT l.row_id, r.row_id FROM sky.left AS l JOIN sky.right AS r "
            "ON DISTANCE(l.place_ra, l.place_dec, r.place_ra, r.place_dec) < 1"
        )
        .replace("sky.left", 'sky."left"')
        .replace("sky.right", 'sky."right"')
    )
    sql = translated(query).sql
    found = [asked(sql) for _ in range(5)]
    tell("cross-match", median_ms=1000 * statistics.median(one for one, _ in found), pairs=found[0][1])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
