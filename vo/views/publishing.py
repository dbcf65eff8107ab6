"""Publishing a table, and what of it is published."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from projects.permissions import demand, may
from vo.errors import VoError
from vo.forms import ProposalForm
from vo.models import PublishedVersion, Scope
from vo.publishing.inputs import unpublished_inputs
from vo.publishing.proposing import known_facts, propose
from worktables.errors import WorktableError
from worktables.models import Worktable
from worktables.views.finding import about, find_table


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def table_publications(request, pk):
    """Show the published versions of a table; its owners publish the next one here."""
    table = find_table(request, pk)
    if request.method == "POST":
        demand(request.user, "share", table)
    versions = (
        PublishedVersion.objects.visible_to(request.user)
        .filter(publication__worktable=table)
        .select_related("publication", "made_by", "decided_by")
        .order_by("-pk")
    )
    form, may_publish = None, may(request.user, "share", table)
    if may_publish:
        form = proposal_form(request, table)
        if request.method == "POST" and form.is_valid():
            version = _proposed(request, table, form)
            if version:
                return redirect(
                    "published-version", version.publication.schema, version.publication.name, version.number
                )
    facts = about(request, table, versions=versions, form=form, may_publish=may_publish)
    return render(
        request, "vo/publications.html", facts, status=400 if form is not None and form.errors else 200
    )


def proposal_form(request, table):
    """Return the form for the next version, filled with what is known."""
    first = not PublishedVersion.objects.filter(publication__worktable=table).exists()
    inputs = unpublished_inputs(table, Scope.WORLD, request.user)
    inputs = [one for one in inputs if may(request.user, "share", one)]
    initial = known_facts(table, request.user) | {"asked": Scope.WORLD}
    return ProposalForm(request.POST or None, initial=initial, first=first, inputs=inputs)


def _proposed(request, table, form):
    """Return the new version, or None when it was refused, which the form then says."""
    facts = {name: text for name, text in form.cleaned_data.items() if name not in ("asked", "along")}
    along = Worktable.objects.visible_to(request.user).filter(pk__in=form.cleaned_data.get("along", ()))
    try:
        version = propose(table, facts, form.cleaned_data["asked"], by=request.user, along=along)
    except (VoError, WorktableError) as refused:
        field = getattr(refused, "field", None)
        if field in form.fields:
            form.add_error(field, getattr(refused, "remedy", str(refused)))
        else:
            form.add_error(None, str(refused))
        return None
    waiting = version.verdict == PublishedVersion.Verdict.WAITING
    said = "A curator decides who else sees it." if waiting else "Whom you chose sees it now."
    messages.success(request, f"{version} is frozen: {version.n_rows:,} rows that never change. {said}")
    return version
