"""UNION, INTERSECT and EXCEPT: their columns made alike, their order kept, and what SQLite lacks written otherwise."""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from vo.adql.compiling import Context, Query, check_arguments
from vo.adql.errors import AdqlError
from vo.adql.parsing import position_of
from vo.adql.tables import Column
from vo.adql.values import NAMES, SHAPES, Value

OPERATORS = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}
Compile = Callable[..., Query]


def set_operation(context: Context, node: exp.SetOperation, compile_query: Compile) -> Query:
    """Compile the operands of a row of set operations and join them from left to right."""
    chain: list[exp.SetOperation] = []
    leftmost: exp.Expr = node
    while isinstance(leftmost, exp.SetOperation) and (leftmost is node or plain(leftmost)):
        check_arguments(
            leftmost, frozenset(("this", "expression", "distinct", "order", "limit", "offset", "with_"))
        )
        chain.append(leftmost)
        leftmost = leftmost.this
    operands = [compile_query(context, context.scope, leftmost)]
    operands += [compile_query(context, context.scope, each.expression) for each in reversed(chain)]
    if len({len(operand.columns) for operand in operands}) > 1:
        counts = " and ".join(str(len(operand.columns)) for operand in operands)
        raise AdqlError(
            f"The queries have {counts} columns", position_of(node.expression), "select as many in each"
        )
    columns = tuple(
        together([operand.columns[at] for operand in operands], at, node)
        for at in range(len(operands[0].columns))
    )
    operands = [cast(context, operand, columns) for operand in operands]
    result = operands[0]
    for each, operand in zip(reversed(chain), operands[1:], strict=True):
        result = combine(context, each, result, operand, first=result is operands[0])
    return Query(result.sql, columns, simple=False)


def plain(node: exp.Expr) -> bool:
    """Say whether nothing is done with the rows of a set operation before the next one takes them."""
    return not any(node.args.get(name) for name in ("order", "limit", "offset", "with_"))


def together(columns: list[Column], at: int, node: exp.Expr) -> Column:
    """Return the column that several have become."""
    kinds = {column.kind for column in columns}
    first = columns[0]
    if len(kinds) > 1:
        if kinds <= {"int", "float", "time"}:
            first = replace(first, kind="float", xtype="")
        elif kinds <= {*SHAPES}:
            first = replace(first, kind="region", xtype="")
        else:
            other = next(column for column in columns if column.kind != first.kind)
            raise AdqlError(
                f"Column {at + 1} is {NAMES[first.kind]} in one query and {NAMES[other.kind]} in another",
                position_of(node.expression),
                "CAST one of them",
            )
    if first.kind == "array":
        raise AdqlError("Arrays cannot be compared by UNION and its like", position_of(node.expression))
    same_unit = all(column.unit == first.unit for column in columns)
    return first if same_unit else replace(first, unit="")


def cast(context: Context, query: Query, columns: tuple[Column, ...]) -> Query:
    """Return a query whose whole numbers are real ones where the others' are."""
    if all(
        own.kind != "int" or column.kind == "int" for own, column in zip(query.columns, columns, strict=True)
    ):
        return query
    alias = context.compiler.alias("q")
    items = []
    for at, (own, column) in enumerate(zip(query.columns, columns, strict=True), start=1):
        name = f"{alias}.c{at}"
        turned = own.kind == "int" and column.kind != "int"
        items.append(f"{context.backend.as_float(Value(name, own)) if turned else name} AS c{at}")
    return Query(f"SELECT {', '.join(items)} FROM ({query.sql}) AS {alias}", columns)


def combine(context: Context, node: exp.SetOperation, left: Query, right: Query, first: bool) -> Query:
    """Join two queries; the left one may be a row of them already."""
    operator, every = OPERATORS[type(node)], not node.args.get("distinct")
    if every and operator != "UNION" and context.backend.name == "sqlite":
        return counted(context, operator, left, right)
    ours = left.sql if (left.simple or not first) and operator != "INTERSECT" else wrapped(context, left)
    if left.simple and operator == "INTERSECT":
        ours = left.sql
    theirs = right.sql if right.simple else wrapped(context, right)
    return Query(f"{ours} {operator}{' ALL' if every else ''} {theirs}", left.columns, simple=False)


def wrapped(context: Context, query: Query) -> str:
    """Return a query as a plain SELECT."""
    alias = context.compiler.alias("q")
    items = ", ".join(f"{alias}.c{at} AS c{at}" for at in range(1, len(query.columns) + 1))
    return f"SELECT {items} FROM ({query.sql}) AS {alias}"


def counted(context: Context, operator: str, left: Query, right: Query) -> Query:
    """Return INTERSECT ALL or EXCEPT ALL for SQLite: rows that are the same are numbered, and are different then."""
    names = [f"c{at}" for at in range(1, len(left.columns) + 1)]
    sides = []
    for query in (left, right):
        alias = context.compiler.alias("q")
        own = ", ".join(f"{alias}.{name}" for name in names)
        sides.append(
            f"SELECT {', '.join(f'{alias}.{name} AS {name}' for name in names)}, "
            f"row_number() OVER (PARTITION BY {own}) AS n FROM ({query.sql}) AS {alias}"
        )
    alias = context.compiler.alias("q")
    items = ", ".join(f"{alias}.{name} AS {name}" for name in names)
    return Query(f"SELECT {items} FROM ({sides[0]} {operator} {sides[1]}) AS {alias}", left.columns)
