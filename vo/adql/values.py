"""What an expression is once it is compiled: its text, and what is known of it."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vo.adql.tables import Column

if TYPE_CHECKING:
    from vo.adql.scopes import Source

# How tightly the outermost operator of a text binds; what binds less than its surroundings need goes in parentheses.
OR, AND, NOT, COMPARISON, CONCAT, SUM, PRODUCT, UNARY, ATOM = range(1, 10)

NUMBERS = ("int", "float")
SHAPES = ("point", "circle", "polygon", "region")
NAMES = {
    "bool": "a truth value",
    "int": "a number",
    "float": "a number",
    "text": "a text",
    "time": "a time",
    "array": "an array",
    "point": "a point",
    "circle": "a circle",
    "polygon": "a polygon",
    "region": "a region",
    "null": "NULL",
}


@dataclass(frozen=True)
class Value:
    """An expression in the language of a database.

    Attributes
    ----------
    sql : str
    about : Column
        Kind, unit, UCD and so on; its kind is "null" for NULL itself.
    binds : int
        How tightly its outermost operator does.
    constant : int, float, str or None
        What it is, where that can be known without the database.
    condition : bool
        The text is a condition that stands for the numbers 1 and 0, as CONTAINS gives them.
    column, source
        The column of a source that it is and nothing else.
    parts : tuple of Value
        The numbers that a shape was made of, if it was made in the query.
    near : Near, optional
        That this condition holds only near a place, for an index.
    """

    sql: str
    about: Column
    binds: int = ATOM
    constant: int | float | str | None = None
    condition: bool = False
    column: Column | None = None
    source: "Source | None" = None
    parts: tuple["Value", ...] = ()
    near: "Near | None" = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        return self.about.kind

    def within(self, binds: int) -> str:
        """Return the text, in parentheses if it binds less than its surroundings."""
        return self.sql if self.binds >= binds else f"({self.sql})"


@dataclass(frozen=True)
class Near:
    """That a point can only be within a radius, in degrees, of another one."""

    point: tuple[Value, Value]
    centre: tuple[Value, Value]
    radius: Value


def fact(kind: str, unit: str = "", ucd: str = "", description: str = "", xtype: str = "") -> Column:
    """Return what is known of a computed value."""
    return Column("", kind, unit=unit, ucd=ucd, description=description, xtype=xtype)


def shaped(kind: str) -> Column:
    """Return what is known of a computed shape."""
    return fact(kind, "deg", "pos.eq" if kind == "point" else "pos.outline;obs.field", xtype=kind)


def like(column: Column, kind: str = "", ucd: str | None = None) -> Column:
    """Return what is known of a value that is computed from one and measures the same."""
    kind = kind or column.kind
    kept = kind == column.kind
    ucd = column.ucd.removesuffix(";meta.main") if ucd is None else ucd
    return Column(
        "",
        kind,
        unit=column.unit,
        ucd=ucd,
        description=column.description,
        xtype=column.xtype if kept else "",
        shape=column.shape if kept else "",
        element=column.element if kept else "",
        time_scale=column.time_scale if kept else "",
    )


def named(column: Column, name: str) -> Column:
    """Return a column of an answer: no index and no standard come with it."""
    return replace(column, name=name, indexed=False, std=False, principal=True)


def of_aggregate(column: Column, statistic: str) -> str:
    """Return the UCD of a statistic of a column, as in ``stat.max;phot.mag``."""
    first = column.ucd.split(";")[0]
    ucd = column.ucd.removesuffix(";meta.main")
    return f"{statistic};{ucd}" if ucd and not first.startswith("stat.") else ucd
