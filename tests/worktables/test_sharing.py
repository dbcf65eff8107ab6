"""Workers share their time between users: counted in batches, by a clock of the test's own."""

from collections import Counter
from contextlib import contextmanager
from itertools import accumulate

import pytest

from projects.sharing import share_with
from worktables.creating import describe_worktable
from worktables.editing import edit_cell
from worktables.making import update_table
from worktables.models import Todo, Worktable
from worktables.parameters import set_parameters
from worktables.queue.claiming import claim
from worktables.queue.draining import FIRST_BATCH, SHARES, drain, work_through
from worktables.queue.recovery import register_worker
from worktables.queue.sharing import Shares, Waiting
from worktables.rows import add_rows

pytestmark = pytest.mark.django_db
BATCH = 5


class Clock:
    """Stands still until somebody puts it forward."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


class Serving:
    """A worker that is watched: whom it serves with each batch, which takes as long as the test says."""

    def __init__(self):
        self.clock, self.worker = Clock(), register_worker("serving")
        self.shares = Shares(self.clock)

    def batches(self, n=None, cost=None):
        """Work through `n` batches, or all there are; return who asked for each."""
        served = []
        while n is None or len(served) < n:
            batch = claim(self.worker.token, lambda node: BATCH, shares=self.shares)
            if batch is None:
                break
            with self.shares.charged(batch):
                work_through(batch, self.worker)
                self.clock.seconds += (cost or {}).get(batch.asked_by, 1.0)
            served.append(batch.asked_by)
        return served


@pytest.fixture
def serving(db):
    return Serving()


def add(table, n, by, x=1.0):
    return add_rows(table, [{"x": x + number} for number in range(n)], by=by)


def leads(served, one, other):
    """Return by how many batches `one` was ahead of `other` after each batch."""
    return list(accumulate((user == one.pk) - (user == other.pk) for user in served))


def test_one_unit_is_served_at_once_behind_many(table_of, anna, bea, serving):
    add(table_of(anna), 200, anna)
    theirs = table_of(bea)
    serving.batches(7)
    add(theirs, 1, bea)

    served = serving.batches(4)

    assert served.count(bea.pk) == 2, "both steps of the row"
    assert not theirs.todo.exists()
    assert Todo.objects.filter(asked_by=anna.pk).count() > 300


def test_two_who_ask_for_as_much_progress_alike(table_of, anna, bea, serving):
    for user in (anna, bea):
        add(table_of(user), 50, user)

    served = serving.batches()

    assert Counter(served) == {anna.pk: 20, bea.pk: 20}
    assert max(map(abs, leads(served, anna, bea))) == 1
    assert not Todo.objects.exists()


def test_it_is_time_that_is_shared_not_batches(table_of, anna, bea, serving):
    for user in (anna, bea):
        add(table_of(user), 100, user)

    served = Counter(serving.batches(24, cost={anna.pk: 5.0, bea.pk: 1.0}))

    assert (served[anna.pk], served[bea.pk]) == (4, 20)


def test_three_share_in_one_table_too(table_of, make_user, anna, bea, serving):
    table, cleo = table_of(anna), make_user("cleo")
    for user in (bea, cleo):
        share_with(table.project, user, "owner", by=anna)
    for user in (anna, bea, cleo):
        add(table, 40, user)

    served = serving.batches(18)

    assert Counter(served) == {anna.pk: 6, bea.pk: 6, cleo.pk: 6}


def test_whoever_waits_for_nothing_leaves_all_to_others(table_of, anna, bea, serving):
    add(table_of(anna), 10, anna)
    theirs = table_of(bea)
    add(theirs, 100, bea)

    served = serving.batches()

    assert Counter(served[:8]) == {anna.pk: 4, bea.pk: 4}
    assert set(served[8:]) == {bea.pk}


def test_whoever_was_idle_is_not_favoured_for_it(table_of, anna, bea, serving):
    add(table_of(anna), 200, anna)
    theirs = table_of(bea)
    add(theirs, 1, bea)
    serving.batches(40)
    add(theirs, 100, bea)

    served = serving.batches(20)

    assert max(map(abs, leads(served, anna, bea))) <= 2


def test_what_somebody_used_while_alone_is_not_held_against_them(table_of, anna, bea, serving):
    table = table_of(anna)
    add(table, 200, anna)
    serving.batches()
    add(table_of(bea), 100, bea)
    serving.batches(1)
    add(table, 100, anna)

    assert Counter(serving.batches(10)) == {anna.pk: 5, bea.pk: 5}


def test_what_is_urgent_goes_first_whoever_asks(table_of, anna, bea, serving):
    table = table_of(anna)
    add(table, 100, anna)
    serving.batches()
    set_parameters(table, {"add.factor": 2.0}, by=anna)
    add(table_of(bea), 100, bea)
    for row_id in (80, 90):
        edit_cell(table, row_id, table.column("x"), -7.0, seen=float(row_id), editor=anna)
        serving.batches(1 if row_id == 80 else 0, cost={anna.pk: 100.0})

    assert claim(serving.worker.token, lambda node: 1, shares=serving.shares).claims.keys() == {90}


def test_who_cannot_be_served_now_does_not_hold_up_the_others(table_of, anna, bea, serving):
    """Bea asks for the second step of rows of which Anna's first is still to run."""
    table = table_of(anna)
    share_with(table.project, bea, "owner", by=anna)
    add(table, 50, anna)
    Todo.objects.filter(step__name="sign").update(asked_by=bea.pk)

    served = serving.batches()

    assert served[0] == anna.pk
    assert Counter(served) == {anna.pk: 10, bea.pk: 10}


