"""Shapes in queries: making them, and asking what is in them, near them and how large they are."""

from dataclasses import replace

from sqlglot import exp

from vo.adql import shapes
from vo.adql.compiling import Context
from vo.adql.errors import AdqlError
from vo.adql.expressions import combined, constant
from vo.adql.functions import Arguments, function
from vo.adql.parsing import position_of
from vo.adql.searching import known
from vo.adql.values import COMPARISON, CONCAT, NAMES, NUMBERS, SHAPES, Near, Value, fact, shaped

FRAMES = {"", "ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER", "UNKNOWNFRAME"}


def without_frame(arguments: Arguments) -> Arguments:
    """Return the arguments without the deprecated name of a coordinate system."""
    if not arguments or not isinstance(arguments[0], exp.Literal) or not arguments[0].is_string:
        return arguments
    frame = " ".join(arguments[0].this.upper().split())
    if frame not in FRAMES:
        raise AdqlError(
            f"Positions in “{arguments[0].this}” are not converted",
            position_of(arguments[0]),
            "give ICRS and leave it out",
        )
    return arguments[1:]


def coordinates(context: Context, value: Value) -> tuple[Value, Value]:
    """Return right ascension and declination of a point."""
    if len(value.parts) >= 2:
        return value.parts[0], value.parts[1]
    call = context.backend.call
    return (
        Value(call("coord1", value.sql), fact("float", "deg", "pos.eq.ra")),
        Value(call("coord2", value.sql), fact("float", "deg", "pos.eq.dec")),
    )


def shape(context: Context, node: exp.Expr, what: str, only: tuple[str, ...] = SHAPES) -> Value:
    """Compile a node to a shape, for what is named."""
    value = context.value(node)
    if value.kind not in only:
        wanted = "points" if only == ("point",) else "shapes"
        raise AdqlError(
            f"{what} takes {wanted}, and this is {NAMES[value.kind]}",
            position_of(node),
            "write POINT(ra, dec)",
        )
    return value


def made(context: Context, kind: str, parts: list[Value], node: exp.Expr) -> Value:
    """Return a shape made of numbers; refuse it if they are known and make none."""
    numbers = known(*parts)
    if numbers is None:
        text = context.backend.call(kind, *(part.sql for part in parts))
        return Value(text, shaped(kind), parts=tuple(parts))
    made = shapes.shape_of(kind, tuple(numbers))
    if made is None:
        raise AdqlError(wrong(kind, numbers), position_of(node))
    text = shapes.written(kind, made.numbers)
    return Value(context.backend.text(text), shaped(kind), constant=text, parts=tuple(parts))


def wrong(kind: str, numbers: list[float]) -> str:
    """Say why numbers make no shape."""
    for dec in numbers[1:2] if kind == "circle" else numbers[1::2]:
        if abs(dec) > 90:
            return f"The declination {shapes.shortest(dec)} is not between -90 and 90 degrees"
    if kind == "circle":
        return f"The radius {shapes.shortest(numbers[2])} is not between 0 and 180 degrees"
    return "The polygon does not fit into half the sky"


def measured(context: Context, arguments: Arguments, kind: str, count: int, node: exp.Expr) -> list[Value]:
    """Compile the numbers of a shape; its first two may be given as a point."""
    arguments = without_frame(arguments)
    name = kind.upper()
    if len(arguments) == count - 1:
        point = shape(context, arguments[0], name, ("point",))
        return [*coordinates(context, point), *(context.number(each, name) for each in arguments[1:])]
    if len(arguments) != count:
        signature = {
            "point": "POINT(ra, dec)",
            "circle": "CIRCLE(ra, dec, radius)",
            "box": "BOX(ra, dec, width, height)",
        }
        raise AdqlError(
            f"{name} is given {len(arguments)} numbers", position_of(node), f"write {signature[kind]}"
        )
    return [context.number(each, name) for each in arguments]


