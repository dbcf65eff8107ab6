"""A row as documents of jobs tell it: its cells, its steps and their runs, as far as whoever asks may know."""

import dataclasses
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from pipelines.models import Run
from vo.rows.cells import name_of, parameters_of, results_of
from vo.uws.documents import Info, Parameter, Result
from vo.uws.phases import Phase
from worktables.models import State, TableStep, Todo
from worktables.planning import plan_wish, wish_for, workers_alive
from worktables.sight import Sight
from worktables.storage import layout_of
from worktables.viewing import view_rows

TO_COME = (Phase.PENDING, Phase.QUEUED, Phase.EXECUTING)


@dataclasses.dataclass
class RowJob:
    """A row, as a job tells all there is to say."""

    pk: int
    run_id: str
    owner_name: str
    phase: str
    created_at: datetime
    quote: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    error_type: str = ""
    told_parameters: list[Parameter] = dataclasses.field(default_factory=list)
    told_results: list[Result] = dataclasses.field(default_factory=list)
    told_info: list[Info] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)

    execution_duration = 0  # a row runs for as long as its steps take
    destruction = None  # it does not expire


def tell(table, row, viewer, *, page=""):
    """Return all there is to say of a row as a job.

    Parameters
    ----------
    table : Worktable
    row : model of the layout
        With its phase.
    viewer : User
    page : str
        Where the row is for people.
    """
    layout, sight = layout_of(table), Sight(viewer, table.project_id)
    (found,) = view_rows(table, layout, [row], viewer)
    cells = {column.pk: value for column, value in zip(layout.columns, found.cells, strict=True)}
    failed = [
        (name, unit) for name, unit in found.steps.items() if unit.state in (State.FAILED, State.BLOCKED)
    ]
    runs = Run.objects.in_bulk([unit.run_id for unit in found.steps.values() if unit.run_id])
    failures = [f"{name}: {said_of(unit, runs, sight)}" for name, unit in failed]
    job = RowJob(
        row.id,
        name_of(layout, row),
        owners_of(table, [row], viewer).get(row.created_by, ""),
        row.phase,
        row.created_at,
        failures=failures,
        told_parameters=parameters_of(layout, cells),
        told_results=results_of(table, layout, cells, found.steps),
        told_info=info_of(found, row.phase, page),
    )
    if row.phase == Phase.ERROR:
        broken = any(unit.state == State.FAILED for _, unit in failed)
        job.error = next((f"{name}: {unit.reason}" for name, unit in failed), found.reason)
        # What is blocked goes on by itself when what it waits for is mended.
        job.error_type = "fatal" if broken else "transient"
    job.started_at, job.ended_at = times_of(table, row, found.steps, runs)
    job.quote = quote_of(table, row, viewer)
    return job


def said_of(unit, runs, sight):
    """Return why a step failed or is blocked, in one line or more."""
    run = runs.get(unit.run_id)
    return (sight.run(run).error if run else "") or unit.reason


def owners_of(table, rows, viewer):
    """Return {id: user name} of whoever added rows, as far as this person may know."""
    wanted = {row.created_by for row in rows if row.created_by is not None}
    if not wanted or not Sight(viewer, table.project_id).may_name_who_added(table):
        return {}
    return {user.pk: user.get_username() for user in get_user_model().objects.filter(pk__in=wanted)}


# ------------------------------------------------------------------ what the standard has no place for


def info_of(found, phase, page):
    """Return where the row's page is, whether its results are current, and why a step is not fresh."""
    info = [Info("page", page)] if page else []
    behind = [
        unit for unit in found.steps.values() if unit.content and unit.state != State.FRESH and not unit.kept
    ]
    if behind or found.state in ("queued", "running", "stale") or phase == Phase.PENDING:
        reason = found.reason or "its steps have not run yet"
        info.append(Info("current", f"the results are not, or no longer, what the parameters say: {reason}"))
    for name, unit in found.steps.items():
        if unit.state != State.FRESH:
            facts = {"name": name, "state": "kept" if unit.kept else State(unit.state).label}
            info.append(Info("step", unit.reason, facts))
    return info


# ------------------------------------------------------------------ times


def times_of(table, row, steps, runs):
    """Return when what was last asked for began and ended, as far as it has; from the runs and what is queued."""
    since = max((unit.changed_at for unit in steps.values() if unit.changed_at), default=row.created_at)
    settled = [unit.settled_at for unit in steps.values() if unit.settled_at and unit.settled_at >= since]
    began = [
        run.started_at
        for run in runs.values()
        if (run.worktable_id, run.row_id) == (table.pk, row.id) and run.started_at >= since
    ]
    if row.phase == Phase.EXECUTING:
        claimed = Todo.objects.filter(worktable=table, row_id=row.id).exclude(claimed_at=None)
        began += claimed.values_list("claimed_at", flat=True)
        return min(began, default=None), None
    if row.phase in (Phase.COMPLETED, Phase.ERROR):
        ended = max(settled, default=max(filter(None, (u.settled_at for u in steps.values())), default=None))
        return min(began, default=ended), ended
    if row.phase == Phase.ABORTED:
        return min(began, default=None), since
    return None, None


def quote_of(table, row, viewer):
    """Return when the planner expects a row to be done; None where nobody can say, or nothing is to come."""
    if row.phase not in TO_COME:
        return None
    plan = plan_wish(wish_for(table, viewer, rows=[row.id]), viewer)
    seconds = plan.seconds if plan.n_units else seconds_of_all_steps(table)
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


def seconds_of_all_steps(table):
    """Return how long all steps of a row take one after the other: of a row that is not planned until it is started."""
    each = list(TableStep.objects.filter(worktable=table).values_list("seconds", flat=True))
    return None if None in each or not workers_alive() else sum(each)
