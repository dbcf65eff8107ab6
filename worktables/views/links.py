"""The pages of a table's links: what leads into it and out of it, and declaring, changing and removing them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from projects.permissions import demand
from worktables.link_forms import FORMS, NewLinkForm
from worktables.linking import (
    change_link,
    declare,
    draft_link,
    preview_change,
    preview_declaration,
    preview_removal,
    remove_link,
)
from worktables.linking.finding import links_of
from worktables.linking.wording import sentence_of, words_of, words_of_forecast
from worktables.models import Column, Link, Worktable
from worktables.sight import Sight
from worktables.views.finding import REFUSALS, about, find_table
from worktables.views.finding import words_of as words_of_refusal


@login_required
@require_safe
def links(request, pk):
    """Show the links into and out of a table; its owners begin a new one here."""
    return links_page(request, find_table(request, pk))


def links_page(request, table, *, form=None):
    """Show the links; a form that was refused keeps what was chosen."""
    found = list(links_of(table, request.user))
    names = names_of(found)
    owned = set(owned_tables(request.user, table).values_list("pk", flat=True))
    told = [
        {
            "link": link,
            "other": link.source if link.target_id == table.pk else link.target,
            "sentence": sentence_of(link, words_of(link.options, names)),
            "may_change": {link.source_id, link.target_id} <= owned,
        }
        for link in found
    ]
    sources = owned_tables(request.user, table).exclude(pk=table.pk)
    facts = about(
        request,
        table,
        ways=[
            ("Into this table", "into", [one for one in told if one["link"].target_id == table.pk]),
            ("Out of this table", "out", [one for one in told if one["link"].source_id == table.pk]),
        ],
        links=told,
        source=next(
            (one.source for one in found if one.target_id == table.pk and one.kind in Link.MAKES_ROWS), None
        ),
        form=form or NewLinkForm(sources),
        may_link=table.pk in owned and bool(owned - {table.pk}),
    )
    return render(request, "worktables/links.html", facts, status=400 if form else 200)


def names_of(links):
    """Return the names of all columns of the tables of some links."""
    tables = {pk for link in links for pk in (link.source_id, link.target_id)}
    return dict(Column.objects.filter(worktable__in=tables).values_list("pk", "name"))


def owned_tables(user, table):
    """Return the tables of a table's project that somebody may link."""
    owned = Worktable.objects.visible_to(user) & Worktable.objects.permitted(user, "run")
    return owned.filter(project=table.project_id).order_by("name")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request, pk):
    """Ask for the settings of a new link into a table, show what it would change, then declare it."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    sources = owned_tables(request.user, table).exclude(pk=table.pk)
    begun = NewLinkForm(sources, request.GET)
    if not begun.is_valid():
        return links_page(request, table, form=begun)
    source, kind = begun.cleaned_data["source"], begun.cleaned_data["kind"]
    form = FORMS[kind](source, table, request.POST or None)
    if not form.lacks() and request.method == "POST" and form.is_valid():

        def draft():
            settings = {name: value for name, value in form.settings().items() if value is not None}
            return draft_link(
                kind, source, table, name=form.cleaned_data["name"], by=request.user, **settings
            )

        answer = answered(
            request, form, table,
            lambda: preview_declaration(draft(), by=request.user),
            lambda: declare(draft(), by=request.user),
            f"“{form.cleaned_data['name']}” is declared.",
        )  # fmt: skip
        if answer:
            return answer
    return form_page(request, table, form, kind=kind, source=source, target=table)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request, pk, link_id):
    """Show the settings of a link, what a change of them would do, then change it."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    link = find_link(request, table, link_id)
    form = FORMS[link.kind](link.source, link.target, request.POST or None, known=link)
    if request.method == "POST" and form.is_valid():
        answer = answered(
            request, form, table,
            lambda: preview_change(link, by=request.user, **form.settings()),
            lambda: change_link(link, by=request.user, **form.settings()),
            f"“{link.name}” is changed.",
        )  # fmt: skip
        if answer:
            return answer
    return form_page(request, table, form, kind=link.kind, source=link.source, target=link.target, link=link)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request, pk, link_id):
    """Show what the removal of a link would do, then remove it."""
    table = find_table(request, pk)
    demand(request.user, "run", table)
    link = find_link(request, table, link_id)
    if request.method == "POST":
        remove_link(link, by=request.user)
        messages.success(request, f"The link “{link.name}” is removed.")
        return redirect("worktable-links", table.pk)
    told = forecast_seen(request, table, preview_removal(link))
    sentence = sentence_of(link, words_of(link.options, names_of([link])))
    return render(
        request,
        "worktables/link_remove.html",
        about(request, table, link=link, sentence=sentence, forecast=told),
    )


def find_link(request, table, link_id):
    """Find a link whose two tables this person may see, and demand that both are theirs to change."""
    link = get_object_or_404(links_of(table, request.user), pk=link_id)
    demand(request.user, "run", link.source)
    demand(request.user, "run", link.target)
    return link


def answered(request, form, table, preview, act, done):
    """Do what a form says if that is what was previewed; else preview it. What is refused is said in the form."""
    try:
        digest = form.digest()
        if form.errors:
            return None
        if "save" in request.POST and request.POST.get("previewed") == digest:
            with transaction.atomic():
                act()
            messages.success(request, done)
            return redirect("worktable-links", table.pk)
        with transaction.atomic():
            form.forecast = forecast_seen(request, table, preview())
        form.previewed = digest
        form.changed_since = "save" in request.POST
    except REFUSALS as refusal:
        form.add_error(None, words_of_refusal(refusal))
    return None


def forecast_seen(request, table, told):
    """Return a forecast in sentences, as far as this person may know it."""
    return words_of_forecast(told.seen_by(Sight(request.user, table.project_id)))


def form_page(request, table, form, *, kind, source, target, link=None):
    """Show the form of a link, with what was typed, and with the preview if there is one."""
    names = [name for name in form.fields if not name.startswith(("fill.", "match."))]
    facts = about(
        request,
        table,
        form=form,
        kind=kind,
        source=source,
        target=target,
        link=link,
        lacks=form.lacks(),
        settings=[form[name] for name in names],
        matches=[form[name] for name in form.fields if name.startswith("match.")],
        fillings=[form[name] for name in form.fields if name.startswith("fill.")],
    )
    return render(request, "worktables/link_form.html", facts, status=400 if form.errors else 200)
