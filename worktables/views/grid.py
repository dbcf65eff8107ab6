"""The page of a table: a hundred of its rows, filtered and sorted as the address says, and what needs work."""

import dataclasses
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from archive.models import Product
from worktables.batches import gather
from worktables.dependencies import graph_of
from worktables.editing import UNDOABLE
from worktables.errors import WorktableError
from worktables.filtering import SPECIAL
from worktables.formats import FORMATS
from worktables.models import Change, Event, Kind, Link, Role, Worktable
from worktables.planning import plan_update
from worktables.showing import DIGITS, NOT_OF_TODAY, NUMERIC, digits_for, view_cell
from worktables.storage import layout_of
from worktables.updating import state_counts
from worktables.viewing import PAGE, Page, page_of, rows_wanted, view_rows
from worktables.views.finding import about, find_table, ids_in
from worktables.views.parameters import parameter_levels
from worktables.views.project import in_order

STEERING = ("_sort", "_after", "_before")
REASONS_SHOWN = 8
SAID = {"table": "table", "project": "project", "default": "step's default"}
FORMAT_ORDER = ("votable", "fits", "csv", "ecsv", "json", "parquet", "votable-tabledata")


@login_required
@require_safe
def grid(request, pk):
    """Show a page of rows."""
    table = find_table(request, pk)
    facts = about(request, table)
    newest = Event.objects.filter(worktable=table).aggregate(newest=Max("id"))["newest"] or 0
    address, refusal, status = Address(request.GET), None, 200
    try:
        page = read_page(request, table, address)
    except WorktableError as error:
        refusal, status = error, error.status
        page = Page(layout_of(table).columns, [], None, None, 0)
    return render(
        request,
        "worktables/grid.html",
        {
            **facts,
            **status_of(request, table),
            **rows_shown(request, table, page.rows, facts),
            "headers": headers(table, page.columns, address),
            "page": page,
            "address": address,
            "refusal": refusal,
            "newest_event": newest,
            "typed": any(column.editable_by_people for column in page.columns),
            "held": table.pk in graph_of(table.project_id).held,
            "undoable": last_undoable(table) if facts["may_run"] else None,
            "formats": [FORMATS[name] for name in FORMAT_ORDER if name in FORMATS],
            "votable": f"{reverse('api-download', args=[pk])}?format=votable&{address.filter}".rstrip("&"),
            "view": request.path + address.at().rstrip("?"),
            "after": address.at(_after=page.after) if page.after else "",
            "before": address.at(_before=page.before) if page.before else "",
            "states_shown": address.wanted.get("_state", ""),
            "flags_shown": address.wanted.get("_flag", ""),
        },
        status=status,
    )


@login_required
@require_safe
def rows_fragment(request, pk):
    """Show some rows of a table (`ids`), or those of an address, for a page that is open already."""
    table = find_table(request, pk)
    facts = about(request, table)
    if "ids" in request.GET:
        ids = ids_in(request.GET.getlist("ids"))[: 3 * PAGE]
        rows = view_rows(
            table,
            layout_of(table),
            list(rows_wanted(table, {}).filter(id__in=ids).order_by("id")),
            request.user,
        )
    else:
        rows = read_page(request, table, Address(request.GET)).rows
    return render(request, "worktables/_rows.html", {**facts, **rows_shown(request, table, rows, facts)})


@login_required
@require_safe
def status_fragment(request, pk):
    """Show how many rows need work, for a page that is open already."""
    table = find_table(request, pk)
    return render(request, "worktables/_status.html", {**about(request, table), **status_of(request, table)})


class Address:
    """What an address of this page says: filters, order and place."""

    def __init__(self, query):
        self.wanted = {name: text for name, text in query.items() if name not in STEERING and text.strip()}
        self.sort = query.get("_sort", "")
        self.after, self.before = query.get("_after"), query.get("_before")

    def at(self, **changes):
        """Return the query with other steering, from the first page unless it says otherwise."""
        parts = {**self.wanted, "_sort": self.sort, **changes}
        return "?" + urlencode({name: value for name, value in parts.items() if value})

    @property
    def filter(self):
        """The filters alone, as a query to append."""
        return urlencode({**self.wanted, **({"_sort": self.sort} if self.sort else {})})

    @property
    def filtered(self):
        """The filters, without the order: (name, text) pairs."""
        return list(self.wanted.items())

    @property
    def special(self):
        """The filters that are no column's: (name, text) pairs."""
        return [(name, text) for name, text in self.wanted.items() if name in SPECIAL]


