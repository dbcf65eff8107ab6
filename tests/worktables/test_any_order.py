"""Any edits, in any order, with a worker that stops anywhere: in the end every cell is what Python says."""

import math
import random

import pytest

from worktables.creating import delete_worktable, describe_worktable, restore_worktable
from worktables.editing import edit_cell, undo
from worktables.errors import WorktableError
from worktables.holding import hold_rows, release_rows
from worktables.making import update_table
from worktables.models import Change, Hold, State, Todo, Unit, Worktable
from worktables.parameters import set_parameters
from worktables.queue.claiming import claim
from worktables.queue.draining import work_through
from worktables.queue.recovery import give_back, register_worker
from worktables.rows import add_rows, delete_rows, duplicate_rows, restore_rows
from worktables.storage import layout_of
from worktables.updating import rerun_rows, state_counts

ROUNDS, OPERATIONS = 5, 25
XS = [None, 0.0, 1.0, 2.0, 3.0, 4.0, 13.0]
BANDS = [None, "a", "b", "c"]
PLACES = [None, (0.0, 5.0), (0.002, 5.0), (10.0, 5.0), (10.004, 5.0), (20.0, 5.001), (40.0, 5.0)]
BUSY = (State.STALE, State.HELD)


# ------------------------------------------------------------------ what should be there


def rows_of(table, *names):
    """Return the present rows of a table: {id: (row, the values of these columns)}."""
    table.refresh_from_db()
    layout = layout_of(table)
    rows = layout.rows.exclude(state=State.RETIRED).order_by("id")
    return {row.id: (row, *(layout.value(layout.by_name[name], row) for name in names)) for row in rows}


def arcsec(one, other):
    """Return a separation on the sky, by the length of the chord."""
    vectors = []
    for ra, dec in (one, other):
        r, d = math.radians(ra), math.radians(dec)
        vectors.append((math.cos(d) * math.cos(r), math.cos(d) * math.sin(r), math.sin(d)))
    return math.degrees(2 * math.asin(math.dist(*vectors) / 2)) * 3600


def expected(family):
    """Compute the whole family anew, from what people typed alone."""
    family.fields.refresh_from_db()
    table_factor = family.fields.parameters.get("add.factor", 1.0)
    fields, items, failed = {}, [], []
    for row_id, (_, x, y, factor, band) in rows_of(family.fields, "x", "y", "factor", "band").items():
        if x is None:
            fields[row_id] = "empty", None
        elif x == 13:
            fields[row_id] = "failed", None
            failed.append(band)
        else:
            total = (x + (y or 0.0)) * (table_factor if factor is None else factor)
            fields[row_id] = "fresh", total
            items += [(row_id, band, (10.0 * k, 5.0), k + 1.0) for k in range(int(abs(total)))]
    stars = [found[1:] for found in rows_of(family.stars, "name", "place").values()]
    looked_up = []
    for parent, band, place, flux in items:
        near = [(arcsec(place, there), name) for name, there in stars if there and arcsec(place, there) <= 60]
        separation, name = min(near, key=lambda found: round(found[0], 6), default=(None, None))
        looked_up.append((parent, band, place, flux, name, separation and round(separation, 5)))
    sums = {}
    for row_id, (_, band, least) in rows_of(family.sums, "band", "least").items():
        if band is not None and band in failed:
            sums[row_id] = "blocked", "?", "?"
        elif least is None:
            sums[row_id] = "empty", None, None
        else:
            kept = [flux for _, of, _, flux in items if of is not None and of == band and flux >= least]
            sums[row_id] = "fresh", len(kept), float(sum(kept))
    return fields, sorted(looked_up, key=repr), sums


def check(family):
    """Compare every cell, unit and row with what it should be."""
    fields, items, sums = expected(family)
    assert not Todo.objects.exists()
    assert not Unit.objects.filter(state__in=BUSY).exists()
    found = rows_of(family.fields, "total")
    label = {row_id: State(row.state).label for row_id, (row, _) in found.items()}
    assert {row_id: (label[row_id], total) for row_id, (_, total) in found.items()} == fields
    broken = {row_id for row_id, (state, _) in fields.items() if state == "failed"}
    present = rows_of(family.items, "band", "place", "flux", "star", "separation")
    assert {row.state for row, *_ in present.values() if row.parent_id in broken} <= {State.BLOCKED}
    assert {row.state for row, *_ in present.values() if row.parent_id not in broken} <= {State.FRESH}
    looked_up = [
        (row.parent_id, band, place, flux, star, separation and round(separation, 5))
        for row, band, place, flux, star, separation in present.values()
        if row.parent_id not in broken
    ]
    assert sorted(looked_up, key=repr) == items
    summed = {}
    for row_id, (row, n, total) in rows_of(family.sums, "n", "total").items():
        state = State(row.state).label
        summed[row_id] = (state, "?", "?") if state == "blocked" else (state, n, total)
    assert summed == sums
    for table in vars(family).values():
        check_states(table)


