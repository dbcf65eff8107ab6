"""Items of a list cell become rows of another table: known items keep their rows, vanished ones retire.

The link `each` is an expansion too: of one item in every row, which is there whatever becomes of what it carries.

Rows are keyed by parent and item. Items find their rows by exact key fields, or by place on the sky:
one to one, nearest first, to the present rows, then to retired ones (which come back). What finds no
row takes the parent's next number, which is never used again.
"""

import math
from collections import Counter

from django.utils import timezone

from archive.catalogues import items_of, read_catalogue
from archive.storage import open_blob
from pipelines.context import in_short
from pipelines.fingerprints import digest_of, fingerprint_of
from pipelines.units import carry_factor, converted
from worktables.dependencies import graph_of
from worktables.models import Link, State
from worktables.queue import rowsets
from worktables.queue.marking import add_units, mark_changed, wake_all
from worktables.queue.reading import Source
from worktables.queue.wording import cell_changed, rows_named
from worktables.rows import fit_cell, retire_rows, revive_units
from worktables.storage import layout_of
from worktables.storage.rows import take_ids, update_cells

VERSION = "expand 1"
HALF_A_BEAM = 0.5


def read_items(batch, works):
    """Read the items of each work's list cell, and what its rows carry over from their parent."""
    link = batch.graph.links[batch.node.link_id]
    options = link.options
    parent = layout_of(link.source)
    carried = [parent.by_id[column] for column, _ in options.get("carry", [])]
    item = [parent.by_id[options["item"]]] if link.kind == Link.Kind.EXPAND else []
    within = [parent.by_id[options["within"]]] if options.get("within") else []
    columns = [*item, *carried, *within]
    found = parent.rows.filter(id__in=list(works)).values_list("id", *parent.fields(columns))
    for row_id, *flat in found:
        work = works[row_id]
        if work.state != State.STALE:
            continue
        values = parent.values(columns, flat)
        for column, value in zip(columns, values, strict=True):
            digest = digest_of(column.kind, value)
            work.digests[f"c{column.pk}"] = digest
            work.sources.append(Source(column.name, parent.worktable_id, row_id, column.pk, digest))
        if item and values[0] is None:
            work.stop(State.EMPTY, f"“{item[0].name}” is empty")
            continue
        work.inputs = {column.name: value for column, value in zip(columns, values, strict=True)}
        work.fingerprint = fingerprint_of(
            f"{VERSION} {link.pk} {sorted(options.items())!r}", {}, work.digests
        )


def make_items(batch, work):
    """Turn a work's list cell into {child column id: value} for each item, and say how far a match may lie."""
    link = batch.graph.links[batch.node.link_id]
    options = link.options
    parent, child = layout_of(link.source), layout_of(link.target)
    carried = {}
    for source, target in options.get("carry", []):
        one, other = parent.by_id[source], child.by_id[target]
        factor = carry_factor(one.unit, other.unit, other.kind, f"column “{one.name}” for “{other.name}”")
        carried[target] = converted(work.inputs[one.name], factor)
    if link.kind == Link.Kind.EACH:
        return [carried], 0.0
    item = parent.by_id[options["item"]]
    units = {field["name"]: field.get("unit", "") for field in item.schema}
    factors = {}
    for field, target in options["fields"]:
        other = child.by_id[target]
        factors[target] = carry_factor(units[field], other.unit, other.kind, f"“{field}” for “{other.name}”")
    made = []
    with in_short(), open_blob(work.inputs[item.name]) as file:
        table = read_catalogue(file)
    for found in items_of(table, item.schema):
        cells = dict(carried)
        for field, target in options["fields"]:
            cells[target] = fit_cell(child.by_id[target], converted(found[field], factors[target]))
        made.append(cells)
    _refuse_doubles(made, link)
    radius = float(options.get("radius") or 0)
    if options.get("within"):
        beam = work.inputs[parent.by_id[options["within"]].name]
        radius = HALF_A_BEAM * beam if beam else radius
    return made, radius


