"""Walking the tree: each kind of node has one function that knows it, and what none knows is refused.

This list, with the arguments that each node may carry, is what keeps hostile queries out: nothing of a query's text
reaches a database but numbers, texts in quotes, and names that were found in the catalogue.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from vo.adql.backends import Backend
from vo.adql.errors import AdqlError
from vo.adql.parsing import position_of
from vo.adql.scopes import Scope
from vo.adql.tables import Column, Table, Tables
from vo.adql.values import NAMES, NUMBERS, Value

MOST_TABLES = 20
MOST_SELECTS = 50
DEEPEST_CALLS = 150
LONGEST_SQL = (
    2_000_000  # characters; some expressions are written more than once, and those inside of them too
)

Handler = Callable[["Context", Any], Value]
HANDLERS: dict[type, tuple[Handler, frozenset[str]]] = {}
# How to call what is refused.
REFUSED = {
    "Window": "Window functions are",
    "Tuple": "A list of values in parentheses is",
    "All": "ALL with a subquery is",
    "Any": "ANY with a subquery is",
    "Lambda": "“->” is",
    "Dot": "So many dots are",
    "Concat": "Texts one after the other are",
    "PropertyEQ": "“:=” is",
    "Star": "“*” there is",
    "Alias": "A name with AS there is",
    "Distinct": "DISTINCT there is",
}


def compiles(*types: type, takes: str = "") -> Callable[[Handler], Handler]:
    """Register how nodes are compiled, and which of their arguments may be set."""

    def register(handler: Handler) -> Handler:
        for each in types:
            HANDLERS[each] = handler, frozenset(takes.split())
        return handler

    return register


@dataclass(frozen=True)
class Query:
    """A compiled query: its columns are called c1, c2, … in `sql`, and `columns` says what they are."""

    sql: str
    columns: tuple[Column, ...]
    simple: bool = True  # a SELECT and no more, that may stand beside UNION as it is
    single: bool = False  # one row at most


@dataclass
class Compiler:
    """What belongs to the whole of one query."""

    tables: Tables
    backend: Backend
    numbers: dict[str, list[str]]
    read: set[Table] = field(default_factory=set)
    n_sources: int = 0
    n_tables: int = 0
    n_selects: int = 0
    depth: int = 0
    # How a query inside of an expression is compiled; said by `queries`, which knows expressions itself.
    subquery: "Callable[[Context, exp.Expr, str], Query] | None" = None

    def alias(self, letter: str = "t") -> str:
        """Return a name that no other source has."""
        self.n_sources += 1
        return f"{letter}{self.n_sources}"


# Whether a condition, where it is false, drops a row: by itself, or only if others are false as well.
NOT_AT_ALL, TOGETHER, ALONE = 0, 1, 2


@dataclass
class Context:
    """Where in a query an expression stands."""

    compiler: Compiler
    scope: Scope
    filtering: int = (
        NOT_AT_ALL  # whether a false condition drops the row, so that an index may be asked first
    )

    @property
    def backend(self) -> Backend:
        return self.compiler.backend

    def subquery(self, node: exp.Expr, what: str) -> "Query":
        """Compile a query that is part of an expression."""
        assert self.compiler.subquery is not None
        return self.compiler.subquery(self, node, what)

    def raw(self, node: exp.Expr, filtering: int = NOT_AT_ALL) -> Value:
        """Compile a node; what CONTAINS and its like give stays a condition."""
        known = HANDLERS.get(type(node))
        if known is None:
            raise not_adql(node)
        handler, takes = known
        check_arguments(node, takes)
        self.compiler.depth += 1
        if self.compiler.depth > DEEPEST_CALLS:
            raise AdqlError("The query is nested too deeply", position_of(node), "take it apart with WITH")
        mark, outer, self.filtering = len(self.scope.loose), self.filtering, filtering
        try:
            value = handler(self, node)
        finally:
            self.compiler.depth -= 1
            self.filtering = outer
        if len(value.sql) > LONGEST_SQL:
            raise AdqlError(
                "The query becomes too long when it is translated",
                position_of(node),
                "use a subquery after FROM",
            )
        if value.sql in self.scope.grouped and not self.scope.in_aggregate:
            del self.scope.loose[mark:]
        return value

    def value(self, node: exp.Expr) -> Value:
        """Compile a node to a value."""
        return self.backend.plain(self.raw(node))

    def number(self, node: exp.Expr, what: str) -> Value:
        """Compile a node to a number, for what is named."""
        value = self.value(node)
        if value.kind == "null":
            return Value(self.backend.null("float"), Column("", "float"))
        if value.kind not in (*NUMBERS, "time"):
            raise AdqlError(
                f"{what} takes numbers, and this is {NAMES[value.kind]}", position_of(node), cast_hint(value)
            )
        return value

    def string(self, node: exp.Expr, what: str) -> Value:
        """Compile a node to a text, for what is named."""
        value = self.value(node)
        if value.kind == "null":
            return Value(self.backend.null("text"), Column("", "text"))
        if value.kind != "text":
            hint = "write CAST(… AS VARCHAR(20))" if value.kind in NUMBERS else ""
            raise AdqlError(f"{what} takes texts, and this is {NAMES[value.kind]}", position_of(node), hint)
        return value

    def condition(self, node: exp.Expr, filtering: int = NOT_AT_ALL) -> Value:
        """Compile a node to something that is true or not."""
        value = self.raw(node, filtering)
        if value.condition or value.kind not in ("bool", "null"):
            function = node.name.upper() if isinstance(node, exp.Anonymous) else "it"
            raise AdqlError(
                f"This is {NAMES[value.kind]} and no condition",
                position_of(node),
                f"compare {function} with something, as in 1 = …",
            )
        return value


def cast_hint(value: Value) -> str:
    return "write CAST(… AS DOUBLE PRECISION)" if value.kind == "text" else ""


def check_arguments(node: exp.Expr, takes: frozenset[str]) -> None:
    """Refuse a node that carries what its function does not look at."""
    for name, argument in node.args.items():
        if name not in takes and argument is not None and argument is not False and argument != []:
            raise AdqlError(
                f"“{name.strip('_').replace('_', ' ')}” is no part of ADQL there", position_of(node)
            )


def not_adql(node: exp.Expr) -> AdqlError:
    """Say that a part of the query is not ADQL."""
    kind = type(node).__name__
    return AdqlError(f"{REFUSED.get(kind, f'“{kind}” is')} no part of ADQL", position_of(node))
