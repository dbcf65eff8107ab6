"""Conditions: comparing, LIKE, IN, EXISTS, and putting them together."""

from sqlglot import exp

from vo.adql.compiling import TOGETHER, Context, compiles
from vo.adql.errors import AdqlError
from vo.adql.expressions import NULL, alike, common, read_number
from vo.adql.parsing import position_of
from vo.adql.searching import prefilter
from vo.adql.times import mjd_of
from vo.adql.values import AND, COMPARISON, CONCAT, NAMES, NOT, NUMBERS, OR, Near, Value, fact, like

BOOL = fact("bool")
OPERATORS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
CHAIN = 60  # conditions joined without parentheses; more are halved, so that none is nested deeply


@compiles(exp.And, exp.Or, takes="this expression")
def junction(context: Context, node: exp.Binary) -> Value:
    operator, binds = (" AND ", AND) if isinstance(node, exp.And) else (" OR ", OR)
    filtering = context.filtering if isinstance(node, exp.And) else min(context.filtering, TOGETHER)
    parts: list[exp.Expr] = []
    rest: exp.Expr = node
    while type(rest) is type(node):
        parts.append(rest.expression)
        rest = rest.this
    parts.append(rest)
    texts = [context.condition(part, filtering).within(binds + 1) for part in reversed(parts)]
    while len(texts) > CHAIN:
        texts = [
            f"({operator.join(texts[start : start + CHAIN])})"
            if texts[start + 1 : start + 2]
            else texts[start]
            for start in range(0, len(texts), CHAIN)
        ]
    return Value(operator.join(texts), BOOL, binds)


@compiles(exp.Not, takes="this")
def negation(context: Context, node: exp.Not) -> Value:
    sign, inner = False, node.this
    while isinstance(inner, (exp.Not, exp.Paren)):
        sign = sign != isinstance(inner, exp.Not)
        inner = inner.this
    if isinstance(inner, exp.Is) and not sign:
        return is_null(context, inner, " NOT")
    value = context.condition(inner)
    return value if sign else not_(value)


def not_(value: Value) -> Value:
    """Return the opposite of a condition."""
    return Value(f"NOT {value.within(NOT)}", BOOL, NOT)


@compiles(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, takes="this expression")
def comparison(context: Context, node: exp.Binary) -> Value:
    operator, filtering = OPERATORS[type(node)], context.filtering
    left, right = context.raw(node.this), context.raw(node.expression)
    value = compared(context, operator, left, right, node)
    return searched(context, value) if filtering and value.near else value


def compared(context: Context, operator: str, left: Value, right: Value, node: exp.Expr) -> Value:
    """Return the comparison of two values, whose kinds have to go together."""
    for one, other in ((left, right), (right, left)):
        wanted = switch(other)
        if one.condition and wanted is not None and operator in ("=", "<>"):
            return one_or_not(one, wanted == (operator == "="))
    near = right.near if operator in (">", ">=") else left.near if operator in ("<", "<=") else None
    limit = left if operator in (">", ">=") else right
    left, right = context.backend.plain(left), context.backend.plain(right)
    left, right = matched(context, left, right, node), matched(context, right, left, node)
    kinds = {left.kind, right.kind}
    if "null" in kinds:
        raise AdqlError("Nothing equals NULL", position_of(node), "write IS NULL or IS NOT NULL")
    if kinds <= {"int", "float", "time"}:
        text = f"{left.within(CONCAT)} {operator} {right.within(CONCAT)}"
    elif kinds in ({"text"}, {"bool"}):
        ordered = kinds == {"text"} and (operator not in ("=", "<>") or not indexable(left, right))
        texts = [context.backend.ordered(each) if ordered else each.within(CONCAT) for each in (left, right)]
        text = f"{texts[0]} {operator} {texts[1]}"
    else:
        raise AdqlError(
            f"{described(left)} and {described(right)} cannot be compared",
            position_of(node),
            remedy(left, right),
        )
    if near is not None and limit.kind in NUMBERS:
        return Value(text, BOOL, COMPARISON, near=Near(near.point, near.centre, limit))
    return Value(text, BOOL, COMPARISON)


