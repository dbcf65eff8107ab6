"""What depends on what in a project: its tables' steps as one graph, read once for each change of structure.

The rules are plain Python over plain records; only `graph_of` asks the database.
"""

import dataclasses
from collections import defaultdict
from functools import lru_cache
from itertools import groupby

from django.db import connection

from projects.models import Project, new_version
from worktables.errors import LinkRefused
from worktables.models import Binding, Hold, Link, TableStep, Worktable

JOINED_BY = (
    "of",
    "valid_from",
    "valid_to",
)  # options of links: columns of the source that say whom a row reaches
FOUND_BY = (*JOINED_BY, "scope")  # and one that says which of those within reach is taken


@dataclasses.dataclass(frozen=True)
class Input:
    """An input port and where its value comes from: a column of the row, or of collected rows."""

    port: str
    column_id: int
    link_id: int | None


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """A step of a table, with what it is bound to; the same node is the same object."""

    id: int
    worktable_id: int
    name: str
    kind: str
    step: str
    rank: int
    link_id: int | None
    inputs: tuple[Input, ...]
    parameters: dict[str, int]
    outputs: dict[str, int]
    version_id: int | None = None
    code: str | None = None
    version: str = ""
    pinned: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """What the graph needs to know of a worktable."""

    id: int
    name: str
    automatic: bool


class ProjectGraph:
    """The steps of all present tables of a project, and the ways change travels between them.

    Parameters
    ----------
    project_id : int
    tables : dict of int → Table
    nodes : dict of int → Node
    links : dict of int → Link
    held : dict of int → bool
        The tables of which rows are held, and whether the whole table is.
    """

    def __init__(self, project_id, tables, nodes, links, held=None):
        self.project_id, self.held = project_id, held or {}
        self.tables, self.nodes, self.links = tables, nodes, links
        self.writer = {column: node.id for node in nodes.values() for column in self.written_by(node)}
        self.expand_into = {link.target_id: link for link in links.values() if link.kind in Link.MAKES_ROWS}
        self.expands_from = defaultdict(list)
        self.steps_of = defaultdict(list)
        for node in nodes.values():
            self.steps_of[node.worktable_id].append(node)
            if node.kind == TableStep.Kind.EXPAND:
                self.expands_from[node.worktable_id].append(node)
        self.consumers = defaultdict(list)
        self.members_of = defaultdict(list)
        for node in nodes.values():
            for column, link in self.read_by(node):
                self.consumers[column].append((node, link))
            for link in self.joined_by(node):
                self.members_of[link.source_id].append((node, link))
        self.joining = {
            column for column, found in self.consumers.items() for _, link in found if joins_by(link, column)
        }
        self.upstream = {node.id: self._upstream(node) for node in nodes.values()}
        self._flows, self._beyond = {}, {}

    def written_by(self, node):
        """Return the ids of the columns a node fills."""
        if node.kind == TableStep.Kind.STEP:
            return list(node.outputs.values())
        return lookup_columns(self.links[node.link_id])

    def joined_by(self, node):
        """Return the links by whose membership a node's inputs change: those that collect, and those that look up."""
        found = {
            self.links[port.link_id].pk: self.links[port.link_id] for port in node.inputs if port.link_id
        }
        if node.kind in Link.LOOKS_UP:
            found[node.link_id] = self.links[node.link_id]
        return list(found.values())

    def read_by(self, node):
        """Return (column id, link or None) for everything a node reads; None means in its own row."""
        own = list(node.parameters.values()) + [port.column_id for port in node.inputs if not port.link_id]
        joined = [(port.column_id, self.links[port.link_id]) for port in node.inputs if port.link_id]
        for link in self.joined_by(node):
            options = link.options
            joined += [(source, link) for source, _ in options.get("match", [])]
            own += [target for _, target in options.get("match", [])]
            joined += [(options[key], link) for key in FOUND_BY if options.get(key)]
            joined += [(source, link) for source, _ in options.get("lookup", [])]
            own += [options[key] for key in ("position", "date") if options.get(key)]
        if node.kind == TableStep.Kind.EXPAND:
            options = self.links[node.link_id].options
            own += [options[key] for key in ("item", "within") if options.get(key)]
            own += [source for source, _ in options.get("carry", [])]
        return [(column, None) for column in dict.fromkeys(own)] + joined

    def _upstream(self, node):
        """Return {upstream node id: "row" | "parent" | "table"}: what must be settled before a unit may run."""
        found = {}
        for column, link in self.read_by(node):
            writer = self.writer.get(column)
            if writer is None:
                continue
            if link is None:
                found[writer] = "row" if self.nodes[writer].worktable_id == node.worktable_id else "parent"
            else:
                found[writer] = "table"
        for link in self.joined_by(node):
            expand = self.expand_into.get(link.source_id)
            if expand is not None and expand.step_id in self.nodes:
                found[expand.step_id] = "table"
        return found

    def beyond(self, node):
        """Return the ids of the other tables that a node reads from or makes rows in."""
        if node.id not in self._beyond:
            links = {port.link_id for port in node.inputs} | {node.link_id}
            ends = [self.links[link] for link in links if link is not None]
            tables = {table for link in ends for table in (link.source_id, link.target_id)}
            self._beyond[node.id] = frozenset(tables - {node.worktable_id})
        return self._beyond[node.id]

    def tables_above(self, node):
        """Return the ids of all other tables from which a change can reach a node."""
        found, waiting = set(), [node]
        seen = {node.id}
        while waiting:
            here = waiting.pop()
            found |= {here.worktable_id, *(link.source_id for link in self.joined_by(here))}
            above = self.upstream[here.id].keys() - seen
            if here.worktable_id in self.expand_into:
                above |= {self.expand_into[here.worktable_id].step_id} & self.nodes.keys() - seen
            seen |= above
            waiting += [self.nodes[step_id] for step_id in above]
        return found - {node.worktable_id}

    def flows(self, node):
        """Say whether change reaches this node by itself: its table and all above it are automatic."""
        if node.id not in self._flows:
            self._flows[node.id] = self.tables[node.worktable_id].automatic and all(
                self.flows(self.nodes[above]) for above in self.upstream[node.id]
            )
        return self._flows[node.id]

    def ranks(self, sight=None):
        """Return {node id: longest way from an input}.

        Parameters
        ----------
        sight : Sight, optional
            What may be named to whoever reads the refusal; without, everything.

        Raises
        ------
        LinkRefused
            If a result would depend on itself, naming the tables on the way round.
        """
        ranks, way = {}, []

        def rank(node_id):
            if node_id in ranks:
                return ranks[node_id]
            if node_id in way:
                round_trip = [self.nodes[step] for step in [*way[way.index(node_id) :], node_id]]
                stations = [
                    f"{self.tables[step.worktable_id].name}.{step.name}"
                    if sight is None or sight.reaches({step.worktable_id})
                    else sight.elsewhere
                    for step in reversed(round_trip)
                ]
                names = " → ".join(
                    name for name, _ in groupby(stations)
                )  # how many are elsewhere is not told
                raise LinkRefused(
                    f"this link would make a result depend on itself: {names}; leave one of them out"
                )
            way.append(node_id)
            ranks[node_id] = 1 + max((rank(above) for above in self.upstream[node_id]), default=-1)
            way.pop()
            return ranks[node_id]

        for node_id in self.nodes:
            rank(node_id)
        return ranks


