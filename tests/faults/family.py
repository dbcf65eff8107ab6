"""The toy family in a portal of its own, edited at random; and what its tables must say, by plain Python.

Run as ``python -m tests.faults.family build|work|up PORT|token|edit SEED N|tell`` with the settings of that portal.
"""

import json
import math
import os
import random
import sys
import time
from functools import partial

BANDS = ("a", "b", "c")
RADIUS = 60.0  # arcsec, within which an item finds a star
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

    dawdle()
    supervise([Child(f"worker {number}", partial(child, compute)) for number in (1, 2)])


def up(port):
    """Do as “stoa up --port PORT” does."""
    from portal.command import parser

    dawdle()
    options = parser().parse_args(["up", "--port", str(port)])
    options.action(options)


def dawdle():
    """Make workers, started from here, slow between computing and writing: there the edits and kills shall come."""
    from tests.worktables import toys  # noqa: F401 - registers their steps
    from worktables.queue import draining

    execute = draining.execute

    def execute_and_dawdle(step, calls):
        results = execute(step, calls)
        time.sleep(random.uniform(0, 0.03))
        return results

    draining.execute = execute_and_dawdle


def token():
    """Write a token of the owner, for a program."""
    from django.contrib.auth import get_user_model

    from portal.accounts.tokens import create_token

    _, secret = create_token(get_user_model().objects.get(), "program")
    print(secret)


def edit(seed, number):
    """Change cells, rows and parameters at random until that many changes were taken; write how many were refused."""
    from django.contrib.auth import get_user_model

    from tests.worktables import toys  # noqa: F401
    from worktables.editing import edit_cell
    from worktables.errors import EditConflict, NoSuchRow
    from worktables.models import Worktable
    from worktables.parameters import set_parameters
    from worktables.rows import add_rows, delete_rows, restore_rows, rows_in_trash
    from worktables.storage import layout_of

    rng = random.Random(seed)
    owner = get_user_model().objects.get()
    values = {
        ("fields", "x"): lambda: rng.choice([None, 13.0, *map(float, range(6))]),
        ("fields", "y"): lambda: rng.choice([None, 1.0, 2.0]),
        ("fields", "factor"): lambda: rng.choice([None, 1.0, 2.0]),
        ("fields", "band"): lambda: rng.choice([None, *BANDS]),
        ("stars", "place"): lambda: a_place(rng),
        ("stars", "name"): lambda: f"star {rng.randrange(1000)}",
        ("sums", "least"): lambda: rng.choice([None, 0.0, 1.5, 3.0]),
        ("sums", "band"): lambda: rng.choice(BANDS),
    }
    done = refused = 0
    while done < number:
        deed = rng.random()
        (name, column), value = rng.choice(list(values.items()))
        table = Worktable.objects.get(name=name)
        layout = layout_of(table)
        ids = list(layout.rows.order_by("id").values_list("id", flat=True))
        try:
            if deed < 0.85:
                row = layout.rows.get(id=rng.choice(ids))
                seen = layout.value(layout.by_name[column], row)
                time.sleep(rng.uniform(0, 0.01))
                edit_cell(table, row.id, layout.by_name[column], value(), seen=seen, editor=owner)
            elif deed < 0.89:
                add_rows(table, [{column: value()}], by=owner)
            elif deed < 0.93 and len(ids) > 3:
                delete_rows(table, [rng.choice(ids)], by=owner)
            elif deed < 0.97:
                restore_rows(table, [row.id for row in rows_in_trash(table)[:1]], by=owner)
            else:
                fields = Worktable.objects.get(name="fields")
                set_parameters(fields, {"add.factor": rng.choice([1.0, 2.0])}, by=owner)
            done += 1
        except (EditConflict, NoSuchRow, layout.model.DoesNotExist):
            refused += 1
    print(refused)


# ------------------------------------------------------------------ what there is, and what there should be


def tell():
    """Write all tables with the states of their units, and what the engine must be in the end."""
    json.dump(tables_as_told(), sys.stdout)


def tables_as_told():
    """Return the tables as plain values: {table: {row id: {column or “state of STEP”: value}}}."""
    from django.db.models import Count

    from pipelines.models import Run
    from worktables.models import State, Todo, Unit, Worktable
    from worktables.storage import layout_of

    told = {}
    for table in Worktable.objects.order_by("id"):
        layout = layout_of(table)
        rows = told[table.name] = {}
        for row in layout.rows.exclude(state=State.RETIRED).order_by("id"):
            rows[row.id] = {column.name: layout.value(column, row) for column in layout.columns}
            rows[row.id] |= {"state": State(row.state).label, "parent": row.parent_id, "ordinal": row.ordinal}
        for unit in Unit.objects.filter(worktable=table).select_related("step"):
            if unit.row_id in rows:
                rows[unit.row_id][f"state of {unit.step.name}"] = State(unit.state).label
        told[table.name] = list(rows.items())
    told["n_rows"] = dict(Worktable.objects.values_list("name", "n_rows"))
    told["factor"] = Worktable.objects.get(name="fields").parameters.get("add.factor", 1.0)
    told["todo"] = Todo.objects.count()
    runs = Run.objects.filter(accepted=True).values("worktable_id", "row_id", "step_id", "generation")
    told["accepted twice"] = len(runs.annotate(n=Count("id")).filter(n__gt=1))
    told["refused runs"] = Run.objects.filter(accepted=False).count()
    told["runs"] = Run.objects.count()
    return told


