"""The levels at which a parameter gets its value: row, table, project, and the step's default."""

from pipelines.registry import get_step
from worktables.dependencies import graph_of
from worktables.errors import UnfitValue
from worktables.models import TableStep
from worktables.queue import rowsets
from worktables.queue.marking import mark, reached_by


def levels_of(node, worktable, project):
    """Return what table and project say about a node's parameters: two mappings of parameter name → value."""
    prefix = f"{node.name}."
    return tuple(
        {
            key.removeprefix(prefix): value
            for key, value in holder.parameters.items()
            if key.startswith(prefix)
        }
        for holder in (worktable, project)
    )


def check_parameters(worktable, parameters):
    """Refuse names that are no parameter of this table's steps, and values outside their limits.

    Raises
    ------
    UnfitValue, pipelines.errors.BadParameter
    """
    known = declared_parameters(worktable)
    for key, value in parameters.items():
        if key not in known:
            listed = ", ".join(known) or "none at all"
            raise UnfitValue(key, value, f"is not a parameter of this table; its parameters are {listed}")
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
            for found in reached_by(graph, worktable.pk, everything, graph.written_by(node)):
                reached[found] = None
    ordered = sorted(reached, key=lambda found: found[0].rank)
    return mark(graph, ordered, reason, by=by)
