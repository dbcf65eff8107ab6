"""What would come of declaring, changing or removing a link: counted, and nothing written."""

import dataclasses
from collections import defaultdict

from django.db import connection

from worktables.dependencies import Input, Node, ProjectGraph
from worktables.models import Link, State, TableStep
from worktables.queue import rowsets
from worktables.storage import layout_of
from worktables.storage.layout import table_name

NOT_YET = -1  # the id, in a graph that is only thought of, of a link and step that have none


@dataclasses.dataclass(frozen=True)
class Rows:
    """How many rows of one table would change, and how.

    `stale` rows have something to be computed anew; of those that would retire, and of cells that would be emptied,
    there is as much now.
    """

    table: int
    name: str
    stale: int = 0
    appear: int = 0
    retire: int = 0
    cells: int = 0

    def __bool__(self):
        return bool(self.stale or self.appear or self.retire or self.cells)


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The tables in which something would change, that of the link's rows first.

    Attributes
    ----------
    tables : tuple of Rows
    lists : int
        How many lists would be read: only then is it known which items appear, keep their rows or retire.
    elsewhere : bool
        Whether something changes also in tables that the asker may not see.
    """

    tables: tuple[Rows, ...]
    lists: int = 0
    elsewhere: bool = False

    def __bool__(self):
        return bool(self.tables or self.lists or self.elsewhere)

    def of(self, table):
        """Return what would change in a table."""
        return next((rows for rows in self.tables if rows.table == table.pk), Rows(table.pk, table.name))

    def seen_by(self, sight):
        """Return as much of it as somebody may know."""
        seen = tuple(rows for rows in self.tables if sight.reaches({rows.table}))
        return dataclasses.replace(self, tables=seen, elsewhere=len(seen) < len(self.tables))


@dataclasses.dataclass
class Effect:
    """What a change of a link does, as sets of rows that are not read yet.

    Attributes
    ----------
    units : list of (Node, RowSet)
        Those that become stale.
    emptied : list of int
        Lookup columns of the link's target that nobody fills any more.
    retire : RowSet, optional
        Rows of the link's target that go.
    appear : RowSet, optional
        Rows of the link's source of which each has a row in the target then.
    lists : RowSet, optional
        Rows of the link's source whose list is read.
    """

    units: list
    emptied: list = dataclasses.field(default_factory=list)
    retire: rowsets.RowSet | None = None
    appear: rowsets.RowSet | None = None
    lists: rowsets.RowSet | None = None


def forecast(graph, link, effect):
    """Count what an effect comes to, in a graph that has the link as it would be."""
    stale, gone = defaultdict(dict), defaultdict(dict)
    for node, rows in effect.units:
        stale[node.worktable_id][rows] = None
        if node.kind == TableStep.Kind.EXPAND:
            made = graph.links[node.link_id]
            stale[made.target_id][rowsets.children(made, rows)] = None
    if effect.retire is not None:
        _retire(graph, gone, link.target_id, effect.retire)
    appear = 0 if effect.appear is None else _count(link.source_id, [effect.appear])
    found = []
    for table_id in dict.fromkeys([link.target_id, link.source_id, *stale, *gone]):
        here = table_id == link.target_id
        found.append(
            Rows(
                table_id,
                graph.tables[table_id].name,
                stale=_count(table_id, stale[table_id], without=gone[table_id]),
                appear=appear if here else 0,
                retire=_count(table_id, gone[table_id]),
                cells=_filled(link.target, effect.emptied) if here else 0,
            )
        )
    lists = 0 if effect.lists is None else _count(link.source_id, [effect.lists])
    return Forecast(tuple(filter(None, found)), lists)


def _retire(graph, gone, table_id, rows):
    """Follow rows that go to the rows that hang on them."""
    gone[table_id][rows] = None
    for node in graph.expands_from[table_id]:
        link = graph.links[node.link_id]
        _retire(graph, gone, link.target_id, rowsets.children(link, rows))


def _count(table_id, sets, *, without=()):
    """Return how many present rows are in any of some sets, and in none of others."""
    if not sets:
        return 0
    among = [f"id IN ({' UNION '.join(f'SELECT * FROM ({rows.sql}) r' for rows in sets)})"]
    if without:
        among.append(f"id NOT IN ({' UNION '.join(f'SELECT * FROM ({rows.sql}) r' for rows in without)})")
    values = [value for rows in (*sets, *without) for value in rows.params]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {table_name(table_id)} WHERE deleted_at IS NULL "
            f"AND state <> {State.RETIRED:d} AND {' AND '.join(among)}",
            values,
        )
        return cursor.fetchone()[0]


def _filled(table, columns):
    """Return how many cells of these columns hold something."""
    layout = layout_of(table)
    present = layout.rows.exclude(state=State.RETIRED)
    fields = [layout.fields([layout.by_id[column]])[0] for column in columns]
    return sum(present.exclude(**{field: None}).count() for field in fields)


def graph_with(graph, link, ports=()):
    """Return a graph that has a link as it would be; a link that is not saved has the id `NOT_YET`.

    Parameters
    ----------
    graph : ProjectGraph
    link : Link
    ports : sequence
        Of the target's pipeline, that collect through a link that does not exist yet.
    """
    nodes = dict(graph.nodes)
    if link.pk == NOT_YET and link.kind == Link.Kind.COLLECT:
        columns = {column.name: column.pk for column in link.source.columns.all()}
        for node in graph.steps_of[link.target_id]:
            new = [
                Input(port.port, columns[port.column], NOT_YET) for port in ports if port.step == node.name
            ]
            nodes[node.id] = dataclasses.replace(node, inputs=(*node.inputs, *new))
    elif link.pk == NOT_YET:
        makes = link.kind in Link.MAKES_ROWS
        kind = TableStep.Kind.EXPAND if makes else link.kind
        where = link.source_id if makes else link.target_id
        nodes[NOT_YET] = Node(NOT_YET, where, link.name, kind, kind, 0, NOT_YET, (), {}, {})
        link.step_id = NOT_YET
    return ProjectGraph(graph.project_id, graph.tables, nodes, {**graph.links, link.pk: link}, graph.held)
