"""Noting when settings and code change what records say: reading them changes nothing.

The records of the portal itself follow from them, and from what images everybody may see. So they are looked at when
`stoa up` starts, after a migration, and when a curator has decided.
"""

import hashlib
from datetime import UTC, datetime

from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone

from vo.models import Publication, PublishedVersion, ServiceRecord
from vo.publishing.columns import ROW
from vo.registry.coverage import coverage_of_images
from vo.registry.services import MAKERS
from vo.registry.tables import ALIKE, table_facts

SOMEWHERE = "https://portal.invalid"  # what records say is compared as if the portal was there


def note_after_migrating(**_):
    """Note what has changed, unless the migration led back to where there were no records."""
    if ServiceRecord._meta.db_table in connection.introspection.table_names():
        note_services()


def note_services():
    """Note as updated now what says something new since it was noted last, or is said for the first time."""
    known = dict(ServiceRecord.objects.values_list("key", "digest"))
    digests = {key: digest_of(make(SOMEWHERE)) for key, make in MAKERS.items() if is_listed(key, known)}
    digests[ALIKE] = digest_of(table_facts(any_table(), None, SOMEWHERE))
    now = timezone.now()
    ServiceRecord.objects.bulk_create(
        [
            ServiceRecord(key=key, digest=digest, created_at=now, updated_at=now)
            for key, digest in digests.items()
            if known.get(key) != digest
        ],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["digest", "updated_at"],
    )


def is_listed(key, known):
    """Say whether there is such a record: of images once there are any, and then for good."""
    return key != "images" or key in known or coverage_of_images() is not None


def any_table():
    """Return a version that stands for all: what its record says changes when what all records say does."""
    then = datetime(2000, 1, 1, tzinfo=UTC)
    version = PublishedVersion(
        publication=Publication(schema="any", name="table"),
        number=1,
        made_at=then,
        columns=[ROW | {"name": name} for name in ("row_id", "ra", "dec")],
        positions=[{"ra": "ra", "dec": "dec"}],
    )
    version.shown_at = version.stamp = version.first = then
    return version


def digest_of(facts):
    """Return a digest of what a record says."""
    return hashlib.sha256(render_to_string("vo/registry/_resource.xml", {"one": facts}).encode()).hexdigest()
