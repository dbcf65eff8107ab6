"""The formats of an answer, by the names TAP clients give them."""

from vo.tap.errors import BadParameter
from worktables.formats import FORMATS

# Media types as DALI and TAP 1.1 (section 2.7.3) name them, and the short forms; the first of each is announced.
NAMES = {
    "votable": ("application/x-votable+xml", "votable", "votable/b2", "text/xml", "application/xml"),
    "votable-tabledata": ("application/x-votable+xml;serialization=tabledata", "votable/td", "td"),
    "csv": ("text/csv", "csv"),
    "tsv": ("text/tab-separated-values", "tsv"),
    "fits": ("application/fits", "fits", "image/fits"),
    "parquet": ("application/vnd.apache.parquet", "parquet", "application/parquet"),
    "json": ("application/json", "json"),
    "ecsv": ("text/ecsv", "ecsv"),
}
ALSO = {"application/x-votable+xml;serialization=binary2": "votable"}
BY_NAME = {name: key for key, names in NAMES.items() for name in names} | ALSO


def format_asked(text):
    """Return the format that somebody asks for, or raise `BadParameter`."""
    plain = "".join(part for part in text.lower().split())
    if plain in BY_NAME:
        return FORMATS[BY_NAME[plain]]
    bare = plain.partition(";")[0]
    if bare in BY_NAME and "serialization=" not in plain:  # text/csv;header=present, for example
        return FORMATS[BY_NAME[bare]]
    known = ", ".join(names[1] if len(names) > 1 else names[0] for names in NAMES.values())
    raise BadParameter("RESPONSEFORMAT", f"“{text}” is not among the formats there are: {known}")


def media_type_of(format, asked):
    """Return the media type of the answer: VOTable's plain one unless more was asked for."""
    if format.name == "votable" and "serialization" not in asked.lower():
        return NAMES["votable"][0]
    return format.media_type
