"""What makes two computations the same: digests of values, of code, and of a call.

Digests are BLAKE2b of 128 bits in hexadecimal. Time stamps never enter.
"""

import ast
import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Any

from pipelines.errors import SourceMissing

pack_float = Struct(">d").pack
pack_pair = Struct(">2d").pack
NOT_A_NUMBER = pack_float(math.nan)

# ------------------------------------------------------------------ values


def digest_of(kind: str, value: Any) -> str:
    """Return the digest of a value of a column of that kind: 32 hexadecimal digits.

    Floats count by their 64-bit pattern (one NaN; -0.0 differs from 0.0), a missing value has a digest of
    its own, a file or catalogue counts by its sha256.
    """
    if value is None:
        return NOTHING
    if kind == "float" or kind == "time":
        data = b"f" + (pack_float(value) if value == value else NOT_A_NUMBER)
    elif kind == "text":
        data = b"s" + value.encode("utf-8", "surrogatepass")
    elif kind == "int":
        data = b"i%d" % value
    elif kind == "bool":
        data = b"b1" if value else b"b0"
    elif kind == "position":
        if value[0] is None or value[1] is None:
            return NOTHING
        data = b"p" + pack_pair(*value)
    elif kind == "array":
        parts = [b"a"]
        add_array(parts, value)
        data = b"".join(parts)
    elif kind == "product" or kind == "catalogue":
        data = b"h" + value.encode()
    else:
        raise ValueError(f"a value of kind “{kind}” has no digest")
    return blake2b(data, digest_size=16).hexdigest()


NOTHING = blake2b(b"nothing", digest_size=16).hexdigest()


def add_array(parts: list[bytes], value: Any) -> None:
    """Add an array, element by element, each with its type, so that lists and numpy arrays agree."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        parts.append(b"[%d:" % len(value))
        for each in value:
            add_array(parts, each)
    elif value is None:
        parts.append(b"n")
    elif value is True or value is False:
        parts.append(b"b1" if value else b"b0")
    elif isinstance(value, float):
        parts.append(b"f" + (pack_float(value) if value == value else NOT_A_NUMBER))
    elif isinstance(value, int):
        parts.append(b"i%d;" % value)
    else:
        text = str(value).encode("utf-8", "surrogatepass")
        parts.append(b"s%d:" % len(text) + text)


# ------------------------------------------------------------------ calls


def fingerprint_of(
    code_fingerprint: str, parameters: Mapping[str, str], inputs: Mapping[str, str | Sequence[str]]
) -> str:
    """Return the fingerprint of one call: of the code, the digests of the parameters and of the inputs.

    A collected input is the list of its members' digests, in the order in which the step gets them.
    """
    return fingerprint_after(call_of(code_fingerprint, parameters), inputs)


def call_of(code_fingerprint: str, parameters: Mapping[str, str]) -> str:
    """Return the part of a call that many rows have in common, as `fingerprint_after` takes it."""
    # Names and digests hold neither space nor line feed, so the text can be read in one way only.
    return "\n".join(
        [code_fingerprint, *(f"parameter {name} {parameters[name]}" for name in sorted(parameters))]
    )


def fingerprint_after(call: str, inputs: Mapping[str, str | Sequence[str]]) -> str:
    """Return the fingerprint of a call, begun with `call_of`, with these inputs."""
    lines = [call]
    for name in sorted(inputs):
        digest = inputs[name]
        if isinstance(digest, str):
            lines.append(f"input {name} {digest}")
        else:
            lines.append(f"inputs {name} {len(digest)} {' '.join(digest)}")
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def content_of(outputs: Mapping[str, str]) -> str:
    """Return the digest of everything a call gave: equal content means that nothing below must run."""
    text = "\n".join([f"{name} {outputs[name]}" for name in sorted(outputs)])
    return blake2b(text.encode(), digest_size=16).hexdigest()


# ------------------------------------------------------------------ code


def code_fingerprint(function: Callable, uses: Iterable[str] = (), version: str = "1") -> str:
    """Return the fingerprint of a step's code.

    It is made of the syntax tree, without docstrings, of the function's module and of every module of what
    it uses (packages or modules, by dotted name), and of the declared version. Comments, docstrings and
    layout do not count, nor do the limits of a step. Library versions are recorded elsewhere, and do not count either.
    """
    digest = blake2b(digest_size=16)
    digest.update(f"{function.__qualname__}\nversion {version}\n".encode())
    for name in (function.__module__, *sorted(set(uses))):
        digest.update(f"{name} {source_digest(name)}\n".encode())
    return digest.hexdigest()


@cache
def source_digest(name: str) -> str:
    """Return the digest of the code of a module, or of all modules of a package."""
    digest = blake2b(digest_size=16)
    for relative, path in source_files(name):
        digest.update(f"{relative}\n{tree_text(path.read_bytes())}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def source_files(name: str) -> list[tuple[str, Path]]:
    """Return the source files of a module or package, as (relative name, path), sorted by name.

    Only its outermost package is looked up: nothing is imported to be fingerprinted.
    """
    outermost, *inner = name.split(".")
    try:
        spec = importlib.util.find_spec(outermost)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise SourceMissing(name)
    for folder in map(Path, spec.submodule_search_locations or ()):
        place = folder.joinpath(*inner)
        found = [(path.relative_to(place).as_posix(), path) for path in place.rglob("*.py")]
        module = place.with_name(place.name + ".py")
        if found or (inner and module.is_file()):
            return sorted(found) or [(module.name, module)]
    if not inner and spec.origin and spec.origin.endswith(".py"):
        return [(Path(spec.origin).name, Path(spec.origin))]
    raise SourceMissing(name)


def tree_text(source: bytes | str) -> str:
    """Return the syntax tree of a source text as text, without positions, docstrings and layout.

    `ast.dump` would do, but what it leaves out differs between versions of Python: a new interpreter
    would make every row of every table stale.
    """
    parts: list[str] = []
    add_node(parts, ast.parse(source))
    return "".join(parts)


UNSAID = ("kind", "type_comment", "type_ignores", "ctx")
LIMITS = ("time_limit", "memory_limit")  # of `step`: who raises one does not change what comes out


def add_node(parts: list[str], node: Any) -> None:
    """Add a node and what is below it; what is empty is left out."""
    if isinstance(node, ast.AST):
        parts.append(type(node).__name__ + "(")
        for name, value in ast.iter_fields(node):
            if name in UNSAID:
                continue
            if isinstance(value, list):
                value = [each for each in value if not is_bare_text(each)]
            if name == "keywords" and isinstance(node, ast.Call) and is_step(node.func):
                value = [each for each in value if each.arg not in LIMITS]
            # An absent field is left out; None as a *value* is the constant None.
            if value not in (None, []) or isinstance(node, ast.Constant):
                parts.append(name + "=")
                add_node(parts, value)
        parts.append(")")
    elif isinstance(node, list):
        parts.append("[")
        for each in node:
            add_node(parts, each)
            parts.append(",")
        parts.append("]")
    else:
        parts.append(f"{type(node).__name__} {node!r} ")


def is_step(function: Any) -> bool:
    """Whether what is called is the decorator that registers a step."""
    return "step" in (getattr(function, "id", None), getattr(function, "attr", None))


def is_bare_text(node: Any) -> bool:
    """Whether a statement is nothing but a string: a docstring, or a note that runs nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
