"""The pages of batches: what was queued together in a table, and what came of it."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Max
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from worktables.batches import outline, summarise
from worktables.holding import present_holds
from worktables.models import Event
from worktables.views.finding import about, find_table
from worktables.views.project import in_order

SHOWN = 20


@login_required
@require_safe
def batches(request, pk):
    """List the batches of a table, the newest first, and what is held in it."""
    table = find_table(request, pk)
    page = Paginator(table.batches.select_related("by"), SHOWN).get_page(request.GET.get("page"))
    holds, n_more = present_holds(table)
    facts = about(request, table, page=page, batches=outline(list(page)), holds=holds, n_more_held=n_more)
    return render(request, "worktables/batches.html", facts)


@login_required
@require_safe
def batch(request, pk, batch_id):
    """Show what came of a batch."""
    table = find_table(request, pk)
    newest = Event.objects.filter(worktable=table).aggregate(newest=Max("id"))["newest"] or 0
    return render(
        request,
        "worktables/batch.html",
        about(request, table, newest_event=newest, **facts_of(request, table, batch_id)),
    )


@login_required
@require_safe
def batch_fragment(request, pk, batch_id):
    """Show what came of a batch, for a page that is open already."""
    table = find_table(request, pk)
    facts = facts_of(request, table, batch_id)
    return render(request, "worktables/_batch.html", about(request, table, **facts))


def facts_of(request, table, batch_id):
    """Return what a batch's page shows, or answer that it is not there."""
    found = get_object_or_404(table.batches.select_related("by", "worktable"), pk=batch_id)
    summary = summarise(found, request.user)
    busy = [("queued", summary.n_busy)] if summary.n_busy else []
    return {
        "batch": found,
        "summary": summary,
        "states": in_order(summary.counts) + busy,
        "percent": int(100 * summary.fraction),
        "minutes_left": round(summary.left.total_seconds() / 60) if summary.left else None,
        "compared": [
            ("newly failing", summary.newly),
            ("mended", summary.mended),
            ("still failing", summary.still),
        ],
    }