def switch(value: Value) -> bool | None:
    """Return whether a constant is 1 or 0, as CONTAINS is compared with; None if it is neither."""
    return None if isinstance(value.constant, str | None) else {0.0: False, 1.0: True}.get(value.constant)


def indexable(*values: Value) -> bool:
    """Say whether values are columns of tables and constants only, so that no collation need be said."""
    return all(
        value.constant is not None or (value.source is not None and value.source.table is not None)
        for value in values
    )


def one_or_not(value: Value, wanted: bool) -> Value:
    """Return the condition behind a 1, or its opposite."""
    if wanted:
        return Value(value.sql, BOOL, value.binds, near=value.near)
    return not_(value)


def matched(context: Context, value: Value, other: Value, node: exp.Expr) -> Value:
    """Return a constant made like what it is compared with: a truth value of 1 or 'true', a time of a date."""
    if other.kind == "bool" and value.kind in ("int", "text") and value.constant is not None:
        truth = {"1": True, "0": False, "true": True, "false": False, "t": True, "f": False}.get(
            str(value.constant).lower()
        )
        if truth is None:
            raise AdqlError(
                f"{described(other)} and {value.sql} cannot be compared",
                position_of(node),
                "write 1 or 0, TRUE or FALSE",
            )
        return Value(context.backend.true if truth else context.backend.false, BOOL)
    if other.kind == "time" and value.kind == "text" and isinstance(value.constant, str):
        mjd = mjd_of(value.constant)
        if mjd is None:
            raise AdqlError(
                f"'{value.constant}' is not a time",
                position_of(node),
                "write one like '2015-12-31T23:59:59' or an MJD",
            )
        return Value(context.backend.number(mjd), fact("time", "d"), constant=mjd)
    return value


def described(value: Value) -> str:
    """Say which value it is and what kind."""
    if value.about.name:
        return f"“{value.about.name}”, {NAMES[value.kind]},"
    if value.constant is not None:
        return f"{value.constant!r}, {NAMES[value.kind]},"
    return NAMES[value.kind]


def remedy(left: Value, right: Value) -> str:
    kinds = {left.kind, right.kind}
    if kinds <= {"text", "int", "float", "time"}:
        return "write CAST(… AS …) around one of them, or ' around texts"
    if kinds & {"point", "circle", "polygon", "region"}:
        return "write CONTAINS, INTERSECTS or DISTANCE"
    return ""


@compiles(exp.Is, takes="this expression")
def is_(context: Context, node: exp.Is) -> Value:
    return is_null(context, node, "")


def is_null(context: Context, node: exp.Is, negated: str) -> Value:
    if not isinstance(node.expression, exp.Null):
        raise AdqlError("IS takes NULL or NOT NULL only", position_of(node), "write = for everything else")
    value = context.value(node.this)
    return Value(f"{value.within(CONCAT)} IS{negated} NULL", BOOL, COMPARISON)


@compiles(exp.Between, takes="this low high")
def between(context: Context, node: exp.Between) -> Value:
    value, low, high = (context.value(node.args[name]) for name in ("this", "low", "high"))
    above = compared(context, ">=", value, low, node)
    below = compared(context, "<=", value, high, node)
    return Value(f"{above.sql} AND {below.sql}", BOOL, AND)


@compiles(exp.Like, exp.ILike, takes="this expression negate")
def like_(context: Context, node: exp.Binary) -> Value:
    word = "LIKE" if isinstance(node, exp.Like) else "ILIKE"
    value, pattern = context.string(node.this, word), context.string(node.expression, word)
    if word == "ILIKE":
        value, pattern = lowered(context, value), lowered(context, pattern)
    found = Value(context.backend.like(value, pattern), BOOL, COMPARISON)
    return not_(found) if node.args.get("negate") else found


