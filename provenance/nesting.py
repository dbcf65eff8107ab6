"""A lineage as a nested list: each run is opened out once, and named where it comes up again. Pure."""

import dataclasses

from provenance.graph import Cell, Lineage, Making


@dataclasses.dataclass
class Step:
    """A run on the way: what it made (of what was asked about), and the branches it leads to."""

    making: Making
    cells: list[Cell]
    branches: list["Branch"]
    again: bool = False


@dataclasses.dataclass
class Branch:
    """A cell on the way, the part it played, and the runs and members (or collections) it leads to."""

    role: str
    cell: Cell
    steps: list[Step] = dataclasses.field(default_factory=list)
    members: list["Branch"] = dataclasses.field(default_factory=list)

    @property
    def n_more(self):
        """How many members of a collection are not shown."""
        return max(0, self.cell.n - len(self.members)) if self.members else 0


def nested(lineage: Lineage) -> list:
    """Return the lineage as nested branches, one for each cell it was asked for.

    Backwards, cells that one run made share its step: only the first has it opened out.
    """
    opened: set = set()
    walk = _backwards if lineage.direction == "back" else _forwards
    return [walk(lineage, cell, "", opened) for cell in lineage.starts]


def steps_of(lineage: Lineage) -> list[Step]:
    """Return the runs that made the cells it was asked for, each with those it made; backwards only."""
    opened: set = set()
    made: dict = {}
    for cell in lineage.starts:
        if cell in lineage.maker_of:
            made.setdefault(lineage.maker_of[cell], []).append(lineage.cells[cell])
    return [
        dataclasses.replace(_step(lineage, key, opened, _backwards, lineage.inputs_of), cells=cells)
        for key, cells in made.items()
    ]


def _backwards(lineage, cell, role, opened):
    maker = lineage.maker_of.get(cell)
    return Branch(
        role,
        lineage.cells[cell],
        [_step(lineage, maker, opened, _backwards, lineage.inputs_of)] if maker else [],
        [_backwards(lineage, member, "", opened) for member in lineage.members.get(cell, [])],
    )


def _forwards(lineage, cell, role, opened):
    return Branch(
        role,
        lineage.cells[cell],
        [
            _step(lineage, key, opened, _forwards, lineage.outputs_of)
            for key in lineage.users_of.get(cell, [])
        ],
        [_forwards(lineage, one, "", opened) for one in lineage.collections_of.get(cell, [])],
    )


def _step(lineage, key, opened, walk, ends):
    making = lineage.makings[key]
    if key in opened:
        return Step(making, [], [], again=True)
    opened.add(key)
    return Step(making, [], [walk(lineage, cell, role, opened) for role, cell in ends.get(key, [])])


def as_json(branch: Branch) -> dict:
    """Return a branch as a program gets it."""
    document = {"role": branch.role, **cell_as_json(branch.cell)}
    if branch.steps:
        document["runs"] = [step_as_json(step) for step in branch.steps]
    if branch.members:
        document["members"] = [as_json(member) for member in branch.members]
    return {name: value for name, value in document.items() if value not in ("", None)}


def cell_as_json(cell: Cell) -> dict:
    """Return a cell as a program gets it; of one that may not be seen, only that it is there."""
    if not cell.visible:
        return {"visible": False, "label": cell.label}
    document = {
        "entity": cell.id,
        "kind": cell.kind,
        "label": cell.label,
        "worktable": cell.worktable_id,
        "table": cell.table,
        "row": cell.row_id or None,
        "column": cell.column,
        "digest": cell.digest,
        "present": cell.present,
        "value": cell.value,
        "sha256": cell.sha256,
        "typed_by": cell.typed_by,
        "typed_at": cell.typed_at,
    }
    return document | ({"n": cell.n, "present": None} if cell.kind == "collection" else {})


def step_as_json(step: Step) -> dict:
    """Return a run as a program gets it, with where it leads."""
    making = step.making
    if not making.visible:
        return {"visible": False, "label": making.label}
    document = {
        "run": making.run_id or None,
        "label": making.label,
        "step": making.step,
        "table": making.table,
        "worktable": making.worktable_id,
        "row": making.row_id,
        "reused": making.reused,
        "version": making.version,
        "code": making.code,
        "environment": making.environment,
        "parameters": making.parameters,
        "asked_by": making.asked_by,
        "worker": making.worker,
        "host": making.host,
        "started_at": making.started_at,
        "finished_at": making.finished_at,
    }
    if step.again:
        document = {"run": making.run_id or None, "label": making.label, "again": True}
    else:
        document["cells"] = [as_json(branch) for branch in step.branches]
    return {name: value for name, value in document.items() if value not in ("", None)}
