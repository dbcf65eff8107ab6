"""The levels at which a parameter gets its value: row, table, project, and the step's default; changing them."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from pipelines.registry import get_step
from projects.permissions import demand
from worktables.dependencies import graph_of
from worktables.errors import UnfitValue
from worktables.events import announce
from worktables.models import Change, TableStep
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import below, mark
from worktables.queue.wording import in_short
from worktables.waking import wake_workers

NAMED = 3  # parameters that a reason names one by one


def check_parameters(worktable, parameters):
    """Refuse names that are no parameter of this table's steps, and values outside their limits.

    Raises
    ------
    UnfitValue, pipelines.errors.BadParameter
    """
    _check(parameters, declared_parameters(worktable))


def _check(parameters, known):
    for key, value in parameters.items():
        if key not in known:
            listed = ", ".join(known) or "none at all"
            raise UnfitValue(key, value, f"is not a parameter here; there are {listed}")
        known[key].fit(value)


def declared_parameters(worktable):
    """Return {“step.name”: Parameter} for all steps of a table."""
    return {
        f"{step.name}.{parameter.name}": parameter
        for step in worktable.steps.filter(kind=TableStep.Kind.STEP)
        for parameter in get_step(step.step).parameters
    }


def steps_touched(worktable, changed, reason, by):
    """Mark all rows of the steps whose parameters (“step.name”) changed, and what follows; return how many units."""
    graph = graph_of(worktable.project_id)
    names = {key.partition(".")[0] for key in changed}
    everything = rowsets.all_rows(worktable.pk)
    reached = {}
    for node in graph.steps_of[worktable.pk]:
        if node.name in names:
            reached[node, everything] = None
            for found in below(graph, node, everything):
                reached[found] = None
    ordered = sorted(reached, key=lambda found: found[0].rank)
    return mark(graph, ordered, reason, about={worktable.pk}, by=by)


def _changes(where, changed, old, new, known, project=None):
    """Return which parameters of a table, or of the project, say what now, and what they said or inherited before."""

    def value(level, key):
        if key in level:
            return in_short(level[key])
        if project is not None and key in project.parameters:
            return f"{in_short(project.parameters[key])} (of the project)"
        return f"{in_short(known[key].default)} (the default)" if key in known else "unset"

    keys = sorted(changed)
    said = [f"“{key}” of {where}: {value(old, key)} → {value(new, key)}" for key in keys[:NAMED]]
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return f"parameter{'s' * (len(keys) > 1)} {'; '.join(said)}{more}"


@transaction.atomic
def set_parameters(worktable, parameters, *, by):
    """Set the table's parameters (`step.name` → value) for all rows that do not say otherwise; mark what they reach.

    Raises
    ------
    UnfitValue
        If a name is not a parameter of a step of this table, or a value is outside its limits.
    """
    demand(by, "run", worktable)
    check_parameters(worktable, parameters)
    hold(worktable.project_id)
    worktable.refresh_from_db(fields=["parameters"])  # somebody else may have set some meanwhile
    old = dict(worktable.parameters)
    changed = {key for key in old.keys() | parameters.keys() if old.get(key) != parameters.get(key)}
    if not changed:
        return 0
    worktable.parameters = parameters
    worktable.save(update_fields=["parameters"])
    reason = _changes(
        worktable.name, changed, old, parameters, declared_parameters(worktable), worktable.project
    )
    stale = steps_touched(worktable, changed, f"{reason}, by {by}", by)
    Change.objects.create(
        worktable=worktable,
        action=Change.Action.PARAMETERS,
        old=old,
        new=parameters,
        by=by,
        subject=worktable.name,
    )
    announce(worktable, "rows", all=True, n=worktable.n_rows)
    wake_workers(worktable)
    return stale


@transaction.atomic
def set_project_parameters(project, parameters, *, by):
    """Set the project's parameters (`step.name` → value) for all tables that do not say otherwise.

    Raises
    ------
    PermissionDenied
    UnfitValue, pipelines.errors.BadParameter
        If no table of the project has such a parameter, or a value is outside its limits.
    """
    if not type(project).objects.permitted(by, "run").filter(pk=project.pk).exists():
        raise PermissionDenied(f"{by} may not change the parameters of “{project}”")
    tables = list(project.worktables.filter(deleted_at=None))
    known = {key: one for table in tables for key, one in declared_parameters(table).items()}
    _check(parameters, known)
    hold(project.pk)
    project.refresh_from_db(fields=["parameters"])  # somebody else may have set some meanwhile
    old, project.parameters = dict(project.parameters), parameters
    changed = {key for key in old.keys() | parameters.keys() if old.get(key) != parameters.get(key)}
    project.save(update_fields=["parameters"])
    stale = 0
    for table in tables:
        here = changed & declared_parameters(table).keys()
        if not here:
            continue
        reason = _changes("the project", here, old, parameters, known)
        stale += steps_touched(table, here, f"{reason}, by {by}", by)
        # Of the steps of this table only: it may be shared without the others.
        Change.objects.create(
            worktable=table,
            action=Change.Action.PARAMETERS,
            old={key: old[key] for key in sorted(here & old.keys())},
            new={key: parameters[key] for key in sorted(here & parameters.keys())},
            by=by,
            subject="for all tables",
        )
        announce(table, "rows", all=True, n=table.n_rows)
    if tables:
        wake_workers(tables[0])
    return stale
