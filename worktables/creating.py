"""Making a worktable, naming it, describing it, and putting it into the trash and back."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pipelines.graph import columns_for
from pipelines.registry import get_step
from pipelines.units import factor_between
from pipelines.versions import version_of
from projects.models import Project
from projects.permissions import demand
from worktables.columns import NewColumn, check_name, save_columns
from worktables.dependencies import graph_of, lookup_columns, rank_steps
from worktables.errors import UnfitName, UnfitValue
from worktables.events import announce
from worktables.models import Binding, Change, Link, Role, State, TableStep, Todo, Unit, Worktable
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import (
    add_units_of,
    below,
    mark,
    mark_changed,
    wake_all,
)
from worktables.queue.rowstates import refresh_rows
from worktables.rows import retire_rows
from worktables.storage import ddl, layout_of
from worktables.waking import wake_workers


@transaction.atomic
def create_worktable(
    project, name, *, creator, title="", description="", columns=(), pipeline=None, update="auto"
):
    """Make a worktable, with the columns of its pipeline and any others.

    Parameters
    ----------
    project : Project
    name : str
        Unique in the project; an ADQL identifier.
    creator : User
    columns : iterable of NewColumn
        Columns beside those that the pipeline's ports ask for; they come first. One that a port asks for is no second
        column if it is a lookup column: then a link fills it, and the pipeline takes it from there.
    pipeline : Pipeline, optional
        None makes a plain catalogue.
    update : {"auto", "manual"}

    Raises
    ------
    PermissionDenied, UnfitName, UnfitValue, UnknownUnit
    """
    if not Project.objects.permitted(creator, "run").filter(pk=project.pk).exists():
        raise PermissionDenied(f"{creator} may not make tables in “{project}”")
    check_free(project, name)
    worktable = Worktable.objects.create(
        project=project,
        name=name,
        title=title,
        description=description,
        pipeline=pipeline,
        update=update,
        created_by=creator,
    )
    columns = list(columns)
    asked = [_declared(spec) for spec in columns_for(pipeline.graph)] if pipeline else []
    looked_up = {column.name: column for column in columns if column.role == Role.LOOKUP}
    declared = [
        *columns,
        *(column for column in asked if not _is_looked_up(column, looked_up.get(column.name))),
    ]
    made = save_columns(worktable, declared)
    ddl.create_table(worktable.pk, made)
    if pipeline:
        _add_steps(worktable, pipeline.graph, {column.name: column for column in made})
        rank_steps(project)
    _note(worktable, None, {"name": name}, creator)
    return worktable


def _declared(spec):
    return NewColumn(
        name=spec.name,
        kind=spec.kind,
        role=spec.role,
        unit=spec.unit,
        ucd=spec.ucd,
        description=spec.description,
        minimum=spec.minimum,
        maximum=spec.maximum,
        schema=tuple(
            {
                "name": field.name,
                "kind": field.kind,
                "unit": field.unit,
                "ucd": field.ucd,
                "description": field.description,
            }
            for field in spec.schema
        ),
    )


def _is_looked_up(asked, column):
    """Whether a lookup column, such as the pipeline can take, is there for what it asks people to type."""
    if column is None or asked.role not in (Role.INPUT, Role.PARAMETER):
        return False
    if column.kind != asked.kind:
        raise UnfitValue(
            column.name, column.kind, f"is not what the pipeline takes there; make it {asked.kind}"
        )
    if asked.unit:
        factor_between(column.unit, asked.unit, f"column “{column.name}”")
    return True


def _add_steps(worktable, document, columns):
    """Write the steps of a pipeline document and what their ports are bound to."""
    uses = (
        ("inputs", Binding.Use.INPUT),
        ("parameters", Binding.Use.PARAMETER),
        ("outputs", Binding.Use.OUTPUT),
    )
    for node in document["steps"]:
        version = version_of(get_step(node["step"]))
        step = TableStep.objects.create(
            worktable=worktable, name=node["name"], step=node["step"], version=version
        )
        Binding.objects.bulk_create(
            Binding(step=step, use=use, port=port, column=columns[name])
            for key, use in uses
            for port, name in node.get(key, {}).items()
            if "." not in name  # a collected port is bound when its link is declared
        )


@transaction.atomic
def rename_worktable(worktable, name, *, by):
    """Give a table another name; links and bindings follow by themselves."""
    demand(by, "run", worktable)
    if name == worktable.name:
        return worktable
    check_free(worktable.project, name)
    old, worktable.name = worktable.name, name
    worktable.save(update_fields=["name"])
    _note(worktable, {"name": old}, {"name": name}, by)
    announce(worktable, "table")
    return worktable


@transaction.atomic
def describe_worktable(worktable, *, by, **facts):
    """Change `title`, `description` or `update` (“auto” or “manual”)."""
    demand(by, "run", worktable)
    hold(worktable.project_id)
    old = {key: getattr(worktable, key) for key in facts}
    for key, value in facts.items():
        setattr(worktable, key, value)
    worktable.full_clean(exclude=["project", "pipeline", "created_by"])
    worktable.save(update_fields=list(facts))
    if "update" in facts:
        rank_steps(worktable.project)
        wake_all(graph_of(worktable.project_id))
        wake_workers(worktable)
    _note(worktable, old, facts, by)
    announce(worktable, "table")
    return worktable


@transaction.atomic
def delete_worktable(worktable, *, by):
    """Put a table into the trash; nothing of it is lost until a curator empties it."""
    demand(by, "run", worktable)
    hold(worktable.project_id)
    depending = _below(worktable)
    worktable.deleted_at = timezone.now()
    worktable.save(update_fields=["deleted_at"])
    worktable.todo.all().delete()
    rank_steps(worktable.project)
    graph = graph_of(worktable.project_id)
    left = [found for found in depending if found[0].id in graph.nodes]
    why = f"the table {worktable.name} was deleted by {by}"
    mark(graph, left, why, about={worktable.pk}, by=by)
    for link in worktable.links_in.filter(kind__in=Link.MAKES_ROWS):
        _set_aside(link, State.FRESH, "")
        refresh_rows(graph, link.source_id, rowsets.all_rows(link.source_id))
    for link in worktable.links_out.filter(kind__in=Link.LOOKS_UP, target__deleted_at=None):
        _set_aside(
            link,
            State.EMPTY,
            f"the table {worktable.name} is in the trash: deleted by {by}",
            about=[worktable.pk],
        )
        _clear(link, by)
        refresh_rows(graph, link.target_id, rowsets.all_rows(link.target_id))
    for link in worktable.links_out.filter(kind__in=Link.MAKES_ROWS):
        units = Unit.objects.filter(worktable=worktable, step=link.step)
        units.update(fingerprint="")  # its rows go, and are to come back
        rows = rowsets.children(link, rowsets.all_rows(link.source_id))
        retire_rows(link.target, rows, why, about={worktable.pk})
    wake_all(graph)
    wake_workers(worktable)
    _note(worktable, {"deleted": False}, {"deleted": True}, by)
    announce(worktable, "table", deleted=True)


@transaction.atomic
def restore_worktable(worktable, *, by):
    """Take a table out of the trash, under its name if that is still free."""
    demand(by, "run", worktable)
    hold(worktable.project_id)
    check_free(worktable.project, worktable.name)
    worktable.deleted_at = None
    worktable.save(update_fields=["deleted_at"])
    rank_steps(worktable.project)
    graph = graph_of(worktable.project_id)
    links = worktable.links_in.all() | worktable.links_out.all()
    steps = {*worktable.steps.values_list("pk", flat=True), *links.values_list("step", flat=True)}
    own = [(node, rowsets.all_rows(node.worktable_id)) for node in graph.nodes.values() if node.id in steps]
    reason = f"the table {worktable.name} was restored by {by}"
    for node, rows in own:
        add_units_of([node], rows, reason, about={worktable.pk})  # rows may have come meanwhile
    mark(graph, [*own, *_below(worktable)], reason, about={worktable.pk}, by=by)
    wake_workers(worktable)
    _note(worktable, {"deleted": True}, {"deleted": False}, by)
    announce(worktable, "table")


def _set_aside(link, state, reason, *, about=()):
    """Let the units of a link rest while one of its tables is in the trash."""
    Todo.objects.filter(step=link.step).delete()
    units = Unit.objects.filter(worktable=link.step.worktable_id, step=link.step)
    units.filter(state__lt=State.RETIRED).update(
        state=state,
        fingerprint="",
        reason=reason,
        about=list(about),
        generation=F("generation") + 1,
        changed_at=timezone.now(),
    )


def _clear(link, by):
    """Empty the cells that a link has looked up."""
    layout, columns = layout_of(link.target), lookup_columns(link)
    reason = f"the table {link.source.name} was deleted by {by}"
    mark_changed(
        link.target, rowsets.all_rows(link.target_id), columns, reason, by=by, about={link.source_id}
    )
    fields = layout.fields([layout.by_id[column] for column in columns])
    layout.model.objects.update(**dict.fromkeys(fields))


def _below(worktable):
    """Return what depends on this table being there, in other tables: also who collects none of its rows."""
    graph, reached = graph_of(worktable.project_id), {}
    for node, _ in graph.members_of[worktable.pk]:
        everything = rowsets.all_rows(node.worktable_id)
        reached |= dict.fromkeys([(node, everything), *below(graph, node, everything)])
    ordered = sorted(reached, key=lambda found: found[0].rank)
    return [(node, rows) for node, rows in ordered if node.worktable_id != worktable.pk]


def check_free(project, name):
    """Refuse a table name that is unfit, or taken in this project."""
    check_name(name)
    if Worktable.objects.filter(project=project, name=name, deleted_at=None).exists():
        raise UnfitName(name, "is already a table of this project; choose another name")


def _note(worktable, old, new, by):
    Change.objects.create(
        worktable=worktable, action=Change.Action.TABLE, subject=worktable.name, old=old, new=new, by=by
    )
