"""Reading what programs send, so that whoever handles it next can walk through it."""

import re

from rest_framework import parsers
from rest_framework.exceptions import ParseError

DEEPEST = 20  # lists and objects within each other
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


class JSONParser(parsers.JSONParser):
    """Takes JSON that is not too deep."""

    def parse(self, stream, media_type=None, parser_context=None):
        """Parse it, or say that it is too deep."""
        try:
            document = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise too_deep() from None
        level = [document]
        for _ in range(DEEPEST + 1):
            for one in level:
                check_names(one)
            level = [inner for one in level for inner in inside(one) if isinstance(inner, dict | list)]
            if not level:
                return document
        raise too_deep()


def inside(one):
    """Return what a list or an object holds."""
    return one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


def check_names(one):
    """Refuse a name of an object that no answer could repeat; values are judged by who reads them."""
    if isinstance(one, dict) and any(half := HALF_A_CHARACTER.search(name) for name in one):
        raise ParseError(
            f"a name in the JSON has the lone surrogate U+{ord(half[0]):04X}, which is no character"
        )


def too_deep():
    """Return the refusal."""
    return ParseError(f"the JSON is too deep: at most {DEEPEST} lists and objects may lie within each other")
