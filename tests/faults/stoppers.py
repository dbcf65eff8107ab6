"""A portal of steps that do not end by themselves; run as ``python -m tests.faults.stoppers DEED …``.

``build WAY …`` makes a table for each way, with a row of it between two harmless ones; ``work N`` keeps a worker
as “stoa up” does, for which N attempts are too many; ``cancel WAY`` and ``tell`` are for the test.
"""

import json
import os
import sys
import time

GRAPH = {
    "steps": [
        {
            "name": "stop",
            "step": "stopper",
            "inputs": {"way": "way", "x": "x"},
            "outputs": {"y": "y"},
        }
    ]
}


def build(*ways):
    """Make a table for each way: a row of it between two harmless ones, all in one batch."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from pipelines.models import Pipeline
    from projects.editing import create_project
    from worktables.creating import create_worktable
    from worktables.rows import add_rows

    call_command("migrate", verbosity=0)
    owner = get_user_model().objects.create_user("owner")
    project = create_project("virgo", "Virgo", "", creator=owner)
    limited = {"steps": [GRAPH["steps"][0] | {"step": "stopper_limited"}]}
    for name, graph in (("free", GRAPH), ("limited", limited)):
        Pipeline.objects.create(name=name, title=name, graph=graph)
    for way in ways:
        name, kind = way.replace("-", "_"), "limited" if way.startswith("limited-") else "free"
        table = create_worktable(
            project, f"t_{name}", creator=owner, pipeline=Pipeline.objects.get(name=kind)
        )
        way = way.removeprefix("limited-")
        add_rows(
            table, [{"way": "fine", "x": 1.0}, {"way": way, "x": 2.0}, {"way": "fine", "x": 3.0}], by=owner
        )


def work(attempts):
    """Keep a worker as “stoa up” does; who is charged so many attempts fails."""
    from functools import partial

    from django.conf import settings

    from portal.command import child, compute, supervise
    from portal.supervising import Child

    settings.WORKTABLES["ATTEMPTS"] = int(attempts)
    supervise([Child("worker", partial(child, compute))])


def cancel(way):
    """Cancel the row that lingers; say when that was committed."""
    from django.contrib.auth import get_user_model

    from worktables.cancelling import cancel as cancel_rows
    from worktables.models import Worktable

    table = Worktable.objects.get(name=f"t_{way}")
    number = cancel_rows(table, [2], by=get_user_model().objects.get())
    json.dump({"n": number, "at": time.time()}, sys.stdout)


def tell():
    """Write what became of the rows, units and runs."""
    from pipelines.models import Run
    from worktables.models import State, Unit, Worktable
    from worktables.storage import layout_of

    told = {}
    for table in Worktable.objects.order_by("id"):
        layout = layout_of(table)
        told[table.name] = {
            "y": [layout.value(layout.by_name["y"], row) for row in layout.rows.order_by("id")],
            "units": [
                [State(state).label, reason]
                for state, reason in Unit.objects.filter(worktable=table)
                .order_by("row_id")
                .values_list("state", "reason")
            ],
            "runs": list(
                Run.objects.filter(worktable_id=table.pk)
                .order_by("id")
                .values_list("row_id", "accepted", "error")
            ),
        }
    json.dump(told, sys.stdout)


def main(deed, *arguments):
    """Do what the first argument says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from tests.faults import lingering  # noqa: F401 - registers its steps

    {"build": build, "work": work, "cancel": cancel, "tell": tell}[deed](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
