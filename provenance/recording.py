"""Writing provenance down: a whole batch by a handful of statements, whatever its size.

Everything here runs in the transaction of what it records. Should it fail, that is not kept either.
"""

from datetime import UTC, datetime
from hashlib import blake2b

from django.contrib.auth import get_user_model
from django.db import connection

from pipelines.fingerprints import digest_of
from pipelines.writing import arrays, insert_many, one_by_one, take_numbers
from provenance.models import ITSELF, Association, Entity
from worktables.models import Column, Kind
from worktables.storage import layout_of
from worktables.storage.rows import in_ids, read_columns

COLLECTED = 0  # the row of a collection


def record_runs(worktable, traces, reuses=()):
    """Record what runs used and generated, and who asked for them.

    Parameters
    ----------
    worktable : Worktable
    traces : iterable
        With `run` (written: it has a `pk`), `used` and `generated` (lists of sources: role, worktable_id, row_id,
        column_id, digest).
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
    batch.write(worktable)
    _associate([trace.run for trace in traces])


def record_edit(worktable, column, row_ids, by):
    """Record who typed the values that these cells now have."""
    layout = layout_of(worktable)
    keys = {
        (worktable.pk, row_id, column.pk, digest_of(column.kind, value))
        for row_id, [value] in read_columns(layout, [column], list(row_ids))
    }
    if not keys:
        return
    numbers = _write_entities(worktable, keys)
    now, name = datetime.now(UTC), by.get_username()
    insert_many(
        "provenance_attribution",
        {"entity_id": "bigint"},
        [(numbers[key],) for key in sorted(keys)],
        {"agent_id": by.pk, "agent_name": name, "at": now},
    )


class _Batch:
    """What the runs of a batch have to do with which entities; entities by their key, until they have a number."""

    def __init__(self):
        self.used, self.generated, self.cells, self.collections = [], [], set(), {}

    def add_used(self, run, reuse, sources):
        """Note what a run used; many values of one column in one role are one collection."""
        if len(sources) == 1:
            [(role, *key)] = sources
            key = tuple(key)
            self.cells.add(key)
            self.used.append((run, reuse, role, key))
            return
        together = {}
        for source in sources:
            together.setdefault((source.role, source.column_id), []).append(source[1:])
        for (role, _), keys in together.items():
            key = keys[0]
            if len(keys) > 1:
                key = (key[0], COLLECTED, key[2], digest_of_members(keys))
                self.collections[key] = keys
            else:
                self.cells.add(key)
            self.used.append((run, reuse, role, key))

    def add_generated(self, run, reuse, sources):
        """Note what a run generated."""
        for source in sources:
            key = source[1:]
            self.cells.add(key)
            self.generated.append((run, reuse, source.role, key))

    def write(self, worktable):
        """Write entities, then relations."""
        numbers = _numbers_of_collections(self.collections)
        new = {key: keys for key, keys in self.collections.items() if key not in numbers}
        for keys in new.values():
            self.cells.update(keys)
        numbers |= _write_entities(worktable, self.cells, new)
        members = [
            (numbers[key], place, numbers[member])
            for key, keys in new.items()
            for place, member in enumerate(keys, 1)
        ]
        types = {"collection_id": "bigint", "place": "integer", "entity_id": "bigint"}
        insert_many("provenance_member", types, members)
        types = {"run_id": "bigint", "reuse": "bigint", "role": "text", "entity_id": "bigint"}
        for table, rows in (("used", self.used), ("generated", self.generated)):
            numbered = [(run, reuse, role, numbers[key]) for run, reuse, role, key in rows]
            insert_many(f"provenance_{table}", types, numbered)


def digest_of_members(keys):
    """Return the digest of a collection: which rows, with which values, in which order."""
    text = "\n".join(f"{row_id} {digest}" for _, row_id, _, digest in keys)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _reuses(worktable, reuses):
    reuses = list(reuses)
    numbers = take_numbers("provenance_reuse", len(reuses))
    types = {"id": "bigint", "run_id": "bigint", "row_id": "bigint", "asked_by_id": "bigint"}
    rows = [(pk, one.run_id, one.row_id, one.asked_by) for pk, one in zip(numbers, reuses, strict=True)]
    insert_many("provenance_reuse", types, rows, {"worktable_id": worktable.pk, "at": datetime.now(UTC)})
    return [(one.run_id, pk, one.used, one.generated) for pk, one in zip(numbers, reuses, strict=True)]


def _associate(runs):
    asked = {}
    for run in runs:
        if run.asked_by_id:
            asked.setdefault(run.asked_by_id, []).append(run.pk)
    person = get_user_model()
    ids = "unnest(%s::bigint[])" if connection.vendor == "postgresql" else "json_each(%s)"
    with connection.cursor() as cursor:
        for agent, numbers in asked.items():
            cursor.execute(
                "INSERT INTO provenance_association (run_id, role, agent_id, agent_name) "
                f"SELECT r.value, '{Association.ASKED}', u.id, u.{person.USERNAME_FIELD} "
                f"FROM {person._meta.db_table} u CROSS JOIN {ids} r{'(value)' if 'unnest' in ids else ''} "
                "WHERE u.id = %s ON CONFLICT DO NOTHING",
                [f"{{{str(numbers)[1:-1]}}}" if "unnest" in ids else str(numbers), agent],
            )


def _write_entities(worktable, cells, collections=()):
    """Return the numbers of the entities with these keys; those that are not known yet are written down.

    A new one is named as its table and column are called now. Whoever writes holds the project: nobody else writes
    the same ones meanwhile.
    """
    numbers = _numbers_of_cells(cells)
    new = [key for key in cells if key not in numbers]
    if not new and not collections:
        return numbers
    names = _names_of({key[2] for key in (*new, *collections)}, worktable)
    new.sort()
    keys = [*new, *collections]
    rows = []
    for pk, key in zip(take_numbers("provenance_entity", len(keys)), keys, strict=True):
        name, kind = names[key[2]]
        rows.append((pk, *key, Entity.Kind.COLLECTION.value if key[1] == COLLECTED else kind, name))
        numbers[key] = pk
    types = {"id": "bigint", "worktable_id": "bigint", "row_id": "bigint", "column_id": "bigint"}
    types |= {"digest": "text", "kind": "text", "name": "text"}
    insert_many("provenance_entity", types, rows, {"project_id": worktable.project_id})
    return numbers


def _names_of(columns, worktable):
    """Return {column: (its name with that of its table, what kind of entity its values are)}; most are of one table."""
    layout, files = layout_of(worktable), (Kind.PRODUCT, Kind.CATALOGUE)
    found = [
        (pk, column.name, column.kind, worktable.name) for pk, column in layout.by_id.items() if pk in columns
    ]
    if others := columns - layout.by_id.keys():
        others = Column.objects.filter(pk__in=others)
        found += others.values_list("id", "name", "kind", "worktable__name")
    return {
        pk: (f"{table}.{name}", (Entity.Kind.FILE if kind in files else Entity.Kind.CELL).value)
        for pk, name, kind, table in found
    }


def _numbers_of_cells(keys):
    """Return the numbers of those of these entities that are known."""
    if connection.vendor != "postgresql":
        return _numbers_of_versions(keys)
    keys = list(keys)
    key = "worktable_id = v.t AND row_id = v.r AND column_id = v.c AND digest = v.d"
    types = {"t": "bigint", "r": "bigint", "c": "bigint", "d": "text"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.place, e.id FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[]) "
            "WITH ORDINALITY v(t, r, c, d, place), "
            f"{one_by_one(f'SELECT id FROM provenance_entity WHERE {key}')} e",
            arrays(types, keys),
        )
        return {keys[place - 1]: pk for place, pk in cursor.fetchall()}


def _numbers_of_versions(keys):
    """Return the numbers of those of these entities that are known, on SQLite.

    Of each cell all versions are read: they lie side by side in the index, and mostly there is one.
    """
    rows_of = {}
    for table, row_id, column, _ in keys:
        rows_of.setdefault((table, column), set()).add(row_id)
    columns_of = {}
    for (table, column), rows in rows_of.items():
        columns_of.setdefault((table, frozenset(rows)), []).append(column)
    known = {}
    with connection.cursor() as cursor:
        for (table, rows), columns in columns_of.items():
            condition, ids = in_ids("row_id", rows)
            cursor.execute(
                "SELECT id, row_id, column_id, digest FROM provenance_entity WHERE worktable_id = %s "
                f"AND {condition} AND column_id IN ({', '.join(map(str, columns))})",
                [table, *ids],
            )
            for pk, row_id, column, digest in cursor.fetchall():
                known[table, row_id, column, digest] = pk
    return {key: known[key] for key in keys if key in known}


def _numbers_of_collections(keys):
    """Return the numbers of those of these collections that are known."""
    if not keys:
        return {}
    known = Entity.objects.filter(
        worktable_id__in={key[0] for key in keys},
        row_id=COLLECTED,
        column_id__in={key[2] for key in keys},
        digest__in=[key[3] for key in keys],
    )
    found = known.values_list("id", "worktable_id", "row_id", "column_id", "digest")
    return {tuple(key): pk for pk, *key in found if tuple(key) in keys}
