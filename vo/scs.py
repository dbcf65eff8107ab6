"""Simple Cone Search 1.03: every published table with positions, by a place and a radius."""

import math
from dataclasses import replace

from django.http import Http404, HttpResponse

from vo.adql.names import adql_name
from vo.asking.admitting import admitted
from vo.catalogue import tables_for
from vo.doors import door
from vo.errors import VoError
from vo.parameters import maxrec_of
from vo.tap.answering import answer
from vo.tap.asking import TapQuery
from vo.tap.errors import BadParameter
from vo.tap.formats import format_asked, media_type_of
from vo.tap.schema import table_name
from worktables.formats import FormatError
from worktables.formats.votable import write_error
from worktables.streaming import stream

# Section 2.2 asks for the words of UCD1 for the three columns that every answer has.
MAIN = {"id": "ID_MAIN", "ra": "POS_EQ_RA_MAIN", "dec": "POS_EQ_DEC_MAIN"}
RANGES = {"RA": (-360.0, 360.0), "DEC": (-90.0, 90.0), "SR": (0.0, 180.0)}


@door("GET", errors="votable")
def cone(request, schema, name):
    """Answer a cone search (section 2): RA, DEC and SR in degrees, ICRS."""
    table = next(iter(tables_for(request.user).find(name, schema)), None)
    if table is None or not table.positions:
        raise Http404
    given = {key.upper(): value for key, value in request.GET.items()}
    try:
        query, place, kept = cone_query(table, given)
        found = admitted(
            request,
            lambda: answer(query, request.user, described=lambda column: _with_main(column, place, kept)),
        )
    except (VoError, FormatError) as error:
        if getattr(error, "status", 400) == 503:
            raise
        return HttpResponse(write_error(str(error), name="Error"), content_type="text/xml")
    response = stream(request, found.pieces, media_type=found.media_type, filename=f"{name}{found.suffix}")
    response["Content-Disposition"] = response["Content-Disposition"].replace("attachment", "inline")
    return response


def cone_query(table, given):
    """Return the query of a cone search, the pair of columns it searches, and the name of the column of identity.

    Parameters
    ----------
    table : vo.adql.tables.Table
    given : dict
        Parameters, their names in capitals.

    Raises
    ------
    BadParameter
    """
    ra, dec, radius = (_number(given, key) for key in RANGES)
    place, identity = table.positions[0], table.columns[0].name
    columns = [column.name for column in table.columns]
    verb = given.get("VERB", "2").strip() or "2"
    if verb not in ("1", "2", "3"):
        raise BadParameter("VERB", f"“{verb}” is not 1, 2 or 3")
    if verb == "1":
        columns = [identity, place.ra, place.dec]
    asked = given.get("RESPONSEFORMAT") or "votable-tabledata"
    chosen = format_asked("votable/td" if asked == "votable-tabledata" else asked)
    text = (
        f"SELECT {', '.join(map(adql_name, columns))} FROM {table_name(table)} "
        f"WHERE DISTANCE({adql_name(place.ra)}, {adql_name(place.dec)}, {ra % 360!r}, {dec!r}) <= {radius!r}"
    )
    maxrec = (
        0 if radius == 0 else maxrec_of(given.get("MAXREC", ""))
    )  # a radius of zero asks what there would be (section 2.1)
    media = (
        "text/xml;content=x-votable" if chosen.name.startswith("votable") else media_type_of(chosen, asked)
    )
    return TapQuery(text, chosen, media, maxrec), place, identity


def _with_main(column, place, identity):
    roles = {identity: "id", place.ra: "ra", place.dec: "dec"}
    if column.name in roles:
        return replace(column, ucd=MAIN[roles[column.name]])
    return replace(column, ucd=column.ucd.replace(";meta.main", ""))  # there is one main column of each


def _number(given, key):
    text = given.get(key, "").strip()
    if not text:
        raise BadParameter(key, "it is missing; a cone search needs RA, DEC and SR, in decimal degrees")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    least, most = RANGES[key]
    if not least <= value <= most:
        raise BadParameter(key, f"“{text}” is not a number of degrees from {least:g} to {most:g}")
    return value
