"""One small table that holds every kind of cell, and the values that are easily lost."""

import math
import random

import numpy as np

from worktables.formats import Field, TableInfo

SHA = "0123456789abcdef" * 4

FIELDS = (
    Field("name", "text", description='who <&> "is" it'),
    Field("n", "int", ucd="meta.number"),
    Field("big", "int"),
    Field("flux", "float", unit="Jy/beam", ucd="phot.flux.density", description="peak"),
    Field("ok", "bool"),
    Field("observed", "time", unit="d", ucd="time.epoch", time_scale="UTC"),
    Field("position", "position", description="where"),
    Field("target", "position"),
    Field("spectrum", "array", unit="mJy", shape="*", element="float"),
    Field("moments", "array", shape="3", element="float"),
    Field("matrix", "array", shape="2x3", element="int"),
    Field("flags", "array", shape="*", element="bool"),
    Field("words", "array", shape="*", element="text"),
    Field("image", "product"),
)

ROWS = [
    (
        'a<b>&\r\n"q", é𝄞', 1, 2**53 + 1, 1.5, True, 59000.123456789012, (187.7, 12.39), (0.0, -90.0),
        [1.0, math.nan, math.inf], [1.0, 2.0, 3.0], [[1, 2, 3], [4, 5, 6]], [True, False], ["x", "", 'y,"z'], SHA,
    ),
    (None,) * len(FIELDS),
    (
        "", 0, 2**63 - 1, -math.inf, False, 0.0, (0.0, 0.0), None,
        [], [math.nan, 0.0, -math.inf], [[0, 0, 0], [0, 0, 0]], [], [], SHA,
    ),
    (
        "plain", -5, -(2**63) + 1, math.inf, None, -1e5, (359.9999999999, 1e-300), (1.0, 2.0),
        [0.1 + 0.2], [5e-324, -0.0, 1.7976931348623157e308], [[7, 7, 7], [8, 8, 2**53 + 1]], [True], ["a\nb"], SHA,
    ),
]  # fmt: skip


def everything(rows=ROWS, fields=FIELDS, **more):
    """What a writer gets to know of the table."""
    return TableInfo("everything", "One of each & more", fields, **{"n_rows": len(rows), **more})


def written(format, rows=ROWS, fields=FIELDS, batch=2, **more):
    """The bytes of the table, its rows given in small batches, an empty one among them."""
    batches = [rows[i : i + batch] for i in range(0, len(rows), batch)]
    return b"".join(format.writer(everything(rows, fields, **more), iter([*batches, []])))


def same(a, b):
    """Equal to the last bit: NaN equals NaN, -0.0 is not 0.0, True is not 1, None is only None."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.ma.getdata(np.asarray(a)).tolist(), np.ma.getdata(np.asarray(b)).tolist()
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return type(a) is type(b) and a == b


# A larger one, for speed and memory: twelve columns

SURVEY = (
    Field("id", "int"),
    Field("name", "text"),
    Field("position", "position"),
    Field("flux", "float", unit="Jy"),
    Field("flux_error", "float", unit="Jy"),
    Field("n", "int"),
    Field("ok", "bool"),
    Field("observed", "time"),
    Field("note", "text"),
    Field("moments", "array", shape="3"),
    Field("probability", "float"),
)


def survey_batches(n_rows, size=5000):
    """Batches of made-up rows, made as they are asked for."""
    chance = random.Random(1)
    for start in range(0, n_rows, size):
        yield [
            (
                i,
                f"source {i}",
                (chance.random() * 360, chance.random()),
                chance.random(),
                None if i % 7 == 0 else chance.random(),
                None if i % 5 == 0 else i * i,
                i % 2 == 0,
                59000 + chance.random(),
                None if i % 3 else "a note",
                [1.0, 2.0, chance.random()],
                chance.random(),
            )
            for i in range(start, min(start + size, n_rows))
        ]
