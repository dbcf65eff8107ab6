"""Worktables as they are now, as tables of ADQL for whoever may see them: `<project>.<table>_live`.

To whom a table alone is shared, it is `shared_with_you.<table>_<number>_live`: they are not told of its project.

Nothing is copied: a query reads the rows that people edit and workers fill, as they are at one moment, and the column
`row_state` says how far each can be trusted.
"""

from collections import defaultdict

from django.db import connection

from projects.models import Project
from vo.adql.tables import Column, Position, Table
from vo.models.publications import OWN_SCHEMAS
from vo.publishing.columns import column_of, free_name, frozen_columns
from worktables.models import Column as WorktableColumn
from worktables.models import State, Worktable
from worktables.storage.layout import table_name

SUFFIX = "_live"
SHARED = "shared_with_you"
NOT_SHOWN = f"deleted_at IS NULL AND state <> {State.RETIRED:d}"
WORDS = " ".join(f"WHEN {state:d} THEN '{state.label}'" for state in State)
ROW_STATE = "fresh: up to date; stale: to be computed anew; failed, blocked, empty, held: its row says why"


def live_tables(user):
    """Return the worktables that this user may see, as they are now.

    Three questions to the database at most, however many tables there are.

    Parameters
    ----------
    user : User or AnonymousUser

    Returns
    -------
    dict of str to list of Table
        By the name of their schema.
    """
    if not user.is_authenticated:
        return {}
    worktables = list(Worktable.objects.visible_to(user).select_related("project").order_by("name"))
    columns, found = _columns_of(worktables), defaultdict(list)
    projects = set(Project.objects.visible_to(user).values_list("pk", flat=True))
    for worktable in worktables:
        schema, name = worktable.project.slug, worktable.name
        if worktable.project_id not in projects:
            schema, name = SHARED, f"{name}_{worktable.pk}"
        elif schema in OWN_SCHEMAS:
            continue
        if columns[worktable.pk]:
            found[schema].append(_table(worktable, schema, f"{name}{SUFFIX}", columns[worktable.pk]))
    return found


def physical_name(worktable_id):
    """Return the name of the table that rows lie in, as SQL has it."""
    bare = table_name(worktable_id)
    return f"public.{bare}" if connection.vendor == "postgresql" else bare


def _columns_of(worktables):
    columns = defaultdict(list)
    known = {worktable.pk for worktable in worktables}
    for column in WorktableColumn.objects.filter(worktable__in=known).order_by("position"):
        columns[column.worktable_id].append(column)
    return columns


def _table(worktable, schema, name, columns):
    described, places, physical = frozen_columns(columns)
    state = free_name("row_state", {facts["name"] for facts in described})
    table = physical_name(worktable.pk)
    selected = ", ".join(f'{own} AS "{name}"' for name, own in physical)
    return Table(
        schema=schema,
        name=name,
        sql=f'(SELECT {selected}, CASE state {WORDS} END AS "{state}" FROM {table} WHERE {NOT_SHOWN})',
        columns=(*map(column_of, described), Column(state, "text", "", "meta.code.status", ROW_STATE)),
        positions=tuple(Position(one["ra"], one["dec"]) for one in places),
        title=worktable.title,
        description=f"{worktable.description} As it is now: rows change.".strip(),
        size=worktable.n_rows,
        reads=frozenset({table_name(worktable.pk)}),
    )
