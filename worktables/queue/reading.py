"""What a claimed unit is made from: inputs, parameters, and the fingerprint of both.

Inputs are read after the claim. Should one change between this reading and the writing, the change
has raised the unit's generation, and the result is refused.
"""

import dataclasses
from collections import defaultdict
from typing import NamedTuple

from django.db import connection

from pipelines.fingerprints import call_of, digest_of, fingerprint_after
from pipelines.units import converted, factor_between
from pipelines.writing import hidden
from worktables.models import Link, State, TableStep, Unit
from worktables.queue.code import step_of
from worktables.queue.readiness import any_unit, in_states
from worktables.queue.wording import rows_named
from worktables.storage import layout_of
from worktables.storage.layout import table_name
from worktables.storage.rows import converters, in_ids, read_columns, turned

KEPT = f"{in_states((State.HELD,))} AND u.kept"
BROKEN = (State.FAILED, State.BLOCKED, State.EMPTY)


class Source(NamedTuple):
    """Where one input value was read: a cell, and its digest then."""

    role: str
    worktable_id: int
    row_id: int
    column_id: int
    digest: str


class Known(NamedTuple):
    """What a unit was when it was claimed."""

    fingerprint: str
    content: str
    run_id: int | None
    reused: bool


@dataclasses.dataclass(slots=True)
class Work:
    """A claimed unit on its way: what it is made from, and later what came of it."""

    claim: object
    inputs: dict = dataclasses.field(default_factory=dict)
    parameters: dict = dataclasses.field(default_factory=dict)
    sources: list = dataclasses.field(default_factory=list)
    digests: dict = dataclasses.field(default_factory=dict)
    fingerprint: str = ""
    state: State = State.STALE
    reason: str = ""
    about: set | frozenset | None = frozenset()
    with_kept: str = ""
    left_out: tuple = ()
    left_out_of: frozenset = frozenset()
    outputs: dict | None = None
    items: list | None = None
    content: str = ""
    run: object = None
    run_id: int | None = None
    reused: bool = False
    verified: bool = False
    known: Known | None = None
    twin: object = None
    cells: dict = dataclasses.field(default_factory=dict)
    generated: list = dataclasses.field(default_factory=list)

    def stop(self, state, reason, *, about=frozenset()):
        """Settle without running; `about` are the tables that the reason speaks of, None if nobody knows."""
        self.state, self.reason = state, reason
        self.about = None if about is None else set(about)


def read_works(batch):
    """Return the works of a batch, inputs read; units whose row is gone are left out."""
    condition, ids = in_ids("t.id", list(batch.claims))
    works = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, u.fingerprint, u.content, u.run_id, u.reused "
            f"FROM {table_name(batch.node.worktable_id)} t LEFT JOIN worktables_unit u "
            f"ON u.worktable_id = {hidden(batch.node.worktable_id, 't.id')} AND u.row_id = t.id "
            f"AND u.step_id = {batch.node.id:d} WHERE {condition} AND t.deleted_at IS NULL",
            ids,
        )
        for row_id, fingerprint, content, run_id, reused in cursor.fetchall():
            work = works[row_id] = Work(batch.claims[row_id])
            if fingerprint is not None:
                work.known = Known(fingerprint, content, run_id, bool(reused))
    _stop_below_broken(batch, works)
    _note_kept(batch, works)
    return works


def read_step_inputs(batch, works):
    """Read inputs and parameters of a registered step, and fingerprint them."""
    node, step = batch.node, step_of(batch.node)
    layout = layout_of(batch.worktable)
    _read_own_cells(batch, layout, step, works)
    for port in node.inputs:
        if port.link_id:
            _read_collected(batch, step.input_named[port.port], port, works)
    parameters = _Parameters(step, _levels_of(node, batch.worktable, batch.worktable.project))
    for work in works.values():
        if work.state != State.STALE:
            continue
        missing = step.missing_inputs(work.inputs)
        if missing:
            work.stop(State.EMPTY, _lacking(layout, node, missing))
            continue
        work.parameters, call = parameters.of_row(work.parameters)
        work.fingerprint = fingerprint_after(call, work.digests)


