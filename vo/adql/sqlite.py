"""The functions that translated queries call on SQLite."""

import math
import random
import re
import sqlite3
import struct
from collections.abc import Callable
from functools import lru_cache, wraps

from vo.adql import shapes
from vo.adql.backends import shortest
from vo.adql.searching import chord, unit_vector
from vo.adql.times import iso_of, mjd_of

# Where exp and power leave the doubles; said here so that both databases do so at the same place.
LARGEST_EXPONENT, SMALLEST_EXPONENT = 709.78, -745.0
FLOAT = re.compile(r"[+-]?([0-9]{1,250}\.?[0-9]{0,250}|\.[0-9]{1,250})([eE][+-]?[0-9]{1,3})?")
INT = re.compile(r"[+-]?[0-9]{1,18}")
NO_WORD = re.compile(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]+")
CAPITALS = {ord(capital): capital.lower() for capital in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

FUNCTIONS: dict[str, tuple[int, Callable]] = {}
BUILT_IN = frozenset(
    (
        "abs",
        "avg",
        "coalesce",
        "count",
        "glob",
        "instr",
        "lower",
        "max",
        "min",
        "nullif",
        "row_number",
        "substr",
        "sum",
        "upper",
    )
)


def offered(name: str, count: int) -> Callable:
    """Offer a function under that name; NULL gives NULL, and so does what has no finite result."""

    def register(function: Callable) -> Callable:
        @wraps(function)
        def safe(*values: object) -> object:
            if None in values:
                return None
            try:
                result = function(*values)
            except (ValueError, OverflowError, ZeroDivisionError, TypeError):
                return None
            return None if isinstance(result, float) and not math.isfinite(result) else result

        FUNCTIONS[f"adql_{name}"] = count, safe
        return function

    return register


for name in ("acos", "asin", "atan", "cos", "sin", "tan", "sqrt", "degrees", "radians", "log10"):
    offered(name, 1)(getattr(math, name))
offered("ln", 1)(math.log)
offered("atan2", 2)(math.atan2)
offered("cot", 1)(lambda x: 1 / math.tan(x))


@offered("exp", 1)
def exp(x: float) -> float | None:
    if x > LARGEST_EXPONENT:
        return None
    return 0.0 if x < SMALLEST_EXPONENT else math.exp(x)


@offered("power", 2)
def power(x: float, y: float) -> float | None:
    x, y = float(x), float(y)
    if (x == 0 and y < 0) or (x < 0 and y != math.floor(y)):
        return None
    size = y * math.log(abs(x)) if x else 0.0
    if size > LARGEST_EXPONENT:
        return None
    return 0.0 if size < SMALLEST_EXPONENT else x**y


@offered("mod", 2)
def mod(x: float, y: float) -> float:
    return x - y * float(math.trunc(x / y))


@offered("ceiling", 1)
def ceiling(x: float) -> float:
    return float(math.ceil(x))


@offered("floor", 1)
def floor(x: float) -> float:
    return float(math.floor(x))


@offered("round", 2)
def rounded(x: float, digits: int) -> float:
    return scaled(x, digits, lambda size: math.floor(size + 0.5))


@offered("truncate", 2)
def truncated(x: float, digits: int) -> float:
    return scaled(x, digits, math.floor)


def scaled(x: float, digits: int, whole: Callable[[float], int]) -> float:
    """Return a number made whole at a digit, away from zero as towards it."""
    if digits > 300 or (digits > 0 and abs(x) > 1e15 / 10.0**digits):
        return float(x)  # it has no digits there
    if digits < -300:
        return 0.0
    size = abs(x) * 10.0**digits if digits >= 0 else abs(x) / 10.0**-digits
    made = float(whole(size))
    return math.copysign(made / 10.0**digits if digits >= 0 else made * 10.0**-digits, x)


@offered("float_as_text", 1)
def float_as_text(x: float) -> str:
    return shortest(float(x))


offered("time_as_text", 1)(iso_of)
offered("text_as_time", 1)(mjd_of)


@offered("text_as_float", 1)
def text_as_float(text: str) -> float | None:
    number = float(text.strip(" ")) if FLOAT.fullmatch(text.strip(" ")) else None
    return 0.0 if number is not None and abs(number) < 1e-307 else number


@offered("text_as_int", 2)
def text_as_int(text: str, bits: int) -> int | None:
    return int_as_int(int(text.strip(" ")), bits) if INT.fullmatch(text.strip(" ")) else None


@offered("float_as_int", 2)
def float_as_int(x: float, bits: int) -> int | None:
    return int_as_int(math.trunc(x), bits)


@offered("int_as_int", 2)
def int_as_int(number: int, bits: int) -> int | None:
    return int(number) if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


@offered("single", 1)
def single(x: float) -> float:
    return struct.unpack("f", struct.pack("f", x))[0]


@offered("hasword", 2)
def has_word(text: str, word: str) -> bool:
    return words(word) in words(text)


def words(text: str) -> str:
    """Return the words of a text in small letters, with a blank around each."""
    return f" {NO_WORD.sub(' ', text.translate(CAPITALS)).strip()} "


@offered("like", 2)
def like(text: str, pattern: str) -> bool:
    """Say whether a text is like a pattern; in linear time but for the jumps back to the last %."""
    at = place = 0
    star, restart = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            star, restart, place = place, at, place + 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            restart += 1
            at, place = restart, star + 1
        else:
            return False
    return all(sign == "%" for sign in pattern[place:])


@offered("distance", 4)
def distance(ra1: float, dec1: float, ra2: float, dec2: float) -> float | None:
    """Return degrees between two places, by the haversine formula."""
    if not (abs(dec1) <= 90 and abs(dec2) <= 90 and abs(ra1) < 1e9 and abs(ra2) < 1e9):
        return None
    first, second = math.radians(dec1), math.radians(dec2)
    h = (
        math.sin((second - first) / 2) ** 2
        + math.cos(first) * math.cos(second) * math.sin(math.radians(ra2 - ra1) / 2) ** 2
    )
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(h))))


