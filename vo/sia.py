"""Simple Image Access 2.0: images and cubes found by place, wavelength, time and more, as a query to `ivoa.obscore`.

Values of one parameter are alternatives, different parameters narrow the search (SIA 2.0, section 2.1).
"""

import math
import re

from django.template.loader import render_to_string
from django.urls import reverse

from vo.adql import AdqlError
from vo.asking.admitting import admitted
from vo.doors import door
from vo.obscore import COLUMNS
from vo.parameters import base_of, interval_of, maxrec_of, only_of, sent_parameters
from vo.sky import latitudes_of, read_shape, shapes_of
from vo.tap.answering import answer
from vo.tap.asking import TapQuery
from vo.tap.errors import BadParameter
from vo.tap.formats import format_asked, media_type_of
from vo.vosi import addresses_of, as_document
from worktables.streaming import stream

# Parameters that are intervals: of which columns, least and greatest; the same twice where it is one number.
INTERVALS = {
    "BAND": ("em_min", "em_max"),
    "TIME": ("t_min", "COALESCE(t_max, t_min)"),  # many headers say only when it began
    "FOV": ("s_fov", "s_fov"),
    "SPATRES": ("s_resolution", "s_resolution"),
    "SPECRP": ("em_res_power", "em_res_power"),
    "EXPTIME": ("t_exptime", "t_exptime"),
    "TIMERES": ("t_resolution", "t_resolution"),
}
TEXTS = {
    "ID": "obs_publisher_did",
    "COLLECTION": "obs_collection",
    "FACILITY": "facility_name",
    "INSTRUMENT": "instrument_name",
    "DPTYPE": "dataproduct_type",
    "TARGET": "target_name",
    "FORMAT": "access_format",
}
MOST_VALUES = 100  # of one parameter
POL = re.compile(r"[A-Z]{1,4}")
DOCUMENTS = {
    "ivo://ivoa.net/std/VOSI#capabilities": "sia-capabilities",
    "ivo://ivoa.net/std/VOSI#availability": "sia-availability",
}


@door("GET", "POST", errors="votable")
def query(request):
    """Answer a search (section 3); with MAXREC=0 it says only what there is to ask and to learn."""
    given = sent_parameters(request)
    asked = only_of(given, "RESPONSEFORMAT") or "votable"
    chosen = format_asked(asked)
    media_type = media_type_of(chosen, asked)
    wanted = TapQuery(
        query_of(given), chosen, media_type, maxrec_of(only_of(given, "MAXREC")), base=base_of(request)
    )
    try:
        found = admitted(request, lambda: answer(wanted, request.user))
    except AdqlError as error:  # a shape that makes no sense, all else being our own words
        raise BadParameter("POS", str(error)) from None
    pieces = found.pieces
    if chosen.name.startswith("votable"):
        pieces = with_description(pieces, base_of(request))
    response = stream(request, pieces, media_type=media_type, filename=f"images{found.suffix}")
    response["Content-Disposition"] = response["Content-Disposition"].replace("attachment", "inline")
    return response


@door("GET")
def capabilities(request):
    """List what the service can do."""
    return as_document("vo/sia_capabilities.xml", {"sia": sia_facts(base_of(request))})


def sia_facts(base):
    """Return what the service can do, for whoever reaches the portal at this address; also for its record."""
    return {"query": f"{base}{reverse('sia-query')}", "documents": addresses_of(DOCUMENTS, base)}


def query_of(given):
    """Return the ADQL query of a search.

    Parameters
    ----------
    given : dict of str to list of str
        Parameters, their names in capitals; those that the standard does not know are left out of account.

    Raises
    ------
    BadParameter
    """
    wanted = [
        alternatives(name, given[name], one)
        for name, one in CONDITIONS.items()
        if any(map(str.strip, given.get(name, ())))
    ]
    columns = ", ".join(name for name, *_ in COLUMNS)
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT {columns} FROM ivoa.obscore{where}"


def alternatives(name, values, condition):
    """Return the condition that one of the values of a parameter is met."""
    values = [value.strip() for value in dict.fromkeys(values) if value.strip()]
    if len(values) > MOST_VALUES:
        raise BadParameter(name, f"it is given {len(values)} times; at most {MOST_VALUES} are taken")
    return f"({' OR '.join(condition(name, value) for value in values)})"


# ------------------------------------------------------------------ one parameter each


def in_interval(name, text):
    """Return the condition that an interval, or a number, meets the one of a column."""
    low, high = interval_of(name, text)
    least, greatest = INTERVALS[name]
    parts = []
    if low > -math.inf:
        parts.append(f"{greatest} >= {low!r}")
    if high < math.inf:
        parts.append(f"{least} <= {high!r}")
    return f"({' AND '.join(parts) or f'{least} IS NOT NULL'})"


