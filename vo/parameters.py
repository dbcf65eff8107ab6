"""Parameters as clients send them: names in any case, in the address or in a form, as many as they like."""

import math
import re

from django.conf import settings

from vo.tap.errors import BadParameter
from vo.uws.errors import TooMuch

ROOM_BYTES = 4_000_000  # beside the files


def sent_parameters(request):
    """Return what was sent, {NAME: [value]}."""
    found = {}
    for sent in (request.GET, request.POST):
        for name, values in sent.lists():
            found.setdefault(name.upper(), []).extend(values)
    return found


def refuse_what_is_large(request):
    """Refuse a request that is larger than anything we take, before it is read."""
    size = request.META.get("CONTENT_LENGTH") or ""
    most = settings.VO["UPLOAD_BYTES"] + ROOM_BYTES
    if size.isdigit() and int(size) > most:
        raise TooMuch("the request is larger than it may be, in bytes:", int(size), most)


def base_of(request):
    """Return the address of the portal as whoever asks reaches it, without a stroke at the end."""
    return request.build_absolute_uri("/").rstrip("/")


def only_of(given, name):
    """Return the value of a parameter that may come once."""
    values = [value.strip() for value in given.get(name, ()) if value.strip()]
    if len(set(values)) > 1:
        raise BadParameter(name, "it is given more than once; which one is meant?")
    return values[0] if values else ""


def maxrec_of(text):
    """Return how many rows are wanted at most, as a parameter says it; how many one may have, `answer` knows."""
    if not text.strip():
        return settings.VO["MAXREC"]
    if not re.fullmatch(r"\+?[0-9]{1,18}", text.strip()):
        raise BadParameter("MAXREC", f"“{text}” is not a whole number, zero or more")
    return min(int(text), settings.VO["MAXREC_HARD"])


def interval_of(name, text):
    """Return the two ends of an interval as DALI writes it: one number, or two, of which some may be infinite."""
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) == 1 and math.isfinite(numbers[0]):
        numbers *= 2
    if len(numbers) != 2 or any(map(math.isnan, numbers)):
        raise BadParameter(
            name, f"“{text}” is not an interval; give two numbers, or -Inf or +Inf for an open end"
        )
    low, high = numbers
    if low > high or low == math.inf or high == -math.inf:
        raise BadParameter(name, f"“{text}” ends before it begins; give the smaller number first")
    return low, high
