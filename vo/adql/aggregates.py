"""Functions of groups of rows: COUNT, SUM, AVG, MIN, MAX and the joining of texts."""

from sqlglot import exp

from vo.adql.compiling import Context
from vo.adql.errors import AdqlError
from vo.adql.expressions import as_number
from vo.adql.functions import Arguments, function
from vo.adql.parsing import position_of
from vo.adql.values import NAMES, NUMBERS, Value, fact, like, of_aggregate


def aggregate(name: str, about: str) -> None:
    """Register an aggregate function."""

    def handler(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
        return aggregated(context, name, arguments[0], node)

    function(f"{name}({'*' if name == 'COUNT' else 'x'})", 1, about=about)(handler)


for name, about in (
    ("COUNT", "how many rows, or values that are not NULL"),
    ("SUM", "sum of the values that are not NULL"),
    ("AVG", "mean of the values that are not NULL"),
    ("MIN", "least of the values"),
    ("MAX", "greatest of the values"),
):
    aggregate(name, about)


def entered(context: Context, name: str, argument: exp.Expr, node: exp.Expr) -> Value:
    """Compile what an aggregate takes, where one may be."""
    scope = context.scope
    if scope.in_aggregate:
        raise AdqlError(
            f"{name} is inside of another aggregate", position_of(node), "use a subquery after FROM"
        )
    if scope.clause not in ("SELECT", "HAVING", "ORDER BY"):
        raise AdqlError(
            f"{name} is not possible in {scope.clause}",
            position_of(node),
            "conditions on groups go to HAVING",
        )
    scope.aggregated = scope.in_aggregate = True
    try:
        return context.value(argument)
    finally:
        scope.in_aggregate = False


def aggregated(context: Context, name: str, argument: exp.Expr, node: exp.Expr) -> Value:
    """Compile a call of an aggregate."""
    distinct = ""
    if name == "COUNT" and isinstance(argument, exp.Star):
        entered(context, name, exp.Literal.number(1), node)
        return Value("count(*)", fact("int", ucd="meta.number"))
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1 or argument.args.get("on"):
            raise AdqlError(f"{name} takes one expression after DISTINCT", position_of(node))
        distinct, argument = "DISTINCT ", argument.expressions[0]
    value = entered(context, name, argument, node)
    backend = context.backend
    if value.kind == "null":
        value = Value(backend.null("float"), fact("float"))
    kind = value.kind
    if name == "COUNT":
        if kind == "array" or (kind in ("point", "circle", "polygon", "region") and distinct):
            raise AdqlError(f"COUNT cannot tell {NAMES[kind]} from another", position_of(node))
        return Value(f"count({distinct}{backend.ordered(value)})", fact("int", ucd="meta.number"))
    allowed = (*NUMBERS, "time") if name in ("SUM", "AVG") else (*NUMBERS, "time", "text")
    if kind not in allowed:
        hint = "write SUM(CASE WHEN … THEN 1 ELSE 0 END)" if kind == "bool" else ""
        raise AdqlError(f"{name} takes no {NAMES[kind].split(' ', 1)[-1]}s", position_of(node), hint)
    statistic = {"SUM": "", "AVG": "stat.mean", "MIN": "stat.min", "MAX": "stat.max"}[name]
    ucd = of_aggregate(value.about, statistic) if statistic else like(value.about).ucd
    if name in ("MIN", "MAX"):
        return Value(f"{name.lower()}({distinct}{backend.ordered(value)})", like(value.about, kind, ucd))
    if name == "SUM" and as_number(value) == "int":
        return Value(backend.sum_of_int(f"sum({distinct}{value.sql})"), like(value.about, "int", ucd))
    return Value(f"{name.lower()}({distinct}{backend.as_float(value)})", like(value.about, "float", ucd))


@function("IVO_STRING_AGG(text, delimiter)", 2, about="the texts of a group, sorted and joined")
def string_agg(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    argument, distinct = arguments[0], isinstance(arguments[0], exp.Distinct)
    if distinct:
        argument = argument.expressions[0]
    value = entered(context, "IVO_STRING_AGG", argument, node)
    delimiter = context.value(arguments[1])
    if value.kind not in ("text", "null") or not isinstance(delimiter.constant, str):
        raise AdqlError(
            "IVO_STRING_AGG joins texts with a text", position_of(node), "write IVO_STRING_AGG(name, ', ')"
        )
    return Value(context.backend.string_agg(value, delimiter, distinct), fact("text", ucd=value.about.ucd))
