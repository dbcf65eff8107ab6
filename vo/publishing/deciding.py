"""Deciding who sees what was proposed: a curator grants what was asked, or less, or refuses with a reason."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from vo.errors import FieldNeeded, ScopeNotFree
from vo.models import PublishedVersion, Scope
from vo.querysets import DECIDE
from vo.registry.noting import note_services

WIDTH = {scope: number for number, scope in enumerate(Scope)}
Verdict = PublishedVersion.Verdict


@transaction.atomic
def grant(version, *, by, scope=None):
    """Let a version be seen as its owner asked, or by fewer.

    Raises
    ------
    PermissionDenied
        Unless `by` is a curator.
    ScopeNotFree
        If more would see it than its owner asked for, or than see it already.
    """
    version = _held(version, by)
    scope = Scope(scope or version.asked)
    if WIDTH[scope] > WIDTH[Scope(version.asked)]:
        raise ScopeNotFree(
            f"the owner asked for “{version.asked}”; “{scope}” would show {version} to more people"
        )
    if WIDTH[scope] < WIDTH[Scope(version.scope)]:
        raise ScopeNotFree(f"{version} is seen by “{version.scope}” already, and what is published stays")
    return _decide(version, Verdict.GRANTED, "", by, scope)


@transaction.atomic
def refuse(version, reason, *, by):
    """Leave a version to those who work on it, and say why."""
    version = _held(version, by)
    if version.verdict == Verdict.GRANTED:
        raise ScopeNotFree(f"{version} was granted already, and what is published stays")
    if not reason.strip():
        raise FieldNeeded("reason", "say what would have to change")
    return _decide(version, Verdict.REFUSED, reason.strip(), by, version.scope)


def _held(version, by):
    if not by.has_perm(DECIDE):
        raise PermissionDenied(f"{by} is no curator; who sees {version} is decided by one.")
    return (
        PublishedVersion.objects.select_for_update(of=("self",))
        .select_related("publication")
        .get(pk=version.pk)
    )


def _decide(version, verdict, reason, by, scope):
    version.verdict, version.verdict_reason, version.scope = verdict, reason, scope
    version.decided_by, version.decided_at = by, timezone.now()
    version.save(update_fields=["verdict", "verdict_reason", "scope", "decided_by", "decided_at"])
    note_services()
    return version
