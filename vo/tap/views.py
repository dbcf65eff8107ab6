"""The addresses of TAP: queries answered at once, and examples of them."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from vo.adql import AdqlError
from vo.asking.admitting import admitted
from vo.catalogue import tables_for
from vo.doors import door, told
from vo.errors import VoError
from vo.parameters import base_of, refuse_what_is_large, sent_parameters
from vo.tap.answering import answer
from vo.tap.asking import MOST_UPLOADS, read_query
from vo.tap.examples import examples_for
from worktables.formats import FormatError
from worktables.streaming import stream

WRONG = (AdqlError, VoError, FormatError)


@require_safe
def front(request):
    """Lead people to the page of queries; programs begin at /tap/capabilities."""
    return redirect("query")


@door("GET", "POST", errors="votable")
def sync(request):
    """Answer a query (TAP 1.1, section 2.2)."""
    try:
        query = read_query(*sent(request), base_of(request))
        found = admitted(request, lambda: answer(query, request.user))
    except WRONG as error:
        return told(error, "votable")
    response = stream(request, found.pieces, media_type=found.media_type, filename=f"result{found.suffix}")
    response["Content-Disposition"] = response["Content-Disposition"].replace("attachment", "inline")
    return response


def sent(request):
    """Return the parameters of a request, as many as came of each, and the files that came with it.

    Raises
    ------
    TooMuch
        If it is larger than anything we take.
    """
    refuse_what_is_large(request)
    return sent_parameters(request), {
        name: file.read() for name, file in list(request.FILES.items())[:MOST_UPLOADS]
    }


@door("GET")
def examples(request):
    """Show queries that work here, as people read them and as programs find them (DALI 1.1, section 2.3)."""
    page = render(request, "vo/examples.html", {"examples": examples_for(tables_for(request.user))})
    page["Content-Type"] = "application/xhtml+xml; charset=utf-8"
    return page
