"""Which records there are, page by page, in the order in which they were updated.

A page begins where the one before ended: behind a date and a number, not at a count. What is published meanwhile comes
at the end, and nothing is passed over.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from vo.models import ServiceRecord
from vo.registry.identifiers import identifier_of
from vo.registry.services import MAKERS
from vo.registry.tables import listed_versions

SERVICE, TABLE = 0, 1


@dataclass(frozen=True, order=True)
class Place:
    """Where in the list a record is."""

    stamp: datetime
    rank: int
    number: int


@dataclass(frozen=True)
class Entry:
    """A record, as far as its header tells.

    `version` is the version that a table's record is about; `service` has the dates of any other.
    """

    place: Place
    identifier: str
    version: int | None = None
    service: ServiceRecord | None = None

    @property
    def stamp(self):
        """When it was last updated."""
        return self.place.stamp


def service_entries():
    """Return the entries of the portal's own records; in one query."""
    kept = ServiceRecord.objects.in_bulk()
    return [
        Entry(Place(kept[key].updated_at, SERVICE, number), identifier_of(key), service=kept[key])
        for number, key in enumerate(MAKERS)
        if key in kept
    ]


def page_of(dates, after, most):
    """Return the next entries of a list, whether there are more, and how many the whole list has; in three queries.

    Parameters
    ----------
    dates : Dates
    after : Place or None
    most : int
    """
    own = [entry for entry in service_entries() if is_between(entry.stamp, dates)]
    tables = between(listed_versions(), dates)
    total = len(own) + tables.count()
    found = [entry for entry in own if after is None or entry.place > after]
    found += table_entries(behind(tables, after), most + 1)
    found.sort(key=lambda entry: entry.place)
    return found[:most], len(found) > most, total


def table_entries(versions, most):
    """Return the first entries of tables."""
    rows = versions.order_by("stamp", "publication_id").values_list(
        "stamp", "publication_id", "pk", "publication__schema", "publication__name"
    )
    return [
        Entry(Place(stamp, TABLE, publication), identifier_of(f"{schema}.{name}"), pk)
        for stamp, publication, pk, schema, name in rows[:most]
    ]


def between(versions, dates):
    """Keep versions updated between two dates."""
    if dates.since:
        versions = versions.filter(stamp__gte=dates.since)
    if dates.before:
        versions = versions.filter(stamp__lt=dates.before)
    return versions


def is_between(stamp, dates):
    """Say whether a date is between two dates."""
    return not (dates.since and stamp < dates.since) and not (dates.before and stamp >= dates.before)


def behind(versions, place):
    """Keep versions that come in the list behind a place."""
    if place is None:
        return versions
    if place.rank == SERVICE:
        return versions.filter(stamp__gte=place.stamp)
    return versions.filter(Q(stamp__gt=place.stamp) | Q(stamp=place.stamp, publication_id__gt=place.number))
