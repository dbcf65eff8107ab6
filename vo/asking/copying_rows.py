"""PostgreSQL's COPY of values of any length, as rows: however long they are, little more than a piece is in memory.

A cursor counts rows, and has fetched all of them before anybody can see how long they are (PostgreSQL, documentation
of COPY, "Text Format").
"""

import re

from psycopg2.extensions import UNICODE, string_types

from vo.asking.copying import Pieces

ESCAPED = re.compile(r"\\(.)", re.DOTALL)
MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
NULL = "\\N"
# How types that occur in every row are read: PostgreSQL's numbers of bool, of integers, of floats, of text.
SIMPLE = {16: "t".__eq__, 20: int, 21: int, 23: int, 700: float, 701: float, 25: str, 1043: str}


def copied_rows(cursor, sql, columns):
    """Yield what a query finds, as lists of tuples."""
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    query = f"SELECT * FROM ({sql}) AS q ({names})"
    cursor.execute(f"{query} LIMIT 0")  # to know the types
    readers = [reader_of(one.type_code, cursor) for one in cursor.description]
    with Pieces(cursor, f"COPY ({query}) TO STDOUT") as pieces:
        for text in whole_lines(pieces):
            fields = text.replace("\n", "\t").split("\t")
            by_column = [fields[number :: len(readers)] for number in range(len(readers))]
            # Without a backslash nothing is null, and nothing is written otherwise than it is.
            read_all = read_with_nulls if "\\" in text else map
            yield list(zip(*map(read_all, readers, by_column), strict=True))


def whole_lines(pieces):
    """Yield texts of whole lines, without the end of the last, from pieces of bytes that end anywhere."""
    rest = []
    for piece in pieces:
        end = piece.rfind(b"\n")
        if end < 0:
            rest.append(piece)
            continue
        yield b"".join([*rest, piece[:end]]).decode()
        rest = [piece[end + 1 :]]


def reader_of(type_code, cursor):
    """Return what makes a value of this type of a text, as a cursor would."""
    if type_code in SIMPLE:
        return SIMPLE[type_code]
    read = string_types.get(type_code, UNICODE)
    return lambda text: read(text, cursor)


def read_with_nulls(read, column):
    """Return the values of a column in which something is null or stands for something else."""
    return [None if text == NULL else read(plain(text)) for text in column]


def plain(text):
    """Return a text as it was before it was written for COPY."""
    return ESCAPED.sub(lambda found: MEANT.get(found[1], found[1]), text) if "\\" in text else text
