"""Declaring links between worktables: expand, collect and nearest; change then travels along them."""

from django.db import transaction

from pipelines.graph import Graph
from pipelines.units import carry_factor
from projects.permissions import demand
from worktables.columns import find
from worktables.dependencies import graph_of, lookup_columns, rank_steps
from worktables.errors import LinkRefused
from worktables.events import announce
from worktables.models import Binding, Kind, Link, Role, TableStep
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import add_units_of, below, mark
from worktables.waking import wake_workers


@transaction.atomic
def expand(
    source, target, *, name, item, fields, by, carry=None, key=None, sky=None, within=None, radius=None
):
    """Make every item of a list cell of `source` a row of `target`.

    Parameters
    ----------
    source, target : Worktable
        Of one project; the target's rows then come from this link alone.
    name : str
        Of the link, and of the step that does it.
    item : str
        A column of kind catalogue in `source`.
    fields : dict
        Field of the items → lookup column of `target`.
    carry : dict, optional
        Column of `source` → lookup column of `target`, copied to each row.
    key : list of str, optional
        Columns of `target` by which an item finds its row again, exactly; or else
    sky : str
        A position column of `target`: the nearest item within half of `within` (a column of `source`,
        in arcsec, such as the beam) or within `radius` arcsec is the same.

    Raises
    ------
    PermissionDenied, NoSuchColumn, LinkRefused
    """
    _check(source, target, name, by)
    if Link.objects.filter(target=target, kind=Link.Kind.EXPAND).exists():
        raise LinkRefused(f"the rows of “{target.name}” already come from another link; make another table")
    if bool(key) == bool(sky):
        raise LinkRefused(
            "say how an item finds its row again: by key columns, or by a position column (sky)"
        )
    if sky and not within and not radius:
        raise LinkRefused("a match on the sky needs a radius in arcsec, or the column of the beam (within)")
    cell = find(source, item)
    if cell.kind != Kind.CATALOGUE:
        raise LinkRefused(f"“{item}” of {source.name} is no list of items (its kind is {cell.kind})")
    known = {field["name"]: field for field in cell.schema}
    for field in fields:
        if field not in known:
            raise LinkRefused(f"the items of “{item}” have no “{field}”; they have {', '.join(known)}")
    for field, column in fields.items():
        described = known[field]
        _check_fit(target, column, f"“{field}” of the items", described["kind"], described.get("unit", ""))
    for column, to in (carry or {}).items():
        _check_carried(source, column, target, to)
    options = {
        "item": cell.pk,
        "fields": [[field, _lookup(target, column).pk] for field, column in fields.items()],
        "carry": [[find(source, column).pk, _lookup(target, to).pk] for column, to in (carry or {}).items()],
    }
    if key:
        options["key"] = [find(target, column).pk for column in key]
    else:
        options |= {"sky": find(target, sky).pk, "radius": radius or 0}
        options |= {"within": find(source, within).pk} if within else {}
    step = TableStep.objects.create(worktable=source, name=name, kind=TableStep.Kind.EXPAND, step="expand")
    link = Link.objects.create(
        name=name, kind=Link.Kind.EXPAND, source=source, target=target, step=step, options=options
    )
    _start(link, step, by)
    return link


@transaction.atomic
def nearest(source, target, *, name, of, position, radius, lookup, by, separation=None):
    """Let each row of `target` find the nearest row of `source` on the sky.

    Parameters
    ----------
    of, position : str
        The position columns of `source` and `target`.
    radius : float
        In arcsec, at most.
    lookup : dict
        Column of `source` → lookup column of `target`.
    separation : str, optional
        A lookup column of `target` for the distance, in arcsec.
    """
    _check(source, target, name, by)
    if not 0 < radius <= 36000:
        raise LinkRefused(f"a radius of {radius} arcsec cannot be; it is more than 0 and at most 36000")
    for table, column in ((source, of), (target, position)):
        if find(table, column).kind != Kind.POSITION:
            raise LinkRefused(f"“{column}” of {table.name} is no position")
    for column, to in lookup.items():
        _check_carried(source, column, target, to)
    if separation:
        _check_fit(target, separation, "a separation", Kind.FLOAT, "arcsec")
    options = {
        "of": find(source, of).pk,
        "position": find(target, position).pk,
        "radius": float(radius),
        "lookup": [[find(source, column).pk, _lookup(target, to).pk] for column, to in lookup.items()],
        "separation": _lookup(target, separation).pk if separation else None,
    }
    step = TableStep.objects.create(worktable=target, name=name, kind=TableStep.Kind.NEAREST, step="nearest")
    link = Link.objects.create(
        name=name, kind=Link.Kind.NEAREST, source=source, target=target, step=step, options=options
    )
    _start(link, step, by)
    return link


