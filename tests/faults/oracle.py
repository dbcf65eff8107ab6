"""What the tables of the family must say in the end, by plain Python; and what must not be left behind."""

import json
import math
import sys
import time

from tests.faults.scratch import PATIENCE

FAMILY = "tests.faults.family"  # what a scratch portal is told to do
RADIUS = 60.0  # arcsec, within which an item finds a star


def judge(portal, within=PATIENCE):
    """Return, in words, what is wrong with a portal once it has settled; end its processes.

    (a) every cell is a plain recomputation of the input cells, (b) no unit is stale or running, (c) no unit has two
    accepted runs of one generation, (d) no process, unfinished file or lease is left, (e) all that in time.
    """
    began = time.monotonic()
    portal.wait_until_settled()
    seconds = time.monotonic() - began
    wrong = differences(portal.told(FAMILY))
    if seconds > within:
        wrong.append(f"it took {seconds:.1f} s to settle, and may take {within} s")
    return wrong + leftovers(portal)


def leftovers(portal):
    """End the processes of a portal and return, in words, what they leave behind."""
    portal.stop()
    left = [f"process {pid} still runs" for pid in portal.everybody()]
    incoming = portal.home / "files" / "incoming"
    left += [f"{path.name} was never finished" for path in incoming.glob("*")] if incoming.exists() else []
    owned = portal.count("worktables_todo WHERE owner IS NOT NULL")
    return left + [f"{owned} units are in the hands of nobody"] * bool(owned)


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
    told["busy"] = Unit.objects.filter(state__in=(State.STALE, State.HELD)).count()
    told["orphans"] = orphans()
    runs = Run.objects.filter(accepted=True).values("worktable_id", "row_id", "step_id", "generation")
    told["accepted twice"] = len(runs.annotate(n=Count("id")).filter(n__gt=1))
    told["refused runs"] = Run.objects.filter(accepted=False).count()
    told["runs"] = Run.objects.count()
    return told


def orphans():
    """Return how many units are not retired although their row is, or is gone."""
    from worktables.models import State, Unit, Worktable
    from worktables.storage import layout_of

    count = 0
    for table in Worktable.objects.filter(deleted_at=None):
        present = set(layout_of(table).rows.exclude(state=State.RETIRED).values_list("id", flat=True))
        units = Unit.objects.filter(worktable=table).exclude(state=State.RETIRED)
        count += sum(row_id not in present for row_id in units.values_list("row_id", flat=True))
    return count


def lost(portal, told):
    """Return what an editor was told was written, and is in no history and no table."""
    history = portal.ask(
        "SELECT t.name, c.row_id, c.subject, CAST(c.new AS text) FROM worktables_change c "
        "JOIN worktables_worktable t ON t.id = c.worktable_id WHERE c.action = 'edit'"
    )
    written = {(name, row_id, column, as_text(new)) for name, row_id, column, new in history}
    missing = [cell for cell in told["cells"] if (*cell[:3], json.dumps(cell[3])) not in written]
    for name, row_id in told["rows"]:
        if not portal.count(f"{portal.tables()[name]} WHERE id = {row_id}"):
            missing.append([name, row_id])
    return missing


def as_text(new):
    """Return what was written, as `json.dumps` has it, whatever the database made of it."""
    return json.dumps(None if new is None else json.loads(new))


def differences(told):
    """Return, in words, where the tables are not what follows from their inputs; nothing is to be found.

    Computed from the input cells alone, without engine, links or steps. Cells that wait for a failed one
    keep what they said, so those are not looked at, but their states are.
    """
    fields, items, stars, sums = (dict(told[name]) for name in ("fields", "items", "stars", "sums"))
    wrong = [f"{told['todo']} units are still to do"] * bool(told["todo"])
    wrong += [f"{told['busy']} units are neither fresh nor at rest"] * bool(told["busy"])
    wrong += [f"{told['accepted twice']} units have two accepted runs"] * bool(told["accepted twice"])
    wrong += [f"{told['orphans']} units are of rows that are gone"] * bool(told["orphans"])

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
