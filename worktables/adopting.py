"""Which code a table's steps run by: adopted once for all workers, pinned to a version, and let go again."""

from django.db import transaction

from pipelines.errors import UnknownStep
from pipelines.models import StepVersion
from pipelines.registry import get_step, versions_of
from pipelines.versions import version_of
from projects.models import Project, new_version
from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import NoSuchStep, NoSuchVersion
from worktables.events import announce
from worktables.models import Change, State, TableStep, Unit
from worktables.queue import rowsets
from worktables.queue.locking import hold, in_one_transaction
from worktables.queue.marking import below, mark
from worktables.waking import wake_workers


def adopt_code():
    """Let every table run by the code that is registered here, where it ran by other code and is not pinned.

    Called once where a portal starts or is deployed, and by no worker: what two hosts disagree about is decided here.
    All rows of a step with new code become stale; those whose result turns out to be known are not computed.

    Returns
    -------
    list of str
        What became of which step, in words.
    """
    steps = TableStep.objects.filter(kind=TableStep.Kind.STEP, worktable__deleted_at=None)
    found = steps.select_related("version", "worktable").order_by("worktable__project_id")
    projects = dict.fromkeys(step.worktable.project_id for step in found if _differs(step) or _is_back(step))
    return [line for project_id in projects for line in _adopt_in(project_id)]


def _registered(step):
    try:
        return get_step(step.step)
    except UnknownStep:  # its code is gone: what is there stays, and what must run says so
        return None


def _differs(step):
    """Say whether a table's step would run by other code than it has adopted."""
    here = _registered(step)
    known = step.version.code_fingerprint if step.version else None
    return not step.pinned and here is not None and here.code_fingerprint != known


def _is_back(step):
    """Say whether the code for which units of a step waited has been installed."""
    return (
        step.version is not None
        and step.version.code_fingerprint in {one.code_fingerprint for one in versions_of(step.step)}
        and _waiting(step).exists()
    )


def _waiting(step):
    blocked = Unit.objects.filter(worktable=step.worktable_id, step=step, state=State.BLOCKED)
    return blocked.filter(reason__startswith=f"needs “{step.step}” ")


@in_one_transaction
def _adopt_in(project_id):
    """Adopt the code of a project's steps, holding it; what another process has adopted meanwhile is left."""
    hold(project_id)
    said = []
    steps = TableStep.objects.filter(
        worktable__project=project_id, kind=TableStep.Kind.STEP, worktable__deleted_at=None
    )
    for step in steps.select_related("version", "worktable").order_by("rank", "id"):
        if _differs(step):
            new = version_of(_registered(step))
            change = f"has new code: {_from(step)}{new.in_words}"
            _run_by(step, new, f"{_named(step)} {change}", by=None)
            said.append(f"{step.worktable.name}: “{step.name}” {change}")
        elif _is_back(step):
            back = f"{step.version.in_words} is installed again"
            rows = rowsets.these(step.worktable_id, list(_waiting(step).values_list("row_id", flat=True)))
            _mark(step, rows, f"{_named(step)} can run: {back}", by=None)
            said.append(f"{step.worktable.name}: “{step.step}” {back}")
    if said:
        wake_workers()
    return said


def _named(step):
    return f"“{step.name}” of {step.worktable.name}"


def _from(step):
    return f"{step.version.in_words} → " if step.version else "it is now "


def _run_by(step, version, reason, *, by):
    """Let a table's step run by a version, and mark all that may differ."""
    old, step.version = step.version, version
    step.save(update_fields=["version", "pinned"])
    Project.objects.filter(pk=step.worktable.project_id).update(graph_version=new_version())
    _mark(step, rowsets.all_rows(step.worktable_id), reason, by=by)
    _note(step, old, version, by)


def _mark(step, rows, reason, *, by):
    graph = graph_of(step.worktable.project_id)
    node = graph.nodes.get(step.pk)
    if node is not None:
        mark(
            graph, [(node, rows), *below(graph, node, rows)], reason, about={step.worktable_id}, by=by
        )  # what comes out the same goes no further


def _note(step, old, new, by, **more):
    Change.objects.create(
        worktable=step.worktable,
        action=Change.Action.TABLE,
        subject=f"the code of “{step.name}”",
        old={"runs by": old.in_words} if old else None,
        new={"runs by": new.in_words, **more},
        by=by,
    )
    announce(step.worktable, "table")


@transaction.atomic
def pin_step(worktable, name, version, *, by):
    """Keep a table's step at a version, whatever code comes; also at one whose code is gone.

    Rows that this version has made are fresh again; what must run, by code that no worker has, is blocked.

    Parameters
    ----------
    name : str
        Of the step in the table.
    version : StepVersion

    Raises
    ------
    PermissionDenied, NoSuchStep, NoSuchVersion
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    step = _find(worktable, name)
    if version.step != step.step:
        raise NoSuchVersion(step.name, version)
    if step.pinned and step.version_id == version.pk:
        return step
    same, step.pinned = step.version_id == version.pk, True
    if same:
        step.save(update_fields=["pinned"])
        Project.objects.filter(pk=worktable.project_id).update(graph_version=new_version())
        _note(step, version, version, by, pinned="yes")
    else:
        reason = f"{_named(step)} was pinned by {by}: {_from(step)}{version.in_words}"
        _run_by(step, version, reason, by=by)
    wake_workers(worktable)
    return step


@transaction.atomic
def unpin_step(worktable, name, *, by):
    """Let a table's step follow its code again: it adopts what is registered now.

    Raises
    ------
    PermissionDenied, NoSuchStep
    """
    demand(by, "run", worktable)
    hold(worktable.project_id)
    step = _find(worktable, name)
    if not step.pinned:
        return step
    step.pinned = False
    here = _registered(step)
    new = version_of(here) if here is not None else step.version
    if new == step.version:
        step.save(update_fields=["pinned"])
        Project.objects.filter(pk=worktable.project_id).update(graph_version=new_version())
        _note(step, new, new, by, pinned="no")
    else:
        _run_by(step, new, f"{_named(step)} was unpinned by {by}: {_from(step)}{new.in_words}", by=by)
    wake_workers(worktable)
    return step


def _find(worktable, name):
    steps = worktable.steps.filter(kind=TableStep.Kind.STEP).select_related("version", "worktable")
    step = steps.filter(name=name).first()
    if step is None:
        raise NoSuchStep(name, worktable.name, steps.values_list("name", flat=True))
    return step


def known_versions(step_name):
    """Return the versions of a step that there have been, the latest first; the registered ones are among them.

    Returns
    -------
    list of (StepVersion, bool)
        And whether its code is installed here.
    """
    here = {version_of(step).pk for step in versions_of(step_name)}
    versions = StepVersion.objects.filter(step=step_name).order_by("-first_seen", "-pk")
    return [(version, version.pk in here) for version in versions]
