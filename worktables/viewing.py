"""Looking at a worktable: a page of its rows, filtered and sorted, with states, reasons and flags."""

import base64
import dataclasses
import json

from django.db.models import Count, Q

from worktables.errors import NoSuchColumn, UnfitFilter
from worktables.filtering import filter_rows
from worktables.models import Annotation, Kind, State, Todo, Unit
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.values import as_json, fit

PAGE = 100
COUNTED_AT_MOST = 100_000


@dataclasses.dataclass
class RowView:
    """A row as a page shows it."""

    id: int
    state: str
    reason: str
    since: object
    cells: list
    parent_id: int | None
    n_flags: int
    n_comments: int
    steps: dict

    def __getitem__(self, number):
        return self.cells[number]


@dataclasses.dataclass
class Page:
    """Some rows of a table, and how to get the ones after and before."""

    columns: list
    rows: list
    after: str | None
    before: str | None
    count: int | None


def rows_wanted(worktable, wanted, *, using=None):
    """Return the rows of a table that a filter leaves, as a queryset (retired ones only if asked for)."""
    layout = layout_of(worktable)
    rows = layout.rows.using(using) if using else layout.rows
    if "retired" not in wanted.get("_state", ""):
        rows = rows.exclude(state=State.RETIRED)
    return filter_rows(layout, rows, wanted)


def page_of(worktable, wanted=None, *, sort="", after=None, before=None, size=PAGE, viewer=None):
    """Return a page of rows, by keyset: the same speed anywhere in the table.

    Parameters
    ----------
    worktable : Worktable
    wanted : dict
        Column name (or `_state`, `_flag`, …) → filter text, as in `filtering`.
    sort : str
        A column name, with `-` for descending; empty is by row id. Empty cells come last.
    after, before : str
        A place a former page gave.
    viewer : User, optional
        Who looks; reasons that speak of tables they may not see are not told.
    """
    wanted = wanted or {}
    layout = layout_of(worktable)
    rows = rows_wanted(worktable, wanted)
    filtered = any(text.strip() for text in wanted.values())
    count = rows.count() if filtered else worktable.n_rows
    order = Order(layout, sort)
    found, more = order.slice(rows, after=after, before=before, size=size)
    first = order.place(found[0]) if found and (after or (before and more)) else None
    last = order.place(found[-1]) if found and (more or before) else None
    return Page(layout.columns, view_rows(worktable, layout, found, viewer), last, first, count)


class Order:
    """How the rows of a page follow each other, and places in that order."""

    def __init__(self, layout, sort):
        self.descending = sort.startswith("-")
        name = sort.lstrip("-")
        self.field = "id" if name in ("", "_id") else "state" if name == "_state" else None
        if self.field is None:
            column = layout.by_name.get(name)
            if column is None:
                raise NoSuchColumn(name, layout.by_name)
            if column.kind == Kind.ARRAY:
                raise UnfitFilter(name, sort, "arrays have no order")
            self.field = layout.physical[column.pk][-1]
        self.kind = "int" if self.field in ("id", "state") else layout.by_name[name].kind

    def slice(self, rows, *, after, before, size):
        """Return up to `size` rows after (or before) a place, and whether there are more that way."""
        backwards = before is not None
        place = before if backwards else after
        key = self._read(place) if place else None
        found = []
        for part in self._parts(rows, key, backwards):
            found += part[: size + 1 - len(found)]
            if len(found) > size:
                break
        more = len(found) > size
        found = found[:size]
        return (found[::-1] if backwards else found), more

    def _parts(self, rows, key, backwards):
        """Yield the querysets to read one after the other: rows with a value, then the empty ones."""
        if self.field == "id":
            yield self._walk(rows, ["id"], key[1:] if key else None, backwards)
            return
        full, empty = rows.exclude(**{self.field: None}), rows.filter(**{self.field: None})
        in_empty = key is not None and key[0] is None
        if not backwards:
            if not in_empty:
                yield self._walk(full, [self.field, "id"], key, False)
            yield self._walk(empty, ["id"], key[1:] if in_empty else None, False, plain=True)
        else:
            if in_empty:
                yield self._walk(empty, ["id"], key[1:], True, plain=True)
            yield self._walk(full, [self.field, "id"], None if in_empty else key, True)

    def _walk(self, rows, fields, key, backwards, plain=False):
        down = (self.descending and not plain) != backwards
        sign, operator = ("-", "lt") if down else ("", "gt")
        if key:
            beyond = Q(**{f"{fields[0]}__{operator}": key[0]})
            if len(fields) > 1:
                beyond |= Q(**{fields[0]: key[0], f"{fields[1]}__{operator}": key[1]})
            rows = rows.filter(beyond)
        return rows.order_by(*(f"{sign}{field}" for field in fields))

    def place(self, row):
        """Return the place of a row, for an address."""
        value = getattr(row, self.field)
        kind = "float" if isinstance(value, float) else "text"
        text = json.dumps([as_json(kind, value), row.id])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _read(self, place):
        try:
            value, row_id = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
            if value is not None and self.kind in ("float", "time", "position"):
                value = float(value)
            elif value is not None:
                value = fit(self.kind, value)
            if row_id is None:
                raise ValueError
            return [value, fit("int", row_id)]
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise UnfitFilter(
                "_after", place[:200], "is not a place in this table; start from the first page"
            ) from None


