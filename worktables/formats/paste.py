"""Rows pasted as text: checked cell by cell, so that either all of it fits or each misfit is named."""

from dataclasses import dataclass

from worktables.formats.errors import (
    BadCells,
    DuplicateColumns,
    FormatError,
    NothingPasted,
    UnknownColumn,
    WrongNumberOfCells,
)
from worktables.formats.fields import flat_columns
from worktables.formats.parsing import NUMBER, parse_cell
from worktables.formats.separated import records, separator_of

MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Problem:
    """A pasted cell that does not fit."""

    line: int
    column: str
    value: str
    detail: str


@dataclass(frozen=True)
class _Target:
    """Where the cells of a pasted column go: a field, or one coordinate of a position."""

    name: str
    field: object
    index: int
    part: int | None = None

    @property
    def is_half(self):
        return self.part is not None


def parse_pasted(text, fields):
    """Read CSV or tab-separated text as rows of the fields, in their order.

    A first line that names columns may leave some out, or change their order; without it every row has a cell
    for each field. A position is one cell, or two (`name_ra`, `name_dec` in degrees). An empty cell is None, `""`
    is empty text.

    Returns
    -------
    list of tuple

    Raises
    ------
    WrongNumberOfCells, UnknownColumn, BadCells, NothingPasted
        Each names line, column, value and remedy, where it has them.
    """
    fields = list(fields)
    lines = text.lstrip("\ufeff").splitlines()
    separator = separator_of(next((line for line in lines if line.strip()), ""))
    found = [(line, cells) for line, cells in records(text.lstrip("\ufeff"), separator, "pasted text")]
    found = [(line, cells) for line, cells in found if cells]
    if not found:
        raise NothingPasted()
    targets = _targets_of_header(found[0][1], fields)
    if targets:
        found = found[1:]
        if not found:
            raise NothingPasted()
    else:
        targets = _targets_by_number(found[0], fields)

    rows: list[tuple] = []
    problems: list[Problem] = []
    for line, cells in found:
        if len(cells) != len(targets):
            raise WrongNumberOfCells(line, len(cells), len(targets))
        rows.append(_row(line, cells, targets, fields, problems))
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise BadCells(problems)
    return rows


def _all_targets(fields):
    whole = [_Target(f.name, f, index) for index, f in enumerate(fields)]
    halves = [
        _Target(column.name, fields[column.index], column.index, column.part)
        for column in flat_columns(fields)
        if column.is_sky
    ]
    return whole, halves


def _targets_of_header(cells, fields):
    """What the first line names; None if it is a row."""
    whole, halves = _all_targets(fields)
    known = {target.name: target for target in whole + halves}
    names = [(cell or "").strip().lower() for cell in cells]
    unknown = [name for name in names if name not in known]
    if len(unknown) == len(names) or any(NUMBER.fullmatch(name) for name in names):
        return None
    if unknown:
        raise UnknownColumn(unknown[0], [target.name for target in whole])
    targets = [known[name] for name in names]
    seen = [
        (target.index, part) for target in targets for part in ([target.part] if target.is_half else (0, 1))
    ]
    if len(set(seen)) < len(seen):
        raise DuplicateColumns(
            sorted({t.name for t in targets if [u.index for u in targets].count(t.index) > 1})
        )
    for target in targets:
        if target.is_half and (target.index, 1 - target.part) not in seen:
            raise UnknownColumn(f"{target.name} without its other coordinate", [t.name for t in halves])
    return targets


def _targets_by_number(first, fields):
    line, cells = first
    whole, halves = _all_targets(fields)
    if len(cells) == len(whole):
        return whole
    flat = [half for target in whole for half in ([h for h in halves if h.index == target.index] or [target])]
    if len(cells) == len(flat):
        return flat
    raise WrongNumberOfCells(line, len(cells), len(whole))


def _row(line, cells, targets, fields, problems):
    row = [None] * len(fields)
    halves: dict[int, list] = {}
    for cell, target in zip(cells, targets, strict=True):
        if target.is_half:
            halves.setdefault(target.index, [None, None])[target.part] = cell
            continue
        row[target.index] = _value(line, cell, target.field, problems)
    for index, pair in halves.items():
        if any(pair):
            row[index] = _value(line, f"{pair[0] or ''} {pair[1] or ''}", fields[index], problems)
    return tuple(row)


def _value(line, cell, field, problems):
    if cell is None:
        return None
    if cell == "" and field.kind == "text":
        return ""
    try:
        return parse_cell(
            field.kind, cell, element=field.element, shape=field.shape, time_scale=field.time_scale
        )
    except FormatError as error:
        problems.append(Problem(line, field.name, cell, str(error)))
        return None
