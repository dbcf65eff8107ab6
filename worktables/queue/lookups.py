"""The row of another table that each row looks up: the nearest, or the one valid at its date; one query for a batch."""

import math

from django.db import connection

from pipelines.errors import PipelinesError
from pipelines.fingerprints import digest_of, fingerprint_of
from pipelines.units import carry_factor, converted
from worktables.models import Link, State, TableStep, Unit
from worktables.queue.choosing import chosen
from worktables.queue.reading import Source, feeding
from worktables.storage import layout_of
from worktables.storage.rows import converters, in_ids, read_columns, turned

VERSIONS = {Link.Kind.NEAREST: "nearest 1", Link.Kind.LATEST: "latest-valid-at 1"}


class UnlikeTimes(PipelinesError):
    """Times that cannot be compared as they are."""


def read_lookups(batch, works):
    """Find the source row of each work; what was found is its input, and its outputs follow from it.

    A row that does not say where or when, or that finds nobody, gets empty cells.
    """
    link = batch.graph.links[batch.node.link_id]
    options = link.options
    source, target = layout_of(link.source), layout_of(link.target)
    _check_times(link, source, target)
    looked_up = [source.by_id[column] for column, _ in options["lookup"]]
    names = source.fields(looked_up)
    condition, ids = in_ids("t.id", list(works))
    with connection.cursor() as cursor:
        cursor.execute(chosen(link, names, condition), ids)
        found = {row_id: (measure, source_id, raw) for row_id, source_id, measure, *raw in cursor.fetchall()}
    turn = converters(source, names)
    by = {"position": target.by_id[options["position"]]} if link.kind == Link.Kind.NEAREST else {}
    if not by:
        by = {"date": target.by_id[options["date"]]}
        by |= {target.by_id[column].name: target.by_id[column] for _, column in options["match"]}
    own = dict(read_columns(target, list(by.values()), list(works)))
    _stop_at_broken(batch, link, works, {row_id: source_id for row_id, (_, source_id, _) in found.items()})
    for row_id, work in works.items():
        if work.state == State.STALE:
            _fill(work, link, target, looked_up, turn, found.get(row_id), by, own.get(row_id), source)


def _check_times(link, source, target):
    """Refuse to compare times whose unit was changed since the link was declared."""
    options = link.options
    if link.kind != Link.Kind.LATEST:
        return
    here = target.by_id[options["date"]]
    for key in ("valid_from", "valid_to"):
        there = source.by_id.get(options[key])
        if there is not None and (there.unit or "d") != (here.unit or "d"):
            raise UnlikeTimes(
                f"“{there.name}” is in {there.unit or 'd'}, “{here.name}” in {here.unit or 'd'}; "
                "give both columns one unit"
            )


def _stop_at_broken(batch, link, works, found):
    """Block works whose nearest row failed, or is blocked, at what would be looked up: its cells are of old."""
    for above in feeding(batch.graph, batch.node, link):
        made_by = {source_id: source_id for source_id in found.values()}
        if above.kind == TableStep.Kind.EXPAND:
            rows = layout_of(link.source).rows.filter(id__in=list(made_by))
            made_by = dict(rows.values_list("id", "parent_id"))
        broken = set(
            Unit.objects.filter(
                worktable=above.worktable_id,
                step=above.id,
                row_id__in=set(made_by.values()),
                state__in=(State.FAILED, State.BLOCKED),
            ).values_list("row_id", flat=True)
        )
        for row_id, source_id in found.items():
            if made_by.get(source_id) in broken and works[row_id].state == State.STALE:
                name = batch.graph.tables[above.worktable_id].name
                works[row_id].stop(
                    State.BLOCKED,
                    f"{name} {made_by[source_id]} failed at “{above.name}”, and is looked up here",
                    about={above.worktable_id},
                )


def _fill(work, link, target, looked_up, turn, found, by, own, source):
    options = link.options
    digests = {}
    for (role, column), value in zip(by.items(), own or [None] * len(by), strict=True):
        work.inputs[role], digests[role] = value, digest_of(column.kind, value)
        work.sources.append(Source(role, target.worktable_id, work.claim.row_id, column.pk, digests[role]))
    work.outputs = {target_id: None for _, target_id in options["lookup"]}
    if options.get("separation"):
        work.outputs[options["separation"]] = None
    if found:
        distance, source_id, raw = found
        if link.kind == Link.Kind.LATEST:  # another row of the same content is another calibration
            digests["row"] = digest_of("int", source_id)
        values = source.values(looked_up, turned(turn, raw))
        for column, (_, target_id), value in zip(looked_up, options["lookup"], values, strict=True):
            to = target.by_id[target_id]
            factor = carry_factor(column.unit, to.unit, to.kind, f"column “{column.name}” for “{to.name}”")
            work.outputs[target_id] = work.inputs[column.name] = converted(value, factor)
            digest = digest_of(column.kind, value)
            digests[f"c{column.pk}"] = (
                digest if factor == 1.0 else digest_of(to.kind, work.outputs[target_id])
            )
            work.sources.append(Source(column.name, source.worktable_id, source_id, column.pk, digest))
        if options.get("separation"):
            separation = math.degrees(2 * math.asin(min(1.0, math.sqrt(max(distance, 0.0))))) * 3600
            unit = target.by_id[options["separation"]].unit
            separation *= carry_factor("arcsec", unit, "float", "the separation")
            work.outputs[options["separation"]] = separation
            digests["separation"] = digest_of("float", separation)
    work.digests = digests
    how = f" {options['radius']!r}" if link.kind == Link.Kind.NEAREST else ""
    work.fingerprint = fingerprint_of(f"{VERSIONS[link.kind]} {link.pk}{how}", {}, digests)