def items_of_none(link, state):
    """Return the items of a work that made none because it failed, is blocked or empty; None leaves its rows alone.

    An empty list has no items; those of a failed one wait for it. The row of `each` is there nonetheless.
    """
    if link.kind == Link.Kind.EACH:
        return None if state == State.FRESH else ([None], 0.0)
    return ([], 0.0) if state == State.EMPTY else None


def _refuse_doubles(items, link):
    if not link.options.get("key"):
        return
    (key, number), *_ = Counter(_exact_key(cells, link) for cells in items).most_common(1) or [("", 0)]
    if number > 1:
        raise ValueError(
            f"two of them have the key “{key}”; the link needs key columns that tell items apart"
        )


def write_children(worktable, node, link, works, *, by):
    """Bring the child rows of these works' parents in line with their items, in the caller's transaction.

    Returns
    -------
    list of int
        The ids of the children that are present now.
    """
    child = layout_of(link.target)
    filled = [child.by_id[column] for column in _filled(link)]
    rows = {}
    found = child.model.objects.filter(parent_id__in=[work.claim.row_id for work in works]).order_by("id")
    for row in found:
        rows.setdefault(row.parent_id, []).append(row)
    plan = Plan()
    for work in works:
        _match(work, rows.get(work.claim.row_id, []), child, link, filled, plan)
    _apply(worktable, link, child, filled, plan, by)
    return plan.present


class Plan:
    """What the children need: rows to add, cells to change, rows to retire and to revive."""

    def __init__(self):
        self.new, self.changed, self.retired, self.revived, self.present = [], {}, [], [], []
        self.columns = set()
        self.ordinals = {}
        self.first = None  # of the cells that change: row, column, old and new value
        self.parents = {}  # row → the row it comes from, of what comes, goes or changes


def _filled(link):
    return [target for key in ("fields", "carry") for _, target in link.options.get(key, [])]


def _match(work, rows, child, link, filled, plan):
    present = [row for row in rows if row.state != State.RETIRED]
    retired = [row for row in rows if row.state == State.RETIRED]
    items, radius = work.items
    matched = pair(items, present, retired, child, link, radius)
    number = max((int(row.item_key) for row in rows if row.item_key.isdecimal()), default=0)
    taken = set()
    for ordinal, cells in enumerate(items, 1):
        row = matched.get(ordinal - 1)
        if row is None:
            number += 1
            key = _exact_key(cells, link) or str(number)
            plan.new.append((work.claim.row_id, key, ordinal, cells or {}))
            continue
        taken.add(row.id)
        plan.present.append(row.id)
        if row.ordinal != ordinal:
            plan.ordinals[row.id] = ordinal
        plan.parents[row.id] = work.claim.row_id
        if row.state == State.RETIRED:
            plan.revived.append(row.id)
        if cells is None:
            continue
        different = [column for column in filled if child.value(column, row) != cells.get(column.pk)]
        if different:
            plan.changed[row.id] = [cells.get(column.pk) for column in filled]
            plan.columns |= {column.pk for column in different}
            if plan.first is None and row.state != State.RETIRED:
                column = different[0]
                plan.first = (column, row.id, child.value(column, row), cells.get(column.pk))
    gone = [row.id for row in present if row.id not in taken]
    plan.parents |= dict.fromkeys(gone, work.claim.row_id)
    plan.retired += gone


def _exact_key(cells, link):
    key = link.options.get("key")
    return "|".join(str(cells[column]) for column in key) if key else None


