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


def remember(memos: Iterable[Memo], *, instead: bool = False) -> None:
    """Keep results; what is remembered already stays as it is, or is replaced (what was run again on purpose)."""
    if not instead:
        Memo.objects.bulk_create(memos, batch_size=AT_ONCE, ignore_conflicts=True)
        return
    Memo.objects.bulk_create(
        memos,
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["project", "fingerprint"],
        update_fields=["content", "outputs", "run_id"],
    )
