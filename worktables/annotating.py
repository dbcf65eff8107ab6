"""Flags, comments and verdicts on rows: said by somebody at a time, withdrawn rather than deleted."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from projects.permissions import demand, may
from worktables.errors import NoSuchRow, UnfitValue
from worktables.events import announce
from worktables.models import Annotation
from worktables.queue import rowsets
from worktables.queue.locking import hold
from worktables.queue.marking import mark_judged
from worktables.queue.wording import rows_named, were
from worktables.storage import layout_of
from worktables.waking import wake_workers

LONGEST = 10_000


def flag_rows(worktable, row_ids, reason, *, author):
    """Flag rows with one reason and return the annotations."""
    return _say(Annotation.Kind.FLAG, worktable, row_ids, reason, author, "reason")


def comment_on(worktable, row_id, text, *, author, run_id=None):
    """Comment on a row (about one of its runs, if given) and return the annotation."""
    return _say(Annotation.Kind.COMMENT, worktable, [row_id], text, author, "text", run_id)[0]


@transaction.atomic
def judge_rows(worktable, row_ids, verdict, reason, *, author):
    """Give a verdict on rows, “good” or “bad”, with one reason; the last that is not withdrawn counts.

    Links that look up what is valid at a date leave bad rows out and prefer good ones: whoever may find another row
    now becomes stale.
    """
    if verdict not in Annotation.Verdict.values:
        raise UnfitValue("verdict", verdict, "is neither good nor bad")
    demand(author, "annotate", worktable)
    hold(worktable.project_id)
    said = _say(Annotation.Kind.VERDICT, worktable, row_ids, reason, author, "reason", verdict=verdict)
    ids = sorted(one.row_id for one in said)
    named = f"{rows_named(worktable.name, ids)} {were(len(ids))} judged {verdict} by {author}"
    _mark_judged(worktable, ids, named, author)
    return said


def _mark_judged(worktable, row_ids, reason, by):
    mark_judged(worktable, rowsets.these(worktable.pk, row_ids), reason, by=by)
    wake_workers(worktable)


@transaction.atomic
def _say(kind, worktable, row_ids, text, author, field, run_id=None, verdict=""):
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
        Annotation(
            worktable=worktable,
            row_id=row_id,
            kind=kind,
            verdict=verdict,
            text=text,
            author=author,
            run_id=run_id,
        )
        for row_id in row_ids
    )
    announce(worktable, "rows", rows=row_ids[:300])
    return said


@transaction.atomic
def withdraw(annotation, *, by):
    """Take back a flag, comment or verdict; it stays in the record, struck through. Authors may, and owners."""
    worktable = annotation.worktable
    demand(by, "annotate", worktable)
    if annotation.author_id != by.pk and not may(by, "run", worktable):
        raise PermissionDenied(
            f"{by} did not write this; its author or an owner of “{worktable.name}” can withdraw it"
        )
    if annotation.withdrawn_at is None:
        hold(worktable.project_id)
        annotation.withdrawn_at, annotation.withdrawn_by = timezone.now(), by
        annotation.save(update_fields=["withdrawn_at", "withdrawn_by"])
        if annotation.kind == Annotation.Kind.VERDICT:
            what = f"the verdict “{annotation.verdict}” on {worktable.name} {annotation.row_id}"
            _mark_judged(worktable, [annotation.row_id], f"{what} was withdrawn by {by}", by)
        announce(worktable, "rows", rows=[annotation.row_id])
    return annotation
