"""How many rows a query finds, up to a number, within a time that several questions share."""

import time

from vo.adql import AdqlError
from vo.asking import count
from vo.errors import VoError
from vo.tap.answering import prepare
from vo.tap.asking import TapQuery

MOST_COUNTED = 10_000
SECONDS = 5.0


def counter_for(user, schemas, *, base="", seconds=SECONDS):
    """Return a function that counts what a query finds: more than `MOST_COUNTED` is one more; None is not known."""
    deadline = time.monotonic() + seconds

    def counted(text):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        try:
            translation, brought = prepare(TapQuery(text, None, "", MOST_COUNTED, {}, base), user, schemas)
            return count(translation, brought, seconds=left)
        except (AdqlError, VoError):
            return None

    return counted
