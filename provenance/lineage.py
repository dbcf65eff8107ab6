"""Who made this number: what a cell was made from, and what was made of it, across tables.

One recursive query walks from entity to entity; a few more fetch what is shown of them, whatever their number.
Tables that the one who asks may not see are not walked through, and their cells are named only as such.
"""

import dataclasses
import json

from django.db import connection
from django.db.models import Count, Max

from pipelines.fingerprints import digest_of
from pipelines.models import Run
from provenance.graph import HIDDEN, Cell, Lineage, Making
from provenance.models import Association, Attribution, Entity, Generated, Member, Reuse, Used
from worktables.models import Kind, State, TableStep, Worktable
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.storage.rows import in_ids
from worktables.storage.values import as_json

DEPTH = 10
DEEPEST = 50
NODES = 300
MEMBERS = 20

BACK = """
    SELECT COALESCE(u.entity_id, m.entity_id), r.depth + CASE WHEN m.entity_id IS NULL THEN 1 ELSE 0 END
    FROM reached r
    JOIN provenance_entity e ON e.id = r.entity_id AND {visible}
    LEFT JOIN provenance_generated g
        ON g.id = (SELECT MAX(h.id) FROM provenance_generated h WHERE h.entity_id = r.entity_id)
    LEFT JOIN provenance_used u ON u.run_id = g.run_id AND u.reuse = g.reuse
    LEFT JOIN provenance_member m ON m.collection_id = r.entity_id AND m.place <= %s
    WHERE r.depth < %s AND COALESCE(u.entity_id, m.entity_id) IS NOT NULL
"""
FORTH = """
    SELECT COALESCE(g.entity_id, m.collection_id), r.depth + CASE WHEN m.entity_id IS NULL THEN 1 ELSE 0 END
    FROM reached r
    JOIN provenance_entity e ON e.id = r.entity_id AND {visible}
    CROSS JOIN (SELECT 0 AS collected UNION ALL SELECT 1) way
    LEFT JOIN provenance_used u ON way.collected = 0 AND u.entity_id = r.entity_id
    LEFT JOIN provenance_generated g ON g.run_id = u.run_id AND g.reuse = u.reuse
    LEFT JOIN provenance_member m ON way.collected = 1 AND m.entity_id = r.entity_id
    WHERE r.depth < %s AND COALESCE(g.entity_id, m.collection_id) IS NOT NULL
"""


def made_by(worktable, row_id, user, *, depth=DEPTH):
    """Return what the computed cells of a row were made from, as their values are now.

    Parameters
    ----------
    worktable : Worktable
        One that the user may see.
    row_id : int
    user : User
        Whose view it is.

    Returns
    -------
    Lineage
        Backwards from those cells of the row that something computed.
    """
    computed = [column for column in layout_of(worktable).columns if not column.editable_by_people]
    return lineage_of(worktable, row_id, computed, user, depth=depth)


def lineage_of(worktable, row_id, columns, user, *, depth=DEPTH, direction="back"):
    """Return the lineage of the present values of some cells of a row; `direction` is "back" or "forth"."""
    layout = layout_of(worktable)
    row = layout.model.objects.filter(id=row_id).first()
    digests = (
        {column.pk: digest_of(column.kind, layout.value(column, row)) for column in columns} if row else {}
    )
    starts = Entity.objects.of_cells(worktable.pk, row_id, digests)
    order = {column.pk: number for number, column in enumerate(columns)}
    ids = [pk for pk, _ in sorted(starts.values_list("id", "column_id"), key=lambda found: order[found[1]])]
    walk = ancestors_of if direction == "back" else descendants_of
    return walk(ids, user, worktable.project_id, depth=depth)


def ancestors_of(entities, user, project_id, *, depth=DEPTH):
    """Return what these entities were made from, `depth` runs back, by their newest makings."""
    return _Reader(entities, user, project_id, depth, "back").read()


def descendants_of(entities, user, project_id, *, depth=DEPTH):
    """Return what was ever made from these entities, `depth` runs forth."""
    return _Reader(entities, user, project_id, depth, "forth").read()


