"""What differs between the two databases: how values, functions, orders and casts are written."""

import math
import re
from abc import ABC, abstractmethod

from vo.adql.errors import AdqlError
from vo.adql.values import ATOM, CONCAT, PRODUCT, UNARY, Value


def quoted(name: str) -> str:
    """Return a name of the catalogue as both databases quote it."""
    if "\0" in name:
        raise AdqlError("A name contains a NUL character", hint="leave it out")
    return '"' + name.replace('"', '""') + '"'


def shortest(number: float) -> str:
    """Return the shortest decimal that reads back as this number, written as PostgreSQL writes it."""
    if not math.isfinite(number):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(number, "NaN")
    text = repr(float(number))
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return f"{mantissa.removesuffix('.0')}e{exponent}"
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
    if abs(number) >= 1e15:  # PostgreSQL turns to exponents one digit earlier
        digits = digits.removesuffix(".0")
        mantissa = f"{digits[0]}.{digits[1:]}".rstrip("0").rstrip(".")
        return f"{sign}{mantissa}e+{len(digits) - 1}"
    return sign + digits.removesuffix(".0")


class Backend(ABC):
    """What both have in common, and what each says in its own way."""

    name: str
    prefix: str  # of our own functions
    true: str
    false: str
    double: str  # the type

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of one of our functions."""
        return f"{self.prefix}{name}({', '.join(arguments)})"

    def text(self, text: str) -> str:
        """Return a literal; the statement has to be executed without parameters, so `%` is only itself."""
        if "\0" in text:
            raise AdqlError("A text contains a NUL character", hint="leave it out")
        return "'" + text.replace("'", "''") + "'"

    @abstractmethod
    def number(self, number: int | float) -> str:
        """Return a literal."""

    def null(self, kind: str) -> str:
        """Return a NULL of a kind."""
        return f"CAST(NULL AS {'text' if kind == 'text' else self.double})"

    @abstractmethod
    def ordered(self, value: Value) -> str:
        """Return the text by which a value is ordered and selected."""

    @abstractmethod
    def plain(self, value: Value) -> Value:
        """Return a value whose text is one, where it was a condition standing for 1 and 0."""

    @abstractmethod
    def wide(self, value: Value) -> str:
        """Return the text of a whole number with 64 bits."""

    def as_float(self, value: Value) -> str:
        """Return the text of a number as one with a fraction."""
        return f"CAST({value.sql} AS {self.double})"

    @abstractmethod
    def divide(self, left: Value, right: Value, floating: bool) -> str:
        """Return a quotient, NULL where the divisor is 0."""

    @abstractmethod
    def remainder(self, left: Value, right: Value) -> str:
        """Return the remainder of whole numbers, NULL where the divisor is 0."""

    @abstractmethod
    def like(self, value: Value, pattern: Value) -> str:
        """Return whether a text is like a pattern, which knows no escape character."""

    @abstractmethod
    def limit(self, limit: int | None, offset: int | None) -> str:
        """Return the end of a query that has so many rows at most."""

    @abstractmethod
    def find(self, needle: str, text: str) -> str:
        """Return whether a text is in another one."""

    @abstractmethod
    def random(self) -> str:
        """Return a number from 0 to 1."""

    @abstractmethod
    def string_agg(self, text: Value, delimiter: Value, distinct: bool) -> str:
        """Return the sorted texts of a group with a delimiter between them."""

    @abstractmethod
    def sum_of_int(self, sql: str) -> str:
        """Return a sum of whole numbers as one of them."""

    def lower(self, value: Value) -> str:
        """Return a text in the small letters of ASCII."""
        return f"lower({self.ordered(value)})"

    def upper(self, value: Value) -> str:
        """Return a text in the capitals of ASCII."""
        return f"upper({self.ordered(value)})"

    def int_as_text(self, value: Value) -> str:
        """Return the digits of a whole number."""
        return f"CAST({value.sql} AS text)"

    def start_of(self, text: str, length: int) -> str:
        """Return so many characters of a text."""
        return f"substr({text}, 1, {length})"


class Sqlite(Backend):
    """SQLite: truth is 1 and 0, a division by zero is NULL already."""

    name, prefix = "sqlite", "adql_"
    true, false, double = "1", "0", "REAL"

    def number(self, number: int | float) -> str:
        return str(number) if isinstance(number, int) else repr(float(number))

    def ordered(self, value: Value) -> str:
        return value.sql

    def wide(self, value: Value) -> str:
        return value.within(PRODUCT)

    def divide(self, left: Value, right: Value, floating: bool) -> str:
        numerator = self.as_float(left) if floating else left.within(PRODUCT)
        return f"{numerator} / {right.within(UNARY)}"

    def remainder(self, left: Value, right: Value) -> str:
        return f"{left.within(PRODUCT)} % {right.within(UNARY)}"

    def plain(self, value: Value) -> Value:
        return value if not value.condition else Value(value.sql, value.about, value.binds)

    def like(self, value: Value, pattern: Value) -> str:
        if isinstance(pattern.constant, str):
            glob = re.sub(r"[*?\[]", lambda sign: f"[{sign.group()}]", pattern.constant)
            return f"{value.within(CONCAT)} GLOB {self.text(glob.replace('%', '*').replace('_', '?'))}"
        return self.call("like", value.sql, pattern.sql)

    def limit(self, limit: int | None, offset: int | None) -> str:
        if limit is None and offset is None:
            return ""
        return f" LIMIT {-1 if limit is None else limit}" + (f" OFFSET {offset}" if offset else "")

    def find(self, needle: str, text: str) -> str:
        return f"instr({text}, {needle}) > 0"

    def random(self) -> str:
        return self.call("rand")

    def string_agg(self, text: Value, delimiter: Value, distinct: bool) -> str:
        return self.call("string_agg_distinct" if distinct else "string_agg", text.sql, delimiter.sql)

    def sum_of_int(self, sql: str) -> str:
        return sql


class Postgresql(Backend):
    """PostgreSQL: truth is a type of its own, and texts need the collation of code points."""

    name, prefix = "postgresql", "adql."
    true, false, double = "TRUE", "FALSE", "float8"

    def number(self, number: int | float) -> str:
        return str(number) if isinstance(number, int) else f"float8 '{float(number)!r}'"

    def ordered(self, value: Value) -> str:
        return f'{value.within(ATOM)} COLLATE "C"' if value.kind == "text" else value.sql

    def wide(self, value: Value) -> str:
        if value.kind == "int" and value.column is not None:
            return f"CAST({value.sql} AS bigint)"
        return value.within(PRODUCT)

    def divide(self, left: Value, right: Value, floating: bool) -> str:
        numerator = self.as_float(left) if floating and left.kind == "int" else self.wide(left)
        denominator = right.within(UNARY) if right.constant else f"NULLIF({right.sql}, 0)"
        return f"{numerator} / {denominator}"

    def remainder(self, left: Value, right: Value) -> str:
        return f"{self.wide(left)} % NULLIF({right.sql}, 0)"

    def plain(self, value: Value) -> Value:
        return value if not value.condition else Value(f"CAST(({value.sql}) AS integer)", value.about)

    def like(self, value: Value, pattern: Value) -> str:
        return f"{self.ordered(value)} LIKE {pattern.within(CONCAT + 1)} ESCAPE ''"

    def limit(self, limit: int | None, offset: int | None) -> str:
        return (f" LIMIT {limit}" if limit is not None else "") + (f" OFFSET {offset}" if offset else "")

    def find(self, needle: str, text: str) -> str:
        return f"strpos({text}, {needle}) > 0"

    def random(self) -> str:
        return "random()"

    def string_agg(self, text: Value, delimiter: Value, distinct: bool) -> str:
        ordered = self.ordered(text)
        return f"string_agg({'DISTINCT ' if distinct else ''}{ordered}, {delimiter.sql} ORDER BY {ordered})"

    def sum_of_int(self, sql: str) -> str:
        return f"CAST({sql} AS bigint)"


BACKENDS: dict[str, type[Backend]] = {"sqlite": Sqlite, "postgresql": Postgresql}
