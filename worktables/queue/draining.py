"""Working through the queue: claim a batch, read it, decide, compute, write."""

import dataclasses
import logging
import time
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error

from pipelines.context import ProjectContext, usual_limits
from pipelines.environments import present_environment
from pipelines.errors import PipelinesError
from pipelines.executing import Call, execute, line_of
from pipelines.limits import limits_of
from pipelines.memo import recall
from pipelines.models import StepVersion
from pipelines.runs import Execution
from pipelines.stopping import Halt, Stopped
from pipelines.versions import version_of
from worktables.models import Link, State, TableStep
from worktables.queue import expansion, lookups, recovery
from worktables.queue.batching import end_batches
from worktables.queue.claiming import claim
from worktables.queue.cleaning import Cleaning
from worktables.queue.code import is_installed, not_installed, step_of
from worktables.queue.durations import tell_duration
from worktables.queue.garbage import undisturbed
from worktables.queue.reading import read_step_inputs, read_works
from worktables.queue.settling import settle
from worktables.queue.sharing import Shares
from worktables.queue.telling import Telling
from worktables.storage.values import as_json, from_json
from worktables.waking import wake_others

log = logging.getLogger(__name__)

FIRST_BATCH = {"light": 50, "heavy": 1, "network": 5}
SHARES = Shares()
CLEANING = Cleaning()
_seconds = {}


def drain(worker, *, budget_seconds=None, stop=None, watchman=None, shares=SHARES):
    """Compute what can be computed, until nothing is claimable (or the budget is used up, or `stop` is set).

    Parameters
    ----------
    worker : Worker
        As registered by `recovery.register_worker`.
    budget_seconds : float, optional
    stop : threading.Event, optional
    watchman : Watchman, optional
        Who stops what was taken from the worker, or takes too long; else nobody does.
    shares : Shares, optional
        What users have had of the worker's time, if not all that this process has given them.

    Returns
    -------
    int
        How many units were settled.
    """
    started, settled = time.monotonic(), 0
    while not (stop is not None and stop.is_set()):
        if budget_seconds is not None and time.monotonic() - started > budget_seconds:
            break
        batch = claim(worker.token, batch_size, worker.takes, shares)
        if batch is None:
            break
        try:
            with shares.charged(batch):
                settled += work_through(batch, worker, watchman)
            wake_others(worker.takes)
        except Error:
            raise  # the database's own troubles are for whoever holds the connection
        except Stopped:  # not while a step ran; then it is nobody's
            recovery.give_back(worker)
        except Exception as error:  # whatever is wrong with these units, the others go on
            where = f"“{batch.node.name}” of {batch.worktable.name}"
            log.exception("%s could not be worked through", where)
            recovery.lose(worker, line_of(error))
    if settled:
        end_batches()
        CLEANING.worked_off(settled)
    return settled


def batch_size(node):
    """Return how many units of a step make about a second of work, as far as is known."""
    limits = settings.WORKTABLES
    if node.id in _seconds:
        return max(1, min(limits["BATCH"], int(limits["BATCH_SECONDS"] / max(_seconds[node.id], 1e-5))))
    try:
        return FIRST_BATCH[step_of(node).resource] if node.kind == TableStep.Kind.STEP else 200
    except PipelinesError:  # its units will say so
        return limits["BATCH"]


def work_through(batch, worker, watchman=None):
    """Bring the units of a batch to their settled states; return how many were accepted."""
    started, size, stopped = time.monotonic(), len(batch.claims), False
    is_step = batch.node.kind == TableStep.Kind.STEP
    with undisturbed():
        works = read_works(batch)
        _read(batch, works)
        _verify(works)
        if is_step and _open(works):
            _recall(batch, works)
        if not is_installed(batch.node):
            for work in _open(works):
                work.stop(State.BLOCKED, not_installed(batch.node))
        todo = _open(works)
        todo, twins = _apart(step_of(batch.node), todo) if is_step and todo else (todo, [])
        calls = _calls(batch, todo, watchman) if is_step and todo else []
    results = _executed(batch, todo, calls, worker, watchman) if calls else []
    with undisturbed():
        if calls:
            _take_results(batch, todo, results, worker)
            stopped = _let_go(batch, works, todo, results, twins)
            _share_results(twins)
        elif todo:
            _execute_link(batch, todo, worker)
        accepted = settle(batch, list(works.values()))
    if stopped:
        recovery.give_back(worker)
        return accepted
    spent = (time.monotonic() - started) / size
    _seconds[batch.node.id] = 0.5 * (_seconds.get(batch.node.id, spent) + spent)
    if todo:
        tell_duration(batch.node, _seconds[batch.node.id])
    return accepted


def _read(batch, works):
    """Read what each work is made from; what can never be read, for a unit or a step, fails with its reason."""
    try:
        if batch.node.kind in Link.LOOKS_UP:
            lookups.read_lookups(batch, works)
        elif batch.node.kind == TableStep.Kind.EXPAND:
            expansion.read_items(batch, works)
        else:
            read_step_inputs(batch, works)
    except PipelinesError as error:
        for work in _open(works):
            work.stop(State.FAILED, str(error))


def _open(works):
    return [work for work in works.values() if work.state == State.STALE]


def _verify(works):
    """Early cutoff: what is made from the same as before is fresh again, and nothing runs."""
    for work in _open(works):
        known = work.known
        if known is not None and known.fingerprint == work.fingerprint and not work.claim.forced:
            work.state, work.verified = State.FRESH, True