def read_page(request, table, address):
    """Return the page of rows that an address asks for."""
    return page_of(
        table,
        address.wanted,
        sort=address.sort,
        after=address.after,
        before=address.before,
        viewer=request.user,
    )


@dataclasses.dataclass
class Header:
    """The head of a column: what it is, how it is sorted and filtered."""

    column: object
    unit: str
    numeric: bool
    sort_link: str
    sorted: str
    filter: str
    example: str
    about: str


def headers(table, columns, address):
    """Return the heads of all columns."""
    found = []
    for column in columns:
        direction = {column.name: "ascending", f"-{column.name}": "descending"}.get(address.sort, "")
        following = {"": column.name, "ascending": f"-{column.name}", "descending": ""}[direction]
        found.append(
            Header(
                column=column,
                unit=unit_shown(column),
                numeric=column.kind in NUMERIC,
                sort_link=address.at(_sort=following) if column.kind != Kind.ARRAY else "",
                sorted=direction,
                filter=address.wanted.get(column.name, ""),
                example=example(column),
                about="\n".join(
                    filter(
                        None,
                        [
                            column.description,
                            column.get_role_display(),
                            column.get_kind_display(),
                            f"UCD {column.ucd}" if column.ucd else "",
                        ],
                    )
                ),
            )
        )
    return found


def unit_shown(column):
    """Return the unit of what is shown: a position is sexagesimal, a time a date."""
    shown = {Kind.POSITION: "ICRS", Kind.TIME: (column.time_scale or "UTC").upper()}
    return shown.get(column.kind, column.unit)


def example(column):
    """Return a filter as one would write it."""
    return {
        Kind.TEXT: "text*",
        Kind.POSITION: "ra dec r=60",
        Kind.BOOL: "yes",
        Kind.TIME: "2024..2025",
        Kind.ARRAY: "null",
    }.get(column.kind, "null" if column.kind not in NUMERIC else ">5")


def status_of(request, table):
    """Return what needs work, and how many rows are in each state."""
    plan = plan_update(table, request.user)
    reasons = list(gather(plan.reasons).items())
    states = in_order(state_counts([table])[table.pk])
    return {
        "plan": plan,
        "units_per_step": list(plan.units_per_step.items()),
        "sentence": plan.sentence(),
        "reasons": reasons[:REASONS_SHOWN],
        "n_more_reasons": len(reasons) - REASONS_SHOWN,
        "states": states,
        "busy": sum(number for state, number in states if state in ("queued", "running")),
    }


def last_undoable(table):
    """Return the last change that can be taken back, if it is the last but for those that were."""
    let_go = Change.Action.KEEP_NO_MORE  # by hand: then nothing is left of the keeping
    changes = table.history.filter(undone_by=None, undoes=None, action__in=(*UNDOABLE, let_go))
    newest = changes.select_related("by").first()
    return newest if newest and newest.action != let_go else None


def rows_shown(request, table, rows, facts):
    """Return rows with their cells as a page shows them; as many queries for one row as for a hundred."""
    return {"rows": list(RowsView(request.user, table, rows, facts["may_run"]))}


@dataclasses.dataclass(slots=True)
class ShownRow:
    """A row of the grid: the row, its address, and its cells as they look."""

    row: object
    href: str
    parent: str
    cells: list


