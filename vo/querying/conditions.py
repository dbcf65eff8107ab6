"""Conditions of a query, as far as they are constraints of a form."""

from typing import Any

from sqlglot import exp

from vo.adql.tables import Column, Table
from vo.querying.forming import NUMBER, Cone, Constraint, Range, Truth, Words

NUMERIC = ("int", "float", "time")


class BeyondForm(Exception):
    """A query says more than a form can; the message says what, in words that end a sentence."""


def constraints_of(where: exp.Expr | None, table: Table) -> tuple[Constraint, ...]:
    """Return what a WHERE asks of a table, or say what is beyond the form."""
    found: dict[Any, Constraint] = {}
    for node in conjuncts(where.this) if where is not None else []:
        constraint = _constraint(node, table)
        key = constraint.columns if isinstance(constraint, Cone) else constraint.column
        found[key] = _together(found[key], constraint) if key in found else constraint
    return tuple(found.values())


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """Return the conditions of which all must hold, in their order."""
    rest: list[exp.Expr] = [node]
    found: list[exp.Expr] = []
    while rest:
        one = rest.pop()
        while isinstance(one, exp.Paren):
            one = one.this
        if isinstance(one, exp.And):
            rest += [one.expression, one.this]
        else:
            found.append(one)
    return found


def _together(one: Constraint, other: Constraint) -> Range:
    """Return a bound from below and one from above as one range."""
    twice = BeyondForm("it says two things of one column")
    if not isinstance(one, Range) or not isinstance(other, Range):
        raise twice
    if (one.low and other.low) or (one.high and other.high):
        raise twice
    return Range(
        one.column,
        one.low or other.low,
        one.high or other.high,
        one.above or other.above,
        one.below or other.below,
    )


def _constraint(node: exp.Expr, table: Table) -> Constraint:
    if isinstance(node, exp.Between):
        column = _of_kind(node.this, table, NUMERIC)
        return Range(column.name, _bound(node.args["low"], column), _bound(node.args["high"], column))
    if isinstance(node, (exp.GT, exp.GTE, exp.LT, exp.LTE)):
        return _compared(node, table)
    if isinstance(node, exp.ILike) and not node.args.get("negate"):
        column, pattern = _of_kind(node.this, table, ("text",)), _text(node.expression)
        if "*" in pattern or "%" not in pattern or "," in pattern:
            raise BeyondForm("its pattern has letters that mean something else in the form")
        return Words(column.name, (_shown(pattern.replace("%", "*")),))
    if isinstance(node, exp.In) and not node.args.get("query"):
        column = _of_kind(node.this, table, ("text",))
        texts = tuple(_listed(each) for each in node.expressions)
        if len(texts) < 2:
            raise BeyondForm("it has a list of one")
        return Words(column.name, texts)
    if isinstance(node, exp.EQ):
        return _equal(node, table)
    raise BeyondForm("it has a condition that is not in the form")


def _compared(node: exp.Binary, table: Table) -> Range:
    left, right, flipped = node.this, node.expression, False
    if not isinstance(left, exp.Column):
        left, right, flipped = right, left, True
    column = _of_kind(left, table, NUMERIC)
    text, strict = _bound(right, column), isinstance(node, (exp.GT, exp.LT))
    if isinstance(node, (exp.GT, exp.GTE)) != flipped:
        return Range(column.name, low=text, above=strict)
    return Range(column.name, high=text, below=strict)


def _equal(node: exp.EQ, table: Table) -> Constraint:
    left, right = node.this, node.expression
    if not isinstance(left, (exp.Column, exp.Anonymous)):
        left, right = right, left
    if isinstance(left, exp.Anonymous):
        if isinstance(right, exp.Literal) and not right.is_string and right.name == "1":
            return _cone(left, table)
        raise BeyondForm("it compares a function with something")
    column = _of_kind(left, table, ("text", "bool", *NUMERIC))
    if column.kind == "bool":
        return Truth(column.name, _truth(right))
    if column.kind == "text":
        return Words(column.name, (_listed(right),))
    text = _bound(right, column)
    return Range(column.name, text, text)


