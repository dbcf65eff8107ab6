"""The memo: inside one project, of bounded size, and what is forgotten never makes anything stale."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pipelines.memo import BESIDE_OUTPUTS, Remembered, recall, remember
from pipelines.models import Memo, Pipeline
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.models import BatchRow, Unit
from worktables.queue import forgetting
from worktables.queue.forgetting import forget_results
from worktables.queue.recovery import tidy
from worktables.rows import add_rows
from worktables.updating import rerun_rows

pytestmark = pytest.mark.django_db
SIZE = len('{"a": 1}') + BESIDE_OUTPUTS


def entries(project, n, first=0):
    """Remember so many results of equal size."""
    remember(project.pk, [Remembered(f"f{k}", "c", {"a": 1}, k) for k in range(first, first + n)])


def used(project, ages):
    """Say how many days ago entries were used."""
    for fingerprint, days in ages.items():
        Memo.objects.filter(project=project, fingerprint=fingerprint).update(
            used_at=datetime.now(UTC) - timedelta(days=days)
        )


def left():
    return sorted(Memo.objects.values_list("fingerprint", flat=True))


def test_what_one_project_computed_is_not_taken_by_another(worktable, work, make_project, stranger):
    work()
    pipeline = Pipeline.objects.get(name="toy")
    theirs = create_worktable(make_project("coma", stranger), "fields", creator=stranger, pipeline=pipeline)
    add_rows(theirs, [{"x": 1.0, "y": 2.0}], by=stranger)

    assert work() == [("add", 1.0), ("sign", 3.0)], "computed, though the first project has the same"
    add_rows(worktable, [{"x": 1.0, "y": 2.0}], by=worktable.created_by)
    assert work() == [], "inside a project it is taken"


def test_an_entry_knows_its_size(project):
    entries(project, 1)

    assert Memo.objects.get().size == SIZE


def test_that_an_entry_was_used_is_noted_once_a_day_by_one_statement(project):
    entries(project, 3)
    used(project, {"f0": 3, "f1": 3})
    wanted = ["f0", "f1", "f2"]

    with CaptureQueriesContext(connection) as first:
        recall(project.pk, wanted)
    with CaptureQueriesContext(connection) as second:
        recall(project.pk, wanted)

    assert (len(first), len(second)) == (2, 1)
    assert Memo.objects.filter(used_at__lt=datetime.now(UTC) - timedelta(hours=1)).count() == 0


def test_those_go_that_nobody_asked_for_longest_and_no_more_than_must(project):
    entries(project, 5)
    used(project, {"f0": 1, "f1": 9, "f2": 5, "f3": 2, "f4": 7})

    assert forget_results(limit=3 * SIZE) == 2
    assert left() == ["f0", "f2", "f3"]
    assert forget_results(limit=3 * SIZE) == 0


def test_each_project_has_its_own_room(project, make_project, stranger):
    entries(project, 5)
    entries(make_project("coma", stranger), 2, first=10)

    forget_results(limit=3 * SIZE)

    assert Memo.objects.filter(project=project).count() == 3
    assert Memo.objects.exclude(project=project).count() == 2


def test_what_a_present_unit_shows_goes_last(worktable, work, owner):
    work()
    shown = set(Unit.objects.values_list("fingerprint", flat=True))
    Memo.objects.update(used_at=datetime.now(UTC) - timedelta(days=99))
    entries(worktable.project, 4)
    room = sum(Memo.objects.filter(fingerprint__in=shown).values_list("size", flat=True))

    forget_results(limit=room)
    assert set(left()) == shown

    forget_results(limit=room - 1)
    assert len(left()) == len(shown) - 1


def test_forgetting_makes_nothing_stale_and_what_is_undone_is_computed_again(worktable, work, owner, cells):
    work()
    edit_cell(worktable, 1, worktable.column("x"), 9.0, seen=1.0, editor=owner)
    work()
    before = cells(worktable, "x", "total", "sign")

    forget_results(limit=0)

    assert left() == []
    assert work() == []
    assert cells(worktable, "x", "total", "sign") == before
    assert not Unit.objects.exclude(state=0).exists()
    edit_cell(worktable, 1, worktable.column("x"), 1.0, seen=9.0, editor=owner)
    assert ("add", 1.0) in work(), "no memo any more, so it runs, and comes out the same"
    assert cells(worktable, "total")[1] == (3.0,)


def test_very_many_go_in_parts(project, monkeypatch):
    monkeypatch.setattr(forgetting, "LISTED", 7)
    monkeypatch.setattr(forgetting, "AT_ONCE", 3)
    entries(project, 30)

    with CaptureQueriesContext(connection) as queries:
        assert forget_results(limit=10 * SIZE) == 20

    assert left() == [f"f{k}" for k in range(20, 30)], "of the same age, the later stay"
    deleted = [query for query in queries if query["sql"].startswith("DELETE")]
    assert len(deleted) == 3 + 3 + 2


def test_the_hourly_tidying_keeps_to_the_limit_of_the_settings(project, settings):
    settings.WORKTABLES = {**settings.WORKTABLES, "MEMO_BYTES": 2 * SIZE}
    entries(project, 5)

    tidy()

    assert len(left()) == 2


def test_old_batches_are_forgotten_but_for_the_last_of_each_table(worktable, owner, work, monkeypatch):
    monkeypatch.setattr(forgetting, "BATCHES_OF_A_TABLE", 2)
    for _ in range(4):
        rerun_rows(worktable, [1, 2], by=owner)
        work()
    ids = list(worktable.batches.order_by("pk").values_list("pk", flat=True))
    long_ago = timezone.now() - timedelta(days=91)
    worktable.batches.exclude(pk=ids[1]).update(ended_at=long_ago)
    worktable.batches.filter(pk=ids[2]).update(ended_at=None)  # never over, whatever happened

    tidy()

    kept = list(worktable.batches.order_by("pk").values_list("pk", flat=True))
    assert kept == [ids[1], *ids[2:]]
    assert not BatchRow.objects.filter(batch=ids[0]).exists()
    assert BatchRow.objects.filter(batch=ids[1]).exists()
