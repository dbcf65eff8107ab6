"""Writing provenance down: a whole batch by a handful of statements, whatever its size.

Everything here runs in the transaction of what it records. Should it fail, that is not kept either.
"""

import json
from hashlib import blake2b

from django.contrib.auth import get_user_model
from django.db import connection

from pipelines.fingerprints import digest_of
from provenance.models import ITSELF, Association, Attribution, Entity, Reuse
from worktables.models import Column, Kind
from worktables.storage import layout_of

COLLECTED = 0  # the row of a collection
CELL = ("bigint", "bigint", "bigint", "text")  # table, row, column, digest: which entity


def record_runs(worktable, traces, reuses=()):
    """Record what runs used and generated, and who asked for them.

    Parameters
    ----------
    worktable : Worktable
    traces : iterable
        With `run` (saved), `used` and `generated` (lists of sources: role, worktable_id, row_id, column_id, digest).
    reuses : iterable
        Results taken from earlier runs: with `run_id`, `row_id`, `asked_by`, `used`, `generated`.
    """
    occasions = [(trace.run.pk, ITSELF, trace.used, trace.generated) for trace in traces]
    occasions += _reuses(worktable, reuses)
    if not occasions:
        return
    batch = _Batch()
    for run, reuse, used, generated in occasions:
        batch.add_used(run, reuse, used)
        batch.add_generated(run, reuse, generated)
    batch.write(worktable.project_id)
    _associate([trace.run for trace in traces])


def record_edit(worktable, column, row_ids, by):
    """Record who typed the values that these cells now have."""
    layout = layout_of(worktable)
    rows = layout.rows.filter(id__in=list(row_ids)).values_list("id", *layout.fields([column]))
    keys = [
        (worktable.pk, row_id, column.pk, digest_of(column.kind, layout.values([column], flat)[0]))
        for row_id, *flat in rows
    ]
    if not keys:
        return
    _write_entities(worktable.project_id, dict.fromkeys(keys))
    found = Entity.objects.filter(
        worktable_id=worktable.pk, column_id=column.pk, row_id__in=[key[1] for key in keys]
    )
    wanted = set(keys)
    Attribution.objects.bulk_create(
        Attribution(entity_id=pk, agent=by, agent_name=by.get_username())
        for pk, *key in found.values_list("id", "worktable_id", "row_id", "column_id", "digest")
        if tuple(key) in wanted
    )


class _Batch:
    """What the runs of a batch have to do with which entities; entities by their key, until they have a number."""

    def __init__(self):
        self.used, self.generated, self.cells, self.collections = [], [], {}, {}

    def add_used(self, run, reuse, sources):
        """Note what a run used; many values of one column in one role are one collection."""
        together = {}
        for source in sources:
            together.setdefault((source.role, source.worktable_id, source.column_id), []).append(source)
        for (role, table, column), members in together.items():
            keys = [key_of(member) for member in members]
            if len(keys) > 1:
                key = (table, COLLECTED, column, digest_of_members(keys))
                self.collections[key] = keys
            else:
                key = keys[0]
                self.cells[key] = None
            self.used.append((run, reuse, role, *key))

    def add_generated(self, run, reuse, sources):
        """Note what a run generated."""
        for source in sources:
            key = key_of(source)
            self.cells[key] = None
            self.generated.append((run, reuse, source.role, *key))

    def write(self, project_id):
        """Write entities, then relations."""
        new = self._new_collections()
        for keys in new.values():
            self.cells.update(dict.fromkeys(keys))
        _write_entities(project_id, self.cells, new)
        members = [
            (*key, place, *member) for key, keys in new.items() for place, member in enumerate(keys, 1)
        ]
        _insert(
            "provenance_member (collection_id, place, entity_id)",
            f"{_entity(0)}, v.a4, {_entity(5)}",
            (*CELL, "int", *CELL),
            members,
        )
        for table, rows in (("used", self.used), ("generated", self.generated)):
            _insert(
                f"provenance_{table} (run_id, reuse, entity_id, role)",
                f"v.a0, v.a1, {_entity(3)}, v.a2",
                ("bigint", "bigint", "text", *CELL),
                rows,
            )

    def _new_collections(self):
        """Return those collections whose members are not known yet."""
        if not self.collections:
            return {}
        columns = {key[2] for key in self.collections}
        known = Entity.objects.filter(
            worktable_id__in={key[0] for key in self.collections},
            row_id=COLLECTED,
            column_id__in=columns,
            digest__in=[key[3] for key in self.collections],
        )
        known = set(known.values_list("worktable_id", "row_id", "column_id", "digest"))
        return {key: members for key, members in self.collections.items() if key not in known}