def lowered(context: Context, value: Value) -> Value:
    """Return a text in small letters (those of ASCII, as both databases have them)."""
    if isinstance(value.constant, str):
        small = "".join(sign.lower() if sign.isascii() else sign for sign in value.constant)
        return Value(context.backend.text(small), value.about, constant=small)
    return Value(context.backend.lower(value), value.about)


@compiles(exp.In, takes="this expressions query")
def in_(context: Context, node: exp.In) -> Value:
    value = context.value(node.this)
    if node.args.get("query") is not None:
        query = context.subquery(node.args["query"], "IN")
        kind = query.columns[0].kind
        if (
            "null" not in (kind, value.kind)
            and kind != value.kind
            and not {kind, value.kind} <= {*NUMBERS, "time"}
        ):
            raise AdqlError(
                f"{described(value)} cannot be in a column that is {NAMES[kind]}",
                position_of(node),
                "CAST one of them",
            )
        text = context.backend.ordered(value) if value.kind == "text" else value.within(CONCAT)
        return Value(f"{text} IN ({query.sql})", BOOL, COMPARISON)
    texts: list[str] = []
    for each in node.expressions:
        numbers = (
            context.compiler.numbers.get(each.this)
            if isinstance(each, exp.Literal) and not each.is_string
            else None
        )
        if numbers is None:
            other = matched(context, context.value(each), value, each)
            if other.kind != "null":
                compared(context, "=", value, other, each)
            texts.append(other.sql)
        elif value.kind not in (*NUMBERS, "time", "null"):
            raise AdqlError(
                f"{described(value)} cannot be in a list of numbers",
                position_of(node.this),
                "write ' around texts",
            )
        else:
            texts.extend(plain_numbers(numbers))
    if not texts:
        raise AdqlError("The list after IN is empty", position_of(node))
    text = value.within(CONCAT) if indexable(value) else context.backend.ordered(value)
    return Value(f"{text} IN ({', '.join(texts)})", BOOL, COMPARISON)


def plain_numbers(numbers: list[str]) -> list[str]:
    """Return numbers that the lexer has seen as such; those with too many digits as what a double can hold."""
    return [number if len(number) < 18 else repr(float(read_number_signed(number))) for number in numbers]


def read_number_signed(text: str) -> float:
    """Return a number that may have a sign."""
    return float(read_number(text.lstrip("+-"))) * (-1 if text.startswith("-") else 1)


@compiles(exp.Exists, takes="this")
def exists(context: Context, node: exp.Exists) -> Value:
    return Value(f"EXISTS ({context.subquery(node.this, 'EXISTS').sql})", BOOL)


def searched(context: Context, value: Value) -> Value:
    """Return a condition with what an index can find first."""
    assert value.near is not None
    first = prefilter(context, value.near)
    return Value(f"{first} AND {value.within(COMPARISON)}", BOOL, AND) if first else value


@compiles(exp.Case, takes="this ifs default")
def case(context: Context, node: exp.Case) -> Value:
    whens, nodes = [], []
    subject = context.value(node.this) if node.this is not None else None
    for branch in node.args["ifs"]:
        if subject is None:
            whens.append(context.condition(branch.this).sql)
        else:
            whens.append(compared(context, "=", subject, context.value(branch.this), branch.this).sql)
        nodes.append(branch.args["true"])
    if node.args.get("default") is not None:
        nodes.append(node.args["default"])
    results = [context.value(each) for each in nodes]
    kind, texts = common(context, results, nodes, "CASE")
    if kind == "null":
        return NULL
    sql = "".join(f" WHEN {when} THEN {text}" for when, text in zip(whens, texts, strict=False))
    default = f" ELSE {texts[-1]}" if len(texts) > len(whens) else ""
    return Value(f"CASE{sql}{default} END", alike(results, kind))


@compiles(exp.Subquery, takes="this")
def scalar(context: Context, node: exp.Subquery) -> Value:
    query = context.subquery(node.this, "a comparison")
    if len(query.columns) != 1 or not query.single:
        raise AdqlError(
            "A subquery that is a value has one column and one row at most",
            position_of(node),
            "write an aggregate or TOP 1",
        )
    return Value(f"({query.sql})", like(query.columns[0]))
