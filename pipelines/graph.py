"""Pipelines as graphs of steps: their order, what waits for what, and the columns a table needs.

A pipeline document is plain JSON::

    {"steps": [{"name": "beam", "step": "beam",
                "inputs": {port: column}, "parameters": {parameter: column}, "outputs": {port: column}}]}

A column that no step fills is typed by people. A collected input (a port with ``many``) is tied to
``link.column``: a column of the rows that reach this table through the link of that name.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.contract import NAME, Field, Port, Step
from pipelines.errors import (
    BadDocument,
    GraphCycle,
    KindMismatch,
    StepTwice,
    UnboundInput,
    UnknownPort,
    WrittenTwice,
)
from pipelines.registry import get_step
from pipelines.units import factor_between, parse_unit

Node = TypeVar("Node", bound=Hashable)

# ------------------------------------------------------------------ any graph


def order_of(upstream: Mapping[Node, Collection[Node]]) -> list[Node]:
    """Return the nodes so that each comes after all its upstream nodes; otherwise in the order given.

    Raises
    ------
    GraphCycle
        If some nodes wait for each other; it names them.
    """
    done: dict[Node, None] = {}
    left = dict.fromkeys(upstream)
    while left:
        ready = [node for node in left if all(above in done for above in upstream[node] if above in upstream)]
        if not ready:
            raise GraphCycle(cycle_in({node: upstream[node] for node in left}))
        for node in ready:
            done[node] = None
            del left[node]
    return list(done)


def ranks_of(upstream: Mapping[Node, Collection[Node]]) -> dict[Node, int]:
    """Return for each node the length of its longest way from an input; 0 if it waits for no other."""
    ranks: dict[Node, int] = {}
    for node in order_of(upstream):
        ranks[node] = max((ranks[above] + 1 for above in upstream[node] if above in ranks), default=0)
    return ranks


def downstream_of(upstream: Mapping[Node, Collection[Node]], start: Iterable[Node]) -> list[Node]:
    """Return everything that waits, directly or not, for one of `start`, in order of execution."""
    reached = set(start)
    found = []
    for node in order_of(upstream):
        if any(above in reached for above in upstream[node]):
            reached.add(node)
            found.append(node)
    return found


def cycle_in(upstream: Mapping[Node, Collection[Node]]) -> list[Node]:
    """Return the nodes of one cycle, in the direction of the data; an empty list if there is none."""
    seen: set[Node] = set()
    for start in upstream:
        way: list[Node] = []
        node: Node | None = start
        branches: list[Iterator[Node]] = []
        while True:
            if node is not None and node in way:
                return way[way.index(node) :][::-1]
            if node is not None and node in upstream and node not in seen:
                way.append(node)
                branches.append(iter(upstream[node]))
            if not branches:
                break
            node = next(branches[-1], None)
            if node is None:
                branches.pop()
                seen.add(way.pop())
    return []


# ------------------------------------------------------------------ documents


@dataclass(frozen=True)
class PipelineStep:
    """One step of a pipeline, and the columns it is tied to."""

    name: str
    step: Step
    inputs: Mapping[str, str]
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    def reads(self) -> Iterator[tuple[str, str, Any, str]]:
        """Yield (use, port name, port or parameter, column) for every column of the row it reads."""
        for name, column in self.inputs.items():
            port = self.step.input_named[name]
            if not port.many:
                yield "input", name, port, column
        for name, column in self.parameters.items():
            yield "parameter", name, self.step.parameter_named[name], column


@dataclass(frozen=True)
class ColumnSpec:
    """A column that a pipeline needs, and what it is tied to (of an input: its first reader)."""

    name: str
    kind: str
    role: str
    unit: str = ""
    ucd: str = ""
    description: str = ""
    schema: tuple[Field, ...] = ()
    step: str = ""
    use: str = ""
    port: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Collected:
    """An input of a step that collects a column of other rows through a link."""

    step: str
    port: str
    link: str
    column: str
    declared: Port


class Graph:
    """A checked pipeline document.

    Raises
    ------
    GraphError
        One of its kinds, naming the step, port or column that does not fit.
    """

    def __init__(self, document: Mapping[str, Any], find_step: Callable[[str], Step] = get_step):
        self.nodes = {node.name: node for node in read_nodes(document, find_step)}
        self.writer_of = self._find_writers()
        self.upstream = {
            node.name: {
                self.writer_of[column][0] for _, _, _, column in node.reads() if column in self.writer_of
            }
            for node in self.nodes.values()
        }
        self.ranks = ranks_of(self.upstream)
        self.order = order_of(self.upstream)
        self.columns = self._find_columns()

    def downstream_of(self, *names: str) -> list[str]:
        """Return the steps that wait for the steps or read the columns of these names, in order."""
        readers = {
            node.name for node in self.nodes.values() for _, _, _, column in node.reads() if column in names
        }
        below = downstream_of(self.upstream, {*readers, *(name for name in names if name in self.nodes)})
        return [name for name in self.order if name in readers or name in below]

    @property
    def collected(self) -> list[Collected]:
        """The inputs that come from other rows."""
        return [
            Collected(node.name, port.name, link, column, port)
            for node in self.nodes.values()
            for port in node.step.inputs
            if port.many and port.name in node.inputs
            for link, _, column in [node.inputs[port.name].partition(".")]
        ]

    def _find_writers(self) -> dict[str, tuple[str, Port]]:
        writers: dict[str, tuple[str, Port]] = {}
        for node in self.nodes.values():
            for name, column in node.outputs.items():
                if column in writers:
                    first, port = writers[column]
                    raise WrittenTwice(column, f"“{first}.{port.name}”", f"“{node.name}.{name}”")
                writers[column] = node.name, node.step.output_named[name]
        return writers

    def _find_columns(self) -> list[ColumnSpec]:
        typed: dict[str, ColumnSpec] = {}
        for node in self.nodes.values():
            for use, _, port, column in node.reads():
                if column in self.writer_of:
                    check_tie(column, self.writer_of[column][1], node.name, port)
                elif column in typed:
                    check_tie(column, typed[column], node.name, port)
                else:
                    typed[column] = column_read_by(column, node.name, use, port)
        filled = [
            ColumnSpec(
                column, port.kind, port.role, port.unit, port.ucd, port.description, port.schema,
                node.name, "output", name,
            )
            for node in (self.nodes[each] for each in self.order)
            for name, column in node.outputs.items()
            for port in [node.step.output_named[name]]
        ]  # fmt: skip
        inputs = [column for column in typed.values() if column.role == "input"]
        parameters = [column for column in typed.values() if column.role == "parameter"]
        return inputs + parameters + filled


def columns_for(document: Mapping[str, Any]) -> list[ColumnSpec]:
    """Return the columns a table bound to this pipeline needs: inputs, parameters, then what is filled."""
    return Graph(document).columns


def read_nodes(document: Mapping[str, Any], find_step: Callable[[str], Step]) -> list[PipelineStep]:
    """Return the steps of a document, each port of which exists and is tied to a well-formed column."""
    entries = document.get("steps") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise BadDocument("a pipeline is a document with a list “steps” of at least one step")
    nodes: dict[str, PipelineStep] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("step"), str):
            raise BadDocument(
                f"a step of a pipeline needs “step”, the name of a registered step; this is {entry!r}"
            )
        name = entry.get("name", entry["step"])
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise BadDocument(
                f"{name!r} cannot be the name of a step: use lower-case letters, digits and underscores"
            )
        if name in nodes:
            raise StepTwice(name)
        step = find_step(entry["step"])
        ties = {use: dict(entry.get(use) or {}) for use in ("inputs", "parameters", "outputs")}
        check_ports(name, step, ties)
        nodes[name] = PipelineStep(name, step, **ties)
    return list(nodes.values())


def check_ports(name: str, step: Step, ties: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse ties to ports that do not exist, to malformed columns, and required inputs without a tie."""
    known: dict[str, Mapping[str, Any]] = {
        "inputs": step.input_named,
        "parameters": step.parameter_named,
        "outputs": step.output_named,
    }
    for use, tied in ties.items():
        for port, column in tied.items():
            if port not in known[use]:
                raise UnknownPort(name, use.removesuffix("s"), port, known[use])
            many = getattr(known[use][port], "many", False)
            parts = str(column).split(".")
            if len(parts) != (2 if many else 1) or not all(NAME.fullmatch(part) for part in parts):
                wanted = "“link.column”" if many else "the name of a column"
                raise BadDocument(f"“{name}.{port}” is tied to {column!r}; it must be {wanted}")
    for declared in step.inputs:
        if declared.required and declared.name not in ties["inputs"]:
            raise UnboundInput(name, declared.name)