class _Reader:
    """Reads one lineage: about a dozen queries, and two for each table it passes through."""

    def __init__(self, entities, user, project_id, depth, direction):
        self.starts = list(entities)
        self.depth, self.direction = depth, direction
        seen = Worktable.objects.permitted(user, "view").filter(project=project_id, project__deleted_at=None)
        self.tables = {table.pk: table for table in seen}
        self.sight = Sight(user, project_id)

    def read(self):
        reached = self._walk()
        folded = len(reached) > NODES
        depths = dict(reached[:NODES])
        entities = {entity.pk: entity for entity in Entity.objects.filter(pk__in=depths)}
        inner = [
            pk
            for pk, depth in depths.items()
            if depth < self.depth and entities[pk].worktable_id in self.tables
        ]
        generated = self._generated(inner, depths)
        used = self._used(generated, inner, depths)
        if self.direction == "forth":
            doing = {(one.run_id, one.reuse) for one in used}
            generated = [one for one in generated if (one.run_id, one.reuse) in doing]
        members = self._members(entities, depths)
        makings = self._makings({(one.run_id, one.reuse) for one in [*generated, *used]})
        cells = self._cells(entities)
        return Lineage(
            starts=[pk for pk in self.starts if pk in entities],
            cells=cells,
            makings={making.key: making for making in makings.values()},
            used=[
                (makings[one.run_id, one.reuse].key, one.entity_id, self._role(one, cells, makings))
                for one in used
            ],
            generated=[
                (makings[one.run_id, one.reuse].key, one.entity_id, self._role(one, cells, makings))
                for one in generated
            ],
            members=members,
            direction=self.direction,
            folded=folded,
        )

    def _walk(self):
        """Return [(entity id, how many runs away)], the nearest first, one more than are shown if there are more."""
        if not self.starts:
            return []
        at, starts = in_ids("s.id", self.starts)
        visible, tables = in_ids("e.worktable_id", list(self.tables))
        step, limits = (BACK, [MEMBERS, self.depth]) if self.direction == "back" else (FORTH, [self.depth])
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE reached(entity_id, depth) AS ("
                f"SELECT s.id, 0 FROM provenance_entity s WHERE {at} UNION {step.format(visible=visible)}) "
                "SELECT entity_id, MIN(depth) FROM reached GROUP BY entity_id ORDER BY 2, 1 LIMIT %s",
                [*starts, *tables, *limits, NODES + 1],
            )
            return cursor.fetchall()

    def _generated(self, inner, depths):
        if self.direction == "forth":
            return list(Generated.objects.filter(entity__in=depths).order_by("id"))
        newest = Generated.objects.filter(entity__in=inner).order_by().values("entity")
        return list(
            Generated.objects.filter(pk__in=newest.annotate(newest=Max("pk")).values("newest")).order_by("id")
        )

    def _used(self, generated, inner, depths):
        doing = {(one.run_id, one.reuse) for one in generated}
        used = Used.objects.filter(run__in={run for run, _ in doing}, entity__in=depths)
        if self.direction == "forth":
            used = used.filter(entity__in=inner)
        return [
            one for one in used.order_by("run_id", "role", "entity_id") if (one.run_id, one.reuse) in doing
        ]

    def _members(self, entities, depths):
        collections = [
            pk
            for pk, one in entities.items()
            if one.kind == Entity.Kind.COLLECTION and one.worktable_id in self.tables
        ]
        found = {}
        for member in Member.objects.filter(collection__in=collections, entity__in=depths).order_by("place"):
            found.setdefault(member.collection_id, []).append(member.entity_id)
        return found

    def _makings(self, occasions):
        runs = Run.objects.filter(pk__in={run for run, _ in occasions})
        runs = runs.select_related("step_version", "environment").defer("log", "inputs", "outputs", "error")
        runs = {run.pk: run for run in runs}
        kinds = (TableStep.Kind.EXPAND, TableStep.Kind.NEAREST, TableStep.Kind.LATEST)
        self.by_links = {run.pk for run in runs.values() if run.step_version.step in kinds}
        reuses = {one.pk: one for one in Reuse.objects.filter(pk__in={reuse for _, reuse in occasions})}
        asked = dict(
            Association.objects.filter(run__in=runs, role=Association.ASKED).values_list(
                "run_id", "agent_name"
            )
        )
        return {
            (run, reuse): self._making(runs[run], reuses.get(reuse), asked.get(run, ""))
            for run, reuse in occasions
        }

    def _role(self, relation, cells, makings):
        """Return the part that a cell played in a run: its port; a link calls it by its column, if that may be told."""
        if not makings[relation.run_id, relation.reuse].visible:
            return ""
        named = cells[relation.entity_id].visible or relation.run_id not in self.by_links
        return relation.role if named else ""

    def _making(self, run, reuse, asked_by):
        """Say of a run what the one who asks may know; of a run of a hidden table only what its reuse shows."""
        here = reuse or run
        making = Making(
            key=f"reuse-{reuse.pk}" if reuse else f"run-{run.pk}",
            run_id=run.pk,
            step=run.step_name,
            worktable_id=here.worktable_id,
            row_id=here.row_id,
            reused=reuse is not None,
        )
        if here.worktable_id not in self.tables:
            return dataclasses.replace(making, run_id=0, step="", worktable_id=0, row_id=0, visible=False)
        making = dataclasses.replace(
            making,
            table=self.tables[here.worktable_id].name,
            version=run.step_version.declared_version,
            code=run.step_version.code_fingerprint,
            parameters=run.parameters,
        )
        if run.worktable_id not in self.tables:
            return dataclasses.replace(making, run_id=0)
        return dataclasses.replace(
            making,
            of_row=run.row_id,
            environment=run.environment_id,
            python=str(run.environment.document.get("python", "")),
            asked_by=asked_by if self.sight.may_name_who_asked(run) else "",
            worker=run.worker,
            host=run.host,
            started_at=run.started_at,
            finished_at=run.finished_at,
        )

    def _cells(self, entities):
        visible = [one for one in entities.values() if one.worktable_id in self.tables]
        collections = [one.pk for one in visible if one.kind == Entity.Kind.COLLECTION]
        sizes = dict(
            Member.objects.filter(collection__in=collections)
            .values_list("collection")
            .annotate(n=Count("entity"))
        )
        typed = {
            one.entity_id: one
            for one in Attribution.objects.filter(entity__in=[one.pk for one in visible]).order_by("id")
        }
        rows = self._rows(visible)
        creators = self._names({row.created_by for row in rows.values() if row.created_by})
        cells = {}
        for pk, entity in entities.items():
            if entity.worktable_id not in self.tables:
                cells[pk] = Cell(pk, entity.kind, HIDDEN, 0, 0, "", "", visible=False)
                continue
            cells[pk] = self._cell(
                entity, rows.get((entity.worktable_id, entity.row_id)), typed.get(pk), creators, sizes
            )
        return cells

    def _cell(self, entity, row, typed, creators, sizes):
        layout = layout_of(self.tables[entity.worktable_id])
        column = layout.by_id.get(entity.column_id)
        table, _, name = entity.name.partition(".")
        cell = Cell(
            id=entity.pk,
            kind=entity.kind,
            table=self.tables[entity.worktable_id].name if column else table,
            worktable_id=entity.worktable_id,
            row_id=entity.row_id,
            column=column.name if column else name,
            digest=entity.digest,
            n=sizes.get(entity.pk, 0),
        )
        if row is None or column is None:
            return cell
        value = layout.value(column, row)
        if digest_of(column.kind, value) == entity.digest:
            kept = row.deleted_at is None and row.state != State.RETIRED
            cell = dataclasses.replace(cell, present=kept, value=said(column, value))
            if entity.kind == Entity.Kind.FILE and value:
                cell = dataclasses.replace(cell, sha256=value)
        if column.editable_by_people and typed:
            return dataclasses.replace(cell, typed_by=typed.agent_name, typed_at=typed.at)
        if column.editable_by_people and row.created_by and not row.parent_id:  # it came with the row
            return dataclasses.replace(
                cell, typed_by=creators.get(row.created_by, ""), typed_at=row.created_at
            )
        return cell

    def _rows(self, entities):
        """Return {(table, row id): row} as they are now, those in the trash too."""
        wanted = {}
        for one in entities:
            wanted.setdefault(one.worktable_id, set()).add(one.row_id)
        return {
            (pk, row.id): row
            for pk, ids in wanted.items()
            for row in layout_of(self.tables[pk]).model.objects.filter(id__in=ids)
        }

    def _names(self, users):
        from django.contrib.auth import get_user_model

        return {user.pk: user.get_username() for user in get_user_model().objects.filter(pk__in=users)}


def said(column, value):
    """Write a cell's value in a few words, with its unit."""
    if value is None:
        return "empty"
    if column.kind in (Kind.PRODUCT, Kind.CATALOGUE):
        return f"file {value[:8]}…"
    if column.kind == Kind.ARRAY:
        return f"array of {len(value)}"
    if column.kind == Kind.POSITION:
        return f"{value[0]:.6f}, {value[1]:+.6f}"
    if column.kind in (Kind.FLOAT, Kind.TIME):
        text = f"{value:.8g}"
    else:
        text = as_json(column.kind, value)
        text = text if isinstance(text, str) else json.dumps(text)
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"{text} {column.unit}".strip()
