"""The columns of a worktable: declaring, adding, renaming, describing and dropping them."""

import dataclasses
import re

from django.db import transaction
from django.db.models import Max

from projects.models import NAME_PATTERN, Project, new_version
from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import ColumnInUse, NoSuchColumn, UnfitName, UnfitValue
from worktables.events import announce
from worktables.formats.units import check_unit
from worktables.models import Binding, Change, Column, Kind, Link, Role, Unit, Worktable
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import mark, reached_by
from worktables.sight import Sight
from worktables.storage import ddl
from worktables.waking import wake_workers

OUT_OF_SIGHT = "something in a table that is not shared with you"
ELEMENTS = ("float", "int", "bool", "text")
AT_MOST = 1000
# Options of links that are one column.
ONE_COLUMN = (
    "item",
    "position",
    "of",
    "separation",
    "within",
    "sky",
    "date",
    "valid_from",
    "valid_to",
    "scope",
)


@dataclasses.dataclass(frozen=True)
class NewColumn:
    """A column as declared, before it exists."""

    name: str
    kind: str = "text"
    role: str = "input"
    unit: str = ""
    ucd: str = ""
    description: str = ""
    shape: str = ""
    element: str = ""
    time_scale: str = ""
    minimum: float | None = None
    maximum: float | None = None
    schema: tuple = ()


def check_column(column):
    """Refuse a declaration that could not be kept.

    Raises
    ------
    UnfitName, UnfitValue
        Naming the column, what is wrong and the remedy.
    """
    check_name(column.name)
    if column.kind not in Kind.values:
        raise UnfitValue(
            column.name, column.kind, f"is not a kind of column; choose one of {', '.join(Kind.values)}"
        )
    if column.role not in Role.values:
        raise UnfitValue(column.name, column.role, f"is not a role; choose one of {', '.join(Role.values)}")
    if column.kind == Kind.ARRAY:
        if (column.element or "float") not in ELEMENTS:
            raise UnfitValue(
                column.name, column.element, f"is not an element; choose one of {', '.join(ELEMENTS)}"
            )
        if not re.fullmatch(r"\*?|[1-9][0-9]{0,5}", column.shape):
            raise UnfitValue(column.name, column.shape, "is not a shape; write a length such as 3, or *")
    check_unit(column.name, column.unit)


def check_name(name):
    """Refuse a name that ADQL could not take as it is."""
    if not re.fullmatch(NAME_PATTERN, name or ""):
        raise UnfitName(
            name,
            "cannot be used as a name: start with a lower-case letter, then lower-case letters, digits and "
            "underscores, 63 characters at most",
        )


def save_columns(worktable, declared, *, first_position=0):
    """Write the records of these declared columns and return them; the physical table is the caller's."""
    names = [column.name for column in declared]
    for column in declared:
        check_column(column)
        if names.count(column.name) > 1:
            raise UnfitName(column.name, "is declared twice; columns of a table have different names")
    if len(names) + first_position > AT_MOST:
        raise UnfitName(names[-1], f"is one column too many: a table has at most {AT_MOST}")
    made = [
        Column(
            worktable=worktable,
            position=first_position + number,
            **{
                field.name: getattr(column, field.name)
                for field in dataclasses.fields(NewColumn)
                if field.name != "schema"
            },
            schema=[dict(item) for item in column.schema],
        )
        for number, column in enumerate(declared, 1)
    ]
    return Column.objects.bulk_create(made)


@transaction.atomic
def add_column(worktable, declared, *, by):
    """Add a declared column to a table; its cells are empty.

    Parameters
    ----------
    worktable : Worktable
    declared : NewColumn
    by : User

    Raises
    ------
    PermissionDenied, UnfitName, UnfitValue, UnknownUnit, TableBusy
    """
    demand(by, "run", worktable)
    if worktable.columns.filter(name=declared.name).exists():
        raise UnfitName(declared.name, "is already a column of this table; choose another name")
    last = worktable.columns.aggregate(last=Max("position"))["last"] or 0
    (column,) = save_columns(worktable, [declared], first_position=last)
    ddl.add_column(column)
    touch(worktable)
    note(worktable, column, None, {"name": column.name, "kind": column.kind, "unit": column.unit}, by)
    return column


@transaction.atomic
def rename_column(worktable, name, new_name, *, by):
    """Give a column another name; what it holds, and what is bound to it, stays."""
    demand(by, "run", worktable)
    column = find(worktable, name)
    check_name(new_name)
    if worktable.columns.exclude(pk=column.pk).filter(name=new_name).exists():
        raise UnfitName(new_name, "is already a column of this table; choose another name")
    column.name = new_name
    column.save(update_fields=["name"])
    touch(worktable)
    note(worktable, column, {"name": name}, {"name": new_name}, by)
    return column