def at_place(name, text):
    """Return the condition that an outline has something in common with a shape.

    Latitudes are compared before, as far as they tell: that spares most images the look at their outline.
    """
    shape = read_shape(name, text)
    found = " OR ".join(f"1 = INTERSECTS({one}, s_region)" for one in shapes_of(shape))
    latitudes = latitudes_of(shape)
    if latitudes is None:
        return f"({found})"
    south, north = latitudes
    return f"(s_dec + s_fov / 2 >= {south!r} AND s_dec - s_fov / 2 <= {north!r} AND ({found}))"


def is_text(name, text):
    """Return the condition that a column is a text; identifiers have no case."""
    if "\0" in text:
        raise BadParameter(name, "it has a character that is no text")
    column, quoted = TEXTS[name], "'" + text.replace("'", "''") + "'"
    return f"LOWER({column}) = LOWER({quoted})" if name == "ID" else f"{column} = {quoted}"


def has_polarization(name, text):
    """Return the condition that a polarization is among those of the image."""
    if not POL.fullmatch(text.upper()):
        raise BadParameter(name, f"“{text}” is no polarization; give for example I, Q, RR or XX")
    return f"pol_states LIKE '%/{text.upper()}/%'"


def has_level(name, text):
    """Return the condition that an image is calibrated so far."""
    if text not in ("0", "1", "2", "3", "4"):
        raise BadParameter(name, f"“{text}” is not a level of calibration; those are 0 to 4")
    return f"calib_level = {text}"


CONDITIONS = {
    "POS": at_place,
    **dict.fromkeys(INTERVALS, in_interval),
    **dict.fromkeys(TEXTS, is_text),
    "POL": has_polarization,
    "CALIB": has_level,
}


# ------------------------------------------------------------------ what the answer says of the service


def with_description(pieces, base):
    """Yield the pieces of a VOTable, and before its end what can be asked (DALI 1.1, section 3.4.4)."""
    end = b"</VOTABLE>\n"
    for piece in pieces:
        if piece.endswith(end):
            yield piece[: -len(end)] + description(base) + end
        else:
            yield piece


def description(base):
    """Return the parameters of the service as a resource of a VOTable (DataLink 1.1, section 4)."""
    facts = {
        "query": base + reverse("sia-query"),
        "parameters": [(name, PARAMETERS[name]) for name in (*CONDITIONS, "MAXREC", "RESPONSEFORMAT")],
    }
    return render_to_string("vo/sia_service.xml", facts).encode()


NUMBERS = {"datatype": "double", "arraysize": "2", "xtype": "interval"}
TEXT = {"datatype": "char", "arraysize": "*"}
ABOUT = {
    "POS": TEXT
    | {"ucd": "pos.outline;obs", "about": "CIRCLE, RANGE or POLYGON and its numbers, in degrees (ICRS)"},
    "BAND": NUMBERS | {"unit": "m", "ucd": "em.wl;stat.interval", "about": "wavelengths"},
    "TIME": NUMBERS | {"unit": "d", "ucd": "time.interval;obs.exposure", "about": "times (MJD)"},
    "FOV": NUMBERS | {"unit": "deg", "ucd": "phys.angSize;instr.fov", "about": "diameters"},
    "SPATRES": NUMBERS | {"unit": "arcsec", "ucd": "pos.angResolution", "about": "widths of the beam"},
    "SPECRP": NUMBERS | {"ucd": "spect.resolution", "about": "resolving powers"},
    "EXPTIME": NUMBERS | {"unit": "s", "ucd": "time.duration;obs.exposure", "about": "exposures"},
    "TIMERES": NUMBERS | {"unit": "s", "ucd": "time.resolution", "about": "resolutions in time"},
    "POL": TEXT | {"ucd": "meta.code;phys.polarization", "about": "polarization"},
    "CALIB": {"datatype": "int", "ucd": "meta.code;obs.calib", "about": "level of calibration"},
    "MAXREC": {"datatype": "long", "about": "most rows of the answer; with 0 it describes itself"},
    "RESPONSEFORMAT": TEXT | {"about": "format of the answer"},
}


def _described(name):
    ucd, about = next((ucd, about) for column, _, _, ucd, _, about in COLUMNS if column == TEXTS[name])
    return TEXT | {"ucd": ucd, "about": about}


PARAMETERS: dict[str, dict[str, str]] = ABOUT | {name: _described(name) for name in TEXTS}
