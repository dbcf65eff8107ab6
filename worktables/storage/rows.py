"""Reading and writing rows of physical tables, many at a time, on both databases."""

import json

from django.db import connection

from pipelines.writing import as_array


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


def update_cells(layout, columns, values_by_row):
    """Write these columns of many rows.

    Parameters
    ----------
    layout : Layout
    columns : list of Column
    values_by_row : dict
        Row id → one fitted value for each of `columns`.
    """
    if not columns or not values_by_row:
        return
    names = layout.fields(columns)
    fields = [layout.model._meta.get_field(name) for name in names]
    rows = []
    for row_id, values in values_by_row.items():
        flat = []
        for column, value in zip(columns, values, strict=True):
            flat += layout.assignments(column, value).values()
        rows.append(
            [field.get_db_prep_value(value, connection) for field, value in zip(fields, flat, strict=True)]
            + [row_id]
        )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _update_on_postgresql(cursor, layout, names, fields, rows)
        else:
            sets = ", ".join(f"{name} = %s" for name in names)
            cursor.executemany(f"UPDATE {layout.table} SET {sets} WHERE id = %s", rows)


def _update_on_postgresql(cursor, layout, names, fields, rows):
    from psycopg2.extras import execute_values

    casts = ", ".join(f"%s::{field.db_type(connection)}" for field in fields)
    sets = ", ".join(f"{name} = v.{name}" for name in names)
    execute_values(
        cursor.cursor,
        f"UPDATE {layout.table} t SET {sets} FROM (VALUES %s) v ({', '.join([*names, 'row_id'])}) "
        "WHERE t.id = v.row_id",
        rows,
        template=f"({casts}, %s::bigint)",
        page_size=1000,
    )


def converters(layout, names):
    """Return, for each physical field, the function that turns what a raw query gives into its value."""
    found = []
    for name in names:
        field = layout.model._meta.get_field(name)
        if field.get_internal_type() == "BooleanField":
            found.append(lambda value: None if value is None else bool(value))
        elif hasattr(field, "from_db_value"):
            found.append(lambda value, field=field: field.from_db_value(value, None, connection))
        else:
            found.append(lambda value: value)
    return found