class _Parameters:
    """The parameters of a step's calls: what the row says, else the table, the project or the step."""

    def __init__(self, step, levels):
        self.step, self.levels = step, levels
        self.inherited = self._complete({})

    def of_row(self, said):
        """Return the parameters of a row, and the beginning of the fingerprint of its call."""
        if said:
            said = {name: value for name, value in said.items() if value is not None}
        return self._complete(said) if said else self.inherited

    def _complete(self, said):
        step, given = self.step, (said, *self.levels)
        values = {
            parameter.name: next(
                (level[parameter.name] for level in given if parameter.name in level), parameter.default
            )
            for parameter in step.parameters
        }
        digests = {
            name: digest_of(step.parameter_named[name].kind, _as(step.parameter_named[name].kind, value))
            for name, value in values.items()
        }
        return values, call_of(step.code_fingerprint, digests)


def _levels_of(node, worktable, project):
    """Return what table and project say about a node's parameters: two mappings of parameter name → value."""
    prefix = f"{node.name}."
    return tuple(
        {
            key.removeprefix(prefix): value
            for key, value in holder.parameters.items()
            if key.startswith(prefix)
        }
        for holder in (worktable, project)
    )


def _as(kind, value):
    """Return a parameter's value as its kind, so that 1 and 1.0 of a float parameter are one."""
    return float(value) if kind in ("float", "time") and isinstance(value, int) else value


def _lacking(layout, node, missing):
    """Say which cells are to be filled in, and what a link is to be declared for."""
    bound = {port.port: port.column_id for port in node.inputs}
    cells = [
        f"“{layout.by_id[bound[port]].name if bound[port] in layout.by_id else port}”"
        for port in missing
        if port in bound
    ]
    unbound = [f"“{port}”" for port in missing if port not in bound]
    said = []
    if cells:
        named = " and ".join(cells)
        said.append(
            f"{named} is empty: fill it in" if len(cells) == 1 else f"{named} are empty: fill them in"
        )
    if unbound:
        said.append(
            f"no link brings {' and '.join(unbound)}: declare one that collects into this table, on its page “Links”"
        )
    return "; ".join(said)


def _read_own_cells(batch, layout, step, works):
    node = batch.node
    bound = [(port.port, "input", layout.by_id[port.column_id]) for port in node.inputs if not port.link_id]
    bound += [(name, "parameter", layout.by_id[column]) for name, column in node.parameters.items()]
    rows = read_columns(layout, [column for _, _, column in bound], list(works))
    bound = [
        (name, use == "input", column.pk, column.kind, _factor(column, step, name, use))
        for name, use, column in bound
    ]
    for row_id, values in rows:
        work = works.get(row_id)
        if work is None:
            continue
        for (name, is_input, column_id, kind, factor), value in zip(bound, values, strict=True):
            digest = digest_of(kind, value)
            work.sources.append(Source(name, layout.worktable_id, row_id, column_id, digest))
            if is_input:
                work.inputs[name] = converted(value, factor)
                work.digests[name] = digest if factor == 1.0 else digest_of(kind, work.inputs[name])
            else:
                work.parameters[name] = converted(value, factor)


def _factor(column, step, name, use):
    port = step.input_named[name] if use == "input" else step.parameter_named[name]
    return (
        factor_between(column.unit, port.unit, f"column “{column.name}” for “{name}”") if port.unit else 1.0
    )


