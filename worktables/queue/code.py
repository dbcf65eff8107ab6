"""Which code a table's step runs by: the version it has adopted or is pinned to, whatever else is registered."""

import logging

from pipelines.errors import PortGone, StepNotInstalled, UnknownStep
from pipelines.registry import all_steps, get_step, versions_of
from pipelines.versions import step_as_it_was
from worktables.models import TableStep, Worker

log = logging.getLogger(__name__)

_said: dict[str, str] = {}


def step_of(node):
    """Return the step that a node runs: of the version its table asks for, which may be remembered only.

    Raises
    ------
    PortGone
        If that version has no port of a name to which the table has tied a column.
    """
    try:
        step = get_step(node.step, node.code)
    except (StepNotInstalled, UnknownStep):
        if node.version_id is None:
            raise
        step = step_as_it_was(node.version_id)
    for use, names, known in (
        ("input", [port.port for port in node.inputs], step.input_named),
        ("parameter", node.parameters, step.parameter_named),
        ("output", node.outputs, step.output_named),
    ):
        for name in names:
            if name not in known:
                raise PortGone(node.step, step.version, use, name)
    return step


def is_installed(node):
    """Say whether this process can run what a node asks for; links need no code of a step."""
    if node.kind != TableStep.Kind.STEP or node.code is None:
        return True
    try:
        get_step(node.step, node.code)
    except (StepNotInstalled, UnknownStep):
        return False
    return True


def not_installed(node):
    """Return what to say of a unit that would have to run by code that nobody has."""
    return str(StepNotInstalled(node.step, node.code or "", node.version))


def may_take(node):
    """Say whether this process may claim units of a node.

    Old code never fills cells: whose step is of another version leaves them to a worker that has it. Where a table is
    pinned to code that no worker has, or nobody knows the step at all, anybody may say so.
    """
    if is_installed(node):
        return True
    waits_for_an_update = not node.pinned and versions_of(node.step)
    return not waits_for_an_update and code_of(node.step, node.code) not in codes_at_hand()


def waits_for_code(nodes):
    """Return {step id: what to say} of those nodes that no worker can run, though there are workers: one query."""
    codes = [set(codes) for codes in Worker.objects.filter(stopped_at=None).values_list("codes", flat=True)]
    at_hand = set().union(*codes)
    return {
        node.id: f"no worker has “{node.step}” version {node.version} ({node.code[:8]}): update a worker"
        + (", or unpin the step" if node.pinned else "")
        for node in nodes
        if codes and node.code is not None and code_of(node.step, node.code) not in at_hand
    }


def codes_at_hand():
    """Return the codes of steps (of `code_of`) that some worker alive can run."""
    found = set()
    for codes in Worker.objects.filter(stopped_at=None).values_list("codes", flat=True):
        found.update(codes)
    return found


def codes_here():
    """Return the codes (of `code_of`) of all steps registered in this process."""
    return [
        code_of(step.name, version.code_fingerprint)
        for step in all_steps()
        for version in versions_of(step.name)
    ]


def code_of(step, code_fingerprint):
    """Return one text for a step and its code: steps of one module share a fingerprint."""
    return f"{step} {code_fingerprint}"


def say_what_is_lacking(owner, nodes):
    """Write into a worker's record, and once into its log, which code that is asked for it does not have."""
    names = " and ".join(dict.fromkeys(f"“{node.step}”" for node in nodes))
    text = f"has another {names} than the tables ask for; update this host"[:200] if nodes else ""
    if _said.get(owner, "") == text:
        return
    _said[owner] = text
    Worker.objects.filter(token=owner).update(lacks=text)
    if text:
        log.warning("this worker %s, or run `stoa adopt` if its code is the newer one", text)
