"""The words with which a query can go on: tables, columns, functions, keywords."""

from vo.adql import FUNCTIONS
from vo.adql.names import adql_name
from vo.adql.words import KEYWORDS
from vo.tap.schema import table_name

MOST_COLUMNS = 20_000
TWO = {"GROUP": "GROUP BY", "ORDER": "ORDER BY", "DOUBLE": "DOUBLE PRECISION"}
UNUSED = {"CHAR", "CHARACTER", "INT", "NATURAL"}


def words_for(schemas):
    """Return what a query of somebody who may ask these schemas can speak of.

    Where there are very many columns, those of the last tables are left out; the list of tables finds them.
    """
    tables, left = [], MOST_COLUMNS
    for schema in schemas:
        for table in schema.tables:
            columns = [
                {
                    "name": adql_name(column.name),
                    "unit": column.unit,
                    "about": column.description or column.ucd,
                }
                for column in table.columns[:left]
            ]
            left -= len(columns)
            tables.append(
                {
                    "name": table_name(table),
                    "about": table.title or table.description[:120],
                    "columns": columns,
                }
            )
    return {
        "tables": tables,
        "functions": [
            {"name": name, "signature": function.signature, "about": function.about}
            for name, function in sorted(FUNCTIONS.items())
        ],
        "keywords": sorted(TWO.get(word, word) for word in KEYWORDS if word not in UNUSED),
    }
