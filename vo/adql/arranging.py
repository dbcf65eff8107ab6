"""GROUP BY, ORDER BY, TOP and OFFSET: how the rows of a query are put together, ordered and counted."""

from sqlglot import exp

from vo.adql.compiling import Context, check_arguments, not_adql
from vo.adql.errors import AdqlError
from vo.adql.parsing import position_of
from vo.adql.scopes import Scope
from vo.adql.values import NAMES, Value

LARGEST = 2**53
# What has no order, and no equality that both databases agree on.
SHAPELESS = ("array", "point", "circle", "polygon", "region")


def grouping(context: Context, group: exp.Group, node: exp.Select) -> list[str]:
    """Compile GROUP BY: columns, expressions, and names given by AS."""
    check_arguments(group, frozenset(("expressions",)))
    scope = context.scope
    scope.clause = "GROUP BY"
    aliased = {each.alias.lower(): each.this for each in node.expressions if isinstance(each, exp.Alias)}
    texts = []
    for each in group.expressions:
        if isinstance(each, exp.Literal):
            raise AdqlError(
                "GROUP BY takes columns, not their numbers", position_of(each) or position_of(group)
            )
        if isinstance(each, exp.Column) and not each.table and not scope.own(each.this, None, None):
            each = aliased.get(each.name.lower(), each)
        value = context.value(each)
        if value.kind in (*SHAPELESS, "null"):
            raise AdqlError(f"GROUP BY cannot tell {NAMES[value.kind]} from another", position_of(each))
        base = value.source is not None and value.source.table is not None
        texts.append(value.sql if base else context.backend.ordered(value))
        scope.grouped.add(value.sql)
    scope.loose.clear()
    return texts


def check_grouped(scope: Scope) -> None:
    """Refuse columns that have more than one value in a group."""
    for value, node in scope.loose:
        if value.sql not in scope.grouped:
            raise AdqlError(
                f"“{value.about.name}” has more than one value in a group",
                position_of(node),
                "name it in GROUP BY, or write an aggregate like MAX around it",
            )


def ordering(
    context: Context, order: exp.Order | None, items: list[tuple[str, Value]], only_selected: bool
) -> str:
    """Compile ORDER BY; NULLs are the greatest."""
    if order is None:
        return ""
    check_arguments(order, frozenset(("expressions",)))
    texts = []
    for each in order.expressions:
        if not isinstance(each, exp.Ordered):
            raise not_adql(each)
        check_arguments(each, frozenset(("this", "desc", "nulls_first")))
        number = ordinal(each.this, items)
        if number is not None:
            value, text = items[number - 1][1], str(number)
        else:
            value = context.value(each.this)
            text = context.backend.ordered(value)
            same = [at for at, (_, item) in enumerate(items, start=1) if item.sql == value.sql]
            if same:
                text = str(same[0])
            elif only_selected:
                raise AdqlError(
                    "ORDER BY can only use what is selected there", position_of(each), "select it too"
                )
            elif value.constant is not None or value.kind == "null":
                continue
        if value.kind in SHAPELESS:
            raise AdqlError(f"ORDER BY cannot order {NAMES[value.kind]}", position_of(each))
        texts.append(f"{text} {'DESC NULLS FIRST' if each.args.get('desc') else 'ASC NULLS LAST'}")
    return f" ORDER BY {', '.join(texts)}" if texts else ""


def ordinal(node: exp.Expr, items: list[tuple[str, Value]]) -> int | None:
    """Return which selected column is meant by a number or a name; None if it is another expression."""
    if isinstance(node, exp.Literal) and not node.is_string:
        if not node.this.isdigit() or not 1 <= int(node.this) <= len(items):
            raise AdqlError(
                f"There is no column number {node.this}", position_of(node), f"there are {len(items)}"
            )
        return int(node.this)
    if isinstance(node, exp.Column) and not node.table and isinstance(node.this, exp.Identifier):
        quoted = bool(node.this.args.get("quoted"))
        for number, (name, _) in enumerate(items, start=1):
            if name == node.name or (not quoted and name.lower() == node.name.lower()):
                return number
    return None


def limits(node: exp.Expr, limit: int | None) -> tuple[int | None, int | None]:
    """Return how many rows are wanted at most and how many are skipped."""
    top, offset = node.args.get("limit"), node.args.get("offset")
    count = whole(top, "TOP") if top is not None else None
    if limit is not None:
        count = limit if count is None else min(count, limit)
    return count, whole(offset, "OFFSET") if offset is not None else None


def whole(node: exp.Expr, name: str) -> int:
    """Return the number of TOP or OFFSET."""
    if not isinstance(node, (exp.Limit, exp.Offset)):
        raise not_adql(node)
    check_arguments(node, frozenset(("expression",)))
    number = node.args.get("expression")
    if isinstance(node, exp.Limit) and not node.meta.get("top"):
        raise AdqlError("LIMIT is no part of ADQL", position_of(node), "write TOP after SELECT")
    if (
        not isinstance(number, exp.Literal)
        or number.is_string
        or not number.this.isdigit()
        or int(number.this) > LARGEST
    ):
        raise AdqlError(f"{name} takes a whole number", position_of(node), f"write {name} 10")
    return int(number.this)
