"""What a step promises: typed ports with units, parameters with limits, and how it may fail."""

import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pipelines import fingerprints
from pipelines.errors import BadParameter, BadStep, WrongValue

KINDS = ("bool", "int", "float", "text", "time", "position", "array", "product", "catalogue")
RESOURCES = ("light", "heavy", "network")

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
SHA256 = re.compile(r"[0-9a-f]{64}")
LARGEST_INT = 2**63 - 1


class StepFailed(Exception):
    """A step cannot give a result; the message is the line shown in the cell, so it names the remedy."""


@dataclass(frozen=True)
class Field:
    """One field of the items of a catalogue."""

    name: str
    kind: str = "float"
    unit: str = ""
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class Port:
    """A typed opening of a step, tied to a column of a worktable.

    A port with ``many`` is collected: it gets the list of the values of many rows. ``role`` says what
    column an output fills: ``output``, or ``metadata`` for what was only read from a product.
    """

    name: str
    kind: str = "float"
    unit: str = ""
    ucd: str = ""
    description: str = ""
    required: bool = True
    many: bool = False
    schema: tuple[Field, ...] = ()
    role: str = "output"

    def fit(self, value: Any) -> Any:
        """Return the value as plain Python, as a worktable stores it, or raise `WrongValue`."""
        return fit(self.name, self.kind, value)


@dataclass(frozen=True)
class Parameter:
    """A number or a word that steers a step; row, table, project or this default give its value."""

    name: str
    kind: str
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple = ()
    unit: str = ""
    help: str = ""

    def fit(self, value: Any) -> Any:
        """Return the value as plain Python, or raise `BadParameter` naming what is allowed."""
        try:
            value = fit(self.name, self.kind, value)
        except WrongValue:
            raise BadParameter(self.name, value, self.allowed) from None
        low = self.minimum is not None and value is not None and value < self.minimum
        high = self.maximum is not None and value is not None and value > self.maximum
        if value is None or low or high or (self.choices and value not in self.choices):
            raise BadParameter(self.name, value, self.allowed)
        return value

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        words = NEEDED[self.kind]
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f"{words} from {self.minimum:.12g} to {self.maximum:.12g}{unit}"
        if self.minimum is not None:
            return f"{words}, {self.minimum:.12g}{unit} or more"
        if self.maximum is not None:
            return f"{words}, {self.maximum:.12g}{unit} or less"
        return words


class Context(Protocol):
    """What a step may ask of the place where it runs; files come and go by their hash."""

    folder: Path
    lines: list[str]

    def log(self, text: str) -> None:
        """Add a line to the log of the run."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the step has come."""

    def open(self, sha256: str) -> BinaryIO:
        """Open a kept file for reading."""

    def path(self, sha256: str) -> Path:
        """Return where a kept file lies on this machine."""

    def keep(
        self, data: bytes, name: str, media_type: str = "application/fits", header: dict | None = None
    ) -> str:
        """Keep a file and return its sha256."""

    def keep_catalogue(self, table: Any, name: str) -> str:
        """Keep a table of items and return the sha256 of its file."""

    def catalogue(self, sha256: str) -> Any:
        """Read a kept catalogue back as a table."""

    def scratch(self) -> AbstractContextManager[Path]:
        """Make a folder that is gone afterwards."""

    def run(self, command: Sequence[str | Path], *, folder: Path | None = None) -> Any:
        """Run a program to its end; see `pipelines.context.ProjectContext.run`."""