def key_of(source):
    """Return what tells the entity of a source from all others."""
    return (source.worktable_id, source.row_id, source.column_id, source.digest)


def digest_of_members(keys):
    """Return the digest of a collection: which rows, with which values, in which order."""
    text = "\n".join(f"{row_id} {digest}" for _, row_id, _, digest in keys)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _reuses(worktable, reuses):
    reuses = list(reuses)
    made = Reuse.objects.bulk_create(
        Reuse(run_id=one.run_id, worktable_id=worktable.pk, row_id=one.row_id, asked_by_id=one.asked_by)
        for one in reuses
    )
    return [(one.run_id, row.pk, one.used, one.generated) for one, row in zip(reuses, made, strict=True)]


def _associate(runs):
    asked = {run.pk: run.asked_by_id for run in runs if run.asked_by_id}
    if not asked:
        return
    names = {user.pk: user.get_username() for user in get_user_model().objects.filter(pk__in=asked.values())}
    _insert(
        "provenance_association (run_id, role, agent_id, agent_name)",
        "v.a0, v.a1, v.a2, v.a3",
        ("bigint", "text", "bigint", "text"),
        [(run, Association.ASKED, agent, names[agent]) for run, agent in asked.items()],
    )


def _write_entities(project_id, cells, collections=()):
    """Write down the entities with these keys that are not known yet, named as table and column are called now."""
    keys = [*cells, *collections]
    columns = {
        pk: (
            f"{table}.{name}",
            Entity.Kind.FILE if kind in (Kind.PRODUCT, Kind.CATALOGUE) else Entity.Kind.CELL,
        )
        for pk, name, kind, table in Column.objects.filter(pk__in={key[2] for key in keys}).values_list(
            "id", "name", "kind", "worktable__name"
        )
    }
    rows = []
    for key in keys:
        name, kind = columns[key[2]]
        rows.append((*key, Entity.Kind.COLLECTION if key[1] == COLLECTED else kind, name))
    _insert(
        "provenance_entity (project_id, worktable_id, row_id, column_id, digest, kind, name)",
        f"{int(project_id)}, v.a0, v.a1, v.a2, v.a3, v.a4, v.a5",
        (*CELL, "text", "text"),
        rows,
    )


def _entity(first):
    """Return the number of the entity whose key stands in four values of a row, as an expression.

    Not as a join: PostgreSQL would read the whole table for each batch, where one look at the index each will do.
    """
    names = ("worktable_id", "row_id", "column_id", "digest")
    found = " AND ".join(f"e.{name} = v.a{first + number}" for number, name in enumerate(names))
    return f"(SELECT e.id FROM provenance_entity e WHERE {found})"


def _insert(into, values, types, rows):
    """Insert what `values` makes of each row, in one statement; what is there already stays.

    The values of a row are `v.a0`, `v.a1`, … in `values`.
    """
    if not rows:
        return
    if connection.vendor == "postgresql":
        names = ", ".join(f"a{number}" for number in range(len(types)))
        source = f"unnest({', '.join(f'%s::{kind}[]' for kind in types)}) v({names})"
        parameters = [as_array(each) for each in zip(*rows, strict=True)]
    else:
        taken = ", ".join(f"json_extract(value, '$[{number}]') AS a{number}" for number in range(len(types)))
        source, parameters = f"(SELECT {taken} FROM json_each(%s)) v", [json.dumps(rows)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {into} SELECT {values} FROM {source} WHERE true ON CONFLICT DO NOTHING", parameters
        )


def as_array(values):
    """Write values as PostgreSQL reads an array: ten times faster to plan than as many constants."""
    return "{" + ",".join(_quoted(value) if isinstance(value, str) else str(value) for value in values) + "}"


def _quoted(text):
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
