"""Sets of rows as SQL: how the rows that changed lead to the rows that depend on them.

A set is a subquery of ids. Going along a link wraps it in another, so that marking any number of
rows stays one statement for each dependent step, and no row passes through Python.
"""

import dataclasses

from django.db import connection

from pipelines.writing import hidden
from worktables.models import Link, State
from worktables.storage.layout import table_name
from worktables.storage.rows import in_ids


@dataclasses.dataclass(frozen=True)
class RowSet:
    """Some rows of one table: `sql` yields their ids; where those are known, `are` says so of a column `{}`."""

    sql: str
    params: tuple = ()
    are: str = ""

    def holds(self, column):
        """Return SQL: a column is the id of one of these rows; its parameters are those of the set."""
        return self.are.format(column) if self.are else f"{column} IN ({self.sql})"


def these(worktable_id, ids):
    """The rows with these ids."""
    condition, params = in_ids("{}", ids)
    return RowSet(
        f"SELECT id FROM {table_name(worktable_id)} WHERE {condition.format('id')}", tuple(params), condition
    )


def all_rows(worktable_id):
    """Every row of a table."""
    return RowSet(f"SELECT id FROM {table_name(worktable_id)}")


def units_of(worktable_id, rows, unit="u"):
    """Return SQL: a unit is of one of these rows; its parameters are those of the rows."""
    if connection.vendor == "postgresql":
        # Not “= ANY”: in a table that has grown since its statistics that is a filter over all units of the table.
        key = f"{hidden(worktable_id, 's.id')}, s.id"
        return f"({unit}.worktable_id, {unit}.row_id) IN (SELECT {key} FROM ({_ids(rows)}) s)"
    return f"{unit}.worktable_id = {worktable_id:d} AND {rows.holds(f'{unit}.row_id')}"


def units_in_order(worktable_id, rows, unit="u"):
    """Return SQL for an update on PostgreSQL: the units of these rows, one row after the other.

    Units, rows and the queue lie in the order of rows, in their tables and their indexes. A hundred thousand found in
    the order of a hash table, which PostgreSQL makes of a set, take twice as long.
    """
    return (
        f"FROM (SELECT DISTINCT id FROM ({_ids(rows)}) s ORDER BY id) r "
        f"WHERE {unit}.worktable_id = {hidden(worktable_id, 'r.id')} AND {unit}.row_id = r.id"
    )


def _ids(rows):
    return "SELECT * FROM unnest(%s::bigint[]) known(id)" if rows.are else rows.sql


def parameters(rows):
    """Return a row set's parameters as the database adapter takes them."""
    return list(rows.params)


def not_stale(worktable_id, rows):
    """Those of these rows whose state says something else than stale."""
    table = table_name(worktable_id)
    return RowSet(
        f"SELECT id FROM {table} WHERE state <> {State.STALE:d} AND {rows.holds('id')}", rows.params
    )


def children(link, parents):
    """The rows of an expand link's target whose parents are in the set."""
    return RowSet(
        f"SELECT id FROM {table_name(link.target_id)} WHERE parent_id IN ({parents.sql})", parents.params
    )


def parents(worktable_id, rows):
    """The rows of the table above whose items these rows are."""
    return RowSet(
        f"SELECT parent_id AS id FROM {table_name(worktable_id)} WHERE {rows.holds('id')}", rows.params
    )


def of_units(node, condition, rows):
    """Those of these rows whose unit `u` of a step is so, by an SQL condition without parameters."""
    return RowSet(
        f"SELECT u.row_id AS id FROM worktables_unit u WHERE {units_of(node.worktable_id, rows)} "
        f"AND u.step_id = {node.id:d} AND {condition}",
        rows.params,
    )


def collecting(link, members):
    """The rows of a collect link's target that collect any of these rows of its source."""
    return _matching(link, link.source_id, link.options.get("match", []), members)


def collecting_children(link, expand, parents):
    """The rows that would collect children of these parents, also children that do not exist yet."""
    carried = {target: source for source, target in expand.options.get("carry", [])}
    match = link.options.get("match", [])
    if not all(source in carried for source, _ in match):
        return all_rows(link.target_id)
    return _matching(link, expand.source_id, [(carried[source], target) for source, target in match], parents)


def _matching(link, table_id, match, rows):
    if not match:
        return all_rows(link.target_id)
    joined = " AND ".join(f"s.c{source} = t.c{target}" for source, target in match)
    return RowSet(
        f"SELECT t.id FROM {table_name(link.target_id)} t JOIN {table_name(table_id)} s ON {joined} "
        f"WHERE s.id IN ({rows.sql})",
        rows.params,
    )


def finding(link, rows):
    """The rows of a target that may look up these rows of its source: near enough, or dated while they are valid."""
    return RowSet(
        f"SELECT t.id FROM {table_name(link.target_id)} t JOIN {table_name(link.source_id)} s "
        f"ON {within_reach(link)} WHERE s.id IN ({rows.sql})",
        rows.params,
    )


def within_reach(link, source="s", target="t"):
    """Return the SQL condition that a row of the target may look up one of the source."""
    return near(link, source, target) if link.kind == Link.Kind.NEAREST else valid(link, source, target)


def valid(link, source="s", target="t"):
    """Return the SQL condition that a row of the source is valid at the date of one of the target, and matches it."""
    options = link.options
    date = f"{target}.c{options['date']}"
    conditions = [f"{source}.c{one} = {target}.c{other}" for one, other in options["match"]]
    conditions.append(f"{source}.c{options['valid_from']} <= {date}")
    if options["valid_to"]:
        end = f"{source}.c{options['valid_to']}"
        conditions.append(f"({end} IS NULL OR {end} > {date})")
    return " AND ".join(conditions)


def near(link, source="s", target="t"):
    """Return the SQL condition that a row of the source lies within the link's radius of one of the target."""
    radius = float(link.options["radius"]) / 3600
    s_dec, t_dec = f"{source}.c{link.options['of']}_dec", f"{target}.c{link.options['position']}_dec"
    return (
        f"{s_dec} BETWEEN {t_dec} - {radius!r} AND {t_dec} + {radius!r} "
        f"AND {haversine(link, source, target)} <= POWER(SIN(RADIANS({radius!r}) / 2), 2)"
    )


def haversine(link, source="s", target="t"):
    """Return the SQL of the haversine of the separation: right at the poles and over the wrap of right ascension."""
    s, t = f"{source}.c{link.options['of']}", f"{target}.c{link.options['position']}"
    return (
        f"(POWER(SIN(RADIANS({s}_dec - {t}_dec) / 2), 2) + COS(RADIANS({s}_dec)) * COS(RADIANS({t}_dec)) "
        f"* POWER(SIN(RADIANS({s}_ra - {t}_ra) / 2), 2))"
    )
