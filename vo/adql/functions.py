"""The functions of ADQL but those of geometry: which there are, what they take and what they give."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from vo.adql.compiling import Context, compiles
from vo.adql.conditions import compared, lowered, matched
from vo.adql.errors import AdqlError, did_you_mean
from vo.adql.expressions import NULL, alike, as_number, common, constant
from vo.adql.parsing import position_of
from vo.adql.tables import Column
from vo.adql.values import (
    AND,
    COMPARISON,
    CONCAT,
    PRODUCT,
    Value,
    fact,
    like,
)

Arguments = list[exp.Expr]


@dataclass(frozen=True)
class Function:
    """A function of ADQL, how it is written, and who compiles its calls."""

    signature: str
    compile: Callable[[Context, Arguments, exp.Expr], Value]
    fewest: int
    most: int
    about: str = ""


FUNCTIONS: dict[str, Function] = {}


def function(signature: str, fewest: int, most: int | None = None, about: str = "") -> Callable:
    """Register who compiles the calls of a function."""

    def register(handler: Callable[[Context, Arguments, exp.Expr], Value]) -> Callable:
        name = signature.split("(")[0]
        FUNCTIONS[name] = Function(signature, handler, fewest, fewest if most is None else most, about)
        return handler

    return register


@compiles(exp.Anonymous, takes="this expressions")
def call(context: Context, node: exp.Anonymous) -> Value:
    name = node.this if isinstance(node.this, str) else node.name
    if isinstance(node.this, exp.Identifier) and node.this.args.get("quoted"):
        raise AdqlError(
            f"“{name}” is quoted, and names of functions are not", position_of(node), "leave the quotes out"
        )
    known = FUNCTIONS.get(name.upper())
    if known is None:
        hint = did_you_mean(name, FUNCTIONS)
        raise AdqlError(f"There is no function “{name}”", position_of(node), hint)
    arguments = node.expressions
    if not known.fewest <= len(arguments) <= known.most:
        given = (
            "nothing" if not arguments else f"{len(arguments)} argument{'s' if len(arguments) > 1 else ''}"
        )
        raise AdqlError(f"{name.upper()} is given {given}", position_of(node), f"write {known.signature}")
    return known.compile(context, arguments, node)


def measure(signature: str, ours: str, unit: str | None = "", about: str = "") -> None:
    """Register a function of one number, or of several, that gives a number; unit None keeps the argument's."""
    name, count = signature.split("(")[0], signature.count(",") + 1

    def handler(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
        values = [context.number(argument, name) for argument in arguments]
        known = like(values[0].about, "float") if unit is None else fact("float", unit)
        return Value(context.backend.call(ours, *(value.sql for value in values)), known)

    function(signature, count, about=about)(handler)


for signature, ours, unit, about in (
    ("ACOS(x)", "acos", "rad", "angle of a cosine"),
    ("ASIN(x)", "asin", "rad", "angle of a sine"),
    ("ATAN(x)", "atan", "rad", "angle of a tangent"),
    ("ATAN2(y, x)", "atan2", "rad", "angle of a direction"),
    ("COS(x)", "cos", "", "cosine of an angle in radians"),
    ("SIN(x)", "sin", "", "sine of an angle in radians"),
    ("TAN(x)", "tan", "", "tangent of an angle in radians"),
    ("COT(x)", "cot", "", "cotangent of an angle in radians"),
    ("DEGREES(x)", "degrees", "deg", "radians as degrees"),
    ("RADIANS(x)", "radians", "rad", "degrees as radians"),
    ("EXP(x)", "exp", "", "e to the power of x"),
    ("LOG(x)", "ln", "", "natural logarithm"),
    ("LOG10(x)", "log10", "", "logarithm to base 10"),
    ("POWER(x, y)", "power", "", "x to the power of y"),
    ("SQRT(x)", "sqrt", "", "square root"),
    ("CEILING(x)", "ceiling", None, "next whole number above"),
    ("FLOOR(x)", "floor", None, "next whole number below"),
):
    measure(signature, ours, unit, about)


@function("PI()", 0, about="π")
def pi(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    return constant(context, 3.141592653589793)


@function("RAND()", 0, 1, "random number between 0 and 1; a seed is taken and not used")
def rand(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    for argument in arguments:
        context.number(argument, "RAND")
    return Value(context.backend.random(), fact("float"))


@function("ABS(x)", 1, about="absolute value")
def absolute(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = context.number(arguments[0], "ABS")
    return Value(f"abs({value.sql})", like(value.about, as_number(value)))


def rounded(name: str, about: str) -> None:
    """Register ROUND or TRUNCATE."""

    def handler(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
        value = context.number(arguments[0], name)
        digits = context.number(arguments[1], name) if len(arguments) > 1 else constant(context, 0)
        if digits.kind not in ("int", "null"):
            raise AdqlError(f"{name} takes a whole number of digits", position_of(arguments[1]))
        return Value(context.backend.call(name.lower(), value.sql, digits.sql), like(value.about, "float"))

    function(f"{name}(x, digits)", 1, 2, about)(handler)


rounded("ROUND", "nearest number with so many digits behind the point")
rounded("TRUNCATE", "number without the digits that follow")


@function("MOD(x, y)", 2, about="remainder of x / y, with the sign of x")
def modulo(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    left, right = (context.number(argument, "MOD") for argument in arguments)
    if "float" in (as_number(left), as_number(right)):
        return Value(context.backend.call("mod", left.sql, right.sql), like(left.about, "float"))
    return Value(context.backend.remainder(left, right), like(left.about, "int"), PRODUCT)


@function("UPPER(text)", 1, about="in capitals (of ASCII)")
def upper(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = context.string(arguments[0], "UPPER")
    return Value(context.backend.upper(value), like(value.about, "text"))


@function("LOWER(text)", 1, about="in small letters (of ASCII)")
def lower(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = context.string(arguments[0], "LOWER")
    return Value(context.backend.lower(value), like(value.about, "text"))


@function("COALESCE(a, b, …)", 1, 100, "the first that is not NULL")
def coalesce(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    values = [context.value(argument) for argument in arguments]
    kind, texts = common(context, values, arguments, "COALESCE")
    if kind == "null":
        return NULL  # of no kind: a database would take what is made of nothing but NULL for a text
    if len(texts) == 1:
        return values[0]
    return Value(f"coalesce({', '.join(texts)})", alike(values, kind))


@function("NULLIF(a, b)", 2, about="a, or NULL if it equals b")
def null_if(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    left, right = (context.value(argument) for argument in arguments)
    if "null" in (left.kind, right.kind):
        return left
    compared(context, "=", left, right, node)
    texts = (context.backend.ordered(each) for each in (left, matched(context, right, left, node)))
    return Value(f"nullif({', '.join(texts)})", like(left.about))


@function("IVO_HASWORD(text, word)", 2, about="1 if the word is in the text, whatever its case")
def has_word(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    text, word = (context.string(argument, "IVO_HASWORD") for argument in arguments)
    texts = (context.backend.ordered(text), context.backend.ordered(word))
    return Value(context.backend.call("hasword", *texts), fact("int"), condition=True)


@function("IVO_NOCASEMATCH(text, pattern)", 2, about="1 if the text is like the pattern, whatever its case")
def no_case_match(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    text, pattern = (lowered(context, context.string(argument, "IVO_NOCASEMATCH")) for argument in arguments)
    return Value(context.backend.like(text, pattern), fact("int"), COMPARISON, condition=True)


@function("IVO_HASHLIST_HAS(list, item)", 2, about="1 if the item is in a list like a#b#c, whatever its case")
def hash_list_has(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    texts = [
        f"'#' || {lowered(context, context.string(argument, 'IVO_HASHLIST_HAS')).within(CONCAT + 1)} || '#'"
        for argument in arguments
    ]
    return Value(context.backend.find(texts[1], texts[0]), fact("int"), COMPARISON, condition=True)


@function(
    "IVO_INTERVAL_OVERLAPS(low1, high1, low2, high2)", 4, about="1 if two intervals have something in common"
)
def interval_overlaps(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    low1, high1, low2, high2 = (context.number(argument, "IVO_INTERVAL_OVERLAPS") for argument in arguments)
    sql = (
        f"{low1.within(CONCAT)} <= {high2.within(CONCAT)} AND {low2.within(CONCAT)} <= {high1.within(CONCAT)}"
    )
    return Value(sql, fact("int"), AND, condition=True)


@function("IN_UNIT(x, 'unit')", 2, about="x in another unit")
def in_unit(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = context.number(arguments[0], "IN_UNIT")
    wanted = arguments[1].this if isinstance(arguments[1], exp.Literal) and arguments[1].is_string else None
    if wanted is None:
        raise AdqlError(
            "IN_UNIT takes the unit as a text",
            position_of(arguments[1]) or position_of(node),
            "write IN_UNIT(x, 'unit')",
        )
    if not value.about.unit:
        raise AdqlError(
            "What is given to IN_UNIT has no known unit", position_of(node), "multiply it yourself"
        )
    factor = conversion(value.about.unit, wanted)
    if isinstance(factor, str):
        raise AdqlError(factor, position_of(node))
    about = Column("", "float", unit=wanted, ucd=value.about.ucd, description=value.about.description)
    if factor == 1.0:
        return Value(context.backend.as_float(value) if value.kind == "int" else value.sql, about)
    return Value(f"{value.within(PRODUCT)} * {context.backend.number(factor)}", about, PRODUCT)


@lru_cache(maxsize=1024)
def conversion(unit: str, wanted: str) -> float | str:
    """Return the factor between two units, or what is wrong with them."""
    from astropy import units

    parsed = []
    for each in (unit, wanted):
        try:
            parsed.append(units.Unit(each, format="vounit"))
        except (ValueError, TypeError):
            try:
                parsed.append(units.Unit(each))
            except (ValueError, TypeError):
                return f"“{each}” is not a known unit"
    try:
        if any(isinstance(each, units.function.FunctionUnitBase) for each in parsed):
            raise units.UnitConversionError
        return float(parsed[0].to(parsed[1]))
    except units.UnitConversionError:
        return f"“{unit}” cannot be converted to “{wanted}”"