def _read_collected(batch, port, bound, works):
    """Read, in one query, the values of all rows that each work collects."""
    link = batch.graph.links[bound.link_id]
    source = layout_of(link.source)
    column = source.by_id[bound.column_id]
    names = source.fields([column])
    condition, ids = in_ids("t.id", list(works))
    skip = _unbroken(batch.graph, batch.node, link)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, s.id, {', '.join(f's.{name}' for name in names)} FROM {table_name(link.target_id)} t "
            f"JOIN {source.table} s ON {_joined(link.options.get('match', []))} "
            f"WHERE {condition} AND s.deleted_at IS NULL AND s.state <> {State.RETIRED:d}{skip} ORDER BY t.id, s.id",
            ids,
        )
        found = cursor.fetchall()
    turn = converters(source, names)
    factor = (
        factor_between(column.unit, port.unit, f"column “{column.name}” for “{port.name}”")
        if port.unit
        else 1.0
    )
    members = defaultdict(list)
    for target_id, source_id, *raw in found:
        members[target_id].append((source_id, source.values([column], turned(turn, raw))[0]))
    for row_id, work in works.items():
        mine = members[row_id]
        work.inputs[port.name] = [converted(value, factor) for _, value in mine]
        work.digests[port.name] = [digest_of(column.kind, value) for value in work.inputs[port.name]]
        work.sources += [
            Source(port.name, source.worktable_id, source_id, column.pk, digest_of(column.kind, value))
            for source_id, value in mine
        ]
    obstacles = _obstacles(batch, link, works)
    if link.options.get("policy", "block") == "block":
        _stop_at(obstacles, works)
    else:
        _tell_left_out(obstacles, works)


def _joined(match):
    return " AND ".join(f"s.c{source} = t.c{target}" for source, target in match) or "1 = 1"


def _obstacles(batch, link, works):
    """Return [(step, name of its table, {row id: rows that failed at it})] of what these works would collect."""
    graph, match, found = batch.graph, link.options.get("match", []), []
    for above in feeding(graph, batch.node, link):
        if not any_unit(above, (State.FAILED, State.BLOCKED)):
            continue
        joined = match
        if above.kind == TableStep.Kind.EXPAND:
            # Of the rows there would be, what their parent carries over is known.
            carried = {
                target: source for source, target in graph.links[above.link_id].options.get("carry", [])
            }
            joined = [(carried[s], t) for s, t in match] if all(s in carried for s, _ in match) else []
        found.append((above, graph.tables[above.worktable_id].name, _broken(link, works, above, joined)))
    return found


def _broken(link, works, above, match):
    condition, ids = in_ids("t.id", list(works))
    broken = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, s.id FROM {table_name(link.target_id)} t "
            f"JOIN {table_name(above.worktable_id)} s ON {_joined(match)} "
            "JOIN worktables_unit u ON u.worktable_id = %s AND u.row_id = s.id AND u.step_id = %s "
            f"AND u.state IN ({State.FAILED:d}, {State.BLOCKED:d}) "
            f"WHERE {condition} AND s.deleted_at IS NULL ORDER BY t.id, s.id",
            [above.worktable_id, above.id, *ids],
        )
        for row_id, obstacle in cursor.fetchall():
            broken[row_id].append(obstacle)
    return broken


def _stop_at(obstacles, works):
    """Block works that would collect from rows whose own computation failed."""
    for above, name, broken in obstacles:
        for row_id, rows in broken.items():
            if works[row_id].state == State.STALE:
                reason = f"{name} {rows[0]} failed at “{above.name}”, and would count here"
                works[row_id].stop(State.BLOCKED, reason, about={above.worktable_id})


def _tell_left_out(obstacles, works):
    """Note for each work which rows it is made without."""
    for above, name, broken in obstacles:
        for row_id, rows in broken.items():
            named = rows_named(name, rows)
            what = f"the items of {named}" if above.kind == TableStep.Kind.EXPAND else named
            works[row_id].left_out += (f"without {what}, which failed",)
            works[row_id].left_out_of |= {above.worktable_id}


