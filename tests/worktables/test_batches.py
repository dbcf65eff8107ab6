"""Batches: what was queued together, how far it is, and what came of it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from worktables.batches import gather, outline, summarise
from worktables.editing import edit_cell
from worktables.making import update_table
from worktables.models import Batch, BatchRow
from worktables.queue.batching import end_batches
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.queue.recovery import register_worker, sweep
from worktables.rows import add_rows, delete_rows
from worktables.sight import INSTEAD
from worktables.storage import layout_of
from worktables.updating import rerun_rows

pytestmark = pytest.mark.django_db


def last(worktable, viewer=None):
    """Return the summary of the newest batch of a table."""
    return summarise(worktable.batches.select_related("worktable").first(), viewer or worktable.created_by)


def edit(worktable, row_id, name, value, by):
    layout = layout_of(worktable)
    column = layout.by_name[name]
    seen = layout.value(column, layout.rows.get(id=row_id))
    edit_cell(worktable, row_id, column, value, seen=seen, editor=by)


def test_rows_added_together_are_a_batch_and_end_in_a_summary(worktable, owner, work):
    rows = [{"x": float(n)} for n in range(10, 16)] + [{}]  # 13 is unlucky
    ids = add_rows(worktable, rows, by=owner)
    before = last(worktable)
    work()

    summary = last(worktable)
    assert not before.over
    assert before.n_busy == 7
    assert summary.batch.by == owner
    assert summary.batch.ended_at >= summary.batch.started_at
    assert summary.sentence() == "7 processed: 5 ok, 1 failed, 1 empty"
    failed, empty = summary.groups
    assert (failed.step, failed.line) == ("add", "13 is unlucky; choose another number")
    assert failed.rows == [ids[3]]
    assert (empty.state, empty.rows) == ("empty", [ids[6]])


def test_a_single_row_is_no_batch_and_costs_nothing(worktable, owner):
    before = Batch.objects.count()

    with CaptureQueriesContext(connection) as queries:
        add_rows(worktable, [{"x": 1.0}], by=owner)

    assert Batch.objects.count() == before
    assert not any("worktables_batch" in query["sql"] for query in queries)


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(worktable, owner):
    def queries(number):
        with CaptureQueriesContext(connection) as found:
            add_rows(worktable, [{"x": 1.0}] * number, by=owner)
        return sum("batch" in query["sql"] for query in found)

    assert queries(5) == queries(400)


def test_the_next_batch_says_what_fails_newly_what_is_mended_and_what_still_fails(worktable, owner, work):
    edit(worktable, 1, "x", 13.0, owner)
    edit(worktable, 2, "x", 13.0, owner)
    work()
    rerun_rows(worktable, [1, 2, 3], by=owner)
    work()
    edit(worktable, 1, "x", 1.0, owner)
    edit(worktable, 3, "x", 13.0, owner)
    rerun_rows(worktable, [1, 2, 3], by=owner)
    work()

    summary = last(worktable)
    assert summary.comparison() == "1 newly failing, 1 mended, 1 still failing"
    assert (summary.newly.rows, summary.mended.rows, summary.still.rows) == ([3], [1], [2])


def test_a_batch_keeps_what_came_of_it_whatever_happens_later(worktable, owner, work):
    edit(worktable, 1, "x", 13.0, owner)
    work()
    update_table(worktable, by=owner)
    work()
    said = last(worktable).sentence()
    edit(worktable, 1, "x", 2.0, owner)
    work()

    assert said == "1 processed: 1 failed"
    assert last(worktable).sentence() == said


def test_a_batch_is_over_when_nothing_of_it_is_queued_or_runs(worktable, owner, work):
    work()
    rerun_rows(worktable, [1, 2], by=owner)
    worker = register_worker("slow")

    seen = []
    while batch := claim(worker.token, lambda node: 1):
        end_batches()
        summary = last(worktable)
        seen.append((summary.n_done, round(summary.fraction, 2), summary.batch.ended_at))
        work_through(batch, worker)
    sweep()

    assert seen == [(0, 0.0, None), (0, 0.25, None), (0, 0.5, None), (1, 0.75, None)]
    assert last(worktable).sentence() == "2 processed: 2 ok"
    assert last(worktable).batch.ended_at


def test_what_is_fresh_takes_no_writing_at_the_end(worktable, owner, work):
    add_rows(worktable, [{"x": 1.0}, {"x": 13.0}, {"x": 2.0}], by=owner)
    work()

    batch = worktable.batches.first()
    assert list(
        BatchRow.objects.filter(batch=batch).exclude(state=None).values_list("row_id", flat=True)
    ) == [5]


def test_rows_deleted_meanwhile_are_said_to_be_gone(worktable, owner, work):
    ids = add_rows(worktable, [{"x": 1.0}, {"x": 2.0}], by=owner)
    delete_rows(worktable, [ids[0]], by=owner)
    work()

    assert last(worktable).sentence() == "2 processed: 1 ok, 1 retired"


def test_an_update_that_finds_nothing_to_do_is_no_batch(worktable, owner, work):
    work()
    before = Batch.objects.count()

    update_table(worktable, by=owner)

    assert Batch.objects.count() == before


def test_lines_that_differ_in_names_and_numbers_only_are_one_group(worktable, owner, work):
    rows = add_rows(worktable, [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}], by=owner)
    work()
    batch = worktable.batches.first()
    for row_id, name in zip(rows, ("a.fits", "b.fits"), strict=False):
        BatchRow.objects.filter(batch=batch, row_id=row_id).update(
            state=5, line=f"“{name}” has {row_id} bytes", about=[]
        )

    (group,) = last(worktable).groups
    assert (group.line, group.n, group.rows) == ("“…” has … bytes", 2, list(rows[:2]))


def test_three_reasons_that_differ_in_names_only_are_one_line_and_two_stay_apart():
    reasons = {
        "x: 1 → 2, by Anna": 1,
        "x: 1 → 3, by Anna": 2,
        "no folder “a”": 1,
        "no folder “b”": 1,
        "no folder “c”": 2,
        "asked for by Anna": 9,
    }

    assert list(gather(reasons).items()) == [
        ("asked for by Anna", 9),
        ("no folder “…”", 4),
        ("x: 1 → 3, by Anna", 2),
        ("x: 1 → 2, by Anna", 1),
    ]


def test_reasons_that_speak_of_hidden_tables_are_not_told(family, owner, stranger, work):
    edit(family.fields, 1, "x", 13.0, owner)
    work()
    rerun_rows(family.sums, [1, 2], by=owner)
    work()

    assert "fields" in last(family.sums).groups[0].line
    (group,) = last(family.sums, stranger).groups
    assert group.line in INSTEAD.values()


def test_the_list_says_what_each_batch_says_of_itself(worktable, owner, work):
    ids = add_rows(worktable, [{"x": float(n)} for n in range(10, 16)] + [{}], by=owner)
    work()
    edit(worktable, ids[3], "x", 1.0, owner)
    edit(worktable, ids[0], "x", 13.0, owner)
    rerun_rows(worktable, ids, by=owner)
    work()
    rerun_rows(worktable, ids[:2], by=owner)  # not over
    batches = list(worktable.batches.select_related("worktable"))

    outlined = [(one.sentence(), one.comparison()) for one in outline(batches)]

    alone = [summarise(batch, owner) for batch in batches]
    assert outlined == [(one.sentence(), one.comparison()) for one in alone]
    assert outlined[1][1] == "1 newly failing, 1 mended"


def test_a_longer_list_of_batches_asks_no_more(client, worktable, owner, work):
    address = f"/worktables/{worktable.pk}/batches/"
    client.force_login(owner)
    asked = []
    for more in (3, 27):
        for _ in range(more):
            rerun_rows(worktable, [1, 2], by=owner)
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        asked.append(len(queries))

    assert asked[0] == asked[1]


def test_pages_and_api_show_a_batch_to_readers(client, worktable, owner, reader, stranger, work):
    add_rows(worktable, [{"x": 1.0}, {"x": 13.0}, {"x": 2.0}], by=owner)
    work()
    batch = worktable.batches.first()
    address = f"/worktables/{worktable.pk}/batches/"
    client.force_login(reader)

    assert "3 processed: 2 ok, 1 failed" in client.get(address).content.decode()
    shown = client.get(f"{address}{batch.pk}/").content.decode()
    assert "13 is unlucky" in shown
    assert f'href="/worktables/{worktable.pk}/rows/5/"' in shown
    told = client.get(f"/api/worktables/{worktable.pk}/batches/{batch.pk}/").json()
    assert told["sentence"] == "3 processed: 2 ok, 1 failed"
    assert told["groups"][0]["rows"] == [5]
    client.force_login(stranger)
    assert client.get(f"{address}{batch.pk}/").status_code == 404
