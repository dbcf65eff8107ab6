"""A survey of two hundred small fields, in a portal of its own: built, worked through, and told as JSON.

Run as ``python -m tests.faults.scene build|work|tell`` with the settings of that portal in STOA_* variables.
The tables, links and pipelines are those of the demo; only the maps are smaller.
"""

import json
import os
import sys
from functools import partial

import numpy as np

N_FIELDS, PIXELS = 100, 48  # in two bands each
N_WORKERS = 2


def build():
    """Migrate, and make the people, projects, tables, links and rows of the survey; write its files where missing."""
    from django.core.management import call_command

    from basc import simulate
    from pipelines.standard import install_pipelines
    from portal.demo import building, survey

    call_command("migrate", verbosity=0)
    survey.PIXELS = PIXELS
    survey.observe = partial(simulate.observe, array=simulate.Array.spiral(16))
    building.invent_fields = invent_fields
    building.build_survey(building.make_people(), install_pipelines())


def invent_fields():
    """Return fields of one calibrator and, in every second one, a source beside it."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    from portal.demo.survey import Field, Source

    rng = np.random.default_rng(7)
    fields = []
    for number in range(N_FIELDS):
        centre = SkyCoord(rng.uniform(0, 360) * u.deg, rng.uniform(-55, 25) * u.deg)
        sources = [Source(0.013, -0.009, float(rng.uniform(0.3, 1.2)), f"calibrator {number}", "quasar", 0.5)]
        if number % 2:
            sources.append(Source(0.25, float(rng.uniform(0.1, 0.25)), float(rng.uniform(0.02, 0.2))))
        fields.append(Field(f"field{number:03d}", centre, tuple(sources), 1e-3))
    return fields


def work():
    """Keep the embedded workers as “stoa up” does, until SIGTERM; the kernels are loaded once, not at each start."""
    import basc
    from portal.command import child, compute, supervise
    from portal.supervising import Child

    basc.warm_up()
    supervise([Child(f"worker {number}", partial(child, compute)) for number in range(1, N_WORKERS + 1)])


def tell():
    """Write all that people see, by key: neither ids nor times; and what the engine must be in the end."""
    from django.db.models import Count

    from pipelines.models import Run
    from worktables.models import State, Todo, Unit, Worktable
    from worktables.storage import layout_of
    from worktables.storage.values import as_json

    tables, observed = {}, {}
    for table in Worktable.objects.order_by("id"):
        layout = layout_of(table)
        rows = tables[table.name] = {"n_rows": table.n_rows}
        for row in layout.rows.order_by("id"):
            cells = {c.name: as_json(c.kind, layout.value(c, row)) for c in layout.columns}
            key = key_of(table.name, row, cells, observed)
            assert key not in rows, f"{key} is twice in {table.name}"
            if table.name == "observations":
                observed[row.id] = key
            rows[key] = {**cells, "state": row.state, "item_key": row.item_key, "ordinal": row.ordinal}
    doubled = (
        Run.objects.filter(accepted=True)
        .values("worktable_id", "row_id", "step_id", "generation")
        .annotate(n=Count("id"))
        .filter(n__gt=1)
    )
    json.dump(
        {
            "tables": tables,
            "units": [
                [State(state).label, n]
                for state, n in Unit.objects.values_list("state")
                .annotate(n=Count("row_id"))
                .order_by("state")
            ],
            "todo": Todo.objects.count(),
            "owned": Todo.objects.exclude(owner=None).count(),
            "accepted twice": len(doubled),
            "runs": Run.objects.count(),
            "refused": Run.objects.filter(accepted=False).count(),
        },
        sys.stdout,
    )


def key_of(name, row, cells, observed):
    """Return by what a row is known whatever its id: its folder, its parent and place, its band and limit."""
    if name == "observations":
        return f"{cells['folder']}/{cells['group']}"
    if name == "counts":
        return f"band {cells['band']}, from {cells['flux_min']} Jy"
    if name == "sources":
        ra, dec = cells["position"]
        return f"{observed[row.parent_id]}: {ra:.7f} {dec:+.7f}, {cells['flux']:.6g} Jy"
    return cells["name"]


def main(deed):
    """Do what the first argument says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import django

    django.setup()
    {"build": build, "work": work, "tell": tell}[deed]()


if __name__ == "__main__":
    main(*sys.argv[1:])
