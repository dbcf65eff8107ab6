"""Resumption tokens: all that is needed to go on with a list, so that the portal keeps nothing and no token expires."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vo.registry.arguments import arguments_from
from vo.registry.errors import BadArgument, BadResumptionToken
from vo.registry.listing import SERVICE, TABLE, Place

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NAMES = ("metadataPrefix", "set", "from", "until")
BETWEEN = "~"
DIGITS = 18  # more has no number in the database


@dataclass(frozen=True)
class Token:
    """The arguments of a list, behind which place to go on, and how many records were before."""

    arguments: dict
    after: Place
    cursor: int


def write_token(token):
    """Return a token as text, of characters that need no escape."""
    place = token.after
    numbers = (token.cursor, (place.stamp - EPOCH) // MICROSECOND, place.rank, place.number)
    said = (token.arguments["verb"], *(token.arguments.get(name, "") for name in NAMES))
    return BETWEEN.join((*said, *map(str, numbers)))


def read_token(verb, text):
    """Return what a token says, or raise `BadResumptionToken`."""
    parts = text.split(BETWEEN)
    numbers = parts[len(NAMES) + 1 :]
    if len(numbers) != 4 or parts[0] != verb:
        raise BadResumptionToken
    if not all(one.isascii() and one.isdigit() and len(one) <= DIGITS for one in numbers):
        raise BadResumptionToken
    given = {name: [value] for name, value in zip(("verb", *NAMES), parts, strict=False) if value}
    cursor, stamp, rank, number = map(int, numbers)
    if rank not in (SERVICE, TABLE):
        raise BadResumptionToken
    try:
        return Token(arguments_from(given), Place(EPOCH + stamp * MICROSECOND, rank, number), cursor)
    except (BadArgument, OverflowError):
        raise BadResumptionToken from None
