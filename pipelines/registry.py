"""The registered steps: from a name to a step."""

import importlib
from collections.abc import Callable, Sequence

from pipelines.contract import Parameter, Port, Step
from pipelines.errors import BadStep, UnknownStep

_steps: dict[str, Step] = {}


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
        Its name in pipelines; there is one step of a name.
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
        known = _steps.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise BadStep(name, f"{known.function.__module__} has a step of that name already")
        _steps[name] = made
        function.step = made  # type: ignore[attr-defined]
        return function

    return register


def get_step(name: str) -> Step:
    """Return the step of that name, or raise `UnknownStep`."""
    if name not in _steps:
        load_steps()
    try:
        return _steps[name]
    except KeyError:
        raise UnknownStep(name, _steps) from None


def all_steps() -> list[Step]:
    """Return all registered steps, by name."""
    load_steps()
    return [_steps[name] for name in sorted(_steps)]


def load_steps() -> None:
    """Register the steps that come with the portal."""
    importlib.import_module("pipelines.steps")


def forget_step(name: str) -> None:
    """Take a step out of the registry (a plugin that goes, a test that ends)."""
    _steps.pop(name, None)
