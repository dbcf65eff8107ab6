"""Reading what a TAP client asks: the parameters, whatever their case, and the tables it uploads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from vo.parameters import maxrec_of
from vo.tap.errors import BadParameter, UploadRefused
from vo.tap.formats import format_asked, media_type_of

KNOWN = (
    "LANG",
    "QUERY",
    "MAXREC",
    "RESPONSEFORMAT",
    "FORMAT",
    "UPLOAD",
    "RUNID",
    "REQUEST",
    "VERSION",
    "PHASE",
)
LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
MOST_UPLOADS = 5
UPLOAD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class TapQuery:
    """What is asked for, checked.

    `uploads` are the names of the uploaded tables, and the bytes of each, or the address where they are; `base` is the
    address of the portal as whoever asks reaches it: addresses in the answer begin with it.
    """

    text: str
    format: object
    media_type: str
    maxrec: int
    uploads: Mapping[str, bytes | str] = field(default_factory=dict)
    base: str = ""


def read_query(parameters, files=None, base=""):
    """Check the parameters of a query.

    Parameters
    ----------
    parameters : mapping of str to list of str
        As sent; names in any case.
    files : mapping of str to bytes, optional
        What came inline, by the name of its part.
    base : str, optional
        Address of the portal as whoever asks reaches it.

    Raises
    ------
    BadParameter, UploadRefused
    """
    given = _one_each(parameters)
    if given.get("REQUEST", "doQuery") != "doQuery":
        raise BadParameter("REQUEST", f"“{given['REQUEST']}” is unknown; doQuery is all there is")
    language = given.get("LANG", "")
    if language.upper() not in LANGUAGES:
        problem = f"“{language}” is not understood" if language else "say in which language the query is"
        raise BadParameter("LANG", f"{problem}; choose {', '.join(LANGUAGES)}")
    text = given.get("QUERY", "")
    if not text.strip():
        raise BadParameter(
            "QUERY", "there is no query; say for example SELECT TOP 5 * FROM tap_schema.tables"
        )
    asked = given.get("RESPONSEFORMAT") or given.get("FORMAT") or "votable"
    format = format_asked(asked)
    return TapQuery(
        text,
        format,
        media_type_of(format, asked),
        maxrec_of(given.get("MAXREC", "")),
        _uploads(parameters, files or {}),
        base,
    )


def _one_each(parameters):
    given: dict[str, str] = {}
    for name, values in parameters.items():
        key = name.upper()
        if key not in KNOWN or key == "UPLOAD":
            continue
        if len(set(values)) > 1 or (key in given and {given[key]} != set(values)):
            raise BadParameter(key, "it is given more than once; which one is meant?")
        given[key] = values[-1]
    return given


def _uploads(parameters, files):
    """Return the bytes of each uploaded table; of one that lies elsewhere, its address."""
    found: dict[str, bytes | str] = {}
    pairs = [
        pair
        for name, values in parameters.items()
        if name.upper() == "UPLOAD"
        for value in values
        for pair in value.split(";")
        if pair.strip()
    ]
    if len(pairs) > MOST_UPLOADS:
        raise BadParameter("UPLOAD", f"at most {MOST_UPLOADS} tables come with a query, not {len(pairs)}")
    for pair in pairs:
        name, comma, address = (part.strip() for part in pair.partition(","))
        if not comma or not UPLOAD_NAME.fullmatch(name):
            raise BadParameter("UPLOAD", f"“{pair}” is not of the form name,param:part, with a plain name")
        if name.lower() in {one.lower() for one in found}:
            raise UploadRefused(name, "two uploaded tables have this name")
        if not address.lower().startswith("param:"):
            found[name] = address
            continue
        part = address[len("param:") :]
        if part not in files:
            raise UploadRefused(name, f"the request has no part called “{part}”")
        if len(files[part]) > settings.VO["UPLOAD_BYTES"]:
            megabytes = settings.VO["UPLOAD_BYTES"] / 1e6
            raise UploadRefused(name, f"at most {megabytes:g} MB are taken")
        found[name] = files[part]
    return found
