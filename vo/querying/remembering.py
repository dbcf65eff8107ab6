"""Which queries somebody asked before."""

import hashlib

from django.db import transaction
from django.db.models import F

from vo.adql.lexing import LONGEST_QUERY
from vo.models import PastQuery

MOST_REMEMBERED = 500


def remember(text, owner, *, now):
    """Put a query at the head of somebody's history; nobody who is not signed in has one.

    Parameters
    ----------
    text : str
    owner : User or AnonymousUser
    now : datetime
    """
    text = text.strip()
    if not text or "\0" in text or len(text) > LONGEST_QUERY or not owner.is_authenticated:
        return
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        asked, new = PastQuery.objects.get_or_create(
            owner=owner, digest=digest, defaults={"text": text, "asked_at": now}
        )
        if not new:
            PastQuery.objects.filter(pk=asked.pk).update(times=F("times") + 1, asked_at=now)
            return
        oldest = PastQuery.objects.filter(owner=owner).order_by("-asked_at", "-pk")[MOST_REMEMBERED:]
        PastQuery.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()


def forget(owner, ids=None):
    """Remove some of somebody's past queries, or all; return how many there were."""
    past = PastQuery.objects.filter(owner=owner)
    removed, _ = (past if ids is None else past.filter(pk__in=ids)).delete()
    return removed