def _recall(batch, works):
    """Take from the memo what was computed before: in another row, another table, or before an edit was undone."""
    step = step_of(batch.node)
    wanted = [work for work in _open(works) if step.deterministic and not work.claim.forced]
    memo = recall(batch.worktable.project_id, {work.fingerprint for work in wanted}) if wanted else {}
    for work in wanted:
        found = memo.get(work.fingerprint)
        if found is not None:
            work.outputs = {
                name: from_json(step.output_named[name].kind, value) for name, value in found.outputs.items()
            }
            work.state, work.reused, work.run_id = State.FRESH, True, found.run_id
            work.reason = f"reused from run {found.run_id}"


def _calls(batch, todo, watchman=None):
    project, began = batch.worktable.project, time.monotonic()
    limits = limits_of(step_of(batch.node), usual_limits())
    calls = []
    for work in todo:
        halt = Halt(watchman.watch if watchman else None)
        tell = Telling(batch, work.claim.row_id, began)
        context = ProjectContext(project, on_progress=tell, halt=halt, limits=limits)
        calls.append(Call(work.inputs, work.parameters, context, halt))
    return calls


def _executed(batch, todo, calls, worker, watchman):
    """Execute calls, looked after if there is somebody who does."""
    step, limits = step_of(batch.node), calls[0].context.limits
    if watchman is None:
        return execute(step, calls, limits=limits)

    def fail(work, result):
        alone = dataclasses.replace(batch, claims={work.claim.row_id: work.claim}, ran={})
        _take_results(alone, [work], [result], worker)
        settle(alone, [work])

    halts = {work.claim.row_id: call.halt for work, call in zip(todo, calls, strict=True)}
    watchman.begin(batch, {work.claim.row_id: work for work in todo}, halts, fail)
    try:
        return execute(step, calls, watch=watchman.watch, limits=limits)
    finally:
        watchman.end()


def _take_results(batch, todo, results, worker):
    """Give each work what came of its call, and the run that says so."""
    step = step_of(batch.node)
    batch.ran_as(version_of(step), present_environment(), worker)
    inputs = [(port.name, port.kind, port.many) for port in step.inputs]
    parameters = [(each.name, each.kind) for each in step.parameters]
    outputs = [(port.name, port.kind) for port in step.outputs]
    said, shown = None, {}
    for work, result in zip(todo, results, strict=True):
        if work.parameters is not said:  # most rows have those of their table, which are one object
            said = work.parameters
            shown = {name: as_json(kind, said[name]) for name, kind in parameters}
        taken = {name: _shown(kind, many, work.inputs.get(name)) for name, kind, many in inputs}
        run = work.run = _begun(work, result.started_at, result.finished_at, taken, shown)
        run.log = result.log
        if result.outputs is None:
            work.stop(State.FAILED, result.error)
            (run.stop if result.stopped else run.fail)(result.error)
        else:
            work.state, work.outputs = State.FRESH, result.outputs
            run.outputs = {name: as_json(kind, result.outputs[name]) for name, kind in outputs}


def _let_go(batch, works, todo, results, twins):
    """Take what was stopped out of the batch, with whoever waited for its result; say whether anything was.

    It is nobody's fault and nobody's result: its run is kept as refused, and what has not been taken from the worker
    goes back to the queue.
    """
    stopped = [(work, result) for work, result in zip(todo, results, strict=True) if result.stopped]
    for work, result in stopped:
        batch.claims.pop(work.claim.row_id)
        if result.started_at == result.finished_at:  # it was not begun
            del works[work.claim.row_id]
    gone = {id(work) for work, _ in stopped}
    for work, first in list(twins):
        if id(first) in gone:
            twins.remove((work, first))
            batch.claims.pop(work.claim.row_id)
            del works[work.claim.row_id]
    return bool(stopped)


def _share_results(twins):
    """Give works that are the same computation as another what came of that."""
    for work, first in twins:
        if first.state == State.FRESH:
            work.state, work.outputs, work.reused, work.twin = State.FRESH, first.outputs, True, first
        else:
            work.stop(first.state, first.reason)


def _apart(step, works):
    """Split works into those that run and those that are the same computation as one of them."""
    if not step.deterministic:
        return works, []
    first, twins = {}, []
    for work in works:
        if work.claim.forced or first.setdefault(work.fingerprint, work) is work:
            continue
        twins.append((work, first[work.fingerprint]))
    again = {id(work) for work, _ in twins}
    return [work for work in works if id(work) not in again], twins


def _shown(kind, many, value):
    """Return an input as its run keeps it; of collected ones, how many (provenance has each)."""
    if many:
        return {"n": len(value)}
    return as_json(kind, value)


def _execute_link(batch, todo, worker):
    batch.ran_as(_version_of_link(batch.node.kind), present_environment(), worker)
    for work in todo:
        now = datetime.now(UTC)
        work.run = _begun(work, now, now, {}, {})
        try:
            if batch.node.kind == TableStep.Kind.EXPAND:
                work.items = expansion.make_items(batch, work)
                work.run.outputs = {"items": len(work.items[0])}
            work.state = State.FRESH
        except Exception as error:  # whatever a list cell holds, the other rows go on
            work.stop(State.FAILED, f"the items cannot be read: {error}")
            work.run.fail(work.reason)
        work.run.finished_at = datetime.now(UTC)


def _begun(work, started_at, finished_at, inputs, parameters):
    row_id, generation, _, asked_by = work.claim
    return Execution(
        row_id, generation, work.fingerprint, asked_by, started_at, finished_at, inputs, parameters
    )


_link_versions = {}


def _version_of_link(kind):
    text = lookups.VERSIONS.get(kind, expansion.VERSION)
    if kind not in _link_versions or not StepVersion.objects.filter(pk=_link_versions[kind].pk).exists():
        _link_versions[kind], _ = StepVersion.objects.get_or_create(
            step=str(kind),
            code_fingerprint=text,
            defaults={"declared_version": text.split()[-1], "interface": {}, "resource": "light"},
        )
    return _link_versions[kind]
