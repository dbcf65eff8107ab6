"""A piece of lineage in memory: cells, how each was made, and what was made from what. Pure."""

import dataclasses
from collections import defaultdict
from datetime import datetime

HIDDEN = "not visible to you"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A value that a cell has or had, or a collection of such values."""

    id: int
    kind: str
    table: str
    worktable_id: int
    row_id: int
    column: str
    digest: str
    visible: bool = True
    present: bool = False
    value: str = ""
    sha256: str = ""
    n: int = 0
    typed_by: str = ""
    typed_at: datetime | None = None

    @property
    def label(self):
        """What to call it: as short as it stays unmistakable."""
        if not self.visible:
            return HIDDEN
        if self.kind == "collection":
            return f"{self.table}.{self.column} of {self.n} rows"
        return f"{self.table} {self.row_id} · {self.column}"


@dataclasses.dataclass(frozen=True)
class Making:
    """A run, or the reuse of its result for another row."""

    key: str
    run_id: int
    step: str
    worktable_id: int
    row_id: int
    table: str = ""
    visible: bool = True
    reused: bool = False
    of_row: int = 0
    version: str = ""
    code: str = ""
    environment: str = ""
    python: str = ""
    parameters: dict = dataclasses.field(default_factory=dict)
    asked_by: str = ""
    worker: str = ""
    host: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def label(self):
        """What to call it."""
        if not self.visible:
            return HIDDEN
        return f"{'reused run' if self.reused else 'run'} {self.run_id} of {self.step}"

    @property
    def seconds(self):
        """How long it took, or None."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclasses.dataclass
class Lineage:
    """What was reached from some cells: backwards (what they were made from) or forwards (what was made of them).

    Parameters
    ----------
    starts : list of int
        The cells it was asked for.
    cells : dict of int → Cell
    makings : dict of str → Making
    used : list of (making key, cell id, role)
    generated : list of (making key, cell id, role)
    members : dict of int → list of int
        Collection → those of its members that are shown.
    folded : bool
        Whether there is more than is shown.
    """

    starts: list
    cells: dict
    makings: dict
    used: list
    generated: list
    members: dict
    direction: str = "back"
    folded: bool = False

    def __post_init__(self):
        self.inputs_of, self.outputs_of = defaultdict(list), defaultdict(list)
        self.maker_of, self.users_of, self.collections_of = {}, defaultdict(list), defaultdict(list)
        for making, cell, role in self.used:
            self.inputs_of[making].append((role, cell))
            self.users_of[cell].append(making)
        for making, cell, role in self.generated:
            self.outputs_of[making].append((role, cell))
            self.maker_of[cell] = making
        for collection, members in self.members.items():
            for member in members:
                self.collections_of[member].append(collection)

    def edges(self):
        """Return (from, to) pairs in the direction of time; cells by number, runs by key."""
        return (
            [(cell, making) for making, cell, _ in self.used]
            + [(making, cell) for making, cell, _ in self.generated]
            + [(member, collection) for collection, members in self.members.items() for member in members]
        )
