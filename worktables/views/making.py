"""Making some cells from a page: what it would take first, then making it; and keeping what is good enough."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from projects.permissions import demand
from worktables.batches import gather
from worktables.dependencies import graph_of
from worktables.keeping import KEEPABLE, keep_as_it_is, stop_keeping
from worktables.making import make
from worktables.models import Worktable
from worktables.planning import plan_wish, wish_for
from worktables.queue.readiness import any_unit
from worktables.views.editing import counted
from worktables.views.finding import about, back_to, find_table, ids_in

REASONS_SHOWN = 8


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def make_cells(request, pk):
    """Show what making these cells would run, and why; or make them."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    asked = request.POST if request.method == "POST" else request.GET
    wanted = {
        "rows": ids_in(asked.getlist("rows")) or None,
        "step": asked.get("step") or None,
        "and_below": bool(asked.get("below")),
    }
    if request.method == "POST":
        plan = make(table, by=request.user, keep=_kept(request, table), **wanted)
        done = f"Queued: {counted_units(plan.n_units)}." if plan.n_units else "Nothing to do: it is fresh."
        messages.success(request, done)
        rows = wanted["rows"] or ()
        return redirect("row", pk, rows[0]) if len(rows) == 1 else redirect("worktable", pk)
    wish = wish_for(table, request.user, **wanted)
    plan = plan_wish(wish, request.user)
    reasons = list(gather(plan.reasons).items())
    facts = about(
        request,
        table,
        **wanted,
        plan=plan,
        units_per_step=list(plan.units_per_step.items()),
        reasons=reasons[:REASONS_SHOWN],
        n_more_reasons=max(len(reasons) - REASONS_SHOWN, 0),
        keepable=_keepable(table, wish, wanted["step"]),
    )
    return render(request, "worktables/make.html", facts)


def counted_units(number):
    """Return “1 step” or “5 steps”."""
    return f"{number} step{'s' * (number != 1)}"


def _keepable(table, wish, step):
    """Return (value, words) of the steps above whose present results could be used as they are."""
    graph, targets = graph_of(table.project_id), {step}
    found = {}
    for node, _ in wish.reached:
        own = node.worktable_id == table.pk
        if not (own and (step is None or node.name in targets)) and any_unit(node, so=KEEPABLE):
            name = graph.tables[node.worktable_id].name
            found[f"{node.worktable_id}.{node.name}"] = node.name if own else f"{name}.{node.name}"
    return list(found.items())


def _kept(request, table):
    """Read the steps ticked off: (worktable, step)."""
    tables = {
        one.pk: one for one in Worktable.objects.visible_to(request.user).filter(project=table.project_id)
    }
    for text in request.POST.getlist("keep"):
        (pk,), (_, _, step) = ids_in([text.partition(".")[0]]) or [0], text.partition(".")
        if pk not in tables:
            raise Http404
        yield tables[pk], step


@login_required
@require_POST
@transaction.atomic
def keep(request, pk):
    """Keep a result as it is though it is stale, or stop keeping it."""
    table = find_table(request, pk)
    rows, step = ids_in(request.POST.getlist("rows")), request.POST.get("step", "")
    if request.POST.get("stop"):
        number = stop_keeping(table, rows, step, by=request.user)
        messages.success(request, f"“{step}” of {counted(number)} is made again.")
    else:
        number = keep_as_it_is(table, rows, step, by=request.user)
        messages.success(
            request, f"“{step}” of {counted(number)} is kept as it is; what is below goes on with it."
        )
    return back_to(request, table)