@transaction.atomic
def describe_column(worktable, name, *, by, **facts):
    """Change what is said about a column: `unit`, `ucd`, `description`, `minimum`, `maximum`."""
    demand(by, "run", worktable)
    column = find(worktable, name)
    unknown = set(facts) - {"unit", "ucd", "description", "minimum", "maximum"}
    if unknown:
        raise UnfitValue(name, sorted(unknown), "cannot be changed on a column that exists")
    check_unit(name, facts.get("unit", ""))
    hold(worktable.project_id)
    old = {key: getattr(column, key) for key in facts}
    for key, value in facts.items():
        setattr(column, key, value)
    column.save(update_fields=list(facts))
    touch(worktable)
    if "unit" in facts and facts["unit"] != old["unit"]:
        another_meaning(
            worktable,
            column,
            f"the unit of “{name}” of {worktable.name}: {old['unit'] or 'none'} → {facts['unit'] or 'none'}, by {by}",
            by=by,
        )
    note(worktable, column, old, facts, by)
    return column


@transaction.atomic
def drop_column(worktable, name, *, by):
    """Drop a column with all its cells; refused while a step or a link needs it.

    Raises
    ------
    ColumnInUse
        Naming the steps and links.
    """
    demand(by, "run", worktable)
    column = find(worktable, name)
    if users := users_of(worktable, [column], by)[column.pk]:
        raise ColumnInUse(name, users)
    ddl.drop_column(column)
    note(worktable, column, {"name": name, "kind": column.kind, "unit": column.unit}, None, by)
    column.delete()
    touch(worktable)


def users_of(worktable, columns, viewer):
    """Return {column id: what needs the column} of columns of a table: the steps and links of each, as words.

    Of what belongs to a table that `viewer` may not see, it only says that there is something.
    """
    sight, users = Sight(viewer, worktable.project_id), {column.pk: set() for column in columns}
    for binding in Binding.objects.filter(column__in=users).select_related("step__worktable"):
        step = binding.step
        where = f" of {step.worktable.name}" if step.worktable_id != worktable.pk else ""
        in_sight = sight.reaches({step.worktable_id} - {worktable.pk})
        users[binding.column_id].add(f"step “{step.name}”{where}" if in_sight else OUT_OF_SIGHT)
    for link in (Link.objects.filter(source=worktable) | Link.objects.filter(target=worktable)).distinct():
        in_sight = sight.reaches({link.source_id, link.target_id} - {worktable.pk})
        for column_id in users.keys() & link_columns(link):
            users[column_id].add(f"link “{link.name}”" if in_sight else OUT_OF_SIGHT)
    return {column_id: sorted(found) for column_id, found in users.items()}


def link_columns(link):
    """Return the ids of all columns, of both tables, that a link's options name."""
    options = link.options
    found = {options.get(key) for key in ONE_COLUMN}
    found |= set(options.get("key", []))
    for pair in options.get("match", []):
        found |= set(pair)
    for key in ("carry", "lookup"):
        for source, target in options.get(key, []):
            found |= {source, target}
    for _, target in options.get("fields", []):
        found.add(target)
    return found - {None}


def find(worktable, name):
    """Return a column by name, or raise `NoSuchColumn` with the names there are."""
    columns = {column.name: column for column in worktable.columns.all()}
    if name not in columns:
        raise NoSuchColumn(name, columns)
    return columns[name]


def touch(worktable):
    """Say that a table's columns are not what they were; layouts are remembered by this number."""
    worktable.version = new_version()
    Worktable.objects.filter(pk=worktable.pk).update(version=worktable.version)
    Project.objects.filter(pk=worktable.project_id).update(
        graph_version=new_version()
    )  # its links know columns
    announce(worktable, "table")


def another_meaning(worktable, column, reason, *, by):
    """Mark who fills a column and who reads it: its numbers mean something else now, though they look the same."""
    graph, everything = graph_of(worktable.project_id), rowsets.all_rows(worktable.pk)
    reached = reached_by(graph, worktable.pk, everything, [column.pk])
    concerned = {node.id for node, _ in graph.consumers[column.pk]}
    if column.pk in graph.writer:
        writer = graph.nodes[graph.writer[column.pk]]
        concerned.add(writer.id)
        reached = [(writer, rowsets.all_rows(writer.worktable_id)), *reached]
    Unit.objects.filter(step__in=concerned).update(fingerprint="")
    mark(graph, reached, reason, about={worktable.pk}, by=by)
    wake_workers(worktable)


def note(worktable, column, old, new, by):
    """Write a column's change into the table's history."""
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.COLUMN,
        column=None if new is None else column,
        subject=column.name,
        old=old,
        new=new,
        by=by,
    )
