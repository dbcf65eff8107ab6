"""What was computed before: results by fingerprint, inside one project."""

from collections.abc import Iterable

from pipelines.models import Memo

AT_ONCE = 1000  # fingerprints in one query


def recall(project_id: int, fingerprints: Iterable[str]) -> dict[str, Memo]:
    """Return what is remembered of these fingerprints in a project, by fingerprint."""
    wanted = list(dict.fromkeys(fingerprints))
    found: dict[str, Memo] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        for memo in Memo.objects.filter(project_id=project_id, fingerprint__in=part):
            found[memo.fingerprint] = memo
    return found


def remember(memos: Iterable[Memo]) -> None:
    """Keep results; what is remembered already stays as it is."""
    Memo.objects.bulk_create(memos, batch_size=AT_ONCE, ignore_conflicts=True)
