"""Several at once: edits, claims and results that cross each other end as if they had come one by one."""

import threading

import pytest

from pipelines.contract import Port
from pipelines.models import Pipeline
from pipelines.registry import step
from tests.worktables import toys
from worktables.creating import create_worktable
from worktables.editing import edit_cell
from worktables.errors import EditConflict
from worktables.linking import collect
from worktables.models import Change, Todo
from worktables.queue import claiming, recovery
from worktables.queue.claiming import claim
from worktables.queue.draining import batch_size, work_through
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20  # seconds; only a failing test waits so long


@step(
    "toy_largest",
    inputs=[Port("least", "float"), Port("numbers", "float", many=True)],
    outputs=[Port("largest", "float")],
)
def toy_largest(inputs, parameters, context):
    """Return the largest of the collected numbers, or the least there may be."""
    return {"largest": max([inputs["least"], *inputs["numbers"]])}


LARGEST = {
    "steps": [
        {
            "name": "largest",
            "step": "toy_largest",
            "inputs": {"least": "least", "numbers": "members.total"},
            "outputs": {"largest": "largest"},
        }
    ]
}


@pytest.fixture
def totals(project, owner):
    """numbers (total = x + y), of which a row of another table collects the largest total."""
    adding = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    collects = Pipeline.objects.create(name="toy_largest", title="Toy largest", graph=LARGEST)
    numbers = create_worktable(project, "numbers", creator=owner, pipeline=adding)
    collecting = create_worktable(project, "collecting", creator=owner, pipeline=collects)
    collect(numbers, collecting, name="members", by=owner)
    add_rows(numbers, [{"x": 1.0}, {"x": 2.0}], by=owner)
    add_rows(collecting, [{"least": 0.0}], by=owner)
    numbers.refresh_from_db()
    collecting.refresh_from_db()
    return numbers, collecting


def test_of_two_edits_of_one_cell_exactly_one_wins(worktable, owner, at_once, cells):
    column = worktable.column("x")

    for number in range(10):
        seen = cells(worktable, "x")[1][0]
        mine, yours = 100.0 + number, 200.0 + number
        ends = at_once(
            lambda seen=seen, mine=mine: edit_cell(worktable, 1, column, mine, seen=seen, editor=owner),
            lambda seen=seen, yours=yours: edit_cell(worktable, 1, column, yours, seen=seen, editor=owner),
        )

        [refused] = [end for end in ends if isinstance(end, Exception)]
        assert isinstance(refused, EditConflict)
        winner = yours if refused is ends[0] else mine
        assert cells(worktable, "x")[1] == (winner,)
        assert (refused.seen, refused.present) == (seen, winner), "the refused one sees both values"
    assert Change.objects.filter(worktable=worktable, action="edit").count() == 10


def test_edits_of_different_cells_of_a_row_never_conflict(worktable, owner, at_once, cells):
    def type_in(name, first):
        column, seen = worktable.column(name), first
        for number in range(15):
            edit_cell(worktable, 1, column, float(number + 10), seen=seen, editor=owner)
            seen = float(number + 10)

    ends = at_once(lambda: type_in("x", 1.0), lambda: type_in("y", 2.0), lambda: type_in("factor", None))

    assert ends == [None, None, None]
    assert cells(worktable, "x", "y", "factor")[1] == (24.0, 24.0, 24.0)


def test_two_workers_never_claim_the_same_unit(project, owner, at_once):
    pipeline = Pipeline.objects.create(name="toy", title="Toy", graph=toys.FIELD)
    table = create_worktable(project, "fields", creator=owner, pipeline=pipeline)
    add_rows(table, [{"x": float(number)} for number in range(300)], by=owner)

    def take():
        worker, taken = recovery.register_worker(), []
        while batch := claim(worker.token, lambda node: 7):
            taken += list(batch.claims)
        return taken

    one, other = at_once(take, take)

    assert sorted(one + other) == list(range(1, 301))


def test_an_edit_while_somebody_claims_what_collects_it_is_not_overlooked(
    totals, owner, at_once, work, cells, monkeypatch
):
    """The collected rows were settled when they were looked at, and stale when the claim was made."""
    numbers, collecting = totals
    work()
    edit_cell(collecting, 1, collecting.column("least"), 0.5, seen=0.0, editor=owner)
    looked, edited = threading.Event(), threading.Event()
    look = claiming.waits_for_a_table

    def look_and_be_slow(graph, node):
        waits = look(graph, node)
        if node.worktable_id == collecting.pk:
            looked.set()
            edited.wait(0.5)  # without the project in hand the edit comes in between here
        return waits

    def edit_meanwhile():
        assert looked.wait(PATIENCE)
        edit_cell(numbers, 1, numbers.column("x"), 10.0, seen=1.0, editor=owner)
        edited.set()

    def claim_and_work():
        worker = recovery.register_worker()
        while batch := claim(worker.token, batch_size):
            work_through(batch, worker)

    monkeypatch.setattr(claiming, "waits_for_a_table", look_and_be_slow)
    assert at_once(claim_and_work, edit_meanwhile) == [None, None]
    monkeypatch.undo()
    work()

    assert cells(collecting, "largest") == {1: (10.0,)}
    assert not Todo.objects.exists()


def test_tasks_in_threads_of_one_process_do_not_give_back_what_others_hold(worktable, at_once):
    """As in “celery --pool threads”, and when the main process works beside its pool."""
    claimed, given_back = threading.Event(), threading.Event()

    def hold():
        batch = claim(recovery.this_worker().token, lambda node: 2)
        claimed.set()
        given_back.wait(PATIENCE)
        return Todo.objects.filter(owner=batch.owner).count()

    def end():
        claimed.wait(PATIENCE)
        recovery.give_back(recovery.this_worker())
        given_back.set()

    assert at_once(hold, end) == [2, None]
