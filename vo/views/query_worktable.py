"""Keeping the answer of a query as a worktable."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from projects.models import Project
from vo.adql import AdqlError
from vo.errors import VoError
from vo.forms import KeptResultForm
from vo.parameters import base_of
from vo.querying.keeping import MOST_ROWS, keep_as_worktable
from vo.views.querying import address_of, text_of
from worktables.errors import WorktableError
from worktables.formats.errors import FormatError

REFUSALS = (AdqlError, VoError, WorktableError, FormatError, ValidationError)


@login_required
@require_POST
def keep(request):
    """Ask where the table shall be and what it is called; then make it."""
    text = text_of(request.POST)
    own = Project.objects.present().permitted(request.user, "run").order_by("title")
    form = KeptResultForm(request.POST if "name" in request.POST else None, projects=own)
    if form.is_bound and form.is_valid():
        try:
            table = keep_as_worktable(
                text, creator=request.user, now=timezone.now(), base=base_of(request), **form.cleaned_data
            )
        except REFUSALS as refused:
            sentence = "; ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
            form.add_error("name" if getattr(refused, "code", "") == "unfit-name" else None, sentence)
        else:
            messages.success(
                request, f"“{table.name}” has {table.n_rows:,} rows; its description says whence."
            )
            return redirect("worktable", table.pk)
    facts = {
        "form": form,
        "text": text,
        "address": address_of(text),
        "n_projects": own.count(),
        "most": f"{MOST_ROWS:,}",
    }
    return render(request, "vo/query/keep.html", facts, status=400 if form.errors else 200)
