"""The registered steps: from a name, and perhaps a version, to a step."""

import importlib
import re
from collections.abc import Callable, Sequence

from pipelines.contract import Parameter, Port, Step
from pipelines.errors import BadStep, StepNotInstalled, UnknownStep

_steps: dict[str, dict[str, Step]] = {}  # name → version → step


def step(
    name: str,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    parameters: Sequence[Parameter] = (),
    *,
    uses: Sequence[str] = (),
    batched: bool = False,
    version: str = "1",
    resource: str = "light",
    deterministic: bool = True,
    title: str = "",
    time_limit: float | None = None,
    memory_limit: int | None = None,
) -> Callable[[Callable], Callable]:
    """Register a function ``f(inputs, parameters, context) -> outputs`` as a step.

    Parameters
    ----------
    name : str
        Its name in pipelines. Several versions may stand beside each other; the highest is the one that is meant
        where none is named.
    inputs, outputs, parameters
        Its interface.
    uses : sequence of str
        Packages or modules, beyond its own, whose code makes the result; part of the code fingerprint.
    batched : bool
        The function gets lists of inputs, parameters and contexts, and returns a list of outputs, with an
        exception in place of what failed.
    version : str
        Raise it to say that results changed although the code did not (a table of constants on disk, say).
    resource : str
        What a call asks of its host: ``light``; ``heavy``, for what computes long; ``network``, for what talks to
        archives. Each is a queue of its own, which a worker takes or leaves.
    deterministic : bool
        False when the result depends on more than the inputs; it is then never taken from the memo.
    title : str
        What people read.
    time_limit : float
        How many seconds a call may take, at most; else as the settings say. Who takes longer fails.
    memory_limit : int
        How many bytes a call may ask for beyond what its worker has, at most; else as the settings say.
        Neither limit is part of the code fingerprint: who changes one makes no result old.

    Returns
    -------
    callable
        The function itself, with the `Step` as its attribute ``step``.
    """

    def register(function: Callable) -> Callable:
        made = Step(
            name=name,
            function=function,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            parameters=tuple(parameters),
            title=title or name.replace("_", " "),
            uses=tuple(uses),
            batched=batched,
            version=version,
            resource=resource,
            deterministic=deterministic,
            time_limit=time_limit,
            memory_limit=memory_limit,
        )
        known = _steps.get(name, {}).get(version)
        if known is not None and known.function.__module__ != function.__module__:
            where = known.function.__module__
            raise BadStep(name, f"{where} has a step of that name already, of version {version}")
        _steps.setdefault(name, {})[version] = made
        function.step = made  # type: ignore[attr-defined]
        return function

    return register


def get_step(name: str, code: str | None = None) -> Step:
    """Return the step of that name: its highest version, or the one with that code fingerprint.

    Raises
    ------
    UnknownStep
        If there is no step of that name.
    StepNotInstalled
        If no version of it has that code.
    """
    if name not in _steps:
        load_steps()
    versions = _steps.get(name)
    if not versions:
        raise UnknownStep(name, _steps)
    newest = versions[max(versions, key=_in_order)]
    if code is None or newest.code_fingerprint == code:
        return newest
    for step in versions.values():
        if step.code_fingerprint == code:
            return step
    raise StepNotInstalled(name, code)


def _in_order(version: str) -> list[tuple[int, str]]:
    """Order versions as people do: 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[^\d.]+", version)]


def all_steps() -> list[Step]:
    """Return all registered steps in their highest versions, by name."""
    load_steps()
    return [get_step(name) for name in sorted(_steps)]


def versions_of(name: str) -> list[Step]:
    """Return all registered versions of a step, the highest first; none if nobody knows the name."""
    load_steps()
    versions = _steps.get(name, {})
    return [versions[version] for version in sorted(versions, key=_in_order, reverse=True)]


def load_steps() -> None:
    """Register the steps that come with the portal."""
    importlib.import_module("pipelines.steps")


def forget_step(name: str, version: str | None = None) -> None:
    """Take a step, or one version of it, out of the registry (a plugin that goes, a test that ends)."""
    if version is not None:
        _steps.get(name, {}).pop(version, None)
    if version is None or not _steps.get(name):
        _steps.pop(name, None)