def column_read_by(column: str, step: str, use: str, port: Any) -> ColumnSpec:
    """Return the column that people type for this port or parameter."""
    parse_unit(port.unit)
    return ColumnSpec(
        name=column,
        kind=port.kind,
        role=use,
        unit=port.unit,
        ucd=getattr(port, "ucd", ""),
        description=getattr(port, "help", "") or getattr(port, "description", ""),
        schema=getattr(port, "schema", ()),
        step=step,
        use=use,
        port=port.name,
        minimum=getattr(port, "minimum", None),
        maximum=getattr(port, "maximum", None),
    )


def check_tie(column: str, source: Any, step: str, port: Any) -> None:
    """Refuse a column (a port that fills it, or its specification) that `port` of `step` could not read."""
    if source.kind != port.kind and (source.kind, port.kind) != ("int", "float"):
        raise KindMismatch(column, source.kind, step, port.name, port.kind)
    factor_between(source.unit, port.unit, f"column “{column}” for “{step}.{port.name}”")
    fields = {item.name: item for item in source.schema}
    for item in getattr(port, "schema", ()):
        if item.name not in fields:
            have = f"a catalogue without “{item.name}”"
            raise KindMismatch(column, have, step, port.name, f"items with “{item.name}”")
        check_tie(f"{column}.{item.name}", with_schema(fields[item.name]), step, with_schema(item))


def with_schema(item: Field) -> Port:
    """Return a field of a catalogue as a port, so that both are compared in one way."""
    return Port(item.name, item.kind, item.unit)
