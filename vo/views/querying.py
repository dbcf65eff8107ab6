"""The page of queries: ADQL is written, run, and its first rows are shown."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from vo.adql import AdqlError
from vo.catalogue import TAP_SCHEMA, schemas_for
from vo.errors import VoError
from vo.obscore import SCHEMA as IVOA
from vo.parameters import base_of
from vo.querying.browsing import browse
from vo.querying.completing import words_for
from vo.querying.counting import counter_for
from vo.querying.explaining import explain
from vo.querying.plotted import plot_facts
from vo.querying.pointing import point_at
from vo.querying.previewing import UNSORTABLE, preview, sort_rows
from vo.querying.remembering import remember
from vo.querying.showing import cells_of, heads_of
from vo.tap.examples import examples_for
from worktables.formats import FORMATS

SHOWN_ROWS = 200
PLOTTED_ROWS = 20_000
LONGEST_ADDRESS = 6000  # bytes; some servers between here and the reader take no longer ones


@require_http_methods(["GET", "HEAD", "POST"])
def query(request):
    """Answer a query on the page on which it was written; what is posted gets an address, if it is short enough."""
    if request.method == "POST":
        text = text_of(request.POST)
        remember(text, request.user, now=timezone.now())
        address = address_of(text)
        return HttpResponseRedirect(address) if address else query_page(request, text)
    return query_page(request, text_of(request.GET))


def text_of(sent):
    """Return the query that was sent, with its lines as we keep them."""
    return sent.get("query", "").replace("\r\n", "\n")


def query_page(request, text, *, error=None, **more):
    """Show a query and what it finds, or what is wrong with it; an `error` is known before it is asked."""
    base = base_of(request)
    schemas = schemas_for(request.user, base)
    asked = Asked(text, error=error)
    if text.strip() and error is None:
        most = PLOTTED_ROWS if "plot" in request.GET else SHOWN_ROWS
        asked = asked_of(request.user, text, schemas, base, most)
    facts = {
        "text": text,
        "here": "adql",
        "n_tables": len(asked.preview.tables) if asked.preview else 0,
        "address": address_of(text),
        "formats": FORMATS.values(),
        "asked": asked,
        "examples": () if text.strip() else examples_for(tables_of(schemas)),
        "limits": {"rows": settings.VO["MAXREC"], "seconds": settings.VO["SYNC_SECONDS"]},
        **tables_facts(request, schemas, asked.preview.tables if asked.preview else ()),
        **more,
    }
    if asked.preview:
        facts |= result_facts(request, text, asked.preview)
        if not asked.preview.rows:
            facts |= emptiness_facts(request.user, text, schemas, base)
    status = getattr(asked.error, "status", 400) if asked.error else 200
    return render(request, "vo/query/page.html", facts, status=status)


def tables_of(schemas):
    """Return all tables, those of projects first."""
    ordered = sorted(schemas, key=lambda one: one.name in (TAP_SCHEMA, IVOA))
    return [table for one in ordered for table in one.tables]


@dataclass(frozen=True)
class Asked:
    """A query that was asked: its first rows, or why there are none."""

    text: str
    preview: object = None
    error: Exception | None = None

    @property
    def pointed(self):
        """The line in which something is wrong, in three parts; the middle one is it."""
        return point_at(self.text, getattr(self.error, "position", None))


def asked_of(user, text, schemas, base, most):
    """Ask a query for its first rows."""
    try:
        found = preview(text, user, schemas, most=most, seconds=settings.VO["PREVIEW_SECONDS"], base=base)
    except (AdqlError, VoError) as error:
        return Asked(text, error=error)
    return Asked(text, found)


def result_facts(request, text, found):
    """Return what the page says of an answer."""
    wanted = request.GET.get("sort", "")
    address = address_of(text)
    return {
        "is_cut": found.more or len(found.rows) > SHOWN_ROWS,
        "heads": heads_of(found.columns, wanted, address, UNSORTABLE),
        "rows": cells_of(found.columns, sort_rows(found, wanted)[:SHOWN_ROWS]),
        "sorted_by": wanted.removeprefix("-") if found.rows else "",
        "downloads": [
            (FORMATS[name].title, name, download_address(text, name) if address else "") for name in FORMATS
        ],
        "sent": download_address(text, "votable") if address else "",
        **(plot_facts(request.GET, found) if address else {}),
    }


def emptiness_facts(user, text, schemas, base):
    """Return why there are no rows, with addresses of queries that would find some."""
    why = explain(text, counter_for(user, schemas, base=base))
    return {
        "why": {
            "bare": why.bare,
            "in_time": why.in_time,
            **{
                name: [
                    {"condition": one.condition, "n_rows": one.n_rows, "address": address_of(one.query)}
                    for one in getattr(why, name)
                ]
                for name in ("removing", "hopeless", "alone")
            },
        }
    }


def download_address(text, format):
    """Return where an answer can be had whole, in a format."""
    return f"{reverse('tap-sync')}?{urlencode({'LANG': 'ADQL', 'RESPONSEFORMAT': format, 'QUERY': text})}"


def address_of(text):
    """Return the address of a query; nothing if it is too long for one."""
    address = f"{reverse('query')}?{urlencode({'query': text})}" if text.strip() else reverse("query")
    return address if len(address) <= LONGEST_ADDRESS else ""


@require_safe
def tables(request):
    """Show the list of tables alone, for a page that is open already."""
    schemas = schemas_for(request.user, base_of(request))
    return render(request, "vo/query/_tables.html", tables_facts(request, schemas, ()))


@require_safe
def words(request):
    """Give the words with which a query can go on, to who writes one."""
    answer = JsonResponse(words_for(schemas_for(request.user, base_of(request))))
    answer["Cache-Control"] = "private, max-age=60"
    return answer


def tables_facts(request, schemas, read):
    """Return the list of tables as the page shows it."""
    words = request.GET.get("tables", "").replace("\0", "")[:200]
    listed, n_more = browse(schemas, words, read)
    return {"listed": listed, "n_more_tables": n_more, "table_words": words}
