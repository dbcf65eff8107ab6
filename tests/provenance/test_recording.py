"""What a batch leaves behind, in how many queries, and that nothing is kept without it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipelines.fingerprints import digest_of
from pipelines.models import Run
from provenance import receivers
from provenance.models import Association, Attribution, Entity, Generated, Member, Used
from provenance.recording import record_runs
from worktables.editing import edit_cell
from worktables.queue.reading import Source
from worktables.queue.settling import Trace
from worktables.rows import add_rows
from worktables.updating import rerun_rows


def used_by(run):
    return {(one.role, one.entity.name, one.entity.row_id) for one in Used.objects.filter(run=run)}


def test_a_run_leaves_what_it_used_and_generated(worktable, work):
    work()

    run = Run.objects.get(worktable_id=worktable.pk, row_id=1, step_name="add")
    assert used_by(run) == {("x", "fields.x", 1), ("y", "fields.y", 1), ("factor", "fields.factor", 1)}
    made = Generated.objects.get(run=run)
    assert made.entity.digest == digest_of("float", 3.0)
    assert (made.role, made.entity.name, made.entity.kind) == ("total", "fields.total", "cell")


def test_whoever_asked_for_a_run_is_its_agent(worktable, work, owner):
    work()
    rerun_rows(worktable, [1], by=owner)
    work()

    asked = Association.objects.filter(run__row_id=1, run__step_name="add").latest("run_id")
    assert (asked.agent, asked.agent_name, asked.role) == (owner, "owner", "asked")


def test_an_edit_is_attributed_to_whoever_typed_it(worktable, work, owner):
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)
    work()

    typed = Attribution.objects.get()
    assert (typed.agent, typed.agent_name) == (owner, "owner")
    assert typed.entity.digest == digest_of("float", 4.0)
    assert Used.objects.filter(entity=typed.entity, run__row_id=1, role="x").exists()


def test_an_agent_s_name_outlives_the_account(worktable, work, owner, make_user, project):
    from projects.sharing import share_with

    guest = make_user("guest")
    share_with(project, guest, "owner", by=owner)
    edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=guest)
    work()

    guest.delete()

    assert Attribution.objects.get().agent_name == "guest"


def test_no_output_without_provenance(worktable, work, monkeypatch, cells):
    def broken(*arguments):
        raise OSError("the disk of the recorder is full")

    monkeypatch.setattr(receivers, "record_runs", broken)

    with pytest.raises(OSError, match="recorder"):
        work()
    assert set(cells(worktable, "total").values()) == {(None,)}
    assert not Run.objects.exists()


def test_no_edit_without_attribution(worktable, owner, monkeypatch, cells):
    def broken(*arguments):
        raise OSError("the disk of the recorder is full")

    monkeypatch.setattr(receivers, "record_edit", broken)

    with pytest.raises(OSError, match="recorder"):
        edit_cell(worktable, 1, worktable.column("x"), 4.0, seen=1.0, editor=owner)
    assert cells(worktable, "x")[1] == (1.0,)


def test_many_collected_values_are_one_entity_whose_members_are_written_once(family, work, owner):
    work()

    collection = Entity.objects.get(kind="collection", name="items.flux", members__entity__row_id=3)
    assert Member.objects.filter(collection=collection).count() == 4, (
        "fields 2 and 3 make 3 + 1 items of band b"
    )
    before = Member.objects.count()

    edit_cell(family.sums, 2, family.sums.column("least"), 1.0, seen=2.0, editor=owner)
    work()

    assert Used.objects.filter(entity=collection, role="fluxes").count() == 2
    assert Member.objects.count() == before


def test_a_list_cell_is_a_file(family, work):
    work()

    assert set(Entity.objects.filter(name="fields.items").values_list("kind", flat=True)) == {"file"}


def test_a_file_is_recognised_by_its_hash(family, work, cells):
    work()
    sha256 = cells(family.fields, "items")[1][0]

    found = Entity.objects.of_file(sha256)

    assert {(one.name, one.row_id) for one in found} == {("fields.items", 1)}


@pytest.mark.parametrize("n", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_batch(worktable, work, owner, n):
    """Which entities are known, numbers for new ones; entities, used, generated, agents."""
    work()
    runs = list(Run.objects.filter(step_name="add"))[:1] * n
    x, total = worktable.column("x").pk, worktable.column("total").pk
    traces = [
        Trace(
            run,
            [Source("x", worktable.pk, 1000 + number, x, f"{number:032x}")],
            [Source("total", worktable.pk, 1000 + number, total, f"{number:032x}")],
        )
        for number, run in enumerate(runs)
    ]
    assert all(run.asked_by for run in runs)
    Association.objects.all().delete()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        record_runs(worktable, traces)

    assert len(queries) == 6
    assert Generated.objects.filter(entity__row_id__gte=1000).count() == n


def test_the_same_value_is_recorded_once(worktable, work, owner):
    work()
    n = Entity.objects.count()

    rerun_rows(worktable, [1], by=owner)
    work()

    assert Entity.objects.count() == n
    assert Generated.objects.filter(entity__row_id=1, role="total").count() == 2


def test_text_of_all_kinds_survives_as_a_role_and_a_name(worktable, work, owner):
    """Quotes, percent signs and line ends go through the bulk statement as they are."""
    work()
    run = Run.objects.first()
    role = "a'b\"c%s\n\\"

    record_runs(
        worktable, [Trace(run, [Source(role, worktable.pk, 1, worktable.column("x").pk, "0" * 32)], [])]
    )

    assert Used.objects.filter(run=run, role=role).exists()


def test_a_wide_batch_is_recorded_whole(worktable, work, owner):
    add_rows(worktable, [{"x": float(number)} for number in range(20, 420)], by=owner)
    work()

    assert Generated.objects.filter(role="total").values("entity__row_id").distinct().count() == 403
