"""A table beside another one: the same rows, inputs and links, with another version of a step."""

from django.db import connection, transaction
from django.db.models import F

from projects.permissions import demand
from worktables.creating import check_free
from worktables.dependencies import graph_of, rank_steps
from worktables.errors import NoSuchStep, NoSuchVersion
from worktables.events import announce
from worktables.models import Binding, Change, Column, Link, State, TableStep, Worktable
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import add_units, add_units_of, mark
from worktables.storage import ddl, layout_of
from worktables.storage.layout import table_name
from worktables.waking import wake_workers

ROW_FACTS = "id, parent_id, item_key, ordinal, created_at, created_by, edited_at, edited_by"


@transaction.atomic
def copy_table(worktable, name, *, versions=None, by):
    """Make a table with the same rows, under the same ids, and compute it by other versions of some steps.

    Inputs, parameters and the links that lead into the table are copied, and what links have looked up; results are
    not: those that are known come from the memo.

    Parameters
    ----------
    worktable : Worktable
    name : str
        Of the new table, in the same project.
    versions : dict of str → StepVersion
        To which version a step shall be pinned.
    by : User

    Returns
    -------
    Worktable

    Raises
    ------
    PermissionDenied, UnfitName, NoSuchStep, NoSuchVersion
    """
    demand(by, "run", worktable)
    links = list(
        Link.objects.filter(target=worktable, source__deleted_at=None).select_related("source", "step")
    )
    demand(by, "run", worktable.project)
    hold(worktable.project_id)
    check_free(worktable.project, name)
    versions = versions or {}
    _check_versions(worktable, versions)
    worktable.refresh_from_db(fields=["next_row", "parameters", "update"])
    copy = Worktable.objects.create(
        project=worktable.project,
        name=name,
        title=f"{worktable.title or worktable.name}, beside"[:200],
        description=worktable.description,
        pipeline=worktable.pipeline,
        update=worktable.update,
        parameters=worktable.parameters,
        next_row=worktable.next_row,
        created_by=by,
    )
    columns = _copy_columns(worktable, copy)
    steps = _copy_steps(worktable, copy, versions)
    made = _copy_links(links, copy, columns, steps)
    _copy_bindings(worktable, columns, steps, made)
    _copy_rows(worktable, copy, columns)
    _start(copy, f"copied from {worktable.name} by {by}", made, worktable, by)
    Change.objects.create(
        worktable=copy,
        action=Change.Action.TABLE,
        subject=name,
        new={"copy of": worktable.name, **{step: version.in_words for step, version in versions.items()}},
        by=by,
    )
    announce(worktable, "table")
    return copy


def _check_versions(worktable, versions):
    steps = dict(worktable.steps.filter(kind=TableStep.Kind.STEP).values_list("name", "step"))
    for name, version in versions.items():
        if name not in steps:
            raise NoSuchStep(name, worktable.name, steps)
        if version.step != steps[name]:
            raise NoSuchVersion(name, version)


def _copy_columns(worktable, copy):
    """Copy the columns, make the physical table, and return {old column id: new column}."""
    old = list(worktable.columns.all())
    new = []
    for column in old:
        facts = {field.name: getattr(column, field.name) for field in Column._meta.fields}
        new.append(Column(**{**facts, "id": None, "worktable": copy}))
    Column.objects.bulk_create(new)
    ddl.create_table(copy.pk, new)
    return {one.pk: other for one, other in zip(old, new, strict=True)}


def _copy_steps(worktable, copy, versions):
    """Copy the registered steps and return {old step id: new step}."""
    made = {}
    for step in worktable.steps.filter(kind=TableStep.Kind.STEP):
        chosen = versions.get(step.name)
        made[step.pk] = TableStep.objects.create(
            worktable=copy,
            name=step.name,
            step=step.step,
            version=chosen or step.version,
            pinned=step.pinned or chosen is not None,
        )
    return made


def _copy_links(links, copy, columns, steps):
    """Copy the links that lead into the table and return {old link id: new link}."""
    made = {}
    for link in links:
        demand(copy.created_by, "run", link.source)
        step = None
        if link.step_id:
            makes_rows = link.kind in Link.MAKES_ROWS
            step = TableStep.objects.create(
                worktable=link.source if makes_rows else copy,
                # The source has a step of the link's own name.
                name=f"{link.name}_{copy.pk}"[-63:] if makes_rows else link.name,
                kind=link.step.kind,
                step=link.step.step,
            )
        made[link.pk] = Link.objects.create(
            name=link.name,
            kind=link.kind,
            source=link.source,
            target=copy,
            step=step,
            options=_into(link.options, columns),
        )
    return made


def _into(options, columns):
    """Return the options of a link with the columns of its target exchanged for those of the copy."""

    def new(column):
        return None if column is None else columns[column].pk

    moved = dict(options)
    for key in ("fields", "carry", "match", "lookup"):  # pairs, of which the second is of the target
        if key in moved:
            moved[key] = [[one, new(other)] for one, other in moved[key]]
    for key in ("sky", "position", "separation", "date"):
        if key in moved:
            moved[key] = new(moved[key])
    if "key" in moved:
        moved["key"] = [new(column) for column in moved["key"]]
    return moved


def _copy_bindings(worktable, columns, steps, links):
    bindings = Binding.objects.filter(step__worktable=worktable, step__in=steps)
    Binding.objects.bulk_create(
        Binding(
            step=steps[bound.step_id],
            use=bound.use,
            port=bound.port,
            column_id=bound.column_id if bound.link_id else columns[bound.column_id].pk,
            link=links[bound.link_id] if bound.link_id else None,
        )
        for bound in bindings
        if not bound.link_id or bound.link_id in links
    )


def _copy_rows(worktable, copy, columns):
    """Copy what people have typed and links have looked up, of the rows that are present."""
    old, new = layout_of(worktable), layout_of(copy)
    kept = [column for column in old.columns if column.editable_by_people or column.role == "lookup"]
    names = old.fields(kept)
    into = new.fields([columns[column.pk] for column in kept])
    state = State.STALE if copy.steps.exists() else State.FRESH
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table_name(copy.pk)} ({', '.join([ROW_FACTS, 'state', *into])}) "
            f"SELECT {', '.join([ROW_FACTS, f'{state:d}', *names])} FROM {table_name(worktable.pk)} "
            f"WHERE deleted_at IS NULL AND state <> {State.RETIRED:d}"
        )
        number = cursor.rowcount
    Worktable.objects.filter(pk=copy.pk).update(n_rows=F("n_rows") + number)
    copy.refresh_from_db(fields=["n_rows"])


def _start(copy, reason, links, worktable, by):
    """Order the graph anew, and queue what is to be computed."""
    rank_steps(copy.project)
    graph = graph_of(copy.project_id)
    ends = {worktable.pk}
    for link in links.values():
        if link.kind in Link.MAKES_ROWS:
            node, parents = graph.nodes[link.step_id], rowsets.all_rows(link.source_id)
            add_units_of([node], parents, reason, about={copy.pk, worktable.pk})
            mark(graph, [(node, parents)], reason, about={copy.pk, worktable.pk}, by=by)
    rows = rowsets.all_rows(copy.pk)
    add_units(graph, copy.pk, rows, reason, by=by)
    nodes = graph.steps_of[copy.pk]
    if nodes:
        mark(graph, [(node, rows) for node in nodes], reason, about=ends, by=by)
    announce(copy, "table")
    wake_workers(copy)
