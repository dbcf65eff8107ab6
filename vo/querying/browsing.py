"""Which tables there are, for people who look for one: found by words, those a query reads first."""

from dataclasses import dataclass

from vo.catalogue import TAP_SCHEMA
from vo.obscore import SCHEMA as IVOA
from vo.tap.schema import table_name

MOST_TABLES = 30


@dataclass(frozen=True)
class Listed:
    """A table in the list; `columns` are those to be shown, `open` whether they are."""

    name: str
    table: object
    columns: tuple
    open: bool


def browse(schemas, words="", read=()):
    """Return the tables in which all words stand, and how many more there are.

    A word may stand in the name, title or description of a table, or in the name, UCD or description of one of its
    columns. Projects come first, then what the Virtual Observatory has defined. Of a published table the latest version
    is listed; numbered ones only if a word has `_v` in it.

    Parameters
    ----------
    schemas : list of Schema
    words : str
    read : iterable of Table
        Those that are in use, which are shown open.

    Returns
    -------
    list of Listed, int
    """
    wanted = words.lower().split()
    also_older = any("_v" in word for word in wanted)
    in_use = {table.full_name for table in read}
    found = []
    for schema in sorted(schemas, key=lambda one: (one.name == TAP_SCHEMA, one.name == IVOA, one.name)):
        for table in schema.tables:
            if is_older(table, schema) and table.full_name not in in_use and not also_older:
                continue
            about = f"{table.full_name} {table.title} {table.description}".lower()
            missing = [word for word in wanted if word not in about]
            columns = [column for column in table.columns if not missing or says(column, missing)]
            if columns and all(word in about or says_any(table, word) for word in wanted):
                found.append(Listed(table_name(table), table, tuple(columns), table.full_name in in_use))
    found.sort(key=lambda one: not one.open)
    return found[:MOST_TABLES], max(0, len(found) - MOST_TABLES)


def is_older(table, schema):
    """Say whether this is a numbered version of a table that is there without a number as well."""
    bare, mark, number = table.name.rpartition("_v")
    return bool(mark) and number.isdigit() and any(one.name == bare for one in schema.tables)


def says(column, words):
    """Say whether any of the words stands in what is said of a column."""
    about = f"{column.name} {column.ucd} {column.description}".lower()
    return any(word in about for word in words)


def says_any(table, word):
    """Say whether a word stands in what is said of any column of a table."""
    return any(says(column, [word]) for column in table.columns)
