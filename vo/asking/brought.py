"""Tables that come with a query: what people upload, and what the service says of itself."""

from dataclasses import dataclass, replace

from django.db import connection

SQL_TYPES = {
    "bool": "boolean",
    "int": "bigint",
    "float": "double precision",
    "time": "double precision",
}


@dataclass(frozen=True)
class BroughtTable:
    """A table and its rows, to be there while a query runs; `number` tells it from others."""

    table: object
    rows: list
    number: int

    @property
    def bare(self):
        """Its name in the database, apart from all others."""
        return f"brought_{self.number}"

    @property
    def definitions(self):
        """Its columns as SQL declares them."""
        return ", ".join(
            f'"{column.name}" {SQL_TYPES.get(column.kind, "text")}' for column in self.table.columns
        )


def bring(table, rows, number):
    """Return a table that comes with the query, under the name it will have in the database."""
    place = "pg_temp" if connection.vendor == "postgresql" else "temp"
    return BroughtTable(replace(table, sql=f"{place}.brought_{number}"), rows, number)
