"""What is published: for everybody who may see it, also without an account."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from vo.catalogue import table_of
from vo.errors import VoError
from vo.forms import DecisionForm
from vo.models import PublishedVersion, Scope
from vo.publishing.deciding import grant, refuse
from vo.publishing.products import files_left
from vo.querysets import DECIDE
from vo.registry.identifiers import identifier_of
from vo.tap.examples import examples_for
from vo.tap.fields import column_type
from vo.tap.schema import table_name
from worktables.models import Worktable

PER_PAGE = 25


@require_safe
def published(request):
    """List the newest version of everything this person may see, and to curators what waits for them."""
    visible = PublishedVersion.objects.visible_to(request.user)
    newest = visible.filter(pk__in=visible.newest().values("pk")).select_related("publication")
    wanted = request.GET.get("q", "").replace("\0", "").strip()
    for word in wanted.split():
        newest = newest.filter(
            Q(title__icontains=word)
            | Q(description__icontains=word)
            | Q(creator__icontains=word)
            | Q(publication__schema__icontains=word)
            | Q(publication__name__icontains=word)
        )
    page = Paginator(newest.order_by("publication__schema", "publication__name"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    waiting = ()
    if request.user.has_perm(DECIDE):
        waiting = PublishedVersion.objects.waiting().select_related("publication", "made_by").order_by("pk")
    facts = {
        "page": page,
        "wanted": wanted,
        "waiting": waiting,
        "tap": request.build_absolute_uri(reverse("tap")).rstrip("/"),
        "oai": request.build_absolute_uri(reverse("oai")),
    }
    return render(request, "vo/published.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def version(request, schema, name, number):
    """Show a published version: what it is, how to cite it, how to get it; a curator decides here."""
    visible = PublishedVersion.objects.visible_to(request.user)
    found = get_object_or_404(
        visible.select_related("publication__worktable", "made_by", "decided_by"),
        publication__schema=schema,
        publication__name=name,
        number=number,
    )
    form = None
    if request.user.has_perm(DECIDE) and found.verdict != found.Verdict.GRANTED:
        form = DecisionForm(found, request.POST or None)
        if request.method == "POST" and form.is_valid() and _decided(request, found, form):
            return redirect(request.path)
    others = list(
        visible.filter(publication=found.publication)
        .exclude(pk=found.pk)
        .order_by("-number")
        .values("number", "changes", "made_at", "n_rows", "scope")
    )
    newer = [one for one in others if one["number"] > number]
    table = table_of(found)
    worktable = found.publication.worktable
    if worktable and not Worktable.objects.visible_to(request.user).filter(pk=worktable.pk).exists():
        worktable = None
    facts = {
        "version": found,
        "worktable": worktable,
        "newer": newer[-1] if newer else None,
        "newest": newer[0] if newer else None,
        "others": others,
        "columns": [(column, column_type(column)) for column in table.columns],
        "query": f"SELECT TOP 100 * FROM {table_name(table)}",
        "everything": f"SELECT * FROM {table_name(table)}",
        "sent": f"{reverse('tap-sync')}?{all_of(table, found)}",
        "not_for_all": found.scope != Scope.WORLD,
        "examples": [one for one in examples_for([table]) if one.id in ("cone", "pairs")],
        "tap": request.build_absolute_uri(reverse("tap")).rstrip("/"),
        "record": record_of(found, newer),
        "form": form,
        "files_left": files_left(found),
    }
    return render(request, "vo/version.html", facts, status=400 if form is not None and form.errors else 200)


def record_of(version, newer):
    """Return the identifier in the registry of which this version is what it says; nothing for any other."""
    if version.scope != Scope.WORLD or any(one["scope"] == Scope.WORLD for one in newer):
        return ""
    return identifier_of(version.publication)


def all_of(table, version):
    """Return the parameters of the query for all rows of a version, however many."""
    query = f"SELECT * FROM {table_name(table)}"
    return urlencode({"LANG": "ADQL", "RESPONSEFORMAT": "votable", "MAXREC": version.n_rows, "QUERY": query})


def _decided(request, version, form):
    """Carry out a decision; False when it was refused, which the form then says."""
    try:
        if request.POST.get("verdict") == "refuse":
            refuse(version, form.cleaned_data["reason"], by=request.user)
            messages.success(request, f"{version} stays with those who work on it; its owner reads why.")
        else:
            decided = grant(version, by=request.user, scope=form.cleaned_data["scope"])
            messages.success(request, f"{version} is seen now by {decided.seen_by}.")
    except VoError as refused:
        field = getattr(refused, "field", None)
        if field in form.fields:
            form.add_error(field, getattr(refused, "remedy", str(refused)))
        else:
            form.add_error(None, str(refused))
        return False
    return True