@function("POINT(ra, dec)", 2, 3, "place on the sky, in degrees")
def point(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    if len(without_frame(arguments)) != 2:
        raise AdqlError("POINT takes two numbers", position_of(node), "write POINT(ra, dec)")
    return made(context, "point", measured(context, arguments, "point", 2, node), node)


@function("CIRCLE(ra, dec, radius)", 2, 4, "circle on the sky, in degrees")
def circle(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    return made(context, "circle", measured(context, arguments, "circle", 3, node), node)


@function("BOX(ra, dec, width, height)", 3, 5, "polygon of four corners around a place (deprecated)")
def box(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    ra, dec, width, height = measured(context, arguments, "box", 4, node)
    if (numbers := known(width, height)) and min(numbers) < 0:
        raise AdqlError("A box cannot be narrower than 0 degrees", position_of(node))
    two = constant(context, 2.0)
    half_width, half_height = combined(context, exp.Div, width, two), combined(context, exp.Div, height, two)
    west, east = combined(context, exp.Sub, ra, half_width), combined(context, exp.Add, ra, half_width)
    south, north = combined(context, exp.Sub, dec, half_height), combined(context, exp.Add, dec, half_height)
    return made(context, "polygon", [west, south, east, south, east, north, west, north], node)


@function(
    "POLYGON(ra1, dec1, ra2, dec2, ra3, dec3, …)", 3, 20_000, "polygon on the sky, of numbers or of points"
)
def polygon(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    arguments = without_frame(arguments)
    values = [context.value(each) for each in arguments]
    if all(value.kind == "point" for value in values):
        values = [part for value in values for part in coordinates(context, value)]
    for value, each in zip(values, arguments, strict=False):
        if value.kind not in (*NUMBERS, "time", "null"):
            raise AdqlError(
                f"POLYGON takes numbers or points, and this is {NAMES[value.kind]}", position_of(each)
            )
    if len(values) < 6 or len(values) % 2:
        raise AdqlError(
            f"POLYGON is given {len(values)} numbers",
            position_of(node),
            "three corners at least, ra and dec of each",
        )
    if len(values) > 100 and known(*values) is None:
        raise AdqlError("A polygon of columns has 50 corners at most", position_of(node))
    return made(context, "polygon", values, node)


@function(
    "REGION('circle ra dec radius')",
    1,
    about="shape written as a text: point, circle or polygon and its numbers",
)
def region(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = context.value(arguments[0])
    if not isinstance(value.constant, str):
        raise AdqlError("REGION takes a text", position_of(node), "write REGION('circle 10 20 0.5')")
    words = value.constant.upper().split()
    if len(words) > 1 and words[1] == "ICRS":
        del words[1]
    read = shapes.read(" ".join(words))
    if read is None:
        raise AdqlError(
            f"“{value.constant[:60]}” is not a shape",
            position_of(node),
            "write point, circle or polygon and its degrees",
        )
    parts = [constant(context, number) for number in read.numbers]
    return made(context, read.kind, parts, node)


@function("CONTAINS(a, b)", 2, about="1 if all of a is inside of b")
def contains(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    inner, outer = (shape(context, each, "CONTAINS") for each in arguments)
    if inner.kind == "point" and outer.kind != "point":
        return holds(context, inner, outer)
    return Value(context.backend.call("contains", inner.sql, outer.sql), fact("int"), condition=True)


@function("INTERSECTS(a, b)", 2, about="1 if a and b have a place in common")
def intersects(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    one, other = (shape(context, each, "INTERSECTS") for each in arguments)
    if one.kind == "point" and other.kind != "point":
        return holds(context, one, other)
    if other.kind == "point" and one.kind != "point":
        return holds(context, other, one)
    if one.kind == other.kind == "circle" and one.parts and other.parts:
        reach = combined(context, exp.Add, one.parts[2], other.parts[2])
        return within(context, one.parts[:2], other.parts[:2], reach)
    return Value(context.backend.call("intersects", one.sql, other.sql), fact("int"), condition=True)


def holds(context: Context, inside: Value, outer: Value) -> Value:
    """Return whether a point is in a circle, a polygon or whatever a region is."""
    ra, dec = coordinates(context, inside)
    if outer.kind == "circle" and outer.parts:
        return within(context, (ra, dec), outer.parts[:2], outer.parts[2])
    near = None
    if isinstance(outer.constant, str) and (read := shapes.read(outer.constant)) and read.kind == "polygon":
        around = shapes.bounds(read)
        if around is not None:
            centre_ra, centre_dec, radius = (constant(context, number) for number in around)
            near = Near((ra, dec), (centre_ra, centre_dec), radius)
    call = context.backend.call("holds", outer.sql, ra.sql, dec.sql)
    return Value(call, fact("int"), condition=True, near=near)


def within(context: Context, one: tuple[Value, ...], other: tuple[Value, ...], radius: Value) -> Value:
    """Return whether two points are no farther apart than a radius."""
    apart = separation(context, one, other)
    near = Near((one[0], one[1]), (other[0], other[1]), radius)
    return Value(f"{apart} <= {radius.within(CONCAT)}", fact("int"), COMPARISON, condition=True, near=near)


def separation(context: Context, one: tuple[Value, ...], other: tuple[Value, ...]) -> str:
    return context.backend.call("distance", *(value.sql for value in (*one[:2], *other[:2])))


@function("DISTANCE(point1, point2)", 2, 4, "degrees between two points, or DISTANCE(ra1, dec1, ra2, dec2)")
def distance(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    if len(arguments) == 3:
        raise AdqlError(
            "DISTANCE takes two points or four numbers",
            position_of(node),
            "write DISTANCE(ra1, dec1, ra2, dec2)",
        )
    if len(arguments) == 2:
        one, other = (
            coordinates(context, shape(context, each, "DISTANCE", ("point",))) for each in arguments
        )
    else:
        numbers = [context.number(each, "DISTANCE") for each in arguments]
        made(context, "point", numbers[:2], node)
        made(context, "point", numbers[2:], node)
        one, other = (numbers[0], numbers[1]), (numbers[2], numbers[3])
    near = Near(one, other, constant(context, 180.0))
    about = fact("float", "deg", "pos.angDistance")
    return Value(separation(context, one, other), about, near=near)


@function("AREA(shape)", 1, about="square degrees that a shape covers")
def area(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = shape(context, arguments[0], "AREA")
    return Value(context.backend.call("area", value.sql), fact("float", "deg**2", "phys.angArea"))


@function("CENTROID(shape)", 1, about="middle of a shape")
def centroid(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    value = shape(context, arguments[0], "CENTROID")
    if value.kind in ("point", "circle") and value.parts:
        return made(context, "point", list(value.parts[:2]), node)
    return Value(context.backend.call("centroid", value.sql), shaped("point"))


@function("COORD1(point)", 1, about="right ascension of a point")
def coord1(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    return coordinate(context, arguments[0], "COORD1", 0)


@function("COORD2(point)", 1, about="declination of a point")
def coord2(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    return coordinate(context, arguments[0], "COORD2", 1)


def coordinate(context: Context, argument: exp.Expr, name: str, which: int) -> Value:
    value = coordinates(context, shape(context, argument, name, ("point",)))[which]
    about = fact("float", "deg", ("pos.eq.ra", "pos.eq.dec")[which])
    if value.kind == "int":
        return Value(context.backend.as_float(value), about)
    return (
        replace(value, about=about, column=None, source=None)
        if value.constant is not None
        else Value(value.sql, about, value.binds)
    )


@function("COORDSYS(shape)", 1, about="'ICRS' (deprecated)")
def coordsys(context: Context, arguments: Arguments, node: exp.Expr) -> Value:
    shape(context, arguments[0], "COORDSYS")
    return Value(context.backend.text("ICRS"), fact("text"), constant="ICRS")
