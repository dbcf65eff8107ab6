"""Classes of work: what a step asks of a host, and which of them a worker takes.

A step says its class as its `resource`; links are light, and so is what nobody knows, whose units say so.
"""

from django.conf import settings
from django.db import connection

from pipelines.contract import RESOURCES
from pipelines.errors import UnknownStep
from pipelines.registry import get_step
from worktables.errors import UnknownClass
from worktables.models import TableStep

ALL = RESOURCES
LINKS = RESOURCES[0]

# Hops from step to step along the index of what nobody has: as cheap for ten million units as for ten.
WAITING = """
    WITH RECURSIVE waiting(step_id) AS (
        SELECT MIN(step_id) FROM worktables_todo WHERE owner IS NULL
        UNION ALL
        SELECT (SELECT MIN(t.step_id) FROM worktables_todo t WHERE t.owner IS NULL AND t.step_id > w.step_id)
        FROM waiting w WHERE w.step_id IS NOT NULL
    )
    SELECT DISTINCT s.kind, s.step
    FROM waiting w CROSS JOIN worktables_tablestep s CROSS JOIN worktables_worktable t CROSS JOIN projects_project p
    WHERE s.id = w.step_id AND t.id = s.worktable_id AND p.id = t.project_id AND p.deleted_at IS NULL
"""


def class_of(node):
    """Return the class of a step of a table.

    Parameters
    ----------
    node : Node or TableStep
    """
    return class_of_step(node.kind, node.step)


def class_of_step(kind, step):
    """Return the class of a registered step, or of a link, by the kind and name that a step of a table has."""
    if kind != TableStep.Kind.STEP:
        return LINKS
    try:
        return get_step(step).resource
    except UnknownStep:
        return LINKS


def classes_waiting():
    """Return the classes of which units are queued and unclaimed, in projects that are not in the trash."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        found = {class_of_step(kind, step) for kind, step in cursor.fetchall()}
    return [name for name in ALL if name in found]


def read_classes(text):
    """Return the classes named in a text, separated by commas; all of them if it names none.

    Raises
    ------
    UnknownClass
        If it names what is none.
    """
    named = {name.strip() for name in text.split(",")} - {""}
    if strange := sorted(named - set(ALL)):
        raise UnknownClass(strange[0], ALL)
    return [name for name in ALL if not named or name in named]


def taken_here():
    """Return the classes that workers of this process take, unless they are told otherwise: STOA_TAKES, or all."""
    return read_classes(settings.WORKTABLES["TAKES"])


def queue_of(name):
    """Return the Celery queue in which wake-ups for a class go."""
    return f"stoa-{name}"