def feeding(graph, node, link):
    """Return the nodes that make what a node takes from a link's rows: their cells, and the rows themselves."""
    found = {}
    for column, through in graph.read_by(node):
        if through is not None and through.pk == link.pk and column in graph.writer:
            found[graph.writer[column]] = None
    expand = graph.expand_into.get(link.source_id)
    if expand is not None and expand.step_id in graph.nodes:
        found[expand.step_id] = None
    return [graph.nodes[step_id] for step_id in found]


def _unbroken(graph, node, link):
    """Return SQL: the row `s` of a link's source is no remainder of what failed above.

    Rows whose list failed are of old, and never counted. A row that failed itself is left out under the
    policy `skip`; else it blocks whoever would count it.
    """
    skips = link.options.get("policy") == "skip"
    broken = f"u.state IN ({State.FAILED:d}, {State.BLOCKED:d})"
    return "".join(
        f" AND NOT EXISTS (SELECT 1 FROM worktables_unit u WHERE u.worktable_id = {above.worktable_id:d} "
        f"AND u.row_id = s.{'parent_id' if above.kind == TableStep.Kind.EXPAND else 'id'} "
        f"AND u.step_id = {above.id:d} AND {broken})"
        for above in feeding(graph, node, link)
        if skips or above.kind == TableStep.Kind.EXPAND
    )


def _note_kept(batch, works):
    """Say of works that are made from a result kept as it is though stale, that they are."""
    graph, node = batch.graph, batch.node
    for step_id, way in graph.upstream[node.id].items():
        above = graph.nodes[step_id]
        if not any_unit(above, so=KEPT):
            continue
        table = graph.tables[above.worktable_id].name
        kept = Unit.objects.filter(worktable=above.worktable_id, step=step_id, kept=True)
        if way == "table":
            words, found = f"“{above.name}” of {kept.count()} rows of {table}", set(works)
        else:
            rows = _above(batch, works, way)
            held = set(kept.filter(row_id__in=set(rows.values())).values_list("row_id", flat=True))
            found = {row_id for row_id, above_id in rows.items() if above_id in held}
            words = f"“{above.name}”" if way == "row" else f"“{above.name}” of its row of {table}"
        for row_id in found:
            works[row_id].with_kept += f"{', ' if works[row_id].with_kept else 'made with '}{words}"


def _above(batch, works, way):
    """Return {row id: id of the row above}: the same row, or the one whose item it is."""
    if way == "row":
        return {row_id: row_id for row_id in works}
    return dict(layout_of(batch.worktable).rows.filter(id__in=list(works)).values_list("id", "parent_id"))


def _stop_below_broken(batch, works):
    """Settle works whose upstream units failed, are blocked or empty: nothing can be made from them."""
    graph, node = batch.graph, batch.node
    carries = node.link_id is not None and graph.links[node.link_id].kind == Link.Kind.EACH
    broken_states = (State.FAILED, State.BLOCKED) if carries else BROKEN  # what is empty is carried as that
    for step_id, way in graph.upstream[node.id].items():
        above = graph.nodes[step_id]
        if way == "table" or not any_unit(above, broken_states):
            continue
        rows = _above(batch, works, way)
        broken = {
            unit.row_id: unit
            for unit in Unit.objects.filter(
                worktable=above.worktable_id,
                step=step_id,
                row_id__in=set(rows.values()),
                state__in=broken_states,
            )
        }
        for row_id, above_id in rows.items():
            unit, work = broken.get(above_id), works.get(row_id)
            if unit is None or work is None or work.state != State.STALE:
                continue
            if unit.state == State.FAILED:
                name = graph.tables[above.worktable_id].name
                reason, about = f"“{above.name}” of {name} {above_id} failed", {above.worktable_id}
            else:
                reason = unit.reason
                about = None if unit.about is None else {*unit.about, above.worktable_id}
            work.stop(State.EMPTY if unit.state == State.EMPTY else State.BLOCKED, reason, about=about)
