"""Indexing what was published: its places, and what the headers of its files say. The rows are frozen before that.

Whoever publishes waits a moment for it; what is left then, or was interrupted, any worker does. A version is indexed by
one at a time, who has it by a lease; that two do the same harms nobody.
"""

import logging
import secrets
import time
from datetime import timedelta
from itertools import chain

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from vo.models import PublishedVersion
from vo.publishing.coverage import measure_coverage
from vo.publishing.products import index_products
from vo.publishing.storage import index_sky
from vo.registry.noting import note_services
from worktables.queue.recovery import database_time

log = logging.getLogger(__name__)
AT_ONCE_ROWS = 20_000  # whose places are indexed in less


def claim_version(versions=None):
    """Take a version that is not indexed, of these or of all, for whoever calls; return it, or None.

    One whose worker was silent for longer than the lease is taken again.
    """
    versions = PublishedVersion.objects.all() if versions is None else versions
    waiting = versions.unindexed().order_by("pk")
    if not (candidates := list(waiting.values_list("pk", flat=True)[:20])):
        return None
    late = database_time() - timedelta(seconds=settings.WORKTABLES["LEASE_SECONDS"])
    free, lease = Q(index_lease="") | Q(index_seen_at__lt=late), secrets.token_hex(16)
    for pk in candidates:
        if waiting.filter(free, pk=pk).update(index_lease=lease, index_seen_at=Now()):
            return PublishedVersion.objects.select_related("publication__worktable").get(pk=pk)
    return None


def keep_hold(version):
    """Say that whoever has a version goes on; return whether they still have it."""
    return bool(held(version).update(index_seen_at=Now()))


def held(version):
    """Return the version if whoever claimed it still has it, as a queryset of one or none."""
    return PublishedVersion.objects.filter(pk=version.pk, index_lease=version.index_lease)


def index_version(version, *, stopped=lambda: False):
    """Index a version that was claimed, from where it was left; return whether nothing is left.

    Parameters
    ----------
    version : PublishedVersion
        As `claim_version` returned it. Should this fail, its lease runs out, and another tries.
    stopped : callable
        Asked after each part, which takes less than a second; when it says yes, the rest is left to others.
    """
    for _ in chain(index_sky(version), index_products(version), measure_coverage(version)):
        if stopped():
            held(version).update(index_lease="")
            return False
    held(version).update(index_lease="", indexed=True, products_indexed_at=Now())
    note_services()
    return True


def index_at_once(version):
    """Index a version as far as whoever publishes it may wait; the rest is left to the workers."""
    seconds = settings.VO["INDEX_SECONDS"]
    if not seconds or (version.positions and version.n_rows > AT_ONCE_ROWS):
        return
    claimed = claim_version(PublishedVersion.objects.filter(pk=version.pk))
    if claimed is None:
        return
    deadline = time.monotonic() + seconds
    try:
        index_version(claimed, stopped=lambda: time.monotonic() > deadline)
    except Exception:
        log.exception("%s could not be indexed at once; a worker tries again", version)
    version.refresh_from_db(fields=["indexed", "products_indexed_at"])
