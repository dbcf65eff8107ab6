"""Where names are looked up: the tables of a query, their columns, and the queries around it."""

from dataclasses import dataclass, field

from sqlglot import exp

from vo.adql.errors import AdqlError, did_you_mean
from vo.adql.parsing import position_of
from vo.adql.tables import Table
from vo.adql.values import Value


@dataclass(eq=False)
class Source:
    """Something after FROM: `alias` is ours, `name` the query's."""

    alias: str
    name: str
    columns: list[Value]  # each with its `about`, whose name is the column's
    table: Table | None = None
    schema: str = ""
    quoted: bool = False
    within: list[str] = field(
        default_factory=list
    )  # what must hold for rows of its subquery, in words of that

    def find(self, name: str, quoted: bool) -> list[Value]:
        """Return the columns of that name; exactly so named if it is quoted, else whatever the case."""
        exact = [value for value in self.columns if value.about.name == name]
        if exact or quoted:
            return exact
        return [value for value in self.columns if value.about.name.lower() == name.lower()]


@dataclass(eq=False)
class Scope:
    """What one SELECT sees."""

    parent: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    ctes: dict[str, "object"] = field(default_factory=dict)
    # What SELECT * gives, where NATURAL or USING made one column of two.
    merged: list[tuple[Value, frozenset[int]]] = field(default_factory=list)
    # Columns seen outside of aggregates, with the place where: in a grouped query they have to be grouped.
    loose: list[tuple[Value, exp.Expr]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)
    aggregated: bool = False
    # Where we are: aggregates may not be in WHERE, GROUP BY, ON, nor in one another.
    clause: str = "SELECT"
    in_aggregate: bool = False
    # The sources that an index may be asked for; None means all.
    searched: list[Source] | None = None

    def chain(self) -> "list[Scope]":
        """Return this and the surrounding ones, from the inside out."""
        return [self, *(self.parent.chain() if self.parent is not None else [])]

    def cte(self, name: str) -> "object | None":
        """Return the query of a WITH, the innermost first."""
        for scope in self.chain():
            if name.lower() in scope.ctes:
                return scope.ctes[name.lower()]
        return None

    def find(self, node: exp.Column) -> "tuple[Value, Scope]":
        """Return the column that is meant, and whose scope it is."""
        name, table = node.this, node.args.get("table")
        schema = node.args.get("db")
        for scope in self.chain():
            found = scope.own(name, table, schema)
            if len(found) > 1:
                names = " or ".join(
                    sorted({f"{value.source.name}.{name.name}" for value in found if value.source})
                )
                raise AdqlError(
                    f"“{name.name}” is in more than one table", position_of(node), f"write {names}"
                )
            if found:
                return found[0], scope
        raise self.unknown(node)

    def own(
        self, name: exp.Identifier, table: exp.Identifier | None, schema: exp.Identifier | None
    ) -> list[Value]:
        """Return the columns of this SELECT that a name can mean."""
        if table is None:
            quoted = bool(name.args.get("quoted"))
            merged: list[Value] = []
            hidden: set[int] = set()
            for value, parts in self.merged:
                if value.about.name == name.name if quoted else value.about.name.lower() == name.name.lower():
                    merged.append(value)
                    hidden |= parts
            return merged + [
                value
                for source in self.sources
                for value in source.find(name.name, quoted)
                if id(value) not in hidden
            ]
        return [
            value
            for source in self.named(table, schema)
            for value in source.find(name.name, bool(name.args.get("quoted")))
        ]

    def named(self, table: exp.Identifier, schema: exp.Identifier | None) -> list[Source]:
        """Return the sources of this SELECT that go by that name."""
        return [
            source
            for source in self.sources
            if source.name.lower() == table.name.lower()
            and (schema is None or source.schema.lower() == schema.name.lower())
        ]

    def unknown(self, node: exp.Column) -> AdqlError:
        """Say that a column is none, and which may be meant."""
        name, table = node.this, node.args.get("table")
        position = position_of(node)
        known = [source for scope in self.chain() for source in scope.sources]
        if table is not None:
            of = [source for scope in self.chain() for source in scope.named(table, node.args.get("db"))]
            if not of:
                return AdqlError(
                    f"There is no table “{table.name}” after FROM",
                    position,
                    did_you_mean(table.name, [source.name for source in known])
                    or "an alias hides the name of its table",
                )
            known = of
        columns = [value.about.name for source in known for value in source.columns]
        where = (
            f"table “{table.name}”"
            if table is not None
            else "these tables"
            if len(known) != 1
            else f"“{known[0].name}”"
        )
        hint = did_you_mean(name.name, columns)
        if not hint and name.args.get("quoted"):
            hint = "write ' around texts"
        elif not hint and columns:
            hint = "its columns are " + ", ".join(columns[:8]) + (" …" if len(columns) > 8 else "")
        return AdqlError(f"There is no column “{name.name}” in {where}", position, hint)


def unmerged(scope: Scope) -> list[Value]:
    """Return what SELECT * gives: the merged columns first, then the others of every source in their order."""
    hidden = {part for _, parts in scope.merged for part in parts}
    return [value for value, _ in scope.merged] + [
        value for source in scope.sources for value in source.columns if id(value) not in hidden
    ]
