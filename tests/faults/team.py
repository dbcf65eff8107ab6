"""A table whose steps are of all classes and take a while; what it must say follows from its inputs alone.

`build` runs in a process with the settings of a portal; its workers include this module.
"""

import os
import time

import django

from pipelines.contract import Port
from pipelines.registry import step

ROWS = 150
SECONDS = 0.1


@step("team_near", inputs=[Port("x")], outputs=[Port("a")])
def team_near(inputs, parameters, context):
    """Take no time."""
    return {"a": inputs["x"] + 1}


@step("team_long", inputs=[Port("a")], outputs=[Port("b")], resource="heavy")
def team_long(inputs, parameters, context):
    """Take a while."""
    time.sleep(SECONDS)
    return {"b": 2 * inputs["a"]}


@step("team_far", inputs=[Port("b")], outputs=[Port("c")], resource="network")
def team_far(inputs, parameters, context):
    """Wait for somebody else."""
    time.sleep(SECONDS / 2)
    return {"c": inputs["b"] - 3}


CHAIN = {
    "steps": [
        {"name": "near", "step": "team_near", "inputs": {"x": "x"}, "outputs": {"a": "a"}},
        {"name": "long", "step": "team_long", "inputs": {"a": "a"}, "outputs": {"b": "b"}},
        {"name": "far", "step": "team_far", "inputs": {"b": "b"}, "outputs": {"c": "c"}},
    ]
}


def build():
    """Make the table, without rows; write the numbers of the table, its first column and its last."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from pipelines.models import Pipeline
    from projects.editing import create_project
    from worktables.creating import create_worktable

    call_command("migrate", verbosity=0)
    owner = get_user_model().objects.create_user("owner")
    pipeline = Pipeline.objects.create(name="team", title="Team", graph=CHAIN)
    table = create_worktable(
        create_project("virgo", "Virgo", "", creator=owner), "team", creator=owner, pipeline=pipeline
    )
    print(table.pk, table.column("x").pk, table.column("c").pk)


def fill():
    """Add the rows."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from worktables.models import Worktable
    from worktables.rows import add_rows

    table = Worktable.objects.get()
    add_rows(table, [{"x": float(number)} for number in range(ROWS)], by=table.created_by)