def lookup_columns(link):
    """Return the ids of the columns of the target that a link fills."""
    options = link.options
    found = [target for key in ("fields", "carry", "lookup") for _, target in options.get(key, [])]
    found.append(options.get("separation"))
    return [column for column in found if column is not None]


def joins_by(link, column):
    """Say whether a column of a link's source decides which rows of the target a row reaches."""
    if link is None:
        return False
    options = link.options
    return column in [options.get(key) for key in JOINED_BY] or column in [
        one for one, _ in options.get("match", [])
    ]


def graph_of(project_id):
    """Return the graph of a project as it is now."""
    with (
        connection.cursor() as cursor
    ):  # asked several times for each batch: in plain SQL, a tenth of the work
        cursor.execute("SELECT graph_version FROM projects_project WHERE id = %s", [project_id])
        (version,) = cursor.fetchone()
    return _graph(project_id, version)


@lru_cache(maxsize=128)
def _graph(project_id, _version):
    return read_graph(project_id)


def read_graph(project_id):
    """Read the graph of a project from the database, whatever is remembered."""
    tables = {
        table.pk: Table(table.pk, table.name, table.update == Worktable.Update.AUTOMATIC)
        for table in Worktable.objects.filter(project=project_id, deleted_at=None)
    }
    links = {link.pk: link for link in Link.objects.filter(source__in=tables, target__in=tables)}
    link_of_step = {link.step_id: link.pk for link in links.values() if link.step_id}
    bindings = defaultdict(list)
    for binding in Binding.objects.filter(step__worktable__in=tables):
        bindings[binding.step_id].append(binding)
    nodes = {}
    for step in TableStep.objects.filter(worktable__in=tables).select_related("version"):
        if step.kind != TableStep.Kind.STEP and step.pk not in link_of_step:
            continue
        bound = bindings[step.pk]
        nodes[step.pk] = Node(
            id=step.pk,
            worktable_id=step.worktable_id,
            name=step.name,
            kind=step.kind,
            step=step.step,
            rank=step.rank,
            link_id=link_of_step.get(step.pk),
            inputs=tuple(
                Input(b.port, b.column_id, b.link_id)
                for b in bound
                if b.use == Binding.Use.INPUT and (b.link_id is None or b.link_id in links)
            ),
            parameters={b.port: b.column_id for b in bound if b.use == Binding.Use.PARAMETER},
            outputs={b.port: b.column_id for b in bound if b.use == Binding.Use.OUTPUT},
            version_id=step.version_id,
            code=step.version.code_fingerprint if step.version else None,
            version=step.version.declared_version if step.version else "",
            pinned=step.pinned,
        )
    held = {}
    for table_id, row_id in Hold.objects.filter(worktable__in=tables).values_list("worktable_id", "row_id"):
        held[table_id] = held.get(table_id, False) or row_id is None
    return ProjectGraph(project_id, tables, nodes, links, held)


def rank_steps(project, sight=None):
    """Order the steps of a project anew after a change of structure, and let every process notice.

    Parameters
    ----------
    project : Project
    sight : Sight, optional
        What a refusal may name; without, everything.

    Raises
    ------
    LinkRefused
        If the new structure has a cycle.
    """
    graph = read_graph(project.pk)
    ranks = graph.ranks(sight)
    steps = [
        TableStep(pk=node_id, rank=rank)
        for node_id, rank in ranks.items()
        if graph.nodes[node_id].rank != rank
    ]
    TableStep.objects.bulk_update(steps, ["rank"])
    Project.objects.filter(pk=project.pk).update(graph_version=new_version())