def check_states(table):
    """A row's state is the worst of its units' and of the expansion it comes from; the counts are counts."""
    rows = layout_of(table).rows.exclude(state=State.RETIRED)
    units = {}
    for unit in Unit.objects.filter(worktable=table):
        units.setdefault(unit.row_id, []).append(unit.state)
    parents = dict(
        Unit.objects.filter(step__link__target=table, step__kind="expand").values_list("row_id", "state")
    )
    for row in rows:
        above = parents.get(row.parent_id, State.FRESH)
        worst = max([*units.get(row.id, [State.FRESH]), State.BLOCKED if above == State.FAILED else above])
        assert row.state == worst, f"{table} {row.id}"
    assert Worktable.objects.get(pk=table.pk).n_rows == len(rows)
    counts = state_counts([table])[table.pk]
    assert sum(number for state, number in counts.items() if state != "retired") == len(rows)


# ------------------------------------------------------------------ what people and workers do


class Play:
    """A family of tables, the people who edit it, and a worker with some batches in its hands."""

    cells = {  # of each table that people edit: its columns, and what they type there
        "fields": [
            ("x", XS),
            ("x", XS),
            ("y", [None, 1.0, -2.0]),
            ("factor", [None, 2.0]),
            ("band", BANDS),
        ],
        "stars": [("place", PLACES), ("name", ["Zero", "Other"])],
        "sums": [("band", BANDS), ("least", [None, 0.0, 2.0])],
    }
    first = {"fields": {}, "stars": {"name": "New"}, "sums": {"least": 0.0}}
    computed = "fields", "items", "sums"
    made = ("items",)  # by links, so that people add and delete no rows there
    parametrised = "fields"

    def __init__(self, family, by):
        self.family, self.by = family, by
        self.worker, self.held = register_worker("player"), []
        self.told = []

    def do(self, kind, *dice):
        """Do one thing; the dice (0 to 1) say to which of what is there."""
        self.dice = list(dice)
        try:
            self.told.append((kind, getattr(self, kind)()))
        except WorktableError as refused:
            self.told.append((kind, type(refused).__name__))

    def pick(self, choices):
        """Return one of these, or None."""
        choices = list(choices)
        return choices[int(self.dice.pop(0) * len(choices))] if choices else None

    def table(self, *names):
        """Return a table that is not in the trash."""
        tables = [table for name, table in vars(self.family).items() if not names or name in names]
        for table in tables:
            table.refresh_from_db()
        return self.pick([table for table in tables if table.deleted_at is None])

    def rows(self, table, *, deleted=False):
        """Return the ids of rows, people's eyes see them or the trash has them."""
        model = layout_of(table).model.objects.exclude(state=State.RETIRED)
        return list(model.filter(deleted_at__isnull=not deleted).order_by("id").values_list("id", flat=True))

    def edited(self):
        """Return a table that people add rows to, and delete rows of."""
        return self.table(*(name for name in self.cells if name not in self.made))

    def edit(self):
        table = self.table(*self.cells)
        row_id = table and self.pick(self.rows(table))
        if row_id is None:
            return None
        name, values = self.pick(self.cells[table.name])
        layout = layout_of(table)
        column, value = layout.by_name[name], self.pick(values)
        seen = layout.value(column, layout.rows.get(id=row_id))
        edit_cell(table, row_id, column, value, seen=seen, editor=self.by)
        return table.name, row_id, name, value

    def add(self):
        table = self.edited()
        if table is None:
            return None
        row = {
            name: self.pick(values) for name, values in dict(self.cells[table.name]).items() if len(self.dice)
        }
        row |= self.first[table.name]
        return table.name, row, add_rows(table, [row], by=self.by)

    def delete(self):
        table = self.edited()
        row_id = table and self.pick(self.rows(table))
        return table and (table.name, row_id, delete_rows(table, [row_id], by=self.by) if row_id else 0)

    def restore(self):
        table = self.edited()
        ids = table and self.rows(table, deleted=True)
        return table and (table.name, ids, restore_rows(table, ids, by=self.by))

    def duplicate(self):
        table = self.edited()
        row_id = table and self.pick(self.rows(table))
        return table and (table.name, row_id, duplicate_rows(table, [row_id], by=self.by) if row_id else 0)

    def undo(self):
        change = self.pick(
            Change.objects.filter(worktable__deleted_at=None).exclude(worktable__name__in=self.made)[:8]
        )
        if change is None:
            return None
        undo(change, by=self.by)
        return change.worktable.name, str(change), change.old, change.new

    def parameters(self):
        table = self.table(self.parametrised)
        value = self.pick([{}, {"add.factor": 2.0}, {"add.factor": -1.0}])
        return value, table and set_parameters(table, value, by=self.by)

    def rerun(self):
        table = self.table(*self.computed)
        row_id = table and self.pick(self.rows(table))
        return table and (table.name, row_id, rerun_rows(table, [row_id], by=self.by) if row_id else 0)

    def update(self):
        table = self.table()
        return table and (table.name, update_table(table, by=self.by).n_rows_to_do)

    def policy(self):
        table, update = self.table(), self.pick(["auto", "manual"])
        return table and (table.name, describe_worktable(table, update=update, by=self.by).update)

    def trash(self):
        table = self.table()
        return table and (table.name, delete_worktable(table, by=self.by))

    def untrash(self):
        table = self.pick(table for table in vars(self.family).values() if table.deleted_at)
        return table and (table.name, restore_worktable(table, by=self.by))

    def hold(self):
        table = self.table()
        row_id = table and self.pick([None, *self.rows(table)])
        return table and (table.name, row_id, hold_rows(table, row_id and [row_id], "wait", by=self.by))

    def release(self):
        table = self.table()
        row_id = table and self.pick([None, *self.rows(table)])
        return table and (table.name, row_id, release_rows(table, row_id and [row_id], by=self.by))

    def claim(self, limit):
        """Claim a portion of work, in which nothing may be held."""
        batch = claim(self.worker.token, lambda node: limit)
        if batch is not None:
            holds = Hold.objects.filter(worktable=batch.worktable).values_list("row_id", flat=True)
            assert not set(holds) & {None, *batch.claims}
        return batch

    def take(self):
        limit = self.pick([1, 2, 5])
        batch = self.claim(limit)
        self.held += [batch] if batch else []
        return batch and (batch.worktable.name, batch.node.name, sorted(batch.claims))

    def bring(self):
        batch = self.pick(self.held)
        if batch is None:
            return None
        self.held.remove(batch)
        return batch.worktable.name, batch.node.name, sorted(batch.claims), work_through(batch, self.worker)

    def lose(self):
        self.held.clear()
        give_back(self.worker)

    def drain(self):
        limit, number = self.pick([1, 3, 50]), self.pick([1, 3, 10, 1000])
        while number and (batch := self.claim(limit)):
            work_through(batch, self.worker)
            number -= 1
        return number

    def end(self):
        """Put everything right that people may leave open, bring what is held, and drain."""
        for table in vars(self.family).values():
            table.refresh_from_db()
            if table.deleted_at:
                restore_worktable(table, by=self.by)
            describe_worktable(table, update="auto", by=self.by)
            release_rows(table, None, by=self.by)
        for batch in self.held:
            work_through(batch, self.worker)
        while batch := claim(self.worker.token, lambda node: 50):
            work_through(batch, self.worker)


