"""Columns, literals and arithmetic."""

import math

from sqlglot import exp

from vo.adql.compiling import Context, compiles, not_adql
from vo.adql.errors import AdqlError
from vo.adql.parsing import position_of
from vo.adql.tables import Column
from vo.adql.values import ATOM, CONCAT, NAMES, PRODUCT, SUM, UNARY, Value, fact, like

LONGEST_CHAIN = 500  # operators one after the other; SQLite nests 1,000


@compiles(exp.Column, takes="this table db")
def column(context: Context, node: exp.Column) -> Value:
    if not isinstance(node.this, exp.Identifier):
        raise not_adql(node.this)
    value, scope = context.scope.find(node)
    if not scope.in_aggregate:
        scope.loose.append((value, node))
    return value


@compiles(exp.Paren, takes="this")
def parenthesis(context: Context, node: exp.Paren) -> Value:
    return context.raw(node.this, context.filtering)


@compiles(exp.Literal, takes="this is_string")
def literal(context: Context, node: exp.Literal) -> Value:
    if node.is_string:
        return Value(context.backend.text(node.this), fact("text"), constant=node.this)
    if node.this in context.compiler.numbers:
        raise AdqlError("A list of numbers is no number", position_of(node))
    return constant(context, read_number(node.this))


NULL = Value("NULL", fact("null"))


@compiles(exp.Null)
def null(context: Context, node: exp.Null) -> Value:
    return NULL


@compiles(exp.Boolean, takes="this")
def boolean(context: Context, node: exp.Boolean) -> Value:
    return Value(
        context.backend.true if node.this else context.backend.false, fact("bool"), constant=int(node.this)
    )


def read_number(text: str) -> int | float:
    """Return the number that a literal writes."""
    if text.isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise AdqlError(f"{text} is too large for a number", hint="the largest is about 1.8e308")
    return number


def constant(context: Context, number: int | float, about: Column | None = None) -> Value:
    """Return a number that is known."""
    about = about or fact("int" if isinstance(number, int) else "float")
    binds = ATOM if number >= 0 and math.copysign(1, number) > 0 else UNARY
    if binds == UNARY and isinstance(number, float) and context.backend.name == "postgresql":
        binds = ATOM  # float8 '-1.0'
    return Value(context.backend.number(number), about, binds, constant=number)


@compiles(exp.Neg, takes="this")
def negative(context: Context, node: exp.Neg) -> Value:
    # A long row of signs is no nesting to whoever writes it.
    sign, inner = -1, node.this
    while isinstance(inner, (exp.Neg, exp.Paren)):
        sign = -sign if isinstance(inner, exp.Neg) else sign
        inner = inner.this
    value = context.number(inner, "A sign")
    if sign > 0:
        return Value(value.sql, like(value.about), value.binds, constant=value.constant)
    if isinstance(value.constant, (int, float)):
        return constant(context, -value.constant)
    return Value(f"-{value.within(ATOM)}", fact(as_number(value), value.about.unit), UNARY)


def as_number(value: Value) -> str:
    """Return the kind of number that a value is in arithmetic."""
    return "int" if value.kind == "int" else "float"


SIGNS: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


@compiles(exp.Add, exp.Sub, exp.Mul, exp.Div, takes="this expression typed safe")
def arithmetic(context: Context, node: exp.Binary) -> Value:
    chain: list[exp.Binary] = []
    leftmost: exp.Expr = node
    while isinstance(leftmost, exp.Binary) and type(leftmost) in SIGNS:
        chain.append(leftmost)
        leftmost = leftmost.this
    if len(chain) > LONGEST_CHAIN:
        raise AdqlError(
            f"More than {LONGEST_CHAIN} operators follow one another", position_of(node), "take it apart"
        )
    value = context.number(leftmost, f"“{SIGNS[type(chain[-1])]}”")
    for each in reversed(chain):
        value = combined(
            context, type(each), value, context.number(each.expression, f"“{SIGNS[type(each)]}”")
        )
    return value