@dataclass(frozen=True, eq=False)
class Step:
    """A registered function with its interface: what it takes, what it gives, and which code it is."""

    name: str
    function: Callable
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: tuple[Parameter, ...] = ()
    title: str = ""
    uses: tuple[str, ...] = ()
    batched: bool = False
    version: str = "1"
    resource: str = "light"
    deterministic: bool = True
    time_limit: float | None = None
    memory_limit: int | None = None
    input_named: Mapping[str, Port] = field(init=False, repr=False)
    output_named: Mapping[str, Port] = field(init=False, repr=False)
    parameter_named: Mapping[str, Parameter] = field(init=False, repr=False)
    needed: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "input_named", {port.name: port for port in self.inputs})
        object.__setattr__(self, "output_named", {port.name: port for port in self.outputs})
        object.__setattr__(self, "parameter_named", {each.name: each for each in self.parameters})
        object.__setattr__(self, "needed", tuple(port.name for port in self.inputs if port.required))
        check_step(self)

    @cached_property
    def code_fingerprint(self) -> str:
        """Which code this is; taken once and kept for the life of the process, as the loaded code is."""
        return fingerprints.code_fingerprint(self.function, self.uses, self.version)

    @property
    def help(self) -> str:
        """What the step does, from the docstring of its function."""
        return (self.function.__doc__ or "").strip()

    def missing_inputs(self, inputs: Mapping[str, Any]) -> list[str]:
        """Return the names of the required inputs that have no value."""
        return [name for name in self.needed if inputs.get(name) is None]

    def effective_parameters(self, *levels: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each parameter: of the first level that gives one, else the default.

        Levels are given from the nearest (row) to the farthest (project); a ``None`` inherits.
        """
        values = {}
        for parameter in self.parameters:
            given = (level[parameter.name] for level in levels if level.get(parameter.name) is not None)
            values[parameter.name] = parameter.fit(next(given, parameter.default))
        return values

    def interface(self) -> dict[str, Any]:
        """Return ports and parameters as plain JSON, for the record of this version."""
        return {
            "title": self.title,
            "help": self.help,
            "inputs": [as_json(port) for port in self.inputs],
            "outputs": [as_json(port) for port in self.outputs],
            "parameters": [as_json(parameter) for parameter in self.parameters],
            "uses": list(self.uses),
            "batched": self.batched,
        }


def check_step(step: Step) -> None:
    """Refuse a step whose declaration could not work, saying why."""

    def refuse_unless(fine: bool, problem: str) -> None:
        if not fine:
            raise BadStep(step.name, problem)

    refuse_unless(
        bool(NAME.fullmatch(step.name)), "its name must be lower-case letters, digits and underscores"
    )
    refuse_unless(step.resource in RESOURCES, f"resource “{step.resource}” is none of {', '.join(RESOURCES)}")
    refuse_unless(bool(step.outputs), "it has no output")
    for limit, unit in ((step.time_limit, "seconds"), (step.memory_limit, "bytes")):
        refuse_unless(limit is None or limit > 0, f"its limit of {limit} {unit} leaves it nothing")
    taking: list[Port | Parameter] = [*step.inputs, *step.parameters]
    for names in ([each.name for each in taking], [port.name for port in step.outputs]):
        twice = sorted({name for name in names if names.count(name) > 1})
        refuse_unless(not twice, f"“{', '.join(twice)}” is declared twice")
    for each in [*taking, *step.outputs]:
        refuse_unless(bool(NAME.fullmatch(each.name)), f"“{each.name}” cannot be a name")
        refuse_unless(each.kind in KINDS, f"“{each.name}” is of the unknown kind “{each.kind}”")
    for port in step.outputs:
        refuse_unless(not port.many, f"output “{port.name}” cannot be collected; only inputs are")
        refuse_unless(
            port.role in ("output", "metadata"), f"“{port.name}” has the unknown role “{port.role}”"
        )
        refuse_unless(port.kind != "catalogue" or bool(port.schema), f"catalogue “{port.name}” has no schema")
    for parameter in step.parameters:
        try:
            parameter.fit(parameter.default)
        except BadParameter as error:
            raise BadStep(step.name, f"its default is refused: {error}") from error


def as_json(declared: Port | Parameter | Field) -> dict[str, Any]:
    """Return what was declared without what was left at nothing."""
    plain = {name: value for name, value in vars(declared).items() if value not in ("", (), None)}
    if "schema" in plain:
        plain["schema"] = [as_json(item) for item in plain["schema"]]
    if "choices" in plain:
        plain["choices"] = list(plain["choices"])
    return plain


# ------------------------------------------------------------------ values

NEEDED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "text": "text",
    "time": "a time as MJD",
    "position": "a pair (ra, dec) in degrees, declination from -90 to 90",
    "array": "an array of numbers, truth values or text",
    "product": "the sha256 of a kept file",
    "catalogue": "the sha256 of a kept catalogue",
}


def fit(name: str, kind: str, value: Any) -> Any:
    """Return a value as the plain Python a worktable stores, or raise `WrongValue`.

    A scalar NaN is no value: it becomes ``None``. Infinities are kept.
    """
    if value is None:
        return None
    fitted = FITTERS[kind](value)
    if fitted is REFUSED:
        raise WrongValue(name, value, NEEDED[kind])
    return fitted


REFUSED = object()


def fit_bool(value):
    if type(value) is bool:
        return value
    return bool(value) if type(value).__name__ in ("bool_", "bool") else REFUSED


def fit_int(value):
    if type(value) is not int:
        if type(value) is bool or not isinstance(value, numbers.Integral):
            return REFUSED
        value = int(value)
    return value if -LARGEST_INT - 1 <= value <= LARGEST_INT else REFUSED


def fit_float(value):
    if type(value) is not float:
        if type(value) is bool or not isinstance(value, numbers.Real):
            return REFUSED
        value = float(value)
    return None if math.isnan(value) else value


def fit_time(value):
    value = fit_float(value)
    return REFUSED if isinstance(value, float) and math.isinf(value) else value


def fit_text(value):
    return str(value) if isinstance(value, str) and "\0" not in value else REFUSED


def fit_position(value):
    try:
        ra, dec = (float(each) for each in value)
    except (TypeError, ValueError):
        return REFUSED
    if not (math.isfinite(ra) and -90 <= dec <= 90):
        return REFUSED
    ra %= 360.0
    return (0.0 if ra == 360.0 else ra, dec)


def fit_array(value):
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, list | tuple):
        return REFUSED
    return [fit_element(each) for each in value]


def fit_element(value):
    if isinstance(value, list | tuple):
        return [fit_element(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "item"):
        return value.item()
    raise WrongValue("array", value, NEEDED["array"])


def fit_hash(value):
    return value if isinstance(value, str) and SHA256.fullmatch(value) else REFUSED


FITTERS: dict[str, Callable[[Any], Any]] = {
    "bool": fit_bool,
    "int": fit_int,
    "float": fit_float,
    "text": fit_text,
    "time": fit_time,
    "position": fit_position,
    "array": fit_array,
    "product": fit_hash,
    "catalogue": fit_hash,
}