KINDS = {
    "edit": 10, "add": 2, "delete": 2, "restore": 2, "duplicate": 1, "undo": 4, "parameters": 1, "rerun": 1,
    "update": 2, "policy": 2, "trash": 1, "untrash": 2, "take": 4, "bring": 4, "lose": 1, "drain": 4,
}  # fmt: skip


WITH_HOLDS = {**KINDS, "hold": 5, "release": 3}


def score_of(seed, length, weights=KINDS):
    """Return what is played for a seed: [(kind, dice ...)]."""
    dice = random.Random(seed)
    kinds = dice.choices(list(weights), weights.values(), k=length)
    return [(kind, *(dice.random() for _ in range(6))) for kind in kinds]


def play(family, by, score, player=Play, check=check):
    """Play a score, and check what it ends in."""
    player = player(family, by)
    for kind, *dice in score:
        player.do(kind, *dice)
    player.end()
    try:
        check(family)
    except AssertionError as wrong:
        told = "\n".join(str(each) for each in player.told)
        raise AssertionError(f"{wrong}\n{told}") from None


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_in_the_end_every_cell_is_what_it_should_be(seed, family, owner):
    play(family, owner, score_of(seed, OPERATIONS))


@pytest.mark.parametrize("seed", range(100, 100 + ROUNDS))
def test_what_is_held_never_runs_and_once_released_is_what_it_should_be(seed, family, owner):
    play(family, owner, score_of(seed, 2 * OPERATIONS, WITH_HOLDS))
