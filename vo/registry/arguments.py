"""The arguments of OAI-PMH: which of them each verb takes, and what they may look like."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vo.registry.errors import BadArgument, BadVerb

# Verb: what it needs, what it may have besides; and what is said instead of all of that to go on with a list.
VERBS = {
    "Identify": ((), (), False),
    "ListMetadataFormats": ((), ("identifier",), False),
    "ListSets": ((), (), True),
    "GetRecord": (("identifier", "metadataPrefix"), (), False),
    "ListIdentifiers": (("metadataPrefix",), ("from", "until", "set"), True),
    "ListRecords": (("metadataPrefix",), ("from", "until", "set"), True),
}
WORD = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
SET = re.compile(rf"{WORD.pattern}(:{WORD.pattern})*")
CHARACTER = r"([A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{CHARACTER}+(#{CHARACTER}*)?")
DATES = {"%Y-%m-%d": timedelta(days=1), "%Y-%m-%dT%H:%M:%SZ": timedelta(seconds=1)}
LENGTHS = {"%Y-%m-%d": 10, "%Y-%m-%dT%H:%M:%SZ": 20}


@dataclass(frozen=True)
class Dates:
    """Records updated since `since` and before `before`; either may be None."""

    since: datetime | None = None
    before: datetime | None = None


def arguments_from(sent):
    """Return the arguments of a request, {name: value}, with its verb; or say what is wrong with them.

    Parameters
    ----------
    sent : dict of str to list of str
        As they came.

    Raises
    ------
    BadVerb, BadArgument
    """
    verbs = sent.get("verb", [])
    if len(verbs) != 1 or verbs[0] not in VERBS:
        said = "is missing" if not verbs else "is given more than once" if len(verbs) > 1 else "is unknown"
        raise BadVerb(f"the verb {said}; there are {', '.join(VERBS)}")
    verb = verbs[0]
    for name, values in sent.items():
        if len(values) > 1:
            raise BadArgument(f"{name[:50]} is given more than once; which one is meant?")
    given = {name: values[0] for name, values in sent.items() if name != "verb"}
    check_names(verb, given)
    for name, form in (("metadataPrefix", WORD), ("set", SET)):
        if name in given and not form.fullmatch(given[name]):
            raise BadArgument(f"{name} has a character that it cannot have")
    dates_of(given)
    return {"verb": verb, **given}


def check_names(verb, given):
    """Refuse what a verb does not take, and to be without what it needs."""
    needed, other, goes_on = VERBS[verb]
    if goes_on and "resumptionToken" in given:
        if len(given) > 1:
            raise BadArgument("resumptionToken stands alone; it knows the other arguments")
        return
    for name in given:
        if name not in (*needed, *other):
            known = ", ".join((*needed, *other)) or "no arguments"
            raise BadArgument(f"{verb} does not take {name[:50]}; it takes {known}")
    for name in needed:
        if name not in given:
            raise BadArgument(f"{verb} needs {name}")


def dates_of(given):
    """Return from when until when records were updated, or raise `BadArgument`; both ends belong to it."""
    forms = {name: date_in(name, given[name]) for name in ("from", "until") if name in given}
    if len({unit for _, unit in forms.values()}) > 1:
        raise BadArgument("from and until are not equally fine; give both as days, or both to the second")
    since, before = None, None
    if "from" in forms:
        since = forms["from"][0]
    if "until" in forms:
        last, unit = forms["until"]
        before = last + unit if last < datetime.max.replace(tzinfo=UTC) - unit else None
        if since and since > last:
            raise BadArgument("until is before from")
    return Dates(since, before)


def date_in(name, text):
    """Return a date, and its granularity."""
    for form, unit in DATES.items():
        if len(text) == LENGTHS[form] and text.isascii():
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC), unit
            except ValueError:
                break
    raise BadArgument(f"{name} is not a date such as 2026-01-31 or 2026-01-31T00:00:00Z")


def repeated(arguments):
    """Return the arguments as the answer repeats them: those that its schema has words for."""
    return [
        (name, value) for name, value in arguments.items() if name != "identifier" or URI.fullmatch(value)
    ]
