"""CAST: making a number, a text or a time of something else; what cannot be made so is NULL."""

from sqlglot import exp

from vo.adql.compiling import Context, compiles
from vo.adql.errors import AdqlError
from vo.adql.parsing import position_of
from vo.adql.times import mjd_of
from vo.adql.values import CONCAT, NAMES, Value, fact, like

TYPE = exp.DataType.Type
WHOLE = {TYPE.SMALLINT: 16, TYPE.INT: 32, TYPE.BIGINT: 64}
TYPES = "SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR(n), VARCHAR(n) or TIMESTAMP"


@compiles(exp.Cast, takes="this to")
def cast(context: Context, node: exp.Cast) -> Value:
    wanted = node.args["to"]
    kind = wanted.this if isinstance(wanted, exp.DataType) else None
    value = context.value(node.this)
    sizes = wanted.expressions if isinstance(wanted, exp.DataType) else []
    if kind in (TYPE.CHAR, TYPE.VARCHAR) and len(sizes) <= 1:
        return as_text(context, value, length(sizes, kind, node), node)
    if sizes or (isinstance(wanted, exp.DataType) and wanted.args.get("nested")):
        raise AdqlError("That type has no length", position_of(node), f"write {TYPES}")
    if kind in WHOLE:
        return as_whole(context, value, WHOLE[kind], node)
    if kind in (TYPE.FLOAT, TYPE.DOUBLE):
        return as_real(context, value, kind == TYPE.FLOAT, node)
    if kind == TYPE.TIMESTAMP:
        return as_time(context, value, node)
    raise AdqlError("CAST does not know that type", position_of(node), f"write {TYPES}")


def length(sizes: list[exp.Expr], kind: object, node: exp.Expr) -> int | None:
    """Return how many characters a type has; None if as many as there are."""
    if not sizes:
        return 1 if kind == TYPE.CHAR else None
    text = sizes[0].name
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise AdqlError("The length of a text is a number from 1 to 1000000", position_of(node))
    return int(text)


def impossible(value: Value, what: str, node: exp.Expr) -> AdqlError:
    return AdqlError(f"CAST makes no {what} of {NAMES[value.kind]}", position_of(node))


def as_text(context: Context, value: Value, size: int | None, node: exp.Expr) -> Value:
    backend = context.backend
    texts = {
        "null": lambda: backend.null("text"),
        "text": lambda: backend.ordered(value),
        "int": lambda: backend.int_as_text(value),
        "float": lambda: backend.call("float_as_text", value.sql),
        "time": lambda: backend.call("time_as_text", value.sql),
        "bool": lambda: f"CASE WHEN {value.sql} THEN 'true' WHEN NOT {value.within(CONCAT)} THEN 'false' END",
    }
    if value.kind not in texts:
        raise impossible(value, "text", node)
    text = texts[value.kind]()
    return Value(backend.start_of(text, size) if size else text, fact("text", ucd=value.about.ucd))


def as_whole(context: Context, value: Value, bits: int, node: exp.Expr) -> Value:
    backend = context.backend
    about = like(value.about, "int")
    if value.kind == "bool":
        return Value(f"CASE WHEN {value.sql} THEN 1 WHEN NOT {value.within(CONCAT)} THEN 0 END", about)
    if value.kind == "null":
        return Value("CAST(NULL AS bigint)", about)
    if value.kind not in ("int", "float", "time", "text"):
        raise impossible(value, "number", node)
    if value.kind == "int" and bits == 64:
        return Value(f"CAST({value.sql} AS bigint)", about)
    number = {"text": "text", "int": "int"}.get(value.kind, "float")
    return Value(backend.call(f"{number}_as_int", value.sql, str(bits)), about)


def as_real(context: Context, value: Value, single: bool, node: exp.Expr) -> Value:
    backend = context.backend
    about = like(value.about, "float")
    if value.kind == "null":
        return Value(backend.null("float"), about)
    if value.kind == "text":
        text = backend.call("text_as_float", value.sql)
    elif value.kind in ("int", "float", "time"):
        text = backend.as_float(value)
    else:
        raise impossible(value, "number", node)
    return Value(backend.call("single", text) if single else text, about)


def as_time(context: Context, value: Value, node: exp.Expr) -> Value:
    backend = context.backend
    about = fact("time", "d", value.about.ucd or "time.epoch", xtype=value.about.xtype)
    if value.kind == "null":
        return Value(backend.null("float"), about)
    if value.kind in ("time", "float"):
        return Value(value.sql, like(value.about) if value.kind == "time" else about, value.binds)
    if isinstance(value.constant, str):
        mjd = mjd_of(value.constant)
        if mjd is None:
            raise AdqlError(
                f"'{value.constant}' is not a time", position_of(node), "write one like '2015-12-31T23:59:59'"
            )
        return Value(backend.number(mjd), about, constant=mjd)
    if value.kind == "text":
        return Value(backend.call("text_as_time", value.sql), about)
    raise impossible(value, "time", node)
