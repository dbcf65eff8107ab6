"""Queries one has asked before, and those that were given a name and an address."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vo.forms import SavedQueryForm
from vo.models import PastQuery, SavedQuery
from vo.querying.remembering import forget
from vo.views.querying import query_page, text_of

PER_PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def history(request):
    """List what one has asked before; what is ticked there is forgotten."""
    if request.method == "POST":
        ids = [
            int(one)
            for one in request.POST.getlist("past")
            if one.isascii() and one.isdigit() and len(one) < 19
        ]
        n_gone = forget(request.user, None if "all" in request.POST else ids)
        messages.success(request, f"{n_gone} quer{'y is' if n_gone == 1 else 'ies are'} forgotten.")
        return redirect("query-history")
    words = words_of(request)
    past = having_all(PastQuery.objects.filter(owner=request.user), words, ("text",))
    page = Paginator(past, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "vo/query/history.html", {"page": page, "wanted": words, "here": "history"})


@login_required
@require_safe
def past_query(request, pk):
    """Show a query that one has asked before; for one that is too long for an address of its own."""
    return query_page(request, get_object_or_404(PastQuery, owner=request.user, pk=pk).text)


@login_required
@require_safe
def saved_queries(request):
    """List one's saved queries."""
    words = words_of(request)
    own = having_all(SavedQuery.objects.listed_for(request.user), words, ("name", "about", "text"))
    page = Paginator(own, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "vo/query/saved.html", {"page": page, "wanted": words, "here": "saved"})


@require_safe
def saved_query(request, key):
    """Show a saved query, and what of its answer this person may see."""
    saved = get_object_or_404(SavedQuery.objects.visible_to(request.user).select_related("owner"), key=key)
    return query_page(request, saved.text, saved=saved, is_own=saved.owner_id == request.user.pk)


@login_required
@require_POST
def save(request):
    """Give a query a name: first ask for it, then keep it."""
    form = SavedQueryForm(owner=request.user, initial={"text": text_of(request.POST)})
    if "name" not in request.POST:
        return render(request, "vo/query/save.html", {"form": form, "here": "saved"})
    return kept(request, SavedQueryForm(request.POST, owner=request.user))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_saved(request, key):
    """Change the name, the text or the readers of a saved query."""
    saved = get_object_or_404(SavedQuery.objects.listed_for(request.user), key=key)
    if request.method == "POST" and "name" in request.POST:
        return kept(request, SavedQueryForm(request.POST, owner=request.user, instance=saved))
    changed = {"text": text_of(request.POST)} if request.method == "POST" else {}
    form = SavedQueryForm(owner=request.user, instance=saved, initial=changed)
    return render(request, "vo/query/save.html", {"form": form, "saved": saved, "here": "saved"})


def kept(request, form):
    """Keep what a form says, or show what is wrong with it."""
    if not form.is_valid():
        facts = {"form": form, "saved": form.instance if form.instance.pk else None, "here": "saved"}
        return render(request, "vo/query/save.html", facts, status=400)
    saved = form.save()
    messages.success(request, f"“{saved}” is saved.")
    return redirect("query-saved-query", saved.key)


@login_required
@require_POST
def delete_saved(request, key):
    """Delete a saved query."""
    saved = get_object_or_404(SavedQuery.objects.listed_for(request.user), key=key)
    saved.delete()
    messages.success(request, f"“{saved}” is deleted.")
    return redirect("query-saved")


def words_of(request):
    """Return what is searched for."""
    return request.GET.get("q", "").replace("\0", "").strip()


def having_all(queries, words, fields):
    """Keep queries in which each word stands in one of the fields."""
    for word in words.split():
        either = Q()
        for field in fields:
            either |= Q(**{f"{field}__icontains": word})
        queries = queries.filter(either)
    return queries
