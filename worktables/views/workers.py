"""The operator's page: who computes, at what, and what waits."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.http import require_safe

from worktables.operating import present_operation, present_stores


@login_required
@require_safe
def workers(request):
    """Show the workers and the queue to staff."""
    shown = seen_by(request.user)
    return render(
        request,
        "worktables/workers.html",
        shown | {"stores": present_stores(request.user), "room": settings.WORKTABLES["MEMO_BYTES"]},
    )


@login_required
@require_safe
def workers_fragment(request):
    """Show only what changes, for the page that is open already."""
    return render(request, "worktables/_workers.html", seen_by(request.user))


def seen_by(user):
    """Return what the page shows to somebody, who must be of the staff."""
    if not user.is_staff:
        raise PermissionDenied("The workers are looked after by the staff of this portal; ask a curator.")
    return {
        "operation": present_operation(user),
        "with_broker": bool(settings.REDIS_URL),
        "may_limit": user.has_perm("worktables.view_limit"),
    }
