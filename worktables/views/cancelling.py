"""The buttons that cancel: of a row, of what is ticked, and of a whole table."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from worktables.cancelling import cancel
from worktables.views.finding import find_table


@login_required
@require_POST
def cancel_table(request, pk):
    """Cancel all of a table that is queued or runs."""
    table = find_table(request, pk)
    messages.success(request, cancelled(cancel(table, by=request.user)))
    return redirect("worktable", pk)


@login_required
@require_POST
def cancel_row(request, pk, row_id):
    """Cancel what is queued or runs of a row."""
    table = find_table(request, pk)
    messages.success(request, cancelled(cancel(table, [row_id], by=request.user)))
    return redirect("row", pk, row_id)


def cancelled(number):
    """Say how many steps were cancelled, and how to get them back."""
    if not number:
        return "Nothing of it was queued or running any more."
    return f"{number} step{'s' * (number != 1)} cancelled; an update of the table computes them after all."