class RowsView:
    """Rows of a table in the form in which pages show them.

    Parameters
    ----------
    user : User
        Who looks; only what they may see is named.
    table : Worktable
    rows : list of RowView
    may_run : bool
    """

    def __init__(self, user, table, rows, may_run):
        self.table, self.rows, self.may_run = table, rows, may_run
        self.columns = layout_of(table).columns
        graph = graph_of(table.project_id)
        nodes = {pk: graph.nodes[node] for pk, node in graph.writer.items()}
        self.step_of = {pk: node.name for pk, node in nodes.items() if node.worktable_id == table.pk}
        self.from_elsewhere = {pk for pk, node in nodes.items() if node.worktable_id != table.pk}
        visible = set(
            Worktable.objects.visible_to(user).filter(project=table.project_id).values_list("pk", flat=True)
        )
        self.children = {
            link.options["item"]: link.target_id
            for link in graph.links.values()
            if link.kind == Link.Kind.EXPAND and link.source_id == table.pk and link.target_id in visible
        }
        parent = graph.expand_into.get(table.pk)
        self.parent_id = parent.source_id if parent and parent.source_id in visible else None
        self.digits = {
            column.pk: digits_for(row.cells[number] for row in rows)
            for number, column in enumerate(self.columns)
            if column.kind == Kind.POSITION
        }
        self.products = self._products()
        self.inherited = (
            inherited(table, graph) if any(c.role == Role.PARAMETER for c in self.columns) else {}
        )

    def _products(self):
        kept = [
            number
            for number, column in enumerate(self.columns)
            if column.kind in (Kind.PRODUCT, Kind.CATALOGUE)
        ]
        hashes = {row.cells[number] for row in self.rows for number in kept} - {None}
        if not hashes:
            return {}
        found = Product.objects.filter(project=self.table.project_id, sha256__in=hashes)
        return {sha256: (name, header, kind) for sha256, name, header, kind in
                found.values_list("sha256", "name", "header", "media_type")}  # fmt: skip

    def __iter__(self):
        """Yield the rows as they look."""
        address = reverse("worktable", args=[self.table.pk])
        parent = reverse("worktable", args=[self.parent_id]) if self.parent_id else None
        for row in self.rows:
            yield ShownRow(
                row=row,
                href=f"{address}rows/{row.id}/",
                parent=f"{parent}rows/{row.parent_id}/" if parent and row.parent_id else "",
                cells=self.cells(row),
            )

    def cells(self, row):
        """Return the cells of a row as they look."""
        return [self.cell(row, column, value) for column, value in zip(self.columns, row.cells, strict=True)]

    def cell(self, row, column, value):
        """Return one cell as it looks."""
        cell = view_cell(
            column,
            value,
            editable=self.may_run and column.editable_by_people and row.state != "retired",
            old=self.is_old(row, column),
            digits=self.digits.get(column.pk, DIGITS),
        )
        if value is None and column.pk in self.inherited:
            cell.text, cell.title = self.inherited[column.pk]
            cell.css = cell.css.replace("null", "inherited")
        elif value is not None and column.kind == Kind.PRODUCT:
            name, _, media_type = self.products.get(value, (value[:8], {}, ""))
            cell.text, cell.title = name, f"{name}\nsha256 {value}"
            cell.icon = "image" if media_type == "application/fits" else "download"
            cell.css += " file"
            if value in self.products:
                cell.href = f"{reverse('row', args=[self.table.pk, row.id])}?image={column.name}#image"
        elif value is not None and column.kind == Kind.CATALOGUE:
            number = self.products.get(value, ("", {}, ""))[1].get("NITEMS")
            cell.text = "items" if number is None else "1 item" if number == 1 else f"{number} items"
            cell.title = f"sha256 {value}"
            cell.css += " num"
            if column.pk in self.children:
                cell.href = f"{reverse('worktable', args=[self.children[column.pk]])}?_parent={row.id}"
            else:
                cell.href = f"{reverse('row', args=[self.table.pk, row.id])}#items"
        return cell

    def is_old(self, row, column):
        """Say whether a computed cell is not what its step would say today."""
        if column.role in (Role.INPUT, Role.PARAMETER):
            return False
        if column.pk in self.from_elsewhere:
            return row.state in NOT_OF_TODAY
        unit = row.steps.get(self.step_of.get(column.pk, ""))
        return unit is not None and unit.get_state_display() in NOT_OF_TODAY


def inherited(table, graph):
    """Return {column id: (text, where it comes from)} of what empty cells of parameters stand for."""
    levels = {level["key"]: level for level in parameter_levels(table)}
    found = {}
    for node in graph.steps_of[table.pk]:
        for name, column in node.parameters.items():
            level = levels.get(f"{node.name}.{name}")
            if level:
                text = next(text for _, text, wins in level["levels"] if wins)
                found[column] = (text, f"empty: takes {text} from the {SAID[level['winner']]}")
    return found
