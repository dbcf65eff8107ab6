"""The one catalogue: which tables somebody may ask, and what TAP_SCHEMA and /tables say of them."""

from dataclasses import dataclass, replace

from vo.adql.tables import Column, Position, Table, Tables
from vo.live import SHARED, live_tables
from vo.models import PublishedVersion
from vo.obscore import SCHEMA as IVOA
from vo.obscore import obscore_table
from vo.publishing.columns import column_of
from vo.publishing.storage import physical_name, sky_index

TAP_SCHEMA = "tap_schema"


@dataclass(frozen=True)
class Schema:
    """Tables that belong together: a project's, or the service's own."""

    name: str
    title: str
    description: str
    tables: tuple[Table, ...]
    utype: str = ""


def schemas_for(user, base=""):
    """Return the schemas whose tables this user may ask, with what they say of themselves.

    Three questions to the database at most, however many tables there are.

    Parameters
    ----------
    user : User or AnonymousUser
    base : str
        Address of the portal as this person reaches it: what tables say of addresses begins with it.
    """
    gathered: dict[str, list[Table]] = {}
    versions = (
        PublishedVersion.objects.visible_to(user)
        .select_related("publication")
        .order_by("publication__schema", "publication__name", "-number")
    )
    newest, latest = None, []
    for version in versions:
        publication = version.publication
        tables = gathered.setdefault(publication.schema, [])
        table = table_of(version)
        if newest != publication.pk:
            newest = publication.pk
            latest.append(version.pk)
            tables.append(as_latest(table, publication))
        tables.append(table)
    for schema, tables in live_tables(user).items():
        taken = {table.name for table in gathered.setdefault(schema, [])}
        gathered[schema] += [table for table in tables if table.name not in taken]
    own = [of_project(name, tables) for name, tables in gathered.items()]
    return [tap_schema(), ivoa(latest, base), *own]


def tables_for(user, base=""):
    """Return the tables this user may ask."""
    return Tables.of(table for schema in schemas_for(user, base) for table in schema.tables)


def of_project(name, tables):
    """Return the schema of a project, with these tables."""
    about = "Tables that are shared with you alone" if name == SHARED else f"Tables of the project “{name}”"
    return Schema(name, "", about, tuple(tables))


def as_latest(table, publication):
    """Return a table under the name that is always the latest version's."""
    return replace(table, name=publication.name)


def ivoa(version_ids, base):
    """Return the schema of the tables that the Virtual Observatory has defined."""
    return Schema(IVOA, "IVOA", "Tables as the IVOA defines them", (obscore_table(version_ids, base),))


def table_of(version):
    """Return a published version as ADQL sees it."""
    positions = tuple(
        Position(one["ra"], one["dec"], sky_index(version, one) if version.indexed else None)
        for one in version.positions
    )
    sky = {name for one in positions if one.index for name in (one.ra, one.dec)}
    return Table(
        schema=version.publication.schema,
        name=f"{version.publication.name}_v{version.number}",
        sql=physical_name(version.bare_table),
        columns=tuple(column_of(facts, indexed=facts["name"] in sky) for facts in version.columns),
        positions=positions,
        title=version.title,
        description=version.description,
        size=version.n_rows,
        immutable=True,
        somewhere=tuple(version.coverage["place"]) if "place" in version.coverage else None,
    )


# What the service says of itself: tables that come with the query that asks for them


def tap_schema():
    """Return TAP_SCHEMA (TAP 1.1, section 4); its rows are those of `tap_schema_rows`."""
    return Schema(
        TAP_SCHEMA,
        "TAP_SCHEMA",
        "What can be asked here: schemas, tables, columns and keys",
        tuple(
            Table(
                TAP_SCHEMA,
                name,
                "",
                tuple(
                    Column(
                        column,
                        kind,
                        description=about,
                        std=True,
                        ucd=ucd,
                        element="int" if kind == "int" else "",
                    )
                    for column, kind, about, ucd in columns
                ),
                description=description,
            )
            for name, (description, columns) in OWN_TABLES.items()
        ),
    )


OWN_TABLES = {
    "schemas": (
        "Schemas whose tables can be asked",
        [
            ("schema_name", "text", "name of the schema", "meta.id;meta.main"),
            ("utype", "text", "data model it follows", ""),
            ("description", "text", "what its tables are about", "meta.note"),
            ("schema_index", "int", "place in a list", ""),
        ],
    ),
    "tables": (
        "Tables that can be asked",
        [
            ("schema_name", "text", "schema it is in", "meta.id"),
            ("table_name", "text", "name, as it stands in a query", "meta.id;meta.main"),
            ("table_type", "text", "table or view", ""),
            ("utype", "text", "data model it follows", ""),
            ("description", "text", "what a row is", "meta.note"),
            ("table_index", "int", "place in a list", ""),
        ],
    ),
    "columns": (
        "Columns of the tables",
        [
            ("table_name", "text", "table it is in", "meta.id"),
            ("column_name", "text", "name, as it stands in a query", "meta.id;meta.main"),
            ("datatype", "text", "type, as VOTable has it", ""),
            ("arraysize", "text", "number of elements, as VOTable has it", ""),
            ("xtype", "text", "what a value means beyond its type, as DALI has it", ""),
            ("size", "int", "length; arraysize says more", ""),
            ("description", "text", "what it is", "meta.note"),
            ("utype", "text", "part of a data model it is", ""),
            ("unit", "text", "unit, as VOUnits has it", "meta.unit"),
            ("ucd", "text", "meaning, as UCD1+ has it", "meta.ucd"),
            ("indexed", "int", "1: found quickly", ""),
            ("principal", "int", "1: among the columns to look at first", ""),
            ("std", "int", "1: defined by a standard", ""),
            ("column_index", "int", "place in its table", ""),
        ],
    ),
    "keys": (
        "Foreign keys",
        [
            ("key_id", "text", "number of the key", "meta.id;meta.main"),
            ("from_table", "text", "table that refers", ""),
            ("target_table", "text", "table that is referred to", ""),
            ("description", "text", "what it joins", "meta.note"),
            ("utype", "text", "data model it follows", ""),
        ],
    ),
    "key_columns": (
        "Columns of the foreign keys",
        [
            ("key_id", "text", "number of the key", "meta.id"),
            ("from_column", "text", "column that refers", ""),
            ("target_column", "text", "column that is referred to", ""),
        ],
    ),
}
KEYS = (
    ("1", "tables", "schemas", "schema_name"),
    ("2", "columns", "tables", "table_name"),
    ("3", "keys", "tables", "from_table"),
    ("4", "keys", "tables", "target_table"),
    ("5", "key_columns", "keys", "key_id"),
)
