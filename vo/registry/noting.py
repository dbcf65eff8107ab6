"""Noting when the records of the portal itself change: reading them changes nothing.

They follow from settings, code, and what images everybody may see. So they are looked at when `stoa up` starts, after a
migration, and when a curator has decided.
"""

import hashlib

from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone

from vo.models import ServiceRecord
from vo.registry.coverage import coverage_of_images
from vo.registry.services import MAKERS

SOMEWHERE = "https://portal.invalid"  # what records say is compared as if the portal was there


def note_after_migrating(**_):
    """Note what has changed, unless the migration led back to where there were no records."""
    if ServiceRecord._meta.db_table in connection.introspection.table_names():
        note_services()


def note_services():
    """Note as updated now what says something new since it was noted last, or is said for the first time."""
    known = dict(ServiceRecord.objects.values_list("key", "digest"))
    digests = {key: digest_of(make(SOMEWHERE)) for key, make in MAKERS.items() if is_listed(key, known)}
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


def digest_of(facts):
    """Return a digest of what a record says."""
    return hashlib.sha256(render_to_string("vo/registry/_resource.xml", {"one": facts}).encode()).hexdigest()
