"""What a query can speak of: tables and their columns, as the catalogue offers them and as the database has them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

KINDS = ("bool", "int", "float", "text", "time", "array", "point", "circle", "polygon", "region")


WITHIN = "/*within*/"


@dataclass(frozen=True)
class Column:
    """A column of a table, or of the answer to a query.

    Attributes
    ----------
    name : str
        As ADQL knows it.
    kind : str
        One of `KINDS`. A `time` is an MJD; a `region` is a text in the notation of DALI, with the shape before the
        numbers (``circle 10 20 0.5``, ``polygon 1 2 3 4 5 6``), in degrees, ICRS.
    unit, ucd, description, utype, xtype : str
        As the Virtual Observatory writes them; empty where there is none.
    shape, element, time_scale : str
        Of an array, and of a time, as `worktables.formats.Field` has them.
    principal, indexed, std : bool
        As TAP_SCHEMA.columns has them.
    """

    name: str
    kind: str
    unit: str = ""
    ucd: str = ""
    description: str = ""
    utype: str = ""
    xtype: str = ""
    shape: str = ""
    element: str = ""
    time_scale: str = ""
    principal: bool = True
    indexed: bool = False
    std: bool = False


@dataclass(frozen=True)
class Position:
    """Two columns that are a place on the sky, and the index that finds them.

    `index` is on SQLite the name of an R*Tree ``(id, x0, x1, y0, y1, z0, z1)`` of the unit vectors, whose `id` is the
    table's ``rowid``; on PostgreSQL it says only that there is a GiST index of ``point(ra, dec)``. None: there is none.
    """

    ra: str
    dec: str
    index: str | None = None


@dataclass(frozen=True)
class Table:
    """A table that may be asked.

    `sql` is what stands for it after FROM, a name or a subquery in parentheses, trusted as it is; the columns have
    the same names there. Where it is a subquery, `reads` names the tables of the database that it reads.
    A subquery has `WITHIN` at the end of its conditions where the index of a position is to be asked in there.
    `immutable` means that whoever asks again gets the same. `somewhere` is where one of its rows is, if that is known.
    """

    schema: str
    name: str
    sql: str
    columns: tuple[Column, ...]
    positions: tuple[Position, ...] = ()
    description: str = ""
    title: str = ""
    size: int | None = None
    utype: str = ""
    reads: frozenset[str] = frozenset()
    immutable: bool = False
    somewhere: tuple[float, float] | None = None

    @property
    def full_name(self):
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass
class Tables:
    """The tables that one person may ask, found by name whatever its case."""

    by_name: dict[tuple[str, str], Table] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Iterable[Table]):
        """Gather tables."""
        return cls({(table.schema.lower(), table.name.lower()): table for table in tables})

    def __iter__(self):
        return iter(self.by_name.values())

    def find(self, name, schema=""):
        """Return the tables of that name: at most one with a schema, perhaps several without."""
        if schema:
            found = self.by_name.get((schema.lower(), name.lower()))
            return [found] if found else []
        return [table for (_, own), table in self.by_name.items() if own == name.lower()]