def combined(context: Context, operator: type, left: Value, right: Value) -> Value:
    """Return what two numbers give."""
    backend, sign = context.backend, SIGNS[operator]
    floating = "float" in (as_number(left), as_number(right))
    about = result(operator, left, right, "float" if floating else "int")
    known = folded(operator, left.constant, right.constant)
    if known is not None:
        return constant(context, known, about)
    if operator is exp.Div:
        return Value(backend.divide(left, right, floating), about, PRODUCT)
    binds = PRODUCT if operator is exp.Mul else SUM
    first = left.within(binds) if floating else wide(context, left, binds)
    return Value(f"{first} {sign} {right.within(binds + 1)}", about, binds)


def wide(context: Context, value: Value, binds: int) -> str:
    """Return the text of a whole number, of 64 bits if it is a column."""
    return context.backend.wide(value) if value.column is not None else value.within(binds)


def folded(operator: type, left: object, right: object) -> int | float | None:
    """Return the result for two constants, as both databases would compute it; None if they have to."""
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return None
    try:
        if operator is exp.Div:
            if right == 0:
                return None
            if isinstance(left, int) and isinstance(right, int):
                return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            number = left / right
        else:
            number = (
                left + right if operator is exp.Add else left - right if operator is exp.Sub else left * right
            )
    except OverflowError:
        return None
    fits = math.isfinite(number) if isinstance(number, float) else abs(number) < 2**63
    return number if fits else None


def result(operator: type, left: Value, right: Value, kind: str) -> Column:
    """Return what is known of a result: a sum has the unit of both, whatever is multiplied has none we could name."""
    if operator in (exp.Add, exp.Sub):
        measured = [value for value in (left, right) if value.constant is None and value.kind != "null"]
        if measured and len({value.about.unit for value in measured}) == 1:
            return fact(kind, measured[0].about.unit)
    return fact(kind)


@compiles(exp.DPipe, takes="this expression safe")
def concatenation(context: Context, node: exp.DPipe) -> Value:
    parts: list[exp.Expr] = []
    rest: exp.Expr = node
    while isinstance(rest, exp.DPipe):
        parts.append(rest.expression)
        rest = rest.this
    parts.append(rest)
    if len(parts) > LONGEST_CHAIN:
        raise AdqlError(f"More than {LONGEST_CHAIN} texts are joined", position_of(node), "take it apart")
    values = [context.string(part, "“||”") for part in reversed(parts)]
    return Value(" || ".join(value.within(CONCAT + 1) for value in values), fact("text"), CONCAT)


def common(context: Context, values: list[Value], nodes: list[exp.Expr], what: str) -> tuple[str, list[str]]:
    """Return the kind that values have together and their texts made so; they are alternatives of one another."""
    kinds = {value.kind for value in values} - {"null"}
    if not kinds:
        return "null", [value.sql for value in values]
    if kinds <= {"int", "float"} or kinds <= {"int", "float", "time"}:
        kind = kinds.pop() if len(kinds) == 1 else "float"
        if kind == "float":
            return kind, [
                context.backend.as_float(value) if value.kind == "int" else value.sql for value in values
            ]
        return kind, [value.sql for value in values]
    if len(kinds) > 1:
        first = next(value for value in values if value.kind != "null")
        other, node = next(
            (value, node)
            for value, node in zip(values, nodes, strict=True)
            if value.kind not in (first.kind, "null")
        )
        raise AdqlError(
            f"{what} gives {NAMES[first.kind]} here and {NAMES[other.kind]} there",
            position_of(node),
            "CAST one of them",
        )
    kind = kinds.pop()
    return kind, [context.backend.ordered(value) for value in values]


def alike(values: list[Value], kind: str) -> Column:
    """Return what alternatives have in common."""
    known = [value.about for value in values if value.kind != "null" and value.constant is None]
    if not known:
        return fact(kind)
    first = known[0]
    same_unit = all(each.unit == first.unit for each in known)
    same_ucd = all(each.ucd == first.ucd for each in known)
    about = like(first, kind)
    return fact(kind, about.unit if same_unit else "", about.ucd if same_ucd else "", xtype=about.xtype)