def differences(told):
    """Return, in words, where the tables are not what follows from their inputs; nothing is to be found.

    Computed from the input cells alone, without engine, links or steps. Cells that wait for a failed one
    keep what they said, so those are not looked at, but their states are.
    """
    fields, items, stars, sums = (dict(told[name]) for name in ("fields", "items", "stars", "sums"))
    wrong = [f"{told['todo']} units are still to do"] * bool(told["todo"])
    wrong += [f"{told['accepted twice']} units have two accepted runs"] * bool(told["accepted twice"])

    def compare(table, row_id, row, expected):
        for name, value in expected.items():
            same = row[name] == value
            if isinstance(value, float) and isinstance(row[name], float):
                same = math.isclose(row[name], value, rel_tol=1e-9, abs_tol=1e-6)
            if not same:
                wrong.append(f"{table} {row_id}: {name} is {row[name]!r}, and should be {value!r}")

    failed = {row_id for row_id, row in fields.items() if row["x"] == 13.0}
    for row_id, row in fields.items():
        if row_id in failed:
            states = {"state of add": "failed", "state of list": "blocked", "state of items_of": "blocked"}
            compare("fields", row_id, row, {"total": None, "state": "failed"} | states)
        elif row["x"] is None:
            states = dict.fromkeys(("state of add", "state of list", "state of items_of", "state"), "empty")
            compare("fields", row_id, row, {"total": None, "items": None} | states)
        else:
            states = dict.fromkeys(("state of add", "state of list", "state of items_of", "state"), "fresh")
            compare("fields", row_id, row, {"total": total_of(row, told["factor"])} | states)

    children = {row_id: [] for row_id in fields}
    for row_id, row in items.items():
        children.setdefault(row["parent"], []).append((row["ordinal"], row_id, row))
    for parent, found in children.items():
        if parent not in fields:
            wrong.append(f"items of fields {parent}, which is gone")
            continue
        if parent in failed:
            for _, row_id, row in found:
                compare("items", row_id, row, {"state": "blocked", "state of star_near": "blocked"})
            continue
        n = 0 if fields[parent]["x"] is None else int(abs(total_of(fields[parent], told["factor"])))
        if len(found) != n:
            wrong.append(f"fields {parent} has {len(found)} items, and should have {n}")
            continue
        for number, (_, row_id, row) in enumerate(sorted(found, key=lambda each: each[0])):
            star, separation = nearest_star((10.0 * number, 5.0), stars)
            expected = {"ordinal": number + 1, "place": [10.0 * number, 5.0], "flux": number + 1.0}
            expected |= {"band": fields[parent]["band"], "star": star, "separation": separation}
            row = row | {"place": list(row["place"]) if row["place"] else None}
            compare("items", row_id, row, expected | {"state": "fresh", "state of star_near": "fresh"})

    for row_id, row in sums.items():
        band = row["band"]
        # What counts is the band its items would have now; what is left of older ones is never collected.
        obstacles = [parent for parent in failed if fields[parent]["band"] == band]
        if band is not None and obstacles:
            compare("sums", row_id, row, {"state": "blocked"})
        elif row["least"] is None:
            compare("sums", row_id, row, {"n": None, "total": None, "state": "empty"})
        else:
            fluxes = [
                number + 1.0
                for field in fields.values()
                if field["band"] == band and band is not None and field["x"] not in (None, 13.0)
                for number in range(int(abs(total_of(field, told["factor"]))))
            ]
            kept = [flux for flux in fluxes if flux >= row["least"]]
            compare("sums", row_id, row, {"n": len(kept), "total": sum(kept, 0.0), "state": "fresh"})

    for name, rows in (("fields", fields), ("items", items), ("stars", stars), ("sums", sums)):
        if told["n_rows"][name] != len(rows):
            wrong.append(f"{name} says it has {told['n_rows'][name]} rows, and has {len(rows)}")
    return wrong


def total_of(field, factor):
    """Return what `toy_add` makes of a row."""
    return (field["x"] + (field["y"] or 0.0)) * (factor if field["factor"] is None else field["factor"])


def nearest_star(place, stars):
    """Return name and distance (arcsec) of the nearest star within reach, by the chord between unit vectors."""
    found = []
    for row_id, star in stars.items():
        if star["place"] is not None:
            chord = math.dist(unit_vector(place), unit_vector(star["place"]))
            found.append((math.degrees(2 * math.asin(chord / 2)) * 3600, row_id, star["name"]))
    found = [each for each in found if each[0] <= RADIUS]
    separation, _, name = min(found, default=(None, None, None))
    return name, separation


def unit_vector(place):
    ra, dec = map(math.radians, place)
    return (math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec))


def main(deed, *numbers):
    """Do what the first argument says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    {"build": build, "work": work, "up": up, "token": token, "edit": edit, "tell": tell}[deed](
        *map(int, numbers)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
