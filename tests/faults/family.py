"""The toy family in a portal of its own, worked for and edited at random.

Run as ``python -m tests.faults.family DEED …`` with the settings of that portal: build, work, up PORT, token,
edit SEED N, put TABLE ROW COLUMN VALUE, again, or tell.
"""

import json
import os
import random
import sys
import time
from functools import partial

BANDS = ("a", "b", "c")
FIELDS, STARS, SUMS = 12, 6, 4


def build():
    """Make the tables and some rows."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from projects.editing import create_project
    from tests.worktables.families import make_family
    from worktables.rows import add_rows

    call_command("migrate", verbosity=0)
    owner = get_user_model().objects.create_user("owner")
    family = make_family(create_project("virgo", "Virgo", "", creator=owner), owner)
    rng = random.Random(5)
    add_rows(family.fields, [{"x": float(n % 5), "band": rng.choice(BANDS)} for n in range(FIELDS)], by=owner)
    add_rows(family.stars, [{"name": f"star {n}", "place": a_place(rng)} for n in range(STARS)], by=owner)
    add_rows(family.sums, [{"band": rng.choice(BANDS), "least": float(n)} for n in range(SUMS)], by=owner)


def a_place(rng):
    """Return a position near one of the first items, mostly within reach of it."""
    right_ascension = 10.0 * rng.randrange(4) + rng.uniform(-0.01, 0.01)
    return (right_ascension % 360.0, 5.0 + rng.uniform(-0.02, 0.02))


# ------------------------------------------------------------------ those who work and those who edit


def work():
    """Keep two workers."""
    from portal.command import child, compute, supervise
    from portal.supervising import Child
    from tests.faults.disturbing import disturb

    disturb()
    supervise([Child(f"worker {number}", partial(child, compute)) for number in (1, 2)])


def up(port):
    """Do as “stoa up --port PORT” does."""
    from portal.command import parser
    from tests.faults.disturbing import disturb

    disturb()
    options = parser().parse_args(["up", "--port", port])
    options.action(options)


def token():
    """Write a token of the owner, for a program."""
    from django.contrib.auth import get_user_model

    from portal.accounts.tokens import create_token

    _, secret = create_token(get_user_model().objects.get(), "program")
    print(secret)


def edit(seed, number):
    """Change cells, rows and parameters at random until that many changes were taken.

    Writes how many were refused, how many times the database was silent, and the cells and rows of which it was said
    that they were written.
    """
    from django.core.exceptions import ObjectDoesNotExist
    from django.db import Error, connection

    from tests.faults.disturbing import disturb
    from worktables.errors import EditConflict, NoSuchRow
    from worktables.queue.silence import is_away

    disturb()
    rng = random.Random(seed)
    told = {"done": 0, "refused": 0, "silent": 0, "cells": [], "rows": []}
    while told["done"] < int(number):
        try:
            change_something(rng, told)
            told["done"] += 1
        except (EditConflict, NoSuchRow, ObjectDoesNotExist):
            told["refused"] += 1
        except Error as error:
            if not is_away(error):
                raise
            told["silent"] += 1
            connection.close()
            time.sleep(0.1)
    json.dump(told, sys.stdout)


def put(table, row_id, column, value):
    """Write one cell, whatever it says now."""
    from django.contrib.auth import get_user_model

    from tests.faults.disturbing import disturb
    from worktables.editing import edit_cell
    from worktables.models import Worktable
    from worktables.storage import layout_of

    disturb()
    table = Worktable.objects.get(name=table)
    column = layout_of(table).by_name[column]
    seen = layout_of(table).value(column, layout_of(table).rows.get(id=row_id))
    edit_cell(table, int(row_id), column, json.loads(value), seen=seen, editor=get_user_model().objects.get())


def again():
    """Update all tables: what failed is tried again."""
    from django.contrib.auth import get_user_model

    from tests.worktables import toys  # noqa: F401
    from worktables.making import update_table
    from worktables.models import Worktable

    for table in Worktable.objects.order_by("id"):
        update_table(table, by=get_user_model().objects.get())


def change_something(rng, told):
    """Make one change, and note what was written."""
    from django.contrib.auth import get_user_model

    from worktables.editing import edit_cell
    from worktables.models import Worktable
    from worktables.parameters import set_parameters
    from worktables.rows import add_rows, delete_rows, restore_rows, rows_in_trash
    from worktables.storage import layout_of

    values = {
        ("fields", "x"): lambda: rng.choice([None, 13.0, *map(float, range(6))]),
        ("fields", "y"): lambda: rng.choice([None, 1.0, 2.0]),
        ("fields", "factor"): lambda: rng.choice([None, 1.0, 2.0]),
        ("fields", "band"): lambda: rng.choice([None, *BANDS]),
        ("stars", "place"): lambda: a_place(rng),
        ("stars", "name"): lambda: f"star {rng.randrange(10**6)}",
        ("sums", "least"): lambda: rng.choice([None, round(rng.uniform(0, 3), 6)]),
        ("sums", "band"): lambda: rng.choice(BANDS),
    }
    deed = rng.random()
    (name, column), value = rng.choice(list(values.items()))
    owner, table = get_user_model().objects.get(), Worktable.objects.get(name=name)
    layout = layout_of(table)
    ids = list(layout.rows.order_by("id").values_list("id", flat=True))
    if deed < 0.85:
        row, new = layout.rows.get(id=rng.choice(ids)), value()
        seen = layout.value(layout.by_name[column], row)
        time.sleep(rng.uniform(0, 0.01))
        edit_cell(table, row.id, layout.by_name[column], new, seen=seen, editor=owner)
        if new != seen:
            told["cells"].append([name, row.id, column, new])
    elif deed < 0.89:
        told["rows"] += [[name, row_id] for row_id in add_rows(table, [{column: value()}], by=owner)]
    elif deed < 0.93 and len(ids) > 3:
        delete_rows(table, [rng.choice(ids)], by=owner)
    elif deed < 0.97:
        restore_rows(table, [row.id for row in rows_in_trash(table)[:1]], by=owner)
    else:
        fields = Worktable.objects.get(name="fields")
        set_parameters(fields, {"add.factor": rng.choice([1.0, 2.0])}, by=owner)


def main(deed, *arguments):
    """Do what the first argument says."""
    from tests.faults.oracle import tell

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    deeds = [build, work, up, token, edit, put, again, tell]
    {each.__name__: each for each in deeds}[deed](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