def view_rows(worktable, layout, rows, viewer=None):
    """Return rows as a page shows them to this person: three more queries, however many rows."""
    ids = [row.id for row in rows]
    steps = {step.pk: step.name for step in worktable.steps.all()}
    units, sight = {}, Sight(viewer, worktable.project_id)
    came = {row.id: row.created_at for row in rows}
    for unit in Unit.objects.filter(worktable=worktable, row_id__in=ids):
        unit.reason = sight.reason_of(unit)
        unit.changed_at = unit.changed_at or came[unit.row_id]  # it came with its row
        units.setdefault(unit.row_id, {})[steps.get(unit.step_id, "")] = unit
    for found in units.values():
        _note_unchanged(found.values())
    running, queued = set(), set()
    for row_id, owner in Todo.objects.filter(worktable=worktable, row_id__in=ids).values_list(
        "row_id", "owner"
    ):
        (queued if owner is None else running).add(row_id)
    said = {
        (row_id, kind): n
        for row_id, kind, n in Annotation.objects.filter(
            worktable=worktable, row_id__in=ids, withdrawn_at=None
        )
        .values_list("row_id", "kind")
        .annotate(n=Count("id"))
    }
    return [
        RowView(
            id=row.id,
            state="running"
            if row.id in running
            else "queued"
            if row.id in queued
            else State(row.state).label,
            reason=(told := _reason(row, units.get(row.id, {})))[0],
            since=told[1],
            cells=[layout.value(column, row) for column in layout.columns],
            parent_id=row.parent_id,
            n_flags=said.get((row.id, "flag"), 0),
            n_comments=said.get((row.id, "comment"), 0),
            steps=units.get(row.id, {}),
        )
        for row in rows
    ]


def _note_unchanged(units):
    """Say of the units of a row whether the last change in it left them as they are: what they made is used again."""
    last = max((unit.changed_at for unit in units if unit.changed_at), default=None)
    for unit in units:
        settled = unit.settled_at if unit.state == State.FRESH else None
        unit.unchanged = settled is not None and last is not None and settled < last


def _reason(row, units):
    """Return why a row is not fresh, in the words of its worst unit, and since when."""
    name, worst = max(units.items(), key=lambda item: item[1].state, default=("", None))
    if row.state == State.RETIRED and worst is None:
        return "the row it comes from, or its item there, is gone; it comes back with it", None
    if worst is None or worst.state == State.FRESH:
        beyond = row.state not in (State.FRESH, State.RETIRED)
        return "the row it comes from is not fresh" if beyond else "", None
    return f"{name}: {worst.reason}" if worst.state == State.FAILED else worst.reason, worst.since


def view_row(worktable, row_id, viewer=None):
    """Return one row as a page shows it to this person, or None if it is not there."""
    layout = layout_of(worktable)
    row = layout.rows.filter(id=row_id).first()
    return view_rows(worktable, layout, [row], viewer)[0] if row else None