def _cone(node: exp.Anonymous, table: Table) -> Cone:
    beyond = BeyondForm("it uses the sky otherwise than by a circle around a place")
    inside, outside = _arguments(node, "CONTAINS", 2) or (None, None)
    point, circle = _arguments(inside, "POINT", 2), _arguments(outside, "CIRCLE", 3)
    if point is None or circle is None:
        raise beyond
    columns = tuple(column_of(each, table, str(beyond)).name for each in point)
    if columns not in places_of(table):
        raise beyond
    ra, dec, radius = (_number(each) for each in circle)
    return Cone((columns[0], columns[1]), ra, dec, radius)


def places_of(table: Table) -> list[tuple[str, str]]:
    """Return the pairs of columns that are places on the sky."""
    found = [(place.ra, place.dec) for place in table.positions]
    by_ucd = {column.ucd.lower().split(";")[0]: column.name for column in reversed(table.columns)}
    pair = by_ucd.get("pos.eq.ra"), by_ucd.get("pos.eq.dec")
    if not found and pair[0] and pair[1]:
        found.append((pair[0], pair[1]))
    return found


def _arguments(node: Any, name: str, count: int) -> list[exp.Expr] | None:
    """Return the arguments of a function, without the frame of coordinates; None if it is another."""
    if not isinstance(node, exp.Anonymous) or node.name.upper() != name:
        return None
    arguments = list(node.expressions)
    first = arguments[0] if arguments else None
    if (
        len(arguments) == count + 1
        and isinstance(first, exp.Literal)
        and first.is_string
        and first.name == "ICRS"
    ):
        arguments = arguments[1:]
    return arguments if len(arguments) == count else None


def _of_kind(node: exp.Expr, table: Table, kinds: tuple[str, ...]) -> Column:
    column = column_of(node, table, "it compares more than a column with a value")
    if column.kind not in kinds:
        raise BeyondForm(f"it asks something else of “{column.name}” than the form does")
    return column


def _bound(node: exp.Expr, column: Column) -> str:
    if isinstance(node, exp.Literal) and node.is_string:
        if column.kind != "time" or NUMBER.fullmatch(node.name):
            raise BeyondForm(f"it compares “{column.name}” with a text")
        return _shown(node.name)
    return _number(node)


def _number(node: exp.Expr) -> str:
    sign = ""
    if isinstance(node, exp.Neg):
        node, sign = node.this, "-"
    if not isinstance(node, exp.Literal) or node.is_string:
        raise BeyondForm("it calculates with what it compares")
    return sign + node.name


def _text(node: exp.Expr) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise BeyondForm("it compares a text with something else")
    return node.name


def _listed(node: exp.Expr) -> str:
    text = _text(node)
    if "*" in text or "," in text:
        raise BeyondForm("it has a text with a letter that means something else in the form")
    return _shown(text)


def _shown(text: str) -> str:
    """Return a text that a field of a form keeps as it is."""
    if not text or text != text.strip() or not text.isprintable():
        raise BeyondForm("it has a text that no field keeps as it is")
    return text


def _truth(node: exp.Expr) -> bool:
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal) and node.name.lower() in ("0", "1", "true", "false"):
        return node.name.lower() in ("1", "true")
    raise BeyondForm("it compares a truth with something else")


def column_of(node: exp.Expr, table: Table, else_: str) -> Column:
    """Return the column that a part of a query is, or say what is beyond the form."""
    plain = isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier)
    if not plain or any(argument for name, argument in node.args.items() if name != "this"):
        raise BeyondForm(else_)
    named = [column for column in table.columns if column.name.lower() == node.name.lower()]
    if node.this.args.get("quoted"):
        named = [column for column in named if column.name == node.name] or named
    if len(named) != 1:
        raise BeyondForm(f"“{node.name}” is no column of the table")
    return named[0]