@lru_cache(maxsize=64)
def vector(ra: float, dec: float) -> tuple[float, float, float]:
    return unit_vector(ra, dec)


offered("x", 2)(lambda ra, dec: vector(ra, dec)[0])
offered("y", 2)(lambda ra, dec: vector(ra, dec)[1])
offered("z", 2)(lambda ra, dec: vector(ra, dec)[2])
offered("chord", 1)(lambda radius: chord(radius) if radius >= 0 else None)


def shape_text(kind: str) -> Callable[..., str | None]:
    def write(*numbers: float) -> str | None:
        made = shapes.shape_of(kind, tuple(map(float, numbers)))
        return shapes.written(kind, made.numbers) if made else None

    return write


offered("point", 2)(shape_text("point"))
offered("circle", 3)(shape_text("circle"))
offered("polygon", -1)(shape_text("polygon"))


def of_shapes(function: Callable) -> Callable:
    """Return a function of texts for one of shapes."""

    def read_first(*regions: str) -> object:
        read = [shapes.read(region) for region in regions]
        return None if None in read else function(*read)

    return read_first


offered("contains", 2)(of_shapes(shapes.contains))
offered("intersects", 2)(of_shapes(shapes.intersects))
offered("area", 1)(of_shapes(shapes.area))
offered("centroid", 1)(of_shapes(lambda shape: shapes.written("point", shapes.centroid(shape))))
offered("coord1", 1)(of_shapes(lambda shape: shape.numbers[0]))
offered("coord2", 1)(of_shapes(lambda shape: shape.numbers[1]))


@offered("holds", 3)
def holds(region: str, ra: float, dec: float) -> bool | None:
    shape = shapes.read(region)
    return (
        shape.holds(unit_vector(ra, dec)) if shape is not None and abs(dec) <= 90 and abs(ra) < 1e9 else None
    )


class StringAgg:
    """The texts of a group, sorted and joined."""

    distinct = False

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.delimiter = ""

    def step(self, text: str | None, delimiter: str) -> None:
        if text is not None:
            self.texts.append(text)
            self.delimiter = delimiter

    def finalize(self) -> str | None:
        texts = set(self.texts) if self.distinct else self.texts
        return self.delimiter.join(sorted(texts)) if texts else None


class StringAggDistinct(StringAgg):
    distinct = True


AGGREGATES = {"adql_string_agg": StringAgg, "adql_string_agg_distinct": StringAggDistinct}
# All that a translated query may call, as SQLite's authorizer is told of it.
ALLOWED_FUNCTIONS = BUILT_IN | FUNCTIONS.keys() | AGGREGATES.keys() | {"adql_rand"}


def install(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that translated queries call."""
    for name, (count, function) in FUNCTIONS.items():
        connection.create_function(name, count, function, deterministic=True)
    for name, aggregate in AGGREGATES.items():
        connection.create_aggregate(name, 2, aggregate)  # type: ignore[arg-type]
    connection.create_function("adql_rand", 0, random.random)
