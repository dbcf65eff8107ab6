"""Reading and writing rows of physical tables, many at a time, on both databases."""

import json

from django.db import connection

from pipelines.writing import as_array, update_many


def in_ids(expression, ids):
    """Return SQL and parameters for “`expression` is one of these ids”, whatever their number."""
    ids = list(ids)
    if connection.vendor == "postgresql":
        kind = "text" if ids and isinstance(ids[0], str) else "bigint"
        return f"{expression} = ANY(%s)", [as_array(kind, ids)]
    return f"{expression} IN (SELECT value FROM json_each(%s))", [json.dumps(ids)]


def take_ids(worktable, number):
    """Take `number` row ids from the worktable's counter and return the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE worktables_worktable SET next_row = next_row + %s WHERE id = %s RETURNING next_row",
            [number, worktable.pk],
        )
        return cursor.fetchone()[0] - number


def update_cells(layout, columns, values_by_row, *, also=""):
    """Write these columns of many rows.

    Parameters
    ----------
    layout : Layout
    columns : list of Column
    values_by_row : dict
        Row id → one fitted value for each of `columns`.
    also : str
        What else to set, as SQL that knows the table as ``t``.
    """
    if not columns or not values_by_row:
        return
    names = layout.fields(columns)
    fields = [layout.model._meta.get_field(name) for name in names]
    if len(names) == len(columns):
        rows = [(*values, row_id) for row_id, values in values_by_row.items()]
    else:
        rows = [(*_flat(layout, columns, values), row_id) for row_id, values in values_by_row.items()]
    arrays = [hasattr(field, "element") for field in fields]
    if connection.vendor == "postgresql" and any(arrays):
        _update_with_arrays(layout, names, fields, rows, also)
        return
    if any(arrays):
        rows = [
            (
                *(
                    field.get_db_prep_value(value, connection) if array else value
                    for field, array, value in zip(fields, arrays, row, strict=False)
                ),
                row[-1],
            )
            for row in rows
        ]
    types = {field.name: field.db_type(connection) for field in fields}
    update_many(layout.table, "id", types, rows, also=also)


def _flat(layout, columns, values):
    flat = []
    for column, value in zip(columns, values, strict=True):
        flat += layout.assignments(column, value).values()
    return flat


def _update_with_arrays(layout, names, fields, rows, also):
    """Update columns of arrays on PostgreSQL: arrays of arrays would have to be of one length."""
    from psycopg2.extras import execute_values

    casts = ", ".join(f"%s::{field.db_type(connection)}" for field in fields)
    sets = ", ".join([*(f"{name} = v.{name}" for name in names), *([also] if also else [])])
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            f"UPDATE {layout.table} t SET {sets} FROM (VALUES %s) v ({', '.join([*names, 'row_id'])}) "
            "WHERE t.id = v.row_id",
            rows,
            template=f"({casts}, %s::bigint)",
            page_size=1000,
        )


def read_columns(layout, columns, ids):
    """Return [(row id, [value of each column])] of those of these rows that are not deleted."""
    names = layout.fields(columns)
    condition, values = in_ids("id", ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(['id', *names])} FROM {layout.table} WHERE {condition} AND deleted_at IS NULL",
            values,
        )
        found = cursor.fetchall()
    turn = converters(layout, names)
    if any(turn):
        found = [(row_id, *turned(turn, raw)) for row_id, *raw in found]
    if len(names) == len(columns):
        return [(row_id, raw) for row_id, *raw in found]
    return [(row_id, layout.values(columns, raw)) for row_id, *raw in found]


def converters(layout, names):
    """Return, for each physical field, the function that turns what a raw query gives into its value, or None."""
    found = []
    for name in names:
        field = layout.model._meta.get_field(name)
        if field.get_internal_type() == "BooleanField" and connection.vendor == "sqlite":
            found.append(lambda value: None if value is None else bool(value))
        elif hasattr(field, "from_db_value"):
            found.append(lambda value, field=field: field.from_db_value(value, None, connection))
        else:
            found.append(None)
    return found


def turned(turn, raw):
    """Return what a raw query gave for some physical fields, as their values; `turn` is of `converters`."""
    return [value if convert is None else convert(value) for convert, value in zip(turn, raw, strict=True)]