def test_where_one_has_looked_at_length_in_vain_is_looked_last_for_a_while():
    clock = Clock()
    shares = Shares(clock)
    mine, yours, urgent = Waiting(1, 1, 1, 0, False), Waiting(2, 2, 1, 0, False), Waiting(3, 1, 1, 10, False)
    clock.seconds = 2.0

    shares.looked_in_vain(mine, since=0.0)
    shares.looked_in_vain(urgent, since=0.0)

    assert shares.in_turn([urgent, mine, yours]) == [urgent, yours, mine]
    clock.seconds = 22.0
    assert shares.in_turn([urgent, mine, yours]) == [urgent, mine, yours]


def test_looking_costs_a_tenth_at_most_of_what_is_computed(table_of, anna, bea, serving):
    """A look at what Bea waits for takes a second; what Anna asked for must run first, a batch at a time."""
    table = table_of(anna)
    add(table, 60, anna)
    Todo.objects.filter(step__name="sign").update(asked_by=bea.pk)
    looks = []

    class Slow(Shares):
        def looked_in_vain(self, each, since):
            looks.append(each)
            clock.seconds += 1.0
            super().looked_in_vain(each, since)

    clock = serving.clock
    serving.shares = Slow(clock)

    served = serving.batches(cost={anna.pk: 2.0})

    assert served.count(anna.pk) == 12
    assert sum(each.asked_by == bea.pk for each in looks) <= 1 + clock.seconds / 10
    assert not Todo.objects.exists()


def test_what_follows_from_a_result_is_asked_for_by_whoever_asked_for_it(family, work, make_user, owner):
    """Items that a list becomes, and what is below a table that is manual, are nobody's no more."""
    bea = make_user("bea")
    share_with(family.fields.project, bea, "owner", by=owner)
    work()
    describe_worktable(family.fields, by=owner, update="manual")
    edit_cell(family.fields, 1, family.fields.column("x"), 4.0, seen=2.0, editor=bea)
    asked = set()
    worker = register_worker("two")

    update_table(family.fields, by=bea)
    while batch := claim(worker.token, lambda node: 10):
        work_through(batch, worker)
        asked |= set(Todo.objects.values_list("asked_by", flat=True))

    assert asked == {bea.pk}


def test_a_process_remembers_only_whom_it_owes_something(table_of, anna, bea, serving):
    for user in (anna, bea):
        add(table_of(user), 20, user)
    serving.batches()
    add(Worktable.objects.get(project__slug="anna"), 50, anna)
    serving.batches()

    assert len(serving.shares._given) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("n_workers", [1, 3])
def test_workers_that_know_nothing_of_each_other_share_too(
    table_of, anna, bea, at_once, n_workers, settings, monkeypatch
):
    """Each has a connection and a clock of its own, as in a process or on a host of its own."""
    settings.WORKTABLES = settings.WORKTABLES | {"BATCH": BATCH}
    monkeypatch.setitem(FIRST_BATCH, "light", BATCH)
    for user in (anna, bea):
        add(table_of(user), 100, user)
    served = []

    ends = at_once(*[lambda: drain(register_worker(), shares=Watched(served))] * n_workers)

    assert sum(ends) == 400
    assert not Todo.objects.exists()
    assert len(served) >= 80
    assert max(map(abs, leads(served[:40], anna, bea))) <= 2 * n_workers


class Watched(Shares):
    """Shares that note who is served; every batch takes a second."""

    def __init__(self, served):
        super().__init__(Clock())
        self.served = served

    @contextmanager
    def charged(self, batch):
        self.served.append(batch.asked_by)
        with super().charged(batch):
            yield
            self.now.seconds += 1.0


def test_every_drain_of_a_process_shares_the_same_time(table_of, anna):
    add(table_of(anna), 3, anna)

    drain(register_worker())

    assert any(user == anna.pk for _, user in SHARES._given)
