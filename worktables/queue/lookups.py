"""The nearest row of another table, looked up for each row: one query for a batch."""

import math

from django.db import connection

from pipelines.fingerprints import digest_of, fingerprint_of
from pipelines.units import carry_factor, converted
from worktables.models import State, TableStep, Unit
from worktables.queue.reading import Source, feeding
from worktables.queue.rowsets import haversine, near
from worktables.storage import layout_of
from worktables.storage.rows import converters, in_ids, turned

VERSION = "nearest 1"


def read_nearest(batch, works):
    """Find the nearest source row for each work; what was found is its input, and its outputs follow from it.

    Ties go to the lower id. A row without a position, or with nobody near, gets empty cells.
    """
    link = batch.graph.links[batch.node.link_id]
    options = link.options
    source, target = layout_of(link.source), layout_of(link.target)
    looked_up = [source.by_id[column] for column, _ in options["lookup"]]
    names = source.fields(looked_up)
    condition, ids = in_ids("t.id", list(works))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, s.id, {haversine(link)}{''.join(f', s.{name}' for name in names)} "
            f"FROM {target.table} t JOIN {source.table} s ON {near(link)} "
            f"WHERE {condition} AND s.deleted_at IS NULL AND s.state <> {State.RETIRED:d}",
            ids,
        )
        found = cursor.fetchall()
    turn = converters(source, names)
    best = {}
    for row_id, source_id, distance, *raw in found:
        if row_id not in best or (distance, source_id) < best[row_id][:2]:
            best[row_id] = (distance, source_id, raw)
    position = target.by_id[options["position"]]
    own = dict(
        (row_id, target.values([position], pair)[0])
        for row_id, *pair in target.rows.filter(id__in=list(works)).values_list(
            "id", *target.fields([position])
        )
    )
    _stop_at_broken(batch, link, works, {row_id: source_id for row_id, (_, source_id, _) in best.items()})
    for row_id, work in works.items():
        if work.state == State.STALE:
            _fill(work, link, target, looked_up, turn, best.get(row_id), own.get(row_id), source)


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


def _fill(work, link, target, looked_up, turn, found, position, source):
    options = link.options
    here = target.by_id[options["position"]]
    work.sources.append(
        Source("position", target.worktable_id, work.claim.row_id, here.pk, digest_of("position", position))
    )
    work.inputs = {"position": position}
    work.outputs = {target_id: None for _, target_id in options["lookup"]}
    if options.get("separation"):
        work.outputs[options["separation"]] = None
    digests = {"position": digest_of("position", position)}
    if found:
        distance, source_id, raw = found
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
    work.fingerprint = fingerprint_of(f"{VERSION} {link.pk} {options['radius']!r}", {}, digests)
