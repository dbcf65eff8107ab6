"""What counts as the same value, the same code, the same call."""

import importlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipelines.errors import SourceMissing
from pipelines.fingerprints import (
    code_fingerprint,
    content_of,
    digest_of,
    fingerprint_of,
    source_digest,
    tree_text,
)

floats = some.tuples(some.just("float"), some.floats())
integers = some.tuples(some.just("int"), some.integers())
texts = some.tuples(some.just("text"), some.text())
truths = some.tuples(some.just("bool"), some.booleans())
elements = some.one_of(some.none(), some.booleans(), some.integers(), some.floats(), some.text())
arrays = some.tuples(some.just("array"), some.recursive(some.lists(elements), some.lists, max_leaves=8))
values = some.one_of(floats, integers, texts, truths, arrays)


def exact(value):
    """A form of a value that is equal exactly where the value is the same: the slow, obvious rule."""
    if isinstance(value, list):
        return ("array", *map(exact, value))
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack(">d", value))
    return (type(value).__name__, value)


@given(values, values)
def test_digests_are_equal_exactly_where_values_are(one, other):
    same = one[0] == other[0] and exact(one[1]) == exact(other[1])

    assert (digest_of(*one) == digest_of(*other)) == same


def test_nothing_zero_minus_zero_empty_and_nan_all_differ():
    digests = {
        digest_of("float", None),
        digest_of("float", 0.0),
        digest_of("float", -0.0),
        digest_of("float", math.nan),
        digest_of("float", math.inf),
        digest_of("int", 0),
        digest_of("bool", False),
        digest_of("text", ""),
        digest_of("text", "None"),
        digest_of("array", []),
        digest_of("array", [None]),
        digest_of("array", [[]]),
    }

    assert len(digests) == 12
    assert all(len(digest) == 32 for digest in digests)


def test_every_nan_is_the_same_nan():
    odd = struct.unpack(">d", b"\x7f\xf8\x00\x00\x00\x00\x00\x01")[0]

    assert digest_of("float", odd) == digest_of("float", math.nan)


def test_lists_and_numpy_arrays_agree():
    assert digest_of("array", np.array([[1.0, -0.0]])) == digest_of("array", [[1.0, -0.0]])
    assert digest_of("array", [1.0]) != digest_of("array", [1])


def test_a_position_that_is_missing_has_the_digest_of_nothing():
    assert digest_of("position", (None, None)) == digest_of("float", None)
    assert digest_of("position", (1.0, 2.0)) != digest_of("position", (2.0, 1.0))


def test_a_call_is_the_same_whatever_the_order_in_which_its_parts_are_named():
    one = fingerprint_of("c", {"a": "1", "b": "2"}, {"x": "3", "y": ["4", "5"]})
    other = fingerprint_of("c", {"b": "2", "a": "1"}, {"y": ("4", "5"), "x": "3"})

    assert one == other


def test_each_part_of_a_call_counts():
    calls = [
        ("c", {"a": "1"}, {"x": "2"}),
        ("d", {"a": "1"}, {"x": "2"}),
        ("c", {"a": "2"}, {"x": "2"}),
        ("c", {"b": "1"}, {"x": "2"}),
        ("c", {}, {"a": "1", "x": "2"}),
        ("c", {"a": "1"}, {"x": ["2"]}),
        ("c", {"a": "1"}, {"x": []}),
        ("c", {"a": "1"}, {"x": ["2", "3"]}),
        ("c", {"a": "1"}, {"x": ["3", "2"]}),
    ]

    assert len({fingerprint_of(*call) for call in calls}) == len(calls)


def test_content_is_of_names_and_values():
    assert content_of({"a": "1", "b": "2"}) == content_of({"b": "2", "a": "1"})
    assert content_of({"a": "1", "b": "2"}) != content_of({"a": "2", "b": "1"})


STEP = '''
"""A step."""
from small_package import factor


class Odd:
    """Only words."""


def double(inputs, parameters, context):
    """Double it."""
    # twice
    return {"y": factor() * inputs["x"], "none": None}
'''


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write modules and give the fingerprint of ``small_step.double`` that uses ``small_package``."""
    monkeypatch.syspath_prepend(tmp_path)

    def fingerprint(step=STEP, factor="def factor():\n    return 2\n", version="1", **more):
        package = tmp_path / "small_package"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text("from small_package.factors import factor\n")
        (package / "factors.py").write_text(factor)
        for name, text in more.items():
            (package / f"{name}.py").write_text(text)
        (tmp_path / "small_step.py").write_text(step)
        for name in ("small_step", "small_package", "small_package.factors"):
            monkeypatch.delitem(importlib.sys.modules, name, raising=False)
        importlib.invalidate_caches()
        source_digest.cache_clear()
        module = importlib.import_module("small_step")
        return code_fingerprint(module.double, ["small_package"], version)

    yield fingerprint
    source_digest.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# twice", "# two times, as the paper says"),
        ('"""Double it."""', '"""Multiply by two.\n\n    At length.\n    """'),
        ('    """Double it."""\n', ""),
        ('"""A step."""\n', ""),
        ('    """Only words."""', '    """Other words."""'),
        ('{"y": factor()', "{\n        'y': (factor())"),
        ("\n\n\ndef", "\n\n\n\n\ndef"),
    ],
)
def test_words_and_layout_do_not_change_the_code(written, old, new):
    assert old in STEP

    assert written(STEP.replace(old, new)) == written()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("factor() *", "factor() +"),
        ("factor() *", "2 *"),
        ('"none": None', '"none": False'),
        ('"none": None', '"none": 0'),
        ('"y"', '"z"'),
        ("return", "yield"),
    ],
)
def test_an_edit_of_the_code_changes_the_fingerprint(written, old, new):
    assert written(STEP.replace(old, new)) != written()


def test_the_code_of_what_a_step_uses_counts_and_its_words_do_not(written):
    before = written()

    assert written(factor='def factor():\n    """Two."""\n    return 2  # for now\n') == before
    assert written(factor="def factor():\n    return 3\n") != before


def test_a_new_module_in_what_a_step_uses_counts(written):
    assert written() != written(another="ANSWER = 42\n")


def test_the_declared_version_counts(written):
    assert written(version="1") != written(version="2")


def test_code_without_a_source_is_refused():
    with pytest.raises(SourceMissing, match="no_such_package"):
        code_fingerprint(test_code_without_a_source_is_refused, ["no_such_package"])


def test_the_text_of_a_tree_tells_equal_looking_constants_apart():
    texts = {tree_text(f"x = {constant}") for constant in ("1", "1.0", "True", "'1'", "b'1'", "None", "...")}

    assert len(texts) == 7
