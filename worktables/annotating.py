"""Flags and comments on rows: said by somebody at a time, withdrawn rather than deleted."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from projects.permissions import demand, may
from worktables.errors import NoSuchRow, UnfitValue
from worktables.events import announce
from worktables.models import Annotation
from worktables.storage import layout_of

LONGEST = 10_000


def flag_rows(worktable, row_ids, reason, *, author):
    """Flag rows with one reason and return the annotations."""
    return _say(Annotation.Kind.FLAG, worktable, row_ids, reason, author, "reason")


def comment_on(worktable, row_id, text, *, author, run_id=None):
    """Comment on a row (about one of its runs, if given) and return the annotation."""
    return _say(Annotation.Kind.COMMENT, worktable, [row_id], text, author, "text", run_id)[0]


@transaction.atomic
def _say(kind, worktable, row_ids, text, author, field, run_id=None):
    demand(author, "annotate", worktable)
    text = (text or "").strip()
    if not text:
        raise UnfitValue(field, text, f"is empty; say why, so that others know what the {kind} means")
    if len(text) > LONGEST or "\0" in text:
        raise UnfitValue(field, text[:20], f"has {len(text)} characters; {LONGEST} is the most, without NUL")
    row_ids = list(dict.fromkeys(row_ids))
    found = set(layout_of(worktable).rows.filter(id__in=row_ids).values_list("id", flat=True))
    for row_id in row_ids:
        if row_id not in found:
            raise NoSuchRow(row_id)
    said = Annotation.objects.bulk_create(
        Annotation(worktable=worktable, row_id=row_id, kind=kind, text=text, author=author, run_id=run_id)
        for row_id in row_ids
    )
    announce(worktable, "rows", rows=row_ids[:300])
    return said


@transaction.atomic
def withdraw(annotation, *, by):
    """Take back a flag or comment; it stays in the record, struck through. Authors may, and owners."""
    worktable = annotation.worktable
    demand(by, "annotate", worktable)
    if annotation.author_id != by.pk and not may(by, "run", worktable):
        raise PermissionDenied(
            f"{by} did not write this; its author or an owner of “{worktable.name}” can withdraw it"
        )
    if annotation.withdrawn_at is None:
        annotation.withdrawn_at, annotation.withdrawn_by = timezone.now(), by
        annotation.save(update_fields=["withdrawn_at", "withdrawn_by"])
        announce(worktable, "rows", rows=[annotation.row_id])
    return annotation