@transaction.atomic
def collect(source, target, *, name, by, match=None, policy="block"):
    """Let rows of `target` collect rows of `source`, for the ports of its pipeline that are tied to “name.column”.

    Parameters
    ----------
    match : dict, optional
        Column of `source` → column of `target` that must be equal; without, every row collects all.
    policy : {"block", "skip"}
        What a row does when one of those it collects has failed: wait, or leave it out.
    """
    _check(source, target, name, by)
    if policy not in ("block", "skip"):
        raise LinkRefused(f"policy “{policy}” is neither block nor skip")
    tied = []
    if target.pipeline:
        tied = [port for port in Graph(target.pipeline.graph).collected if port.link == name]
    if not tied:
        raise LinkRefused(f"no port of the pipeline of “{target.name}” collects from a link named “{name}”")
    for one, other in (match or {}).items():
        _check_match(source, find(source, one), target, find(target, other))
    options = {
        "match": [[find(source, one).pk, find(target, other).pk] for one, other in (match or {}).items()],
        "policy": policy,
    }
    link = Link.objects.create(
        name=name, kind=Link.Kind.COLLECT, source=source, target=target, options=options
    )
    steps = {step.name: step for step in target.steps.all()}
    for port in tied:
        Binding.objects.create(
            step=steps[port.step],
            use=Binding.Use.INPUT,
            port=port.port,
            column=find(source, port.column),
            link=link,
        )
    for step in {steps[port.step] for port in tied}:
        _start(link, step, by)
    return link


def _check(source, target, name, by):
    demand(by, "run", source)
    demand(by, "run", target)
    hold(source.project_id)
    if source.project_id != target.project_id:
        raise LinkRefused(
            f"“{source.name}” and “{target.name}” are in different projects; links stay inside one"
        )
    if source.pk == target.pk:
        raise LinkRefused(f"“{source.name}” cannot be linked to itself")
    if Link.objects.filter(target=target, name=name).exists() or target.steps.filter(name=name).exists():
        raise LinkRefused(f"“{target.name}” already has a link or step named “{name}”; choose another name")


def _lookup(target, name):
    """Return a column that a link may fill: it is a lookup column, and nobody else fills it."""
    column = find(target, name)
    if column.role != Role.LOOKUP:
        raise LinkRefused(f"“{name}” of {target.name} is {column.role}; a link fills lookup columns only")
    for link in Link.objects.filter(target=target).exclude(step=None):
        if column.pk in lookup_columns(link):
            raise LinkRefused(
                f"“{name}” of {target.name} is filled by “{link.name}” already; add another column for this link"
            )
    return column


def _check_carried(source, name, target, to):
    column = find(source, name)
    _check_fit(target, to, f"“{name}” of {source.name}", column.kind, column.unit, column.element)


def _check_fit(target, name, what, kind, unit, element=None):
    """Refuse to bring a value of one kind into a column of another, or of a unit it cannot be turned into."""
    column = _lookup(target, name)
    numbers = (Kind.FLOAT, Kind.TIME)
    fits = column.kind == kind or (column.kind in numbers and kind in (Kind.INT, *numbers))
    if not fits or (kind == Kind.ARRAY and (element or "float") != (column.element or "float")):
        raise LinkRefused(
            f"“{name}” of {target.name} is {column.kind}, {what} is {kind}; take a column of that kind"
        )
    carry_factor(unit, column.unit, column.kind, f"{what} for “{name}”")


def _check_match(source, one, target, other):
    """Refuse to compare what a database cannot, or what is never equal."""
    numbers = (Kind.INT, Kind.FLOAT, Kind.TIME)
    alike = one.kind == other.kind or (one.kind in numbers and other.kind in numbers)
    if not alike or one.kind in (Kind.POSITION, Kind.ARRAY):
        raise LinkRefused(
            f"“{other.name}” of {target.name} is {other.kind}, “{one.name}” of {source.name} is {one.kind}; "
            "match columns of one kind, no positions and no arrays"
        )


def _start(link, step, by):
    """Order the graph anew (a cycle is refused here) and give every row its unit of the new step."""
    rank_steps(link.source.project)
    graph = graph_of(link.source.project_id)
    node = graph.nodes[step.pk]
    everything = rowsets.all_rows(node.worktable_id)
    reason, ends = f"the link “{link.name}” is new", {link.source_id, link.target_id}
    add_units_of([node], everything, reason, about=ends)
    mark(graph, [(node, everything)], reason, about=ends, by=by)
    mark(graph, below(graph, node, everything), reason, about=ends, by=by)
    announce(link.source, "table")
    announce(link.target, "table")
    wake_workers(link.source)
