"""The rows of TAP_SCHEMA: the catalogue, said of itself."""

from vo.adql.names import adql_name
from vo.catalogue import KEYS, OWN_TABLES, TAP_SCHEMA
from vo.tap.fields import column_type
from worktables.formats.units import unit_as


def rows_of(table, schemas):
    """Return the rows of a table of TAP_SCHEMA, for somebody who sees these schemas."""
    return MAKERS[table](schemas)


def table_name(table):
    """Return the name of a table, as it must stand in a query."""
    return f"{adql_name(table.schema)}.{adql_name(table.name)}"


def _schemas(schemas):
    return [
        (adql_name(schema.name), schema.utype or None, schema.description or None, number)
        for number, schema in enumerate(schemas, start=1)
    ]


def _tables(schemas):
    return [
        (
            adql_name(schema.name),
            table_name(table),
            "table",
            table.utype or None,
            described(table) or None,
            number,
        )
        for schema in schemas
        for number, table in enumerate(schema.tables, start=1)
    ]


def described(table):
    """Return what a table is about: its title, and its description."""
    return "\n".join(text for text in (table.title, table.description) if text)


def _columns(schemas):
    rows = []
    for schema in schemas:
        for table in schema.tables:
            name = table_name(table)
            for number, column in enumerate(table.columns, start=1):
                kind = column_type(column)
                rows.append(
                    (
                        name,
                        adql_name(column.name),
                        kind["datatype"],
                        kind.get("arraysize"),
                        column.xtype or None,
                        None,
                        column.description or None,
                        column.utype or None,
                        unit_as("vounit", column.unit) or None,
                        column.ucd or None,
                        int(column.indexed),
                        int(column.principal),
                        int(column.std),
                        number,
                    )
                )
    return rows


def tables_described(schemas, columns=True):
    """Return the tables of each schema as VOSI describes them, from the very rows of TAP_SCHEMA."""
    by_table = {}
    names = [column for column, *_ in OWN_TABLES["columns"][1]]
    for row in _columns(schemas) if columns else ():
        facts = dict(zip(names, row, strict=True))
        by_table.setdefault(facts["table_name"], []).append(facts | {"name": facts["column_name"]})
    found = {}
    for schema in schemas:
        found[schema.name] = [
            {
                "schema": adql_name(schema.name),
                "name": table_name(table),
                "description": described(table),
                "utype": table.utype,
                "n_rows": table.size,
                "columns": by_table.get(table_name(table), ()),
                "keys": _keys_of(table) if columns else (),
            }
            for table in schema.tables
        ]
    return found


def _keys_of(table):
    if table.schema != TAP_SCHEMA:
        return []
    return [
        {
            "target": f"{TAP_SCHEMA}.{target}",
            "from_column": column,
            "target_column": TARGETS.get(column, column),
        }
        for _, source, target, column in KEYS
        if source == table.name
    ]


def _keys(schemas):
    return [
        (number, f"{TAP_SCHEMA}.{source}", f"{TAP_SCHEMA}.{target}", f"the {target[:-1]} it belongs to", None)
        for number, source, target, _ in KEYS
    ]


def _key_columns(schemas):
    return [(number, column, TARGETS.get(column, column)) for number, _, _, column in KEYS]


TARGETS = {"from_table": "table_name", "target_table": "table_name"}


MAKERS = {
    "schemas": _schemas,
    "tables": _tables,
    "columns": _columns,
    "keys": _keys,
    "key_columns": _key_columns,
}
assert MAKERS.keys() == OWN_TABLES.keys()