def pair(items, present, retired, child, link, radius):
    """Return {item index: row} by the link's key: exact fields, or nearest on the sky within `radius` arcsec."""
    if link.options.get("key"):
        rows = {row.item_key: row for row in [*retired, *present]}
        return {
            number: rows[key]
            for number, cells in enumerate(items)
            if (key := _exact_key(cells, link)) in rows
        }
    if link.kind == Link.Kind.EACH:
        return dict(enumerate([*present, *retired][:1]))
    place = link.options["sky"]
    column = child.by_id[place]
    matched = {}
    for rows in (present, retired):
        candidates = (
            sorted(
                (separation, number, row.id, row)
                for number, cells in enumerate(items)
                if number not in matched
                for row in rows
                if (separation := arcsec_between(cells.get(place), child.value(column, row))) <= radius
            )
            if rows
            else []
        )
        used = set()
        for _, number, row_id, row in candidates:
            if number not in matched and row_id not in used:
                matched[number] = row
                used.add(row_id)
    return matched


def arcsec_between(one, other):
    """Return the separation of two positions in arcsec (haversine); infinite if either is missing."""
    if one is None or other is None:
        return math.inf
    ra1, dec1, ra2, dec2 = map(math.radians, (*one, *other))
    h = math.sin((dec2 - dec1) / 2) ** 2 + math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(h)))) * 3600


def _apply(worktable, link, child, filled, plan, by):
    target, now, about = link.target, timezone.now(), {worktable.pk}

    def named(rows):
        return f"{rows_named(target.name, sorted(rows))} {'is' if len(rows) == 1 else 'are'}"

    def made_by(rows):
        parents = sorted({plan.parents[row_id] for row_id in rows})
        return f"“{link.name}” of {rows_named(worktable.name, parents)}"

    if plan.revived:
        child.model.objects.filter(id__in=plan.revived).update(state=State.FRESH)
        # What somebody deleted stays deleted, and can now be restored.
        present = child.rows.filter(id__in=plan.revived).values_list("id", flat=True)
        revived = rowsets.these(target.pk, present)
        back = f"back in {made_by(plan.revived)}"
        revive_units(target, revived, back, about=about)
        reason = f"{named(plan.revived)} {back}"
        mark_changed(target, revived, [], reason, membership=True, about=about)
    if plan.changed:
        changed = rowsets.these(target.pk, list(plan.changed))
        if plan.first is None:  # all of them were away
            reason = f"{named(plan.changed)} back in {made_by(plan.changed)}"
        else:
            column, *first = plan.first
            reason = f"{cell_changed(column, target.name, *first, len(plan.changed))}, from {made_by(plan.changed)}"
        if plan.columns & graph_of(target.project_id).joining:
            mark_changed(target, changed, plan.columns, reason, about=about)  # whoever they joined before
        update_cells(child, filled, plan.changed)
        mark_changed(target, changed, plan.columns, reason, about=about)
    for row_id, ordinal in plan.ordinals.items():
        child.model.objects.filter(id=row_id).update(ordinal=ordinal)
    if plan.new:
        first = take_ids(target, len(plan.new))
        instances = []
        for row_id, (parent_id, key, ordinal, cells) in enumerate(plan.new, first):
            fields = {}
            for column in filled:
                fields |= child.assignments(column, cells.get(column.pk))
            instances.append(
                child.model(
                    id=row_id,
                    parent_id=parent_id,
                    item_key=key,
                    ordinal=ordinal,
                    created_at=now,
                    created_by=by,
                    **fields,
                )
            )
        child.model.objects.bulk_create(instances, batch_size=2000)
        added = [instance.id for instance in instances]
        plan.present += added
        plan.parents |= {instance.id: instance.parent_id for instance in instances}
        new, came = rowsets.these(target.pk, added), f"new in {made_by(added)}"
        add_units(graph_of(target.project_id), target.pk, new, came, about=about)
        mark_changed(target, new, [], f"{named(added)} {came}", membership=True, about=about)
    if plan.retired:
        gone = f"gone from {made_by(plan.retired)}"
        retire_rows(target, rowsets.these(target.pk, plan.retired), gone, about=about)
        wake_all(graph_of(target.project_id), flowing=False)
    if plan.new or plan.revived:
        target.n_rows = child.rows.exclude(state=State.RETIRED).count()
        type(target).objects.filter(pk=target.pk).update(n_rows=target.n_rows)
