"""IVOA VOSI 1.1: whether the service is up, what it can do, and which tables it has, all from the one catalogue."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from vo.catalogue import schemas_for
from vo.doors import door
from vo.parameters import base_of
from vo.tap.features import LANGUAGE_FEATURES
from vo.tap.formats import NAMES
from vo.tap.schema import tables_described
from vo.uws.limits import most
from vo.xml import legal

# What is offered besides TAP itself, by its standard.
DOCUMENTS = {
    "ivo://ivoa.net/std/VOSI#capabilities": "tap-capabilities",
    "ivo://ivoa.net/std/VOSI#availability": "tap-availability",
    "ivo://ivoa.net/std/VOSI#tables-1.1": "tap-tables",
    "ivo://ivoa.net/std/DALI#examples": "tap-examples",
}
OUTPUT = "ivo://ivoa.net/std/TAPRegExt#output-votable-"
FORMAT_IDS = {"votable": f"{OUTPUT}binary2", "votable-tabledata": f"{OUTPUT}td"}


@door("GET", signed=False)
def availability(request):
    """Say whether questions can be answered: whether the database answers one."""
    up = database_answers()
    note = "The database answers." if up else "The database does not answer; please try again later."
    return as_document("vo/availability.xml", {"up": up, "note": note})


@door("GET")
def capabilities(request):
    """List what the service can do (TAPRegExt 1.0); its limits are those of whoever asks."""
    return as_document(
        "vo/capabilities.xml", {"tap": tap_facts(base_of(request), known=request.user.is_authenticated)}
    )


def tap_facts(base, *, known=False):
    """Return what TAP can do, for whoever reaches the portal at this address; also for its record in the registry.

    `known` says whether it is known who asks: the limits are theirs.
    """
    formats = [
        {"id": FORMAT_IDS.get(name), "mime": names[0], "aliases": names[1:2]} for name, names in NAMES.items()
    ]
    return {
        "base": f"{base}{reverse('tap')}".rstrip("/"),
        "language_features": LANGUAGE_FEATURES,
        "formats": formats,
        "limits": settings.VO | {name: most(name, known) for name in ("MAXREC_HARD", "ASYNC_SECONDS_HARD")},
        "documents": addresses_of(DOCUMENTS, base),
    }


def addresses_of(documents, base):
    """Return standards and where the documents are that follow them."""
    return [(standard, f"{base}{reverse(name)}") for standard, name in documents.items()]


@door("GET")
def tables(request):
    """List the tables that may be asked; without their columns if `detail=min`."""
    schemas = schemas_for(request.user)
    found = tables_described(schemas, columns=request.GET.get("detail", "").lower() != "min")
    facts = [
        {"name": name, "title": schema.title, "description": schema.description, "tables": found[schema.name]}
        for schema in schemas
        for name in (found[schema.name][0]["schema"],)
    ]
    return as_document("vo/tables.xml", {"schemas": facts})


@door("GET")
def table(request, name):
    """Describe one table."""
    found = tables_described(schemas_for(request.user))
    for tables in found.values():
        for facts in tables:
            if facts["name"].replace('"', "").lower() == name.replace('"', "").lower():
                return as_document("vo/table.xml", {"table": facts})
    raise Http404


def database_answers():
    """Say whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError:
        return False


def as_document(template, facts):
    """Answer with an XML document; characters that XML cannot hold become question marks."""
    text = legal(render_to_string(template, facts))
    return HttpResponse(text, content_type="text/xml")
